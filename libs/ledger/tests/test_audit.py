"""Looking back at a log: what is sound passes, each broken promise is named, and today's rules decide it again.

Ledger rules 2, 6, 11, 12, 13, 15 and 22, each with a log that breaks it.
"""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence, Set
from dataclasses import replace
from datetime import timedelta

import pytest
from accounts import Bank, Book, Booked, Close, Closed, CloseLater, Command, Event, JsonCodec, Rules, bank_service
from hypothesis import given
from hypothesis import strategies as st
from log import NOON, Log, Replica, uuid7
from trunkline.ledger.v1 import ledger_types_pb2 as wire
from trunkline.ledger.v1.ledger_types_pb2 import CommandRecord, Marker, RecordSkipped
from trunkline_core.decider import Context
from trunkline_ledger.audit.cuts import PartitionInputs, consistent_cut
from trunkline_ledger.audit.letting_go import let_go
from trunkline_ledger.audit.replay import PartitionReplay, ReplayReport
from trunkline_ledger.audit.stored import StoredRecord
from trunkline_ledger.audit.verification import PartitionAudit, PartitionReport
from trunkline_ledger.core.clock import BEGINNING
from trunkline_ledger.core.commands import NOTHING
from trunkline_ledger.core.metadata import Metadata
from trunkline_ledger.core.records import INPUT_SKIPPED_TYPE, MARKER_TYPE, RECORD_SKIPPED_TYPE, Draft, Record
from trunkline_ledger.service import LedgerService
from trunkline_ledger.submission import ManagerSource

CODEC = JsonCodec()
Service = LedgerService[Bank, Command, Event]


def audited(
    records: list[Record], service: Service | None = None, partitions: int = 1, let_go: Set[int] = frozenset()
) -> PartitionReport:
    audit = PartitionAudit(service or bank_service(), 0, partitions, let_go)
    for record in records:
        audit.read(record)
    return audit.report()


def replayed(records: list[Record], service: Service | None = None, **options: object) -> ReplayReport:
    replay: PartitionReplay[Bank, Command, Event] = PartitionReplay(service or bank_service(), 0, **options)  # type: ignore[arg-type]
    for record in records:
        replay.read(record)
    return replay.report()


def rules_found(report: PartitionReport | ReplayReport) -> set[str]:
    return {problem.rule for problem in report.problems.first}


def lived() -> Log:
    """A log with outside commands, a timer's, a manager's, inputs without effect, a take-over and a zombie's write."""
    log = Log()
    first = Replica(log, "one").take_over()
    first.book("a", 10)
    first.book("b", 5)
    first.book("a", -3)
    first.submit(CloseLater("a", 500), key="a")
    first.commit()
    first.book("c", 1, "m/1", payload_hash=b"", source=ManagerSource("m", "x.events.v1", 0, 7, 1))
    first.book("c", -5, "m/2", payload_hash=b"", source=ManagerSource("m", "x.events.v1", 0, 8, 1))
    first.submit(NOTHING, "m/3", payload_hash=b"", source=ManagerSource("m", "x.events.v1", 0, 9, 1))  # type: ignore[arg-type]
    first.commit()
    zombie = first.submit(Book("z", 1))
    batch = first.decide()
    second = Replica(log, "two").take_over()
    log.append(batch.drafts)
    assert zombie
    log.monotonic_s = 1.0
    second.catch_up().core.queue_due_timers(log.monotonic_s)
    second.commit()
    second.book("b", 7, uuid7(1_000, 77))
    return log


def changed(log: Log, find: Callable[[Record, Event | None, Metadata | None], bool], **fields: object) -> list[Record]:
    """The log with the first record found replaced: fields of the record, or of its envelope."""
    records = list(log.records)
    for place, record in enumerate(records):
        decoded = CODEC.decode_event(record.value) if (record.type or "").startswith("test.") else (None, None)
        if find(record, *decoded):
            own = {name: value for name, value in fields.items() if hasattr(record, name)}
            event, envelope = decoded
            if event is not None and envelope is not None and len(own) < len(fields):
                rest = {name: value for name, value in fields.items() if name not in own and name != "event"}
                event = fields.get("event", event)  # type: ignore[assignment]
                own["value"] = CODEC.encode_event(event, replace(envelope, **rest))  # type: ignore[arg-type]
            records[place] = replace(record, **own)  # type: ignore[arg-type]
            return records
    raise AssertionError("nothing to change")


