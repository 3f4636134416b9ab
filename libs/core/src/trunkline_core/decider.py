"""The shape of business rules: decide says what happens, evolve applies it.

Owns: the order decide → evolve after each event, and that a refused command leaves the state as it was.
Must not: know a service, a clock, Kafka or protobuf.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from trunkline_core.ids import derive_id
from trunkline_core.tables import Journal


@dataclass(frozen=True, slots=True)
class Context:
    """What a decision and its events may know besides state and command.

    Attributes:
        now: the owner's log time, aware UTC; the only clock a rule sees.
        tenant: from the credential, never from the payload.
        actor: who asked, e.g. `agent:ag_1`, `customer`, `system`.
        command_id: the caller's id of the command; ids that the command creates derive from it.
    """

    now: datetime
    tenant: str
    actor: str
    command_id: str

    def new_id(self, prefix: str, ordinal: int = 0) -> str:
        """Return a new id; `ordinal` numbers several of one prefix within the command."""
        return derive_id(prefix, self.command_id, ordinal)


class State(Protocol):
    """State is tables that share one journal."""

    @property
    def journal(self) -> Journal: ...


S = TypeVar("S", bound=State)
S_contra = TypeVar("S_contra", bound=State, contravariant=True)
C_contra = TypeVar("C_contra", contravariant=True)
C = TypeVar("C")
E = TypeVar("E")


class Decider(Protocol[S_contra, C_contra, E]):
    """The rules of one service."""

    def decide(self, state: S_contra, command: C_contra, context: Context) -> Iterator[E]:
        """Yield what happens; the state has evolved by each event when the next one is asked for.

        Raises: TrunklineError, before or after some events; the caller rolls back.
        """
        ...

    def evolve(self, state: S_contra, event: E, context: Context) -> None:
        """Apply one event. Total: knows every event and refuses none."""
        ...


def execute(decider: Decider[S, C, E], state: S, command: C, context: Context) -> list[E]:
    """Decide and evolve; whatever is raised, the state is left as it was before."""
    mark = state.journal.mark()
    events: list[E] = []
    try:
        for event in decider.decide(state, command, context):
            decider.evolve(state, event, context)
            events.append(event)
    except BaseException:
        state.journal.rollback(mark)
        raise
    return events
