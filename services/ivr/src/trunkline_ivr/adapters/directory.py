"""Flows and hours come from the directory's ledger: each publication becomes a command on every partition.

Must not: check a definition; the rules do, and a refused one is skipped there for good.
"""

import logging
from collections.abc import Sequence

from google.protobuf.message import DecodeError
from trunkline.directory.v1 import directory_types_pb2
from trunkline.directory.v1.directory_events_pb2 import DirectoryEvent, FlowPublished, HoursDefined
from trunkline_core.errors import Invalid
from trunkline_core.flows import FlowDefinition, HoursDefinition
from trunkline_ledger.kafka.reader import EffectiveRecord
from trunkline_ledger.managers import ManagerCommand, ProcessManager
from trunkline_platform.wire import Mapper

from trunkline_ivr.domain.commands import Command, PutFlow, PutHours

log = logging.getLogger(__name__)

TOPIC = "directory.events.v1"
ACTOR = "system"

_FLOWS = Mapper(FlowDefinition, directory_types_pb2.FlowDefinition)
_HOURS = Mapper(HoursDefinition, directory_types_pb2.HoursDefinition)
_WANTED = frozenset({FlowPublished.DESCRIPTOR.full_name, HoursDefined.DESCRIPTOR.full_name})


def react(effective: EffectiveRecord) -> Sequence[ManagerCommand[Command]]:
    """Return the command of a publication, nothing for everything else. What cannot be read is logged and left out."""
    record = effective.record
    if record.type not in _WANTED:
        return []
    try:
        event = DirectoryEvent.FromString(record.value)
        return [_command(event)]
    except (DecodeError, Invalid) as error:
        log.error(
            "publication cannot be read",
            extra={"partition": record.partition, "offset": record.offset, "reason": type(error).__name__},
        )
        return []


def _command(event: DirectoryEvent) -> ManagerCommand[Command]:
    """Raises: Invalid."""
    command: Command
    if event.HasField("flow_published"):
        published = event.flow_published
        command = PutFlow(_FLOWS.from_message(published.flow), published.flow_version)
    else:
        command = PutHours(_HOURS.from_message(event.hours_defined.hours))
    metadata = event.metadata
    return ManagerCommand(None, metadata.tenant_id, ACTOR, command, causation_id=metadata.event_id)


DEFINITIONS: ProcessManager[Command] = ProcessManager("ivr-definitions", TOPIC, react)