def booked(account: str, amount: int) -> Callable[[Record, Event | None, Metadata | None], bool]:
    return lambda record, event, _: event == Booked(account, amount)


def recommanded(log: Log, account: str, amount: int, **fields: object) -> list[Record]:
    """The log with the command of one booking rewritten."""
    envelope = next(
        CODEC.decode_event(record.value)[1]
        for record in log.records
        if (record.type or "").startswith("test.") and CODEC.decode_event(record.value)[0] == Booked(account, amount)
    )
    command = CommandRecord.FromString(envelope.command)
    for name, value in fields.items():
        setattr(command, name, value)
    return changed(log, booked(account, amount), command=command.SerializeToString(deterministic=True))


def test_a_log_with_everything_that_happens_is_sound_and_counted():
    log = lived()
    report = audited(log.records)
    assert report.problems.first == []
    assert (report.records, report.void, report.epochs) == (len(log.records), 1, 2)
    assert (report.commands, report.streams) == (7, 3)
    assert report.effective == len(log.records) - 3


@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        ("OffsetGap", lambda log: [record for record in log.records if record.offset != 3]),
        ("VersionGap", lambda log: changed(log, booked("a", -3), stream_version=3)),
        ("WrongEventId", lambda log: changed(log, booked("a", -3), event_id="ev_0")),
        ("WrongStream", lambda log: changed(log, booked("a", -3), stream_id="b")),
        ("WrongEpoch", lambda log: changed(log, booked("a", -3), writer_epoch=2)),
        ("WrongType", lambda log: changed(log, booked("a", -3), type="test.Closed")),
        ("TimeWentBack", lambda log: changed(log, booked("b", 7), event_time=NOON - timedelta(seconds=1))),
        ("WrongTime", lambda log: changed(log, booked("b", 7), event_time=NOON + timedelta(seconds=9))),
        ("Undecodable", lambda log: changed(log, booked("b", 7), value=b"{")),
        ("EventWithoutCommand", lambda log: changed(log, booked("a", 10), command=b"")),
        ("CommandCut", lambda log: recommanded(log, "b", 5, event_count=2)),
        ("CommandNotCanonical", lambda log: recommanded(log, "b", 5, payload=b'["Book",{"account":"b","amount":5}]')),
        ("UndecodableCommand", lambda log: recommanded(log, "b", 5, payload=b'["Book"]')),
        ("CommandTwice", lambda log: recommanded(log, "b", 5, command_id=_id_of(log, "a", 10))),
        ("CommandOutOfTime", lambda log: recommanded(log, "b", 5, command_id=uuid7(-400_000))),
        ("TooLarge", lambda log: changed(log, booked("b", 7), actor="x" * 70_000)),
        ("InputTwice", lambda log: [*log.records, *_again(log, "c", 1)]),
    ],
)
def test_a_broken_promise_is_named(rule: str, broken: Callable[[Log], list[Record]]):
    assert rule in rules_found(audited(broken(lived())))


def _id_of(log: Log, account: str, amount: int) -> str:
    for record in log.records:
        if (record.type or "").startswith("test."):
            event, envelope = CODEC.decode_event(record.value)
            if event == Booked(account, amount):
                return CommandRecord.FromString(envelope.command).command_id
    raise AssertionError


def _again(log: Log, account: str, amount: int) -> Iterator[Record]:
    found = next(record for record in log.records if b'["Booked", {"account": "c"' in record.value)
    yield replace(found, offset=len(log.records), epoch=2)


def test_a_key_on_a_partition_that_is_not_its_own_is_named():
    assert "WrongPartition" in rules_found(audited(lived().records, partitions=16))


