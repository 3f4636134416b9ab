"""An agent at work, as docs/demo-day.md says: accepts at once, ends a call after its service, takes owed pauses.

A pause is owed from its start on and begins when the agent is first free. After a call a short one is wrap-up, where
the queue has any; everything else is a break. Must not: choose calls; that is routing.
"""

from functools import partial

from trunkline_core.routing import WrapUpMode
from trunkline_simulation.day.staff import Agent, Pause, pause_due

from trunkline_acd.domain.commands import (
    AcceptOffer,
    Command,
    EndContact,
    FinishWrapUp,
    OpenAgentSession,
    ReportConnected,
    SetIntent,
)
from trunkline_acd.domain.events import ContactConnected, ContactOffered, ContactReleased
from trunkline_acd.domain.words import Intent
from trunkline_acd.simulation.floor import Floor


class Desk:
    """One agent from the first to the last second of duty; a call goes on beyond it."""

    def __init__(self, agent_id: str, agent: Agent, floor: Floor) -> None:
        self._agent_id = agent_id
        self._agent = agent
        self._floor = floor
        self._taken = 0
        self._contact_id = ""
        self._wrap_up_s = 0.0
        self._on_break = False

    def expect(self) -> None:
        """Put the agent's day on the agenda."""
        self._floor.at(self._agent.duty_from_s, self._come)
        self._floor.at(self._agent.duty_to_s, self._go)
        for pause in self._agent.pauses:
            self._floor.at(pause.start_s, self._look)

    def answer(self, offer: ContactOffered) -> None:
        """Accept; the legs are joined at once, unless the customer must be dialled first."""
        self.keep(offer.contact_id)
        step_no = self._floor.next_step(offer.contact_id)
        self._submit(AcceptOffer(self._agent_id, offer.contact_id, offer.offer_no))
        if not offer.callback or offer.callback_reached:
            self._submit(ReportConnected(offer.contact_id, step_no, offer.segment_no, offer.offer_no))

    def keep(self, contact_id: str) -> None:
        """Take no pause: there is a contact, or a customer who is being dialled."""
        self._contact_id = contact_id

    def serve(self, connected: ContactConnected, service_s: float) -> None:
        """Talk for so long."""
        self._floor.after(service_s, partial(self._hang_up, connected.contact_id, connected.queue_id))

    def wrap_up(self, released: ContactReleased) -> None:
        """The call is over: with a wrap-up, which lasts as long as the short pause that is owed, or with none."""
        if not released.wrap_up:
            self._contact_id = ""
        elif self._wrap_up_s:
            self._floor.after(self._wrap_up_s, partial(self._finish, released.contact_id))
        else:
            self._finish(released.contact_id)

    def be_done(self, contact_id: str) -> None:
        """A wrap-up is over, by us or by its timer, or a customer was not reached; a pause waits for the next call."""
        if contact_id == self._contact_id:
            self._contact_id = ""

    @property
    def _is_on_duty(self) -> bool:
        return self._agent.duty_from_s <= self._floor.now_s < self._agent.duty_to_s

    def _come(self) -> None:
        self._submit(OpenAgentSession(self._agent_id, "pe_simulation", f"se_{self._agent_id}"))
        self._be_available()

    def _go(self) -> None:
        self._submit(SetIntent(self._agent_id, Intent.OFFLINE, ""))

    def _look(self) -> None:
        """A pause became owed: who is idle takes it now."""
        if self._is_on_duty and not self._contact_id and not self._on_break and (pause := self._next_pause()):
            self._take_break(pause)

    def _hang_up(self, contact_id: str, queue_id: str) -> None:
        """What follows is settled before the contact ends, so that nothing rings in between."""
        pause = self._next_pause()
        has_wrap_up = self._floor.domain.queue(queue_id).definition.wrap_up_mode is not WrapUpMode.NONE
        is_wrap_up = pause is not None and pause.is_wrap_up and has_wrap_up
        self._wrap_up_s = pause.length_s if pause and is_wrap_up else 0.0
        if pause and not is_wrap_up:
            self._take_break(pause)
        self._floor.submit(EndContact(contact_id, self._floor.next_step(contact_id), "customer_left"))

    def _finish(self, contact_id: str) -> None:
        if contact_id != self._contact_id:
            return  # the timer was faster
        if not self._on_break and (pause := self._next_pause()):
            self._take_break(pause)
        self._submit(FinishWrapUp(self._agent_id, contact_id, ""))

    def _take_break(self, pause: Pause) -> None:
        self._on_break = True
        self._submit(SetIntent(self._agent_id, Intent.BREAK, "pause"))
        self._floor.after(pause.length_s, self._be_available)

    def _be_available(self) -> None:
        self._on_break = False
        if not self._is_on_duty:
            return
        if not self._contact_id and (pause := self._next_pause()):
            self._take_break(pause)
        else:
            self._submit(SetIntent(self._agent_id, Intent.AVAILABLE, ""))

    def _next_pause(self) -> Pause | None:
        pause = pause_due(self._agent, self._taken, self._floor.now_s) if self._is_on_duty else None
        self._taken += pause is not None
        return pause

    def _submit(self, command: Command) -> None:
        self._floor.submit(command, f"agent:{self._agent_id}")
