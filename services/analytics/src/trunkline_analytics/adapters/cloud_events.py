"""CloudEvents headers of public records (CloudEvents 1.0, Kafka binary mode): one function for every public topic."""

from datetime import UTC

from trunkline.common.v1.common_types_pb2 import EventMetadata


def cloud_event_headers(metadata: EventMetadata, event_type: str, subject: str, source: str) -> dict[str, bytes]:
    """Return the headers of a record that stems from the event.

    Args:
        metadata: of the event.
        event_type: full name of the record's message.
        subject: id of what it is about; never personal data.
        source: the ledger topic it comes from.
    """
    fields = {
        "ce_specversion": "1.0",
        "ce_id": metadata.event_id,
        "ce_type": event_type,
        "ce_source": f"trunkline/{source}",
        "ce_subject": subject,
        "ce_time": metadata.event_time.ToDatetime(tzinfo=UTC).isoformat(),
        "ce_dataschema": event_type,
        "content-type": "application/protobuf",
    }
    return {name: value.encode() for name, value in fields.items()}
