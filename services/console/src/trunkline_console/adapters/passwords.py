"""Passwords: Argon2id hashes, checked in a thread because that takes tens of milliseconds on purpose."""

import asyncio
import contextlib

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash("nobody")


def hash_password(password: str) -> str:
    """Return a salted hash."""
    return _HASHER.hash(password)


async def is_password(password: str, password_hash: str | None) -> bool:
    """Tell whether the password fits; without a hash it takes as long and is False, so that names cannot be probed."""
    return await asyncio.to_thread(_verify, password, password_hash or _NOBODY) and password_hash is not None


def _verify(password: str, password_hash: str) -> bool:
    with contextlib.suppress(Argon2Error, InvalidHashError):
        return _HASHER.verify(password_hash, password)
    return False
