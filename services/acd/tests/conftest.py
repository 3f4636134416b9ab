"""A routing domain to play with: commands in, events out, every invariant checked after every command."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from trunkline_acd.domain.agents import has_room, is_routable, is_signed_in
from trunkline_acd.domain.commands import (
    AcceptOffer,
    Command,
    EndContact,
    EnqueueContact,
    OpenAgentSession,
    PutAgent,
    PutQueue,
    PutWrapUpCode,
    ReportConnected,
    SetIntent,
)
from trunkline_acd.domain.contacts import Stage, line_of, line_place
from trunkline_acd.domain.decider import AcdDecider
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import ContactOffered, Event, RowsChanged
from trunkline_acd.domain.places import Order, order_of, place_of
from trunkline_acd.domain.skills import meets
from trunkline_acd.domain.state import AcdState, Domain, connected_peer
from trunkline_acd.domain.words import Intent, WorkState
from trunkline_core.decider import Context, execute
from trunkline_core.errors import TrunklineError
from trunkline_core.routing import AgentDefinition, QueueDefinition, SkillLevel, SkillRequirement, WrapUpMode
from trunkline_core.texts import LocalizedText

T0 = datetime(2026, 1, 5, 9, tzinfo=UTC)
TENANT = "tn_demo"

QUEUE = QueueDefinition(
    queue_id="qu_sales",
    name=LocalizedText("销售", "Sales"),
    requirements=(),
    target_wait_duration=timedelta(seconds=20),
    value_weight_permille=1000,
    urgency_weight_permille=1000,
    voice_lease_duration=timedelta(seconds=20),
    chat_lease_duration=timedelta(seconds=30),
    miss_exclusion_duration=timedelta(seconds=30),
    max_misses=2,
    wrap_up_mode=WrapUpMode.NONE,
    wrap_up_duration=timedelta(seconds=30),
    short_abandon_duration=timedelta(seconds=5),
    max_waiting=100,
)


class Routing:
    """One partition under test."""

    def __init__(self) -> None:
        self.state = AcdState()
        self.decider = AcdDecider()
        self.now = T0
        self.rows: list[RowsChanged] = []
        self.log: list[tuple[Event, Context]] = []
        self._commands = 0

    @property
    def domain(self) -> Domain:
        return self.state.domain(TENANT)

    def at(self, seconds: float) -> datetime:
        return T0 + timedelta(seconds=seconds)

    def context(self, actor: str = "system", tenant: str = TENANT) -> Context:
        return Context(self.now, tenant, actor, f"c{self._commands}")

    def do(self, command: Command, actor: str = "system", tenant: str = TENANT) -> list[Event]:
        """Carry out a command; its events without the rows, which are kept aside."""
        self._commands += 1
        context = self.context(actor, tenant)
        events = execute(self.decider, self.state, command, context)
        self.state.journal.commit()
        self.log += [(event, context) for event in events]
        self.rows = [event for event in events if isinstance(event, RowsChanged)]
        check(self.state)
        return [event for event in events if not isinstance(event, RowsChanged)]

    def check(self) -> None:
        """Assert every invariant."""
        check(self.state)

    def refusal(self, command: Command, actor: str = "system", tenant: str = TENANT) -> str:
        """Carry out a command that must be refused; the error as text."""
        with pytest.raises(TrunklineError) as caught:
            execute(self.decider, self.state, command, self.context(actor, tenant))
        check(self.state)
        return f"{type(caught.value).__name__}: {caught.value}"

    def wait(self, seconds: float) -> list[Event]:
        """Let time pass; timers fire when they are due. Returns all their events."""
        until, events = self.now + timedelta(seconds=seconds), []
        while (due := self.state.timers.next_due()) and due <= until:
            self.now = max(self.now, due)
            for timer in self.state.timers.due(self.now):
                events += self.do(timer.command, tenant=timer.tenant)
                assert self.state.timers.get(timer.key) != timer, f"{timer} would fire for ever"
        self.now = until
        return events

    def queue(self, queue_id: str = "qu_sales", **fields: Any) -> QueueDefinition:
        definition = replace(QUEUE, queue_id=queue_id, **fields)
        self.do(PutQueue(definition))
        return definition

    def code(self, wrap_up_code: str) -> None:
        self.do(PutWrapUpCode(wrap_up_code))

    def agent(self, agent_id: str, *skills: tuple[str, int], chats: int = 1, ready: bool = True) -> str:
        levels = tuple(SkillLevel(skill, level) for skill, level in skills)
        self.do(PutAgent(AgentDefinition(agent_id, levels, chats)))
        if ready:
            self.do(OpenAgentSession(agent_id, "pe_1", f"se_{agent_id}"))
            self.do(SetIntent(agent_id, Intent.AVAILABLE, ""), actor=f"agent:{agent_id}")
        return agent_id

    def enqueue(
        self,
        contact_id: str,
        queue_id: str = "qu_sales",
        *needs: tuple[str, int],
        channel: Channel = Channel.VOICE,
        value: int = 0,
        urgency: int = 0,
        step: int = 1,
        customer: str = "",
    ) -> list[Event]:
        requirements = tuple(SkillRequirement(skill, level) for skill, level in needs)
        return self.do(EnqueueContact(contact_id, step, queue_id, channel, value, urgency, requirements, customer))

    def chat(self, contact_id: str, **options: Any) -> list[Event]:
        return self.enqueue(contact_id, channel=Channel.CHAT, **options)

    def accept(self, contact_id: str) -> list[Event]:
        contact = self.domain.contact(contact_id)
        command = AcceptOffer(contact.agent_id, contact_id, contact.offer_no)
        return self.do(command, actor=f"agent:{contact.agent_id}")

    def connected(self, contact_id: str, step: int = 2) -> list[Event]:
        contact = self.domain.contact(contact_id)
        return self.do(ReportConnected(contact_id, step, contact.segment_no, contact.offer_no))

    def connect(self, contact_id: str) -> str:
        """Accept and join; returns the agent."""
        self.accept(contact_id)
        self.connected(contact_id)
        return self.domain.contact(contact_id).agent_id

    def end(self, contact_id: str, reason: str = "customer_left", step: int = 9) -> list[Event]:
        return self.do(EndContact(contact_id, step, reason))


def offers(events: list[Event]) -> list[tuple[str, str]]:
    """Return who was offered what: (contact, agent)."""
    return [(event.contact_id, event.agent_id) for event in events if isinstance(event, ContactOffered)]


def kinds(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def check(state: AcdState) -> None:
    """Assert everything that must hold after every command."""
    for domain in state.domains():
        _check_capacity(domain)
        _check_one_place_per_contact(domain)
        _check_timers(state, domain)
        _check_nobody_idles(domain)
        _check_conservation(domain)
        _check_indexes(domain)


def _check_capacity(domain: Domain) -> None:
    for agent in domain.agents.values():
        calls = [work for work in agent.work if work.channel is Channel.VOICE]
        assert len(calls) <= 1 and (not calls or len(agent.work) == 1), agent


def _check_one_place_per_contact(domain: Domain) -> None:
    stages = {
        WorkState.OFFERED: Stage.OFFERED,
        WorkState.CONNECTING: Stage.CONNECTING,
        WorkState.CONNECTED: Stage.CONNECTED,
    }
    live = [
        (work.contact_id, agent.agent_id, stages[work.state])
        for agent in domain.agents.values()
        for work in agent.work
        if work.state in stages
    ]
    nowhere = (Stage.WAITING, Stage.ENDED)
    held = [(c.contact_id, c.agent_id, c.stage) for c in domain.contacts.values() if c.stage not in nowhere]
    assert sorted(live, key=str) == sorted(held, key=str)


def _check_timers(state: AcdState, domain: Domain) -> None:
    wanted: set[str] = set()
    for contact in domain.contacts.values():
        if contact.stage is Stage.OFFERED:
            wanted.add(f"offer/{domain.tenant}/{contact.contact_id}")
        if contact.stage is Stage.CONNECTING:
            wanted.add(f"connecting/{domain.tenant}/{contact.contact_id}")
        if contact.is_open and contact.ring < len(contact.rings):
            wanted.add(f"ring/{domain.tenant}/{contact.contact_id}")
        if contact.is_open and contact.longest_wait and not contact.is_over_limit:
            wanted.add(f"longest_wait/{domain.tenant}/{contact.contact_id}")
        for agent_id in contact.excluded:
            wanted.add(f"exclusion/{domain.tenant}/{contact.contact_id}/{agent_id}")
    for agent in domain.agents.values():
        if state.timers.get(f"skills/{domain.tenant}/{agent.agent_id}"):
            assert any(skill.valid_from_time or skill.valid_until_time for skill in agent.definition.skills)
            wanted.add(f"skills/{domain.tenant}/{agent.agent_id}")
        if agent.connectivity.name == "GRACE":
            wanted.add(f"grace/{domain.tenant}/{agent.agent_id}")
        for work in agent.work:
            if work.state is WorkState.WRAP_UP and work.expires_time:
                wanted.add(f"wrap_up/{domain.tenant}/{agent.agent_id}/{work.contact_id}")
    for queue in domain.queues.values():
        if state.timers.get(f"overflow/{domain.tenant}/{queue.queue_id}"):
            assert queue.definition.overflow
            wanted.add(f"overflow/{domain.tenant}/{queue.queue_id}")
        else:
            assert not (queue.definition.overflow and queue.waiting), "those who wait are looked after"
        if f"unstaffed/{domain.tenant}/{queue.queue_id}" in {timer.key for timer in state.timers.values()}:
            assert queue.clears_time
            wanted.add(f"unstaffed/{domain.tenant}/{queue.queue_id}")
        elif queue.clears_time:
            assert queue.waiting == 0, "whoever waits leaves"
    if len(domain.tombstones):
        wanted.add(f"tombstone/{domain.tenant}")
    assert {timer.key for timer in state.timers.values() if timer.tenant == domain.tenant} == wanted


def _check_nobody_idles(domain: Domain) -> None:
    for contact in domain.contacts.values():
        if contact.stage is Stage.WAITING:
            for agent in domain.agents.values():
                assert not (
                    is_routable(agent)
                    and has_room(agent, contact.channel)
                    and meets(agent.profile, contact.wanted)
                    and agent.agent_id not in contact.excluded
                ), f"{agent} idles while {contact} waits"


def _check_conservation(domain: Domain) -> None:
    for queue in domain.queues.values():
        stages = Counter(c.stage for c in domain.contacts.values() if c.queue_id == queue.queue_id)
        assert queue.waiting == stages[Stage.WAITING]
        assert queue.ringing == stages[Stage.OFFERED] + stages[Stage.CONNECTING]
        assert queue.connected == stages[Stage.CONNECTED]
        outcomes = queue.answered_total + queue.abandoned_total + queue.short_abandoned_total + queue.closed_total
        outcomes += queue.limit_reached_total + queue.flowed_out_total
        assert queue.entered_total == outcomes + queue.waiting + queue.ringing


def _check_indexes(domain: Domain) -> None:
    lines, ages, pools, others, peers = (Counter[Any]() for _ in range(5))
    orders = {order_of(queue.definition.strategy) for queue in domain.queues.values()} - {Order.IDLE}
    sets: dict[str, set[Any]] = {queue.queue_id: set() for queue in domain.queues.values()}
    for contact in domain.contacts.values():
        if contact.is_open:
            sets[contact.queue_id].add(contact.requirements)
        if contact.stage is Stage.WAITING:
            definition = domain.queue(contact.queue_id).definition
            lines[(line_of(contact), line_place(contact, definition))] += 1
            ages[(contact.queue_id, (contact.order, contact.contact_id))] += 1
    for agent in domain.agents.values():
        if place := place_of(agent):
            pools[(agent.profile, place)] += 1
            for order in orders:
                others[((order, agent.profile), place_of(agent, order))] += 1
        if (peer := connected_peer(agent)) is not None:
            peers[(peer, (agent.agent_id,))] += 1
    staff = Counter(agent.profile for agent in domain.agents.values() if is_signed_in(agent))
    assert dict(domain.staff.items()) == staff
    followed = Counter(place.order for line in domain.followed_lines for place in domain.followed_lines.entries(line))
    assert sum(followed.values()) == sum(domain.followed_count(queue.queue_id) for queue in domain.queues.values())
    assert Counter(one.contact.order for one in domain.followed.values()) == followed
    assert {queue.queue_id: queue.requirement_sets for queue in domain.queues.values()} == {
        queue_id: len(found) for queue_id, found in sets.items()
    }
    indexes = ((domain.lines, lines), (domain.ages, ages), (domain.pools, pools), (domain.peers, peers))
    for shelves, expected in (*indexes, (domain.other_pools, others)):
        entries = Counter((key, entry) for key in shelves for entry in shelves.entries(key))
        assert entries == expected


@pytest.fixture
def routing() -> Routing:
    """An empty partition."""
    return Routing()


@pytest.fixture(scope="session")
def new_routing() -> Callable[[], Routing]:
    """Makes empty partitions, for properties."""
    return Routing


@pytest.fixture
def offered() -> Callable[[list[Event]], list[tuple[str, str]]]:
    return offers


@pytest.fixture
def kinds_of() -> Callable[[list[Event]], list[str]]:
    return kinds
