"""The public journals: effective events of the ledgers become records about one contact, ticket or customer each.

Owns: which events are public, and in which journal they stand (ADR 0008). A repetition says the same again.
Must not: open a sealed text, publish a command, or compute anything.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from google.protobuf.message import Message
from trunkline.journal.v1.journal_events_pb2 import ContactJournalEvent, CustomerJournalEvent, TicketJournalEvent
from trunkline.live.v1.live_types_pb2 import RowSource
from trunkline_ledger.kafka.reader import EffectiveRecord

from trunkline_analytics.adapters.cloud_events import cloud_event_headers

BOOKKEEPING = frozenset(
    {
        "StepBegun",
        "StepRefused",
        "CleanUpConfirmed",
        "ContactDropped",
        "ContactForgotten",
        "ExclusionEnded",
        "TreatmentAnnounced",
        "TombstoneDropped",
        "NoticeIntended",
        "NoticeDelayed",
        "NoticeDelivered",
        "NoticeFailed",
        "NoticeTargetPut",
        "CustomerServed",
        "WhisperAdded",  # for agents alone; MonitoringChanged and ConsultationConnected say that they read some
    }
)
"""Events by which services keep their own house; they tell a subscriber nothing and would be half of the journals.

The only list (ADR 0008): who judges a journal takes it from here.
"""

Publish = Callable[[str, bytes, bytes, dict[str, bytes]], None]


@dataclass(frozen=True, slots=True)
class JournalKind:
    """One public journal.

    Attributes:
        topic: where it stands.
        message: a record's; has a field for each area whose events it tells, such as `acd`.
        subject: the field of an event that names what it is about, and gives the record its key.
    """

    topic: str
    message: type[Message]
    subject: str


CONTACTS = JournalKind("contact.journal.v1", ContactJournalEvent, "contact_id")
TICKETS = JournalKind("ticket.journal.v1", TicketJournalEvent, "ticket_id")
CUSTOMERS = JournalKind("customer.journal.v1", CustomerJournalEvent, "customer_id")

JOURNAL_OF: Mapping[str, JournalKind] = MappingProxyType(
    {"acd": CONTACTS, "contact": CONTACTS, "ivr": CONTACTS, "ticket": TICKETS, "customer": CUSTOMERS}
)
"""In which journal the events of an area's ledger stand."""


def source_of(effective: EffectiveRecord, topic: str) -> RowSource:
    """Return where the record stands."""
    record = effective.record
    return RowSource(topic=topic, partition=record.partition, offset=record.offset, epoch=record.epoch or 0)


class Journal:
    """What happened to those that one ledger is about."""

    def __init__(self, area: str, publish: Publish) -> None:
        self._area = area
        self._kind = JOURNAL_OF[area]
        self._publish = publish

    def take(self, event: Any, effective: EffectiveRecord, topic: str) -> None:
        """Publish the event if it tells something about its subject; the command stays private."""
        name = event.WhichOneof("event")
        if name is None:
            return  # an event of a newer version
        told = getattr(event, name)
        subject = getattr(told, self._kind.subject, "")
        if not subject or told.DESCRIPTOR.name in BOOKKEEPING:
            return
        record: Any = self._kind.message(metadata=event.metadata, source=source_of(effective, topic))
        record.metadata.ClearField("command")
        getattr(record, self._area).CopyFrom(event)
        getattr(record, self._area).ClearField("metadata")
        headers = cloud_event_headers(record.metadata, told.DESCRIPTOR.full_name, subject, topic)
        self._publish(self._kind.topic, subject.encode(), record.SerializeToString(deterministic=True), headers)
