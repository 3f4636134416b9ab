"""A caller's telephone, beside a browser: a gateway in a thread of its own, of which everything blocks."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator, Mapping
from threading import Thread
from typing import Any

from gateways import PATIENCE_S, Gateway, gateway_of, hears
from trunkline.contact.v1.contact_service_pb2 import CustomerInput
from trunkline.contact.v1.contact_types_pb2 import ContactView
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
        pressed = CustomerInput(contact_id=self.contact_id, text=key)
        return self._run(self._gateway.ask(customer_input=pressed))

    def until(self, holds: Callable[[ContactView], object]) -> ContactView:
        """Wait until the contact is as wanted; return it. Raises: TimeoutError."""
        view: ContactView = self._run(self._gateway.until(self.contact_id, holds))
        return view

    def until_played(self, what: str) -> None:
        """Wait until that is played while the caller waits. Raises: TimeoutError."""
        self.until(lambda _: what in self._gateway.heard(self.contact_id))

    @property
    def played(self) -> list[str]:
        """What was played while the caller waited; `cut` for what was not played to its end."""
        return self._gateway.heard(self.contact_id)

    @property
    def legs_brought_up(self) -> int:
        """How many legs of agents and supervisors the gateway brought up in all."""
        return len(self._gateway.brought_up)

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
