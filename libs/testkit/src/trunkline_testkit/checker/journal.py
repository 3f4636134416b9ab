"""What clients wrote down: one JSON object a line, on disk before the client goes on.

{"state": "sent", "command_id": "…", "kind": "OpenContact", "contact_id": "ct_…", …}
`sent` before the command leaves, `acked` when the answer came (with `events`, how many it named; 0 is allowed to leave
no trace), `refused` when the answer was a rule's refusal.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import IO, Any, Self


class EntryState(Enum):
    """How far the client got with a command."""

    SENT = "sent"
    ACKED = "acked"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `events` is how many events the answer named; None when the client did not look."""

    state: EntryState
    command_id: str
    kind: str = ""
    contact_id: str = ""
    events: int | None = None
    more: dict[str, Any] = field(default_factory=dict)


class ClientJournal:
    """Writes a journal. Each method returns after the line is on disk (fsync), so a kill loses nothing."""

    def __init__(self, path: Path) -> None:
        self._file: IO[str] = path.open("a", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def sent(self, command_id: str, kind: str, contact_id: str = "", **more: Any) -> None:
        """Write before sending."""
        self._write("sent", command_id, kind, contact_id, more)

    def acked(self, command_id: str, kind: str, contact_id: str = "", **more: Any) -> None:
        """Write after the answer, before anything is done because of it."""
        self._write("acked", command_id, kind, contact_id, more)

    def refused(self, command_id: str, kind: str, contact_id: str = "", **more: Any) -> None:
        """Write after a refusal by a rule; not after Transient, whose outcome is unknown."""
        self._write("refused", command_id, kind, contact_id, more)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, state: str, command_id: str, kind: str, contact_id: str, more: dict[str, Any]) -> None:
        line = {"state": state, "command_id": command_id, "kind": kind, "contact_id": contact_id, **more}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def read_journal(path: Path) -> list[Entry]:
    """Return all whole lines; the last one may be cut by a kill. Raises: ValueError for any other line."""
    return list(_entries(path.read_text(encoding="utf-8")))


def _entries(text: str) -> Iterator[Entry]:
    for number, line in enumerate(text.split("\n")[:-1], 1):  # after the last newline: empty, or cut
        try:
            fields = json.loads(line)
            yield Entry(
                state=EntryState(fields.pop("state")),
                command_id=fields.pop("command_id"),
                kind=fields.pop("kind", ""),
                contact_id=fields.pop("contact_id", ""),
                events=fields.pop("events", None),
                more=fields,
            )
        except (KeyError, ValueError) as error:
            raise ValueError(f"line {number} is no journal entry") from error
