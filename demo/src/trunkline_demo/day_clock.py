"""The day clock of a run: day-seconds that pass SPEED times as fast as the wall's (no service has a scaled clock)."""

import asyncio
import time


class DayClock:
    """Stands at `start_s` until `start`, then runs."""

    def __init__(self, start_s: float, speed: float) -> None:
        self.speed = speed
        self._start_s = start_s
        self._began: float | None = None

    def start(self) -> None:
        """Let the day begin."""
        self._began = time.monotonic()

    def now_s(self) -> float:
        """Return the second of the day."""
        if self._began is None:
            return self._start_s
        return self._start_s + (time.monotonic() - self._began) * self.speed

    async def until(self, day_s: float) -> None:
        """Wait for a second of the day; returns at once when it is past."""
        wait_s = (day_s - self.now_s()) / self.speed
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    async def pass_by(self, duration_s: float) -> None:
        """Wait for a duration in day-seconds."""
        await asyncio.sleep(max(0.0, duration_s / self.speed))
