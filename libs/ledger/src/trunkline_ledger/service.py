"""What a service brings to its ledger: pure rules, and how its commands and events are written."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from trunkline_core.decider import Decider
from trunkline_core.tables import Journal
from trunkline_core.timers import Timers

from trunkline_ledger.core.metadata import Metadata

C = TypeVar("C")
E = TypeVar("E")


class LedgerState(Protocol):
    """State is tables and timers that share one journal."""

    @property
    def journal(self) -> Journal: ...

    @property
    def timers(self) -> Timers[Any]: ...


S = TypeVar("S", bound=LedgerState)


class Codec(Protocol[C, E]):
    """The bytes of a service's commands and events."""

    def encode_command(self, command: C) -> bytes:
        """Return the canonical bytes: the same command always gives the same."""
        ...

    def decode_command(self, payload: bytes) -> C:
        """Raises: Poison."""
        ...

    def encode_event(self, event: E, metadata: Metadata) -> bytes:
        """Return the event with its metadata as one record's value."""
        ...

    def decode_event(self, value: bytes) -> tuple[E, Metadata]:
        """Raises: Poison."""
        ...

    def event_type(self, event: E) -> str:
        """Return the full type name, for the fixed header."""
        ...


def _no_correlation(_: object) -> str:
    return ""


def _never(_: object) -> bool:
    return False


@dataclass(frozen=True)
class LedgerService(Generic[S, C, E]):
    """One service as its ledger sees it.

    Attributes:
        name: e.g. `acd`.
        topic: its private ledger topic.
        decider: the rules.
        new_state: makes the empty state of one partition.
        codec: bytes of commands and events.
        decider_version: named in the marker; another version may decide differently.
        stream_of: the aggregate an event belongs to.
        correlation_of: the customer interaction; empty for the submission's.
        is_ignorable: whether the event never changes state.
        is_last: whether the event ends its aggregate, so that nothing but what is late follows (rule 16).
        schema_version: newest schema that this release reads; raise it with new event types, and when `evolve` makes
            something else of events that exist, or a table or field of the state is added.
        written_version: newest schema of events that it writes; replicas that do not read it stand aside. A new event
            type raises `schema_version`, and this one a release later (rule 21); state alone never raises it.
        snapshots_since: the oldest schema version whose snapshots this release reads; what they lack is then empty or
            has its default.
        import_path: `module:name` of this very object, or of what returns it, for the process that makes snapshots;
            empty where none are to be made.
    """

    name: str
    topic: str
    decider: Decider[S, C, E]
    new_state: Callable[[], S]
    codec: Codec[C, E]
    decider_version: str
    stream_of: Callable[[E], str]
    correlation_of: Callable[[E], str] = _no_correlation
    is_ignorable: Callable[[E], bool] = _never
    is_last: Callable[[E], bool] = _never
    schema_version: int = 1
    written_version: int = 1
    snapshots_since: int = 1
    import_path: str = ""

    def __post_init__(self) -> None:
        if self.written_version > self.schema_version:
            raise ValueError(f"{self.name} writes schema {self.written_version} and reads {self.schema_version}")
