"""How fast the routing rules are alone: 10,000 agents, 500 queues; prints one JSON line a figure: name, value, unit.

    python services/acd/bench/decider.py [--seconds 5] [--waiting 1000 10000 100000] [--agents 10000] [--queues 500]

decider_per_s_1k: commands decided and applied in a second of one processor while 1,000 contacts wait; _10k and _100k
likewise. decider_contacts_per_s_…: contacts, each with five commands or so: enqueued, accepted, joined, ended, wrapped
up; after every tenth the agent takes a break. decider_cost_ratio: a command with the most that wait over one with the
fewest. Every agent has two of 50 skills, each queue asks for one, and every fourth contact for a level of it as well.
"""

import argparse
import json
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from trunkline_acd.domain import commands
from trunkline_acd.domain.decider import AcdDecider
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import ContactOffered, Event
from trunkline_acd.domain.state import AcdState
from trunkline_acd.domain.words import Intent
from trunkline_core.decider import Context, execute
from trunkline_core.routing import AgentDefinition, QueueDefinition, SkillLevel, SkillRequirement, WrapUpMode
from trunkline_core.texts import LocalizedText

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
SKILLS = 50
BREAK_EVERY = 10


class Centre:
    """One tenant whose agents are all busy, with as many waiting contacts as asked for."""

    def __init__(self, agents: int, queues: int, waiting: int) -> None:
        self.commands = 0
        self._state, self._decider, self._now = AcdState(), AcdDecider(), START
        self._agents, self._queues, self._arrived, self._ended = agents, queues, 0, 0
        self._connected: deque[tuple[str, str]] = deque()
        for number in range(queues):
            self._do(commands.PutQueue(queue(number)))
        for number in range(agents):
            self._sign_in(number)
        while len(self._connected) < agents:
            self._arrive()
        while self._state.domain("tn_bench").waiting_count() < waiting:
            self._arrive()

    def step(self) -> None:
        """Somebody hangs up, the agent wraps up and takes the next one, a new one arrives."""
        contact_id, agent_id = self._connected.popleft()
        self._do(commands.EndContact(contact_id, 9, "customer_left"))
        self._ended += 1
        if self._ended % BREAK_EVERY:
            self._take(self._do(commands.FinishWrapUp(agent_id, contact_id, "")))
        else:
            self._do(commands.SetIntent(agent_id, Intent.BREAK, "lunch"))
            self._do(commands.FinishWrapUp(agent_id, contact_id, ""))
            self._take(self._do(commands.SetIntent(agent_id, Intent.AVAILABLE, "")))
        self._arrive()

    def _do(self, command: commands.Command) -> list[Event]:
        self._now += timedelta(milliseconds=1)
        events = execute(self._decider, self._state, command, Context(self._now, "tn_bench", "system", "c"))
        self._state.journal.commit()
        self.commands += 1
        return events

    def _sign_in(self, number: int) -> None:
        agent_id, skills = f"ag_{number:05}", (number % SKILLS, number * 7 % SKILLS)
        levels = tuple(SkillLevel(skill(at), 1 + number % 5) for at in sorted(set(skills)))
        self._do(commands.PutAgent(AgentDefinition(agent_id, levels, 1)))
        self._do(commands.OpenAgentSession(agent_id, "pe_1", f"se_{number}"))
        self._do(commands.SetIntent(agent_id, Intent.AVAILABLE, ""))

    def _arrive(self) -> None:
        self._arrived += 1
        number = self._arrived
        needs = () if number % 4 else (SkillRequirement(skill(number % self._queues), 1 + number % 3),)
        queue_id, contact_id = f"qu_{number % self._queues:03}", f"ct_{number:09}"
        arrival = commands.EnqueueContact(contact_id, 1, queue_id, Channel.VOICE, number % 1000, 0, needs)
        self._take(self._do(arrival))

    def _take(self, events: list[Event]) -> None:
        for offer in [event for event in events if isinstance(event, ContactOffered)]:
            self._do(commands.AcceptOffer(offer.agent_id, offer.contact_id, offer.offer_no))
            self._do(commands.ReportConnected(offer.contact_id, 2, offer.segment_no, offer.offer_no))
            self._connected.append((offer.contact_id, offer.agent_id))


def skill(number: int) -> str:
    return f"skill_{number % SKILLS:02}"


def queue(number: int) -> QueueDefinition:
    """Return a queue that holds as many as the bench asks for."""
    second = timedelta(seconds=1)
    return QueueDefinition(
        queue_id=f"qu_{number:03}",
        name=LocalizedText("", ""),
        requirements=(SkillRequirement(skill(number), 1),),
        target_wait_duration=20 * second,
        value_weight_permille=1000,
        urgency_weight_permille=1000,
        voice_lease_duration=20 * second,
        chat_lease_duration=30 * second,
        miss_exclusion_duration=30 * second,
        max_misses=2,
        wrap_up_mode=WrapUpMode.UNTIMED,
        wrap_up_duration=second,
        short_abandon_duration=second,
        max_waiting=10_000,
    )


def figures(arguments: argparse.Namespace) -> Iterator[tuple[str, float, str]]:
    """Yield one figure after another: name, value, unit."""
    costs = []
    for waiting in sorted(arguments.waiting):
        centre = Centre(arguments.agents, arguments.queues, waiting)
        centre.commands, steps, began = 0, 0, time.process_time()
        while time.process_time() - began < arguments.seconds:
            centre.step()
            steps += 1
        took = time.process_time() - began
        costs.append(took / centre.commands)
        name = f"{waiting // 1000}k" if waiting >= 1000 else str(waiting)
        yield f"decider_per_s_{name}", centre.commands / took, "commands/s"
        yield f"decider_contacts_per_s_{name}", steps / took, "contacts/s"
    yield "decider_cost_ratio", costs[-1] / costs[0], ""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--waiting", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--agents", type=int, default=10_000)
    parser.add_argument("--queues", type=int, default=500)
    for name, value, unit in figures(parser.parse_args()):
        print(json.dumps({"name": name, "value": round(value, 2), "unit": unit}), flush=True)


if __name__ == "__main__":
    main()
