"""The envelope of an event as the ledger computes it (events.md); mirrors trunkline.common.v1.EventMetadata."""

import hashlib
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Metadata:
    """See common_types.proto for each field; `event_time` is aware UTC."""

    event_id: str
    stream_id: str
    stream_version: int
    event_time: datetime
    tenant_id: str
    actor: str
    correlation_id: str
    causation_id: str
    writer_epoch: int
    ignorable: bool
    command: bytes


def derive_event_id(topic: str, partition: int, epoch: int, command_id: str, stream: tuple[str, int]) -> str:
    """Return an event's id (ledger rule 11, ADR 0009): the same whenever it is derived.

    `stream`: id and version. A service may carry out one command twice, but no version of a stream is effective twice.
    """
    stream_id, version = stream
    seed = f"{topic}\x00{partition}\x00{epoch}\x00{command_id}\x00{stream_id}\x00{version}"
    return "ev_" + hashlib.sha256(seed.encode()).hexdigest()[:32]
