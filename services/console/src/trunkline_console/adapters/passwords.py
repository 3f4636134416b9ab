"""Passwords: Argon2id hashes, checked in a thread because that takes tens of milliseconds on purpose.

Owns: how many are checked at once: each takes a core and 64 MiB. Must not: know users.
"""

import asyncio
import contextlib
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from trunkline_core.errors import Overloaded

AT_ONCE: Final = 2
MAX_WAITING: Final = 64

_HASHER = PasswordHasher()
_NOBODY: Final = "$argon2id$v=19$m=65536,t=3,p=4$qdtTEpb3TB5NUU2+hJga4A$8b2Newii677hAXn6FR/cJLfifmXwtppbFVvMBpRXo8Q"
"""As costly to check as today's hashes are; made beforehand, because making one would hold up each start."""


def hash_password(password: str) -> str:
    """Return a salted hash."""
    return _HASHER.hash(password)


class PasswordChecks:
    """Checks two passwords at once; up to 64 more wait, the next is refused."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def __call__(self, password: str, password_hash: str | None) -> bool:
        """Tell whether the password fits; without a hash it takes as long and is False: names cannot be probed.

        Raises: Overloaded.
        """
        if self._waiting >= MAX_WAITING:
            raise Overloaded("the log-in", retry_after_s=1.0)
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            is_right = await asyncio.to_thread(_verify, password, password_hash or _NOBODY)
        finally:
            self._free.release()
        return is_right and password_hash is not None


def _verify(password: str, password_hash: str) -> bool:
    with contextlib.suppress(Argon2Error, InvalidHashError):
        return _HASHER.verify(password_hash, password)
    return False
