"""The distribution's Chromium and a font with Chinese characters, for browser tests. Playwright downloads nothing."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from trunkline_core.errors import Misconfigured

from trunkline_embedded.toolchain import Report

CHROMIUM: Final = Path("/usr/bin/chromium")
FONTS: Final = Path("/usr/share/fonts")


def require_chromium(report: Report = print) -> Path:
    """Return the browser; as root on Debian, install what is missing first.

    Raises:
        Misconfigured: the browser or the font is missing and cannot be installed.
    """
    missing = _missing()
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        report(f"browser: installing {' and '.join(missing)} …")
        _install(missing)
        missing = _missing()
    if missing:
        raise Misconfigured("Browser tests need the packages chromium and fonts-noto-cjk: install them with apt-get.")
    return CHROMIUM


def _missing() -> list[str]:
    is_there = {"chromium": CHROMIUM.exists(), "fonts-noto-cjk": any(FONTS.rglob("NotoSansCJK*"))}
    return [package for package, there in is_there.items() if not there]


def _install(packages: list[str]) -> None:
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", "-q", *command], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if done.returncode:
            reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise Misconfigured(
                f"apt-get {command[0]} failed for the packages chromium and fonts-noto-cjk: {' '.join(reason)}"
            )
