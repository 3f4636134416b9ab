"""People with browsers: each has a context of their own, in a language, and is logged in without the log-in page.

Owns: contexts, what the browser complains about, pictures after a failure. Must not: know what the pages show.
"""

from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, WebSocket
from trunkline_launcher.commands import PASSWORD
from trunkline_launcher.layout import Layout

# As root, Playwright starts Chromium without its sandbox by itself.
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SIZE: ViewportSize = {"width": 1366, "height": 768}
LOCALES = {"zh": "zh-CN", "en": "en-US"}
PATIENCE_MS = 20_000
# The page asks who is logged in, a supervisor is refused; the browser writes each refused request down as an error.
EXPECTED_REFUSALS = {"status of 401": ("/api/me", "/api/login"), "status of 409": ("/intent",)}


class People:
    """Everybody in one test."""

    def __init__(self, browser: Browser, layout: Layout) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.console = layout.http_url("console")
        self.complaints: list[str] = []

    def context(self, language: str) -> BrowserContext:
        """Return a browser of somebody's own."""
        context = self._browser.new_context(locale=LOCALES[language], viewport=SIZE, base_url=self.console)
        context.set_default_timeout(PATIENCE_MS)
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self._contexts.append(context)
        return context

    def stranger(self, language: str = "en") -> Page:
        """Return an empty page of somebody who is not logged in."""
        return self.context(language).new_page()

    def member(self, tenant_id: str, login: str, language: str = "en") -> Page:
        """Return an empty page of somebody who is logged in."""
        context = self.context(language)
        answer = context.request.post(
            "/api/login",
            data={"login": login, "password": PASSWORD, "tenant": tenant_id},
            headers={"X-Trunkline": "1"},
        )
        assert answer.ok, answer.text()
        return context.new_page()

    def take_pictures(self, folder: Path) -> list[Path]:
        """Save what everybody sees."""
        pages = [page for context in self._contexts for page in context.pages]
        paths = [folder / f"{number}.png" for number, _ in enumerate(pages)]
        for page, path in zip(pages, paths, strict=True):
            page.screenshot(path=path)
        return paths

    def leave(self) -> None:
        """Close all browsers."""
        for context in self._contexts:
            context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        url = message.location["url"]
        refused = any(status in message.text and url.endswith(ends) for status, ends in EXPECTED_REFUSALS.items())
        if message.type in ("error", "warning") and not refused:
            self.complaints.append(f"{message.type}: {message.text} ({message.location['url']})")


def all_received(page: Page) -> list[str]:
    """Return what the server sends to the page over sockets, as it comes."""
    frames: list[str] = []

    def on_socket(socket: WebSocket) -> None:
        socket.on("framereceived", lambda payload: frames.append(str(payload)))

    page.on("websocket", on_socket)
    return frames
