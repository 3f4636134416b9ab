"""Virtual time: an event loop whose clock jumps to the next timer as soon as nothing else can run.

Hours of timers pass in milliseconds, always in the same order. For code that waits only for tasks, queues and timers of
its own loop: sockets and threads live in real time, which passes while this clock stands still.

@virtual_time
async def test_an_offer_expires_after_its_lease(): await asyncio.sleep(20); …
"""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

START: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""Wall time when a virtual loop begins: a Monday morning."""

STUCK_AFTER_S: Final = 5.0


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """`loop.time()` begins at 0.0 and is the only clock that `asyncio.sleep` and time-outs see."""

    def __init__(self) -> None:
        self._elapsed_s = 0.0
        super().__init__(_JumpingSelector(self._jump))
        self._clock_resolution = 1e-6  # below a float's resolution a timer would be due, and never be found due

    def time(self) -> float:
        return self._elapsed_s

    def _jump(self, seconds: float) -> None:
        self._elapsed_s += seconds


class _JumpingSelector(selectors.BaseSelector):
    """Never waits: where the real one would wait for a timer, time jumps."""

    def __init__(self, jump: Callable[[float], None]) -> None:
        self._real = selectors.DefaultSelector()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready:
            return ready
        if timeout is not None:
            self._jump(max(timeout, 0.0))
            return []
        ready = self._real.select(STUCK_AFTER_S)  # no timer is left: only a thread or a socket could go on
        if not ready:
            raise RuntimeError("every task waits and no timer is set: nothing will ever happen")
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def close(self) -> None:
        self._real.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()


def run_virtually(main: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine to its end on a virtual loop of its own."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)


def virtual_time(test: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
    """Decorate an async test: it runs on a virtual loop of its own, so it must not use async fixtures."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return run_virtually(test(*args, **kwargs))

    return run


def virtual_now() -> datetime:
    """Return the wall time on the running virtual loop."""
    return START + timedelta(seconds=asyncio.get_running_loop().time())


def virtual_monotonic() -> float:
    """Return the monotonic time on the running virtual loop, in seconds; stands in for `time.monotonic`."""
    return asyncio.get_running_loop().time()
