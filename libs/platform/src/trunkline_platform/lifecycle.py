"""The life of a process: one task group, named tasks, an ordered end.

Owns: signals, readiness, exit codes. Must not: know what the tasks do.

First SIGTERM or SIGINT: readiness off, then, in reverse order of registration, `on_stop` callbacks are called and tasks
of `add` are cancelled and waited for; so register in the order of start, and what a task uses is closed after it.
The same when a task fails, but the other tasks end first. A second signal ends the process at once. When all is closed
it leaves within 5 s, whatever a library left behind.
"""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, Final, NoReturn

from trunkline_core.errors import Misconfigured

from trunkline_platform import logs
from trunkline_platform.logs import get_logger

log = get_logger(__name__)

EXIT_MISCONFIGURED: Final = 78  # EX_CONFIG of sysexits.h
EXIT_FAILED: Final = 1
STOP_STEP_S: Final = 10.0
LEAVE_S: Final = 5.0

Check = Callable[[], bool]
Bootstrap = Callable[["Process"], Awaitable[Any]]


class Process:
    """What a bootstrap registers its parts with. Several services may share one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._group: asyncio.TaskGroup | None = None
        self._closers: list[tuple[str, Callable[[], Awaitable[Any]]]] = []
        self._checks: dict[str, Check] = {}
        self._stop = asyncio.Event()
        self._started = asyncio.Event()

    def add(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        """Run `work` from now until the process stops; if it raises, the process ends with an error.

        At the end it is cancelled and waited for, for at most 10 s; an `on_stop` of the same name goes first, whichever
        was registered first, and may make it return in order.
        """
        if self._group is None:
            work.close()
            raise RuntimeError("tasks are added by a bootstrap")
        task = _member(self._group, name, work)
        names = [known for known, _ in self._closers]
        self._closers.insert(names.index(name) if name in names else len(names), (name, lambda: _ended(task)))

    def on_stop(self, name: str, close: Callable[[], Awaitable[Any]]) -> None:
        """Call `close` at the end, last registered first, for at most 10 s."""
        self._closers.append((name, close))

    def ready(self, name: str, check: Check) -> None:
        """Count as ready only while `check` is true."""
        self._checks[name] = check

    def unready(self) -> list[str]:
        """Return why the process is not ready: `starting`, `stopping` or the names of checks that fail."""
        if self._stop.is_set() or not self._started.is_set():
            return ["stopping" if self._stop.is_set() else "starting"]
        return [name for name, check in self._checks.items() if not check()]

    @property
    def is_stopping(self) -> bool:
        """True from the first signal on."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Begin the end, as the first signal does."""
        self._stop.set()

    async def run(self, bootstrap: Bootstrap) -> None:
        """Run `bootstrap(self)` and its tasks until `stop`. Raises: Misconfigured; a group of what tasks raised."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                start = _member(group, "start", self._start(bootstrap))
                await self._stop.wait()
                await _ended(start)
                await self._close_all()
        except BaseExceptionGroup as failed:
            await self._close_all()
            if misconfigured := failed.subgroup(Misconfigured):
                raise _first(misconfigured) from failed
            raise

    async def _start(self, bootstrap: Bootstrap) -> None:
        await bootstrap(self)
        self._started.set()
        log.info("started")

    async def started(self) -> None:
        """Wait until the bootstrap is done."""
        await self._started.wait()

    async def _close_all(self) -> None:
        self._stop.set()
        while self._closers:
            name, close = self._closers.pop()
            try:
                async with asyncio.timeout(STOP_STEP_S):
                    await close()
            except Exception as error:  # the supervisor's end: one part that fails must not keep the others open
                log.warning("stop failed", extra={"part": name, "reason": type(error).__name__})


def _member(group: asyncio.TaskGroup, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """Run `work` for a group, which waits for all its members; for one that ignores its cancellation only a while."""
    task = asyncio.create_task(work, name=name)
    outcome = _outcome(task)
    try:
        member = group.create_task(outcome, name=f"{name}-outcome")
    except RuntimeError:  # the group is ending
        outcome.close()
        task.cancel()
        raise
    member.add_done_callback(lambda _: task.cancel())  # for a member that was cancelled before it began
    return member


async def _outcome(task: asyncio.Task[Any]) -> Any:
    """Return what the task does; after a cancellation within 10 s (aiokafka swallows one now and then)."""
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task}, timeout=STOP_STEP_S)
        if not task.done():
            log.warning("task goes on", extra={"part": task.get_name()})
            raise
    return task.result()


async def _ended(task: asyncio.Task[Any]) -> None:
    """Cancel and wait; what it raises is its group's business."""
    task.cancel()
    await asyncio.wait({task})


@contextlib.asynccontextmanager
async def running(name: str, bootstrap: Bootstrap) -> AsyncIterator[Process]:
    """Run a service inside another program, for example a test: started inside, stopped at the end."""
    process = Process(name)
    life = asyncio.create_task(process.run(bootstrap), name=name)
    start = asyncio.create_task(process.started(), name=f"{name}-start")
    try:
        await asyncio.wait((life, start), return_when=asyncio.FIRST_COMPLETED)
        if life.done():
            life.result()
        yield process
    finally:
        start.cancel()
        process.stop()
        await life


def run_service(name: str, bootstrap: Bootstrap) -> NoReturn:
    """Run a service until it is told to stop, then exit: 0, 78 when misconfigured (one sentence), 1 after a failure."""
    logs.configure(name)
    # not on uvloop: ADR 0023
    sys.exit(asyncio.run(_to_the_end(name, bootstrap)))


async def _to_the_end(name: str, bootstrap: Bootstrap) -> int:
    """Return the exit code, and see that the process ends: the loop waits for tasks that ignore their cancellation.

    Such a process would live on without doing anything (Faust without its broker), and nobody would start it again.
    """
    code = await _supervised(name, bootstrap)
    leaving = threading.Timer(LEAVE_S, os._exit, [code])
    leaving.daemon = True
    leaving.start()
    return code


async def _supervised(name: str, bootstrap: Bootstrap) -> int:
    process = Process(name)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _on_signal, process)
    try:
        await process.run(bootstrap)
    except Misconfigured as found:
        print(f"{name}: {found}", file=sys.stderr, flush=True)
        return EXIT_MISCONFIGURED
    except Exception as error:  # the process's supervisor: log and end, somebody starts us again
        log.critical("process failed", exc_info=error)
        return EXIT_FAILED
    log.info("stopped")
    return 0


def _on_signal(process: Process) -> None:
    if process.is_stopping:
        os._exit(EXIT_FAILED)
    process.stop()


def _first(group: BaseExceptionGroup[Misconfigured]) -> Misconfigured:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
