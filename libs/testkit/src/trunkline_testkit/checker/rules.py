"""What must hold of a log and the clients' journals, whatever was killed meanwhile.

Owns: one function a rule; each returns violations and none if it holds. Must not: read anything itself.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TypeVar

from trunkline_testkit.checker.agents import wrong_agent_seconds
from trunkline_testkit.checker.journal import Entry, EntryState
from trunkline_testkit.checker.log import EffectiveEvent, LedgerLog
from trunkline_testkit.checker.timers import early_timers, short_leases
from trunkline_testkit.checker.violation import Violation

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_MOVES = ("ConsultationCompleted", "ContactTakenOver")  # from one agent to another, without a queue between
_ENDS_OF_OFFERS = (
    "OfferEnded",
    "ConnectFailed",
    "CallbackReached",
    "CallbackPostponed",
    "CallbackAttempted",
    "ContactReleased",
)


@dataclass(frozen=True, slots=True)
class SourcedRow:
    """A row of some table and the record it says it stems from."""

    table: str
    key: str
    topic: str
    partition: int
    offset: int


def check(log: LedgerLog, entries: Sequence[Entry] = (), *, is_final: bool = False) -> list[Violation]:
    """Apply every rule.

    Args:
        log: all ledgers of the run; rules about contacts need both acd's and channels'.
        entries: what clients wrote down.
        is_final: the run is over, so every contact must have ended.
    """
    return [
        *undecodable_records(log),
        *lost_commands(log, entries),
        *refused_commands_that_took_effect(log, entries),
        *commands_effective_twice(log),
        *split_commands(log),
        *broken_streams(log),
        *repeated_event_ids(log),
        *wrong_ends(log, entries, is_final=is_final),
        *double_connections(log),
        *wrong_offers(log),
        *disagreements(log),
        *repetitions_answered_otherwise(entries),
    ]


def check_times(log: LedgerLog) -> list[Violation]:
    """Apply the rules about time, to records that a broker gave their append times."""
    return [*early_timers(log), *short_leases(log), *wrong_agent_seconds(log)]


def undecodable_records(log: LedgerLog) -> Iterator[Violation]:
    """An effective record is an event of its ledger."""
    for record in log.undecodable:
        yield Violation("Undecodable", f"{record.topic}/{record.partition}/{record.offset}", f"type {record.type}")


def lost_commands(log: LedgerLog, entries: Sequence[Entry]) -> Iterator[Violation]:
    """A command that was acknowledged with events has effective events, and as many as the first answer named."""
    effective: dict[str, set[int]] = defaultdict(set)
    for event in log.events:
        if event.command:
            effective[event.command.command_id].add(event.command.event_count)
    answered: set[str] = set()
    for entry in entries:
        if entry.state is not EntryState.ACKED or entry.events == 0:
            continue
        counts, is_first = effective.get(entry.command_id), entry.command_id not in answered
        answered.add(entry.command_id)
        if counts is None:
            yield Violation("AcknowledgedCommandLost", entry.command_id, f"{entry.kind} {entry.contact_id}".strip())
        elif is_first and entry.events is not None and entry.events not in counts:
            detail = f"answered with {entry.events} events, {min(counts)} took effect"
            yield Violation("AnswerWithoutEffect", entry.command_id, detail)


def refused_commands_that_took_effect(log: LedgerLog, entries: Sequence[Entry]) -> Iterator[Violation]:
    """A command that a rule refused has no effective event (unless the same id was also acknowledged)."""
    effective = {event.command.command_id for event in log.events if event.command}
    acked = {entry.command_id for entry in entries if entry.state is EntryState.ACKED}
    for entry in entries:
        if entry.state is EntryState.REFUSED and entry.command_id in effective - acked:
            yield Violation("RefusedCommandEffective", entry.command_id, f"{entry.kind} {entry.contact_id}".strip())


def commands_effective_twice(log: LedgerLog) -> Iterator[Violation]:
    """A command from outside, and one of a process manager's for one input, takes effect once for each partition."""
    first: dict[tuple[Hashable, ...], EffectiveEvent] = {}
    for event in log.events:
        identity = _command_identity(event)
        if identity is None:
            continue
        earlier = first.setdefault(identity, event)
        if earlier is not event and event.command:
            detail = f"at {_place(earlier)} and {_place(event)}"
            yield Violation("CommandEffectiveTwice", event.command.command_id, detail)


def _command_identity(event: EffectiveEvent) -> tuple[Hashable, ...] | None:
    command = event.command
    if command is None:
        return None
    if command.HasField("source"):
        source = command.source
        position = (source.manager, source.topic, source.partition, source.offset, source.ordinal)
        return (event.record.topic, event.record.partition, *position)
    if command.payload_hash:
        return (event.record.topic, event.metadata.tenant_id, command.principal, command.command_id)
    return None  # internal: made idempotent by the state itself


def split_commands(log: LedgerLog) -> Iterator[Violation]:
    """All events of a command follow each other at once, under one epoch."""
    by_partition: dict[tuple[str, int], list[EffectiveEvent]] = defaultdict(list)
    for event in log.events:
        by_partition[event.record.topic, event.record.partition].append(event)
    for events in by_partition.values():
        yield from _split_commands_of(events, log.let_go)


