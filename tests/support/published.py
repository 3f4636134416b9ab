"""What the centre published and what its ledgers say it should have: judged from Kafka alone.

Owns: reading topics to their end, the fold of acd's ledger, the differences. Must not: ask a service.
"""

from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from trunkline.live.v1.live_types_pb2 import LiveAgent, LiveQueue
from trunkline_analytics.adapters.journals import BOOKKEEPING, CONTACTS, CUSTOMERS, JOURNAL_OF, TICKETS, JournalKind
from trunkline_testkit.checker import LedgerLog, SourcedRow, Violation, compare, stale_rows
from trunkline_testkit.checker.log import LEDGERS, Decode, EffectiveEvent, decode_message, read_records


async def read_topic(bootstrap_servers: str, topic: str, partitions: int = 4) -> list[Any]:
    """Return every record up to the end that stands now."""
    places = [TopicPartition(topic, number) for number in range(partitions)]
    found: list[Any] = []
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest") as consumer:
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < ends[place] for place in places]):
            for messages in (await consumer.getmany(timeout_ms=200)).values():
                found += messages
    return found


async def ledgers(bootstrap_servers: str, *areas: str, decode: Decode = decode_message) -> LedgerLog:
    """Return all ledgers, or those of these areas, judged. `decode`: for who knows more event types than this tree."""
    topics = [f"{area}.events.v1" for area in areas] or list(LEDGERS)
    return LedgerLog.of(await read_records(bootstrap_servers, topics), decode=decode)


async def live_rows(bootstrap_servers: str) -> dict[str, Any]:
    """Return the newest published row of each queue and agent."""
    queues = [LiveQueue.FromString(each.value) for each in await read_topic(bootstrap_servers, "live.queues.v1")]
    agents = [LiveAgent.FromString(each.value) for each in await read_topic(bootstrap_servers, "live.agents.v1")]
    return {live.row.queue_id: live for live in queues} | {live.row.agent_id: live for live in agents}


def fold_of(log: LedgerLog) -> dict[str, Any]:
    """Return the rows that acd's ledger ends with."""
    rows: dict[str, Any] = {}
    for event in log.events:
        if event.name == "RowsChanged":
            rows |= {row.queue_id: row for row in event.event.queues}
            rows |= {row.agent_id: row for row in event.event.agents}
    return rows


async def wrong_live_rows(bootstrap_servers: str, log: LedgerLog | None = None) -> list[Violation]:
    """Return where the live tables differ from a fold of the ledger, or stem from what never took effect.

    `log`: the ledgers, where they have been read already.
    """
    log, live = log or await ledgers(bootstrap_servers), await live_rows(bootstrap_servers)
    rows = {key: each.row.SerializeToString(deterministic=True) for key, each in live.items()}
    fold = {key: row.SerializeToString(deterministic=True) for key, row in fold_of(log).items()}
    sources = [_sourced("live", key, each.source) for key, each in live.items()]
    return [*compare(rows, fold), *stale_rows(log, sources)]


async def wrong_journal_records(bootstrap_servers: str, log: LedgerLog | None = None) -> list[Violation]:
    """Return the effective events that a public journal lacks, and journal records without an effective one."""
    log = log or await ledgers(bootstrap_servers)
    kinds = (CONTACTS, TICKETS, CUSTOMERS)
    return [wrong for kind in kinds for wrong in await _wrong_records_of(kind, log, bootstrap_servers)]


async def _wrong_records_of(kind: JournalKind, log: LedgerLog, bootstrap_servers: str) -> list[Violation]:
    journal: list[Any] = [
        kind.message.FromString(each.value) for each in await read_topic(bootstrap_servers, kind.topic)
    ]
    present = {(each.source.topic, each.source.partition, each.source.offset) for each in journal}
    missing = [event for event in _to_be_told(kind, log) if _place(event) not in present]
    sources = [_sourced("journal", each.metadata.event_id, each.source) for each in journal]
    return [
        *(Violation("NotInJournal", str(_place(event)), event.name) for event in missing),
        *stale_rows(log, sources),
    ]


def _to_be_told(kind: JournalKind, log: LedgerLog) -> Sequence[EffectiveEvent]:
    """Return the events that the public journal must hold."""
    told = (event for event in log.events if JOURNAL_OF.get(event.area) == kind and event.name not in BOOKKEEPING)
    return [event for event in told if getattr(event.event, kind.subject, "")]


def _place(event: EffectiveEvent) -> tuple[str, int, int]:
    return event.record.topic, event.record.partition, event.record.offset


def _sourced(table: str, key: str, source: Any) -> SourcedRow:
    return SourcedRow(table, key, source.topic, source.partition, source.offset)
