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


def derive_event_id(topic: str, partition: int, epoch: int, command_id: str, ordinal: int) -> str:
    """Return the id of the `ordinal`-th event of a command (ledger rule 11): the same whenever it is derived."""
    seed = f"{topic}\x00{partition}\x00{epoch}\x00{command_id}\x00{ordinal}"
    return "ev_" + hashlib.sha256(seed.encode()).hexdigest()[:32]
