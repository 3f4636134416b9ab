"""More agents are copies of those of median load; fewer leave those out."""

from pathlib import Path

import pytest
from trunkline_simulation.day.recordings import Recording, read_recordings
from trunkline_simulation.day.staff import Agent, roster_agents
from trunkline_simulation.day.staffing import restaff

DATA = Path(__file__).parents[3] / "data" / "anonymous-bank-1999-08-01.csv"


@pytest.fixture(scope="module")
def day() -> tuple[Recording, ...]:
    return read_recordings(DATA)


@pytest.fixture(scope="module")
def agents(day: tuple[Recording, ...]) -> tuple[Agent, ...]:
    return roster_agents(day)


def load_s(day: tuple[Recording, ...], name: str) -> int:
    return sum(row.service_s for row in day if row.server == name and row.is_served)


def test_two_more_are_the_two_in_the_middle_with_their_pauses(
    day: tuple[Recording, ...], agents: tuple[Agent, ...]
) -> None:
    more = restaff(agents, day, 2)
    assert more[:18] == agents
    originals = [next(agent for agent in agents if agent.name == copy.name.split("_copy")[0]) for copy in more[18:]]
    for copy, original in zip(more[18:], originals, strict=True):
        assert copy.name != original.name
        assert (copy.skills, copy.pauses, copy.duty_from_s) == (original.skills, original.pauses, original.duty_from_s)
        assert copy.pauses
    loads = sorted(load_s(day, agent.name) for agent in agents)
    assert [load_s(day, original.name) for original in originals] == loads[8:10]


def test_two_fewer_are_without_those_in_the_middle(day: tuple[Recording, ...], agents: tuple[Agent, ...]) -> None:
    fewer = restaff(agents, day, -2)
    gone = {agent.name for agent in agents} - {agent.name for agent in fewer}
    assert len(fewer) == 16
    assert gone == {copy.name.split("_copy")[0] for copy in restaff(agents, day, 2)[18:]}


def test_names_stay_unique_however_many_are_added(day: tuple[Recording, ...], agents: tuple[Agent, ...]) -> None:
    assert len({agent.name for agent in restaff(agents, day, 40)}) == 58
    assert restaff(agents, day, 0) == agents


def test_a_day_without_anybody_is_refused(day: tuple[Recording, ...], agents: tuple[Agent, ...]) -> None:
    assert len(restaff(agents, day, -17)) == 1
    with pytest.raises(ValueError, match="at most 17"):
        restaff(agents, day, -18)
