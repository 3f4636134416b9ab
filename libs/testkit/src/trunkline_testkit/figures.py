"""What benches of a ledger have in common: the bare append that their figures are held against, and percentiles."""

import statistics
import time
from collections.abc import Sequence
from typing import Final

from trunkline_ledger.core.records import Draft
from trunkline_ledger.kafka.producer import PartitionProducer

APPENDS: Final = 1_000
WARM_UP: Final = 100
TIMEOUT_S: Final = 8.0


async def bare_append_s(bootstrap_servers: str, topic: str, records: int = 1) -> list[float]:
    """Return how long appends of so many records of 300 bytes each took, in seconds, after some to warm up.

    They are of epoch 0, hence void for every reader. Raises: KafkaError, AppendUnknown.
    """
    producer = PartitionProducer(topic, 0, bootstrap_servers, TIMEOUT_S)
    await producer.start()
    drafts, took = [Draft(b"a", b"x" * 300, 0, "bench.Nothing")] * records, []
    try:
        for _ in range(APPENDS):
            began = time.perf_counter()
            await producer.append(drafts)
            took.append(time.perf_counter() - began)
    finally:
        await producer.close()
    return took[WARM_UP:]


def p50_p99_ms(seconds: Sequence[float]) -> tuple[float, float]:
    """Return median and 99th percentile in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100)
    return cuts[49] * 1000, cuts[98] * 1000
