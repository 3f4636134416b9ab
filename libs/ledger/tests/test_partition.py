"""Each rule of the ledger as a history of one log and a few replicas; no Kafka, no clock."""

from datetime import timedelta

import pytest
from accounts import Book, Booked, Close, CloseLater
from hypothesis import given, settings
from hypothesis import strategies as st
from log import NOON, Log, Replica, events_of, refusal_of, uuid7
from trunkline_core.errors import Conflict, Invalid, Rejection, Transient
from trunkline_ledger.core.records import MAX_COMMAND_BYTES, Draft
from trunkline_ledger.submission import Expired, ManagerSource, NotOwner, OutcomeUnknown


@pytest.fixture
def log() -> Log:
    return Log()


# Ledger rules 2 and 21: epochs fence; what carries none is void.


def test_of_two_contenders_with_the_same_epoch_the_first_marker_wins(log):
    one, other = Replica(log, "r1"), Replica(log, "r2")
    log.append([one.marker(1)])
    log.append([other.marker(1)])
    one.catch_up()
    other.catch_up()
    assert one.core.is_open
    assert not other.core.is_open
    assert one.core.owner == other.core.owner
    assert other.stats.void_records == 1


def test_an_abandoned_marker_that_lands_late_is_void(log):
    slow, quick = Replica(log, "r1"), Replica(log, "r2")
    abandoned = slow.marker(1)
    quick.take_over()
    quick.catch_up().take_over()
    log.append([abandoned])
    slow.catch_up()
    quick.catch_up()
    assert quick.core.is_open
    assert not slow.core.is_open
    assert slow.core.fold.epochs.epoch == 2


def test_a_zombie_that_writes_after_the_new_marker_changes_nothing_and_its_caller_learns_it(log):
    old, new = Replica(log, "r1").take_over(), Replica(log, "r2")
    command = old.submit(Book("a", 5))
    batch = old.decide()
    new.take_over()
    offset = log.append(batch.drafts)
    old.keep(old.core.acknowledged(offset, 0))
    old.catch_up()
    new.catch_up()
    assert isinstance(old.replies[command], NotOwner)
    assert old.balance("a") is None
    assert new.balance("a") is None
    assert new.stats.void_records == 1


def test_a_record_without_a_valid_epoch_header_is_ignored_and_counted(log):
    owner = Replica(log, "r1").take_over()
    log.append([Draft(b"a", b"garbage", 0, "test.Booked")])
    owner.catch_up()
    assert owner.stats.void_records == 1
    assert events_of(owner.book("a", 1)) == [Booked("a", 1)]


# Ledger rules 1 and 3: a replica that only folds stops nobody; a marker that is read back does.


def test_a_cold_replica_that_joins_does_not_stop_the_owner(log):
    owner = Replica(log, "r1").take_over()
    owner.book("a", 5)
    Replica(log, "r2").catch_up()
    assert events_of(owner.book("a", 5)) == [Booked("a", 5)]


def test_a_newer_process_with_our_instance_id_replaces_us(log):
    older, newer = Replica(log, "r1", "1").take_over(), Replica(log, "r1", "2")
    newer.take_over()
    older.catch_up()
    assert older.outputs[-1].replaced
    assert not newer.outputs[-1].replaced


def test_commands_that_still_wait_when_ownership_ends_are_told_who_owns(log):
    """Rule 19: the owner whom the marker names."""
    old, new = Replica(log, "r1").take_over(), Replica(log, "r2")
    command = old.submit(Book("a", 1))
    new.take_over()
    old.catch_up()
    reply = old.replies[command]
    assert isinstance(reply, NotOwner)
    assert reply.owner is not None
    assert reply.owner.address == "r2:1"


# Ledger rules 5 and 6: group commit, cut between commands.


def test_commands_that_wait_together_are_appended_together_and_see_each_other(log):
    owner = Replica(log, "r1").take_over()
    first, second = owner.submit(Book("a", 10)), owner.submit(Book("a", -10), uuid7(number=2))
    batch = owner.decide()
    assert len(batch.drafts) == 2
    owner.keep(owner.core.acknowledged(log.append(batch.drafts), 0))
    assert events_of(owner.replies[first]) == [Booked("a", 10)]
    assert events_of(owner.replies[second]) == [Booked("a", -10)]


def test_a_batch_is_cut_between_commands_only(log):
    owner = Replica(log, "r1").take_over()
    for number in range(8):
        owner.submit(Book("x" * 9_000, 1), uuid7(number=number))
    sizes = []
    while len(owner.core.lanes):
        batch = owner.decide()
        sizes.append(len(batch.outcomes))
        assert len(batch.drafts) == len(batch.outcomes)
        owner.keep(owner.core.acknowledged(log.append(batch.drafts), 0))
    assert sum(sizes) == 8
    assert len(sizes) > 1


