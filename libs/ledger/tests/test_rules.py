"""The small parts of the core, each by its rule; no Kafka, no clock."""

from datetime import timedelta

import pytest
from accounts import Bank, Book, Booked, CloseLater, bank_service
from hypothesis import given
from hypothesis import strategies as st
from log import NOON, Log, Replica, events_of, refusal_of, uuid7
from trunkline.ledger.v1.ledger_types_pb2 import CommandRecord, Marker
from trunkline_core.decider import Context
from trunkline_core.errors import Conflict, Invalid, Overloaded, Transient
from trunkline_core.ids import time_of
from trunkline_core.tables import Journal
from trunkline_ledger.core.batch import BATCH_FULL_BYTES
from trunkline_ledger.core.commands import NOTHING
from trunkline_ledger.core.epochs import EpochFilter, Verdict
from trunkline_ledger.core.marks import Mark
from trunkline_ledger.core.metadata import Metadata, derive_event_id
from trunkline_ledger.core.records import (
    FRAME_BYTES,
    MARKER_TYPE,
    MAX_COMMAND_RECORDS_BYTES,
    MAX_EVENT_BYTES,
    Draft,
    Record,
    check_records_size,
    read_headers,
)
from trunkline_ledger.core.window import Window
from trunkline_ledger.kafka.producer import MAX_BATCH_BYTES
from trunkline_ledger.submission import Committed, Defect, Expired, ManagerSource, NotOwner, OutcomeUnknown, Recorded


@pytest.fixture
def log() -> Log:
    return Log()


def record(epoch: int | None, kind: str | None = "test.Booked", value: bytes = b"") -> Record:
    return Record(0, 0, b"a", value, NOON, epoch, kind)


def marker(epoch: int) -> Record:
    return record(epoch, MARKER_TYPE, Marker(epoch=epoch, boot_id="b", instance_id="i").SerializeToString())


# Ledger rules 2 and 4: a filter that starts from a saved epoch judges as one that read everything.


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), max_size=20), st.integers(0, 20))
def test_a_filter_that_begins_in_the_middle_with_the_saved_epoch_judges_as_one_that_read_all(history, cut):
    records = [marker(epoch) if is_marker else record(epoch) for is_marker, epoch in history]
    whole = EpochFilter()
    verdicts = []
    saved = 0
    for position, one in enumerate(records):
        if position == cut:
            saved = whole.epoch
        verdicts.append(whole.admit(one))
    resumed = EpochFilter(saved)
    assert [resumed.admit(one) for one in records[cut:]] == verdicts[cut:]


@pytest.mark.parametrize("epoch", [None, 0, 1, 3])
def test_an_event_takes_effect_only_under_the_current_epoch(epoch):
    assert EpochFilter(2).admit(record(epoch)) is Verdict.VOID
    assert EpochFilter(2).admit(record(2)) is Verdict.EFFECTIVE


def test_a_marker_whose_header_and_content_differ_or_that_is_garbage_is_void():
    content = Marker(epoch=9).SerializeToString()
    assert EpochFilter(2).admit(record(3, MARKER_TYPE, content)) is Verdict.VOID
    assert EpochFilter(2).admit(record(3, MARKER_TYPE, b"\xff")) is Verdict.VOID


def test_headers_that_are_missing_or_malformed_read_as_none():
    """Ledger rule 21: the fixed headers."""
    assert read_headers([("tl-epoch", b"7"), ("tl-type", b"t")]) == (7, "t")
    assert read_headers([("tl-epoch", b"-7")]) == (None, None)
    assert read_headers([("tl-epoch", b"9" * 30), ("tl-type", None)]) == (None, None)
    assert read_headers(None) == (None, None)


# Ledger rule 6: sizes.


def test_the_largest_batch_with_the_largest_command_still_fits_one_record_batch_of_kafka():
    assert BATCH_FULL_BYTES + MAX_COMMAND_RECORDS_BYTES < MAX_BATCH_BYTES
    assert len("tl-epoch") + len("tl-type") + 19 + 20 <= FRAME_BYTES


