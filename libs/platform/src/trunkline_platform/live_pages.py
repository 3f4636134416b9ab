"""What one partition has live, a page at a time, for the comparison of services (ADR 0017).

Owns: that a page is durable state of the partition's owner, and says up to where that has read; its bounds.
Must not: know an area's rows.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any, Final, Generic, TypeVar

from trunkline_core.errors import Invalid
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.submission import NotOwner

S = TypeVar("S")
R = TypeVar("R")

MAX_PAGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Rows by id, ascending; whether more follow; the offset below which everything is in here."""

    rows: list[R]
    has_more: bool
    next_offset: int
    partition_count: int


async def page_of(
    ledger: Ledger[Any, Any, Any],
    partition: int,
    rows: Callable[[S], Iterable[tuple[str, R]]],
    *,
    after: str,
    size: int,
) -> Page[R]:
    """Return the rows whose ids follow `after`.

    Args:
        rows: `state → (id, row)` of everything that is live; ids are unique.
        size: at most 1,000; 0 for that.

    Raises: Invalid; NotOwner from a replica that does not own the partition; Transient where it cannot tell now.
    """
    count = len(ledger.partitions)
    if partition not in ledger.partitions:
        raise Invalid("partition", f"must be below {count}")
    if not 0 <= size <= MAX_PAGE:
        raise Invalid("page_size", f"must be 0 to {MAX_PAGE}")
    if not ledger.owns(partition):
        raise NotOwner(partition, ledger.owner_of(partition))
    at_most = size or MAX_PAGE

    def view(state: S) -> tuple[list[tuple[str, R]], int]:
        following = (found for found in rows(state) if found[0] > after)
        return nsmallest(at_most + 1, following, key=lambda found: found[0]), ledger.core(partition).next_offset

    found, next_offset = await ledger.read(partition, view)
    page = [row for _, row in found[:at_most]]
    return Page(page, len(found) > at_most, next_offset, count)
