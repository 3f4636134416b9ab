"""Data keys: one truth outside the ledger, so back them up separately; destroying a person's keys erases the person.

Owns: how keys are made, wrapped under the tenant's key and kept; the SQLite store (embedded) and the port.
Must not: see a text. Which store a process uses is wiring; `keystore_mongo` holds the one for clusters.

A key is durable before its id is returned, hence before the first event that uses it.
"""

import asyncio
import hashlib
import hmac
import logging
import os
import sqlite3
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from trunkline_core.errors import Misconfigured, Poison, Transient

log = logging.getLogger(__name__)

R = TypeVar("R")

MIN_SECRET_BYTES: Final = 32
NONCE_BYTES: Final = 12
BUSY_TIMEOUT_S: Final = 5.0
MAX_MOVES: Final = 16


@dataclass(frozen=True, slots=True)
class DataKey:
    """One unwrapped key: 32 random bytes. Never logged, never written as it is."""

    key_id: str
    tenant: str
    secret: bytes = field(repr=False)


class KeyStore(Protocol):
    """Where data keys are kept. Owners are globally unique ids: a contact until resolved, then its customer.

    Every method raises Transient when the store cannot be reached for now.
    """

    async def create(self, owner: str, tenant: str) -> DataKey:
        """Make a new key of the owner, or of whom it was moved to; it is durable when this returns."""
        ...

    async def current(self, owner: str, tenant: str) -> DataKey | None:
        """Return the newest key of the owner, or of whom it was moved to; None where this tenant has none."""
        ...

    async def get(self, key_id: str) -> DataKey | None:
        """Return the key; None when it was destroyed, or never was."""
        ...

    async def move(self, from_owner: str, to_owner: str) -> int:
        """Give all keys of one owner to another, for example of a contact to its customer; return how many.

        What is made later for `from_owner` belongs to `to_owner` too: erasing the customer must not miss a text that
        was sealed for the contact at the same moment. Moving back is possible.
        """
        ...

    async def destroy(self, owner: str) -> int:
        """Destroy all keys that the owner has now, for ever; return how many. Repeating it does nothing."""
        ...

    async def close(self) -> None:
        """Let go of files and connections."""
        ...


class KeyWrap:
    """Wraps data keys under a tenant key, which HKDF (RFC 5869) derives from the installation's secret."""

    def __init__(self, secret: bytes) -> None:
        """Raises: Misconfigured when the secret is shorter than 32 bytes."""
        if len(secret) < MIN_SECRET_BYTES:
            raise Misconfigured(f"TRUNKLINE_SECRET has {len(secret)} bytes, it needs at least {MIN_SECRET_BYTES}.")
        self._secret = secret
        self._ciphers: dict[str, AESGCM] = {}

    @property
    def fingerprint(self) -> str:
        """Tells whether a store was made under the same secret, without revealing it."""
        return hmac.new(derive_key(self._secret, "fingerprint", ""), b"trunkline", hashlib.sha256).hexdigest()[:32]

    def new_key(self, tenant: str) -> tuple[DataKey, bytes]:
        """Return a fresh key and its wrapped bytes."""
        key = DataKey(f"dk_{uuid.uuid4().hex}", tenant, AESGCM.generate_key(256))
        nonce = os.urandom(NONCE_BYTES)
        return key, nonce + self._cipher(tenant).encrypt(nonce, key.secret, key.key_id.encode())

    def unwrap(self, key_id: str, tenant: str, wrapped: bytes) -> DataKey:
        """Raises: Poison when the bytes are not what was wrapped under this secret, tenant and id."""
        nonce, ciphertext = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        try:
            return DataKey(key_id, tenant, self._cipher(tenant).decrypt(nonce, ciphertext, key_id.encode()))
        except (InvalidTag, ValueError) as error:
            raise Poison(f"the data key {key_id} cannot be unwrapped") from error

    def _cipher(self, tenant: str) -> AESGCM:
        cipher = self._ciphers.get(tenant)
        if cipher is None:
            cipher = self._ciphers[tenant] = AESGCM(derive_key(self._secret, "wrap", tenant))
        return cipher


def derive_key(secret: bytes, purpose: str, tenant: str) -> bytes:
    """Return 32 bytes that only this secret, purpose and tenant give."""
    info = b"trunkline\x00" + purpose.encode() + b"\x00" + tenant.encode()
    return HKDF(SHA256(), 32, salt=None, info=info).derive(secret)


def check_fingerprint(found: str, wrap: KeyWrap) -> None:
    """Raises: Misconfigured when the store's keys were wrapped under another secret."""
    if not hmac.compare_digest(found, wrap.fingerprint):
        raise Misconfigured(
            "TRUNKLINE_SECRET is not the secret under which the keys in TRUNKLINE_KEYSTORE were wrapped."
        )


_SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS data_keys (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        key_id TEXT NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        tenant TEXT NOT NULL,
        wrapped BLOB NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS data_keys_by_owner ON data_keys (owner, number)",
    "CREATE TABLE IF NOT EXISTS moves (owner TEXT PRIMARY KEY, moved_to TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS installation (only INTEGER PRIMARY KEY CHECK (only = 1), fingerprint TEXT NOT NULL)",
)

_OWNER_NOW: Final = f"""(
    WITH RECURSIVE line (owner, hop) AS (
        VALUES (?, 0)
        UNION ALL
        SELECT moved_to, hop + 1 FROM moves JOIN line USING (owner) WHERE hop < {MAX_MOVES}
    )
    SELECT owner FROM line ORDER BY hop DESC LIMIT 1
)"""
_COLUMNS: Final = "SELECT key_id, tenant, wrapped FROM data_keys"


class SqliteKeyStore:
    """Keys in one SQLite file that several processes share: WAL, synchronous=FULL, destroyed rows overwritten.

    What the file system or the disk keeps of overwritten blocks is beyond this class.
    """

    def __init__(self, path: Path, wrap: KeyWrap) -> None:
        """Open or make the file.

        Raises: Misconfigured when it cannot be opened, is no key store, or belongs to another secret.
        """
        self._path = path
        self._wrap = wrap
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="keystore")  # SQLite calls block
        try:
            self._connection = self._thread.submit(self._open).result()
        except BaseException:
            self._thread.shutdown()
            raise

    async def create(self, owner: str, tenant: str) -> DataKey:
        key, wrapped = self._wrap.new_key(tenant)
        insert = f"INSERT INTO data_keys (key_id, owner, tenant, wrapped) VALUES (?, {_OWNER_NOW}, ?, ?)"
        await self._run(lambda c: c.execute(insert, (key.key_id, owner, tenant, wrapped)))
        return key

    async def current(self, owner: str, tenant: str) -> DataKey | None:
        query = f"{_COLUMNS} WHERE owner = {_OWNER_NOW} AND tenant = ? ORDER BY number DESC LIMIT 1"
        return self._unwrap(await self._run(lambda c: c.execute(query, (owner, tenant)).fetchone()))

    async def get(self, key_id: str) -> DataKey | None:
        query = f"{_COLUMNS} WHERE key_id = ?"
        return self._unwrap(await self._run(lambda c: c.execute(query, (key_id,)).fetchone()))

    async def move(self, from_owner: str, to_owner: str) -> int:
        return await self._run(lambda c: _move(c, from_owner, to_owner))

    async def destroy(self, owner: str) -> int:
        count = await self._run(lambda c: c.execute("DELETE FROM data_keys WHERE owner = ?", (owner,)).rowcount)
        await self._run(_empty_wal)  # also on a repeat: the first may have been interrupted here
        return count

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()

    def _unwrap(self, row: tuple[str, str, bytes] | None) -> DataKey | None:
        return self._wrap.unwrap(*row) if row else None

    async def _run(self, work: Callable[[sqlite3.Connection], R]) -> R:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, self._connection)
        except sqlite3.Error as error:
            raise Transient(f"the key store does not answer ({error})") from error

    def _open(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if not self._path.exists():  # closing a second descriptor of an open database would drop its locks
                self._path.touch(mode=0o600)
            connection = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise Misconfigured(
                f"The key store {self._path} cannot be opened ({error}): set TRUNKLINE_KEYSTORE."
            ) from error
        try:
            self._prepare(connection)
        except sqlite3.Error as error:
            connection.close()
            raise Misconfigured(
                f"The key store {self._path} cannot be used ({error}): set TRUNKLINE_KEYSTORE."
            ) from error
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute("INSERT OR IGNORE INTO installation VALUES (1, ?)", (self._wrap.fingerprint,))
        (fingerprint,) = connection.execute("SELECT fingerprint FROM installation").fetchone()
        check_fingerprint(fingerprint, self._wrap)


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL; SQLite's busy time-out does not cover this when several processes start on a new file."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _move(connection: sqlite3.Connection, from_owner: str, to_owner: str) -> int:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("DELETE FROM moves WHERE owner = ?", (to_owner,))
        connection.execute("INSERT OR REPLACE INTO moves VALUES (?, ?)", (from_owner, to_owner))
        moved = connection.execute("UPDATE data_keys SET owner = ? WHERE owner = ?", (to_owner, from_owner)).rowcount
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return moved


def _empty_wal(connection: sqlite3.Connection) -> None:
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        log.warning("write-ahead log still holds destroyed keys until the next checkpoint")
