"""Processes of one simulated machine room: each runs in the same loop until it is frozen or dies.

Owns: which callbacks run. A callback belongs to the host in whose context it was scheduled; a host that is frozen runs
none until it thaws, one that is dead runs none ever again. So a process can stop between any two steps of its tasks.
Must not: know what the hosts do.
"""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from trunkline_testkit.virtual_time import VirtualTimeLoop

R = TypeVar("R")

_CURRENT: Final[contextvars.ContextVar["Host | None"]] = contextvars.ContextVar("simulated_host", default=None)


class Host:
    """One process. Made anew when it starts again.

    Attributes:
        name: for people.
        fuse: after so many more steps the process dies; None for never.
        on_death: called once when it dies.
    """

    def __init__(self, name: str, on_death: Callable[[], None] | None = None) -> None:
        self.name = name
        self.is_alive = True
        self.is_frozen = False
        self.fuse: int | None = None
        self.on_death = on_death
        self._held: list[_Step] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self._context = contextvars.Context()
        self._context.run(_CURRENT.set, self)

    @property
    def is_running(self) -> bool:
        """Whether its tasks go on."""
        return self.is_alive and not self.is_frozen

    def spawn(self, work: Coroutine[Any, Any, R], name: str) -> asyncio.Task[R]:
        """Start a task of this process."""
        return asyncio.get_running_loop().create_task(work, name=name, context=self._context.copy())

    def freeze(self) -> None:
        """Run nothing from now on (SIGSTOP)."""
        self.is_frozen = True

    def thaw(self) -> None:
        """Go on where it stopped (SIGCONT)."""
        self.is_frozen = False
        if self.is_alive:
            self._release()

    def kill(self) -> None:
        """Run nothing ever again (SIGKILL)."""
        if self.is_alive:
            self.is_alive = False
            if self.on_death is not None:
                self.on_death()

    def bury(self) -> None:
        """Let its tasks end, once nobody looks any more: they must not be collected as garbage while they wait."""
        self.is_alive, self.is_frozen, self.fuse = True, False, None
        for task in self._tasks:
            task.cancel()
        self._release()

    def keep(self, task: asyncio.Task[Any]) -> None:
        """Hold a task: one that nobody refers to would run its `finally` although the process is dead."""
        self._tasks.append(task)
        if len(self._tasks) > 500:
            self._tasks = [one for one in self._tasks if not one.done()]

    def step(self, step: "_Step") -> None:
        """Run one callback, unless the process stands still."""
        if not self.is_running:
            self._held.append(step)
            return
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse <= 0:
                self._held.append(step)
                self.kill()
                return
        step.run()

    def _release(self) -> None:
        held, self._held = self._held, []
        for step in held:
            step.again()


class _Step:
    """One callback of a host; it may be cancelled while it is held."""

    __slots__ = ("_args", "_callback", "_host", "handle")

    handle: asyncio.Handle

    def __init__(self, host: Host, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        self._host = host
        self._callback = callback
        self._args = args

    def __call__(self) -> None:
        self._host.step(self)

    def run(self) -> None:
        if not self.handle.cancelled():
            self._callback(*self._args)

    def again(self) -> None:
        if not self.handle.cancelled():
            loop = asyncio.get_running_loop()
            context = self.handle._context  # type: ignore[attr-defined]
            asyncio.SelectorEventLoop.call_soon(loop, self, context=context)  # type: ignore[arg-type]


class SimulatedLoop(VirtualTimeLoop):
    """A virtual loop that knows to whom each callback belongs."""

    def __init__(self) -> None:
        super().__init__()
        self.set_task_factory(_new_task)

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:  # type: ignore[override]
        step, context = _step_of(callback, args, context)
        if step is None:
            return super().call_soon(callback, *args, context=context)
        step.handle = super().call_soon(step, context=context)
        return step.handle

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        step, context = _step_of(callback, args, context)
        if step is None:
            return super().call_at(when, callback, *args, context=context)
        handle = super().call_at(when, step, context=context)
        step.handle = handle
        return handle


def _step_of(callback: Any, args: tuple[Any, ...], context: Any) -> tuple[_Step | None, Any]:
    context = contextvars.copy_context() if context is None else context
    host = context.get(_CURRENT)
    return (None if host is None else _Step(host, callback, args)), context


def _new_task(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> "asyncio.Task[Any]":
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **options)
    context = options.get("context")
    host = _CURRENT.get() if context is None else context.get(_CURRENT)
    if host is not None:
        host.keep(task)
    return task


def outside(loop: asyncio.AbstractEventLoop, delay_s: float, callback: Callable[..., object], *args: Any) -> None:
    """Call after a while, whatever became of the process that asked for it: what a network or a broker does."""
    loop.call_later(delay_s, callback, *args, context=contextvars.Context())


def run_simulated(main: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine to its end on a loop of its own; hosts must have been buried."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(main)
