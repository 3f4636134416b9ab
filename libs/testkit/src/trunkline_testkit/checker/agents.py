"""Agents' time by acd's ledger: the seconds of an agent's states are its signed-in seconds, and rows are what happened.

Owns: both sides of the sum, one from sessions and one from rows. Must not: know metric definitions.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from trunkline.acd.v1.acd_types_pb2 import AgentRow, Connectivity, Intent

from trunkline_testkit.checker.log import EffectiveEvent, LedgerLog
from trunkline_testkit.checker.violation import Violation

STATES = ("connected", "connecting", "offered", "wrap_up", "not_responding", "away", "grace", "idle")


@dataclass(slots=True)
class AgentTime:
    """One agent. `signed_in_ms` from sessions; `state_ms` from rows, by `STATES`."""

    signed_in_ms: int = 0
    state_ms: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _since_ms: int | None = None
    _state: tuple[str, int] | None = None

    def sign_in(self, at_ms: int) -> None:
        """A desk opened; one that was open already changes nothing."""
        if self._since_ms is None:
            self._since_ms = at_ms

    def sign_out(self, at_ms: int) -> None:
        """The grace is over."""
        if self._since_ms is not None:
            self.signed_in_ms += at_ms - self._since_ms
            self._since_ms = None

    def change(self, state: str | None, at_ms: int) -> None:
        """The row says another state; None: not signed in."""
        if self._state is not None:
            name, since_ms = self._state
            self.state_ms[name] += at_ms - since_ms
        self._state = None if state is None else (state, at_ms)

    def close(self, at_ms: int) -> None:
        """The log ends here."""
        self.sign_out(at_ms)
        self.change(None, at_ms)


def agent_times(log: LedgerLog) -> dict[str, AgentTime]:
    """Return each agent's time up to the end of acd's ledger."""
    times: dict[str, AgentTime] = defaultdict(AgentTime)
    end_ms = 0
    for event in log.events:
        if event.area == "acd":
            end_ms = max(end_ms, event.record.append_ms)
            _apply(times, event)
    for time in times.values():
        time.close(end_ms)
    return dict(times)


def _apply(times: dict[str, AgentTime], event: EffectiveEvent) -> None:
    at_ms = event.record.append_ms
    match event.name:
        case "AgentSessionOpened":
            times[event.event.agent_id].sign_in(at_ms)
        case "AgentDisconnected":
            times[event.event.agent_id].sign_out(at_ms)
        case "RowsChanged":
            for row in event.event.agents:
                times[row.agent_id].change(state_of(row), at_ms)


def state_of(row: AgentRow) -> str | None:
    """Return the one state that an agent's row means, None for an agent who is not signed in."""
    if row.connectivity == Connectivity.CONNECTIVITY_DISCONNECTED:
        return None
    for state in ("connected", "connecting", "offered", "wrap_up", "not_responding"):
        if getattr(row, state):
            return state
    if row.connectivity == Connectivity.CONNECTIVITY_GRACE:
        return "grace"
    return "idle" if row.intent == Intent.INTENT_AVAILABLE else "away"


def wrong_agent_seconds(log: LedgerLog) -> Iterator[Violation]:
    """The seconds of an agent's states are its signed-in seconds."""
    for agent_id, time in sorted(agent_times(log).items()):
        spent_ms = sum(time.state_ms.values())
        if spent_ms != time.signed_in_ms:
            yield Violation("AgentSecondsDiffer", agent_id, f"signed in {time.signed_in_ms} ms, states {spent_ms} ms")
