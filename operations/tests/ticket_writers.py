"""Ledgers of tickets to work on: written by ticketing's own rules, through its own ledger."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from trunkline_core.sealed import Sealed
from trunkline_ledger.kafka.settings import LedgerSettings
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.submission import Submission
from trunkline_platform.commands import new_command_id
from trunkline_ticketing.bootstrap import SERVICE, TicketLedger
from trunkline_ticketing.domain.commands import AddNote, ChangeTicketState, Command, CreateTicket
from trunkline_ticketing.domain.words import TicketState

TENANTS = [f"tn_{number}" for number in range(6)]
TEXT = Sealed("dk_1", b"n" * 12, b"sealed beyond any reading")


@contextlib.asynccontextmanager
async def ticket_ledger(bootstrap_servers: str, name: str = "one") -> AsyncIterator[TicketLedger]:
    """Run a replica that owns every partition."""
    ledger: TicketLedger = Ledger(
        SERVICE,
        bootstrap_servers=bootstrap_servers,
        instance_id=f"ticketing-{name}",
        address=f"{name}:1",
        settings=LedgerSettings(session_timeout_s=1.5),
    )
    await ledger.start()
    running = asyncio.create_task(ledger.run())
    try:
        async with asyncio.timeout(60):
            while len(ledger.owned) < len(ledger.partitions):
                await asyncio.sleep(0.02)
        yield ledger
    finally:
        await ledger.stop()
        await running


async def write_tickets(ledger: TicketLedger, count: int) -> list[str]:
    """Create tickets, move and note them; return their ids."""
    return list(await asyncio.gather(*(_write_one(ledger, TENANTS[number % 6]) for number in range(count))))


async def _write_one(ledger: TicketLedger, tenant: str) -> str:
    created = await ledger.submit(_submission(CreateTicket("ct_1", "cu_1", TEXT), tenant))
    ticket_id = created.events[0].event.ticket_id
    await ledger.submit(_submission(ChangeTicketState(ticket_id, TicketState.IN_PROGRESS), tenant))
    await ledger.submit(_submission(AddNote(ticket_id, TEXT), tenant))
    return ticket_id


def _submission(command: Command, tenant: str) -> Submission[Command]:
    return Submission(
        command=command,
        key=tenant,
        command_id=new_command_id(),
        tenant=tenant,
        actor="agent:ag_1",
        payload_hash=b"h" * 32,
    )
