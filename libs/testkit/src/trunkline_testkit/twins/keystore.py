"""Keys in memory; passes `contracts.keystore`."""

import time
from dataclasses import dataclass
from datetime import datetime

from trunkline_core.errors import Erased
from trunkline_platform.keystore import DataKey, KeyWrap, ids_from, nanoseconds


@dataclass(frozen=True, slots=True)
class _Row:
    owner: str
    key: DataKey
    made_ns: int


class MemoryKeyStore:
    """Forgets everything with the process, hence for tests only."""

    def __init__(self) -> None:
        self._wrap = KeyWrap(bytes(32))
        self._rows: dict[str, _Row] = {}
        self._destroyed: set[tuple[str, str]] = set()

    async def create(self, owner: str, tenant: str) -> DataKey:
        self._check_living(owner, tenant)
        key, _ = self._wrap.new_key(tenant)
        self._rows[key.key_id] = _Row(owner, key, time.time_ns())
        return key

    async def current(self, owner: str, tenant: str) -> DataKey | None:
        self._check_living(owner, tenant)
        found = self._of(owner, tenant)
        return found[-1].key if found else None

    async def get(self, key_id: str) -> DataKey | None:
        row = self._rows.get(key_id)
        return row.key if row else None

    async def destroy(self, owner: str, tenant: str) -> int:
        self._destroyed.add((owner, tenant))
        gone = self._of(owner, tenant)
        for row in gone:
            del self._rows[row.key.key_id]
        return len(gone)

    async def destroy_all(self, prefix: str, tenant: str, made_before: datetime) -> int:
        first, behind = ids_from(prefix)
        rows = [row for row in self._rows.values() if row.key.tenant == tenant and first <= row.owner < behind]
        owners = {row.owner for row in rows if row.made_ns < nanoseconds(made_before)}
        return sum([await self.destroy(owner, tenant) for owner in owners])

    async def close(self) -> None:
        """Nothing to let go of."""

    def _check_living(self, owner: str, tenant: str) -> None:
        if (owner, tenant) in self._destroyed:
            raise Erased(owner)

    def _of(self, owner: str, tenant: str) -> list[_Row]:
        return [row for row in self._rows.values() if (row.owner, row.key.tenant) == (owner, tenant)]
