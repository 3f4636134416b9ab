"""A recorded day under a policy, decided by acd (docs/demo-day.md). Must not: read a file or compute a figure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from trunkline_core.routing import AgentDefinition, QueueDefinition
from trunkline_simulation.day.plan import DayPlan
from trunkline_simulation.day.windows import DAY_S

from trunkline_acd.simulation.calls import Call, Record
from trunkline_acd.simulation.centre import Centre, Rostered, Watcher

START = datetime(1999, 8, 1, tzinfo=UTC)
LAST_CALLS_S = 6 * 3600
URGENT_PERMILLE = 1000


@dataclass(frozen=True, slots=True)
class Policy:
    """What routing obeys on that day: a queue for each type of question, a definition for each agent's name."""

    queues: Mapping[str, QueueDefinition]
    agents: Mapping[str, AgentDefinition]


def play_day(plan: DayPlan, policy: Policy, watch: Watcher = lambda event, now: None) -> Record:
    """Return what came of the callers who ask for a person, warm-up included; `watch` is told of each event."""
    agents = [Rostered(policy.agents[agent.name], agent) for agent in plan.agents]
    centre = Centre(START, policy.queues.values(), agents, watch)
    return centre.play(_calls(plan, policy), DAY_S + LAST_CALLS_S)


def _calls(plan: DayPlan, policy: Policy) -> Iterator[Call]:
    asking = (caller for caller in plan.callers if caller.wants_person)
    for caller in sorted(asking, key=lambda caller: (caller.enqueue_s, caller.number)):
        yield Call(
            contact_id=f"ct_{caller.number}",
            queue_id=policy.queues[caller.type].queue_id,
            enters_s=caller.enqueue_s,
            patience_s=caller.patience_s,
            service_s=caller.service_s,
            urgency_permille=URGENT_PERMILLE if caller.is_urgent else 0,
            callback=caller.callback,
        )
