"""The same day with more or fewer agents. Owns: who is copied, and who stays at home. Must not: invent an agent."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import cycle, islice

from trunkline_simulation.day.recordings import Recording
from trunkline_simulation.day.staff import Agent


def restaff(agents: Sequence[Agent], recordings: Iterable[Recording], change: int) -> tuple[Agent, ...]:
    """Return the agents with `change` more of median load, or as many fewer.

    Load is the recorded service time. The first in question is the median agent (of two, the one with less load), the
    next ones are those beside it, less load first. A copy has the same skills, duty and pauses, and a name of its own;
    where more are asked for than there are agents, some are copied again.

    Raises: ValueError when nobody would be left.
    """
    ranked = _from_the_median(agents, recordings)
    if change < 0:
        if len(agents) + change < 1:
            raise ValueError(f"the day has {len(agents)} agents: at most {len(agents) - 1} can be left out")
        left_out = {agent.name for agent in ranked[:-change]}
        return tuple(agent for agent in agents if agent.name not in left_out)
    copies = islice(cycle(ranked), change)
    return (*agents, *(replace(agent, name=f"{agent.name}_copy{number}") for number, agent in enumerate(copies, 1)))


def _from_the_median(agents: Sequence[Agent], recordings: Iterable[Recording]) -> list[Agent]:
    load_s: Counter[str] = Counter()
    for row in recordings:
        if row.server is not None and row.is_served:
            load_s[row.server] += row.service_s
    ranked = sorted(agents, key=lambda agent: (load_s[agent.name], agent.name))
    middle = (len(ranked) - 1) / 2
    places = sorted(range(len(ranked)), key=lambda place: (abs(place - middle), place))
    return [ranked[place] for place in places]
