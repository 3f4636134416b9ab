"""Poison, and how an operator lets it go (ledger rule 21, ADR 0013); no Kafka, no clock."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from accounts import FROZEN, Book, Booked, Freeze, bank_service
from hypothesis import given, settings
from hypothesis import strategies as st
from log import NOON, Log, Replica, events_of, refusal_of, uuid7
from trunkline.ledger.v1.ledger_types_pb2 import CommandRecord, Marker, RecordSkipped
from trunkline_core.errors import Poison, Transient
from trunkline_ledger.core.epochs import EpochFilter, Verdict
from trunkline_ledger.core.marks import Mark
from trunkline_ledger.core.records import INPUT_SKIPPED_TYPE, MARKER_TYPE, RECORD_SKIPPED_TYPE, Draft, Record
from trunkline_ledger.core.skips import MAX_FOLLOWING, Skips, TooNew
from trunkline_ledger.core.snapshots import body_of, chunks_of, manifest_of, restored
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.submission import ManagerSource, NotOwner, OutcomeUnknown


@pytest.fixture
def log() -> Log:
    return Log()


def plant(log: Log, epoch: int = 1) -> int:
    """Append a record of the epoch that nobody can apply; return its offset."""
    return log.append([Draft(b"a", b"garbage", epoch, "test.Booked")])


def let_go(log: Log, offset: int, following: int = 0, epoch: int = 1) -> int:
    skip = RecordSkipped(offset=offset, reason="planted", operator="op", following_count=following)
    return log.append([Draft(b"*", skip.SerializeToString(), epoch, RECORD_SKIPPED_TYPE)])


def shown(replica: Replica) -> tuple[Any, ...]:
    """Return all that a replica came to, for comparing replicas with each other."""
    fold = replica.core.fold
    return (
        fold.next_offset,
        fold.epochs.epoch,
        fold.clock.last_event_time,
        dict(fold.state.balances._rows),
        fold.digest(),
    )


# Stopped.


def test_a_partition_that_stopped_says_where_and_tells_of_the_owner_that_comes_after(log):
    """Rule 19: it still forwards, for a version that can read the record may own the partition."""
    old, new = Replica(log, "r1").take_over(), Replica(log, "r2", schema=2, written=1)
    at = log.append([old_frozen(log)])
    old.catch_up()
    assert str(old.outputs[-1].stopped) == f"offset {at} of bank.events.v1/0 cannot be applied: Poison"
    new.take_over()
    old.catch_up()
    with pytest.raises(NotOwner) as refusal:
        old.submit(Book("a", 1))
    assert refusal.value.owner.address == "r2:1"
    assert (old.core.next_offset, old.stats.poisoned) == (at, 1)


def old_frozen(log: Log, account: str = "a") -> Draft:
    """A record that schema 2 reads, of the epoch that is current, as a first version of it wrote it too early."""
    writer = Replica(Log(), "w", schema=2, written=2).take_over()
    writer.submit(Freeze(account), uuid7(number=77))
    return replace(writer.decide().drafts[0], epoch=Replica(log, "any").catch_up().core.fold.epochs.epoch)


def test_a_stopped_replica_whose_instance_was_started_again_still_exits(log):
    """Rule 3."""
    older, newer = Replica(log, "r1", "1").take_over(), Replica(log, "r1", "2", schema=2)
    log.append([old_frozen(log)])
    older.catch_up()
    newer.take_over()
    older.catch_up()
    assert any(outputs.replaced for outputs in older.outputs)


# Let go.


def test_after_a_skip_everybody_goes_on_with_the_same_state_also_who_comes_later(log):
    owner, standby = Replica(log, "r1").take_over(), Replica(log, "r2")
    owner.book("a", 5)
    at = plant(log)
    owner.catch_up()
    standby.catch_up()
    assert not (owner.core.may_own or standby.core.may_own)
    let_go(log, at)
    for replica in (owner, standby):
        replica.catch_up()
        assert (replica.core.poison, replica.stats.skipped) == (None, 1)
    assert events_of(standby.take_over().book("a", 1, uuid7(number=3))) == [Booked("a", 1)]
    later = Replica(log, "later")
    assert shown(owner.catch_up()) == shown(standby) == shown(later.catch_up())
    assert owner.balance("a") == 6


def test_log_time_goes_on_as_if_the_record_had_never_been(log):
    """It failed at the window, after its time was taken: every id would have been too old from then on."""
    owner = Replica(log, "r1").take_over()
    writer = Replica(Log(), "w").take_over()
    writer.submit(Book("a", 5))
    draft = writer.decide().drafts[0]
    kind, fields, envelope = json.loads(draft.value)
    command = CommandRecord.FromString(bytes.fromhex(envelope["command"]))
    command.command_id = "no id of a time"
    envelope |= {"command": command.SerializeToString().hex(), "event_time": (NOON + timedelta(days=365)).isoformat()}
    at = log.append([replace(draft, value=json.dumps([kind, fields, envelope]).encode())])
    owner.catch_up()
    assert owner.core.poison is not None
    let_go(log, at)
    assert owner.take_over().core.fold.clock.last_event_time == NOON
    assert events_of(owner.book("a", 1)) == [Booked("a", 1)]


def test_versions_go_on_as_if_the_record_had_never_been(log):
    owner = Replica(log, "r1").take_over()
    owner.book("a", 5)
    frozen = log.append([old_frozen(log)])
    owner.catch_up()
    let_go(log, frozen)
    assert owner.take_over().book("a", 1).events[0].metadata.stream_version == 2


def test_what_followed_the_record_takes_effect_after_the_skip_that_counts_it(log):
    """The batch that was in flight when the record came: its caller was told that the outcome is unknown."""
    owner, standby = Replica(log, "r1").take_over(), Replica(log, "r2")
    command = owner.submit(Book("a", 5), uuid7(number=5))
    owner.submit(Book("b", 5), uuid7(number=6))
    batch = owner.decide()
    at = plant(log)
    owner.keep(owner.core.acknowledged(log.append(batch.drafts), 0))
    owner.catch_up()
    assert isinstance(owner.replies.pop(command), OutcomeUnknown)
    let_go(log, at)
    assert owner.catch_up().core.poison is not None
    let_go(log, at, following=2)
    assert events_of(owner.take_over().book("a", 5, command)) == [Booked("a", 5)]
    assert shown(owner) == shown(standby.catch_up())
    assert owner.balance("a") == owner.balance("b") == 5


def test_a_record_before_a_take_over_is_let_go_with_the_marker_counted(log):
    """The marker was on its way when the record came: its writer had read to the end as it was before."""
    owner, other = Replica(log, "r1").take_over(), Replica(log, "r2").catch_up()
    marker = other.marker()
    at = plant(log)
    log.append([marker])
    let_go(log, at, following=0, epoch=2)
    assert other.catch_up().core.poison is not None
    let_go(log, at, following=1, epoch=2)
    assert shown(owner.catch_up()) == shown(other.catch_up())
    assert other.core.owner.address == "r2:1"


def test_records_that_follow_each_other_are_let_go_one_after_the_other(log):
    owner = Replica(log, "r1").take_over()
    first = plant(log)
    second = plant(log)
    let_go(log, first, following=1)
    owner.catch_up()
    assert owner.core.next_offset == second
    let_go(log, second)
    assert owner.take_over().book("a", 1)
    assert (owner.stats.poisoned, owner.stats.skipped) == (2, 2)


def test_a_later_record_that_is_let_go_first_is_passed_over_when_its_turn_comes(log):
    owner = Replica(log, "r1").take_over()
    first, second = plant(log), plant(log)
    let_go(log, second)
    assert owner.catch_up().core.next_offset == first
    let_go(log, first, following=1)
    assert owner.catch_up().core.poison is None
    assert owner.stats.poisoned == 1


def test_who_could_apply_the_record_reads_everything_again_without_it(log):
    newer, older = Replica(log, "new", schema=2).take_over(), Replica(log, "old")
    newer.book("a", 5)
    at = log.append([old_frozen(log)])
    assert newer.catch_up().balance("a") == FROZEN
    waiting = newer.submit(Book("a", 1), uuid7(number=8))
    let_go(log, at)
    newer.catch_up()
    assert isinstance(newer.replies[waiting], NotOwner)
    assert not newer.core.is_open
    assert newer.balance("a") == 5
    newer.take_over()
    assert shown(newer) == shown(older.catch_up()) == shown(Replica(log, "later", schema=2).catch_up())


def test_reading_it_all_again_does_not_make_an_owner_of_an_old_marker(log):
    """Or it would decide in the middle of the replay, on an old state that the log then takes for a true one."""
    owner = Replica(log, "r1", schema=2).take_over()
    at = log.append([old_frozen(log)])
    let_go(log, at)
    assert not owner.catch_up().core.is_open
    owner.keep(owner.core.drop())
    assert not owner.catch_up().core.is_open
    assert owner.take_over().core.is_open


def test_a_batch_whose_partition_was_dropped_while_it_was_on_its_way_changes_nothing(log):
    owner = Replica(log, "r1").take_over()
    command = owner.submit(Book("a", 5))
    batch = owner.decide()
    owner.keep(owner.core.drop())
    assert isinstance(owner.replies[command], OutcomeUnknown)
    owner.keep(owner.core.acknowledged(log.append(batch.drafts), 0))
    owner.keep(owner.core.lost_track(0))
    assert owner.catch_up().balance("a") == 5


def test_what_was_read_ahead_before_going_back_is_not_applied_out_of_order(log):
    Replica(log, "r1").take_over()
    at = plant(log)
    let_go(log, at)
    let_go(log, at)
    core = Replica(log, "r2").core
    assert core.take_in(log.records, 0).read_again
    core.take_in(log.records[at + 1 :], 0)
    assert core.next_offset == at
    core.take_in(log.records[at:], 0)
    assert core.next_offset == len(log.records)


# Void.


@pytest.mark.parametrize(
    ("offset", "following", "epoch"),
    [(0, 2, 1), (1, 0, 1), (2, 1, 1), (2, -1, 1), (3, 0, 1), (1, 2, 1), (2, 0, 0), (2, 0, 2)],
    ids=[
        "a marker",
        "a healthy record before",
        "one too many",
        "a count below zero",
        "itself",
        "a healthy record before, with what follows miscounted",
        "no epoch",
        "an epoch nobody began",
    ],
)
def test_a_skip_that_names_anything_else_is_void(log, offset, following, epoch):
    owner = Replica(log, "r1").take_over()
    owner.book("a", 5)
    assert plant(log) == 2
    let_go(log, offset, following, epoch)
    assert owner.catch_up().core.next_offset == 2
    assert owner.stats.skipped == 0
    let_go(log, 2)
    assert owner.catch_up().core.poison is None


def test_a_skip_of_a_healthy_record_in_the_middle_is_void_for_every_reader(log):
    owner, standby = Replica(log, "r1").take_over(), Replica(log, "r2")
    for amount in (1, 2, 4):
        owner.book("a", amount)
    let_go(log, 2)
    assert owner.catch_up().core.is_open
    assert owner.balance("a") == standby.catch_up().balance("a") == 7


def test_a_skip_under_an_old_epoch_is_void(log):
    owner, other = Replica(log, "r1", schema=2).take_over(), Replica(log, "r2", schema=2)
    at = log.append([old_frozen(log)])
    other.take_over()
    let_go(log, at, following=1, epoch=1)
    assert owner.catch_up().balance("a") == other.catch_up().balance("a") == FROZEN


def test_a_repeated_skip_does_nothing_more(log):
    owner = Replica(log, "r1", schema=2).take_over()
    at = log.append([old_frozen(log)])
    for _ in range(2):
        let_go(log, at)
    owner.catch_up()
    assert owner.stats.skipped == 1
    before = owner.take_over().core.is_open
    let_go(log, at, following=1, epoch=2)
    assert owner.catch_up().core.is_open is before


def test_a_skip_that_cannot_be_read_is_void_and_no_poison(log):
    owner = Replica(log, "r1").take_over()
    log.append([Draft(b"*", b"\xff", 1, RECORD_SKIPPED_TYPE)])
    assert events_of(owner.catch_up().take_over().book("a", 1)) == [Booked("a", 1)]


def test_of_records_that_lie_too_far_back_nothing_is_remembered():
    skips = Skips()
    for offset in range(2 * MAX_FOLLOWING):
        skips.count(offset)
    assert len(skips._counting) == MAX_FOLLOWING + 1
    assert skips.take_in(skip_record(2 * MAX_FOLLOWING, 0, 2 * MAX_FOLLOWING - 1), Verdict.EFFECTIVE) is None
    newest = 2 * MAX_FOLLOWING - 1
    assert skips.take_in(skip_record(newest + 2, newest - MAX_FOLLOWING, MAX_FOLLOWING), Verdict.EFFECTIVE) is not None


def skip_record(offset: int, names: int, following: int) -> Record:
    value = RecordSkipped(offset=names, following_count=following).SerializeToString()
    return Record(0, offset, b"*", value, NOON, 1, RECORD_SKIPPED_TYPE)


def test_a_reader_that_begins_at_a_snapshot_reads_from_before_it_where_a_skip_names_what_lies_there(log):
    """Rule 16: it cannot tell whether the skip is valid, and the snapshot may hold the record."""
    for began, following, expected in ((5, 0, 4), (5, 3, 4), (4, 0, None)):
        skips = Skips(began)
        if began == 4:
            skips.count(4)
        assert skips.take_in(skip_record(9, 4 if began == 5 else 3, following), Verdict.EFFECTIVE) == expected


# Snapshots (rule 16).


def begun(replica: Replica, schema: int = 2) -> Replica:
    """Return one that begins from a snapshot of what the replica came to, and has read nothing yet."""
    fold, log = replica.core.fold, replica.log
    body = body_of(fold.contents)
    chunks = dict(enumerate(chunks_of(body)))
    found = Replica(log, "begun", schema=schema)
    service = bank_service(schema_version=schema)
    found.core.begin_from(restored(service, 0, manifest_of(fold, body, log.records[fold.next_offset - 1]), chunks))
    found.read = found.core.next_offset
    return found


def late(log: Log) -> Replica:
    return Replica(log, "late", schema=2).catch_up()


@pytest.mark.parametrize("following", [0, 2])
def test_a_snapshot_from_before_the_skip_does_not_bring_the_record_back(log, following):
    """Who begins from it reads the whole log again; what counts may stand on both sides of the snapshot's end."""
    owner = Replica(log, "r1", schema=2).take_over()
    owner.book("a", 5)
    at = log.append([old_frozen(log)])
    if following:
        owner.catch_up().book("b", 1, uuid7(number=2))
    first = begun(owner.catch_up())
    assert first.balance("a") == FROZEN
    if following:
        owner.book("b", 1, uuid7(number=3))
    let_go(log, at, following)
    assert shown(first.catch_up()) == shown(late(log)) == shown(owner.catch_up())
    assert (first.balance("a"), first.core.skips.begins_at) == (5, 0)


