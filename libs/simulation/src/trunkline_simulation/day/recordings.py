"""The recorded day: rows of the call-by-call file and the cleaning of their oddities.

Owns: the file format, its errors, and the meaning of a row.
Must not: draw random numbers or know agents' pauses. All times are local clock times as seconds of the day.
"""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

COLUMNS = (
    "vru_line", "call_id", "customer_id", "priority", "type", "date", "vru_entry", "vru_exit", "vru_time",
    "q_start", "q_exit", "q_time", "outcome", "ser_start", "ser_exit", "ser_time", "server",
)  # fmt: skip
NOBODY = "NO_SERVER"
_CLOCK = re.compile(r"(\d{1,2}):([0-5]\d):([0-5]\d)", re.ASCII)
_HOURS = 24


class BadRecording(ValueError):
    """The file is not a recorded day. `line` counts from 1 (the header); `column` is None for the whole line."""

    def __init__(self, line: int, column: str | None, reason: str) -> None:
        super().__init__(f"line {line}{f', column {column}' if column else ''}: {reason}")
        self.line = line
        self.column = column
        self.reason = reason


class Outcome(StrEnum):
    AGENT = "AGENT"
    HANG = "HANG"
    PHANTOM = "PHANTOM"


@dataclass(frozen=True, slots=True)
class Recording:
    """One call as it happened. `*_s` are seconds of the day or, for `menu_s`, `waited_s`, `service_s`, durations.

    `enqueue_s` is None for callers who hung up in the menu; `server` is None when no named agent served the call;
    `service_start_s` is None when the file does not know it.
    """

    line: int
    type: str
    priority: int
    outcome: Outcome
    arrival_s: int
    menu_s: int
    enqueue_s: int | None
    waited_s: int
    service_start_s: int | None
    service_end_s: int | None
    service_s: int
    server: str | None

    @property
    def is_served(self) -> bool:
        return self.outcome is Outcome.AGENT


def read_recordings(path: Path) -> tuple[Recording, ...]:
    """Read a day without its phantom calls. Raises: BadRecording, OSError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return parse_recordings(lines)
    except UnicodeDecodeError as error:
        raise BadRecording(1, None, f"not UTF-8 text ({error.reason})") from error


def parse_recordings(lines: Iterable[str]) -> tuple[Recording, ...]:
    """Rows in order of arrival, phantoms dropped. Raises: BadRecording."""
    reader = csv.DictReader(lines, strict=True)
    try:
        _check_header(reader.fieldnames)
        rows = [_clean(_Fields(reader.line_num, row)) for row in reader]
    except csv.Error as error:
        raise BadRecording(reader.line_num, None, str(error)) from error
    kept = [row for row in rows if row.outcome is not Outcome.PHANTOM]
    if not kept:
        raise BadRecording(max(reader.line_num, 1), None, "the file has no calls")
    return tuple(sorted(kept, key=lambda row: (row.arrival_s, row.line)))


def _check_header(names: Iterable[str] | None) -> None:
    present = list(names or ())
    for column in COLUMNS:
        if present.count(column) != 1:
            raise BadRecording(
                1, column, "missing from the header" if column not in present else "named twice in the header"
            )


class _Fields:
    """One raw line, read column by column so that an error can name the place."""

    def __init__(self, line: int, row: Mapping[str | None, str | list[str] | None]) -> None:
        self.line = line
        self._row = row
        if None in row:
            raise BadRecording(line, None, "more fields than the header")

    def text(self, column: str) -> str:
        value = self._row.get(column)
        if not isinstance(value, str) or not value.strip():
            raise BadRecording(self.line, column, "empty")
        return value.strip()

    def number(self, column: str) -> int:
        text = self.text(column)
        try:
            return int(text)
        except ValueError:
            raise BadRecording(self.line, column, f"{text!r} is not a whole number") from None

    def seconds(self, column: str) -> int:
        value = self.number(column)
        if value < 0:
            raise BadRecording(self.line, column, f"{value} is negative")
        return value

    def clock(self, column: str) -> int:
        """Second of the day."""
        text = self.text(column)
        match = _CLOCK.fullmatch(text)
        if not match or int(match[1]) >= _HOURS:
            raise BadRecording(self.line, column, f"{text!r} is not a time h:mm:ss")
        return int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3])

    def clock_or_none(self, column: str) -> int | None:
        """Second of the day; the file writes 0:00:00 for "none"."""
        return self.clock(column) or None

    def outcome(self, column: str) -> Outcome:
        text = self.text(column)
        try:
            return Outcome(text)
        except ValueError:
            raise BadRecording(self.line, column, f"{text!r} is not AGENT, HANG or PHANTOM") from None


def _clean(fields: _Fields) -> Recording:
    outcome = fields.outcome("outcome")
    vru_exit = fields.clock("vru_exit")
    menu_s = max(0, vru_exit - fields.clock("vru_entry"))  # three rows leave the menu before they enter it
    waited_s = fields.seconds("q_time")
    enqueue_s = fields.clock_or_none("q_start")
    if enqueue_s is None and (outcome is Outcome.AGENT or waited_s > 0):
        enqueue_s = vru_exit
    service_start_s = fields.clock_or_none("ser_start")
    service_end_s = fields.clock_or_none("ser_exit") if service_start_s is not None else None
    if service_start_s is not None and (service_end_s is None or service_end_s < service_start_s):
        raise BadRecording(fields.line, "ser_exit", "before ser_start")
    server = fields.text("server")
    return Recording(
        line=fields.line,
        type=fields.text("type"),
        priority=_priority(fields),
        outcome=outcome,
        arrival_s=(vru_exit if enqueue_s is None else enqueue_s) - menu_s,
        menu_s=menu_s,
        enqueue_s=enqueue_s,
        waited_s=waited_s,
        service_start_s=service_start_s,
        service_end_s=service_end_s,
        service_s=fields.seconds("ser_time"),
        server=None if server == NOBODY else server,
    )


def _priority(fields: _Fields) -> int:
    value = fields.number("priority")
    if value not in (0, 1, 2):
        raise BadRecording(fields.line, "priority", f"{value} is not 0, 1 or 2")
    return value
