"""Writes the golden record of each event type that has none yet: protos/examples/<topic>/<EventType>.{bin,json}.

A golden record is what a subscriber may have stored: once released it is never written again, only decoded by tests.
"""

from pathlib import Path

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from trunkline.acd.v1.acd_events_pb2 import AcdEvent
from trunkline.contact.v1.contact_events_pb2 import ContactEvent
from trunkline.customer.v1.customer_events_pb2 import CustomerEvent
from trunkline.directory.v1.directory_events_pb2 import DirectoryEvent
from trunkline.ivr.v1.ivr_events_pb2 import IvrEvent
from trunkline.journal.v1.journal_events_pb2 import ContactJournalEvent, CustomerJournalEvent, TicketJournalEvent
from trunkline.live.v1.live_types_pb2 import LiveAgent, LiveQueue
from trunkline.ticket.v1.ticket_events_pb2 import TicketEvent

EXAMPLES = Path(__file__).resolve().parent / "examples"
ENVELOPES: dict[str, type[Message]] = {
    "acd.events.v1": AcdEvent,
    "contact.events.v1": ContactEvent,
    "contact.journal.v1": ContactJournalEvent,
    "customer.events.v1": CustomerEvent,
    "customer.journal.v1": CustomerJournalEvent,
    "directory.events.v1": DirectoryEvent,
    "ivr.events.v1": IvrEvent,
    "ticket.events.v1": TicketEvent,
    "ticket.journal.v1": TicketJournalEvent,
}
ROWS: dict[str, type[Message]] = {"live.agents.v1": LiveAgent, "live.queues.v1": LiveQueue}
TEXTS = {"zh": "中文", "en": "English", "time_zone": "Asia/Shanghai", "locale": "zh", "digit": "1"}
SECONDS = 1_767_603_600  # 2026-01-05 09:00 UTC


def main() -> None:
    for topic, envelope in ENVELOPES.items():
        for case in envelope.DESCRIPTOR.oneofs_by_name["event"].fields:
            write(topic, pascal_case(case.name), example_event(envelope, case))
    for topic, row in ROWS.items():
        write(topic, row.DESCRIPTOR.name, filled(row()))


def write(topic: str, name: str, record: Message) -> None:
    """Write one golden record unless it exists."""
    binary = EXAMPLES / topic / f"{name}.bin"
    if binary.exists():
        return
    binary.parent.mkdir(parents=True, exist_ok=True)
    binary.write_bytes(record.SerializeToString(deterministic=True))
    binary.with_suffix(".json").write_text(
        json_format.MessageToJson(record, preserving_proto_field_name=True, ensure_ascii=False) + "\n"
    )


def example_event(envelope: type[Message], case: FieldDescriptor) -> Message:
    """Return an envelope with every field of its metadata and of one event set."""
    event = envelope()
    for name in ("metadata", "source"):
        if name in envelope.DESCRIPTOR.fields_by_name:
            filled(getattr(event, name))
    filled(getattr(event, case.name))
    return event


def filled(message: Message) -> Message:
    """Set every field to a plausible value; of a oneof the first member."""
    message.SetInParent()
    for field in message.DESCRIPTOR.fields:
        if field.containing_oneof and field is not field.containing_oneof.fields[0]:
            continue
        fill(message, field)
    return message


def fill(message: Message, field: FieldDescriptor) -> None:
    if field.message_type and field.message_type.GetOptions().map_entry:
        getattr(message, field.name)["call_type"] = "billing"
    elif field.message_type and field.is_repeated:
        filled(getattr(message, field.name).add())
    elif field.message_type:
        fill_nested(getattr(message, field.name), field.message_type)
    elif field.is_repeated:
        getattr(message, field.name).append(scalar(field))
    else:
        setattr(message, field.name, scalar(field))


def fill_nested(nested: Message, kind: Descriptor) -> None:
    match kind.full_name:
        case "google.protobuf.Timestamp":
            nested.FromSeconds(SECONDS)  # type: ignore[attr-defined]
        case "google.protobuf.Duration":
            nested.FromMilliseconds(20_500)  # type: ignore[attr-defined]
        case _:
            filled(nested)


def scalar(field: FieldDescriptor) -> object:
    match field.type:
        case FieldDescriptor.TYPE_STRING:
            return TEXTS.get(field.name, f"{field.name.removesuffix('_id')}_example")
        case FieldDescriptor.TYPE_BYTES:
            return b"\x01\x02\x03"
        case FieldDescriptor.TYPE_BOOL:
            return True
        case FieldDescriptor.TYPE_ENUM:
            return 1
        case _:
            return 3


def pascal_case(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


if __name__ == "__main__":
    main()
