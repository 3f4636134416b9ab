"""`trunkline projection rebuild`: a read model is made anew by its service while it is read (ADR 0018).

Owns: asking for it, and telling how far it is. Must not: write a read model; its service does.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from trunkline_analytics.adapters.segments import SegmentProjection
from trunkline_core.errors import Conflict, Misconfigured
from trunkline_crm.adapters.contacts import ContactProjection
from trunkline_crm.adapters.customers import CustomerProjection
from trunkline_platform.generations import Phase, Pointer, Pointers
from trunkline_platform.store import Store
from trunkline_ticketing.adapters.read_model import TicketProjection

from trunkline_operator.report import print_json

READ_MODELS: Final = {
    kind.name: kind.topic for kind in (TicketProjection, CustomerProjection, ContactProjection, SegmentProjection)
}
LOOK_S: Final = 0.5
SAY_AGAIN_S: Final = 30.0
"""So long a service may take to begin; who waits for one that does not run sees that nothing moves."""
Step = Callable[[Pointer], Pointer]


async def rebuild(store: Store, name: str, *, wait: bool) -> None:
    """Ask for a rebuild; with `wait` return when the new generation is read.

    Raises: Misconfigured; Conflict while another is not over, or when somebody ended this one; Transient.
    """
    await _move(store, name, Pointer.requested)
    print(f"{name} is being rebuilt from {READ_MODELS[name]}; it is read as before meanwhile", flush=True)
    pointer = await Pointers(store).get(name)
    wanted, said_at = pointer.next, time.monotonic()
    while wait and pointer.next is not None:
        await asyncio.sleep(LOOK_S)
        found = await Pointers(store).get(name)
        if found.phase is not pointer.phase or time.monotonic() - said_at > SAY_AGAIN_S:
            print(f"{name}: {_said(found)}", flush=True)
            said_at = time.monotonic()
        pointer = found
    if wait and pointer.live != wanted:
        raise Conflict(f"the rebuild of {name} was ended before its time, and {name} is what it was")
    print_json(read_model=name, phase=pointer.phase.value, live=pointer.live, next=pointer.next)


async def abandon(store: Store, name: str) -> None:
    """End a rebuild without effect. Raises: Misconfigured; Conflict where there is none; Transient."""
    await _move(store, name, Pointer.abandoned)
    print(f"{name} stays as it is", flush=True)
    print_json(read_model=name, abandoned=True)


def _said(pointer: Pointer) -> str:
    match pointer.phase:
        case Phase.FILLING:
            return "is read from the ledger's beginning"
        case Phase.BOTH:
            return "is nearly there: what is new goes into both"
        case Phase.LIVE:
            return f"generation {pointer.live} is read now"


async def _move(store: Store, name: str, step: Step) -> None:
    if name not in READ_MODELS:
        raise Misconfigured(f"{name} is no read model: choose from {', '.join(sorted(READ_MODELS))}.")
    pointers = Pointers(store)
    before = await pointers.get(name)
    if not await pointers.move(before, step(before)):
        raise Misconfigured(f"Somebody else moved {name} at the same moment: look again.")