def test_a_void_skip_of_what_lies_before_the_snapshot_changes_nothing(log):
    owner = Replica(log, "r1", schema=2).take_over()
    owner.book("a", 5)
    owner.book("a", 6, uuid7(number=2))
    first = begun(owner)
    let_go(log, 1)
    assert shown(first.catch_up()) == shown(late(log))
    assert (first.balance("a"), first.stats.poisoned) == (11, 0)


def test_who_reads_again_from_before_its_snapshot_hears_the_skips_that_lie_there(log):
    """A record let go before the snapshot was made, and one after it that had been applied."""
    owner = Replica(log, "r1", schema=2).take_over()
    owner.book("a", 5)
    before = log.append([old_frozen(log)])
    let_go(log, before)
    first = begun(owner.catch_up())
    after = log.append([old_frozen(log, "b")])
    first.catch_up()
    let_go(log, after)
    assert shown(first.catch_up()) == shown(late(log))
    assert (first.balance("a"), first.balance("b")) == (5, None)


def test_poison_behind_a_snapshot_is_let_go_without_reading_from_before_it(log):
    owner = Replica(log, "r1").take_over()
    owner.book("a", 5)
    first = begun(owner, schema=1)
    at = plant(log)
    first.catch_up()
    let_go(log, at)
    assert shown(first.catch_up()) == shown(owner.catch_up())
    assert first.core.skips.begins_at == at


