"""Who asks over REST: the credential stands in the header `tl-token`, as it does in gRPC's metadata."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Header

from trunkline_platform.credentials import TOKEN_KEY, Credentials, Principal


def caller_of(credentials: Credentials, permit: Callable[[Principal], None]) -> Callable[[str], Principal]:
    """Return a FastAPI dependency that gives the caller. It raises Unauthenticated, and what `permit` raises."""

    def caller(token: Annotated[str, Header(alias=TOKEN_KEY)] = "") -> Principal:
        principal = credentials.verify(token)
        permit(principal)
        return principal

    return caller
