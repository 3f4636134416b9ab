"""Who goes first and who is refused when commands pile up (ledger rule 20); no Kafka, no clock."""

from collections import Counter, defaultdict, deque
from contextlib import suppress

import pytest
from accounts import Book, CloseLater
from hypothesis import given
from hypothesis import strategies as st
from log import Log, Replica, events_of, uuid7
from trunkline_core.errors import Overloaded
from trunkline_ledger.core.lanes import BOUNDS, GREED, Lanes
from trunkline_ledger.submission import Lane, ManagerSource, Submission

Item = tuple[Lane, str, int]
FLOOD = 10_000
PUTS = st.lists(st.tuples(st.sampled_from(list(Lane)), st.sampled_from("abcd")), max_size=60)


def filled(puts: list[tuple[Lane, str]]) -> Lanes[Item]:
    lanes: Lanes[Item] = Lanes()
    for number, (lane, tenant) in enumerate(puts):
        lanes.put(lane, tenant, (lane, tenant, number))
    return lanes


def taken(lanes: Lanes[Item]) -> list[Item]:
    return list(iter(lanes.take, None))


def flood(lanes: Lanes[int], lane: Lane, tenant: str, count: int = FLOOD) -> int:
    """Return how many of the tenant's items were taken in."""
    for number in range(count):
        try:
            lanes.put(lane, tenant, number)
        except Overloaded:
            return number
    return count


@given(PUTS)
def test_a_more_urgent_lane_goes_first(puts):
    lanes = [lane for lane, _, _ in taken(filled(puts))]
    assert lanes == sorted(lanes)


@given(PUTS)
def test_within_a_lane_each_tenants_commands_keep_their_order_and_none_is_lost_or_made(puts):
    order: defaultdict[tuple[Lane, str], list[int]] = defaultdict(list)
    for lane, tenant, number in taken(filled(puts)):
        order[lane, tenant].append(number)
    expected: defaultdict[tuple[Lane, str], list[int]] = defaultdict(list)
    for number, put in enumerate(puts):
        expected[put].append(number)
    assert order == expected


@given(PUTS, st.integers(0, 30))
def test_nobody_is_served_twice_while_another_of_the_lane_waits(puts, served_before):
    """Turns: between two items of a tenant each tenant that waited at the first of them has one."""
    lanes = filled(puts)
    rest = taken_after(lanes, served_before)
    for begin, (lane, tenant, _) in enumerate(rest):
        waiting = {other for at, other, _ in rest[begin:] if at is lane}
        again = next((at for at in range(begin + 1, len(rest)) if rest[at][:2] == (lane, tenant)), None)
        if again is not None:
            assert {other for _, other, _ in rest[begin:again]} == waiting


def taken_after(lanes: Lanes[Item], count: int) -> list[Item]:
    for _ in range(count):
        lanes.take()
    return taken(lanes)


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 600)))
def test_a_tenant_that_comes_late_waits_for_one_turn_of_each_other_at_most(floods):
    lanes: Lanes[int] = Lanes()
    for tenant, count in floods.items():
        flood(lanes, Lane.NEW, tenant, count)
    lanes.put(Lane.NEW, "late", -1)
    assert len(list(iter(lanes.take, -1))) <= len(floods)


@pytest.mark.parametrize("lane", [Lane.ENDING, Lane.NEW])
def test_one_tenant_never_fills_a_lane_and_the_next_one_always_finds_room(lane):
    lanes: Lanes[int] = Lanes()
    held = [flood(lanes, lane, f"tn_{number}", 2 * BOUNDS[lane]) for number in range(5)]
    assert held[0] == BOUNDS[lane] * GREED // (GREED + 1)
    assert all(held)
    assert len(lanes) < BOUNDS[lane]


def test_tenants_that_flood_for_long_come_to_hold_the_same():
    lanes: Lanes[int] = Lanes()
    tenants = [f"tn_{number}" for number in range(4)]
    for tenant in tenants:
        flood(lanes, Lane.NEW, tenant)
    for _ in range(4 * BOUNDS[Lane.NEW]):
        lanes.take()
        for tenant in tenants:
            flood(lanes, Lane.NEW, tenant, 1)
    held = Counter(tenant for tenant in tenants for _ in range(lanes._lanes[Lane.NEW].held_by(tenant)))
    assert max(held.values()) - min(held.values()) <= GREED


