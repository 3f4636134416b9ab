"""Callers who would rather be called back, and customers who are dialled (rule 13).

Owns: when somebody asks for it, and at which attempt somebody picks up.
Must not: decide who is dialled; that is routing.
"""

from datetime import datetime
from functools import partial

from trunkline_core.errors import Rejection
from trunkline_simulation.day.plan import CallbackWish

from trunkline_acd.domain import events
from trunkline_acd.domain.commands import (
    ClearCallback,
    ReportCallbackReached,
    ReportCallbackResult,
    ReportConnected,
    RequestCallback,
)
from trunkline_acd.domain.contacts import Stage
from trunkline_acd.domain.events import Event
from trunkline_acd.domain.words import CallbackOutcome, SegmentOutcome
from trunkline_acd.simulation.calls import Call, CallbackStay, Record
from trunkline_acd.simulation.floor import Floor

_GOES_ON_WAITING = {"CallbackNotOffered", "ContactNotWaiting", "TooManyCallbacks"}


class Callbacks:
    """All call-backs of one run: hours and do-not-call never keep one back here."""

    def __init__(self, floor: Floor, record: Record) -> None:
        self._floor = floor
        self._record = record
        self._wishes: dict[str, CallbackWish] = {}
        self._dialled_for: dict[str, set[str]] = {}
        """By agent: whose customers are being dialled."""

    def expect(self, call: Call) -> None:
        """Put on the agenda when the caller asks to be called back."""
        if call.callback is not None:
            self._wishes[call.contact_id] = call.callback
            self._floor.after(call.callback.after_s, partial(self._ask, call.contact_id))

    def goes_on_waiting(self, command: object, refusal: Exception) -> bool:
        """Tell whether a caller who asked was told no, and simply waits on."""
        asked = isinstance(command, RequestCallback)
        return asked and isinstance(refusal, Rejection) and refusal.rule in _GOES_ON_WAITING

    def see(self, event: Event, now: datetime) -> None:
        """Act as the customers and whoever dials them, and write down what came of it."""
        match event:
            case events.SegmentEnded(outcome=SegmentOutcome.CONVERTED_TO_CALLBACK):
                stay = CallbackStay(event.contact_id, event.queue_id, now - event.wait_duration, now)
                self._record.callbacks[event.contact_id] = stay
            case events.OfferAccepted() if self._floor.domain.contact(event.contact_id).is_to_dial:
                self._clear(event)
            case events.CallbackDialled():
                self._clear(event)
            case events.CallbackCleared():
                self._dial(event, now)
            case events.CallbackAttempted() | events.CallbackReached() | events.CallbackPostponed():
                self._put_down(event.agent_id, event.contact_id)
            case events.ContactConnected() if self._floor.domain.contact(event.contact_id).callback is not None:
                self._put_down(event.agent_id, event.contact_id)
                self._end(event.contact_id, CallbackOutcome.REACHED, now)
            case events.CallbackEnded():
                self._end(event.contact_id, event.outcome, now)
            case _:
                pass

    def _ask(self, contact_id: str) -> None:
        contact = self._floor.domain.contacts.get(contact_id)
        if contact is not None and contact.stage is Stage.WAITING:
            self._floor.submit(RequestCallback(contact_id, self._floor.next_step(contact_id), customer_id=""))

    def _clear(self, to_dial: events.OfferAccepted | events.CallbackDialled) -> None:
        step_no = self._floor.next_step(to_dial.contact_id)
        place = (to_dial.contact_id, step_no, to_dial.segment_no, to_dial.offer_no)
        self._floor.submit(ClearCallback(*place, customer_id=""))

    def _dial(self, cleared: events.CallbackCleared, now: datetime) -> None:
        stay = self._record.callbacks[cleared.contact_id]
        stay.attempts += 1
        stay.first_dialled_time = stay.first_dialled_time or now
        dialled = self._dialled_for.setdefault(cleared.agent_id, set())
        dialled.add(cleared.contact_id)
        self._record.most_dialled_for_an_agent = max(self._record.most_dialled_for_an_agent, len(dialled))
        wish = self._wishes[cleared.contact_id]
        self._floor.after(wish.rings_s, partial(self._say, cleared, stay.attempts == wish.picks_up_at))

    def _say(self, cleared: events.CallbackCleared, is_reached: bool) -> None:
        """Tell how it went. Agent first joins both at once; customer first says it, and the agent is offered it."""
        contact = self._floor.domain.contact(cleared.contact_id)
        place = (cleared.contact_id, contact.step_no + 1, cleared.segment_no, cleared.offer_no)
        if not is_reached:
            self._floor.submit(ReportCallbackResult(*place, CallbackOutcome.NO_ANSWER))
        elif contact.is_kept:
            self._floor.submit(ReportCallbackReached(*place))
        else:
            self._floor.submit(ReportConnected(*place))

    def _put_down(self, agent_id: str, contact_id: str) -> None:
        self._dialled_for.get(agent_id, set()).discard(contact_id)

    def _end(self, contact_id: str, outcome: CallbackOutcome, now: datetime) -> None:
        self._wishes.pop(contact_id, None)
        stay = self._record.callbacks[contact_id]
        stay.outcome, stay.ended_time = outcome, now
