"""Where customers come in, as administrators define it; a definition replaces the one before as a whole."""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, Rejection
from trunkline_core.ids import check_id

from trunkline_channels.domain import commands
from trunkline_channels.domain.events import EntryPointPut, Event
from trunkline_channels.domain.state import ChannelsState, EntryPoint
from trunkline_channels.domain.words import Channel


def put(state: ChannelsState, command: commands.PutEntryPoint, context: Context) -> Iterator[Event]:
    """Take over an entry point; running contacts keep channel and flow they began with."""
    definition = command.entry_point
    if definition is None:
        raise Invalid("entry_point", "must be set")
    check_id("entry_point.entry_point_id", definition.entry_point_id)
    check_id("entry_point.flow_id", definition.flow_id)
    if definition.channel is Channel.UNSPECIFIED:
        raise Invalid("entry_point.channel", "must be set")
    known = state.entry_points.get(definition.entry_point_id)
    if known is not None and known.tenant != context.tenant:
        raise Rejection("EntryPointTaken")
    if known is None or known.definition != definition:
        yield EntryPointPut(definition)


def apply_put(state: ChannelsState, event: EntryPointPut, context: Context) -> None:
    """Put the definition in force."""
    state.entry_points.put(event.entry_point.entry_point_id, EntryPoint(context.tenant, event.entry_point))