def _split_commands_of(events: Sequence[EffectiveEvent], let_go: Set[tuple[str, int, int]]) -> Iterator[Violation]:
    firsts = [number for number, event in enumerate(events) if event.command]
    for begin, end in zip(firsts, [*firsts[1:], len(events)], strict=True):
        first, last = events[begin], events[end - 1]
        command = first.command
        assert command is not None
        offsets = range(first.record.offset, first.record.offset + command.event_count)
        gone = sum((first.record.topic, first.record.partition, offset) in let_go for offset in offsets)
        is_whole = command.event_count == end - begin + gone and last.record.offset in offsets
        if not is_whole or first.record.epoch != last.record.epoch:
            detail = f"{end - begin} of {command.event_count} events from {_place(first)} to {_place(last)}"
            yield Violation("CommandSplit", command.command_id, detail)
    if events and not events[0].command:
        yield Violation("CommandSplit", _place(events[0]), "an event before any command")


def broken_streams(log: LedgerLog) -> Iterator[Violation]:
    """Each stream's versions are 1, 2, 3, … in the order of the log, and its epoch is the writer's."""
    versions: dict[tuple[str, int, str], int] = defaultdict(int)
    for event in log.events:
        stream = (event.record.topic, event.record.partition, event.metadata.stream_id)
        version = event.metadata.stream_version
        if version != versions[stream] + 1:
            detail = f"version {version} after {versions[stream]} at {_place(event)}"
            yield Violation("VersionGap" if version > versions[stream] else "VersionInversion", stream[2], detail)
        versions[stream] = version
        if event.metadata.writer_epoch != event.record.epoch:
            detail = f"says epoch {event.metadata.writer_epoch}, its header {event.record.epoch}"
            yield Violation("WrongWriterEpoch", _place(event), detail)


def repeated_event_ids(log: LedgerLog) -> Iterator[Violation]:
    """An event id is unique among effective events."""
    first: dict[str, EffectiveEvent] = {}
    for event in log.events:
        earlier = first.setdefault(event.metadata.event_id, event)
        if earlier is not event:
            detail = f"at {_place(earlier)} and {_place(event)}"
            yield Violation("RepeatedEventId", event.metadata.event_id, detail)


def wrong_ends(log: LedgerLog, entries: Sequence[Entry], *, is_final: bool) -> Iterator[Violation]:
    """Each contact that was opened ends exactly once; before the run is over it may still have no end."""
    ends: dict[str, int] = defaultdict(int)
    opened = {entry.contact_id for entry in entries if entry.state is EntryState.ACKED and entry.contact_id}
    for event in _of(log, "contact", "ContactOpened", "ContactClosed"):
        opened.add(event.event.contact_id)
        ends[event.event.contact_id] += event.name == "ContactClosed"
    for contact_id in sorted(opened | ends.keys()):
        if ends[contact_id] > 1 or (is_final and ends[contact_id] == 0):
            yield Violation("ContactWithoutExactlyOneEnd", contact_id, f"{ends[contact_id]} ends")


def double_connections(log: LedgerLog) -> Iterator[Violation]:
    """A contact is connected to one agent at a time, in channels' ledger and in acd's; who gave it on has it not.

    A consultation that is completed, or a supervisor who takes it over, takes it from one and gives it to the other: in
    acd's ledger by two events.
    """
    of_channels = ("ContactReturned", "ContactQueued", "ContactClosed")
    for area, ends in (("contact", of_channels), ("acd", ("ContactReleased",))):
        connected: dict[str, str] = {}
        for event in _of(log, area, "ContactConnected", *_MOVES, *ends):
            contact_id = event.event.contact_id
            if event.name in ends or (event.name in _MOVES and area == "contact"):
                connected.pop(contact_id, None)
            if event.name in ends:
                continue
            if contact_id in connected:
                detail = f"{connected[contact_id]} and {event.event.agent_id} at {_place(event)}"
                yield Violation("ConnectedTwice", contact_id, detail)
            connected[contact_id] = event.event.agent_id


def wrong_offers(log: LedgerLog) -> Iterator[Violation]:
    """A contact rings at one agent, or where it rings at all once at each; who accepts, or is kept, has it alone."""
    live: dict[str, dict[str, bool]] = defaultdict(dict)  # by contact: agents, and whether they accepted
    begins = ("ContactOffered", "OfferAccepted", "CallbackDialled")
    for event in _of(log, "acd", *begins, *_ENDS_OF_OFFERS, "ContactForgotten"):
        contact_id, agents = event.event.contact_id, live[event.event.contact_id]
        if event.name == "ContactForgotten":
            del live[contact_id]
        elif event.name in _ENDS_OF_OFFERS:
            agents.pop(event.event.agent_id, None)
        elif event.name == "ContactOffered":
            is_beside = agents and (not event.event.ring_all or any(agents.values()))
            if is_beside or event.event.agent_id in agents:
                yield Violation("OfferedTwice", contact_id, f"{event.event.agent_id} at {_place(event)}, {agents}")
            agents[event.event.agent_id] = False
        else:
            if beside := sorted(agents.keys() - {event.event.agent_id}):
                detail = f"{event.event.agent_id} at {_place(event)}, while it rings at {', '.join(beside)}"
                yield Violation("AcceptedBesideOffers", contact_id, detail)
            agents[event.event.agent_id] = True


