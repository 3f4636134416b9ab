"""Reading from other services by REST, on behalf of the logged-in user."""

from collections.abc import Mapping
from typing import Any

import aiohttp
from trunkline_core.errors import Invalid, NotFound, Transient
from trunkline_platform.credentials import TOKEN_KEY, Credentials, Forbidden, Principal

TIMEOUT = aiohttp.ClientTimeout(total=5)


class RestClient:
    """GETs of one service; the credential says for whom."""

    def __init__(self, base_url: str, credentials: Credentials) -> None:
        self._base_url = base_url.rstrip("/")
        self._credentials = credentials
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str, principal: Principal, query: Mapping[str, str] | None = None) -> Any:
        """Return the JSON body.

        Raises: NotFound, Forbidden, Invalid as the service says; Transient when it does not answer.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT)
        headers = {TOKEN_KEY: self._credentials.issue(principal)}
        try:
            async with self._session.get(self._base_url + path, headers=headers, params=query) as answer:
                if answer.status == 404:
                    raise NotFound("row", path.rsplit("/", 1)[-1])
                if answer.status == 403:
                    raise Forbidden("may not read this")
                if answer.status == 422:
                    said = await answer.json(content_type=None)
                    field = str(said["field"])
                    raise Invalid(field, str(said["detail"]).removeprefix(f"{field}: "))
                if answer.status != 200:
                    raise Transient(f"the service answers {answer.status}")
                return await answer.json()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Transient("the service does not answer") from error

    async def close(self) -> None:
        """Disconnect."""
        if self._session is not None:
            await self._session.close()
