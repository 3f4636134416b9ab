"""The metric definitions, by hand-counted examples and for every history."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from trunkline_analytics.domain.conservation import conservation_error
from trunkline_analytics.domain.segments import Fact, Outcome, SegmentClosed, SegmentOpened, assemble_segments
from trunkline_analytics.domain.service_level import abandon_rate, answer_rate, service_levels
from trunkline_analytics.domain.waits import find_quantile, mean, share_within

T0 = datetime(2026, 1, 5, 9, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def opened(contact: str, seconds: float, queue: str = "qu_a") -> SegmentOpened:
    return SegmentOpened(contact, 1, queue, at(seconds))


def closed(contact: str, seconds: float, outcome: Outcome = Outcome.ANSWERED, queue: str = "qu_a") -> SegmentClosed:
    return SegmentClosed(contact, 1, queue, at(seconds), outcome)


DAY: list[Fact] = [opened("a", 0), opened("b", 10), closed("a", 20), opened("c", 1_000), closed("b", 1_100)]


def test_a_valid_day_conserves_contacts():
    assert conservation_error(DAY, {"qu_a": 1}, T0, QUARTER) == 0


def test_a_contact_that_vanished_from_the_queue_without_an_ending_is_seen():
    assert conservation_error(DAY, {"qu_a": 0}, T0, QUARTER) == 1


def test_a_segment_that_ended_twice_is_seen():
    assert conservation_error([*DAY, closed("a", 30)], {"qu_a": 1}, T0, QUARTER) > 0


def test_an_ending_without_an_opening_is_seen():
    assert conservation_error([*DAY, closed("x", 30)], {"qu_a": 1}, T0, QUARTER) > 0


def test_an_ending_in_another_queue_is_seen():
    facts = [opened("a", 0, "qu_a"), closed("a", 10, queue="qu_b")]
    assert conservation_error(facts, {}, T0, QUARTER) > 0


STAYS = st.lists(
    st.tuples(st.integers(0, 7_000), st.none() | st.integers(0, 5_000), st.sampled_from(["qu_a", "qu_b"])), max_size=30
)


@given(STAYS, st.integers(1, 4_000))
def test_both_equations_hold_for_every_history_and_every_interval(stays, length_s):
    facts: list[Fact] = []
    waiting = {"qu_a": 0, "qu_b": 0}
    for number, (start, stay, queue) in enumerate(stays):
        facts.append(opened(f"c{number}", start, queue))
        if stay is None:
            waiting[queue] += 1
        else:
            facts.append(closed(f"c{number}", start + stay, queue=queue))
    assert conservation_error(facts, waiting, T0, timedelta(seconds=length_s)) == 0


def test_a_fact_told_twice_is_one_segment():
    assert assemble_segments([*DAY, *DAY]) == assemble_segments(DAY)


def test_service_levels_leave_fresh_waits_out_and_count_long_ones_as_misses():
    facts = [
        opened("quick", 0), closed("quick", 10),
        opened("slow", 0), closed("slow", 40),
        opened("left", 0), closed("left", 15, Outcome.ABANDONED),
        opened("short", 0), closed("short", 2, Outcome.SHORT_ABANDONED),
        opened("stuck", 0), opened("fresh", 95),
    ]  # fmt: skip
    levels = service_levels(assemble_segments(facts), timedelta(seconds=20), at(100))
    assert (levels.sl1, levels.sl2, levels.sl3) == (1 / 4, 1 / 4, 2 / 4)


def test_rates_count_only_what_was_offered_to_the_end():
    outcomes = [Outcome.ANSWERED, Outcome.ANSWERED, Outcome.ABANDONED, Outcome.SHORT_ABANDONED, Outcome.FLOWED_OUT]
    assert (answer_rate(outcomes), abandon_rate(outcomes)) == (2 / 3, 1 / 3)
    assert answer_rate([]) is None


def test_a_quantile_is_the_smallest_value_that_the_share_does_not_exceed():
    assert [find_quantile([30, 10, 20, 40], share) for share in (0.25, 0.5, 0.9)] == [10, 20, 40]
    assert find_quantile([], 0.5) is None
    assert (mean([1.0, 3.0]), share_within([1.0, 3.0], 1.0)) == (2.0, 0.5)
