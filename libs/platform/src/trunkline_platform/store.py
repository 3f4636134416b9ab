"""The document store as a port: the narrow part of MongoDB that the embedded store and MongoDB both keep.

Owns: the port, its writes, and the check that nobody leaves the contract: another operator is a ValueError on every
implementation, also in tests. Must not: import a driver; `store_mongo` does.

Documents: string `_id`; values are None, bool, int64, float, str, bytes, aware datetimes in whole milliseconds, lists
and dictionaries. No transactions, change streams, text search, TTL, partial or sparse indexes: there are none here.
Read models only; whoever needs a truth writes to a ledger.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from trunkline_ledger.kafka.reader import Position

Document = Mapping[str, Any]
Query = Mapping[str, Any]
Update = Mapping[str, Mapping[str, Any]]
Order = Sequence[tuple[str, int]]
"""Fields with 1 for ascending, -1 for descending."""

MAX_FOUND = 10_000


@dataclass(frozen=True, slots=True)
class Upsert:
    """Write one document by id, so that writing it again changes nothing.

    Attributes:
        id: the document.
        update: update operators, e.g. `{"$set": {...}}`.
        version: when given, the document is made with this `version`, or changed if its own is lower; else it stays.
            Without it operators whose repetition adds up (`$inc`, `$push`) are refused.
    """

    id: str
    update: Update
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove one document by id; nothing happens where there is none."""

    id: str


Write = Upsert | Delete


class Rows(Protocol):
    """What can be read of a collection. Every method raises Transient when the store is away, ValueError outside the
    contract."""

    async def get(self, document_id: str) -> dict[str, Any] | None:
        """Return one document by id."""
        ...

    async def find(
        self, query: Query, *, limit: int, sort: Order = (), skip: int = 0, fields: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """Return at most `limit` (≤ 10,000) documents; of `fields` and `_id` only, when given."""
        ...

    async def count(self, query: Query) -> int:
        """Return how many documents match."""
        ...

    async def distinct(self, field: str, query: Query) -> list[Any]:
        """Return the different values of a field, in no order."""
        ...

    async def aggregate(self, pipeline: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Run match, group, sort, skip, limit, project, unwind and count stages; at most 10,000 results."""
        ...


class Collection(Rows, Protocol):
    """One collection."""

    async def ensure_index(self, fields: Order, *, unique: bool = False) -> None:
        """Make a full index. A unique one needs fields that every document has."""
        ...

    async def insert(self, document: Document) -> None:
        """Raises: Conflict when the id or a unique field is taken."""
        ...

    async def update(self, query: Query, update: Update, *, upsert: bool = False) -> bool:
        """Change one matching document; return whether one was changed or made. Raises: Conflict."""
        ...

    async def compare_and_set(self, document_id: str, version: int, update: Update) -> dict[str, Any] | None:
        """Change the document if it still has this `version`, and make that `version + 1`; return it, else None."""
        ...

    async def bulk(self, writes: Sequence[Write]) -> None:
        """Write all, in no order; confirmed when this returns, safe to repeat. Raises: Conflict."""
        ...

    async def delete(self, query: Query) -> int:
        """Remove all that match; return how many."""
        ...

    async def drop(self) -> None:
        """Remove the collection with its indexes; nothing happens where there is none."""
        ...


class RowStore(Protocol):
    """A database that is only read."""

    def collection(self, name: str) -> Rows:
        """Return what can be read of the collection."""
        ...


class Store(Protocol):
    """One database."""

    def collection(self, name: str) -> Collection:
        """Return the collection; it comes into being with its first document."""
        ...

    async def ping(self) -> None:
        """Raises: Transient when the store does not answer."""
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...


class Positions:
    """Where projections are, beside what they wrote: the ledger's ProjectionStore on any Store."""

    def __init__(self, store: Store) -> None:
        self._rows = store.collection("positions")

    async def load_positions(self, projection: str, topic: str) -> Mapping[int, Position]:
        """Return the next position of each partition that has one."""
        rows = await self._rows.find({"projection": projection, "topic": topic}, limit=MAX_FOUND)
        return {row["partition"]: Position(row["offset"], row["epoch"]) for row in rows}

    async def save_positions(self, projection: str, topic: str, positions: Mapping[int, Position]) -> None:
        """Remember the next position of each partition given, after everything before it is confirmed."""
        place = {"projection": projection, "topic": topic}
        await self._rows.bulk(
            [
                Upsert(
                    f"{projection}/{topic}/{partition}",
                    {"$set": place | {"partition": partition, "offset": position.offset, "epoch": position.epoch}},
                )
                for partition, position in positions.items()
            ]
        )

    async def forget(self, projection: str, topic: str) -> None:
        """Remove the positions of a projection that is no more."""
        await self._rows.delete({"projection": projection, "topic": topic})
