"""What edges ask for, in clear: seals it, finds the contact, and sends the command to its owner.

Owns: that personal data is sealed before a command exists, and not for a request that is refused anyway: sealing makes
the person a data key where there is none; that a repeated request is recognised by its clear payload;
which option typed words choose. Must not: trust a request's tenant: it comes with the caller.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from trunkline_core.errors import Invalid, NotFound
from trunkline_core.ids import check_id, time_of
from trunkline_core.sealed import Sealed
from trunkline_ledger.core.window import check_age
from trunkline_platform.credentials import Principal

from trunkline_channels.application.steps import ChannelsLedger
from trunkline_channels.domain import commands
from trunkline_channels.domain.addresses import caller_identity
from trunkline_channels.domain.callbacks import takes_offer
from trunkline_channels.domain.checks import check_attributes, check_locale, check_text
from trunkline_channels.domain.commands import Command
from trunkline_channels.domain.contact import Contact
from trunkline_channels.domain.identity import derive_contact_id, partition_token
from trunkline_channels.domain.matching import match
from trunkline_channels.domain.menus import takes_option
from trunkline_channels.domain.state import EntryPoint
from trunkline_channels.domain.words import Author, Channel, CloseReason

MAX_ADDRESS = 256
FOLD_WAIT_S = 0.5
FOLD_POLL_S = 0.02


class Commander(Protocol):
    """Sends a command to the owner of its contact."""

    async def send(self, command: Command, caller: Principal, command_id: str, payload_hash: bytes) -> str:
        """Return the contact that it changed, once that is durable; empty for none. Raises: TrunklineError."""
        ...


class Sealing(Protocol):
    """Sealing and tokens; see trunkline_platform.sealing."""

    async def seal(self, owner: str, tenant: str, text: str) -> Sealed: ...
    def token(self, tenant: str, text: str) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A customer who comes in; `address` is in clear."""

    entry_point_id: str
    address: str
    attributes: Mapping[str, str]
    locale: str
    peer_id: str