def test_the_bound_of_a_lane_holds_whoever_comes():
    lanes: Lanes[int] = Lanes()
    taken_in = sum(flood(lanes, Lane.NEW, f"tn_{number}", 1) for number in range(2 * BOUNDS[Lane.NEW]))
    assert taken_in == BOUNDS[Lane.NEW]
    with pytest.raises(Overloaded, match="the command queue is full"):
        lanes.put(Lane.NEW, "tn_late", 0)
    lanes.put(Lane.ENDING, "tn_late", 1)
    assert len(lanes.drain()) == BOUNDS[Lane.NEW] + 1


def test_what_is_internal_is_never_refused_within_its_bound():
    lanes: Lanes[int] = Lanes()
    assert flood(lanes, Lane.INTERNAL, "tn_1", 2 * BOUNDS[Lane.INTERNAL]) == BOUNDS[Lane.INTERNAL]


def test_who_waits_no_more_leaves_nothing_in_memory():
    lanes: Lanes[int] = Lanes()
    for number in range(1_000):
        lanes.put(Lane.NEW, f"tn_{number}", number)
    assert len(lanes.drain()) == 1_000
    turns = lanes._lanes[Lane.NEW]
    assert (len(lanes), turns._waiting, turns._order) == (0, {}, deque())


def test_all_inputs_of_a_manager_from_one_partition_wait_in_one_queue_whichever_tenant_they_are_of():
    """Rule 13 wants them in order; those of another source partition, and commands without a source, take turns."""

    def turn(tenant: str, partition: int | None = None) -> object:
        source = None if partition is None else ManagerSource("follow", "other.events.v1", partition, 7, 1)
        return Submission(command=0, key="a", command_id="m", tenant=tenant, actor="system", source=source).turn

    assert turn("tn_1", 3) == turn("tn_2", 3)
    assert len({turn("tn_1", 3), turn("tn_1", 4), turn("tn_1"), turn("tn_2")}) == 4


# A tenant that floods a partition.


@pytest.fixture
def flooded() -> Replica:
    """An owner that was sent 10,000 commands of one tenant at once, and has a timer of another that is due."""
    owner = Replica(Log(), "r1").take_over()
    owner.submit(CloseLater("t", 0), tenant="tn_2")
    owner.commit()
    for number in range(FLOOD):
        with suppress(Overloaded):
            owner.submit(Book("a", 1), uuid7(number=2_000_000 + number))
    return owner


def test_a_flood_is_refused_beyond_the_bound(flooded):
    waiting = len(flooded.core.lanes)
    assert waiting == BOUNDS[Lane.NEW] * GREED // (GREED + 1)
    assert flooded.stats.overloaded == FLOOD - waiting


def test_timers_and_other_tenants_are_served_in_the_next_batch_of_a_flooded_partition(flooded):
    late = flooded.submit(Book("b", 1), uuid7(number=9), tenant="tn_3")
    ending = flooded.submit(Book("c", 1), uuid7(number=10), tenant="tn_1", lane=Lane.ENDING)
    flooded.core.queue_due_timers(0)
    order = [outcome.ticket.submission.command_id for outcome in flooded.decide().outcomes]
    assert order[0].startswith("timer/close/t/")
    assert order[1] == ending
    assert order.index(late) <= 3


def test_what_was_taken_in_of_a_flood_is_carried_out_in_its_order(flooded):
    while len(flooded.core.lanes):
        flooded.commit()
    booked = [uuid7(number=2_000_000 + number) for number in range(4_000)]
    assert [events_of(flooded.replies[command])[0].amount for command in booked] == [1] * len(booked)
    offsets = [flooded.replies[command].events[0].offset for command in booked]
    assert offsets == sorted(offsets)
    assert flooded.balance("a") == len(booked)
