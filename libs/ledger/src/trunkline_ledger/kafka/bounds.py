"""Starting and ending aiokafka's clients within bounds, noticing dead ones, and tasks that use them."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError

CANCEL_AGAIN_S: Final = 1.0
FIRST_ANSWER_S: Final = 1.0
CLOSE_S: Final = 5.0

Step = Callable[[], Coroutine[Any, Any, object]]


async def start_within(start: Step, stop: Step, timeout_s: float) -> None:
    """Start a client; when that fails, takes too long or is cancelled, nothing of it stays open.

    aiokafka forgets its first connection when its start is cancelled while the broker has not answered yet: the answer
    may come before the start is ended.

    Raises: what the start raises; TimeoutError.
    """
    starting = asyncio.ensure_future(start())
    starting.add_done_callback(_look_at)
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.shield(starting)
    except BaseException:
        await close_within(_give_up(starting, stop), CLOSE_S)
        raise


async def _give_up(starting: "asyncio.Future[object]", stop: Step) -> None:
    await asyncio.wait({starting}, timeout=FIRST_ANSWER_S)
    starting.cancel()
    await asyncio.wait({starting}, timeout=CANCEL_AGAIN_S)
    await stop()


async def close_within(closing: Coroutine[Any, Any, object], timeout_s: float) -> None:
    """Run a client's clean-up to its end, at most `timeout_s` seconds, whatever it raises.

    In a task of its own: aiokafka's sender swallows a cancellation that reaches it while it ends, and the task that
    was to be cancelled would live on. Who is cancelled meanwhile waits all the same: else something would stay open.
    """
    task = asyncio.ensure_future(closing)
    task.add_done_callback(_look_at)
    ended = asyncio.ensure_future(asyncio.wait({task}, timeout=timeout_s))
    cancelled: asyncio.CancelledError | None = None
    while not ended.done():
        try:
            await asyncio.shield(ended)
        except asyncio.CancelledError as error:
            cancelled = error
    task.cancel()
    if cancelled is not None:
        raise cancelled


def check_lives(client: AIOKafkaClient) -> None:
    """Raises: KafkaConnectionError when its task ended that learns where partitions are: nothing else would tell."""
    if client._sync_task is None or client._sync_task.done():
        raise KafkaConnectionError("a client without its metadata task is of no use")


async def end_tasks(tasks: Iterable[asyncio.Task[Any]], again_after_s: float = CANCEL_AGAIN_S) -> None:
    """Cancel all and wait for their ends; who is still there is cancelled again: aiokafka swallows it now and then."""
    running = [task for task in tasks if not task.done()]
    while running:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=again_after_s)
        running = [task for task in running if not task.done()]


def _look_at(task: "asyncio.Future[object]") -> None:
    if not task.cancelled():
        task.exception()
