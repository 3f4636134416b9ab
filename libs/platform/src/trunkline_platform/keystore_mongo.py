"""Data keys in the document store, for clusters: MongoDB with w=majority, journalled.

Owns: the documents of keys and of destroyed owners. Must not: know the driver; any `Store` will do.

There are no transactions. A destruction is written before it looks for keys, a new key looks for a destruction after it
was written: whichever comes second sees the other, so no key of a destroyed owner stays.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Final

from trunkline_core.errors import Conflict, Erased

from trunkline_platform.keystore import DataKey, KeyWrap, check_fingerprint, ids_from, nanoseconds
from trunkline_platform.store import Store, Upsert

OnClose = Callable[[], Awaitable[None]]
_NEWEST_FIRST: Final = (("made_ns", -1), ("_id", -1))


class MongoKeyStore:
    """Keys of one installation in one database; several processes share it. Made by `open`."""

    def __init__(self, store: Store, wrap: KeyWrap, on_close: OnClose) -> None:
        self._wrap = wrap
        self._on_close = on_close
        self._keys = store.collection("data_keys")
        self._destroyed = store.collection("destroyed_owners")
        self._installation = store.collection("data_key_installation")

    @classmethod
    async def open(cls, store: Store, wrap: KeyWrap, on_close: OnClose | None = None) -> "MongoKeyStore":
        """Open the keys in a store that its opener closes, unless `on_close` does.

        Raises: Misconfigured when the keys belong to another secret; Transient when the store is away.
        """
        keys = cls(store, wrap, on_close or _leave_open)
        await keys._keys.ensure_index([("tenant", 1), ("owner", 1), ("made_ns", 1)])
        try:
            await keys._installation.insert({"_id": "only", "fingerprint": wrap.fingerprint})
        except Conflict:
            found = await keys._installation.get("only") or {}
            check_fingerprint(found["fingerprint"], wrap)
        return keys

    async def create(self, owner: str, tenant: str) -> DataKey:
        key, wrapped = self._wrap.new_key(tenant)
        row = {"_id": key.key_id, "tenant": tenant, "owner": owner, "made_ns": time.time_ns(), "wrapped": wrapped}
        await self._keys.insert(row)
        try:
            await self._check_living(owner, tenant)
        except Erased:
            await self._keys.delete({"_id": key.key_id})
            raise
        return key

    async def current(self, owner: str, tenant: str) -> DataKey | None:
        await self._check_living(owner, tenant)
        found = await self._keys.find({"tenant": tenant, "owner": owner}, sort=_NEWEST_FIRST, limit=1)
        return self._unwrap(found[0] if found else None)

    async def get(self, key_id: str) -> DataKey | None:
        return self._unwrap(await self._keys.get(key_id))

    async def destroy(self, owner: str, tenant: str) -> int:
        return await self._destroy([owner], tenant)

    async def destroy_all(self, prefix: str, tenant: str, made_before: datetime) -> int:
        first, behind = ids_from(prefix)
        those = {"owner": {"$gte": first, "$lt": behind}, "made_ns": {"$lt": nanoseconds(made_before)}}
        owners = await self._keys.distinct("owner", {"tenant": tenant, **those})
        return await self._destroy(owners, tenant) if owners else 0

    async def close(self) -> None:
        await self._on_close()

    async def _destroy(self, owners: Sequence[str], tenant: str) -> int:
        gone = [Upsert(_name(owner, tenant), {"$set": {"tenant": tenant, "owner": owner}}) for owner in owners]
        await self._destroyed.bulk(gone)
        return await self._keys.delete({"tenant": tenant, "owner": {"$in": list(owners)}})

    async def _check_living(self, owner: str, tenant: str) -> None:
        if await self._destroyed.get(_name(owner, tenant)) is not None:
            raise Erased(owner)

    def _unwrap(self, row: dict[str, Any] | None) -> DataKey | None:
        return self._wrap.unwrap(row["_id"], row["tenant"], row["wrapped"]) if row else None


async def _leave_open() -> None:
    """The store is closed by whoever opened it."""


def _name(owner: str, tenant: str) -> str:
    return f"{tenant}/{owner}"  # a tenant's id has no slash: it comes from a credential