def test_a_snapshot_from_after_the_skip_is_as_good_as_the_log(log):
    owner = Replica(log, "r1", schema=2).take_over()
    at = log.append([old_frozen(log)])
    let_go(log, at)
    first = begun(owner.catch_up())
    owner.take_over().book("a", 5, uuid7(number=9))
    assert shown(first.catch_up()) == shown(late(log))
    assert first.core.skips.begins_at == at + 2


def test_a_skip_that_names_no_offset_does_not_make_readers_begin_again(log):
    """Behind a marker it would be valid each time it is read."""
    owner = Replica(log, "r1").take_over()
    let_go(log, -1)
    owner.catch_up()
    assert (owner.core.is_open, owner.stats.skipped) == (True, 0)


# Commands of which a part was let go.


def manager_source(offset: int) -> ManagerSource:
    return ManagerSource("follow", "other.events.v1", 3, offset, 1)


def test_a_command_of_which_an_event_was_let_go_still_counts_as_carried_out(log):
    """Rules 12 and 13: else its manager would send it again, and its other events would come twice."""
    owner = Replica(log, "r1").take_over()
    owner.submit(Book("a", 5), "m1", source=manager_source(7), payload_hash=b"")
    first = owner.decide().drafts[0]
    codec = owner.core._service.codec
    event, metadata = codec.decode_event(first.value)
    record = CommandRecord.FromString(metadata.command)
    record.event_count = 2
    owner.keep(owner.core.lost_track(0))
    two = replace(metadata, command=record.SerializeToString())
    log.append([replace(first, value=codec.encode_event(event, two))])
    at = plant(log)
    owner.catch_up()
    let_go(log, at)
    owner.catch_up()
    assert owner.core.fold.marks.get("follow", "other.events.v1", 3) == Mark(7, 0, 1)


