"""Data keys in the document store, for clusters: MongoDB with w=majority, journalled.

Owns: the documents of keys and of moved owners. Must not: know the driver; any `Store` will do.

There are no transactions. A new key looks for a move after it was written, a move is written before it looks for keys:
whichever comes second sees the other, so no key stays behind with the old owner.
"""

import time
from typing import Any, Final

from trunkline_core.errors import Conflict

from trunkline_platform.keystore import MAX_MOVES, DataKey, KeyWrap, check_fingerprint
from trunkline_platform.store import MAX_FOUND, Delete, Store, Upsert

_NEWEST_FIRST: Final = (("order", -1), ("_id", -1))


class MongoKeyStore:
    """Keys of one installation in one database; several processes share it. Made by `open`."""

    def __init__(self, store: Store, wrap: KeyWrap) -> None:
        self._wrap = wrap
        self._keys = store.collection("data_keys")
        self._moves = store.collection("data_key_moves")
        self._installation = store.collection("data_key_installation")

    @classmethod
    async def open(cls, store: Store, wrap: KeyWrap) -> "MongoKeyStore":
        """Raises: Misconfigured when the keys belong to another secret; Transient when the store is away."""
        keys = cls(store, wrap)
        await keys._keys.ensure_index([("owner", 1), ("order", 1)])
        try:
            await keys._installation.insert({"_id": "only", "fingerprint": wrap.fingerprint})
        except Conflict:
            found = await keys._installation.get("only") or {}
            check_fingerprint(found["fingerprint"], wrap)
        return keys

    async def create(self, owner: str, tenant: str) -> DataKey:
        key, wrapped = self._wrap.new_key(tenant)
        row = {"_id": key.key_id, "owner": owner, "tenant": tenant, "wrapped": wrapped, "order": time.time_ns()}
        await self._keys.insert(row)
        owner_now = await self._owner_now(owner)
        if owner_now != owner:
            await self._keys.update({"_id": key.key_id}, {"$set": {"owner": owner_now}})
        return key

    async def current(self, owner: str, tenant: str) -> DataKey | None:
        query = {"owner": await self._owner_now(owner), "tenant": tenant}
        found = await self._keys.find(query, sort=_NEWEST_FIRST, limit=1)
        return self._unwrap(found[0] if found else None)

    async def get(self, key_id: str) -> DataKey | None:
        return self._unwrap(await self._keys.get(key_id))

    async def move(self, from_owner: str, to_owner: str) -> int:
        await self._moves.bulk([Delete(to_owner)])
        await self._moves.bulk([Upsert(from_owner, {"$set": {"moved_to": to_owner}})])
        found = await self._keys.find({"owner": from_owner}, limit=MAX_FOUND)
        for row in found:
            await self._keys.update({"_id": row["_id"], "owner": from_owner}, {"$set": {"owner": to_owner}})
        return len(found)

    async def destroy(self, owner: str) -> int:
        return await self._keys.delete({"owner": owner})

    async def close(self) -> None:
        """The store is closed by whoever opened it."""

    async def _owner_now(self, owner: str) -> str:
        for _ in range(MAX_MOVES):
            move = await self._moves.get(owner)
            if move is None:
                break
            owner = str(move["moved_to"])
        return owner

    def _unwrap(self, row: dict[str, Any] | None) -> DataKey | None:
        return self._wrap.unwrap(row["_id"], row["tenant"], row["wrapped"]) if row else None
