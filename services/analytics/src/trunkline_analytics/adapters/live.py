"""Live tables and the contact journal: effective ledger events become records of the public topics.

Owns: which event goes where. Rows are absolute and carry their source, so any replay is harmless (ADR 0005).
Must not: compute a figure; acd computed them.
"""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import DecodeError, Message
from trunkline.acd.v1.acd_events_pb2 import AcdEvent
from trunkline.contact.v1.contact_events_pb2 import ContactEvent
from trunkline.ivr.v1.ivr_events_pb2 import IvrEvent
from trunkline.journal.v1.journal_events_pb2 import ContactJournalEvent
from trunkline.live.v1.live_types_pb2 import LiveAgent, LiveQueue, RowSource
from trunkline_core.errors import Poison
from trunkline_ledger.kafka.reader import EffectiveRecord
from trunkline_platform.faust_app import LedgerSource, LiveApp, LiveTable

from trunkline_analytics.adapters.cloud_events import cloud_event_headers

ACD, CONTACT, IVR = "acd.events.v1", "contact.events.v1", "ivr.events.v1"
QUEUES, AGENTS, JOURNAL, DLQ = "live.queues.v1", "live.agents.v1", "contact.journal.v1", "analytics.dlq.v1"

BOOKKEEPING = frozenset(
    {
        "StepBegun",
        "StepRefused",
        "CleanUpConfirmed",
        "ContactDropped",
        "ContactForgotten",
        "ExclusionEnded",
        "TombstoneDropped",
    }
)
"""Events by which services keep their own house; they tell a subscriber nothing and would be half of the journal.

The only list (ADR 0008): who judges the journal takes it from here.
"""

Publish = Callable[[str, bytes, bytes, dict[str, bytes]], None]


def add_live_tables(app: LiveApp) -> list[LedgerSource]:
    """Add the tables, sources and outputs to the app; return the sources."""
    rows = LiveRows(app.table("queues"), app.table("agents"), app.publish)
    journal = Journal(app.publish)

    def on_acd(effective: EffectiveRecord) -> None:
        event = _decoded(AcdEvent, effective)
        rows.take(event, effective)
        journal.take("acd", event, effective, ACD)

    def on_contact(effective: EffectiveRecord) -> None:
        journal.take("contact", _decoded(ContactEvent, effective), effective, CONTACT)

    def on_ivr(effective: EffectiveRecord) -> None:
        journal.take("ivr", _decoded(IvrEvent, effective), effective, IVR)

    return [
        app.source(ACD, on_acd, dlq_topic=DLQ),
        app.source(CONTACT, on_contact, dlq_topic=DLQ),
        app.source(IVR, on_ivr, dlq_topic=DLQ),
    ]


def _decoded(kind: type[Message], effective: EffectiveRecord) -> Any:
    try:
        return kind.FromString(effective.record.value)
    except DecodeError as error:
        raise Poison(f"not a {kind.DESCRIPTOR.full_name}") from error


def source_of(effective: EffectiveRecord, topic: str) -> RowSource:
    """Return where the record stands."""
    record = effective.record
    return RowSource(topic=topic, partition=record.partition, offset=record.offset, epoch=record.epoch or 0)


class LiveRows:
    """The newest row of each queue and agent."""

    def __init__(self, queues: LiveTable, agents: LiveTable, publish: Publish) -> None:
        self._queues = queues
        self._agents = agents
        self._publish = publish

    def take(self, event: AcdEvent, effective: EffectiveRecord) -> None:
        """Keep and publish the rows of a RowsChanged; other events say nothing here."""
        if event.WhichOneof("event") != "rows_changed":
            return
        for queue in event.rows_changed.queues:
            self._keep(self._queues, QUEUES, queue.queue_id, LiveQueue(row=queue), event, effective)
        for agent in event.rows_changed.agents:
            self._keep(self._agents, AGENTS, agent.agent_id, LiveAgent(row=agent), event, effective)

    def _keep(
        self, table: LiveTable, topic: str, row_id: str, row: Any, event: AcdEvent, effective: EffectiveRecord
    ) -> None:
        metadata = event.metadata
        row.tenant_id = metadata.tenant_id
        row.event_time.CopyFrom(metadata.event_time)
        row.source.CopyFrom(source_of(effective, ACD))
        key, value = row_id.encode(), row.SerializeToString(deterministic=True)
        table.put(effective, key, value)
        headers = cloud_event_headers(metadata, row.DESCRIPTOR.full_name, row_id, ACD)
        self._publish(topic, key, value, headers)


class Journal:
    """What happened to each contact, in one public topic (ADR 0008)."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish

    def take(self, case: str, event: Any, effective: EffectiveRecord, topic: str) -> None:
        """Publish the event if it tells something about a contact; the command stays private."""
        kind = event.WhichOneof("event")
        if kind is None:
            return  # an event of a newer version
        told = getattr(event, kind)
        contact_id = getattr(told, "contact_id", "")
        if not contact_id or told.DESCRIPTOR.name in BOOKKEEPING:
            return
        record = ContactJournalEvent(metadata=event.metadata, source=source_of(effective, topic))
        record.metadata.ClearField("command")
        getattr(record, case).CopyFrom(event)
        getattr(record, case).ClearField("metadata")
        headers = cloud_event_headers(record.metadata, told.DESCRIPTOR.full_name, contact_id, topic)
        self._publish(JOURNAL, contact_id.encode(), record.SerializeToString(deterministic=True), headers)