@pytest.mark.parametrize("command_id", ["no id", None], ids=["remembering fails", "the key is no text"])
def test_a_record_that_fails_late_leaves_nothing_of_its_command_behind(log, command_id):
    """It is as if it had not been read, also where its command could be read already."""
    owner = Replica(log, "r1").take_over()
    owner.submit(Book("b", 1), uuid7(number=4))
    draft = owner.decide().drafts[0]
    codec = owner.core._service.codec
    event, metadata = codec.decode_event(draft.value)
    record = CommandRecord.FromString(metadata.command)
    record.command_id = command_id or record.command_id
    bad = codec.encode_event(event, replace(metadata, command=record.SerializeToString()))
    owner.keep(owner.core.lost_track(0))
    at = log.append([replace(draft, value=bad, key=b"b" if command_id else b"\xff")])
    assert owner.catch_up().core.next_offset == at
    let_go(log, at)
    assert owner.take_over().core.is_open
    assert (owner.balance("b"), owner.core.fold.versions.of("b", NOON), len(owner.core.fold.window)) == (None, 0, 0)


def test_a_managers_skip_that_cannot_be_read_is_poison_too_and_can_be_let_go(log):
    owner = Replica(log, "r1").take_over()
    at = log.append([Draft(b"a", b"\xff", 1, INPUT_SKIPPED_TYPE)])
    assert isinstance(owner.catch_up().core.poison, Poison)
    let_go(log, at)
    assert owner.take_over().core.is_open


