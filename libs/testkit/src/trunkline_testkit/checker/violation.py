"""What a rule returns. Must not: know a rule."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise. `rule` is stable; `subject` names a command, contact, stream or place."""

    rule: str
    subject: str
    detail: str
