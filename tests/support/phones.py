"""A caller's telephone, beside a browser: a gateway in a thread of its own, of which everything blocks."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator, Mapping
from threading import Thread
from typing import Any

from gateways import PATIENCE_S, Gateway, gateway_of, hears
from trunkline.contact.v1 import contact_service_pb2 as api
from trunkline.contact.v1.contact_types_pb2 import CallbackState, CloseReason, ContactState, ContactView
from trunkline_launcher.layout import Layout

Run = Callable[[Coroutine[Any, Any, Any]], Any]


class Phone:
    """One call."""

    def __init__(self, gateway: Gateway, run: Run) -> None:
        self._gateway = gateway
        self._run = run
        self.contact_id = ""

    def call(self, entry_point: str, address: str = "tel:+8613800138000") -> None:
        """Call in, and ask for a person."""
        self.contact_id = self._run(self._gateway.start(entry_point, address)).contact_id
        self._run(self._gateway.ask_for_a_person(self.contact_id))

    def press(self, key: str) -> Any:
        """Press a key; return the answer."""
        pressed = api.CustomerInput(contact_id=self.contact_id, text=key)
        return self._run(self._gateway.ask(customer_input=pressed))

    def until(self, holds: Callable[[ContactView], object]) -> ContactView:
        """Wait until the contact is as wanted; return it. Raises: TimeoutError."""
        view: ContactView = self._run(self._gateway.until(self.contact_id, holds))
        return view

    def until_played(self, what: str) -> None:
        """Wait until that is played while the caller waits. Raises: TimeoutError."""
        self.until(lambda _: what in self._gateway.heard(self.contact_id))

    def until_told(self, what: str) -> None:
        """Wait until the system has that said to the caller. Raises: TimeoutError."""
        self.until(lambda _: what in self._gateway.told(self.contact_id))

    @property
    def played(self) -> list[str]:
        """What was played while the caller waited; `cut` for what was not played to its end."""
        return self._gateway.heard(self.contact_id)

    @property
    def legs_brought_up(self) -> int:
        """How many legs of agents and supervisors the gateway brought up in all."""
        return len(self._gateway.brought_up)

    def ask_for_a_call_back(self) -> None:
        """Wait for no longer: ask to be called back, and hang up once that is promised."""
        is_waiting = ContactState.CONTACT_STATE_QUEUED
        self._run(self._gateway.until(self.contact_id, lambda view: view.state == is_waiting))
        self._run(self._gateway.ask(request_callback=api.CallbackWish(contact_id=self.contact_id)))
        is_open = CallbackState.CALLBACK_STATE_OPEN
        self._run(self._gateway.until(self.contact_id, lambda view: view.callback == is_open))
        self._run(self._gateway.ask(customer_left=api.CustomerLeft(contact_id=self.contact_id)))
        self._gateway.calls.discard(self.contact_id)

    def until_dialled(self, after_offer: int = 0) -> api.Dial:
        """Wait until the gateway is told to dial the customer. Raises: TimeoutError.

        With patience for a busy machine: where crm does not answer in time, it is asked again after a minute.
        """
        dialled = self._gateway.until_dialled(self.contact_id, after_offer, 2 * PATIENCE_S)
        return self._run(dialled)  # type: ignore[no-any-return]

    def answer_the_call_back(self, dial: api.Dial, outcome: str = "reached") -> None:
        """Pick up, or not."""
        self._gateway.calls.add(self.contact_id)
        answer = self._run(self._gateway.say_how_it_went(dial, outcome))
        assert isinstance(answer, api.RequestDone), answer

    def until_closed(self, reason: CloseReason.ValueType) -> None:
        """Wait until the contact is over for that reason. Raises: TimeoutError."""
        self._run(self._gateway.until(self.contact_id, lambda view: view.close_reason == reason))

    def was_dialled(self) -> bool:
        """Tell whether the gateway was ever told to dial the customer."""
        return self.contact_id in self._gateway.dials

    def until_heard(self, wanted: Mapping[str, set[str]]) -> None:
        """Wait until everybody on the call hears exactly whom they should. Raises: TimeoutError."""
        self._run(self._gateway.until(self.contact_id, lambda view: hears(view) == wanted))


@contextlib.contextmanager
def phone_of(layout: Layout, tenant: str) -> Iterator[Phone]:
    """A telephone of a customer of the tenant; its gateway dies without a word at the end of the block."""
    with loop_in_a_thread() as run:
        gateway = gateway_of(layout, tenant)
        try:
            yield Phone(run(gateway.__aenter__()), run)
        finally:
            run(gateway.__aexit__(None, None, None))


@contextlib.contextmanager
def loop_in_a_thread() -> Iterator[Run]:
    """An event loop of its own, beside a browser's; what it yields runs a coroutine there and waits for it."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="phone", daemon=True)
    thread.start()

    def run(doing: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(doing, loop).result(2 * PATIENCE_S)

    try:
        yield run
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
