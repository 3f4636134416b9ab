"""Generations of a read model: which one is read, and which one is being built beside it (ADR 0018).

Owns: the pointer document of each read model, and that everybody reads the generation it names at that moment.
Must not: write a read model.

    live ──request──▶ filling ──caught up──▶ both ──settled──▶ live, the old one retired ──dropped──▶ live

`read_models`: {_id: name of the projection, version, phase, live, next, retired}; no document means generation 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

from trunkline_core.errors import Conflict

from trunkline_platform.store import Collection, Order, Query, Rows, Store

POINTERS: Final = "read_models"


class Phase(Enum):
    """How far a rebuild is. FILLING: the next generation is written alone, from offset 0. BOTH: each record goes into
    the next generation first and then into the live one."""

    LIVE = "live"
    FILLING = "filling"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which generations there are. `next` and `retired` are None where there is none; `version` guards the document."""

    name: str
    version: int = 0
    phase: Phase = Phase.LIVE
    live: int = 0
    next: int | None = None
    retired: int | None = None

    def requested(self) -> "Pointer":
        """A rebuild begins, under a number that no generation had: a slow replica may still be dropping one that was
        abandoned. Raises: Conflict while another is not over."""
        if self.phase is not Phase.LIVE or self.retired is not None:
            raise Conflict(f"the read model {self.name} is being rebuilt already")
        return replace(self, phase=Phase.FILLING, next=max(self.live, self.version) + 1)

    def abandoned(self) -> "Pointer":
        """The rebuild ends without effect. Raises: Conflict where there is none."""
        if self.next is None:
            raise Conflict(f"the read model {self.name} is not being rebuilt")
        return replace(self, phase=Phase.LIVE, next=None, retired=self.next)

    def caught_up(self) -> "Pointer":
        """The next generation is nearly as far as the live one."""
        return replace(self, phase=Phase.BOTH)

    def swapped(self) -> "Pointer":
        """From now on the next generation is read."""
        assert self.next is not None
        return replace(self, phase=Phase.LIVE, live=self.next, next=None, retired=self.live)

    def cleared(self) -> "Pointer":
        """The retired generation is gone."""
        return replace(self, retired=None)


class Pointers:
    """The pointer documents of one store. Every method raises Transient when the store is away."""

    def __init__(self, store: Store) -> None:
        self._rows = store.collection(POINTERS)

    async def get(self, name: str) -> Pointer:
        """Return where the read model stands."""
        row = await self._rows.get(name)
        if row is None:
            return Pointer(name)
        return Pointer(name, row["version"], Phase(row["phase"]), row["live"], row["next"], row["retired"])

    async def move(self, before: Pointer, after: Pointer) -> bool:
        """Write `after` if nobody wrote since `before` was read; return whether it was written."""
        fields = {"phase": after.phase.value, "live": after.live, "next": after.next, "retired": after.retired}
        if before.version:
            return await self._rows.compare_and_set(before.name, before.version, {"$set": fields}) is not None
        try:
            await self._rows.insert({"_id": before.name, "version": 1, **fields})
        except Conflict:
            return False
        return True


def collection_name(name: str, generation: int) -> str:
    """Return how a generation's collection is called; the first one has the plain name."""
    return f"{name}_g{generation}" if generation else name


class Generation:
    """One generation of a read model as a store of its own; `names` are the collections it was asked for."""

    def __init__(self, store: Store, number: int) -> None:
        self.names: set[str] = set()
        self._store = store
        self._number = number

    def collection(self, name: str) -> Collection:
        self.names.add(name)
        return self._store.collection(collection_name(name, self._number))

    async def ping(self) -> None:
        await self._store.ping()

    async def close(self) -> None:
        """The store is closed by who opened it."""

    async def drop(self) -> None:
        """Remove its collections. Raises: Transient."""
        for name in sorted(self.names):
            await self.collection(name).drop()


class LiveGeneration:
    """The generation that is read now. The pointer is asked for each time: so no reader goes back, whoever answered."""

    def __init__(self, store: Store, read_model: str) -> None:
        self._store = store
        self._pointers = Pointers(store)
        self._read_model = read_model

    def collection(self, name: str) -> Rows:
        return _LiveRows(self, name)

    async def rows(self, name: str) -> Rows:
        """Return the collection as it is read at this moment. Raises: Transient."""
        pointer = await self._pointers.get(self._read_model)
        return self._store.collection(collection_name(name, pointer.live))


class _LiveRows:
    """One collection of whatever generation is live when it is asked."""

    def __init__(self, live: LiveGeneration, name: str) -> None:
        self._live = live
        self._name = name

    async def get(self, document_id: str) -> dict[str, Any] | None:
        return await (await self._rows()).get(document_id)

    async def find(
        self, query: Query, *, limit: int, sort: Order = (), skip: int = 0, fields: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        return await (await self._rows()).find(query, limit=limit, sort=sort, skip=skip, fields=fields)

    async def count(self, query: Query) -> int:
        return await (await self._rows()).count(query)

    async def distinct(self, field: str, query: Query) -> list[Any]:
        return await (await self._rows()).distinct(field, query)

    async def aggregate(self, pipeline: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return await (await self._rows()).aggregate(pipeline)

    async def _rows(self) -> Rows:
        return await self._live.rows(self._name)
