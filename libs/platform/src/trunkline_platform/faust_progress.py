"""Whether a Faust app still reads: its consumer may stand still for ever after a broker died, and look healthy.

Seen once in many runs with three brokers: the group was whole again, sends were acknowledged, and nothing was read.
Owns: what standing still means. Must not: end anything; the app does, and a new start gets over it.
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
    """Told where reading is and where logs end, it says what stands still. Pure."""

    def __init__(self, stall_s: float) -> None:
        """`stall_s`: seconds without a step before a partition stands still."""
        self._stall_s = stall_s
        self._since: dict[TopicPartition, tuple[int, float]] = {}

    def still(self, positions: Offsets, ends: Offsets, now_s: float) -> list[TopicPartition]:
        """Return the partitions that had something to read and made no step for that long."""
        since: dict[TopicPartition, tuple[int, float]] = {}
        for place, position in positions.items():
            known = self._since.get(place)
            is_waiting = known is not None and known[0] == position and ends.get(place, 0) > position
            since[place] = known if is_waiting and known else (position, now_s)
        self._since = since
        return [place for place, (_, began_s) in since.items() if now_s - began_s > self._stall_s]


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
