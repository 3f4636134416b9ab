"""The directory's events become definitions here: a process manager (ledger rule 13).

Owns: which directory events concern routing. Must not: check definitions; the decider does.
"""

from collections.abc import Sequence

from trunkline.directory.v1 import directory_events_pb2, directory_types_pb2
from trunkline_core.routing import AgentDefinition, QueueDefinition
from trunkline_ledger.kafka.reader import EffectiveRecord
from trunkline_ledger.managers import ManagerCommand, ProcessManager
from trunkline_platform.wire import Mapper

from trunkline_acd.domain.commands import Command, PutAgent, PutPolicy, PutQueue, PutWrapUpCode
from trunkline_acd.domain.state import routing_domain_id

TOPIC = "directory.events.v1"

_QUEUE: Mapper[QueueDefinition] = Mapper(QueueDefinition, directory_types_pb2.QueueDefinition)
_AGENT: Mapper[AgentDefinition] = Mapper(AgentDefinition, directory_types_pb2.AgentDefinition)
_CONCERNING = ("QueueDefined", "PolicyPublished", "AgentDefined", "WrapUpCodeDefined")
_KINDS = frozenset(f"trunkline.directory.v1.{kind}" for kind in _CONCERNING)


def directory_manager() -> ProcessManager[Command]:
    """Return the process manager that keeps queues, agents and wrap-up codes as the directory defines them."""
    return ProcessManager(name="acd-directory", topic=TOPIC, react=react)


def react(effective: EffectiveRecord) -> Sequence[ManagerCommand[Command]]:
    """Return the command that the record leads to, none for records of no concern."""
    record = effective.record
    if record.type not in _KINDS:
        return ()
    event = directory_events_pb2.DirectoryEvent.FromString(record.value)
    tenant = event.metadata.tenant_id
    return (
        ManagerCommand(
            key=routing_domain_id(tenant),
            tenant=tenant,
            actor="system",
            command=_command(event),
            correlation_id=event.metadata.correlation_id,
            causation_id=event.metadata.event_id,
        ),
    )


def _command(event: directory_events_pb2.DirectoryEvent) -> Command:
    if event.HasField("queue_defined"):
        return PutQueue(_QUEUE.from_message(event.queue_defined.queue))
    if event.HasField("policy_published"):
        published = event.policy_published
        return PutPolicy(published.version, tuple(map(_QUEUE.from_message, published.queues)))
    if event.HasField("wrap_up_code_defined"):
        return PutWrapUpCode(event.wrap_up_code_defined.wrap_up_code.code)
    return PutAgent(_AGENT.from_message(event.agent_defined.agent))
