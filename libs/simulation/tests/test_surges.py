"""Several times the callers of a day, and the agents that Erlang A asks for then."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some
from trunkline_simulation.day.plan import Caller, DayPlan, plan_day
from trunkline_simulation.day.recordings import COLUMNS, Recording, parse_recordings
from trunkline_simulation.day.staff import Agent, Pause
from trunkline_simulation.day.surges import (
    CALLBACK_SHARE,
    JITTER_S,
    PICKS_UP_SHARE,
    STEP_S,
    Demand,
    demands,
    hours,
    multiply_agents,
    multiply_callers,
    reserves,
    with_callbacks,
)
from trunkline_simulation.day.windows import Window
from trunkline_simulation.erlang import agents_for

DAY = """
L1,1,0,0,PS,1999-08-01,9:00:00,9:00:10,10,9:00:10,9:00:40,30,AGENT,9:00:40,9:01:40,60,MAYA
L1,2,0,2,PS,1999-08-01,9:10:20,9:10:30,10,9:10:30,9:11:10,40,HANG,0:00:00,0:00:00,0,NO_SERVER
L1,3,0,0,NE,1999-08-01,9:40:00,9:40:10,10,9:40:10,9:40:10,0,AGENT,9:40:10,9:42:10,120,TOVA
L1,4,0,0,PS,1999-08-01,9:50:00,9:50:05,5,0:00:00,0:00:00,0,HANG,0:00:00,0:00:00,0,NO_SERVER
"""
NINE, HALF_PAST = 18, 19
EIGHT_HOURS = (8 * 3600, 16 * 3600)


def day() -> tuple[Recording, ...]:
    return parse_recordings([",".join(COLUMNS), *DAY.split()])


def plan(seed: int = 1) -> DayPlan:
    return plan_day(day(), Window(), seed)


def agent(name: str, *skills: str, pauses: tuple[Pause, ...] = ()) -> Agent:
    return Agent(name, frozenset(skills), *EIGHT_HOURS, pauses)


def demand(kind: str, step: int, load: float) -> Demand:
    return Demand(kind, step, load, service_s=180, patience_s=300)


def surged(factor: int = 3, seed: int = 1) -> tuple[Caller, ...]:
    return multiply_callers(plan(seed), day(), factor, seed).callers


def test_everybody_who_asks_for_a_person_comes_three_times_the_first_as_planned() -> None:
    callers = surged()
    assert set(plan().callers) <= set(callers)
    assert sum(caller.wants_person for caller in callers) == 9
    assert sum(not caller.wants_person for caller in callers) == 1
    assert len({caller.number for caller in callers}) == len(callers)
    assert [caller.arrival_s for caller in callers] == sorted(caller.arrival_s for caller in callers)


def test_the_others_ask_for_the_same_at_nearly_the_same_time() -> None:
    first = {caller.number: caller for caller in plan().callers}
    for caller in surged():
        like = first[caller.number % len(first)]
        assert (caller.type, caller.is_urgent, caller.menu_s) == (like.type, like.is_urgent, like.menu_s)
        assert abs(caller.enqueue_s - like.enqueue_s) <= JITTER_S
        assert caller.service_s in {"PS": {60}, "NE": {120}}[caller.type] | {0}


def test_the_others_draw_anew_under_each_seed_and_no_two_alike() -> None:
    assert surged(seed=1) == surged(seed=1)
    assert {caller.enqueue_s for caller in surged(seed=1)} != {caller.enqueue_s for caller in surged(seed=2)}
    of_first = [caller for caller in surged() if caller.number % len(plan().callers) == 0]
    assert len({caller.enqueue_s for caller in of_first}) == 3


def test_nobody_comes_outside_the_window() -> None:
    early = Window(9 * 3600 + 10, 9 * 3600 + 11 * 60)
    short = plan_day(day(), early, 1)
    callers = multiply_callers(short, day(), 10, 1).callers
    assert all(early.warm_up_from_s <= caller.enqueue_s < early.to_s for caller in callers if caller.wants_person)


def test_each_agent_is_there_three_times_under_names_of_their_own() -> None:
    maya, tova = agent("MAYA", "PS"), agent("TOVA", "NE")
    agents = multiply_agents([maya, tova], 3)
    assert len({one.name for one in agents}) == 6
    assert [replace(one, name="") for one in agents].count(replace(maya, name="")) == 3
    assert hours(agents) == 48


def test_demand_is_callers_times_service_in_each_half_hour() -> None:
    found = {(one.kind, one.step): one for one in demands(day(), 3)}
    assert set(found) == {("PS", NINE), ("NE", HALF_PAST)}
    assert found["PS", NINE].load == pytest.approx(3 * 2 * 60 / STEP_S)
    assert found["PS", NINE].patience_s == 70  # they waited 30 s and 40 s, one of them left
    assert found["NE", HALF_PAST].patience_s == 70  # nobody left there: as all


def test_where_nobody_is_there_erlang_as_number_is_added() -> None:
    added = reserves([], [demand("PS", NINE, 5.0)], 0.9)
    assert len(added) == agents_for(5.0, 180, 300, 0.9)
    assert {(one.skills, one.duty_from_s, one.duty_to_s) for one in added} == {
        (frozenset({"PS"}), NINE * STEP_S, HALF_PAST * STEP_S)
    }


def test_who_is_there_is_not_added_and_a_pause_is_no_presence() -> None:
    needed = agents_for(5.0, 180, 300, 0.9)
    there = [agent(f"{number}", "PS") for number in range(needed)]
    assert reserves(there, [demand("PS", NINE, 5.0)], 0.9) == ()
    paused = [replace(there[0], pauses=(Pause(NINE * STEP_S, STEP_S),)), *there[1:]]
    assert len(reserves(paused, [demand("PS", NINE, 5.0)], 0.9)) == 1
    assert len(reserves(there, [demand("NE", NINE, 5.0)], 0.9)) == needed  # none of them can do that


def test_who_can_do_both_counts_by_the_load_of_each() -> None:
    both = [agent(f"{number}", "PS", "NE") for number in range(2 * agents_for(5.0, 180, 300, 0.9))]
    assert reserves(both, [demand("PS", NINE, 5.0), demand("NE", NINE, 5.0)], 0.9) == ()
    assert len(reserves(both[1:], [demand("PS", NINE, 5.0), demand("NE", NINE, 5.0)], 0.9)) == 2


def test_a_reserve_stays_for_as_many_half_hours_as_needed_and_names_differ() -> None:
    wanted = [demand("PS", 18, 0.01), demand("PS", 19, 0.01), demand("PS", 21, 0.01)]
    added = reserves([], wanted, 0.9)
    assert [(one.duty_from_s // STEP_S, one.duty_to_s // STEP_S) for one in added] == [(18, 20), (21, 22)]
    assert len({one.name for one in added}) == 2


loads = some.floats(0.1, 12)


@given(
    some.dictionaries(some.tuples(some.sampled_from(["PS", "NE", "IN"]), some.integers(16, 20)), loads, min_size=1),
    some.lists(some.sets(some.sampled_from(["PS", "NE", "IN"]), min_size=1), max_size=6),
)
def test_with_the_reserves_nothing_is_missing(loads_of: dict[tuple[str, int], float], skills: list[set[str]]) -> None:
    wanted = [demand(kind, step, load) for (kind, step), load in loads_of.items()]
    agents = [agent(f"{number}", *skills) for number, skills in enumerate(skills)]
    assert reserves([*agents, *reserves(agents, wanted, 0.9)], wanted, 0.9) == ()


def test_half_ask_to_be_called_back_and_the_others_are_as_planned() -> None:
    caller = plan().callers[0]
    many = replace(plan(), callers=tuple(replace(caller, number=number) for number in range(2_000)))
    called = with_callbacks(many, seed=1).callers
    wishes = [caller.callback for caller in called if caller.callback]
    assert len(wishes) / len(called) == pytest.approx(CALLBACK_SHARE, abs=0.05)
    assert sum(wish.picks_up_at == 1 for wish in wishes) / len(wishes) == pytest.approx(PICKS_UP_SHARE, abs=0.05)
    assert tuple(replace(caller, callback=None) for caller in called) == many.callers
    assert with_callbacks(many, seed=1).callers == called != with_callbacks(many, seed=2).callers
