"""The server side of watch streams: current state on (re)connect, then changes; the newest state wins.

Owns: what each subscriber still has to be told, in bounded memory. Must not: read state or know messages.

A service pushes from its ledger watcher (`Watches.push`, synchronous, effective state) and, for ids that a subscriber
began to watch, from a durable read (`Subscription.put`). Begin to watch first, read then: a change in between is pushed
too, and `put` never replaces a pending value by an older version of it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from trunkline_core.errors import Overloaded

from trunkline_platform.metrics import WATCHERS_OVERRUN

V = TypeVar("V")

MAX_PENDING: Final = 1_000
RETRY_S: Final = 0.5

Merge = Callable[[V, V], V]


@dataclass(frozen=True, slots=True)
class _Pending(Generic[V]):
    version: int
    value: V


class Outbox(Generic[V]):
    """What one subscriber still has to be told: one value per id, in the order in which ids changed first."""

    def __init__(self, stream: str, max_pending: int = MAX_PENDING, merge: Merge[V] | None = None) -> None:
        """Make an empty outbox.

        Args:
            stream: names it in metrics, e.g. `acd.agents`.
            max_pending: ids beyond which the subscriber is closed: it connects again and gets the current state.
            merge: `(pending, newer) → value`, where the newer value does not tell all that the pending one does.
        """
        self._stream = stream
        self._max_pending = max_pending
        self._merge = merge
        self._pending: dict[str, _Pending[V]] = {}
        self._wake = asyncio.Event()
        self._closed = False
        self._error: BaseException | None = None

    def __len__(self) -> int:
        return len(self._pending)

    def put(self, name: str, value: V, version: int = 0) -> None:
        """Tell the subscriber the value of the id `name`; nothing happens once closed."""
        pending = self._pending.get(name)
        if self._closed or (pending is not None and pending.version > version):
            return
        if pending is None and len(self._pending) >= self._max_pending:
            self._overrun()
            return
        merged = self._merge(pending.value, value) if pending and self._merge else value
        self._pending[name] = _Pending(version, merged)
        self._wake.set()

    def drop(self, name: str) -> None:
        """Forget what is pending of the id."""
        self._pending.pop(name, None)

    def close(self, error: BaseException | None = None) -> None:
        """End the stream: at once with `error`, without one after what is pending."""
        if not self._closed:
            self._closed, self._error = True, error
            self._wake.set()

    async def __aiter__(self) -> AsyncIterator[V]:
        """Yield values until closed. Raises: the error it was closed with."""
        while True:
            if self._error is not None:
                raise self._error
            if self._pending:
                yield self._pending.pop(next(iter(self._pending))).value
            elif self._closed:
                return
            else:
                self._wake.clear()
                await self._wake.wait()

    def _overrun(self) -> None:
        WATCHERS_OVERRUN.labels(self._stream).inc()
        self._pending.clear()
        self.close(Overloaded("the subscriber's queue", RETRY_S))


class Subscription(Outbox[V]):
    """An outbox with the set of ids that its subscriber watches."""

    def __init__(self, watches: "Watches[V]", stream: str, max_pending: int, merge: Merge[V] | None) -> None:
        super().__init__(stream, max_pending, merge)
        self._watches = watches
        self.ids: frozenset[str] = frozenset()

    def watch(self, ids: Iterable[str]) -> frozenset[str]:
        """Replace the watched set; return the ids that are new in it, whose current state is to be put."""
        wanted = frozenset(ids)
        added, gone = wanted - self.ids, self.ids - wanted
        self.ids = wanted
        self._watches.reindex(self, added, gone)
        for name in gone:
            self.drop(name)
        return added


class Watches(Generic[V]):
    """All subscriptions of one kind of stream, by watched id."""

    def __init__(self, stream: str, max_pending: int = MAX_PENDING, merge: Merge[V] | None = None) -> None:
        """See Outbox."""
        self._options: tuple[str, int, Merge[V] | None] = (stream, max_pending, merge)
        self._by_id: dict[str, set[Subscription[V]]] = {}

    @contextlib.contextmanager
    def subscribe(self) -> Iterator[Subscription[V]]:
        """Return a subscription that lasts as long as the block."""
        subscription = Subscription(self, *self._options)
        try:
            yield subscription
        finally:
            subscription.watch(())
            subscription.close()

    def is_watched(self, name: str) -> bool:
        """Tell whether anybody watches the id, so that its view is worth making."""
        return name in self._by_id

    def watched(self) -> list[str]:
        """Return all watched ids, for a replica that became an owner."""
        return list(self._by_id)

    def push(self, name: str, value: V, version: int = 0) -> None:
        """Tell everybody who watches the id."""
        for subscription in self._by_id.get(name, ()):
            subscription.put(name, value, version)

    def reindex(self, subscription: Subscription[V], added: Iterable[str], gone: Iterable[str]) -> None:
        """Called by the subscription."""
        for name in added:
            self._by_id.setdefault(name, set()).add(subscription)
        for name in gone:
            self._by_id[name].discard(subscription)
            if not self._by_id[name]:
                del self._by_id[name]


async def converse(
    requests: AsyncIterator[Any], handle: Callable[[Any], Awaitable[None]], outbox: Outbox[V]
) -> AsyncIterator[V]:
    """Serve a bidirectional stream: `handle` each request in order, yield what the outbox tells.

    Ends when the requests end. Raises: what `handle` raised, or the outbox was closed with.
    """
    reading = asyncio.create_task(_read(requests, handle, outbox), name="watch-requests")
    try:
        async for value in outbox:
            yield value
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _read(requests: AsyncIterator[Any], handle: Callable[[Any], Awaitable[None]], outbox: Outbox[V]) -> None:
    try:
        async for request in requests:
            await handle(request)
    except Exception as error:  # the stream's supervisor: it ends with the error, which its edge maps
        outbox.close(error)
    else:
        outbox.close()
