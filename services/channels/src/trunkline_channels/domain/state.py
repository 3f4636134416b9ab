"""The state of one partition: entry points, hooks, contacts, which peer holds and which supervisor monitors which.

Owns: that a row is found only by its own tenant, and that the indexes follow the rows.
"""

from dataclasses import dataclass

from trunkline_core.errors import NotFound
from trunkline_core.hours import HoursDefinition
from trunkline_core.tables import Journal, Table
from trunkline_core.timers import Timers
from trunkline_core.treatments import QueueTreatment
from trunkline_core.webhooks import HookDefinition

from trunkline_channels.domain.commands import TimerCommand
from trunkline_channels.domain.contact import Contact
from trunkline_channels.domain.shelves import Shelves
from trunkline_channels.domain.words import EntryPointDefinition


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """An entry point and whose it is."""

    tenant: str
    definition: EntryPointDefinition


class ChannelsState:
    """Tables of one partition; all share one journal."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.timers: Timers[TimerCommand] = Timers(self.journal)
        self.entry_points: Table[str, EntryPoint] = Table(self.journal)
        self.hooks: Table[tuple[str, str], HookDefinition] = Table(self.journal)  # by tenant and hook id
        self.treatments: Table[tuple[str, str], QueueTreatment] = Table(self.journal)  # by tenant and queue id
        self.hours: Table[tuple[str, str], HoursDefinition] = Table(self.journal)  # by tenant and hours id
        self.contacts: Table[str, Contact] = Table(self.journal)
        self.conversations: Table[str, str] = Table(self.journal)  # open contacts of hooks, by address token
        self.held = Shelves(self.journal)  # contact ids by `tenant/peer`, as long as the peer's loss would matter
        self.monitored = Shelves(self.journal)  # contact ids by `tenant/supervisor`

    def contact(self, contact_id: str, tenant: str) -> Contact:
        """Return the tenant's contact. Raises: NotFound."""
        row = self.contacts.get(contact_id)
        if row is None or row.tenant != tenant:
            raise NotFound("contact", contact_id)
        return row

    def entry_point(self, entry_point_id: str, tenant: str) -> EntryPointDefinition:
        """Return the tenant's entry point. Raises: NotFound."""
        row = self.entry_points.get(entry_point_id)
        if row is None or row.tenant != tenant:
            raise NotFound("entry_point", entry_point_id)
        return row.definition

    def hook(self, hook_id: str, tenant: str) -> HookDefinition:
        """Return the tenant's hook; a disabled one looks like none. Raises: NotFound."""
        row = self.hooks.get((tenant, hook_id))
        if row is None or row.disabled:
            raise NotFound("hook", hook_id)
        return row

    def put(self, contact: Contact) -> None:
        """Insert or replace a contact."""
        before = self.contacts.get(contact.contact_id)
        self._reindex(contact.contact_id, before, contact)
        self.contacts.put(contact.contact_id, contact)

    def drop(self, contact_id: str) -> None:
        """Remove a contact that may or may not be there."""
        if row := self.contacts.get(contact_id):
            self._reindex(contact_id, row, None)
            self.contacts.delete(contact_id)

    def _reindex(self, contact_id: str, before: Contact | None, after: Contact | None) -> None:
        _shelve(self.held, contact_id, _holder(before), _holder(after))
        _shelve(self.monitored, contact_id, _monitor(before), _monitor(after))
        old, new = _conversation(before), _conversation(after)
        if new and not old:
            self.conversations.put(new, contact_id)
        elif old and not new:
            self.conversations.delete(old)


def holder_key(tenant: str, peer_id: str) -> str:
    """Return the name of the shelf of a peer, or of a supervisor."""
    return f"{tenant}/{peer_id}"


def holder_of(key: str) -> tuple[str, str]:
    """Return (tenant, peer or supervisor) of a shelf."""
    tenant, _, peer_id = key.partition("/")
    return tenant, peer_id


def _holder(contact: Contact | None) -> str:
    if contact is None or contact.is_over or not contact.is_attached or contact.is_by_messages:
        return ""
    return holder_key(contact.tenant, contact.peer_id)


def _monitor(contact: Contact | None) -> str:
    if contact is None or contact.monitoring is None:
        return ""
    return holder_key(contact.tenant, contact.monitoring.supervisor_id)


def _shelve(shelves: Shelves, contact_id: str, old: str, new: str) -> None:
    if old == new:
        return
    if old:
        shelves.remove(old, contact_id)
    if new:
        shelves.add(new, contact_id)


def _conversation(contact: Contact | None) -> str:
    return contact.address_token if contact is not None and contact.is_by_messages and not contact.is_over else ""
