"""Contacts that one service still holds though they are over, contacts and desks whose gateway or console is dead.

Owns: who holds what since when, by the ledgers. Must not: count the time in which a partition had no owner.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from trunkline.acd.v1.acd_types_pb2 import SegmentOutcome

from trunkline_testkit.checker.log import EffectiveEvent, LedgerLog
from trunkline_testkit.checker.outages import Outage, outages, ownerless_ms
from trunkline_testkit.checker.violation import Violation

BOUND_MS: Final = 60_000
TAKES: Final = {"acd": {"ContactEnqueued", "ConsultationCompleted", "ContactTakenOver"}, "ivr": {"SessionStarted"}}
LETS_GO: Final = {
    "acd": {"ContactForgotten", "ContactReleased", "SegmentEnded"},
    "ivr": {"SessionEnded", "PersonRequested", "SelfServiceCompleted"},
}


DESK_ENDS: Final = {"AgentSessionOpened", "AgentDisconnected"}
WORK: Final = ("offered", "connecting", "connected", "wrap_up")
LINE: Final = ("waiting", "ringing", "connected")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where something about a contact happened, and when."""

    topic: str
    partition: int
    at_ms: int


def orphans(log: LedgerLog, *, until_ms: int, bound_ms: int = BOUND_MS) -> Iterator[Violation]:
    """A contact that is over is let go by acd and ivr within the bound. `until_ms`: when the log was read."""
    closed = {event.event.contact_id: _place(event) for event in _of(log, "contact") if event.name == "ContactClosed"}
    gaps = outages(log)
    for area in TAKES:
        for contact_id, (held, let_go_ms) in _holds(log, area, until_ms).items():
            over = closed.get(contact_id)
            if over is not None:
                stuck_ms = _net_ms(gaps, over, held, let_go_ms)
                if stuck_ms > bound_ms:
                    yield Violation("Orphan", contact_id, f"{area} held it for {stuck_ms / 1000:.0f} s after its end")


def outlived_peers(
    log: LedgerLog, deaths_ms: Mapping[str, int], *, until_ms: int, bound_ms: int = BOUND_MS
) -> Iterator[Violation]:
    """A contact whose gateway died ends within the bound. `deaths_ms`: contact → when its gateway was killed."""
    gaps = outages(log)
    opened = {event.event.contact_id: _place(event) for event in _of(log, "contact") if event.name == "ContactOpened"}
    closed = {event.event.contact_id: _place(event) for event in _of(log, "contact") if event.name == "ContactClosed"}
    for contact_id, death_ms in deaths_ms.items():
        place = opened.get(contact_id)
        ended_ms = closed[contact_id].at_ms if contact_id in closed else until_ms
        if place is not None:
            net_ms = ended_ms - death_ms - ownerless_ms(gaps, place.topic, place.partition, death_ms, ended_ms)
            if net_ms > bound_ms:
                yield Violation("Orphan", contact_id, f"lived {net_ms / 1000:.0f} s longer than its gateway")


def outlived_consoles(
    log: LedgerLog, deaths_ms: Mapping[str, int], *, until_ms: int, bound_ms: int = BOUND_MS
) -> Iterator[Violation]:
    """An agent whose console died has another desk, or is signed out, within the bound.

    `deaths_ms`: beginning of the peer ids of a console → when it was killed.
    """
    gaps, since = outages(log), dict[str, _Place]()
    ends = [(event.event.agent_id, event) for event in _of(log, "acd") if event.name in DESK_ENDS]
    for agent_id, event in ends:
        if agent_id in since:
            yield from _outlived(gaps, agent_id, since.pop(agent_id), event.record.append_ms, bound_ms)
        died = _death_of(getattr(event.event, "peer_id", ""), deaths_ms)
        if died is not None:
            place = _place(event)
            since[agent_id] = replace(place, at_ms=max(died, place.at_ms))
    for agent_id, place in since.items():
        yield from _outlived(gaps, agent_id, place, until_ms, bound_ms)


def _death_of(peer_id: str, deaths_ms: Mapping[str, int]) -> int | None:
    return next((at_ms for begins, at_ms in deaths_ms.items() if peer_id.startswith(begins)), None)


def _outlived(gaps: list[Outage], agent_id: str, since: _Place, end_ms: int, bound_ms: int) -> Iterator[Violation]:
    ownerless = ownerless_ms(gaps, since.topic, since.partition, since.at_ms, end_ms)
    net_ms = end_ms - since.at_ms - ownerless
    if net_ms > bound_ms:
        yield Violation("Orphan", agent_id, f"had a desk {net_ms / 1000:.0f} s longer than its console lived")


def left_over_work(log: LedgerLog) -> Iterator[Violation]:
    """When the run is over nobody waits and no agent has a contact, by acd's own rows."""
    rows: dict[str, dict[str, int]] = {}
    for event in _of(log, "acd"):
        if event.name == "RowsChanged":
            rows |= {row.agent_id: {name: getattr(row, name) for name in WORK} for row in event.event.agents}
            rows |= {row.queue_id: {name: getattr(row, name) for name in LINE} for row in event.event.queues}
    for row_id, counts in sorted(rows.items()):
        if left := [f"{count} {name}" for name, count in counts.items() if count]:
            yield Violation("Orphan", row_id, f"has {', '.join(left)} at the end")


def _holds(log: LedgerLog, area: str, until_ms: int) -> dict[str, tuple[_Place, int]]:
    """Return where each contact is or was held, and until when."""
    found: dict[str, tuple[_Place, int]] = {}
    for event in _of(log, area):
        contact_id = getattr(event.event, "contact_id", "")
        if event.name in TAKES[area]:
            found[contact_id] = (_place(event), until_ms)
        elif _lets_go(event, area) and contact_id in found and found[contact_id][1] == until_ms:
            found[contact_id] = (found[contact_id][0], event.record.append_ms)
    return found


def _lets_go(event: EffectiveEvent, area: str) -> bool:
    is_answered = event.name == "SegmentEnded" and event.event.outcome == SegmentOutcome.SEGMENT_OUTCOME_ANSWERED
    return event.name in LETS_GO[area] and not is_answered


def _net_ms(gaps: list[Outage], over: _Place, held: _Place, let_go_ms: int) -> int:
    """Return how long it was held after its end, without what either partition was without an owner."""
    began_ms = max(over.at_ms, held.at_ms)
    ownerless = sum(ownerless_ms(gaps, place.topic, place.partition, began_ms, let_go_ms) for place in (over, held))
    return max(0, let_go_ms - began_ms - ownerless)


def _of(log: LedgerLog, area: str) -> list[EffectiveEvent]:
    return [event for event in log.events if event.area == area]


def _place(event: EffectiveEvent) -> _Place:
    return _Place(event.record.topic, event.record.partition, event.record.append_ms)
