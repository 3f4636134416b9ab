"""Whether a Faust app still reads: a consumer that stands still for ever looks healthy.

Owns: what standing still means. Must not: take a slow reader for one that stands still, or end anything; the app does.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from trunkline_ledger.kafka.bounds import close_within, start_within

ASK_EVERY_S: Final = 10.0
ANSWER_WITHIN_S: Final = 10.0
STOP_S: Final = 5.0

Offsets = Mapping[TopicPartition, int]


class Progress:
    """Told where reading is and where logs end, it says what stands still. Pure.

    One step in any partition is progress: who is far behind reads one partition for a long time before the next, and a
    new start would only put it further behind.
    """

    def __init__(self, stall_s: float) -> None:
        """`stall_s`: seconds without any step before all stand still."""
        self._stall_s = stall_s
        self._seen: Offsets = {}
        self._since_s: float | None = None

    def still(self, positions: Offsets, ends: Offsets, now_s: float) -> list[TopicPartition]:
        """Return the partitions that have something to read, once no partition made a step for that long."""
        waiting = [place for place, position in positions.items() if ends.get(place, 0) > position]
        if not waiting or positions != self._seen or self._since_s is None:
            self._seen, self._since_s = dict(positions), now_s
        return waiting if now_s - self._since_s > self._stall_s else []


async def until_still(bootstrap_servers: str, positions: Callable[[], Offsets], stall_s: float) -> str:
    """Return where reading stands still, once it does; brokers that do not answer prove nothing."""
    progress, clock = Progress(stall_s), asyncio.get_running_loop().time
    while True:
        asker = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers)
        try:
            await start_within(asker.start, asker.stop, ANSWER_WITHIN_S)
            while True:
                await asyncio.sleep(ASK_EVERY_S)
                read = dict(positions())
                ends = await asyncio.wait_for(asker.end_offsets(list(read)), ANSWER_WITHIN_S) if read else {}
                if still := progress.still(read, ends, clock()):
                    first = min(still)
                    return f"{first.topic}/{first.partition} at {read[first]} of {ends[first]}"
        except (KafkaError, TimeoutError):
            await asyncio.sleep(ASK_EVERY_S)
        finally:
            await close_within(asker.stop(), STOP_S)
