"""Deduplication of commands from outside (ledger rule 12).

Owns: first answers by (tenant, principal, command id), for 5 minutes of log time; a full window refuses, never evicts.
It changes with what is remembered alone, so that it is the same on every replica.
Must not: read a clock; rejections are not remembered.
"""

import heapq
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from trunkline_core.errors import Conflict, Invalid, Overloaded
from trunkline_core.ids import time_of
from trunkline_core.replacing import replace
from trunkline_core.tables import Journal, Table

from trunkline_ledger.submission import Expired, Recorded

E = TypeVar("E")

SPAN = timedelta(minutes=5)
MAX_ENTRIES = 1_000_000

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Entry(Generic[E]):
    """The first answer to a command."""

    payload_hash: bytes
    expires: datetime
    events: tuple[Recorded[E], ...]


class Window(Generic[E]):
    """The window of one partition."""

    def __init__(self, journal: Journal, max_entries: int = MAX_ENTRIES) -> None:
        self._journal = journal
        self._entries: Table[Key, Entry[E]] = Table(journal)
        self._order: list[tuple[datetime, Key]] = []  # a heap; may hold what was rolled back: the table decides
        self._max_entries = max_entries

    def __len__(self) -> int:
        return len(self._entries)

    def first_answer(self, key: Key, payload_hash: bytes) -> tuple[Recorded[E], ...] | None:
        """Return the events of a known command, None for a new one. Raises: Conflict for another payload."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.payload_hash != payload_hash:
            raise Conflict("command_id is known with another payload")
        return entry.events

    def check_new(self, command_id: str, now: datetime) -> None:
        """Raises: Invalid, Expired or Overloaded when a command that is not in the window must not be decided."""
        check_age(command_id, now)
        if len(self._entries) >= self._max_entries and not self._has_expired(now):
            raise Overloaded("the deduplication window", retry_after_s=5.0)

    def remember(self, key: Key, payload_hash: bytes, events: tuple[Recorded[E], ...], now: datetime) -> None:
        """Keep the first answer until max(now, the id's time) + 5 minutes, and drop those whose time is over."""
        while self._has_expired(now):
            self._drop_first()
        expires = max(now, time_of(key[2])) + SPAN
        self._entries.put(key, Entry(payload_hash, expires, tuple(map(_without_command, events))))
        heapq.heappush(self._order, (expires, key))

    def reindex(self) -> None:
        """The entries were loaded from a snapshot: their order follows."""
        self._order = [(entry.expires, key) for key, entry in self._entries.items()]
        heapq.heapify(self._order)

    def _has_expired(self, now: datetime) -> bool:
        """Whether the first entry's time is over: from then on its id is refused for its age."""
        while self._order and not self._is_current(self._order[0]):
            heapq.heappop(self._order)
        return bool(self._order) and self._order[0][0] < now

    def _is_current(self, place: tuple[datetime, Key]) -> bool:
        entry = self._entries.get(place[1])
        return entry is not None and entry.expires == place[0]

    def _drop_first(self) -> None:
        first = heapq.heappop(self._order)
        self._journal.record(lambda: heapq.heappush(self._order, first))
        self._entries.delete(first[1])


def _without_command(recorded: Recorded[E]) -> Recorded[E]:
    """Who repeats a command knows it; kept here, each long text would stand in memory twice."""
    metadata = recorded.metadata
    return replace(recorded, metadata=replace(metadata, command=b"")) if metadata.command else recorded


def check_age(command_id: str, now: datetime) -> None:
    """Raises: Invalid, Expired when a new command may not have this id."""
    id_time = time_of(command_id)
    if id_time < now - SPAN:
        raise Expired
    if id_time > now + SPAN:
        raise Invalid("command_id", "its time is more than 5 minutes ahead")
