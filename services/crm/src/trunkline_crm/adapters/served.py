"""Who had a customer's contact connected: channels' facts as commands to crm (ledger rule 13). Pure."""

from collections.abc import Sequence

from trunkline.contact.v1.contact_events_pb2 import ContactEvent
from trunkline_ledger.kafka.reader import EffectiveRecord
from trunkline_ledger.managers import ManagerCommand, ProcessManager

from trunkline_crm.adapters.wire import key_of
from trunkline_crm.domain.commands import Command, RecordService

_CONNECTED = ("ContactConnected", "ConsultationCompleted", "ContactTakenOver")
_KINDS = frozenset(f"trunkline.contact.v1.{kind}" for kind in _CONNECTED)


def contact_manager() -> ProcessManager[Command]:
    """Return the process manager that hears who has which contact."""
    return ProcessManager(name="crm-contacts", topic="contact.events.v1", react=react)


def react(effective: EffectiveRecord) -> Sequence[ManagerCommand[Command]]:
    """Return the command that the record leads to, none for records of no concern."""
    record = effective.record
    if record.type not in _KINDS:
        return ()
    event = ContactEvent.FromString(record.value)
    connected = getattr(event, event.WhichOneof("event") or "")
    tenant = event.metadata.tenant_id
    command = RecordService(connected.contact_id, connected.agent_id)
    return (
        ManagerCommand(
            key=key_of(command, tenant),
            tenant=tenant,
            actor="system",
            command=command,
            correlation_id=event.metadata.correlation_id,
            causation_id=event.metadata.event_id,
        ),
    )
