"""The state of one partition: of each ticket only what decides; what people read stands in the read model."""

from dataclasses import dataclass
from typing import Never

from trunkline_core.errors import NotFound
from trunkline_core.tables import Journal, Table
from trunkline_core.timers import Timers

from trunkline_ticketing.domain.words import TicketState


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket; `notes` counts them."""

    tenant: str
    contact_id: str
    state: TicketState = TicketState.OPEN
    notes: int = 0


class TicketingState:
    """Everything of one partition, under one journal."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.timers: Timers[Never] = Timers(self.journal)  # tickets have none yet; the ledger asks
        self.tickets: Table[str, Ticket] = Table(self.journal)

    def ticket(self, tenant: str, ticket_id: str) -> Ticket:
        """Return the tenant's ticket. Raises: NotFound."""
        ticket = self.tickets.get(ticket_id)
        if ticket is None or ticket.tenant != tenant:
            raise NotFound("ticket", ticket_id)
        return ticket
