"""The distribution's Chromium and a font with Chinese characters, for browser tests. Playwright downloads nothing."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from trunkline_core.errors import Misconfigured

from trunkline_embedded.toolchain import Report, exclusive, toolchain_root

CHROMIUM: Final = Path("/usr/bin/chromium")
FONTS: Final = Path("/usr/share/fonts")
LOCK_WAIT_S: Final = 300
"""As long as an installation of somebody else on this machine may take."""


def require_chromium(report: Report = print) -> Path:
    """Return the browser; as root on Debian, install what is missing first.

    Raises:
        Misconfigured: the browser or the font is missing and cannot be installed.
    """
    if _missing() and os.geteuid() == 0 and shutil.which("apt-get"):
        _install_once(report)
    if _missing():
        raise Misconfigured("Browser tests need the packages chromium and fonts-noto-cjk: install them with apt-get.")
    return CHROMIUM


def _missing() -> list[str]:
    is_there = {"chromium": CHROMIUM.exists(), "fonts-noto-cjk": any(FONTS.rglob("NotoSansCJK*"))}
    return [package for package, there in is_there.items() if not there]


def _install_once(report: Report) -> None:
    """Test processes ask at the same time, and apt-get lets one in: the first installs, others find it done."""
    folder = toolchain_root()
    folder.mkdir(parents=True, exist_ok=True)
    with exclusive(folder / "browser.lock", "browser", report):
        if missing := _missing():
            report(f"browser: installing {' and '.join(missing)} …")
            _install(missing)


def _install(packages: list[str]) -> None:
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        argv = ["apt-get", "-q", "-o", f"DPkg::Lock::Timeout={LOCK_WAIT_S}", *command]
        done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise Misconfigured(
                f"apt-get {command[0]} failed for the packages chromium and fonts-noto-cjk: {' '.join(reason)}"
            )