# A newer version owns the partition.


def test_a_version_that_is_too_old_stands_aside_at_the_marker_and_is_not_poisoned_by_what_follows(log):
    newer, older = Replica(log, "new", schema=2, written=2).take_over(), Replica(log, "old")
    newer.submit(Freeze("a"))
    newer.commit()
    older.catch_up()
    assert isinstance(older.core.poison, TooNew)
    assert (older.stats.poisoned, older.core.may_own) == (0, False)
    assert isinstance(refusal_of(caught(older)), NotOwner)
    assert older.core.owner.address == "new:1"


async def test_a_version_that_is_too_old_says_nothing_of_what_it_holds(log):
    """It falls behind without end: it once refused whoever asked for what had come since as unknown."""
    Replica(log, "new", schema=2, written=2).take_over().book("a", 1)
    old: Ledger = Ledger(bank_service(), bootstrap_servers="nowhere:1", instance_id="old", address="old:1")
    old._replica.host(0)
    old._replica.is_caught_up = True
    old.core(0).take_in(log.records, 0.0)
    with pytest.raises(Transient, match="upgraded"):
        await old.read(0, lambda state: state.balances.get("a"))


def caught(replica: Replica) -> Exception:
    try:
        replica.submit(Book("a", 1))
    except NotOwner as refusal:
        return refusal
    raise AssertionError


