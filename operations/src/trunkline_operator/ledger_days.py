"""Calls as acd's ledger has them, as a recorded day that can be played again.

Owns: what of a ledger becomes a recording. Must not: play a day, or know how a ledger is read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from trunkline_acd.domain import events
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import Event
from trunkline_acd.simulation.days import Policy
from trunkline_core.routing import AgentDefinition, QueueDefinition
from trunkline_simulation.day.plan import URGENT_PRIORITY
from trunkline_simulation.day.recordings import Outcome, Recording
from trunkline_simulation.day.windows import DAY_S, OPENING_S

from trunkline_operator.scenarios import Scenario, plan_of

MAX_HOURS: Final = (DAY_S - OPENING_S) // 3600
"""A played day begins at its opening time: longer than from there to midnight it is not."""
URGENT_FROM_PERMILLE: Final = 500
_SECOND: Final = timedelta(seconds=1)


@dataclass(slots=True)
class _Call:
    queue_id: str
    is_urgent: bool
    entered_time: datetime
    left_time: datetime | None = None
    connected_time: datetime | None = None
    released_time: datetime | None = None
    agent_id: str = ""


class LedgerDay:
    """Follows the events of one tenant.

    A call is that of its first queue and first agent; it asks for what its queue asks for, and is urgent or not. What
    else it came with, its value, its own requirements, is lost. Chats, call-backs and calls that entered before the
    first event are left out. Who was sent away by a limit counts as having hung up then, because nobody knows how much
    longer they would have waited.
    """

    def __init__(self) -> None:
        self._calls: dict[str, _Call] = {}

    def note(self, event: Event, now: datetime) -> None:
        """Take the next event."""
        match event:
            case events.ContactEnqueued(channel=Channel.VOICE, callback=False):
                is_urgent = event.urgency_permille >= URGENT_FROM_PERMILLE
                self._calls.setdefault(event.contact_id, _Call(event.queue_id, is_urgent, now))
            case events.ContactConnected() if call := self._open(event.contact_id):
                call.connected_time, call.agent_id = now, event.agent_id
            case events.SegmentEnded(next_queue_id="") if call := self._open(event.contact_id):
                call.left_time = now
            case events.ContactReleased() if call := self._calls.get(event.contact_id):
                call.released_time = call.released_time or now
            case _:
                pass

    def _open(self, contact_id: str) -> _Call | None:
        call = self._calls.get(contact_id)
        return call if call and call.left_time is None and call.connected_time is None else None

    def recordings(self) -> tuple[Recording, ...]:
        """Return the calls that are over, in the order of their entry; the first enters at opening time."""
        over = sorted((call for call in self._calls.values() if _is_over(call)), key=lambda call: call.entered_time)
        return tuple(_recording(number, call, over[0].entered_time) for number, call in enumerate(over))


def _is_over(call: _Call) -> bool:
    return call.left_time is not None or call.released_time is not None


def _recording(number: int, call: _Call, first: datetime) -> Recording:
    def second(moment: datetime) -> int:
        return OPENING_S + (moment - first) // _SECOND

    entered_s = second(call.entered_time)
    is_served = call.connected_time is not None and call.released_time is not None
    start_s = second(call.connected_time or call.entered_time)
    end_s = second(call.released_time or call.entered_time)
    return Recording(
        line=number,
        type=call.queue_id,
        priority=URGENT_PRIORITY if call.is_urgent else 0,
        outcome=Outcome.AGENT if is_served else Outcome.HANG,
        arrival_s=entered_s,
        menu_s=0,
        enqueue_s=entered_s,
        waited_s=(start_s if is_served else second(call.left_time or call.entered_time)) - entered_s,
        service_start_s=start_s if is_served else None,
        service_end_s=end_s if is_served else None,
        service_s=end_s - start_s if is_served else 0,
        server=call.agent_id if is_served else None,
    )


def as_scenario(
    day: tuple[Recording, ...],
    queues: Iterable[QueueDefinition],
    agents: Mapping[str, AgentDefinition],
    moment: datetime,
) -> Scenario:
    """Return the day with the agents who worked on it, under these queues.

    Args:
        day: of `LedgerDay`.
        queues: all of the tenant.
        agents: definitions by id; who has none any more is left out.
        moment: the skills that hold then hold all day.
    """
    people = tuple(agent for agent in plan_of(day, 1).agents if agent.name in agents)
    policy = Policy(
        queues={queue.queue_id: queue for queue in queues},
        agents={agent.name: _lasting(agents[agent.name], moment) for agent in people},
    )
    return Scenario(day, people, policy)


def _lasting(agent: AgentDefinition, moment: datetime) -> AgentDefinition:
    holding = (
        skill
        for skill in agent.skills
        if (skill.valid_from_time is None or skill.valid_from_time <= moment)
        and (skill.valid_until_time is None or moment < skill.valid_until_time)
    )
    skills = tuple(replace(skill, valid_from_time=None, valid_until_time=None) for skill in holding)
    return replace(agent, skills=skills)
