"""A routing domain to play with: commands in, events out, every invariant checked after every command."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from trunkline_acd.domain import policy
from trunkline_acd.domain.agents import Agent, is_routable, is_signed_in, occupancy
from trunkline_acd.domain.commands import (
    AcceptOffer,
    ClearCallback,
    Command,
    EndContact,
    EnqueueContact,
    OpenAgentSession,
    PutAgent,
    PutQueue,
    PutWrapUpCode,
    ReportCallbackReached,
    ReportCallbackResult,
    ReportConnected,
    RequestCallback,
    SetIntent,
)
from trunkline_acd.domain.contacts import ConsultationStage, Contact, Offer, Stage, line_of, line_place
from trunkline_acd.domain.decider import AcdDecider
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import (
    AgentConfigured,
    CallbackAttempted,
    CallbackDialled,
    CallbackPostponed,
    CallbackReached,
    ConnectFailed,
    ConsultationCompleted,
    ConsultationEnded,
    ConsultationOffered,
    ContactOffered,
    ContactParked,
    ContactReleased,
    ContactResumed,
    ContactTakenOver,
    DeviceForgotten,
    DeviceLost,
    DeviceRegistered,
    Event,
    OfferAccepted,
    OfferEnded,
    QueueConfigured,
    RowsChanged,
    WrapUpFinished,
)
from trunkline_acd.domain.places import Order, order_of, spot_of
from trunkline_acd.domain.policy import MAX_HELD_PER_AGENT
from trunkline_acd.domain.skills import meets, needs_in
from trunkline_acd.domain.state import AcdState, Domain, connected_peer, loosening_of
from trunkline_acd.domain.words import CallbackOutcome, Intent, Preference, WorkState
from trunkline_core.decider import Context, execute
from trunkline_core.errors import TrunklineError
from trunkline_core.routing import (
    AgentDefinition,
    ChannelUse,
    QueueDefinition,
    RoutingStrategy,
    SkillLevel,
    SkillRequirement,
    WrapUpMode,
)
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


_NOT_JOINED = (ConsultationStage.OFFERED, ConsultationStage.CONNECTING)
WITHOUT_A_TABLE = (ChannelUse(Channel.VOICE, 1, 1, (Channel.CHAT,)), ChannelUse(Channel.CHAT, 1))


class Books:
    """Who has what, by the events alone: nobody is offered what does not fit, and what is given back was booked.

    No call is offered to a telephone that is lost. A contact rings at several only where it rings at all, never twice
    at one agent, and nowhere else once accepted. Each wrap-up has an end of its own, but where its queue wants none.
    """

    def __init__(self) -> None:
        self.work: defaultdict[tuple[str, str], dict[str, tuple[Channel, bool]]] = defaultdict(dict)
        self._live: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)  # by contact: offers by agent
        self._newest: dict[tuple[str, str], int] = {}  # by contact: its newest offer
        self._channels: dict[tuple[str, str], Channel] = {}  # by contact
        self._agents: dict[tuple[str, str], AgentDefinition] = {}
        self.parked: defaultdict[tuple[str, str], dict[str, tuple[Channel, bool]]] = defaultdict(dict)
        self._queues: dict[tuple[str, str], QueueDefinition] = {}
        self.timed: defaultdict[tuple[str, str], set[str]] = defaultdict(
            set
        )  # by agent: what is wrapped up until a time
        self._telephones: dict[
            tuple[str, str], set[str]
        ] = {}  # where each is registered; absent: no gateway spoke of it
        self._read = 0

    def read(self, log: list[tuple[Event, Context]]) -> None:
        """Take in what happened since the last time."""
        for event, context in log[self._read :]:
            self._take(event, context.tenant)
            self._follow(event, context.tenant)
        self._read = len(log)

    def _take(self, event: Event, tenant: str) -> None:
        match event:
            case AgentConfigured(agent):
                self._agents[tenant, agent.agent_id] = agent
            case QueueConfigured(queue):
                self._queues[tenant, queue.queue_id] = queue
            case DeviceRegistered():
                self._telephones.setdefault((tenant, event.agent_id), set()).add(event.peer_id)
            case DeviceLost():
                self._telephones[tenant, event.agent_id].remove(event.peer_id)
            case DeviceForgotten():
                del self._telephones[tenant, event.agent_id]
            case ContactOffered() | CallbackDialled() | ConsultationOffered():
                work = self.work[tenant, event.agent_id]
                has_telephone = self._telephones.get((tenant, event.agent_id)) != set()
                assert has_telephone or event.channel is not Channel.VOICE, event
                assert fits(self._agents[tenant, event.agent_id], event.channel, list(work.values())), event
                work[event.contact_id] = (event.channel, True)
                self._channels[tenant, event.contact_id] = event.channel
            case ContactParked():
                work = self.work[tenant, event.agent_id].pop(event.contact_id)
                assert work[0] is Channel.CHAT, event
                self.parked[tenant, event.agent_id][event.contact_id] = work
            case ContactResumed():
                work = self.work[tenant, event.agent_id]
                assert fits(self._agents[tenant, event.agent_id], Channel.CHAT, list(work.values())), event
                work[event.contact_id] = self.parked[tenant, event.agent_id].pop(event.contact_id)
            case ContactReleased(wrap_up=True):
                if self._queues[tenant, event.queue_id].wrap_up_mode is not WrapUpMode.UNTIMED:
                    self.timed[tenant, event.agent_id].add(event.contact_id)
                if event.contact_id in self.parked[tenant, event.agent_id]:
                    return  # wrapped up without units
                work = self.work[tenant, event.agent_id]
                channel, _ = work[event.contact_id]
                work[event.contact_id] = (channel, not self._queues[tenant, event.queue_id].wrap_up_frees_exclusion)
            case CallbackReached(agent_id=""):
                pass  # nobody was kept for it any more
            case (
                OfferEnded()
                | ConnectFailed()
                | CallbackAttempted()
                | CallbackPostponed()
                | CallbackReached()
                | ContactReleased()
                | WrapUpFinished()
            ):
                self.timed[tenant, event.agent_id].discard(event.contact_id)
                is_parked = event.contact_id in self.parked[tenant, event.agent_id]
                del (self.parked if is_parked else self.work)[tenant, event.agent_id][event.contact_id]
            case ConsultationEnded():
                del self.work[tenant, event.agent_id][event.contact_id]
            case ContactTakenOver():
                work, channel = self.work[tenant, event.agent_id], self._channels[tenant, event.contact_id]
                assert fits(self._agents[tenant, event.agent_id], channel, list(work.values())), event
                work[event.contact_id] = (channel, True)

    def _follow(self, event: Event, tenant: str) -> None:
        match event:
            case ContactOffered():
                live = self._live[tenant, event.contact_id]
                assert event.agent_id not in live and (event.ring_all or not live), event
                self._number(event, tenant)
                live[event.agent_id] = event.offer_no
            case CallbackDialled():
                live = self._live[tenant, event.contact_id]
                assert not live, event
                self._number(event, tenant)
                live[event.agent_id] = event.offer_no
            case CallbackReached(agent_id=""):
                assert not self._live[tenant, event.contact_id], event
            case ConsultationOffered():
                assert self._live[tenant, event.contact_id].keys() == {event.asked_by_agent_id}, event
                self._number(event, tenant)
            case ConsultationCompleted() | ContactTakenOver():
                assert not self._live[tenant, event.contact_id], event
                self._live[tenant, event.contact_id][event.agent_id] = event.offer_no
                if isinstance(event, ContactTakenOver):
                    self._number(event, tenant)
            case OfferAccepted():
                assert self._live[tenant, event.contact_id] == {event.agent_id: event.offer_no}, event
            case OfferEnded() | ConnectFailed() | CallbackAttempted() | CallbackPostponed() | CallbackReached():
                assert self._live[tenant, event.contact_id].pop(event.agent_id) == event.offer_no, event
            case ContactReleased():
                del self._live[tenant, event.contact_id][event.agent_id]

    def _number(
        self, event: ContactOffered | CallbackDialled | ConsultationOffered | ContactTakenOver, tenant: str
    ) -> None:
        assert event.offer_no > self._newest.get((tenant, event.contact_id), 0), event
        self._newest[tenant, event.contact_id] = event.offer_no


def fits(agent: AgentDefinition, channel: Channel, work: list[tuple[Channel, bool]]) -> bool:
    """Tell whether one more contact fits beside the work: each a channel, and whether it excludes others (rule 2)."""
    table = {use.channel: use for use in agent.channels or WITHOUT_A_TABLE}
    if not {channel, *(other for other, _ in work)} <= set(table):
        return False
    own, others = table[channel], [table[other] for other, excludes in work if excludes]
    used = sum(table[other].units for other, _ in work)
    count = sum(other is channel for other, _ in work)
    is_excluded = any(other.channel in own.excluded_by or channel in other.excluded_by for other in others)
    total = agent.units or agent.chat_capacity
    return not is_excluded and used + own.units <= total and (not own.max_contacts or count < own.max_contacts)


class Routing:
    """One partition under test."""

    def __init__(self) -> None:
        self.state = AcdState()
        self.decider = AcdDecider()
        self.now = T0
        self.rows: list[RowsChanged] = []
        self.log: list[tuple[Event, Context]] = []
        self._books = Books()
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
        self.check()
        return [event for event in events if not isinstance(event, RowsChanged)]

    def check(self) -> None:
        """Assert every invariant."""
        check(self.state, self.now)
        self._books.read(self.log)
        for domain in self.state.domains():
            for agent in domain.agents.values():
                booked = self._books.work[domain.tenant, agent.agent_id]
                assert sorted(booked) == sorted(work.contact_id for work in agent.at_hand)
                parked = self._books.parked[domain.tenant, agent.agent_id]
                assert sorted(parked) == sorted(work.contact_id for work in agent.work if work.parked_since)
                wrap_ups = [work for work in agent.work if work.state is WorkState.WRAP_UP]
                timed = {work.contact_id for work in wrap_ups if work.expires_time}
                assert timed == self._books.timed[domain.tenant, agent.agent_id]

    def refusal(self, command: Command, actor: str = "system", tenant: str = TENANT) -> str:
        """Carry out a command that must be refused; the error as text."""
        with pytest.raises(TrunklineError) as caught:
            execute(self.decider, self.state, command, self.context(actor, tenant))
        self.check()
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

    def agent(
        self,
        agent_id: str,
        *skills: tuple[str, int],
        chats: int = 1,
        ready: bool = True,
        units: int = 0,
        channels: tuple[ChannelUse, ...] = (),
    ) -> str:
        levels = tuple(SkillLevel(skill, level) for skill, level in skills)
        self.do(PutAgent(AgentDefinition(agent_id, levels, chats, units, channels)))
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
        preferred: str = "",
        preference: Preference = Preference.UNSPECIFIED,
    ) -> list[Event]:
        requirements = tuple(SkillRequirement(skill, level) for skill, level in needs)
        entry = EnqueueContact(contact_id, step, queue_id, channel, value, urgency, requirements, customer)
        return self.do(replace(entry, preferred_agent_id=preferred, preference=preference))

    def chat(self, contact_id: str, **options: Any) -> list[Event]:
        return self.enqueue(contact_id, channel=Channel.CHAT, **options)

    def accept(self, contact_id: str, agent_id: str = "") -> list[Event]:
        """Accept what rings at that agent, or at the only one."""
        contact = self.domain.contact(contact_id)
        agent_id = agent_id or contact.agent_id
        work = self.domain.agent(agent_id).work_on(contact_id)
        offer_no = work.offer_no if work else contact.offer_no
        return self.do(AcceptOffer(agent_id, contact_id, offer_no), actor=f"agent:{agent_id}")

    def connected(self, contact_id: str, step: int = 2) -> list[Event]:
        contact = self.domain.contact(contact_id)
        return self.do(ReportConnected(contact_id, step, contact.segment_no, contact.offer_no))

    def connect(self, contact_id: str) -> str:
        """Accept and join; returns the agent."""
        self.accept(contact_id)
        self.connected(contact_id)
        return self.domain.contact(contact_id).agent_id

    def call_back(self, contact_id: str, step: int = 2, customer: str = "", after: float | None = None) -> list[Event]:
        """The caller wants to be called back, after that many seconds where they are said."""
        time = None if after is None else self.now + timedelta(seconds=after)
        return self.do(RequestCallback(contact_id, step, customer, time))

    def dialled(self, contact_id: str, outcome: CallbackOutcome, step: int = 3, reason: str = "") -> list[Event]:
        """Report what became of the accepted offer's attempt."""
        contact = self.domain.contact(contact_id)
        place = (contact.segment_no, contact.offer_no)
        return self.do(ReportCallbackResult(contact_id, step, *place, outcome, reason))

    def cleared(self, contact_id: str, step: int = 3, customer: str = "") -> list[Event]:
        """Say that nothing keeps the customer from being dialled."""
        contact = self.domain.contact(contact_id)
        return self.do(ClearCallback(contact_id, step, contact.segment_no, contact.offer_no, customer))

    def reached(self, contact_id: str, step: int = 4) -> list[Event]:
        """Say that the customer who was dialled first is on the line."""
        contact = self.domain.contact(contact_id)
        return self.do(ReportCallbackReached(contact_id, step, contact.segment_no, contact.offer_no))

    def end(self, contact_id: str, reason: str = "customer_left", step: int = 9) -> list[Event]:
        return self.do(EndContact(contact_id, step, reason))


