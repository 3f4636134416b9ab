"""What is handed to a ledger and what comes back."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Generic, TypeVar

from trunkline_core.errors import Rejection, Transient, TrunklineError

from trunkline_ledger.core.epochs import Owner
from trunkline_ledger.core.metadata import Metadata

C = TypeVar("C")
E = TypeVar("E")


class Lane(IntEnum):
    """Which queue a command waits in; lower goes first (ledger rule 20)."""

    INTERNAL = 0
    ENDING = 1
    NEW = 2


@dataclass(frozen=True, slots=True)
class ManagerSource:
    """Which record of another ledger a process manager answered; `ordinal` numbers several commands of one record."""

    manager: str
    topic: str
    partition: int
    offset: int
    epoch: int
    ordinal: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission(Generic[C]):
    """One command on its way to the owner.

    Attributes:
        key: record key; its hash names the partition.
        command_id: UUIDv7 when from outside; anything unique when internal.
        tenant, actor: from the credential.
        principal: who sent it, part of the deduplication key; empty means the actor.
        payload_hash: set for commands from outside: then deduplication and the id's age apply (rule 12).
        timeout: how long the caller waits; None means the ledger's own bound.
        source: set for a process manager's command (rule 13).
        follows: the manager's input before `source`; unless it was applied, this one is refused as Transient, so that
            inputs may be handed over without waiting for each other and still take effect strictly in order.
        partition: overrides the key's partition, for definitions that stand on each.
        received_monotonic: when it came in, in monotonic seconds, for the owner's latency.
    """

    command: C
    key: str
    command_id: str
    tenant: str
    actor: str
    lane: Lane = Lane.NEW
    principal: str = ""
    payload_hash: bytes = b""
    correlation_id: str = ""
    causation_id: str = ""
    timeout: timedelta | None = None
    source: ManagerSource | None = None
    follows: ManagerSource | None = None
    partition: int | None = None
    received_monotonic: float | None = None

    @property
    def turn(self) -> Hashable:
        """Who takes turns within a lane (ledger rule 20): the tenant; but all inputs of a process manager from one
        source partition go in one queue, because they take effect strictly in order (rule 13)."""
        if self.source is None:
            return self.tenant
        return self.source.manager, self.source.topic, self.source.partition


@dataclass(frozen=True, slots=True)
class ReadToken:
    """How far to read to see a command's effect (ledger rule 18)."""

    partition: int
    offset: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Recorded(Generic[E]):
    """One effective event at its place; `owner_latency_s` only on the replica that decided it."""

    event: E
    metadata: Metadata
    partition: int
    offset: int
    key: str
    owner_latency_s: float | None = None


@dataclass(frozen=True, slots=True)
class Committed(Generic[E]):
    """The answer to a command: its events, durable and effective."""

    events: tuple[Recorded[E], ...]
    token: ReadToken


class NotOwner(Transient):
    """This replica does not own the partition; `owner` does, as far as it knows: forward to it (ledger rule 19)."""

    def __init__(self, partition: int, owner: Owner | None) -> None:
        super().__init__(f"partition {partition} is owned elsewhere", retry_after_s=0.2)
        self.partition = partition
        self.owner = owner


class OutcomeUnknown(Transient):
    """Appended perhaps: retry with the same id to learn the answer (ledger rule 10)."""


class Expired(Rejection):
    """The command id is older than the deduplication window: whether it was carried out can no longer be told."""

    def __init__(self) -> None:
        super().__init__("CommandExpired")


class Defect(TrunklineError):
    """The rules failed on this command by a defect of theirs; nothing changed. Its cause is chained."""
