"""REST of a service: the app that its routes are added to, and who asks over it.

The credential stands in the header `tl-token`, as it does in gRPC's metadata. Owns: what FastAPI refuses, in our words.
"""

from collections.abc import Callable
from typing import Annotated

from fastapi import FastAPI, Header
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import Response
from trunkline_core.errors import Invalid

from trunkline_platform.credentials import TOKEN_KEY, Credentials, Principal
from trunkline_platform.http import MAX_BODY_BYTES, equip, problem_response
from trunkline_platform.lifecycle import Process


def create_app(title: str, process: Process, *, max_body_bytes: int = MAX_BODY_BYTES) -> FastAPI:
    """Return an app with what every service answers; a service adds its own routes.

    The routes are not described to whoever asks: no /openapi.json.
    """
    app = FastAPI(title=title, docs_url=None, redoc_url=None, openapi_url=None)
    equip(app, process, max_body_bytes)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    return app


def caller_of(credentials: Credentials, permit: Callable[[Principal], None]) -> Callable[[str], Principal]:
    """Return a FastAPI dependency that gives the caller. It raises Unauthenticated, and what `permit` raises."""

    def caller(token: Annotated[str, Header(alias=TOKEN_KEY)] = "") -> Principal:
        principal = credentials.verify(token)
        permit(principal)
        return principal

    return caller


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = () if first["type"] == "json_invalid" else first["loc"]  # there it is (body, number of the character)
    field = ".".join(str(part) for part in place if part not in ("body", "query", "path", "header"))
    return problem_response(Invalid(field or "body", first["msg"]))
