"""The directory's targets of notices become ours: a process manager (ledger rule 13).

Owns: which directory events concern tickets. Must not: check definitions; the decider does.
"""

from collections.abc import Sequence

from trunkline.directory.v1 import directory_events_pb2, directory_types_pb2
from trunkline_core.webhooks import NoticeTargetDefinition
from trunkline_ledger.kafka.reader import EffectiveRecord
from trunkline_ledger.managers import ManagerCommand, ProcessManager
from trunkline_platform.wire import Mapper

from trunkline_ticketing.domain.commands import Command, PutNoticeTarget

TOPIC = "directory.events.v1"

_TARGET: Mapper[NoticeTargetDefinition] = Mapper(NoticeTargetDefinition, directory_types_pb2.NoticeTargetDefinition)
_KIND = "trunkline.directory.v1.NoticeTargetDefined"


def directory_manager() -> ProcessManager[Command]:
    """Return the process manager that keeps targets of notices as the directory defines them."""
    return ProcessManager(name="ticketing-directory", topic=TOPIC, react=react)


def react(effective: EffectiveRecord) -> Sequence[ManagerCommand[Command]]:
    """Return the command that the record leads to, none for records of no concern."""
    if effective.record.type != _KIND:
        return ()
    event = directory_events_pb2.DirectoryEvent.FromString(effective.record.value)
    tenant = event.metadata.tenant_id
    return (
        ManagerCommand(
            key=tenant,
            tenant=tenant,
            actor="system",
            command=PutNoticeTarget(_TARGET.from_message(event.notice_target_defined.notice_target)),
            correlation_id=event.metadata.correlation_id,
            causation_id=event.metadata.event_id,
        ),
    )
