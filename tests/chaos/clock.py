"""The clock of one replica, which may be set forward and back while it runs (libfaketime).

Owns: how far it is off. Its monotonic clock is left alone, as it is when somebody sets a machine's time.
"""

from pathlib import Path

LIBRARIES = tuple(f"/usr/lib/{machine}-linux-gnu/faketime/libfaketimeMT.so.1" for machine in ("x86_64", "aarch64"))


class Clock:
    """One file says how far the clock is off; the process looks at it once a second."""

    place = ("acd", "1")

    def __init__(self, file: Path) -> None:
        self._file = file
        self._library = next((name for name in LIBRARIES if Path(name).exists()), None)
        self.step(0)

    @property
    def is_there(self) -> bool:
        """Whether this machine has libfaketime (Debian: `apt-get install faketime`)."""
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