def disagreements(log: LedgerLog) -> Iterator[Violation]:
    """acd's and channels' ledgers name the same agent for one offer of one contact; none connects without an offer."""
    names = ("OfferAccepted", "ContactConnected", "ConsultationAccepted", "ContactTakenOver")
    booked = {_offer(event): event.event.agent_id for event in _of(log, "acd", *names)}
    routed = {event.event.contact_id for event in _of(log, "acd", "ContactEnqueued")}
    for event in _of(log, "contact", "ContactConnected", *_MOVES):
        agent_id = booked.get(_offer(event))
        if agent_id is not None and agent_id != event.event.agent_id:
            detail = f"acd has {agent_id}, channels {event.event.agent_id}"
            yield Violation("AgentsDisagree", event.event.contact_id, detail)
        elif agent_id is None and event.event.contact_id in routed:
            detail = f"{event.event.agent_id} at {_place(event)}, and nobody accepted that offer at acd"
            yield Violation("ConnectedWithoutOffer", event.event.contact_id, detail)


def repetitions_answered_otherwise(entries: Sequence[Entry]) -> Iterator[Violation]:
    """A command that was acknowledged with events is answered so again. Valid for repetitions within 5 minutes."""
    first: dict[str, Entry] = {}
    for entry in entries:
        known = first.get(entry.command_id)
        if known is None and entry.state is EntryState.ACKED and entry.events:
            first[entry.command_id] = entry
        elif known is not None and (entry.state is EntryState.REFUSED or entry.events not in (None, known.events)):
            detail = f"first {known.events} events, then {entry.events or entry.state.value}"
            yield Violation("RepetitionAnsweredOtherwise", entry.command_id, detail)


def contradictions(log: LedgerLog) -> list[Violation]:
    """Return contacts that are live in one ledger and over, or unknown, in another.

    Only once everything has settled: clean-up follows an end, and a comparison finds the rest within 80 s.
    """
    alive = _between(log, "contact", {"ContactOpened"}, {"ContactClosed"})
    routed = _between(log, "acd", {"ContactEnqueued"}, {"ContactForgotten"})
    served = _between(log, "ivr", {"SessionStarted"}, {"PersonRequested", "SelfServiceCompleted", "SessionEnded"})
    waiting = _between(log, "contact", {"ContactQueued"}, {"ContactClosed"})
    return [
        *_strays("OrphanAtAcd", routed - alive, "acd has a contact that is over at channels"),
        *_strays("OrphanAtIvr", served - alive, "ivr has a session whose contact is over at channels"),
        *_strays("UnknownAtAcd", waiting - routed, "channels has a contact in a queue or connected, acd does not"),
        *_strays("LostByAcd", _released_alone(log) & alive, "the agent is gone and the contact goes on"),
    ]


def _between(log: LedgerLog, area: str, begins: Set[str], ends: Set[str]) -> set[str]:
    """Contacts that began and did not end since."""
    found: set[str] = set()
    for event in _of(log, area, *begins, *ends):
        (found.add if event.name in begins else found.discard)(event.event.contact_id)
    return found


def _released_alone(log: LedgerLog) -> set[str]:
    return {event.event.contact_id for event in _of(log, "acd", "ContactReleased") if event.event.desk_lost}


def _strays(rule: str, contact_ids: Set[str], detail: str) -> Iterator[Violation]:
    return (Violation(rule, contact_id, detail) for contact_id in sorted(contact_ids))


def stale_rows(log: LedgerLog, rows: Iterable[SourcedRow]) -> list[Violation]:
    """Return rows that stem from a record which never took effect, for example one of an old epoch."""
    return [
        Violation("RowOfVoidRecord", f"{row.table}/{row.key}", f"{row.topic}/{row.partition}/{row.offset}")
        for row in rows
        if (row.topic, row.partition, row.offset) not in log.effective_places
    ]


def compare(live: Mapping[K, V], fold: Mapping[K, V]) -> list[Violation]:
    """Return where a live table differs from the fold of the log."""
    return [
        Violation("TableDiffers", str(key), f"live {live.get(key)!r}, log {fold.get(key)!r}")
        for key in sorted(live.keys() | fold.keys(), key=str)
        if live.get(key) != fold.get(key)
    ]


def _of(log: LedgerLog, area: str, *names: str) -> list[EffectiveEvent]:
    return [event for event in log.events if event.area == area and event.name in names]


def _offer(event: EffectiveEvent) -> tuple[str, int, int]:
    return (event.event.contact_id, event.event.segment_no, event.event.offer_no)


def _place(event: EffectiveEvent) -> str:
    return f"{event.record.topic}/{event.record.partition}/{event.record.offset}"