def test_no_skip_brings_a_version_that_is_too_old_back(log):
    newer, older = Replica(log, "new", schema=2, written=2).take_over(), Replica(log, "old")
    newer.submit(Freeze("a"))
    newer.commit()
    let_go(log, 1)
    assert isinstance(older.catch_up().core.poison, TooNew)
    assert newer.catch_up().balance("a") is None


def test_a_release_that_reads_the_new_and_writes_the_old_lets_older_ones_own(log):
    """Readable one release before it is written."""
    between, older = Replica(log, "between", schema=2, written=1).take_over(), Replica(log, "old")
    between.book("a", 1)
    assert older.take_over().core.is_open


def test_what_a_marker_demands_of_readers_never_falls_again(log):
    """A release that writes the old schema takes over: the new events of before still stand on the log."""
    between = Replica(log, "between", schema=2, written=1)
    Replica(log, "new", schema=2, written=2).take_over()
    between.take_over()
    assert between.core.is_open
    markers = [Marker.FromString(one.value) for one in log.records if one.type == MARKER_TYPE]
    assert [marker.min_reader for marker in markers] == [2, 2]


def test_a_service_cannot_write_what_it_does_not_read():
    with pytest.raises(ValueError, match="bank writes schema 2 and reads 1"):
        Replica(Log(), "r1", schema=1, written=2)


# Every history.

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["book", "plant", "freeze", "skip", "skip", "take_over", "read", "displace", "begin"]),
        st.integers(0, 2),
        st.integers(0, 6),
        st.integers(0, 2),
    ),
    max_size=40,
)


@given(STEPS)
@settings(max_examples=300)
def test_in_every_history_of_poison_and_skips_all_who_are_not_stopped_agree(steps):
    """Whoever could apply a record or not, read slowly or quickly, or comes last."""
    log = Log()
    replicas = [Replica(log, "r0"), Replica(log, "r1", schema=2), Replica(log, "r2", schema=2)]
    for number, (step, who, offset, following) in enumerate(steps):
        replica = replicas[who]
        epoch = current_epoch(log)
        match step:
            case "book" if replica.catch_up().core.is_open:
                replica.book("a", 1, uuid7(number=number))
            case "plant" if epoch:
                plant(log, epoch)
            case "freeze" if epoch:
                log.append([replace(old_frozen(Log(), "c"), epoch=epoch)])
            case "skip" if epoch:
                let_go(log, max(0, len(log.records) - 1 - offset), following, epoch)
            case "take_over" if replica.catch_up().core.may_own and not replica.core.is_open:
                replica.take_over()
            case "displace" if replica.catch_up().core.is_open:
                displace(replica, number, epoch)
            case "read":
                replica.catch_up()
            case "begin" if (
                replica.core.next_offset and replica.core.fold.is_between_commands and not replica.core.poison
            ):
                replicas.append(begun(replica, 1 if who == 0 else 2))
    judged = [replica.catch_up() for replica in (*replicas, Replica(log, "late"), Replica(log, "late2", schema=2))]
    for schema in (1, 2):
        assert len({str(shown(one)) for one in judged if one.core._service.schema_version == schema}) == 1
    going = [replica for replica in judged if replica.core.poison is None]
    assert len({str(shown(replica)) for replica in going}) <= 1


def current_epoch(log: Log) -> int:
    epochs = EpochFilter()
    for record in log.records:
        epochs.admit(record)
    return epochs.epoch


def displace(replica: Replica, number: int, epoch: int) -> None:
    """A foreign record comes while a batch is on its way."""
    replica.submit(Book("b", 1), uuid7(number=number))
    batch = replica.decide()
    plant(replica.log, epoch)
    replica.keep(replica.core.acknowledged(replica.log.append(batch.drafts), 0))
    replica.catch_up()