@pytest.mark.parametrize(
    ("rule", "field"), [("PartitionCount", {"partition_count": 3}), ("Partitioner", {"partitioner": "crc32"})]
)
def test_a_marker_that_says_otherwise_how_keys_are_placed_is_named(rule: str, field: dict[str, object]):
    log = Log()
    Replica(log, "one").take_over()
    marker = Marker.FromString(log.records[0].value)
    for name, value in field.items():
        setattr(marker, name, value)
    assert rules_found(audited([replace(log.records[0], value=marker.SerializeToString())])) == {rule}


def test_problems_are_counted_but_not_all_kept():
    report = audited([replace(record, offset=record.offset * 2) for record in lived().records] * 50)
    assert report.problems.count > len(report.problems.first) == 100


def test_a_stream_that_is_over_begins_again_after_a_week_and_not_before():
    """Ledger rule 16: what leaves memory is forgotten here as in the fold."""
    service = replace(bank_service(), is_last=lambda event: isinstance(event, Closed))
    for days, rules in ((8, set()), (6, {"VersionGap"})):
        log = Log()
        owner = Replica(log, "one").take_over()
        owner.submit(Close("a"), "first", payload_hash=b"")
        owner.commit()
        log.monotonic_s = days * 86_400.0
        owner.submit(Close("b"), "second", payload_hash=b"")
        owner.commit()
        again = replace(log.records[1], offset=3)
        event, envelope = CODEC.decode_event(again.value)
        time = CODEC.decode_event(log.records[2].value)[1].event_time
        command = CommandRecord.FromString(envelope.command)
        command.decided_time.FromDatetime(time)
        envelope = replace(envelope, event_time=time, command=command.SerializeToString(deterministic=True))
        records = [*log.records, replace(again, value=CODEC.encode_event(event, envelope))]
        assert rules_found(audited(records, service)) == rules


# deciding again


def test_rules_that_decided_a_log_decide_it_again_byte_for_byte():
    log = lived()
    report = replayed(log.records)
    assert (report.problems.first, report.different, report.first_difference) == ([], 0, "")
    assert (report.commands, report.records) == (7, len(log.records))
    assert report.digest == Replica(log, "three").catch_up().core.fold.digest()


STEPS = st.tuples(st.sampled_from("abc"), st.integers(-3, 5), st.integers(0, 400), st.booleans())


@given(st.lists(STEPS, min_size=1, max_size=30))
def test_any_history_is_sound_and_is_decided_again(steps):
    log = Log()
    owner = Replica(log, "r0").take_over()
    for number, (account, amount, pause_ms, is_new_owner) in enumerate(steps):
        log.monotonic_s += pause_ms / 1000
        owner.core.queue_due_timers(log.monotonic_s)
        owner.submit(CloseLater(account, 300) if amount == 0 else Book(account, amount), key=account)
        owner.commit()
        if is_new_owner:
            owner = Replica(log, f"r{number + 1}").take_over()
    assert audited(log.records).problems.first == []
    report = replayed(log.records)
    assert (report.problems.first, report.different) == ([], 0)
    assert report.digest == owner.core.fold.digest()


class OtherRules(Rules):
    """Books one more than it was asked to."""

    def decide(self, state: Bank, command: Command, context: Context) -> Iterator[Event]:
        for event in super().decide(state, command, context):
            yield replace(event, amount=event.amount + 1) if isinstance(event, Booked) else event


class StrictRules(Rules):
    """Books nothing for b."""

    def decide(self, state: Bank, command: Command, context: Context) -> Iterator[Event]:
        if command != Book("b", 5):
            yield from super().decide(state, command, context)


def with_rules(rules: Rules, version: str) -> Service:
    return replace(bank_service(), decider=rules, decider_version=version)


def versioned(records: list[Record], version: str) -> list[Record]:
    """The log as if its markers had named that version."""
    return [_versioned(record, version) if record.type == MARKER_TYPE else record for record in records]


def _versioned(record: Record, version: str) -> Record:
    marker = Marker.FromString(record.value)
    marker.decider_version = version
    return replace(record, value=marker.SerializeToString())


