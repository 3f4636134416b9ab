"""Posting to systems outside of this installation, at addresses that a tenant names: what effects are made of.

Owns: that nobody can make us reach what only we can reach (server-side request forgery): https alone, public addresses
alone, judged after the name was resolved and at each connection anew; no redirects; of an answer only its status. What
the setting allows by name, such as a receiver on this machine, is exempt. Must not: repeat anything; who calls keeps
to ledger rule 14.
"""

import ipaddress
import socket
from collections.abc import Collection, Mapping
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

TIMEOUT: Final = aiohttp.ClientTimeout(total=10, connect=5)
MAX_HEADER_BYTES: Final = 8_192
AT_ONCE: Final = 64
_TUNNELS = tuple(ipaddress.IPv6Network(each) for each in ("64:ff9b::/32", "2001::/32", "2002::/16", "::/16"))
"""IPv6 addresses with an IPv4 address inside, whatever that one is."""


class NotReached(Exception):
    """No answer came. `reason` is stable and names nobody: `AddressRefused`, `Timeout`, `Unreachable`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OutsidePosts:
    """Posts bodies. `allowed`: host:port of receivers that may have any address, also without TLS."""

    def __init__(self, allowed: Collection[str] = ()) -> None:
        self._allowed = frozenset(allowed)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Return the status of the answer. Raises: NotReached."""
        try:
            place = URL(url)
            self._check(place)
            async with self._open().post(place, data=body, headers=headers, allow_redirects=False) as answer:
                return answer.status
        except TimeoutError:
            raise NotReached("Timeout") from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise NotReached("Unreachable") from None

    def _check(self, place: URL) -> None:
        """Judge what can be judged before the name is resolved; a literal address is never resolved."""
        host = place.host or ""
        if self.is_allowed(host, place.port or 0):
            return
        if place.scheme != "https" or (_is_literal(host) and not is_public(host)):
            raise NotReached("AddressRefused")

    def is_allowed(self, host: str, port: int) -> bool:
        """Tell whether the setting names the receiver."""
        return f"{host}:{port}" in self._allowed

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=_PublicResolver(self),
                use_dns_cache=False,
                force_close=True,  # a kept connection would outlive the judgement of its address
                limit=AT_ONCE,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=TIMEOUT,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                max_line_size=MAX_HEADER_BYTES,
                max_field_size=MAX_HEADER_BYTES,
            )
        return self._session

    async def close(self) -> None:
        """Disconnect."""
        if self._session is not None:
            await self._session.close()


class _PublicResolver(AbstractResolver):
    """Names become addresses that are public, every one of them, or none."""

    def __init__(self, posts: OutsidePosts) -> None:
        self._posts = posts
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if not self._posts.is_allowed(host, port) and not all(is_public(each["host"]) for each in found):
            raise NotReached("AddressRefused")
        return found

    async def close(self) -> None:
        await self._resolver.close()


def is_public(address: str) -> bool:
    """Tell whether the IP address is one of the public Internet, and says so without another one inside."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    is_tunnel = isinstance(parsed, ipaddress.IPv6Address) and any(parsed in network for network in _TUNNELS)
    return parsed.is_global and not parsed.is_multicast and not is_tunnel


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
