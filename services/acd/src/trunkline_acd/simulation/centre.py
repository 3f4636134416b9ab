"""A call centre in virtual time: queues, agents at their desks and callers around acd's decider.

Owns: who does what when something happens. Must not: contain a rule of routing, or a figure.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from trunkline_core.errors import Rejection, TrunklineError
from trunkline_core.routing import AgentDefinition, QueueDefinition
from trunkline_simulation.day.staff import Agent

from trunkline_acd.domain import events
from trunkline_acd.domain.commands import Command, EndContact, EnqueueContact, PutAgent, PutQueue
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import Event
from trunkline_acd.domain.words import SegmentOutcome
from trunkline_acd.simulation.callbacks import Callbacks
from trunkline_acd.simulation.calls import Call, Record
from trunkline_acd.simulation.desks import Desk
from trunkline_acd.simulation.floor import Floor

ENTERED_STEP = 1

Watcher = Callable[[Event, datetime], None]


@dataclass(frozen=True, slots=True)
class Rostered:
    """An agent: what routing knows, and what the person does."""

    definition: AgentDefinition
    agent: Agent


class Centre:
    """One run."""

    def __init__(
        self,
        start: datetime,
        queues: Iterable[QueueDefinition],
        agents: Sequence[Rostered],
        watch: Watcher = lambda event, now: None,
    ) -> None:
        """Begin. `watch` is told of each event and its time."""
        self.record = Record()
        self._watch = watch
        self._floor = Floor(start, self._react)
        self._callbacks = Callbacks(self._floor, self.record)
        self._calls: dict[str, Call] = {}
        self._desks: dict[str, Desk] = {}
        for queue in queues:
            self._floor.submit(PutQueue(queue))
        for one in agents:
            self._floor.submit(PutAgent(one.definition))
            desk = Desk(one.definition.agent_id, one.agent, self._floor)
            self._desks[one.definition.agent_id] = desk
            desk.expect()

    def play(self, calls: Iterable[Call], until_s: float) -> Record:
        """Let the calls come, in the order of their entry, and everything happen up to `until_s`.

        Raises: TrunklineError for a definition that is refused, or another command that routing should have taken.
        """
        self._expect_next(iter(calls))
        self._floor.run(until_s)
        return self.record

    def _expect_next(self, calls: Iterator[Call]) -> None:
        """One call is on the agenda at a time, however many there are."""
        if call := next(calls, None):
            self._floor.at(call.enters_s, partial(self._enter, call, calls))

    def _enter(self, call: Call, later: Iterator[Call]) -> None:
        self._calls[call.contact_id] = call
        self._floor.submit(
            EnqueueContact(
                contact_id=call.contact_id,
                step_no=ENTERED_STEP,
                queue_id=call.queue_id,
                channel=Channel.VOICE,
                value_permille=call.value_permille,
                urgency_permille=call.urgency_permille,
                requirements=(),
            )
        )
        if call.patience_s is not None:
            self._floor.after(call.patience_s, partial(self._leave, call.contact_id))
        self._callbacks.expect(call)
        self._expect_next(later)

    def _leave(self, contact_id: str) -> None:
        contact = self._floor.domain.contacts.get(contact_id)
        if contact is not None and contact.is_open and contact.callback is None:
            self._floor.submit(EndContact(contact_id, self._floor.next_step(contact_id), "customer_left"))

    def _react(self, command: Command, answer: list[Event] | TrunklineError) -> None:
        if isinstance(answer, TrunklineError):
            self._take_refusal(command, answer)
            return
        for event in answer:
            self._see(event)

    def _take_refusal(self, command: Command, refusal: TrunklineError) -> None:
        if self._callbacks.goes_on_waiting(command, refusal):
            return
        if not isinstance(command, EnqueueContact) or not isinstance(refusal, Rejection):
            raise refusal
        self.record.refused.append(command.contact_id)
        del self._calls[command.contact_id]

    def _is_first_asked(self, offer: events.ContactOffered) -> bool:
        """Everybody accepts at once: where it rings at several, whoever was asked first has it."""
        return self._floor.domain.contact(offer.contact_id).live_offers[:1] == ((offer.offer_no, offer.agent_id),)

    def _see(self, event: Event) -> None:
        now = self._floor.now
        self._watch(event, now)
        self._callbacks.see(event, now)
        match event:
            case events.RowsChanged():
                for row in event.agents:
                    self.record.note_row(row, now)
            case events.ContactOffered() if self._is_first_asked(event):
                self._desks[event.agent_id].answer(event)
            case events.ContactConnected():
                if self._floor.domain.contact(event.contact_id).callback is None:
                    self.record.note_stay(
                        event.contact_id, event.queue_id, SegmentOutcome.ANSWERED, event.wait_duration, now
                    )
                service_s = self._calls.pop(event.contact_id).service_s
                self._desks[event.agent_id].serve(event, service_s)
            case events.SegmentEnded():
                if not event.next_queue_id:  # else the caller goes on waiting, in another queue
                    del self._calls[event.contact_id]
                self.record.note_stay(event.contact_id, event.queue_id, event.outcome, event.wait_duration, now)
            case events.ContactReleased():
                self._desks[event.agent_id].wrap_up(event)
            case events.CallbackDialled():
                self._desks[event.agent_id].keep(event.contact_id)
            case events.WrapUpFinished():
                self._desks[event.agent_id].be_done(event.contact_id)
            case events.CallbackAttempted() | events.CallbackPostponed() if event.agent_id:
                self._desks[event.agent_id].be_done(event.contact_id)
            case events.CallbackEnded():
                if not event.next_queue_id:  # else the customer, who is on the line, goes on waiting
                    del self._calls[event.contact_id]
            case _:
                pass  # the state knows it, and nobody here acts on it
