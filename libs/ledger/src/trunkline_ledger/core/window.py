"""Deduplication of commands from outside (ledger rule 12).

Owns: first answers by (tenant, principal, command id), for 5 minutes of log time; a full window refuses, never evicts.
Must not: read a clock; rejections are not remembered.
"""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from trunkline_core.errors import Conflict, Invalid, Overloaded
from trunkline_core.ids import time_of
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
        self._order: deque[tuple[datetime, Key]] = deque()  # may hold entries that were rolled back: the table decides
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
        self.forget_expired(now)
        if len(self._entries) >= self._max_entries:
            raise Overloaded("the deduplication window", retry_after_s=5.0)

    def remember(self, key: Key, payload_hash: bytes, events: tuple[Recorded[E], ...], now: datetime) -> None:
        """Keep the first answer until max(now, the id's time) + 5 minutes."""
        self.forget_expired(now)  # here too: a standby only remembers
        expires = max(now, time_of(key[2])) + SPAN
        self._entries.put(key, Entry(payload_hash, expires, events))
        self._order.append((expires, key))

    def forget_expired(self, now: datetime) -> None:
        """Drop entries whose time is over."""
        while self._order and self._order[0][0] <= now:
            self._pop_oldest()

    def _pop_oldest(self) -> None:
        oldest = self._order.popleft()
        self._journal.record(lambda: self._order.appendleft(oldest))
        expires, key = oldest
        entry = self._entries.get(key)
        if entry is not None and entry.expires == expires:
            self._entries.delete(key)


def check_age(command_id: str, now: datetime) -> None:
    """Raises: Invalid, Expired when a new command may not have this id."""
    id_time = time_of(command_id)
    if id_time < now - SPAN:
        raise Expired
    if id_time > now + SPAN:
        raise Invalid("command_id", "its time is more than 5 minutes ahead")
