"""The distribution's Chromium and a font with Chinese characters, for browser tests. Playwright downloads nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from trunkline_core.errors import Misconfigured

from trunkline_embedded.apt import install_missing
from trunkline_embedded.toolchain import Report

SHELL: Final = "chromium-headless-shell"
"""Chromium without a window: half the work of the whole one for the same pages."""
BROWSERS: Final = (Path("/usr/bin") / SHELL, Path("/usr/bin/chromium"))
"""The first that is there is used."""
FONTS: Final = Path("/usr/share/fonts")


def require_chromium(report: Report = print) -> Path:
    """Return the browser; as root on Debian, install what is missing first.

    Raises:
        Misconfigured: the browser or the font is missing and cannot be installed.
    """
    install_missing("browser", _missing, report)
    if _missing():
        raise Misconfigured(f"Browser tests need the packages {SHELL} and fonts-noto-cjk: install them with apt-get.")
    return next(_browsers())


def _browsers() -> Iterator[Path]:
    return (path for path in BROWSERS if path.exists())


def _missing() -> list[str]:
    is_there = {SHELL: any(_browsers()), "fonts-noto-cjk": any(FONTS.rglob("NotoSansCJK*"))}
    return [package for package, there in is_there.items() if not there]
