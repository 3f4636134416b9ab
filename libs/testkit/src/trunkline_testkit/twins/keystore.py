"""Keys in memory; passes `contracts.keystore`."""

from dataclasses import dataclass, replace

from trunkline_platform.keystore import DataKey, KeyWrap


@dataclass(frozen=True, slots=True)
class _Row:
    owner: str
    key: DataKey


class MemoryKeyStore:
    """Forgets everything with the process, hence for tests only."""

    def __init__(self) -> None:
        self._wrap = KeyWrap(bytes(32))
        self._rows: dict[str, _Row] = {}
        self._moves: dict[str, str] = {}

    async def create(self, owner: str, tenant: str) -> DataKey:
        key, _ = self._wrap.new_key(tenant)
        self._rows[key.key_id] = _Row(self._owner_now(owner), key)
        return key

    async def current(self, owner: str, tenant: str) -> DataKey | None:
        found = [row.key for row in self._of(self._owner_now(owner)) if row.key.tenant == tenant]
        return found[-1] if found else None

    async def get(self, key_id: str) -> DataKey | None:
        row = self._rows.get(key_id)
        return row.key if row else None

    async def move(self, from_owner: str, to_owner: str) -> int:
        self._moves.pop(to_owner, None)
        self._moves[from_owner] = to_owner
        moved = self._of(from_owner)
        self._rows |= {row.key.key_id: replace(row, owner=to_owner) for row in moved}
        return len(moved)

    async def destroy(self, owner: str) -> int:
        gone = self._of(owner)
        for row in gone:
            del self._rows[row.key.key_id]
        return len(gone)

    async def close(self) -> None:
        """Nothing to let go of."""

    def _owner_now(self, owner: str) -> str:
        while owner in self._moves:
            owner = self._moves[owner]
        return owner

    def _of(self, owner: str) -> list[_Row]:
        return [row for row in self._rows.values() if row.owner == owner]