class Reception:
    """The requests of gateways and chat pages."""

    def __init__(self, ledger: ChannelsLedger, commander: Commander, sealing: Sealing) -> None:
        self._ledger = ledger
        self._commander = commander
        self._sealing = sealing

    # -- finding -----------------------------------------------------------------------------------

    def entry_point(self, entry_point_id: str) -> EntryPoint:
        """Return the entry point and whose it is. Raises: NotFound."""
        for partition in self._ledger.partitions:
            found = self._ledger.state(partition).entry_points.get(entry_point_id)
            if found is not None:
                return found
        raise NotFound("entry_point", entry_point_id)

    async def _known_entry_point(self, entry_point_id: str) -> EntryPoint:
        """As `entry_point`, but NotFound is for good. Raises: Transient where this replica cannot tell."""
        try:
            return self.entry_point(entry_point_id)
        except NotFound:
            await self._ledger.reach_end()
            return self.entry_point(entry_point_id)

    async def contact(self, contact_id: str, tenant: str) -> Contact:
        """Return the tenant's contact as this replica knows it. Raises: NotFound, Invalid, Transient."""
        partition = self._ledger.partition_of(partition_token(contact_id))
        row = await self._ledger.read(partition, lambda state: state.contacts.get(contact_id))
        if row is None or row.tenant != tenant:
            raise NotFound("contact", contact_id)
        return row

    async def known(self, contact_id: str, tenant: str) -> Contact:
        """As `contact`, but NotFound is for good: this replica had read all that stood on the log."""
        try:
            return await self.contact(contact_id, tenant)
        except NotFound:
            await self._ledger.reach_end(self._ledger.partition_of(partition_token(contact_id)))
            return await self.contact(contact_id, tenant)

    def new_visitor(self, tenant: str, command_id: str) -> str:
        """Return a visitor nobody can guess, the same for a repeated command."""
        return self._sealing.token(tenant, f"visitor:{command_id}")

    # -- customers ---------------------------------------------------------------------------------

    async def start(self, arrival: Arrival, caller: Principal, command_id: str) -> str:
        """Open a contact and return its id; the same command opens the same contact. Raises: TrunklineError."""
        _check_command_id(command_id)
        _check(arrival)
        entry_point = await self._known_entry_point(arrival.entry_point_id)
        if entry_point.tenant != caller.tenant:
            raise NotFound("entry_point", arrival.entry_point_id)
        token, is_withheld = self._identity(entry_point, arrival.address, command_id)
        contact_id = derive_contact_id(token, command_id)
        command = commands.OpenContact(
            entry_point_id=arrival.entry_point_id,
            address_token=token,
            address=await self._sealed_address(contact_id, arrival, caller, command_id),
            attributes=dict(arrival.attributes),
            locale=arrival.locale,
            peer_id=arrival.peer_id,
            contact_id=contact_id,
            address_withheld=is_withheld,
        )
        clear = [arrival.entry_point_id, arrival.address, sorted(arrival.attributes.items()), arrival.locale]
        await self._commander.send(command, caller, command_id, self._hash(caller, "start", clear))
        return contact_id

    def _identity(self, entry_point: EntryPoint, address: str, command_id: str) -> tuple[str, bool]:
        """Return the token of whom the address is, and whether it is withheld: then each contact has its own."""
        channel = entry_point.definition.channel
        known_by = caller_identity(address) if channel is Channel.VOICE else address
        whose = f"{channel.name.lower()}:{known_by}" if known_by else f"withheld:{command_id}"
        return self._sealing.token(entry_point.tenant, whose), not known_by

    async def _sealed_address(self, contact_id: str, arrival: Arrival, caller: Principal, command_id: str) -> Sealed:
        """A repeated start keeps the address as it was sealed first: no second key for one contact.

        Raises: Expired, Invalid for a new contact whose command the ledger would refuse by its age.
        """
        try:
            return (await self.contact(contact_id, caller.tenant)).address
        except NotFound:
            check_age(command_id, datetime.now(UTC))
            return await self._sealing.seal(contact_id, caller.tenant, arrival.address)

    async def take_input(
        self, contact_id: str, option_id: str, text: str, caller: Principal, command_id: str, node_id: str = ""
    ) -> None:
        """The customer chose, pressed or typed; words outside of a question are a message. Raises: TrunklineError."""
        _check_command_id(command_id)
        if not option_id:
            check_text(text)
        digest = self._hash(caller, "input", [contact_id, option_id, text])
        contact, is_asked = await self._prompted(contact_id, caller.tenant, node_id)
        if not is_asked and not node_id and takes_offer(contact, option_id or text):
            await self._commander.send(commands.RequestCallback(contact_id, None), caller, command_id, digest)
            return
        if not is_asked and not node_id and (digit := takes_option(contact, option_id, text)):
            chosen_option = commands.ChooseTreatmentOption(contact_id, digit)
            await self._commander.send(chosen_option, caller, command_id, digest)
            return
        if not is_asked and not option_id and not node_id and contact.channel is Channel.CHAT:
            await self._say(contact, text, caller, command_id, digest)
            return
        prompt = contact.prompt
        chosen = option_id or (match(prompt, text) if prompt else "")
        command = commands.GiveInput(
            contact_id=contact_id,
            node_id=node_id or (prompt.node_id if prompt else ""),
            option_id=chosen,
            text=None if chosen else await self._seal(contact, text),
        )
        await self._commander.send(command, caller, command_id, digest)

    async def _prompted(self, contact_id: str, tenant: str, node_id: str) -> tuple[Contact, bool]:
        """Return the contact, and whether it is asked that (empty: anything); a standby's fold may still hear of it."""
        contact = await self.known(contact_id, tenant)
        for _ in range(round(FOLD_WAIT_S / FOLD_POLL_S)):
            prompt = contact.prompt
            if prompt and prompt.is_open and node_id in ("", prompt.node_id):
                return contact, True
            if self._owns(contact_id) or not contact.in_self_service:
                break
            await asyncio.sleep(FOLD_POLL_S)
            contact = await self.contact(contact_id, tenant)
        return contact, False

    async def write(self, contact_id: str, text: str, caller: Principal, command_id: str) -> None:
        """The customer wrote a message. Raises: TrunklineError."""
        _check_command_id(command_id)
        check_text(text)
        contact = await self.known(contact_id, caller.tenant)
        await self._say(contact, text, caller, command_id, self._hash(caller, "message", [contact_id, text]))

    async def _say(self, contact: Contact, text: str, caller: Principal, command_id: str, digest: bytes) -> None:
        command = commands.AddMessage(contact.contact_id, Author.CUSTOMER, await self._seal(contact, text), "")
        await self._commander.send(command, caller, command_id, digest)

    async def leave(self, contact_id: str, caller: Principal, command_id: str) -> None:
        """The customer left. Raises: TrunklineError."""
        command = commands.CloseContact(contact_id, CloseReason.CUSTOMER_LEFT, "")
        await self.pass_on(command, caller, command_id)

    async def pass_on(self, command: Command, caller: Principal, command_id: str) -> None:
        """Send a command that carries nothing personal. Raises: TrunklineError."""
        await self._commander.send(command, caller, command_id, b"")

    # -- sealing -----------------------------------------------------------------------------------

    async def _seal(self, contact: Contact, text: str) -> Sealed | None:
        """Nothing is sealed for a contact that is over: the command gets its first answer again, or is refused."""
        if contact.is_over:
            return None
        return await self._sealing.seal(contact.customer_id or contact.contact_id, contact.tenant, text)

    def _hash(self, caller: Principal, kind: str, clear: object) -> bytes:
        """Return the same bytes for the same clear payload, and nothing that tells it (ledger rule 12)."""
        return self._sealing.token(caller.tenant, f"payload:{kind}:{json.dumps(clear, ensure_ascii=False)}").encode()

    def _owns(self, contact_id: str) -> bool:
        return self._ledger.owns(self._ledger.partition_of(partition_token(contact_id)))


def _check_command_id(command_id: str) -> None:
    """Raises: Invalid for what the ledger would refuse whatever the command says."""
    check_id("command_id", command_id)
    time_of(command_id)


def _check(arrival: Arrival) -> None:
    if not 1 <= len(arrival.address) <= MAX_ADDRESS:
        raise Invalid("address", f"must have 1 to {MAX_ADDRESS} characters")
    check_locale(arrival.locale)
    check_attributes(arrival.attributes)
