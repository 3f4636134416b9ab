"""Logs: one JSON object a line, a constant message and keys; nothing personal.

Owns: the format, the tenant and correlation id of the running work, redaction, and the rate limit on chatty libraries.
Must not: be called with texts built from data: put data in `extra`.
"""

import contextlib
import json
import logging
import sys
import time
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final, TextIO

from trunkline_core.errors import TrunklineError

from trunkline_platform.metrics import LOGS_SUPPRESSED

REDACTED: Final = "[redacted]"
# Field names that may carry personal data or secrets, whoever logs them.
SENSITIVE_KEYS: Final = frozenset(
    {
        "address",
        "authorization",
        "body",
        "ciphertext",
        "cookie",
        "display_name",
        "login",
        "password",
        "password_hash",
        "secret",
        "text",
        "token",
    }
)
# Not AssertionError: `assert_never` writes down the value.
SAFE_ERRORS: Final = (TrunklineError, OSError, AttributeError, NameError, RuntimeError, TypeError)
# Of uvicorn also because its lines about sockets name the client's address and whatever stands in the query.
CHATTY: Final = ("aiokafka", "faust", "grpc", "kafka", "mode", "pymongo", "uvicorn")
CHATTY_LINES: Final = 5
CHATTY_SPAN_S: Final = 10.0

_tenant: ContextVar[str] = ContextVar("trunkline_tenant", default="")
_correlation_id: ContextVar[str] = ContextVar("trunkline_correlation_id", default="")
_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


def get_logger(name: str) -> logging.Logger:
    """Return the logger of a module: `log.info("offer expired", extra={"contact_id": …})`."""
    return logging.getLogger(name)


@contextlib.contextmanager
def bound(tenant: str, correlation_id: str = "") -> Iterator[None]:
    """Name tenant and customer interaction in every line logged inside."""
    before = _tenant.get(), _correlation_id.get()
    _tenant.set(tenant)
    _correlation_id.set(correlation_id)
    try:
        yield
    finally:  # set, not reset: a generator may be closed from another context
        _tenant.set(before[0])
        _correlation_id.set(before[1])


def configure(service: str, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send all logs of the process to `stream` (stderr) in this format."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(service))
    handler.addFilter(RateLimit(CHATTY, CHATTY_LINES, CHATTY_SPAN_S))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


class JsonFormatter(logging.Formatter):
    """One line: time, level, logger, message, service, tenant, correlation id, then the record's own keys."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": shown_message(record),
            "service": self._service,
        }
        line |= {key: value for key, value in _context() if value}
        line |= {key: shown(key, value) for key, value in record.__dict__.items() if key not in _STANDARD}
        if record.exc_info and record.exc_info[1]:
            line["error"] = shown_error(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def shown_message(record: logging.LogRecord) -> str:
    """Return the message. asyncio's goes on with what it was about, the text of a failed task's error among it."""
    message = record.getMessage()
    return message.partition("\n")[0] if record.name == "asyncio" else message


def shown(key: str, value: object) -> object:
    """Return what a log may say of a value: simple values as they are, of everything else only its type."""
    if key.lower() in SENSITIVE_KEYS:
        return REDACTED
    if isinstance(value, Enum):
        return value.name
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, list | tuple | set | frozenset) and all(isinstance(item, str | int) for item in value):
        return sorted(value, key=str)[:20] if isinstance(value, set | frozenset) else list(value[:20])
    return f"<{type(value).__name__}>"


def shown_error(error: BaseException) -> list[str]:
    """Return the frames of an error and its causes; the text only of errors whose text never repeats a value."""
    text = f": {error}" if isinstance(error, SAFE_ERRORS) else ""
    lines = [f"{type(error).__name__}{text}"]
    lines += [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions[:5]:
            lines += shown_error(inner)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return lines + (["caused by", *shown_error(cause)] if cause else [])


class RateLimit(logging.Filter):
    """Lets at most `lines` of each message template of the named loggers pass in `span_s` seconds, counts the rest."""

    def __init__(self, names: tuple[str, ...], lines: int, span_s: float) -> None:
        super().__init__()
        self._names = names
        self._lines = lines
        self._span_s = span_s
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        library = record.name.partition(".")[0]
        if library not in self._names:
            return True
        if not self._is_within(library, str(record.msg), time.monotonic()):
            LOGS_SUPPRESSED.labels(library).inc()
            return False
        return True

    def _is_within(self, library: str, template: str, now: float) -> bool:
        if len(self._seen) > 1_000:
            self._seen.clear()
        started, count = self._seen.get((library, template), (now, 0))
        if now - started >= self._span_s:
            started, count = now, 0
        self._seen[(library, template)] = (started, count + 1)
        return count < self._lines


def _context() -> tuple[tuple[str, str], ...]:
    return (("tenant", _tenant.get()), ("correlation_id", _correlation_id.get()))
