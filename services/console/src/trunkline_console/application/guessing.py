"""A limit on guessing passwords that nobody can turn against somebody else.

Owns: how many wrong guesses are let through: of one log-in from one address, from one address, at one log-in. Must not:
know passwords.
"""

import hashlib
import ipaddress
import os
import time
from array import array
from collections.abc import Callable
from typing import Final

from trunkline_core.errors import Overloaded

SPAN_S: Final = 300.0
MAX_WRONG: Final = 10  # of one log-in from one address
MAX_WRONG_OF_ADDRESS: Final = 100  # a whole office may stand behind it
MAX_WRONG_OF_LOGIN: Final = 300  # wide: it keeps the right user out as well
SLOTS: Final = 2**16


class Guessing:
    """Counts guesses. Its memory is fixed, so that no flood of names makes it forget."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`monotonic` gives seconds."""
        self._of_pair = _Buckets(MAX_WRONG, monotonic)
        self._of_address = _Buckets(MAX_WRONG_OF_ADDRESS, monotonic)
        self._of_login = _Buckets(MAX_WRONG_OF_LOGIN, monotonic)

    def count(self, login: str, address: str) -> None:
        """Count a guess before it is checked: guesses at the same time must not pass the limit together.

        Raises: Overloaded where it would be one too many; that one is not counted.
        """
        counted = self._counted(login, address)
        wait_s = max(bucket.wait_s(name) for bucket, name in counted)
        if wait_s > 0:
            raise Overloaded("the number of wrong passwords", retry_after_s=wait_s)
        for bucket, name in counted:
            bucket.add(name, 1)

    def take_back(self, login: str, address: str) -> None:
        """Uncount a guess that was none: the password was right, or was not looked at."""
        for bucket, name in self._counted(login, address):
            bucket.add(name, -1)

    def forgive(self, login: str, address: str) -> None:
        """Uncount a right password, and the wrong ones before it at that log-in from there."""
        self.take_back(login, address)
        self._of_pair.add(f"{network_of(address)} {login}", -MAX_WRONG)

    def _counted(self, login: str, address: str) -> "tuple[tuple[_Buckets, str], ...]":
        network = network_of(address)
        return (self._of_pair, f"{network} {login}"), (self._of_address, network), (self._of_login, login)


class _Buckets:
    """Leaky buckets by name: each holds `size` and loses as many within `SPAN_S`.

    Names share `SLOTS` buckets under a hash that nobody outside knows. That costs no more than a few early refusals:
    only guesses that were checked are counted, and checking costs tens of milliseconds each.
    """

    def __init__(self, size: int, monotonic: Callable[[], float]) -> None:
        self._size = size
        self._monotonic = monotonic
        self._key = os.urandom(16)
        self._levels = array("d", bytes(8 * SLOTS))
        self._times = array("d", bytes(8 * SLOTS))

    def wait_s(self, name: str) -> float:
        """Return in how many seconds there is room for one more; 0 for now."""
        return max(0.0, self._level(self._slot(name)) + 1 - self._size) * SPAN_S / self._size

    def add(self, name: str, amount: int) -> None:
        slot = self._slot(name)
        self._levels[slot] = max(0.0, self._level(slot) + amount)
        self._times[slot] = self._monotonic()

    def _level(self, slot: int) -> float:
        leaked = (self._monotonic() - self._times[slot]) * self._size / SPAN_S
        return max(0.0, self._levels[slot] - leaked)

    def _slot(self, name: str) -> int:
        digest = hashlib.blake2b(name.encode(), key=self._key, digest_size=8).digest()
        return int.from_bytes(digest) % SLOTS


def network_of(address: str) -> str:
    """Return the address, of IPv6 the /64 network: one customer of a provider has at least so many."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"  # what a proxy passed on: were it told apart, every guess could have a name of its own
    if parsed.version == 4:
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