def test_events_of_one_command_have_a_limit_each_and_together():
    large = Draft(b"a", b"x" * MAX_EVENT_BYTES, 1, "t")
    check_records_size([large])
    with pytest.raises(Invalid):
        check_records_size([Draft(b"a", b"x" * (MAX_EVENT_BYTES + 1), 1, "t")])
    with pytest.raises(Invalid):
        check_records_size([large] * 3)


def test_a_broker_that_refuses_a_batch_for_good_leaves_a_refusal_and_no_change(log):
    owner = Replica(log, "r1").take_over()
    command = owner.submit(Book("a", 5))
    owner.decide()
    owner.keep(owner.core.refused(0))
    assert isinstance(owner.replies[command], Invalid)
    assert owner.balance("a") is None
    assert owner.core.is_open


def test_one_command_that_the_broker_refuses_does_not_make_those_beside_it_invalid(log):
    owner = Replica(log, "r1").take_over()
    large, small = owner.submit(Book("a", 5), uuid7(number=1)), owner.submit(Book("b", 7), uuid7(number=2))
    owner.decide()
    owner.keep(owner.core.refused(0))
    assert [type(owner.replies[each]) for each in (large, small)] == [Transient, Transient]
    owner.submit(Book("a", 5), large), owner.submit(Book("b", 7), small)
    owner.decide()
    owner.keep(owner.core.refused(0))
    owner.commit()
    assert isinstance(owner.replies[large], Invalid)
    assert isinstance(owner.replies[small], Committed)
    assert (owner.balance("a"), owner.balance("b")) == (None, 7)


# Ledger rule 9: what happens to a displaced batch.


def test_a_rejection_in_a_displaced_batch_must_be_decided_again(log):
    owner = Replica(log, "r1").take_over()
    booking, rejected = owner.submit(Book("a", 1)), owner.submit(Book("a", -9), uuid7(number=7))
    batch = owner.decide()
    log.append([Draft(b"a", b"garbage", 0, "test.Booked")])
    owner.keep(owner.core.acknowledged(log.append(batch.drafts), 0))
    owner.catch_up()
    assert isinstance(owner.replies[booking], Committed)
    assert isinstance(owner.replies[rejected], Transient)


def test_poison_before_a_displaced_batch_leaves_its_outcome_unknown(log):
    owner = Replica(log, "r1").take_over()
    command = owner.submit(Book("a", 1))
    batch = owner.decide()
    log.append([Draft(b"a", b"garbage", 1, "test.Booked")])
    owner.keep(owner.core.acknowledged(log.append(batch.drafts), 0))
    owner.catch_up()
    assert isinstance(owner.replies[command], OutcomeUnknown)
    assert owner.core.poison is not None
    assert not owner.core.may_own


def test_a_lost_batch_whose_marker_attempt_was_abandoned_is_void_after_the_next_epoch(log):
    owner = Replica(log, "r1").take_over()
    command = owner.submit(Book("a", 5), uuid7(number=5))
    batch = owner.decide()
    owner.keep(owner.core.lost_track(0))
    owner.take_over()
    log.append(batch.drafts)  # the old producer's batch lands after the new marker
    owner.catch_up()
    assert owner.balance("a") is None
    assert events_of(owner.book("a", 5, command)) == [Booked("a", 5)]
    assert owner.balance("a") == 5


# Ledger rules 11 and 12: identity and deduplication.


def test_an_event_id_differs_by_each_of_its_parts():
    same = ("t", 0, 1, "c", ("s", 1))
    others = [("u",), ("t", 1), ("t", 0, 2), ("t", 0, 1, "d"), ("t", 0, 1, "c", ("r", 1)), ("t", 0, 1, "c", ("s", 2))]
    parts = [same, *((*other, *same[len(other) :]) for other in others)]
    assert len({derive_event_id(*part) for part in parts}) == len(parts)


def test_the_first_event_carries_the_command_and_its_time_so_that_it_can_be_decided_again(log):
    owner = Replica(log, "r1").take_over()
    metadata = owner.book("a", 5).events[0].metadata
    kept = CommandRecord.FromString(metadata.command)
    service = bank_service()
    now = kept.decided_time.ToDatetime(NOON.tzinfo)
    context = Context(now, metadata.tenant_id, metadata.actor, kept.command_id)
    again = service.decider.decide(Bank(), service.codec.decode_command(kept.payload), context)
    assert list(again) == [Booked("a", 5)]
    assert now == metadata.event_time


