"""The built pages: one origin for desk, wall, shop page and widget."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

POLICY = (
    "default-src 'self'; connect-src 'self' ws: wss: http: https:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'self'; base-uri 'self'; form-action 'self'"
)
FOR_EVER = "public, max-age=31536000, immutable"
SPA = ("", "login", "desk", "wall", "tickets", "customers")


def add_pages(app: FastAPI, root: Path) -> None:
    """Serve files below `root`; paths of the single-page app give its index."""
    folder = root.resolve()

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
            return with_headers(FileResponse(wanted), FOR_EVER if "/assets/" in f"/{path}" else "no-cache")
        if path.split("/", 1)[0] not in SPA:
            raise HTTPException(404, "Not Found")
        if not (folder / "index.html").is_file():
            return PlainTextResponse("The pages are not built yet: make run builds them.\n", 503)
        return with_headers(FileResponse(folder / "index.html"), "no-cache")


def with_headers(response: Response, caching: str) -> Response:
    """Add the content policy and how long the browser may keep the file."""
    response.headers["content-security-policy"] = POLICY
    response.headers["cache-control"] = caching
    return response
