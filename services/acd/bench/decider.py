"""How fast the routing rules are alone: one JSON line per figure.

Run: python services/acd/bench/decider.py [seconds per figure, default 3]
One step = a contact ends, the freed agent is offered the next one and takes it, and a new contact arrives: about 11
events with the rows. The figures with 1,000 and 10,000 waiting contacts must not differ much.
"""

import json
import sys
import time
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
SKILLS = ("billing", "orders", "english", "returns", "vip")
QUEUES = ("qu_1", "qu_2")
AGENTS = 100


class Centre:
    """One tenant with two queues, a hundred agents of five skills, and as many waiting contacts as asked for."""

    def __init__(self, waiting: int) -> None:
        self.state, self.decider, self.now = AcdState(), AcdDecider(), START
        self.events = 0
        self._arrived = 0
        self._connected: list[str] = []
        for queue_id in QUEUES:
            self.do(commands.PutQueue(queue(queue_id)))
        for number in range(AGENTS + waiting):
            self._arrive()
            if number == AGENTS - 1:
                self._staff()
        while len(self._connected) < AGENTS:
            self._arrive()

    def step(self) -> None:
        """Somebody hangs up, the next one is served, a new one arrives."""
        ended = self._connected.pop(0)
        self._take(self.do(commands.EndContact(ended, 9, "customer_left")))
        self._arrive()

    def do(self, command: commands.Command) -> list[Event]:
        """Carry out one command."""
        self.now += timedelta(milliseconds=1)
        events = execute(self.decider, self.state, command, Context(self.now, "tn_bench", "system", "c"))
        self.state.journal.commit()
        self.events += len(events)
        return events

    def _staff(self) -> None:
        for number in range(AGENTS):
            agent_id, skill = f"ag_{number:03}", SKILLS[number % len(SKILLS)]
            self.do(commands.PutAgent(AgentDefinition(agent_id, (SkillLevel(skill, 3),), 1)))
            self.do(commands.OpenAgentSession(agent_id, "pe_1", f"se_{number}"))
            self._take(self.do(commands.SetIntent(agent_id, Intent.AVAILABLE, "")))

    def _arrive(self) -> None:
        self._arrived += 1
        number = self._arrived
        needs = (SkillRequirement(SKILLS[number % len(SKILLS)], 1 + number % 3),)
        arrival = commands.EnqueueContact(
            f"ct_{number:09}", 1, QUEUES[number % len(QUEUES)], Channel.VOICE, number % 1000, 0, needs
        )
        self._take(self.do(arrival))

    def _take(self, events: list[Event]) -> None:
        for offer in [event for event in events if isinstance(event, ContactOffered)]:
            self.do(commands.AcceptOffer(offer.agent_id, offer.contact_id, offer.offer_no))
            self.do(commands.ReportConnected(offer.contact_id, 2, offer.segment_no, offer.offer_no))
            self._connected.append(offer.contact_id)


def queue(queue_id: str) -> QueueDefinition:
    """Return a queue that holds as many as the bench asks for."""
    second = timedelta(seconds=1)
    return QueueDefinition(
        queue_id=queue_id,
        name=LocalizedText("", ""),
        requirements=(),
        target_wait_duration=20 * second,
        value_weight_permille=1000,
        urgency_weight_permille=1000,
        voice_lease_duration=20 * second,
        chat_lease_duration=30 * second,
        miss_exclusion_duration=30 * second,
        max_misses=2,
        wrap_up_mode=WrapUpMode.NONE,
        wrap_up_duration=second,
        short_abandon_duration=second,
        max_waiting=10_000,
    )


def figures(seconds: float) -> Iterator[dict[str, object]]:
    """Yield one figure after another."""
    for waiting in (0, 1_000, 10_000):
        centre = Centre(waiting)
        centre.events, steps, begin = 0, 0, time.perf_counter()
        while time.perf_counter() - begin < seconds:
            centre.step()
            steps += 1
        took = time.perf_counter() - begin
        yield {"figure": "acd_decider_events_per_s", "waiting": waiting, "value": round(centre.events / took)}
        yield {"figure": "acd_decider_contacts_per_s", "waiting": waiting, "value": round(steps / took)}


if __name__ == "__main__":
    for figure in figures(float(sys.argv[1]) if len(sys.argv) > 1 else 3.0):
        print(json.dumps(figure), flush=True)
