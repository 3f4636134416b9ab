"""The built pages: one origin for desk, wall, shop page and widget."""

from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.responses import FileResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

FOR_EVER = "public, max-age=31536000, immutable"
SPA = ("", "login", "desk", "wall", "tickets", "customers", "why")


def add_pages(app: FastAPI, root: Path, channels_url: str) -> None:
    """Serve files below `root`; paths of the single-page app give its index. `channels_url`: of the chat edge."""
    folder, policy = root.resolve(), policy_of(channels_url)

    @app.get("/{path:path}", include_in_schema=False)
    async def page(path: str) -> Response:
        try:
            wanted = (folder / path).resolve()
            is_file = wanted.is_file()
        except (OSError, ValueError):  # a name that no file can have
            raise HTTPException(404, "Not Found") from None
        if wanted.is_dir() and (wanted / "index.html").is_file() and path:
            wanted, is_file = wanted / "index.html", True
        if is_file and wanted.is_relative_to(folder):
            return with_headers(FileResponse(wanted), policy, FOR_EVER if "/assets/" in f"/{path}" else "no-cache")
        if path.split("/", 1)[0] not in SPA:
            raise HTTPException(404, "Not Found")
        if not (folder / "index.html").is_file():
            return PlainTextResponse("The pages are not built yet: make run builds them.\n", 503)
        return with_headers(FileResponse(folder / "index.html"), policy, "no-cache")


def policy_of(channels_url: str) -> str:
    """Return the content policy: pages talk to us, and the widget of the demo shop to the chat edge."""
    edge = urlsplit(channels_url)
    sources = f"'self' {edge.scheme}://{edge.netloc} {edge.scheme.replace('http', 'ws', 1)}://{edge.netloc}"
    return (
        f"default-src 'self'; connect-src {sources}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; frame-ancestors 'self'; base-uri 'self'; form-action 'self'"
    )


def with_headers(response: Response, policy: str, caching: str) -> Response:
    """Add the content policy and how long the browser may keep the file."""
    response.headers["content-security-policy"] = policy
    response.headers["cache-control"] = caching
    return response