def test_a_full_window_refuses_and_never_evicts():
    window: Window[object] = Window(Journal(), max_entries=1)
    window.remember(("t", "p", uuid7()), b"h", (), NOON)
    with pytest.raises(Overloaded):
        window.check_new(uuid7(number=2), NOON)
    assert window.first_answer(("t", "p", uuid7()), b"h") == ()
    with pytest.raises(Conflict):
        window.first_answer(("t", "p", uuid7()), b"other")
    at_its_end = NOON + timedelta(minutes=5)  # its id is not too old yet
    with pytest.raises(Overloaded):
        window.check_new(uuid7(5 * 60_000, 2), at_its_end)
    later = at_its_end + timedelta(milliseconds=1)
    window.check_new(uuid7(5 * 60_000, 2), later)
    window.remember(("t", "p", uuid7(5 * 60_000, 2)), b"h", (), later)
    assert len(window) == 1


def test_the_window_keeps_answers_and_not_the_commands_that_led_to_them():
    window: Window[object] = Window(Journal())
    metadata = Metadata("ev_1", "a", 1, NOON, "t", "p", "", "", 1, False, b"a long command")
    window.remember(("t", "p", uuid7()), b"h", (Recorded(Booked("a", 5), metadata, 0, 7, "a"),), NOON)
    (kept,) = window.first_answer(("t", "p", uuid7()), b"h")
    assert (kept.event, kept.offset, kept.metadata.event_id) == (Booked("a", 5), 7, "ev_1")
    assert kept.metadata.command == b""


def test_an_entry_of_an_id_from_the_future_lives_until_five_minutes_after_that_time():
    window: Window[object] = Window(Journal())
    ahead = uuid7(240_000)
    window.remember(("t", "p", ahead), b"h", (), NOON)
    window.remember(("t", "p", uuid7(480_000)), b"h", (), NOON + timedelta(minutes=8))
    assert window.first_answer(("t", "p", ahead), b"h") == ()
    window.remember(("t", "p", uuid7(550_000)), b"h", (), NOON + timedelta(minutes=9, seconds=10))
    assert window.first_answer(("t", "p", ahead), b"h") is None


def test_the_window_of_a_batch_taken_back_is_as_before():
    journal = Journal()
    window: Window[object] = Window(journal)
    window.remember(("t", "p", uuid7()), b"h", (), NOON)
    journal.commit()
    later = NOON + timedelta(minutes=6)
    window.remember(("t", "p", uuid7(number=2)), b"h", (), later)
    journal.rollback()
    assert len(window) == 1
    assert window.first_answer(("t", "p", uuid7()), b"h") == ()
    window.remember(("t", "p", uuid7(360_000)), b"h", (), later)
    assert len(window) == 1
    assert window.first_answer(("t", "p", uuid7()), b"h") is None


@given(st.text(max_size=40))
def test_a_command_id_that_is_no_uuid_of_version_7_is_invalid_whatever_it_is(text):
    with pytest.raises(Invalid):
        time_of(text)


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**62 - 1))
def test_a_uuid_of_version_7_has_a_time_or_is_invalid(milliseconds, rest):
    from uuid import UUID

    try:
        assert round(time_of(str(UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | rest))).timestamp() * 1000) == (
            milliseconds
        )
    except Invalid:
        assert milliseconds > 253_402_300_799_000  # the year 9999


def test_two_tenants_may_use_the_same_command_id(log):
    owner = Replica(log, "r1").take_over()
    command = uuid7(number=3)
    owner.book("a", 5, command)
    assert events_of(owner.book("a", 6, command, tenant="tn_2", payload_hash=b"x")) == [Booked("a", 6)]


def test_an_expired_id_is_refused_even_when_nothing_else_is_wrong(log):
    owner = Replica(log, "r1").take_over()
    log.monotonic_s = 400
    assert isinstance(refusal_of(owner.book("a", 1, uuid7(0))), Expired)


# Ledger rule 13: managers.


