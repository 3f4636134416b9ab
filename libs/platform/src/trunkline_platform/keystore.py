"""Data keys: one truth outside the ledger, so back them up separately; destroying a person's keys erases the person.

Owns: how keys are made, wrapped under the tenant's key and kept; the SQLite store (embedded) and the port.
Must not: see a text. Which store a process uses is wiring; `keystore_mongo` holds the one for clusters.

A key is durable before its id is returned, hence before the first event that uses it. Destruction is final: an owner
once destroyed never gets a key again, so whoever writes late has nothing to write with.
"""

import asyncio
import contextlib
import hashlib
import hmac
import logging
import os
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from trunkline_core.errors import Erased, Misconfigured, Poison, Transient
from trunkline_core.sealed import NONCE_BYTES

log = logging.getLogger(__name__)

R = TypeVar("R")

MIN_SECRET_BYTES: Final = 32
BUSY_TIMEOUT_S: Final = 5.0
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class DataKey:
    """One unwrapped key: 32 random bytes. Never logged, never written as it is."""

    key_id: str
    tenant: str
    secret: bytes = field(repr=False)


class KeyStore(Protocol):
    """Where data keys are kept. An owner is an id of one tenant: a contact's, a customer's, a user's.

    Every method raises Transient when the store cannot be reached for now.
    """

    async def create(self, owner: str, tenant: str) -> DataKey:
        """Make a new key of the owner; it is durable when this returns. Raises: Erased for a destroyed owner."""
        ...

    async def current(self, owner: str, tenant: str) -> DataKey | None:
        """Return the owner's newest key, None where there is none yet. Raises: Erased for a destroyed owner."""
        ...

    async def get(self, key_id: str) -> DataKey | None:
        """Return the key; None when it was destroyed, or never was."""
        ...

    async def destroy(self, owner: str, tenant: str) -> int:
        """Destroy all keys of the owner, and let it never have another; return how many. Repeating it does nothing."""
        ...

    async def destroy_all(self, prefix: str, tenant: str, made_before: datetime) -> int:
        """Destroy, as `destroy` does, every owner whose id begins so and that had a key before this moment.

        Whom nobody knew then is left alone, so repeating it later does nothing either. Clocks of machines may differ:
        a key made within that difference may count as made on the other side of the moment.

        Raises: ValueError for an empty prefix.
        """
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
        return AESGCM(derive_key(self._secret, "wrap", tenant))


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


def fingerprint_in(path: Path) -> str:
    """Return what tells under which secret the keys of a SQLite file were wrapped, which others may be writing.

    Raises: sqlite3.Error for a file that is no key store.
    """
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        found: tuple[str] | None = connection.execute("SELECT fingerprint FROM installation").fetchone()
    return found[0] if found else ""


def nanoseconds(moment: datetime) -> int:
    """Return nanoseconds since 1970, as stores keep when a key was made."""
    return (moment - EPOCH) // timedelta(microseconds=1) * 1_000


def ids_from(prefix: str) -> tuple[str, str]:
    """Return the first id that begins so and the first one behind them all: a range that an index can answer.

    Raises: ValueError for an empty prefix.
    """
    if not prefix:
        raise ValueError("an empty prefix would be everybody")
    return prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1)


_SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS data_keys (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        key_id TEXT NOT NULL UNIQUE,
        tenant TEXT NOT NULL,
        owner TEXT NOT NULL,
        made_ns INTEGER NOT NULL,
        wrapped BLOB NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS data_keys_of_owner ON data_keys (tenant, owner, number, made_ns)",
    """CREATE TABLE IF NOT EXISTS destroyed_owners (
        tenant TEXT NOT NULL, owner TEXT NOT NULL, PRIMARY KEY (tenant, owner)
    ) WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS installation (only INTEGER PRIMARY KEY CHECK (only = 1), fingerprint TEXT NOT NULL)",
)

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
        await self._run(lambda c: _insert(c, key.key_id, tenant, owner, wrapped))
        return key

    async def current(self, owner: str, tenant: str) -> DataKey | None:
        return self._unwrap(await self._run(lambda c: _newest(c, tenant, owner)))

    async def get(self, key_id: str) -> DataKey | None:
        query = f"{_COLUMNS} WHERE key_id = ?"
        return self._unwrap(await self._run(lambda c: c.execute(query, (key_id,)).fetchone()))

    async def destroy(self, owner: str, tenant: str) -> int:
        return await self._destroy(lambda c: _destroy(c, tenant, owner))

    async def destroy_all(self, prefix: str, tenant: str, made_before: datetime) -> int:
        first, behind = ids_from(prefix)
        return await self._destroy(lambda c: _destroy_range(c, tenant, first, behind, nanoseconds(made_before)))

    async def _destroy(self, work: Callable[[sqlite3.Connection], int]) -> int:
        count = await self._run(work)
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


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _insert(connection: sqlite3.Connection, key_id: str, tenant: str, owner: str, wrapped: bytes) -> None:
    insert = "INSERT INTO data_keys (key_id, tenant, owner, made_ns, wrapped) VALUES (?, ?, ?, ?, ?)"
    with _transaction(connection):  # the clock is read inside of it, so that it agrees with the order of destructions
        _check_living(connection, tenant, owner)
        connection.execute(insert, (key_id, tenant, owner, time.time_ns(), wrapped))


def _newest(connection: sqlite3.Connection, tenant: str, owner: str) -> tuple[str, str, bytes] | None:
    _check_living(connection, tenant, owner)
    query = f"{_COLUMNS} WHERE tenant = ? AND owner = ? ORDER BY number DESC LIMIT 1"
    row: tuple[str, str, bytes] | None = connection.execute(query, (tenant, owner)).fetchone()
    return row


def _check_living(connection: sqlite3.Connection, tenant: str, owner: str) -> None:
    query = "SELECT 1 FROM destroyed_owners WHERE tenant = ? AND owner = ?"
    if connection.execute(query, (tenant, owner)).fetchone():
        raise Erased(owner)


def _destroy(connection: sqlite3.Connection, tenant: str, owner: str) -> int:
    with _transaction(connection):
        connection.execute("INSERT OR IGNORE INTO destroyed_owners VALUES (?, ?)", (tenant, owner))
        gone = connection.execute("DELETE FROM data_keys WHERE tenant = ? AND owner = ?", (tenant, owner))
        return gone.rowcount


def _destroy_range(connection: sqlite3.Connection, tenant: str, first: str, behind: str, before_ns: int) -> int:
    """Destroy the owners from `first` on and before `behind` that had a key before this time."""
    owners = "SELECT DISTINCT owner FROM data_keys WHERE tenant = ? AND owner >= ? AND owner < ? AND made_ns < ?"
    with _transaction(connection):
        found = connection.execute(owners, (tenant, first, behind, before_ns)).fetchall()
        rows = [(tenant, owner) for (owner,) in found]
        connection.executemany("INSERT OR IGNORE INTO destroyed_owners VALUES (?, ?)", rows)
        return (
            connection.executemany("DELETE FROM data_keys WHERE tenant = ? AND owner = ?", rows).rowcount if rows else 0
        )


def _empty_wal(connection: sqlite3.Connection) -> None:
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        log.warning("write-ahead log still holds destroyed keys until the next checkpoint")
