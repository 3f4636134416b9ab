"""Sends to public topics beside a Faust app: an idempotent producer of its own.

Owns: order per topic, and a future for each record that tells when it is durable.
Must not: bound what waits; the app stops reading before too much does.

Why not Faust's producer: its buffer takes one record at a time and was the slowest part of the live tables.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaProducer
from trunkline_ledger.kafka.bounds import close_within, start_within

LINGER_MS = 5
START_S = 30.0
STOP_S = 5.0
MAX_BATCH_BYTES = 262_144

Item = tuple[str, bytes, bytes | None, Mapping[str, bytes], "asyncio.Future[Any]"]


class Publisher:
    """`run` inside the app's task group; `send` at any time, also before."""

    def __init__(self, bootstrap_servers: str, client_id: str) -> None:
        self._options: dict[str, Any] = {
            "bootstrap_servers": bootstrap_servers,
            "client_id": f"{client_id}-publisher",
            "acks": "all",
            "enable_idempotence": True,
            "linger_ms": LINGER_MS,
            "max_batch_size": MAX_BATCH_BYTES,
        }
        self._waiting: asyncio.Queue[Item] = asyncio.Queue()

    def send(self, topic: str, key: bytes, value: bytes | None, headers: Mapping[str, bytes]) -> "asyncio.Future[Any]":
        """Return a future that is done when the record is durable, or has the reason why it never will be."""
        sent: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((topic, key, value, headers, sent))
        return sent

    async def run(self) -> None:
        """Send until cancelled. Raises: KafkaError, TimeoutError when no broker is up at the start."""
        producer = AIOKafkaProducer(**self._options)
        await start_within(producer.start, producer.stop, START_S)
        try:
            while True:
                topic, key, value, headers, sent = await self._waiting.get()
                delivery = await producer.send(topic, value=value, key=key, headers=list(headers.items()))
                delivery.add_done_callback(_telling(sent))
        finally:
            await close_within(producer.stop(), STOP_S)  # it would wait for what a broker does not take


def _telling(sent: "asyncio.Future[Any]") -> Any:
    def tell(delivery: "asyncio.Future[Any]") -> None:
        if sent.done():
            return
        if delivery.cancelled():
            sent.cancel()
        elif error := delivery.exception():
            sent.set_exception(error)
        else:
            sent.set_result(delivery.result())

    return tell
