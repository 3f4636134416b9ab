"""Clients and what is between them and the centre fail."""

import asyncio
import random
import signal

from chaos.faults.fault import CLIENTS, Always
from chaos.scene import LOADS, Scene


class RepeatCommands(Always):
    """A third of all commands arrives again, at once at another replica or up to 20 s late."""

    name = "repeat-commands"
    touches = frozenset({CLIENTS})

    async def strike(self, scene: Scene, chance: random.Random) -> str:
        """For 15 s."""
        for load in scene.loads.values():
            load.signal(signal.SIGUSR1)
        await asyncio.sleep(15.0)
        for load in scene.loads.values():
            load.signal(signal.SIGUSR2)
        return " ".join(LOADS)


class KillGateway(Always):
    """SIGKILL of all gateways: their calls must end by themselves."""

    name = "kill-gateway"
    touches = frozenset({CLIENTS})

    async def strike(self, scene: Scene, chance: random.Random) -> str:
        """Kill them; new ones are there at once, or 15 s later, when the silence has been noticed."""
        return await kill_load(scene, "callers", chance.choice((0.0, 15.0)))


class KillConsole(Always):
    """SIGKILL of a console with all its desks open."""

    name = "kill-console"
    touches = frozenset({CLIENTS})

    async def strike(self, scene: Scene, chance: random.Random) -> str:
        """Kill it; another one opens the desks at once, or 15 s later."""
        return await kill_load(scene, "desks", chance.choice((0.0, 15.0)))


async def kill_load(scene: Scene, kind: str, seconds: float) -> str:
    """SIGKILL of a load process; start it again after so many seconds."""
    scene.loads[kind].kill()
    await asyncio.sleep(seconds)
    scene.loads[kind].start()
    await asyncio.sleep(5.0)
    return f"{kind} for {seconds:.0f} s"
