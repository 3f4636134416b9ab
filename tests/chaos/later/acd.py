"""acd a release later: the wrap-ups of each agent are tallied. Must not: decide otherwise than today."""

from trunkline.acd.v1.acd_commands_pb2 import AcdCommand
from trunkline.acd.v1.acd_events_pb2 import AcdEvent
from trunkline_acd import bootstrap
from trunkline_acd.domain.commands import Command
from trunkline_acd.domain.events import Event, WrapUpFinished
from trunkline_core.decider import Context

from chaos.later.events import LaterWire
from chaos.later.rules import AnyService, later

WIRE = LaterWire(events=Event, event_message=AcdEvent, commands=Command, command_message=AcdCommand)
_released = bootstrap.ledger_service


def ledger_service() -> AnyService:
    """Return acd as its ledger sees it."""
    return later(_released(), WIRE, tallied_subject, f"{__name__}:{ledger_service.__name__}")


def tallied_subject(event: object, _: Context) -> str:
    """Return the agent whose wrap-up ended."""
    return event.agent_id if isinstance(event, WrapUpFinished) else ""


def install() -> None:
    """Let acd's own wiring use it."""
    bootstrap.ledger_service, bootstrap.CODEC = ledger_service, WIRE
