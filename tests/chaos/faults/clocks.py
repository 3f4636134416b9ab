"""Somebody sets the clock of a machine."""

import asyncio
import random

from chaos.faults.fault import CLOCK
from chaos.scene import Scene

NAME = "step-clock"
STEPS_S = (-120, 120)


class StepClock:
    """One replica's clock jumps by two minutes while it runs, and back."""

    name = NAME
    touches = frozenset({CLOCK})

    def can_strike(self, scene: Scene) -> bool:
        """Only where libfaketime is there; `make chaos` installs it where it may."""
        return scene.clock.is_there

    async def strike(self, scene: Scene, chance: random.Random) -> str:
        """For 20 s."""
        seconds = chance.choice(STEPS_S)
        scene.clock.step(seconds)
        await asyncio.sleep(20.0)
        scene.clock.step(0)
        return f"{'-'.join(scene.clock.place)} by {seconds:+d} s"
