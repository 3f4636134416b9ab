"""Packages of the distribution, installed where that is allowed: as root, where there is apt-get.

Owns: one installation at a time on this machine. Must not: know what a package is for, or how it is seen to be there.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from typing import Final

from trunkline_core.errors import Misconfigured

from trunkline_embedded.toolchain import Report, exclusive, toolchain_root

LOCK_WAIT_S: Final = 300
"""As long as an installation of somebody else on this machine may take."""

Missing = Callable[[], Sequence[str]]
"""Returns which of the wanted packages are not there."""


def install_missing(title: str, missing: Missing, report: Report) -> None:
    """Install what is missing, where that is allowed; elsewhere do nothing: ask `missing` again afterwards.

    Processes ask at the same time, and apt-get lets one in: the first installs, others find it done.
    Raises: Misconfigured when apt-get fails.
    """
    if not missing() or not _is_allowed():
        return
    folder = toolchain_root()
    folder.mkdir(parents=True, exist_ok=True)
    with exclusive(folder / "apt.lock", title, report):
        if packages := missing():
            report(f"{title}: installing {' and '.join(packages)} …")
            install(packages)


def _is_allowed() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: Sequence[str]) -> None:
    """Install packages. Raises: Misconfigured with the last line that apt-get said."""
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        argv = ["apt-get", "-q", "-o", f"DPkg::Lock::Timeout={LOCK_WAIT_S}", *command]
        done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            names = " and ".join(packages)
            raise Misconfigured(f"apt-get {command[0]} failed for {names}: {' '.join(reason)}")
