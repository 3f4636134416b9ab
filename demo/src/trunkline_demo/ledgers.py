"""How many records one run wrote to the ledgers.

Owns: which records are the run's: those of its tenant that take effect, and inputs of theirs that led to nothing.
Must not: read what stood there before the run.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aiokafka.errors import KafkaError
from trunkline.acd.v1.acd_events_pb2 import AcdEvent
from trunkline.contact.v1.contact_events_pb2 import ContactEvent
from trunkline.customer.v1.customer_events_pb2 import CustomerEvent
from trunkline.directory.v1.directory_events_pb2 import DirectoryEvent
from trunkline.ivr.v1.ivr_events_pb2 import IvrEvent
from trunkline.ledger.v1.ledger_types_pb2 import ManagerInputSkipped
from trunkline.ticket.v1.ticket_events_pb2 import TicketEvent
from trunkline_core.errors import Transient
from trunkline_ledger.core.records import INPUT_SKIPPED_TYPE, OWN_TYPES, Record
from trunkline_ledger.kafka.history import ClusterHistory
from trunkline_ledger.log_client import LogTail

LEDGERS: Final[Mapping[str, Any]] = {
    "acd.events.v1": AcdEvent,
    "contact.events.v1": ContactEvent,
    "customer.events.v1": CustomerEvent,
    "directory.events.v1": DirectoryEvent,
    "ivr.events.v1": IvrEvent,
    "ticket.events.v1": TicketEvent,
}
"""Every ledger and the message of its events."""
SILENCE_S: Final = 30.0
Ends = Mapping[str, Mapping[int, int]]
Place = tuple[str, int, int]


async def ledger_ends(bootstrap_servers: str) -> Ends:
    """Return the next offset of each partition of each ledger. Raises: Misconfigured, Transient."""
    async with ClusterHistory(bootstrap_servers, list(LEDGERS)) as history:
        return {topic: await history.ends(topic) for topic in LEDGERS}


class RunRecords:
    """Picks a tenant's records out of ledgers; feed it each partition in order of offset."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._own: set[Place] = set()
        self._skipped: list[Place] = []
        self._epochs: dict[tuple[str, int], int] = {}

    def take(self, topic: str, record: Record) -> None:
        """Look at one record. Markers, void records and other tenants' do not count."""
        if self._is_void(topic, record):
            return
        if record.type == INPUT_SKIPPED_TYPE:
            source = ManagerInputSkipped.FromString(record.value).source
            self._skipped.append((source.topic, source.partition, source.offset))
        elif record.type not in OWN_TYPES and _tenant_of(topic, record) == self._tenant:
            self._own.add((topic, record.partition, record.offset))

    def _is_void(self, topic: str, record: Record) -> bool:
        """Below the highest epoch seen nothing takes effect (ledger rule 2): it is a replaced owner's."""
        if record.epoch is None or record.type is None:
            return True
        place = (topic, record.partition)
        newest = self._epochs[place] = max(record.epoch, self._epochs.get(place, 0))
        return record.epoch < newest

    def count(self) -> int:
        """Return how many were the run's. A skipped input names no tenant, but the record that it is an answer to."""
        return len(self._own) + sum(place in self._own for place in self._skipped)


class LedgerGrowth:
    """What a tenant adds to the ledgers between `begin` and `count`."""

    def __init__(
        self, tenant: str, ends: Callable[[], Awaitable[Ends]], new_tail: Callable[[str, str], LogTail]
    ) -> None:
        """`ends` asks where the ledgers end; `new_tail` makes a reader of (topic, client id) that is not started."""
        self._tenant = tenant
        self._ask_ends = ends
        self._new_tail = new_tail
        self._begin: Ends = {}

    async def begin(self) -> None:
        """Note where the ledgers end. Raises: Misconfigured, Transient."""
        self._begin = await self._ask_ends()

    async def count(self) -> int:
        """Return the tenant's records since, up to the ends of now. Raises: Misconfigured, Transient."""
        records = RunRecords(self._tenant)
        for topic, ends in (await self._ask_ends()).items():
            await self._read(topic, ends, records)
        return records.count()

    async def _read(self, topic: str, ends: Mapping[int, int], records: RunRecords) -> None:
        positions = dict(self._begin[topic])
        tail = self._new_tail(topic, "trunkline-demo")
        try:
            await tail.start(positions)
            while any(positions[number] < end for number, end in ends.items()):
                for record in await _next_records(tail):
                    positions[record.partition] = record.offset + 1
                    if record.offset < ends[record.partition]:
                        records.take(topic, record)
        except (KafkaError, OSError, TimeoutError) as error:
            raise Transient(f"Kafka does not hand out the ledger {topic}: its records cannot be counted.") from error
        finally:
            await tail.stop()


def _tenant_of(topic: str, record: Record) -> str:
    return str(LEDGERS[topic].FromString(record.value).metadata.tenant_id)


async def _next_records(tail: LogTail) -> list[Record]:
    """Return at least one record. Raises: TimeoutError after 30 s without any; KafkaError."""
    async with asyncio.timeout(SILENCE_S):
        while not (found := await tail.next_records(1.0)):
            pass
    return found