def test_a_difference_under_the_same_version_is_a_problem_that_names_the_place_and_no_value():
    records = versioned(lived().records, "1")
    report = replayed(records, with_rules(OtherRules(), "1"))
    assert rules_found(report) == {"DecidedOtherwise"}
    assert report.problems.first[0].detail == "event 1 of 1: test.Booked differs in amount"
    assert report.problems.first[0].place == "bank.events.v1/0/1"
    assert (report.problems.count, report.different) == (5, 5)
    assert report.digest == replayed(records).digest  # the state follows the log, not the wrong rules


def test_a_difference_under_another_version_is_told_and_no_problem():
    report = replayed(versioned(lived().records, "1"), with_rules(StrictRules(), "2"))
    assert report.problems.first == []
    assert report.different == 1
    assert report.first_difference == (
        "decided by bank/1, this is bank/2; first difference at offset 2: 0 events instead of 1"
    )


def test_rules_that_refuse_today_what_they_did_then_are_told():
    log = lived()
    records = recommanded(log, "b", 5, payload=b'["Book", {"account": "b", "amount": -5}]')
    report = replayed(versioned(records, "1"))
    assert "refused: Overdrawn" in report.first_difference


def test_a_replay_until_a_time_leaves_out_what_was_decided_later():
    log = lived()
    early = replayed(log.records, until=NOON)
    assert early.commands == 5 and early.problems.first == []
    assert early.digest != replayed(log.records).digest
    assert replayed(log.records, until=NOON + timedelta(hours=1)).digest == replayed(log.records).digest


def test_a_record_that_cannot_be_applied_ends_the_replay_of_its_partition():
    report = replayed(changed(lived(), booked("b", 7), value=b"{"))
    assert rules_found(report) == {"Poison"}


# what an operator let go (rule 21)


class OneLog:
    """A source with one partition."""

    def __init__(self, log: Log) -> None:
        self._records = log.records

    async def ends(self, topic: str) -> dict[int, int]:
        return {0: len(self._records)}

    async def records(self, topic: str, partition: int) -> AsyncIterator[Sequence[StoredRecord]]:
        yield [stored(record) for record in self._records]


def stored(record: Record) -> StoredRecord:
    headers = tuple(Draft(record.key, record.value, record.epoch or 0, record.type or "").headers)
    timestamp_ms = (record.append_time - BEGINNING) // timedelta(milliseconds=1)
    return StoredRecord(record.offset, timestamp_ms, record.key, record.value, headers)


async def test_what_was_let_go_is_no_problem_and_the_state_is_that_of_a_replica() -> None:
    log = Log()
    owner = Replica(log, "one").take_over()
    owner.book("a", 10)
    at = log.append([Draft(b"a", b"garbage", 1, "test.Booked")])
    skip = RecordSkipped(offset=at).SerializeToString()
    log.append([Draft(b"*", skip, 1, RECORD_SKIPPED_TYPE)])
    owner.take_over().book("a", 5, uuid7(1, 7))
    gone = await let_go(OneLog(log), "bank.events.v1", 0)
    audit, replay = audited(log.records, let_go=gone), replayed(log.records, let_go=gone)
    assert (gone, audit.problems.first, replay.problems.first) == ({at}, [], [])
    assert (audit.commands, replay.commands) == (2, 2)
    assert replay.digest == owner.core.fold.digest()
    assert rules_found(audited(log.records)) == {"Undecodable"}
    assert rules_found(replayed(log.records)) == {"Poison"}


def test_a_command_of_which_an_event_was_let_go_is_whole_and_is_not_decided_again() -> None:
    log = Log()
    owner = Replica(log, "one").take_over()
    owner.book("a", 10)
    first = log.records[-1]
    event, metadata = CODEC.decode_event(first.value)
    command = CommandRecord.FromString(metadata.command)
    command.event_count = 2
    metadata = replace(metadata, command=command.SerializeToString())
    log.records[-1] = replace(first, value=CODEC.encode_event(event, metadata))
    gone = {log.append([Draft(first.key, b"garbage", 1, "test.Booked")])}
    assert rules_found(audited(log.records, let_go=gone)) == set()
    assert replayed(versioned(log.records, "1"), let_go=gone).problems.first == []
    assert rules_found(audited(log.records)) == {"Undecodable"}


