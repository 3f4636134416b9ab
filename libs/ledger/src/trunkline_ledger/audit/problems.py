"""What an audit finds wrong. `rule` is stable; places are topic/partition/offset; no detail holds personal data."""

from dataclasses import dataclass, field
from typing import Final

SHOWN: Final = 100  # of one partition: a broken log is broken everywhere


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken promise of a ledger."""

    rule: str
    place: str
    detail: str


@dataclass(slots=True)
class Problems:
    """The problems of one partition: all are counted, the first hundred kept."""

    place: str
    count: int = 0
    first: list[Problem] = field(default_factory=list)

    def add(self, rule: str, offset: int, detail: str) -> None:
        """Note a problem of the record at `offset`."""
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(Problem(rule, f"{self.place}/{offset}", detail))
