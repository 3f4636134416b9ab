"""Live tables: the rows that acd wrote become records of the public topics; beside them, what each ledger journals.

Owns: which ledger goes where. Rows are absolute and carry their source, so any replay is harmless (ADR 0005).
Must not: compute a figure; acd computed them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from google.protobuf.message import DecodeError, Message
from trunkline.acd.v1.acd_events_pb2 import AcdEvent
from trunkline.contact.v1.contact_events_pb2 import ContactEvent
from trunkline.customer.v1.customer_events_pb2 import CustomerEvent
from trunkline.ivr.v1.ivr_events_pb2 import IvrEvent
from trunkline.live.v1.live_types_pb2 import LiveAgent, LiveQueue
from trunkline.ticket.v1.ticket_events_pb2 import TicketEvent
from trunkline_core.errors import Poison
from trunkline_ledger.kafka.reader import EffectiveRecord
from trunkline_platform.faust_app import Handler, LedgerSource, LiveApp, LiveTable

from trunkline_analytics.adapters.cloud_events import cloud_event_headers
from trunkline_analytics.adapters.journals import Journal, Publish, source_of

ACD, QUEUES, AGENTS, DLQ = "acd.events.v1", "live.queues.v1", "live.agents.v1", "analytics.dlq.v1"

ENVELOPES: Mapping[str, type[Message]] = MappingProxyType(
    {"acd": AcdEvent, "contact": ContactEvent, "ivr": IvrEvent, "ticket": TicketEvent, "customer": CustomerEvent}
)
"""The ledgers that are read, by area."""


def ledger_of(area: str) -> str:
    """Return the topic of an area's ledger."""
    return f"{area}.events.v1"


def add_live_tables(app: LiveApp) -> list[LedgerSource]:
    """Add the tables, sources and outputs to the app; return the sources."""
    rows = LiveRows(app.table("queues"), app.table("agents"), app.publish)
    return [app.source(ledger_of(area), _handler(area, app, rows), dlq_topic=DLQ) for area in ENVELOPES]


def _handler(area: str, app: LiveApp, rows: "LiveRows") -> Handler:
    topic, journal = ledger_of(area), Journal(area, app.publish)

    def handle(effective: EffectiveRecord) -> None:
        event = _decoded(ENVELOPES[area], effective)
        if topic == ACD:
            rows.take(event, effective)
        journal.take(event, effective, topic)

    return handle


def _decoded(kind: type[Message], effective: EffectiveRecord) -> Any:
    try:
        return kind.FromString(effective.record.value)
    except DecodeError as error:
        raise Poison(f"not a {kind.DESCRIPTOR.full_name}") from error


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
