"""Flows and hours as the directory publishes them: each partition keeps the newest of each, by version."""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid
from trunkline_core.flows import check_flow, check_hours

from trunkline_ivr.domain.commands import PutFlow, PutHours
from trunkline_ivr.domain.events import Event, FlowPut, HoursPut
from trunkline_ivr.domain.state import IvrState


def put_flow(state: IvrState, command: PutFlow, context: Context) -> Iterator[Event]:
    """Take a newer version over; one that is known or older changes nothing. Raises: Invalid."""
    check_flow(command.flow)
    if command.flow_version < 1:
        raise Invalid("flow_version", "must be at least 1")
    known = state.newest_flow(context.tenant, command.flow.flow_id)
    if known is None or command.flow_version > known.version:
        yield FlowPut(command.flow, command.flow_version)


def put_hours(state: IvrState, command: PutHours, context: Context) -> Iterator[Event]:
    """Take hours over unless they are the ones in force. Raises: Invalid."""
    check_hours(command.hours)
    if state.hours.get((context.tenant, command.hours.hours_id)) != command.hours:
        yield HoursPut(command.hours)


def apply_flow_put(state: IvrState, event: FlowPut, context: Context) -> None:
    """Keep the version for new sessions."""
    state.put_flow(context.tenant, event.flow, event.flow_version)


def apply_hours_put(state: IvrState, event: HoursPut, context: Context) -> None:
    """Keep the hours; sessions look at the newest."""
    state.hours.put((context.tenant, event.hours.hours_id), event.hours)
