"""Processes of services die, freeze, and are exchanged."""

import asyncio
import random
import signal

from fleet import Replica

from chaos.faults.fault import Always
from chaos.scene import REPLICATED, Scene

DOWN_S = (0.0, 6.0)
FROZEN_S = (10.0, 30.0)
SINGLE = ("ivr", "crm", "ticketing", "console", "analytics")


class KillOwner(Always):
    """SIGKILL of the replica that decides on something."""

    def __init__(self, service: str) -> None:
        self.name = f"kill-owner-{service}"
        self.touches = frozenset({service})
        self._service = service

    async def strike(self, scene: Scene, chance: random.Random) -> str:
        """Kill it; it comes back within 6 s."""
        victim = await an_owner(scene, self._service, chance)
        await kill_for_a_while(scene, [victim], chance.uniform(*DOWN_S))
        return called(victim)


class KillRandom(Always):
    """SIGKILL of any replica, at once or up to three in a burst."""

    name = "kill-random"
    touches = frozenset(REPLICATED)

    def __init__(self, burst: int = 1) -> None:
        self.name = "kill-random" if burst == 1 else "kill-burst"
        self._burst = burst

    async def strike(self, scene: Scene, chance: random.Random) -> str:
        """Kill them; they come back within 6 s."""
        replicas = [replica for service in REPLICATED for replica in scene.fleet.of(service)]
        victims = chance.sample(replicas, self._burst)
        await kill_for_a_while(scene, victims, chance.uniform(*DOWN_S))
        return " ".join(map(called, victims))


class KillSingle(Always):
    """SIGKILL of a service that has one replica."""

    name = "kill-single"
    touches = frozenset(SINGLE)

    async def strike(self, scene: Scene, chance: random.Random) -> str:
        """Kill it; it comes back at once, as under `make run`."""
        (victim,) = scene.fleet.of(chance.choice(SINGLE))
        await kill_for_a_while(scene, [victim], 0.0)
        return called(victim)


class FreezeOwner(Always):
    """SIGSTOP of an owner, long enough for another one to take over, then SIGCONT: a zombie wakes up."""

    name = "freeze-owner"

    def __init__(self, service: str) -> None:
        self.name = f"freeze-owner-{service}"
        self.touches = frozenset({service})
        self._service = service

    async def strike(self, scene: Scene, chance: random.Random) -> str:
        """Freeze it for 10 to 30 s."""
        victim = await an_owner(scene, self._service, chance)
        seconds = chance.uniform(*FROZEN_S)
        victim.signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            victim.signal(signal.SIGCONT)
        await scene.until_ready(victim)
        return f"{called(victim)} for {seconds:.0f} s"


class RollingRestart(Always):
    """All replicas of a service end in order, one after another."""

    name = "rolling-restart"
    touches = frozenset(REPLICATED)

    async def strike(self, scene: Scene, chance: random.Random) -> str:
        """Restart each once."""
        service = chance.choice(sorted(REPLICATED))
        for replica in scene.fleet.of(service):
            await exchange(scene, replica)
        return service


class RollingUpgrade(Always):
    """A newer release takes the place of the one that runs, replica by replica."""

    name = "rolling-upgrade"
    touches = frozenset(REPLICATED)

    async def strike(self, scene: Scene, chance: random.Random) -> str:
        """Upgrade each replica once."""
        service = chance.choice(sorted(REPLICATED))
        release = scene.next_release(service)
        for replica in scene.fleet.of(service):
            await exchange(scene, replica)
        return f"{service} to {release}"


async def exchange(scene: Scene, replica: Replica) -> None:
    """Let a replica end in order and start anew."""
    with scene.held(replica):
        await asyncio.to_thread(replica.stop)
        scene.begin(replica)
    await scene.until_ready(replica)


async def kill_for_a_while(scene: Scene, victims: list[Replica], seconds: float) -> None:
    """SIGKILL, then start again after so many seconds and wait until all are ready."""
    with scene.held(*victims):
        for victim in victims:
            scene.killed(victim)
            await asyncio.to_thread(victim.kill)
        await asyncio.sleep(seconds)
        for victim in victims:
            scene.begin(victim)
    for victim in victims:
        await scene.until_ready(victim)


async def an_owner(scene: Scene, service: str, chance: random.Random) -> Replica:
    """Return a replica that decides on a partition; any, where nobody does at the moment."""
    replicas = scene.fleet.of(service)
    owned = await asyncio.gather(*(asyncio.to_thread(replica.owned) for replica in replicas))
    owners = [replica for replica, count in zip(replicas, owned, strict=True) if count]
    return chance.choice(owners or replicas)


def called(replica: Replica) -> str:
    """Return the replica's name in the fault log."""
    return f"{replica.service}-{replica.instance_id}"
