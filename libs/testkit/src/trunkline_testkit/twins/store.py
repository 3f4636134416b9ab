"""The document store in memory; passes `contracts.store`."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from trunkline_core.errors import Conflict, Transient
from trunkline_platform.store import MAX_FOUND, Delete, Document, Order, Query, Update, Upsert, Write
from trunkline_platform.store_contract import (
    check_document,
    check_limit,
    check_pipeline,
    check_query,
    check_update,
    check_upsert,
)

from trunkline_testkit.twins.documents import MISSING, change, matches, normalised, sort_documents, values_at
from trunkline_testkit.twins.pipeline import run_pipeline

Documents = dict[str, dict[str, Any]]


class MemoryStore:
    """Forgets everything with the process. `is_away = True` makes every call raise Transient, as a lost store does."""

    def __init__(self) -> None:
        self.is_away = False
        self._collections: dict[str, MemoryCollection] = {}

    def collection(self, name: str) -> "MemoryCollection":
        return self._collections.setdefault(name, MemoryCollection(self))

    async def ping(self) -> None:
        self.check_reachable()

    async def close(self) -> None:
        """Nothing to let go of."""

    def check_reachable(self) -> None:
        """Raises: Transient while the store is away."""
        if self.is_away:
            raise Transient("the store does not answer (MemoryStore)")


class MemoryCollection:
    """One collection of a `MemoryStore`."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._documents: Documents = {}
        self._unique: list[tuple[str, ...]] = []

    async def ensure_index(self, fields: Order, *, unique: bool = False) -> None:
        self._store.check_reachable()
        if unique and (names := tuple(name for name, _ in fields)) not in self._unique:
            self._unique.append(names)

    async def insert(self, document: Document) -> None:
        check_document(document)
        self._store.check_reachable()
        if document["_id"] in self._documents:
            raise Conflict("a document with this id or unique field exists")
        self._put(dict(document))

    async def get(self, document_id: str) -> dict[str, Any] | None:
        self._store.check_reachable()
        return copy.deepcopy(self._documents.get(document_id))

    async def find(
        self, query: Query, *, limit: int, sort: Order = (), skip: int = 0, fields: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        check_limit(limit)
        found = sort_documents(self._matching(query), sort)[skip : skip + limit]
        if fields:
            found = run_pipeline(found, [{"$project": dict.fromkeys(fields, 1)}])
        return copy.deepcopy(found)

    async def count(self, query: Query) -> int:
        return len(self._matching(query))

    async def distinct(self, field: str, query: Query) -> list[Any]:
        found = [item for document in self._matching(query) for item in _flat(values_at(document, field))]
        return [item for number, item in enumerate(found) if item not in found[:number]]

    async def update(self, query: Query, update: Update, *, upsert: bool = False) -> bool:
        check_update(update)
        found = self._matching(query)
        if found:
            self._change(found[0], update, inserting=False)
        elif upsert:
            self._change(_equalities(query), update, inserting=True)
        return bool(found or upsert)

    async def compare_and_set(self, document_id: str, version: int, update: Update) -> dict[str, Any] | None:
        check_update(update)
        found = self._matching({"_id": document_id, "version": version})
        if not found:
            return None
        self._change(found[0], update, inserting=False, version=version + 1)
        return await self.get(document_id)

    async def bulk(self, writes: Sequence[Write]) -> None:
        for write in writes:
            if isinstance(write, Upsert):
                check_upsert(write)
        self._store.check_reachable()
        conflicts = [conflict for write in writes if (conflict := self._write(write))]
        if conflicts:
            raise conflicts[0]

    async def delete(self, query: Query) -> int:
        found = self._matching(query)
        for document in found:
            del self._documents[document["_id"]]
        return len(found)

    async def drop(self) -> None:
        self._store.check_reachable()
        self._documents.clear()
        self._unique.clear()

    async def aggregate(self, pipeline: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        check_pipeline(pipeline)
        self._store.check_reachable()
        return copy.deepcopy(run_pipeline(list(self._documents.values()), pipeline)[:MAX_FOUND])

    def _matching(self, query: Query) -> list[dict[str, Any]]:
        check_query(query)
        self._store.check_reachable()
        return [document for document in self._documents.values() if matches(document, query)]

    def _write(self, write: Write) -> Conflict | None:
        if isinstance(write, Delete):
            self._documents.pop(write.id, None)
            return None
        before = self._documents.get(write.id)
        if before is not None and write.version is not None and not _is_older(before, write.version):
            return None
        try:
            self._change(before or {"_id": write.id}, write.update, inserting=before is None, version=write.version)
        except Conflict as conflict:
            return conflict
        return None

    def _change(self, document: dict[str, Any], update: Update, *, inserting: bool, version: int | None = None) -> None:
        changed = copy.deepcopy(document)
        change(changed, copy.deepcopy(dict(update)), inserting=inserting)
        if version is not None:
            changed["version"] = version
        self._put(changed)

    def _put(self, document: dict[str, Any]) -> None:
        check_document(document)
        for names in self._unique:
            wanted = {name: document.get(name) for name in names}
            if any(other["_id"] != document["_id"] for other in self._matching(wanted)):
                raise Conflict("a document with this id or unique field exists")
        self._documents[document["_id"]] = normalised(document)


def _is_older(document: Document, version: int) -> bool:
    return matches(document, {"version": {"$lt": version}})


def _equalities(query: Query) -> dict[str, Any]:
    """Return the fields that an upsert takes from its query."""
    return {name: value for name, value in query.items() if not name.startswith("$") and not _has_operator(value)}


def _has_operator(value: object) -> bool:
    return isinstance(value, Mapping) and any(name.startswith("$") for name in value)


def _flat(values: list[Any]) -> list[Any]:
    items = [item for value in values for item in (value if isinstance(value, list) else [value])]
    return [item for item in items if item is not MISSING]