def source(offset: int, ordinal: int = 0) -> ManagerSource:
    return ManagerSource("follow", "other.events.v1", 3, offset, 1, ordinal)


def manage(replica: Replica, amount: int, place: ManagerSource, command_id: str) -> object:
    return replica.book("a", amount, command_id, source=place, payload_hash=b"")


def test_a_lower_input_than_the_mark_does_nothing_also_within_one_record(log):
    owner = Replica(log, "r1").take_over()
    manage(owner, 1, source(7, 1), "m1")
    for stale in (source(7, 1), source(7, 0), source(6, 9)):
        manage(owner, 10, stale, f"m/{stale.offset}/{stale.ordinal}")
    manage(owner, 100, source(7, 2), "m3")
    assert owner.balance("a") == 101


def test_a_refusal_that_may_end_is_no_answer_to_a_manager(log, monkeypatch):
    owner = Replica(log, "r1").take_over()

    def full(*_):
        raise Overloaded("the queue", 1.0)

    with monkeypatch.context() as patch:
        patch.setattr(type(owner.core._service.decider), "decide", full)
        assert isinstance(manage(owner, 5, source(7), "m1"), Overloaded)
    manage(owner, 5, source(7), "m1")
    assert owner.balance("a") == 5


def test_inputs_handed_over_together_take_effect_in_order_or_not_at_all(log, monkeypatch):
    owner = Replica(log, "r1").take_over()
    decide = type(owner.core._service.decider).decide

    def full_for_a_while(self, state, command, context):
        if command == Book("a", 1):
            raise Overloaded("the queue", 1.0)
        yield from decide(self, state, command, context)

    def hand_over() -> None:
        for offset, amount in ((7, 1), (8, 10), (9, 100)):
            before = source(offset - 1) if offset > 7 else None
            owner.submit(Book("a", amount), f"m{offset}", source=source(offset), follows=before, payload_hash=b"")
        owner.commit()

    with monkeypatch.context() as patch:
        patch.setattr(type(owner.core._service.decider), "decide", full_for_a_while)
        hand_over()
    assert [type(owner.replies[f"m{offset}"]) for offset in (7, 8, 9)] == [Overloaded, Transient, Transient]
    assert owner.balance("a") is None
    hand_over()
    assert owner.balance("a") == 111


def test_a_defect_of_the_rules_stops_one_command_only_and_never_a_managers_mark(log, monkeypatch):
    owner = Replica(log, "r1").take_over()
    decide = type(owner.core._service.decider).decide

    def broken(self, state, command, context):
        if command == Book("a", 13):
            raise ZeroDivisionError
        yield from decide(self, state, command, context)

    monkeypatch.setattr(type(owner.core._service.decider), "decide", broken)
    assert isinstance(manage(owner, 13, source(7), "m1"), Defect)
    assert isinstance(owner.book("a", 1), Committed)
    assert owner.stats.defects == 1
    assert owner.core.fold.marks.get("follow", "other.events.v1", 3) is None


def test_a_checkpoint_advances_the_mark_without_a_command(log):
    owner, other = Replica(log, "r1").take_over(), Replica(log, "r2")
    owner.submit(NOTHING, "checkpoint", source=source(99, 2**31 - 1), payload_hash=b"")
    owner.commit()
    other.take_over()
    for replica in (owner, other):
        assert replica.core.fold.marks.get("follow", "other.events.v1", 3) == Mark(99, 2**31 - 1, 1)
    manage(other, 5, source(99, 0), "m1")
    assert other.balance("a") is None


def test_a_mark_of_a_batch_that_did_not_take_effect_does_not_advance(log):
    owner = Replica(log, "r1").take_over()
    owner.submit(Book("a", 5), "m1", source=source(7), payload_hash=b"")
    owner.decide()
    owner.keep(owner.core.lost_track(0))
    owner.take_over()
    manage(owner, 5, source(7), "m1")
    assert owner.balance("a") == 5


# Ledger rule 15: time.


