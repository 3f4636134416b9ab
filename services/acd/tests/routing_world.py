"""A routing domain to play with: commands in, events out, every invariant checked after every command."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
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
from trunkline_acd.domain.decider import AcdDecider
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import ContactOffered, Event, RowsChanged
from trunkline_acd.domain.state import AcdState, Domain
from trunkline_acd.domain.words import CallbackOutcome, Intent, Preference, WorkState
from trunkline_core.decider import Context, execute
from trunkline_core.errors import TrunklineError
from trunkline_core.routing import (
    AgentDefinition,
    ChannelUse,
    QueueDefinition,
    SkillLevel,
    SkillRequirement,
    WrapUpMode,
)
from trunkline_core.texts import LocalizedText

from .books import Books
from .invariants import check

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
