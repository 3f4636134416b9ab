"""Conservation: every valid history comes out even however time is cut, every planted defect does not."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trunkline_analytics.domain.conservation import Equation, WaitingSeen, conservation_error, find_imbalances
from trunkline_analytics.domain.intervals import cut_day
from trunkline_analytics.domain.segments import Fact, Outcome, SegmentClosed, SegmentOpened

T0 = datetime(2026, 10, 24, 22, tzinfo=UTC)  # midnight of the 100-quarter day in Berlin
QUARTER = timedelta(minutes=15)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def opened(contact: str, seconds: float, queue: str = "qu_a", segment_no: int = 1) -> SegmentOpened:
    return SegmentOpened(contact, segment_no, queue, at(seconds))


def closed(
    contact: str, seconds: float, queue: str = "qu_a", segment_no: int = 1, outcome: Outcome = Outcome.ANSWERED
) -> SegmentClosed:
    return SegmentClosed(contact, segment_no, queue, at(seconds), outcome)


class History:
    """A random valid day: each contact stays in one queue after the other; a router counts who is in which."""

    def __init__(self, stays: list[list[tuple[int, int, str, Outcome]]]) -> None:
        self.facts: list[Fact] = []
        self.open: set[str] = set()
        for number, journey in enumerate(stays):
            self._play(f"co_{number}", journey)
        self.seen, self.waiting = self._count()

    def _play(self, contact: str, journey: list[tuple[int, int, str, Outcome]]) -> None:
        now = 0
        for segment_no, (gap, stay, queue, outcome) in enumerate(journey, start=1):
            now += gap
            self.facts.append(opened(contact, now, queue, segment_no))
            if stay > 4_000:
                self.open.add(contact)
                return
            now += stay
            self.facts.append(closed(contact, now, queue, segment_no, outcome))

    def _count(self) -> tuple[list[WaitingSeen], dict[str, int]]:
        waiting: dict[str, int] = {}
        seen = []
        ordered = sorted(self.facts, key=lambda fact: (fact.at, isinstance(fact, SegmentClosed)))
        for position, fact in enumerate(ordered):
            change = 1 if isinstance(fact, SegmentOpened) else -1
            waiting[fact.queue_id] = waiting.get(fact.queue_id, 0) + change
            seen.append(WaitingSeen(fact.queue_id, fact.at, waiting[fact.queue_id], position))
        return seen, waiting


STAY = st.tuples(
    st.integers(0, 20_000), st.integers(0, 5_000), st.sampled_from(["qu_a", "qu_b"]), st.sampled_from(Outcome)
)
HISTORIES = st.lists(st.lists(STAY, min_size=1, max_size=3), max_size=20).map(History)


@given(HISTORIES, st.integers(20, 40_000), st.randoms())
def test_every_valid_history_is_conserved_however_its_time_is_cut(history, length_s, random):
    random.shuffle(history.facts)
    random.shuffle(history.seen)
    over = {fact.contact_id for fact in history.facts} - history.open
    length = timedelta(seconds=length_s)
    error = conservation_error(history.facts, history.waiting, T0, length, seen=history.seen, closed_contacts=over)
    assert error == 0


@given(HISTORIES, st.sampled_from([15, 30]))
def test_every_valid_history_is_conserved_in_the_intervals_of_a_day_when_clocks_change(history, minutes):
    intervals = [*cut_day(date(2026, 10, 25), "Europe/Berlin", minutes)]
    intervals += cut_day(date(2026, 10, 26), "Europe/Berlin", minutes)
    assert find_imbalances(history.facts, history.waiting, intervals, seen=history.seen) == []


@given(HISTORIES.filter(lambda history: history.facts), st.integers(100, 40_000), st.data())
def test_a_fact_lost_or_told_twice_is_always_seen(history, length_s, data):
    number = data.draw(st.integers(0, len(history.facts) - 1))
    rest = history.facts[:number] + history.facts[number + 1 :]
    twice = [*history.facts, history.facts[number]]
    for facts in (rest, twice):
        assert conservation_error(facts, history.waiting, T0, timedelta(seconds=length_s)) > 0


DAY: list[Fact] = [opened("a", 0), closed("a", 20), opened("b", 10), closed("b", 1_100), opened("c", 1_000)]
NOW = {"qu_a": 1}


@pytest.mark.parametrize(
    ("facts", "waiting", "broken"),
    [
        pytest.param([*DAY, closed("a", 30)], NOW, {"outcome_interval", "arrival_cohort"}, id="ended twice"),
        pytest.param(
            [*DAY, closed("b", 1_200, outcome=Outcome.ABANDONED)],
            NOW,
            {"outcome_interval", "arrival_cohort"},
            id="answered and abandoned",
        ),
        pytest.param([*DAY, opened("a", 5)], NOW, {"outcome_interval", "arrival_cohort"}, id="opened twice"),
        pytest.param(
            [*DAY, closed("x", 30)], NOW, {"outcome_interval", "arrival_cohort"}, id="ended without an opening"
        ),
        pytest.param(
            [*DAY, opened("d", 30), closed("d", 20)],
            NOW,
            {"outcome_interval", "arrival_cohort", "waiting_now"},
            id="ended before it opened",
        ),
        pytest.param(
            [*DAY, opened("d", 30), closed("d", 40, "qu_b")],
            NOW,
            {"outcome_interval", "arrival_cohort", "waiting_now"},
            id="ended in another queue",
        ),
        pytest.param(DAY, {}, {"waiting_now"}, id="vanished from the router without an end"),
        pytest.param(DAY, {"qu_a": 1, "qu_b": 1}, {"waiting_now"}, id="waits in the router but never entered"),
    ],
)
def test_a_planted_defect_breaks_the_equations_that_can_see_it(facts, waiting, broken):
    found = find_imbalances(facts, waiting, cut_day(date(2026, 10, 25), "Europe/Berlin", 15))
    assert {imbalance.equation for imbalance in found} == broken
    assert conservation_error(facts, waiting, T0, QUARTER) > 0


def test_a_broken_equation_names_queue_interval_and_difference():
    cohort, late = find_imbalances([*DAY, closed("b", 2_000)], NOW, cut_day(date(2026, 10, 25), "Europe/Berlin", 15))
    assert (late.equation, late.queue_id, late.interval_start) == (Equation.OUTCOME_INTERVAL, "qu_a", at(1_800))
    assert (cohort.equation, cohort.interval_start) == (Equation.ARRIVAL_COHORT, at(0))
    assert (late.difference, cohort.difference) == (-1, -1)


def test_a_segment_that_is_open_although_its_contact_is_over_is_seen_even_when_the_router_agrees():
    assert conservation_error(DAY, NOW, T0, QUARTER, closed_contacts={"a", "b"}) == 0
    assert conservation_error(DAY, NOW, T0, QUARTER, closed_contacts={"a", "b", "c"}) == 1


def test_a_router_that_counted_wrong_for_a_while_is_seen_at_the_border():
    seen = [WaitingSeen("qu_a", at(10), 2), WaitingSeen("qu_a", at(20), 1), WaitingSeen("qu_a", at(1_100), 1)]
    assert conservation_error(DAY, NOW, T0, QUARTER, seen=seen) == 0
    seen[1] = WaitingSeen("qu_a", at(20), 3)
    assert conservation_error(DAY, NOW, T0, QUARTER, seen=seen) == 2


def test_of_words_of_the_same_time_the_later_position_counts():
    seen = [WaitingSeen("qu_a", at(20), 1, position=9), WaitingSeen("qu_a", at(20), 2, position=8)]
    assert conservation_error(DAY[:3], NOW, T0, QUARTER, seen=seen) == 0


def test_a_day_without_facts_is_conserved():
    assert conservation_error([], {}, T0, QUARTER) == 0
    assert conservation_error([], {"qu_a": 2}, T0, QUARTER) == 2