def test_a_command_above_the_limit_is_refused_and_changes_nothing(log):
    owner = Replica(log, "r1").take_over()
    refusal = refusal_of(owner.book("x" * MAX_COMMAND_BYTES, 1))
    assert isinstance(refusal, Invalid)
    assert refusal.field == "command"
    assert events_of(owner.book("a", 1)) == [Booked("a", 1)]


# Ledger rules 7 and 8: what did not land is undone, and nothing that saw it leaves.


def test_a_rejection_based_on_a_booking_that_never_landed_is_not_released(log):
    owner = Replica(log, "r1").take_over()
    owner.book("a", 10)
    booking, rejected = owner.submit(Book("a", -10)), owner.submit(Book("a", -1), uuid7(number=7))
    batch = owner.decide()
    assert isinstance(batch.outcomes[1].refusal, Rejection)
    assert rejected not in owner.replies
    owner.keep(owner.core.lost_track(0))
    assert isinstance(owner.replies[booking], OutcomeUnknown)
    assert isinstance(owner.replies[rejected], OutcomeUnknown)
    assert owner.balance("a") == 10


def test_nothing_is_decided_while_a_batch_is_on_its_way(log):
    """One batch in flight (rule 5)."""
    owner = Replica(log, "r1").take_over()
    owner.submit(Book("a", 10))
    owner.decide()
    owner.submit(Book("a", 1), uuid7(number=3))
    assert not owner.core.is_settled
    assert owner.core.next_batch(0) is None


# Ledger rule 9: offsets that do not fit.


def test_a_batch_displaced_by_garbage_still_takes_effect_when_it_is_read_back(log):
    owner = Replica(log, "r1").take_over()
    command = owner.submit(Book("a", 5))
    batch = owner.decide()
    log.append([Draft(b"a", b"garbage", 0, "test.Booked")])
    owner.keep(owner.core.acknowledged(log.append(batch.drafts), 0))
    assert command not in owner.replies
    owner.catch_up()
    assert events_of(owner.replies[command]) == [Booked("a", 5)]
    assert owner.replies[command].events[0].offset == 2
    assert owner.balance("a") == 5
    assert owner.book("a", 5).events[0].metadata.stream_version == 2


@pytest.mark.parametrize("fate", ["acknowledged", "refused", "lost_track"])
def test_what_becomes_of_a_batch_of_a_partition_that_was_dropped_meanwhile_changes_nothing(log, fate):
    """Found by the simulator: the process died on an assertion."""
    owner = Replica(log, "r1").take_over()
    command = owner.submit(Book("a", 5))
    drafts = owner.decide().drafts
    owner.keep(owner.core.drop())
    offset = [log.append(drafts)] if fate == "acknowledged" else []
    owner.keep(getattr(owner.core, fate)(*offset, log.monotonic_s))
    assert isinstance(owner.replies[command], OutcomeUnknown)
    assert owner.core.next_offset == 0


def test_a_lower_offset_than_expected_means_the_log_lost_its_tail(log):
    owner = Replica(log, "r1").take_over()
    owner.book("a", 5)
    lost = owner.submit(Book("a", 5))
    owner.decide()
    owner.keep(owner.core.acknowledged(0, 0))
    assert owner.outputs[-1].tail_lost
    assert isinstance(owner.replies[lost], OutcomeUnknown)
    owner.keep(owner.core.drop())
    owner.read = 0
    assert owner.catch_up().balance("a") == 5


def test_who_was_succeeded_refuses_nothing_on_the_ground_of_an_old_state(log):
    """Also not before it has read its successor's marker: the log's end tells that there is more."""
    old, new = Replica(log, "r1").take_over(), Replica(log, "r2").take_over()
    new.book("a", 5)
    command = old.submit(Book("a", -5))
    old.keep(old.core.acknowledged(log.append(old.decide().drafts), 0))
    assert type(old.replies[command]) is Transient
    with pytest.raises(NotOwner):
        old.catch_up().submit(Book("a", -5))
    assert events_of(new.book("a", -5)) == [Booked("a", -5)]


def test_a_refusal_that_nothing_proves_may_be_tried_again_and_costs_no_epoch(log):
    """The log's end cannot be asked for while the group's client is renewed; appends work all the same."""
    owner = Replica(log, "r1").take_over()
    command = owner.submit(Book("a", -5))
    owner.decide()
    owner.keep(owner.core.unproven(log.monotonic_s))
    assert type(owner.replies[command]) is Transient
    assert owner.core.is_open
    assert events_of(owner.book("a", 5)) == [Booked("a", 5)]


