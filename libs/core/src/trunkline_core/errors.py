"""The tree of expected failures; every edge maps it once to its own protocol.

TrunklineError
├── Rejection       a rule said no, nothing changed           FAILED_PRECONDITION / 409
├── NotFound        no such row, or not the caller's tenant   NOT_FOUND / 404
│   └── Erased      the person behind the id was forgotten
├── Conflict        another payload under a known id          ABORTED / 409
├── Invalid         bad input; names the field                INVALID_ARGUMENT / 422
├── Overloaded      a bound was reached           (retry)     RESOURCE_EXHAUSTED / 429
├── Transient       unavailable or outcome unknown (retry)    UNAVAILABLE / 503
├── Poison          a record that cannot be decoded           stops one partition, or its DLQ
└── Misconfigured   the process cannot work as set up         one sentence, exit
"""

from typing import ClassVar


class TrunklineError(Exception):
    """An expected failure. `retryable`: the same request with the same id may succeed later."""

    retryable: ClassVar[bool] = False


class Rejection(TrunklineError):
    """A rule said no; nothing changed.

    `rule` is stable, e.g. `AgentAtCapacity`, and shown to the caller; `detail`, where there is one, says what stands in
    the way.
    """

    def __init__(self, rule: str, detail: str = "") -> None:
        super().__init__(f"{rule}: {detail}" if detail else rule)
        self.rule = rule
        self.detail = detail


class NotFound(TrunklineError):
    """No such row for this tenant; another tenant's row looks the same as none."""

    def __init__(self, kind: str, row_id: str) -> None:
        super().__init__(f"unknown {kind} {row_id}")
        self.kind = kind
        self.row_id = row_id


class Erased(NotFound):
    """The person behind this id was erased for good: nothing can be sealed for it any more. The words name nobody."""

    def __init__(self, owner: str) -> None:
        super().__init__("owner", owner)
        self.args = ("the person was erased",)


class Conflict(TrunklineError):
    """The id is known with another payload."""


class Invalid(TrunklineError):
    """Input that no state would accept. `field` is the dotted path of the field; `reason` never repeats its value."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class Overloaded(TrunklineError):
    """A bound was reached. `retry_after_s`: when to try again, in seconds."""

    retryable = True

    def __init__(self, what: str, retry_after_s: float) -> None:
        super().__init__(f"{what} is full")
        self.retry_after_s = retry_after_s


class Transient(TrunklineError):
    """Unavailable for now, or the outcome is unknown: retry with the same id after `retry_after_s` seconds."""

    retryable = True

    def __init__(self, what: str, retry_after_s: float = 1.0) -> None:
        super().__init__(what)
        self.retry_after_s = retry_after_s


class Poison(TrunklineError):
    """A valid record that this version cannot decode or apply."""


class Misconfigured(TrunklineError):
    """The process cannot work as set up; the message is one sentence that says what to change."""
