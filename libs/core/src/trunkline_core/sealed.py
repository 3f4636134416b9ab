"""Personal data as everything but an edge sees it: encrypted, under a key that is destroyed when the person is erased.

Owns: the shape alone, and what can be checked of it. Must not: encrypt, decrypt or know where keys are kept.
"""

from dataclasses import dataclass
from typing import Final

from trunkline_core.errors import Invalid

NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
MAX_KEY_ID: Final = 128


@dataclass(frozen=True, slots=True)
class Sealed:
    """One text, encrypted with AES-256-GCM; mirrors trunkline.common.v1.Sealed.

    Attributes:
        key_id: the data key in the key store.
        nonce: 12 random bytes, never used twice with one key.
        ciphertext: the encrypted UTF-8 text followed by the 16-byte tag.
    """

    key_id: str
    nonce: bytes
    ciphertext: bytes

    def __repr__(self) -> str:
        return f"Sealed(key_id={self.key_id!r}, {len(self.ciphertext)} bytes)"


def check_sealed(field: str, sealed: Sealed | None, max_bytes: int) -> Sealed:
    """Return the text: it is there, is not empty and has at most `max_bytes`, a whole number of KiB.

    Raises: Invalid.
    """
    if sealed is None:
        raise Invalid(field, "must be set")
    if not 1 <= len(sealed.key_id) <= MAX_KEY_ID or len(sealed.nonce) != NONCE_BYTES:
        raise Invalid(field, "must be a sealed text")
    if len(sealed.ciphertext) <= TAG_BYTES:
        raise Invalid(field, "must not be empty")
    if len(sealed.ciphertext) > max_bytes + TAG_BYTES:
        raise Invalid(field, f"must have at most {max_bytes // 1024} KiB")
    return sealed