def test_who_failed_between_batches_tells_those_who_wait_and_begins_another_epoch(log):
    owner = Replica(log, "r1").take_over()
    command = owner.submit(Book("a", 5))
    owner.keep(owner.core.step_down())
    assert owner.outputs[-1].lost
    assert isinstance(owner.replies[command], NotOwner)
    assert events_of(owner.take_over().book("a", 5)) == [Booked("a", 5)]
    assert owner.core.fold.epochs.epoch == 2


# Ledger rule 10: unknown outcome.


def test_after_an_unknown_outcome_nothing_is_decided_before_the_next_epoch_and_a_repeat_is_answered(log):
    owner = Replica(log, "r1").take_over()
    command = owner.submit(Book("a", 5), uuid7(number=5))
    batch = owner.decide()
    log.append(batch.drafts)  # it landed, but nobody told us
    owner.keep(owner.core.lost_track(0))
    assert isinstance(owner.replies.pop(command), OutcomeUnknown)
    with pytest.raises(NotOwner):
        owner.submit(Book("a", 1))
    owner.take_over()
    assert events_of(owner.book("a", 5, command)) == [Booked("a", 5)]
    assert owner.balance("a") == 5


# Ledger rule 12: commands from outside.


def test_a_repeated_command_gets_its_first_answer_also_from_the_next_owner(log):
    owner, other = Replica(log, "r1").take_over(), Replica(log, "r2")
    command = uuid7(number=9)
    first = owner.book("a", 5, command)
    again = owner.book("a", 5, command)
    other.take_over()
    for repeated in (again, other.book("a", 5, command)):
        assert events_of(repeated) == events_of(first)
        assert [each.metadata.event_id for each in repeated.events] == [each.metadata.event_id for each in first.events]
    assert other.balance("a") == 5


def test_another_payload_under_a_known_id_is_a_conflict(log):
    owner = Replica(log, "r1").take_over()
    command = uuid7(number=9)
    owner.book("a", 5, command)
    assert isinstance(refusal_of(owner.book("a", 6, command, payload_hash=b"other")), Conflict)
    assert owner.balance("a") == 5


def test_a_rejection_is_not_remembered(log):
    owner = Replica(log, "r1").take_over()
    command = uuid7(number=9)
    assert isinstance(refusal_of(owner.book("a", -5, command)), Rejection)
    owner.book("a", 5)
    assert events_of(owner.book("a", -5, command)) == [Booked("a", -5)]


def test_an_id_older_than_the_window_is_expired_and_one_far_ahead_is_invalid(log):
    owner = Replica(log, "r1").take_over()
    assert isinstance(refusal_of(owner.book("a", 5, uuid7(-301_000))), Expired)
    assert isinstance(refusal_of(owner.book("a", 5, uuid7(301_000))), Invalid)
    assert isinstance(refusal_of(owner.book("a", 5, "not-a-uuid")), Invalid)


def test_the_window_forgets_after_five_minutes_of_log_time(log):
    owner = Replica(log, "r1").take_over()
    owner.book("a", 5, uuid7(number=1))
    log.monotonic_s = 301
    owner.book("a", 5)
    assert len(owner.core.fold.window) == 1


# Ledger rule 13: process managers.


def source(offset: int, ordinal: int = 0) -> ManagerSource:
    return ManagerSource("follow", "other.events.v1", 3, offset, 1, ordinal)


def test_redelivered_manager_input_does_nothing_for_ever(log):
    owner, other = Replica(log, "r1").take_over(), Replica(log, "r2")
    for _ in range(2):
        owner.book("a", 5, "m1", source=source(7), payload_hash=b"")
    log.monotonic_s = 7 * 24 * 3600
    other.take_over()
    assert events_of(other.book("a", 5, "m1", source=source(7), payload_hash=b"")) == []
    assert other.balance("a") == 5


def test_a_rejected_or_empty_manager_command_still_advances_the_mark(log):
    owner, other = Replica(log, "r1").take_over(), Replica(log, "r2")
    owner.book("a", -5, "m1", source=source(7), payload_hash=b"")
    owner.book("a", 0, "m2", source=source(8), payload_hash=b"")
    other.take_over()
    for core in (owner.core, other.core):
        mark = core.fold.marks.get("follow", "other.events.v1", 3)
        assert (mark.offset, mark.ordinal) == (8, 0)


# Ledger rule 15: time.