def offers(events: list[Event]) -> list[tuple[str, str]]:
    """Return who was offered what: (contact, agent)."""
    return [(event.contact_id, event.agent_id) for event in events if isinstance(event, ContactOffered)]


def kinds(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def check(state: AcdState, now: datetime) -> None:
    """Assert everything that must hold after every command."""
    for domain in state.domains():
        _check_one_place_per_contact(domain)
        _check_one_colleague_per_contact(domain)
        _check_callbacks(domain)
        _check_timers(state, domain)
        _check_nobody_idles(state, domain, now)
        _check_held(domain)
        _check_devices(domain)
        _check_call_ins(state, domain)
        _check_rings(state, domain)
        _check_conservation(domain)
        _check_indexes(domain)


def _check_one_place_per_contact(domain: Domain) -> None:
    stages = {
        WorkState.OFFERED: Stage.OFFERED,
        WorkState.CONNECTING: Stage.CONNECTING,
        WorkState.CONNECTED: Stage.CONNECTED,
    }
    live = [
        (work.contact_id, agent.agent_id, work.offer_no, stages[work.state])
        for agent in domain.agents.values()
        for work in agent.work
        if work.state in stages and not work.asked_by
    ]
    nowhere = (Stage.WAITING, Stage.SCHEDULED, Stage.ENDED)
    held = [
        (contact.contact_id, offer.agent_id, offer.offer_no, contact.stage)
        for contact in domain.contacts.values()
        if contact.stage not in nowhere
        for offer in (*contact.others, Offer(contact.offer_no, contact.agent_id))
    ]
    assert sorted(live, key=str) == sorted(held, key=str)
    for contact in domain.contacts.values():
        assert contact.stage is Stage.OFFERED or not (contact.others or contact.rings_at_all)
        assert contact.rings_at_all or not contact.others, "only who rings at all rings at several"
        assert len(set(contact.agent_ids)) == len(contact.agent_ids) <= policy.MAX_RINGING
        numbers = [offer.offer_no for offer in contact.live_offers]
        assert numbers == sorted(numbers) and contact.next_offer_no > max([0, *numbers])


def _check_one_colleague_per_contact(domain: Domain) -> None:
    """Who is asked about a connected call is another agent than who has it, and nobody else is asked."""
    states = {
        ConsultationStage.OFFERED: WorkState.OFFERED,
        ConsultationStage.CONNECTING: WorkState.CONNECTING,
        ConsultationStage.TALKING: WorkState.CONNECTED,
        ConsultationStage.CONFERENCE: WorkState.CONNECTED,
    }
    asked = [
        (work.contact_id, agent.agent_id, work.asked_by, work.state)
        for agent in domain.agents.values()
        for work in agent.work
        if work.asked_by
    ]
    known = [
        (c.contact_id, c.consultation.agent_id, c.agent_id, states[c.consultation.stage])
        for c in domain.contacts.values()
        if c.consultation
    ]
    assert sorted(asked, key=str) == sorted(known, key=str)
    for contact in domain.contacts.values():
        if contact.consultation:
            assert contact.stage is Stage.CONNECTED
            assert contact.channel is Channel.VOICE
            assert contact.agent_id != contact.consultation.agent_id


def _check_callbacks(domain: Domain) -> None:
    """Each who is dialled has an agent alone, no customer is called back twice, and who is reached is not dialled."""
    callbacks = [contact for contact in domain.contacts.values() if contact.callback and contact.is_open]
    dialled = [contact for contact in callbacks if contact.stage is Stage.CONNECTING and contact.is_to_dial]
    busy = [work for agent in domain.agents.values() for work in agent.work if work.state is WorkState.CONNECTING]
    for contact in dialled:
        assert [work.callback_reached for work in busy if work.contact_id == contact.contact_id] == [False]
    customers = Counter(contact.customer_id for contact in callbacks if contact.customer_id)
    assert all(count == 1 for count in customers.values()), customers
    for contact in callbacks:
        assert not (contact.callback.is_reached and (contact.is_kept or contact.stage is Stage.SCHEDULED)), contact
        assert contact.is_to_dial or not contact.reserved


def _check_timers(state: AcdState, domain: Domain) -> None:
    wanted: set[str] = set()
    for contact in domain.contacts.values():
        if contact.stage is Stage.OFFERED:
            for offer in contact.live_offers:
                own = f"/{offer.offer_no}" if contact.rings_at_all else ""
                wanted.add(f"offer/{domain.tenant}/{contact.contact_id}{own}")
        if contact.stage is Stage.CONNECTING:
            wanted.add(f"connecting/{domain.tenant}/{contact.contact_id}")
        if contact.is_open and contact.ring < len(contact.rings):
            wanted.add(f"ring/{domain.tenant}/{contact.contact_id}")
        if contact.is_open and contact.longest_wait and not contact.is_over_limit:
            wanted.add(f"longest_wait/{domain.tenant}/{contact.contact_id}")
        if contact.held_for:
            wanted.add(f"affinity/{domain.tenant}/{contact.contact_id}")
        if contact.stage is Stage.SCHEDULED:
            wanted.add(f"callback/{domain.tenant}/{contact.contact_id}")
        if contact.consultation and contact.consultation.stage in _NOT_JOINED:
            wanted.add(f"consultation/{domain.tenant}/{contact.contact_id}")
        wrapping_up = {agent.agent_id for agent in domain.agents.values() if has_wrap_up(agent, contact)}
        assert contact.wrapped_up_by == wrapping_up
        assert contact.stage is not Stage.WAITING or wrapping_up <= contact.excluded
        for agent_id in contact.excluded - wrapping_up:
            wanted.add(f"exclusion/{domain.tenant}/{contact.contact_id}/{agent_id}")
    for agent in domain.agents.values():
        if state.timers.get(f"skills/{domain.tenant}/{agent.agent_id}"):
            assert any(skill.valid_from_time or skill.valid_until_time for skill in agent.definition.skills)
            wanted.add(f"skills/{domain.tenant}/{agent.agent_id}")
        if agent.connectivity.name == "GRACE":
            wanted.add(f"grace/{domain.tenant}/{agent.agent_id}")
        if agent.called_in:
            wanted.add(f"call_in/{domain.tenant}/{agent.agent_id}")
        for work in agent.work:
            if work.state is WorkState.WRAP_UP and work.expires_time:
                wanted.add(f"wrap_up/{domain.tenant}/{agent.agent_id}/{work.contact_id}")
    for queue in domain.queues.values():
        if state.timers.get(f"overflow/{domain.tenant}/{queue.queue_id}"):
            assert queue.definition.overflow
            wanted.add(f"overflow/{domain.tenant}/{queue.queue_id}")
        else:
            overflow = queue.definition.overflow
            assert not (overflow and queue.waiting), "those who wait are looked after"
            assert not (overflow and overflow.returns and domain.away.size(queue.queue_id)), "and those who return"
            assert not domain.helping_queue(queue.queue_id), "and help that is given"
        if f"unstaffed/{domain.tenant}/{queue.queue_id}" in {timer.key for timer in state.timers.values()}:
            assert queue.clears_time
            wanted.add(f"unstaffed/{domain.tenant}/{queue.queue_id}")
        elif queue.clears_time:
            assert queue.waiting == 0, "whoever waits leaves"
    if state.timers.get(f"handout/{domain.tenant}"):
        wanted.add(f"handout/{domain.tenant}")
    if len(domain.tombstones):
        wanted.add(f"tombstone/{domain.tenant}")
    assert {timer.key for timer in state.timers.values() if timer.tenant == domain.tenant} == wanted


def _check_nobody_idles(state: AcdState, domain: Domain, now: datetime) -> None:
    is_handed_out = state.timers.get(f"handout/{domain.tenant}") is not None
    to_all = any(queue.definition.strategy is RoutingStrategy.RING_ALL for queue in domain.queues.values())
    many = len(domain.agents) > policy.OFFERS_TO_FREED  # of whom all may have become able at once (rule 1)
    for contact in domain.contacts.values():
        is_chat = contact.channel is Channel.CHAT and not contact.held_for
        rings_on = contact.rings_at_all and not contact.is_over_limit and len(contact.agent_ids) < policy.MAX_RINGING
        is_late = is_handed_out and (
            is_chat or to_all or ((domain.helping_queue(contact.queue_id) or many) and not contact.held_for)
        )
        if (contact.stage is Stage.WAITING or rings_on) and not is_late:
            could = [
                agent.agent_id
                for agent in domain.agents.values()
                if is_routable(agent)
                and not any(work.waits_since for work in agent.work)
                and fits(agent.definition, contact.channel, held(agent))
                and not is_unreachable(agent, contact.channel)
                and could_serve(domain, contact, agent)
                and agent.agent_id not in contact.excluded | set(contact.agent_ids)
                and not (is_chat and is_drained(domain, agent, now))
            ]
            if contact.held_for:
                assert contact.held_for not in could, f"{contact} is held for somebody who idles"
            else:
                assert len(could) <= contact.reserved, f"{could} idle while {contact} waits"


def is_unreachable(agent: Agent, channel: Channel) -> bool:
    """Tell whether it would be a call for a telephone that every gateway lost (rule 1)."""
    return channel is Channel.VOICE and agent.has_device and not agent.registered_at


def could_serve(domain: Domain, contact: Contact, agent: Agent) -> bool:
    """Tell whether the agent has the skills, for the contact's own queue or for the one that helps out."""
    helping = domain.queues.get(domain.helping_queue(contact.queue_id))
    helps = helping is not None and meets(agent.profile, needs_in(helping.definition, contact.own_requirements))
    return helps or meets(agent.profile, contact.wanted)


def _check_held(domain: Domain) -> None:
    """Whoever cannot take a contact holds none; what is held rings at nobody else."""
    for contact in domain.contacts.values():
        if contact.held_for and contact.stage is Stage.CONNECTED:
            _check_returned(domain, contact)
        elif contact.held_for:
            agent = domain.agent(contact.held_for)
            assert contact.is_open
            assert contact.agent_ids in ((), (contact.held_for,))
            assert is_signed_in(agent) and not agent.not_responding, contact
            assert meets(agent.profile, contact.wanted)
            assert agent.agent_id not in contact.excluded
            assert not is_unreachable(agent, contact.channel)
            assert domain.held.size(agent.agent_id) <= MAX_HELD_PER_AGENT


def _check_devices(domain: Domain) -> None:
    """No call rings at a telephone that is lost (rule 1)."""
    for agent in domain.agents.values():
        ringing = [work for work in agent.work if work.state is WorkState.OFFERED]
        assert not any(is_unreachable(agent, work.channel) for work in ringing), agent
        assert agent.has_device or not agent.registered_at


def _check_call_ins(state: AcdState, domain: Domain) -> None:
    """Nobody who is available at a desk is called in (rule 20), nor anybody for ever."""
    for agent in domain.agents.values():
        if agent.called_in:
            assert agent.intent is not Intent.AVAILABLE or connected_peer(agent) is None, agent
            timer = state.timers.get(f"call_in/{domain.tenant}/{agent.agent_id}")
            assert timer and timer.due == agent.called_in.until_time


def _check_rings(state: AcdState, domain: Domain) -> None:
    """Nobody stays in a ring that nobody who is signed in could serve, where a later one could be (rule 7)."""
    if state.timers.get(f"handout/{domain.tenant}"):
        return
    signed_in = [agent.profile for agent in domain.agents.values() if is_signed_in(agent)]
    for contact in domain.contacts.values():
        if contact.is_open and contact.stage is not Stage.SCHEDULED:
            rings = range(contact.ring, len(contact.rings) + 1)
            served = [any(meets(profile, contact.asks_in(ring)) for profile in signed_in) for ring in rings]
            assert served[0] or not any(served), contact


def _check_returned(domain: Domain, contact: Contact) -> None:
    """The customer of a parked chat is back, and waits only as long as the chat cannot go on (rule 2)."""
    agent = domain.agent(contact.agent_id)
    work = agent.work_on(contact.contact_id)
    assert contact.held_for == contact.agent_id
    assert work.parked_since and work.waits_since
    assert not (is_routable(agent) and fits(agent.definition, Channel.CHAT, held(agent)))


def has_wrap_up(agent: Agent, contact: Contact) -> bool:
    """Tell whether the agent had the contact, gave it on, and still wraps it up."""
    work = agent.work_on(contact.contact_id)
    return work is not None and work.state is WorkState.WRAP_UP


def held(agent: Agent) -> list[tuple[Channel, bool]]:
    return [(work.channel, not work.frees_exclusion) for work in agent.at_hand]


def is_drained(domain: Domain, agent: Agent, now: datetime) -> bool:
    """Tell whether chats alone keep the agent from a call that waits for longer than its target."""
    takes_calls = any(use.channel is Channel.VOICE for use in agent.definition.channels or WITHOUT_A_TABLE)
    has_chats = any(work.channel is Channel.CHAT for work in agent.at_hand)
    without_chats = [(channel, excludes) for channel, excludes in held(agent) if channel is not Channel.CHAT]
    if not takes_calls or not has_chats or is_unreachable(agent, Channel.VOICE):
        return False
    if fits(agent.definition, Channel.VOICE, held(agent)) or not fits(agent.definition, Channel.VOICE, without_chats):
        return False
    return any(
        now - contact.aged_since_time > queue.target_wait_duration and could_serve(domain, contact, agent)
        for contact in domain.contacts.values()
        if contact.stage is Stage.WAITING and drains(contact, queue := domain.queue(contact.queue_id).definition)
        if not contact.reserved or contact.reserved < signed_in_for(domain, contact)
    )


def signed_in_for(domain: Domain, contact: Contact) -> int:
    return sum(is_signed_in(agent) and could_serve(domain, contact, agent) for agent in domain.agents.values())


def drains(contact: Contact, queue: QueueDefinition) -> bool:
    """Tell whether somebody is on the line who keeps chats back: no call-back, and nobody held for one agent."""
    is_call = contact.channel is Channel.VOICE and contact.callback is None
    return queue.drains_chats and is_call and not contact.held_for


def _check_conservation(domain: Domain) -> None:
    for queue in domain.queues.values():
        here = [c for c in domain.contacts.values() if c.queue_id == queue.queue_id]
        stages = Counter(c.stage for c in here if c.callback is None)
        assert queue.waiting == stages[Stage.WAITING]
        assert queue.ringing == stages[Stage.OFFERED] + stages[Stage.CONNECTING]
        assert queue.connected == sum(c.stage is Stage.CONNECTED for c in here)
        assert queue.callbacks_open == sum(c.is_open for c in here if c.callback)
        callbacks_ended = queue.callbacks_reached_total + queue.callbacks_unreached_total
        assert queue.callbacks_opened_total == callbacks_ended + queue.callbacks_open
        outcomes = queue.answered_total + queue.abandoned_total + queue.short_abandoned_total + queue.closed_total
        outcomes += queue.limit_reached_total + queue.flowed_out_total + queue.converted_total
        assert queue.entered_total == outcomes + queue.waiting + queue.ringing


def _check_indexes(domain: Domain) -> None:
    lines, ringing, ages, callbacks, reached, pools, others, peers, calls, held_ones, away, loosening, devices = (
        Counter[Any]() for _ in range(13)
    )
    orders = {order_of(queue.definition.strategy) for queue in domain.queues.values()} - {Order.IDLE}
    sets: dict[str, set[Any]] = {queue.queue_id: set() for queue in domain.queues.values()}
    for contact in domain.contacts.values():
        if contact.is_open and contact.stage is not Stage.SCHEDULED:
            sets[contact.queue_id].add(contact.requirements)
        if asks := loosening_of(contact):
            loosening[(asks, (contact.order, contact.contact_id))] += 1
        if contact.held_for:
            held_ones[(contact.held_for, (contact.order, contact.contact_id))] += 1
        definition = domain.queue(contact.queue_id).definition
        if contact.may_ring_at_more:
            ringing[(line_of(contact, definition), line_place(contact, definition))] += 1
        if contact.stage is Stage.WAITING:
            if not contact.held_for:
                lines[(line_of(contact, definition), line_place(contact, definition))] += 1
            if contact.home_queue_id:
                away[(contact.home_queue_id, (contact.order, contact.contact_id))] += 1
            shelf = reached if contact.is_reached else callbacks if contact.callback else ages
            shelf[(contact.queue_id, (contact.order, contact.contact_id))] += 1
            if drains(contact, definition):
                calls[(line_of(contact, definition), (contact.aged_since_time, contact.contact_id))] += 1
    for agent in domain.agents.values():
        if spot := spot_of(agent):
            pools[spot] += 1
            for order in orders:
                pool, place = spot_of(agent, order)
                others[((order, pool), place)] += 1
        if (peer := connected_peer(agent)) is not None:
            peers[(peer, (agent.agent_id,))] += 1
        for gateway in agent.registered_at:
            devices[(gateway, (agent.agent_id,))] += 1
    staff = Counter(agent.profile for agent in domain.agents.values() if is_signed_in(agent))
    assert dict(domain.staff.items()) == staff
    at_work = [agent for agent in domain.agents.values() if is_routable(agent) or agent.at_hand]
    used = Counter[Any]()
    for agent in at_work:
        used[agent.profile] += occupancy(agent).share_permille
    counts = Counter(agent.profile for agent in at_work)
    assert dict(domain.loads.items()) == {profile: (used[profile], count) for profile, count in counts.items()}
    for queue in domain.queues.values():
        if helping := domain.helping_queue(queue.queue_id):
            overflow = queue.definition.overflow
            assert overflow and overflow.shares and overflow.next_queue_id == helping
    followed = Counter(place.order for line in domain.followed_lines for place in domain.followed_lines.entries(line))
    assert sum(followed.values()) == sum(domain.followed_count(queue.queue_id) for queue in domain.queues.values())
    assert Counter(one.contact.order for one in domain.followed.values()) == followed
    assert {queue.queue_id: queue.requirement_sets for queue in domain.queues.values()} == {
        queue_id: len(found) for queue_id, found in sets.items()
    }
    indexes = (
        (domain.lines, lines),
        (domain.ringing_lines, ringing),
        (domain.ages, ages),
        (domain.callbacks, callbacks),
        (domain.reached, reached),
        (domain.pools, pools),
        (domain.peers, peers),
        (domain.held, held_ones),
        (domain.calls, calls),
        (domain.away, away),
        (domain.loosening, loosening),
        (domain.devices, devices),
    )
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
