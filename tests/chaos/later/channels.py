"""channels a release later: the ended contacts of each tenant are tallied. Must not: decide otherwise than today."""

from trunkline.contact.v1.contact_commands_pb2 import ContactCommand
from trunkline.contact.v1.contact_events_pb2 import ContactEvent
from trunkline_channels import bootstrap
from trunkline_channels.domain.commands import Command
from trunkline_channels.domain.events import ContactClosed, Event
from trunkline_core.decider import Context

from chaos.later.events import LaterWire
from chaos.later.rules import AnyService, later

WIRE = LaterWire(events=Event, event_message=ContactEvent, commands=Command, command_message=ContactCommand)
_released = bootstrap.SERVICE


def ledger_service() -> AnyService:
    """Return channels as its ledger sees it."""
    return later(_released, WIRE, tallied_subject, f"{__name__}:{ledger_service.__name__}")


def tallied_subject(event: object, context: Context) -> str:
    """Return the tenant whose contact ended; each partition has a tally of its own."""
    return context.tenant if isinstance(event, ContactClosed) else ""


def install() -> None:
    """Let channels' own wiring use it."""
    bootstrap.SERVICE, bootstrap.WIRE = ledger_service(), WIRE
