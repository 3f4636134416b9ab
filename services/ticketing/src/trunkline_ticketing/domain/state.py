"""The state of one partition: of each ticket only what decides, and the notices that are outstanding.

What people read stands in the read model.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Never

from trunkline_core.errors import NotFound
from trunkline_core.tables import Journal, Table
from trunkline_core.timers import Timers
from trunkline_core.webhooks import NoticeTargetDefinition

from trunkline_ticketing.domain.words import TicketState


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket; `notes` counts them."""

    tenant: str
    contact_id: str
    state: TicketState = TicketState.OPEN
    notes: int = 0


@dataclass(frozen=True, slots=True)
class Notice:
    """An outside system is to be told that a ticket changed.

    Attributes:
        notice_id: the receiver's idempotency key.
        from_state: unspecified for a ticket that was created.
        intended_time: when it changed.
        attempts: how many came to nothing.
        due: the next one is not made before then.
    """

    notice_id: str
    tenant: str
    target_id: str
    ticket_id: str
    contact_id: str
    from_state: TicketState
    to_state: TicketState
    intended_time: datetime
    due: datetime
    attempts: int = 0


class TicketingState:
    """Everything of one partition, under one journal."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.timers: Timers[Never] = Timers(self.journal)  # tickets have none yet; the ledger asks
        self.tickets: Table[str, Ticket] = Table(self.journal)
        self.notice_targets: Table[str, tuple[NoticeTargetDefinition, ...]] = Table(self.journal)  # by tenant
        self.notices: Table[str, Notice] = Table(self.journal)  # outstanding ones
        self.outstanding: Table[str, int] = Table(self.journal)  # how many, by tenant

    def ticket(self, tenant: str, ticket_id: str) -> Ticket:
        """Return the tenant's ticket. Raises: NotFound."""
        ticket = self.tickets.get(ticket_id)
        if ticket is None or ticket.tenant != tenant:
            raise NotFound("ticket", ticket_id)
        return ticket

    def targets(self, tenant: str) -> tuple[NoticeTargetDefinition, ...]:
        """Return who is told of the tenant's tickets, disabled ones too."""
        return self.notice_targets.get(tenant) or ()

    def target(self, tenant: str, target_id: str) -> NoticeTargetDefinition | None:
        """Return the tenant's target, or None."""
        return next((each for each in self.targets(tenant) if each.target_id == target_id), None)

    def notice(self, tenant: str, notice_id: str) -> Notice | None:
        """Return the tenant's notice while it is outstanding, or None."""
        notice = self.notices.get(notice_id)
        return notice if notice is not None and notice.tenant == tenant else None

    def count_outstanding(self, tenant: str, change: int) -> None:
        """Count the tenant's outstanding notices."""
        self.outstanding.put(tenant, (self.outstanding.get(tenant) or 0) + change)
