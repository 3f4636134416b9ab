"""Ending aiokafka's clients within bounds."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def close_within(closing: Coroutine[Any, Any, object], timeout_s: float) -> None:
    """Run a client's clean-up to its end, at most `timeout_s` seconds, whatever it raises.

    In a task of its own: aiokafka's sender swallows a cancellation that reaches it while it ends, and the task that
    was to be cancelled would live on.
    """
    task = asyncio.ensure_future(closing)
    task.add_done_callback(_look_at)
    _, pending = await asyncio.wait({task}, timeout=timeout_s)
    for late in pending:
        late.cancel()


def _look_at(task: "asyncio.Future[object]") -> None:
    if not task.cancelled():
        task.exception()
