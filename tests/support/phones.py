"""A caller's telephone, beside a browser: a gateway in a thread of its own, of which everything blocks."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator, Mapping
from threading import Thread
from typing import Any

from gateways import PATIENCE_S, Gateway, gateway_of, hears
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

    def until_heard(self, wanted: Mapping[str, set[str]]) -> None:
        """Wait until everybody on the call hears exactly whom they should. Raises: TimeoutError."""
        self._run(self._gateway.until(self.contact_id, lambda view: hears(view) == wanted))


@contextlib.contextmanager
def phone_of(layout: Layout, tenant: str) -> Iterator[Phone]:
    """A telephone of a customer of the tenant; its gateway dies without a word at the end of the block."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="phone", daemon=True)
    thread.start()

    def run(doing: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(doing, loop).result(2 * PATIENCE_S)

    gateway = gateway_of(layout, tenant)
    try:
        yield Phone(run(gateway.__aenter__()), run)
    finally:
        run(gateway.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
