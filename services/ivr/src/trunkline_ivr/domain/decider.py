"""Self-service as a decider: sends each command and each event to the module of its noun. Must not: have own rules."""

from collections.abc import Iterator
from typing import assert_never

from trunkline_core.decider import Context

from trunkline_ivr.domain import definitions, events, sessions
from trunkline_ivr.domain.commands import (
    AdvanceSession,
    Command,
    EndSession,
    ExpireInput,
    PutFlow,
    PutHours,
    StartSession,
)
from trunkline_ivr.domain.events import Event
from trunkline_ivr.domain.state import IvrState


class IvrDecider:
    """The rules of self-service."""

    def decide(self, state: IvrState, command: Command, context: Context) -> Iterator[Event]:
        """Yield what the command causes. Raises: TrunklineError."""
        match command:
            case PutFlow():
                return definitions.put_flow(state, command, context)
            case PutHours():
                return definitions.put_hours(state, command, context)
            case StartSession():
                return sessions.start(state, command, context)
            case AdvanceSession():
                return sessions.advance(state, command, context)
            case EndSession():
                return sessions.end(state, command, context)
            case ExpireInput():
                return sessions.expire(state, command, context)
            case _:
                assert_never(command)

    def evolve(self, state: IvrState, event: Event, context: Context) -> None:
        """Apply one event."""
        match event:
            case events.FlowPut():
                definitions.apply_flow_put(state, event, context)
            case events.HoursPut():
                definitions.apply_hours_put(state, event, context)
            case events.SessionStarted():
                sessions.apply_started(state, event, context)
            case events.InputTaken():
                sessions.apply_input_taken(state, event)
            case events.InputExpired():
                sessions.apply_input_expired(state, event)
            case events.TextSaid():
                sessions.apply_text_said(state, event)
            case events.InputAwaited():
                sessions.apply_awaited(state, event)
            case events.PersonRequested() | events.SelfServiceCompleted():
                sessions.apply_done(state, event, context)
            case events.SessionEnded():
                sessions.apply_ended(state, event, context)
            case _:
                assert_never(event)
