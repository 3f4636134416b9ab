"""The network between a replica and the brokers fails, or tells it what is not so."""

import asyncio
import random

from chaos.faults.fault import NETWORKS, Always
from chaos.faults.replicas import an_owner, called
from chaos.scene import REPLICATED, Scene

CUT_S = (3.0, 25.0)
LOST = 3


class CutReplica(Always):
    """Nothing passes between an owner and the brokers; then what waited passes late."""

    name = "cut-replica"
    touches = frozenset({NETWORKS})

    async def strike(self, scene: Scene, chance: random.Random) -> str:
        """Cut it off for 3 to 25 s."""
        victim = await an_owner(scene, chance.choice(sorted(REPLICATED)), chance)
        seconds = chance.uniform(*CUT_S)
        scene.network(victim).cut()
        try:
            await asyncio.sleep(seconds)
        finally:
            scene.network(victim).mend()
        await scene.until_ready(victim)
        return f"{called(victim)} for {seconds:.0f} s"


class LoseAnswers(Always):
    """Appends that were done are never answered: the owner must call their outcome unknown."""

    name = "lose-answers"
    touches = frozenset({NETWORKS})

    async def strike(self, scene: Scene, chance: random.Random) -> str:
        """Lose the next answers to an owner."""
        victim = await an_owner(scene, chance.choice(sorted(REPLICATED)), chance)
        network = scene.network(victim)
        network.answers_to_lose = chance.randint(1, LOST)
        await asyncio.sleep(12.0)
        left, network.answers_to_lose = network.answers_to_lose, 0
        return f"{called(victim)}, {left} left over"


class ForgeAnswers(Always):
    """Appends that were done are answered with an error: done but told failed."""

    name = "forge-answers"
    touches = frozenset({NETWORKS})

    async def strike(self, scene: Scene, chance: random.Random) -> str:
        """Forge the next answers to an owner."""
        victim = await an_owner(scene, chance.choice(sorted(REPLICATED)), chance)
        network = scene.network(victim)
        network.answers_to_forge = chance.randint(1, LOST)
        await asyncio.sleep(6.0)
        left, network.answers_to_forge = network.answers_to_forge, 0
        return f"{called(victim)}, {left} left over"
