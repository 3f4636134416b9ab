"""Personal data as everything but an edge sees it: encrypted, under a key that is destroyed when the person is erased.

Owns: the shape alone. Must not: encrypt, decrypt or know where keys are kept.
"""

from dataclasses import dataclass


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