def test_a_new_epoch_gives_each_lease_ten_seconds_and_other_timers_none(log):
    owner, other = Replica(log, "r1").take_over(), Replica(log, "r2")
    owner.submit(CloseLater("a", 1_000))
    owner.commit()
    log.monotonic_s = 60
    other.take_over()
    timers = other.core.fold.state.timers
    assert timers.grace_until == NOON + timedelta(seconds=70)
    assert timers.get("close/a").due == NOON + timedelta(seconds=1)


def test_the_grace_counts_from_log_time_where_the_brokers_clock_stepped_back(log):
    owner, other = Replica(log, "r1").take_over(), Replica(log, "r2")
    log.monotonic_s = 100
    owner.book("a", 1)
    log.monotonic_s = 50
    other.take_over()
    assert other.core.fold.state.timers.grace_until == NOON + timedelta(seconds=110)


def test_a_timer_whose_command_is_refused_waits_before_it_is_tried_again(log, monkeypatch):
    owner = Replica(log, "r1").take_over()
    owner.submit(CloseLater("a", 0))
    owner.commit()
    with monkeypatch.context() as patch:
        patch.setattr(type(owner.core._service.decider), "decide", lambda *_: iter(()))
        owner.core.queue_due_timers(log.monotonic_s)
        owner.commit()
    log.monotonic_s = 29
    owner.core.queue_due_timers(log.monotonic_s)
    assert not len(owner.core.lanes)
    assert owner.core.seconds_to_next_timer(log.monotonic_s, 5.0) == 1.0
    log.monotonic_s = 31
    owner.core.queue_due_timers(log.monotonic_s)
    owner.commit()
    assert owner.balance("a") == -1


@pytest.mark.parametrize("fate", ["refused", "unproven"])
def test_a_timer_whose_batch_the_broker_does_not_take_waits_before_it_is_tried_again(log, monkeypatch, fate):
    """While the group is away "unproven" comes without any waiting: tried again at once, it stopped the whole loop."""
    owner = Replica(log, "r1").take_over()
    owner.submit(CloseLater("a", 0))
    owner.commit()
    with monkeypatch.context() as patch:
        if fate == "unproven":  # the timer leads to nothing, so that its batch has no records
            patch.setattr(type(owner.core._service.decider), "decide", lambda *_: iter(()))
        owner.core.queue_due_timers(log.monotonic_s)
        owner.decide()
        owner.keep(getattr(owner.core, fate)(log.monotonic_s))
        owner.core.queue_due_timers(log.monotonic_s)
        assert not len(owner.core.lanes)
    assert owner.stats.stuck_timers == 1
    log.monotonic_s = 31
    owner.core.queue_due_timers(log.monotonic_s)
    owner.commit()
    assert owner.balance("a") == -1


def test_a_standby_and_the_owner_come_to_the_same_timers(log):
    owner, other = Replica(log, "r1").take_over(), Replica(log, "r2")
    log.monotonic_s = 0.123456
    owner.submit(CloseLater("a", 5_000))
    owner.commit()
    other.catch_up()
    assert list(owner.core.fold.state.timers.values()) == list(other.core.fold.state.timers.values())


# Ledger rules 20 and 21.


def test_a_command_whose_deadline_passed_while_it_waited_is_not_decided(log):
    owner = Replica(log, "r1").take_over()
    command = owner.submit(Book("a", 5))
    log.monotonic_s = 11
    owner.commit()
    assert isinstance(owner.replies[command], Transient)
    assert owner.balance("a") is None


def test_a_replica_that_is_too_old_for_the_log_refuses_to_own(log):
    replica = Replica(log, "r1")
    newer = Marker(epoch=1, boot_id="x", instance_id="r9", min_reader=2)
    log.append([Draft(b"*", newer.SerializeToString(), 1, MARKER_TYPE)])
    assert not replica.catch_up().core.may_own


def test_poison_stops_a_partition_where_it_stands_and_keeps_what_was_read(log):
    owner = Replica(log, "r1").take_over()
    owner.book("a", 5)
    at = log.append([Draft(b"a", b"garbage", 1, "test.Booked")])
    log.append([Draft(b"a", b"more", 1, "test.Booked")])
    owner.catch_up()
    assert owner.core.next_offset == at
    assert owner.balance("a") == 5
    with pytest.raises(NotOwner):
        owner.submit(Book("a", 1))
