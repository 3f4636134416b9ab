"""The clock of one replica, which may be set forward and back while it runs (libfaketime).

Owns: how far it is off. Its monotonic clock is left alone, as it is when somebody sets a machine's time.
"""

from collections.abc import Callable
from pathlib import Path

from trunkline_core.errors import Misconfigured
from trunkline_embedded.apt import install_missing

LIBRARIES = tuple(f"/usr/lib/{machine}-linux-gnu/faketime/libfaketimeMT.so.1" for machine in ("x86_64", "aarch64"))
PACKAGE = "faketime"


def install_library(report: Callable[[str], None]) -> None:
    """As root on Debian, install the library if it is missing; say in one sentence when no clock can be set."""
    why = f"install the package {PACKAGE} with apt-get"
    try:
        install_missing("clock", _missing, report)
    except Misconfigured as error:
        why = str(error).removesuffix(".")
    if _missing():
        report(f"No clock is set in this run: {why}.")


def _missing() -> list[str]:
    return [] if _library() else [PACKAGE]


def _library() -> str | None:
    return next((name for name in LIBRARIES if Path(name).exists()), None)


class Clock:
    """One file says how far the clock is off; the process looks at it once a second."""

    place = ("acd", "1")

    def __init__(self, file: Path) -> None:
        self._file = file
        self._library = _library()
        self.step(0)

    @property
    def is_there(self) -> bool:
        """Whether this machine has libfaketime."""
        return self._library is not None

    def step(self, seconds: int) -> None:
        """Set the clock that many seconds off true time."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(f"{seconds:+d}s\n", encoding="ascii")

    def environment(self) -> dict[str, str]:
        """Return what makes a process follow this clock; nothing where there is no library."""
        if self._library is None:
            return {}
        return {
            "LD_PRELOAD": self._library,
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
