"""Sealing of personal data at the edges: AES-256-GCM under a data key of the person (events.md).

Owns: sealing, opening, erasing, and the tokens by which an identity is looked up without being known.
Must not: be used by a decider; deciders see `Sealed` and tokens only.
"""

import hashlib
import hmac
import os
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, Generic, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from trunkline_core.errors import Poison
from trunkline_core.sealed import NONCE_BYTES, Sealed

from trunkline_platform.keystore import DataKey, KeyStore, derive_key

KEY_CACHE_S: Final = 5.0
KEY_CACHE_SIZE: Final = 10_000
TOKEN_DIGITS: Final = 32  # 128 bits

V = TypeVar("V")


class Sealer:
    """Seals and opens texts for one process.

    Keys are cached for at most 5 s: so long may another process still open a text after its person was erased. Sealing
    always asks the store: a text under a key that is gone would be acknowledged and lost.
    """

    def __init__(self, keys: KeyStore, secret: bytes, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`secret` is the installation's, at least 32 bytes; `monotonic` gives seconds."""
        self._keys = keys
        self._secret = secret
        self._by_id: _Expiring[DataKey] = _Expiring(KEY_CACHE_S, KEY_CACHE_SIZE, monotonic)

    async def seal(self, owner: str, tenant: str, text: str) -> Sealed:
        """Encrypt `text` under the owner's key, making one first if there is none. Raises: Erased, Transient."""
        key = await self._keys.current(owner, tenant) or await self._keys.create(owner, tenant)
        nonce = os.urandom(NONCE_BYTES)
        return Sealed(key.key_id, nonce, AESGCM(key.secret).encrypt(nonce, text.encode(), key.key_id.encode()))

    async def open(self, sealed: Sealed, tenant: str | None = None) -> str | None:
        """Decrypt; None when the person was erased, or when `tenant` is given and the key is another tenant's.

        Raises: Transient; Poison when the bytes were changed.
        """
        key = await self._key(sealed.key_id)
        if key is None or tenant not in (None, key.tenant):
            return None
        try:
            text = AESGCM(key.secret).decrypt(sealed.nonce, sealed.ciphertext, sealed.key_id.encode())
        except (InvalidTag, ValueError) as error:
            raise Poison(f"a text under the key {sealed.key_id} was changed") from error
        return text.decode()

    async def erase(self, owner: str, tenant: str) -> int:
        """Make everything sealed for the owner unreadable for ever, and let nothing be sealed for it any more.

        Return how many keys there were. Safe to repeat. Raises: Transient.
        """
        return await self._forgetting(self._keys.destroy(owner, tenant))

    async def erase_all(self, prefix: str, tenant: str, made_before: datetime) -> int:
        """As `erase`, for every owner whose id begins so and that had a key before this moment. Raises: Transient."""
        return await self._forgetting(self._keys.destroy_all(prefix, tenant, made_before))

    async def _forgetting(self, destruction: Awaitable[int]) -> int:
        try:
            return await destruction
        finally:
            self._by_id.clear()

    def token(self, tenant: str, text: str) -> str:
        """Return an HMAC of `text` under the tenant's key: equal texts give equal tokens, and nothing else is told."""
        key = derive_key(self._secret, "token", tenant)  # 10 µs; callers name tenants, so nothing is kept for one
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:TOKEN_DIGITS]

    async def _key(self, key_id: str) -> DataKey | None:
        key = self._by_id.get(key_id)
        if key is None and (key := await self._keys.get(key_id)):
            self._by_id.put(key_id, key)
        return key


class _Expiring(Generic[V]):
    """A bounded cache whose entries end some seconds after they were put; the oldest goes first when full."""

    def __init__(self, lifetime_s: float, size: int, monotonic: Callable[[], float]) -> None:
        self._lifetime_s = lifetime_s
        self._size = size
        self._monotonic = monotonic
        self._entries: OrderedDict[object, tuple[float, V]] = OrderedDict()

    def get(self, name: object) -> V | None:
        entry = self._entries.get(name)
        if entry is None or entry[0] <= self._monotonic():
            return None
        return entry[1]

    def put(self, name: object, value: V) -> None:
        self._entries.pop(name, None)
        self._entries[name] = (self._monotonic() + self._lifetime_s, value)
        while len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def clear(self) -> None:
        self._entries.clear()
