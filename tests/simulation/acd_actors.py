"""Who comes to a contact centre and what they do next: customers, agents with desks, a gateway that joins legs.

Owns: random but sensible deeds, each as an answer to an event. The same actors play before the whole runtime and before
the decider alone. Must not: know where events come from or how commands get there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from trunkline_acd.domain import commands, events
from trunkline_acd.domain.commands import Command
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import Event
from trunkline_acd.domain.words import Intent
from trunkline_core.routing import (
    AgentDefinition,
    QueueDefinition,
    RoutingStrategy,
    SkillLevel,
    SkillRequirement,
    WrapUpMode,
)
from trunkline_core.texts import LocalizedText

SYSTEM = "system"
LAST_STEP = 100_000
SKILLS = ("a", "b")
NEEDS = ((), (), (SkillRequirement("a", 2),), (SkillRequirement("b", 1),))


@dataclass(frozen=True, slots=True)
class Deed:
    """A command that somebody sends `after_s` seconds from now."""

    after_s: float
    tenant: str
    actor: str
    command: Command


class Actors:
    """Everybody of some tenants. Ids name their tenant: `ct_1_17` is a contact of `tn_1`."""

    def __init__(self, random: Random, *, tenants: int = 2, agents: int = 5, accept_percent: int = 70) -> None:
        self._random = random
        self._agents = agents
        self._accept_percent = accept_percent
        self._step = 1
        self._session = 0
        self.tenants = [f"tn_{number}" for number in range(1, tenants + 1)]

    def opening(self) -> Iterator[Deed]:
        """Define queues and agents, open the desks; in this order."""
        for tenant in self.tenants:
            for number in (1, 2):
                yield Deed(0.0, tenant, SYSTEM, commands.PutQueue(_queue(f"qu_{tenant[3:]}_{number}", number)))
            yield Deed(0.0, tenant, SYSTEM, commands.PutWrapUpCode("done"))
            for number in range(self._agents):
                yield Deed(0.0, tenant, SYSTEM, commands.PutAgent(self._agent(tenant, number)))
            for number in range(self._agents):
                yield self._desk(tenant, f"ag_{tenant[3:]}_{number}", 0.0)
            for number in range(self._agents):
                yield self._intent(tenant, f"ag_{tenant[3:]}_{number}", Intent.AVAILABLE, 0.0)

    def arrivals(self, contacts: int, over_s: float, first: int = 0) -> Iterator[Deed]:
        """Contacts that come, some of which leave again, at times before they have arrived."""
        for number in range(first, first + contacts):
            tenant = self._random.choice(self.tenants)
            contact_id, at_s = f"ct_{tenant[3:]}_{number}", self._random.uniform(0.0, over_s)
            yield Deed(at_s, tenant, SYSTEM, self._arrival(tenant, contact_id))
            draw = self._random.randrange(100)
            if draw < 15:
                yield self._end(tenant, contact_id, 5, at_s + self._random.uniform(0.5, 20.0))
            elif draw < 18:
                yield self._end(tenant, contact_id, 5, max(0.0, at_s - self._random.uniform(0.0, 1.0)))

    def disturbances(self, over_s: float) -> Iterator[Deed]:
        """Breaks, lost desks and lost consoles, and somebody who tries other people's offers."""
        for _ in range(int(over_s / 6)):
            tenant, at_s = self._random.choice(self.tenants), self._random.uniform(0.0, over_s)
            agent_id = f"ag_{tenant[3:]}_{self._random.randrange(self._agents)}"
            draw = self._random.randrange(10)
            if draw < 4:
                yield self._intent(tenant, agent_id, Intent.BREAK, at_s)
                yield self._intent(tenant, agent_id, Intent.AVAILABLE, at_s + self._random.uniform(0.5, 10.0))
            elif draw < 8:
                yield self._desk(tenant, agent_id, at_s)
            else:
                peer_id = f"pe_{self._random.randrange(2)}"
                yield Deed(at_s, tenant, SYSTEM, commands.LosePeer(peer_id))

    def telephones(self, over_s: float, random: Random) -> Iterator[Deed]:
        """Telephones that come and go at two gateways, and a gateway that goes with all of them.

        `random`: of these alone, so that all else stays as it is without them.
        """
        for _ in range(int(over_s / 3)):
            tenant, at_s = random.choice(self.tenants), random.uniform(0.0, over_s)
            agent_id, gateway = f"ag_{tenant[3:]}_{random.randrange(self._agents)}", f"gw_{random.randrange(2)}"
            back = commands.ReportDevices(gateway, (agent_id,))
            gone = commands.ReportDevices(gateway, (), (agent_id,))
            yield Deed(at_s, tenant, SYSTEM, back)
            yield Deed(at_s + random.uniform(0.0, 20.0), tenant, SYSTEM, gone)
            yield Deed(at_s + random.uniform(0.0, 40.0), tenant, SYSTEM, back)
            if random.randrange(10) == 0:
                yield Deed(at_s, tenant, SYSTEM, commands.LoseGateway(gateway))

    def ends(self, contact_ids: list[tuple[str, str]]) -> Iterator[Deed]:
        """Let every contact be over; (tenant, contact id) each."""
        for tenant, contact_id in contact_ids:
            yield self._end(tenant, contact_id, LAST_STEP, 0.0)

    def react(self, tenant: str, event: Event) -> Iterator[Deed]:
        """Yield what somebody does because of the event."""
        match event:
            case events.ContactOffered():
                yield from self._offered(tenant, event)
            case events.OfferAccepted():
                yield from self._accepted(tenant, event)
            case events.ContactConnected():
                yield self._end(tenant, event.contact_id, self._next_step(), self._random.uniform(0.5, 8.0))
            case events.ContactReleased(wrap_up=True) if self._random.randrange(10) < 7:
                finish = commands.FinishWrapUp(event.agent_id, event.contact_id, "done")
                yield Deed(self._random.uniform(0.1, 3.0), tenant, f"agent:{event.agent_id}", finish)
            case events.AgentNotResponding():
                back = commands.RearmAgent(event.agent_id)
                yield Deed(self._random.uniform(0.1, 3.0), tenant, f"agent:{event.agent_id}", back)
            case events.AgentSessionLost():
                yield self._desk(tenant, event.agent_id, self._random.choice((1.0, 5.0, 40.0)))
            case events.AgentDisconnected():
                yield self._desk(tenant, event.agent_id, 2.0)

    def _offered(self, tenant: str, event: events.ContactOffered) -> Iterator[Deed]:
        draw, after_s = self._random.randrange(100), self._random.uniform(0.1, 4.0)
        offer = (event.agent_id, event.contact_id, event.offer_no)
        if draw < self._accept_percent:
            yield Deed(after_s, tenant, f"agent:{event.agent_id}", commands.AcceptOffer(*offer))
        elif draw < 85:
            yield Deed(after_s, tenant, f"agent:{event.agent_id}", commands.DeclineOffer(*offer))
        if draw % 20 == 0:  # somebody of another tenant tries
            other = self._random.choice(self.tenants)
            yield Deed(after_s / 2, other, "supervisor:us_1", commands.AcceptOffer(*offer))

    def _accepted(self, tenant: str, event: events.OfferAccepted) -> Iterator[Deed]:
        draw, after_s = self._random.randrange(100), self._random.uniform(0.05, 1.0)
        joined = (event.contact_id, self._next_step(), event.segment_no, event.offer_no)
        if draw < 85:
            yield Deed(after_s, tenant, SYSTEM, commands.ReportConnected(*joined))
        elif draw < 93:
            reason = ("busy", "unreachable")[draw % 2]
            yield Deed(after_s, tenant, SYSTEM, commands.ReportConnectFailed(*joined, reason))
        elif draw < 97:  # too late: another offer may be joined by then
            yield Deed(after_s + self._random.uniform(5.0, 12.0), tenant, SYSTEM, commands.ReportConnected(*joined))

    def _next_step(self) -> int:
        self._step += 10
        return self._step

    def _arrival(self, tenant: str, contact_id: str) -> commands.EnqueueContact:
        queue_id = f"qu_{tenant[3:]}_{self._random.choice((1, 2))}"
        channel = self._random.choice((Channel.VOICE, Channel.CHAT))
        value, urgency = self._random.randrange(1001), self._random.randrange(1001)
        needs = self._random.choice(NEEDS)
        return commands.EnqueueContact(contact_id, 1, queue_id, channel, value, urgency, needs)

    def _end(self, tenant: str, contact_id: str, step: int, after_s: float) -> Deed:
        reason = self._random.choice(("customer_left", "agent_ended"))
        return Deed(after_s, tenant, SYSTEM, commands.EndContact(contact_id, step, reason))

    def _desk(self, tenant: str, agent_id: str, after_s: float) -> Deed:
        self._session += 1
        peer_id = f"pe_{self._random.randrange(2)}"
        session = commands.OpenAgentSession(agent_id, peer_id, f"se_{self._session}")
        return Deed(after_s, tenant, f"agent:{agent_id}", session)

    def _intent(self, tenant: str, agent_id: str, intent: Intent, after_s: float) -> Deed:
        return Deed(after_s, tenant, f"agent:{agent_id}", commands.SetIntent(agent_id, intent, ""))

    def _agent(self, tenant: str, number: int) -> AgentDefinition:
        skills = tuple(SkillLevel(skill, 1 + number % 3) for skill in SKILLS[: 1 + number % 2])
        return AgentDefinition(f"ag_{tenant[3:]}_{number}", skills, 1 + number % 3)


def _queue(queue_id: str, number: int) -> QueueDefinition:
    second = timedelta(seconds=1)
    return QueueDefinition(
        queue_id=queue_id,
        name=LocalizedText("", ""),
        requirements=(),
        target_wait_duration=20 * second,
        value_weight_permille=1000,
        urgency_weight_permille=1000,
        voice_lease_duration=12 * second,
        chat_lease_duration=15 * second,
        miss_exclusion_duration=8 * second,
        max_misses=number,
        wrap_up_mode=(WrapUpMode.TIMED, WrapUpMode.NONE)[number % 2],
        wrap_up_duration=4 * second,
        short_abandon_duration=5 * second,
        max_waiting=10_000,
        estimates_waits=number % 2 == 1,
        strategy=(RoutingStrategy.RING_ALL, RoutingStrategy.UNSPECIFIED)[number % 2],
    )