def test_a_timer_fires_when_due_and_never_before(log):
    owner = Replica(log, "r1").take_over()
    owner.submit(CloseLater("a", 5_000))
    owner.commit()
    log.monotonic_s = 4.999
    owner.core.queue_due_timers(log.monotonic_s)
    assert owner.core.next_batch(log.monotonic_s) is None
    log.monotonic_s = 5
    owner.core.queue_due_timers(log.monotonic_s)
    owner.commit()
    assert owner.balance("a") == -1
    assert owner.stats.stuck_timers == 0


def test_the_next_owner_fires_the_timers_of_the_last(log):
    owner, other = Replica(log, "r1").take_over(), Replica(log, "r2")
    owner.submit(CloseLater("a", 5_000))
    owner.commit()
    log.monotonic_s = 60
    other.take_over()
    other.core.queue_due_timers(log.monotonic_s)
    other.commit()
    assert other.balance("a") == -1


def test_an_owner_that_reads_its_marker_late_fires_its_timers_in_time_all_the_same(log):
    """Found by the simulator: every timer of the epoch was late by as much as the marker was read late."""
    owner = Replica(log, "r1")
    offset = log.append([owner.marker()])
    owner.core.marker_acknowledged(offset, log.monotonic_s)
    log.monotonic_s = 3
    owner.catch_up()
    assert owner.core.fold.clock.now(log.monotonic_s) == NOON + timedelta(seconds=3)


def test_log_time_never_runs_backwards_over_a_take_over(log):
    owner, other = Replica(log, "r1").take_over(), Replica(log, "r2")
    log.monotonic_s = 100
    before = owner.book("a", 1).events[0].metadata.event_time
    log.monotonic_s = 50  # the broker's clock stepped back
    after = other.take_over().book("a", 1, uuid7(100_000, 4)).events[0].metadata.event_time
    assert after >= before


# Ledger rule 21: poison.


def test_a_valid_record_that_cannot_be_decoded_stops_the_partition(log):
    owner = Replica(log, "r1").take_over()
    log.append([Draft(b"a", b"garbage", owner.core.fold.epochs.epoch, "test.Booked")])
    owner.catch_up()
    assert owner.core.poison is not None
    with pytest.raises(NotOwner):
        owner.submit(Book("a", 1))


# -- every history ----------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(st.sampled_from(["book", "decide", "ack", "lose", "take_over", "zombie", "read"]), st.integers(0, 1)),
    max_size=40,
)


@given(STEPS)
@settings(max_examples=300, deadline=None)
def test_in_every_history_all_replicas_agree_and_no_acknowledged_command_is_lost(steps):
    """Rules 2, 3, 5 and 7 to 10 together."""
    log = Log()
    replicas = [Replica(log, "r0"), Replica(log, "r1")]
    flying: dict[int, list[Draft]] = {}
    number = 0
    for step, who in steps:
        replica = replicas[who]
        match step:
            case "book" if replica.core.is_open:
                number += 1
                replica.submit(Book("a", 1), uuid7(number=number))
            case "decide":
                batch = replica.core.next_batch(0)
                if batch is not None:
                    flying[who] = batch.drafts
            case "ack" if who in flying and not replica.core.is_settled:
                replica.keep(replica.core.acknowledged(log.append(flying.pop(who)), 0))
            case "lose" if who in flying and not replica.core.is_settled:
                log.append(flying.pop(who))
                replica.keep(replica.core.lost_track(0))
            case "take_over" if not replica.core.is_deciding and not replica.core.is_open:
                replica.take_over()
            case "read":
                replica.catch_up()
    for who, replica in enumerate(replicas):
        if not replica.core.is_settled:
            replica.keep(replica.core.acknowledged(log.append(flying.pop(who)), 0))
    reader = Replica(log, "reader").catch_up()
    applied = {recorded.metadata.causation_id for outputs in reader.outputs for recorded in outputs.effective}
    versions = [recorded.metadata.stream_version for outputs in reader.outputs for recorded in outputs.effective]
    assert versions == list(range(1, len(versions) + 1))
    for replica in replicas:
        replica.catch_up()
        assert replica.balance("a") == reader.balance("a")
        acknowledged = {command for command, reply in replica.replies.items() if not isinstance(reply, Exception)}
        assert acknowledged <= applied


def test_a_timer_whose_command_does_nothing_is_counted_and_does_not_spin(log, monkeypatch):
    owner = Replica(log, "r1").take_over()
    owner.submit(CloseLater("a", 0))
    owner.commit()
    monkeypatch.setattr(type(owner.core._service.decider), "decide", lambda *_: iter(()))
    for _ in range(2):
        owner.core.queue_due_timers(log.monotonic_s)
    owner.commit()
    assert owner.stats.stuck_timers == 1
    owner.core.queue_due_timers(log.monotonic_s)
    assert not len(owner.core.lanes)
    assert owner.core.fold.state.timers.get("close/a").command == Close("a")
