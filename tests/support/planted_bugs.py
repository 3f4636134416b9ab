"""Bugs that a checker must find. `python planted_bugs.py BUG MODULE` runs the module with the bug in it.

Owns: the bugs. Must not: be imported by anything that is not a test.
"""

import asyncio
import runpy
import sys
from typing import Any

from trunkline_ledger.ownership import Ownership

LATE_S = 1.0


def reply_before_append() -> None:
    """The owner answers at once and appends a second later (against ledger rule 7)."""
    pending: set[asyncio.Task[None]] = set()
    turn = asyncio.Lock()

    async def append(producer: Any, drafts: Any) -> None:
        async with turn:
            await asyncio.sleep(LATE_S)
            await producer.append(drafts)

    async def commit(self: Any, number: int, hosted: Any, batch: Any, producer: Any) -> None:
        offset = None
        if batch.drafts:
            offset = batch.expected_offset
            task = asyncio.create_task(append(producer, batch.drafts))
            pending.add(task)
            task.add_done_callback(pending.discard)
        self._replica.emit(number, hosted.core.acknowledged(offset, self._replica.monotonic_s()))

    Ownership._commit = commit  # type: ignore[assignment]


BUGS = {"reply_before_append": reply_before_append}

if __name__ == "__main__":
    BUGS[sys.argv[1]]()
    runpy.run_module(sys.argv[2], run_name="__main__", alter_sys=True)
