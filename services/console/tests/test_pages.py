"""The built pages: what they may reach."""

from pathlib import Path

import httpx
import pytest
from trunkline_console.entrypoints.pages import add_pages
from trunkline_platform.lifecycle import Process
from trunkline_platform.rest import create_app


@pytest.mark.parametrize(
    ("channels_url", "edge"),
    [
        ("http://127.0.0.1:8081", "http://127.0.0.1:8081 ws://127.0.0.1:8081"),
        ("https://chat.example/", "https://chat.example wss://chat.example"),
    ],
)
async def test_pages_may_talk_to_us_and_to_the_chat_edge_only(tmp_path: Path, channels_url: str, edge: str) -> None:
    (tmp_path / "index.html").write_text("<!doctype html>")
    app = create_app("console", Process("console"))
    add_pages(app, tmp_path, channels_url)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as browser:
        paths = ("/", "/index.html", "/desk", "/why/01-some-contact")
        policies = [(await browser.get(path)).headers["content-security-policy"] for path in paths]
    sources = dict(part.strip().split(" ", 1) for part in policies[0].split(";"))
    assert (sources["connect-src"], {*policies}) == (f"'self' {edge}", {policies[0]})