# the digest


def test_the_digest_does_not_depend_on_what_was_taken_back():
    replica = Replica(Log(), "one").take_over()
    replica.book("a", 1)
    before = replica.core.fold.digest()
    replica.submit(Book("a", 5))
    replica.decide()
    assert replica.core.fold.digest() != before
    replica.core.fold.journal.rollback()
    assert replica.core.fold.digest() == before


# one moment of several ledgers (rule 13)


def source_at(topic: str, offset: int) -> wire.ManagerSource:
    return wire.ManagerSource(manager="m", topic=topic, partition=0, offset=offset, epoch=1)


def answers(**by_topic: dict[int, int]) -> PartitionInputs:
    """Inputs of a partition: at which own offset which record of another topic was answered."""
    inputs = PartitionInputs(bank_service())
    for topic, places in by_topic.items():
        for own, theirs in places.items():
            inputs.note(own, source_at(topic, theirs))
    return inputs


def test_a_cut_keeps_everything_where_everything_that_was_answered_is_there():
    inputs = {("a", 0): answers(b={3: 1, 7: 4}), ("b", 0): answers()}
    ends = {("a", 0): 9, ("b", 0): 5}
    assert consistent_cut(ends, inputs) == ends


def test_what_answers_a_record_that_is_cut_off_is_cut_off_too_and_so_is_what_answers_that():
    inputs = {("a", 0): answers(b={3: 1, 7: 5}), ("b", 0): answers(c={2: 0}), ("c", 0): answers(a={1: 4, 2: 7})}
    ends = {("a", 0): 9, ("b", 0): 5, ("c", 0): 6}
    assert consistent_cut(ends, inputs) == {("a", 0): 7, ("b", 0): 5, ("c", 0): 2}


def test_inputs_of_a_ledger_that_is_not_among_them_cut_nothing():
    assert consistent_cut({("a", 0): 9}, {("a", 0): answers(elsewhere={3: 100})}) == {("a", 0): 9}


@given(st.data())
def test_a_cut_is_closed_and_cuts_no_more_than_it_must(data):
    places = [("a", 0), ("b", 0), ("c", 0)]
    inputs, pairs = {}, {}
    for place in places:
        pairs[place] = [
            (source, list(zip(sorted(own), sorted(theirs), strict=False)))
            for source, own, theirs in data.draw(st.lists(_ANSWERED, max_size=2, unique_by=lambda found: found[0]))
        ]
        inputs[place] = answers(**{source: dict(found) for source, found in pairs[place]})
    ends = {place: data.draw(st.integers(0, 12)) for place in places}
    cut = consistent_cut(ends, inputs)

    def is_closed(at):
        return all(
            own >= at[place] or theirs < at[source, 0]
            for place in places
            for source, found in pairs[place]
            for own, theirs in found
        )

    assert is_closed(cut)
    for later in itertools.product(*(range(cut[place], ends[place] + 1) for place in places)):
        assert later == tuple(cut.values()) or not is_closed(dict(zip(places, later, strict=True)))


_OFFSETS = st.sets(st.integers(0, 12), max_size=5)
_ANSWERED = st.tuples(st.sampled_from("abc"), _OFFSETS, _OFFSETS)


def test_inputs_are_found_in_commands_and_in_skipped_inputs():
    found = PartitionInputs(bank_service())
    for record in lived().records:
        found.read(record)
    first, second, third = (
        next(record.offset for record in lived().records if b'["Booked", {"account": "c"' in record.value),
        *(record.offset for record in lived().records if record.type == INPUT_SKIPPED_TYPE),
    )
    assert [found.first_beyond({("x.events.v1", 0): cut}) for cut in (7, 8, 9, 10)] == [first, second, third, None]
