"""Processes of services die, freeze, and are exchanged."""

import asyncio
import random
import signal

from fleet import Replica
from trunkline_launcher.layout import SERVICES

from chaos.faults.fault import Always
from chaos.later.rules import SCHEMA
from chaos.scene import REPLICATED, Scene

DOWN_S = (0.0, 6.0)
FROZEN_S = (10.0, 30.0)
STANDS_ASIDE = f"needs a version that reads schema {SCHEMA}"
STANDS_ASIDE_WITHIN_S = 120.0  # brokers may be away meanwhile
LOOK_S = 0.5
SINGLE = tuple(service for service in SERVICES if service not in REPLICATED)


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
    """A newer release takes the place of the one that runs, replica by replica.

    The first one of a service writes an event type that the running one does not know: from its first marker on the old
    replicas must stand aside.
    """

    name = "rolling-upgrade"
    touches = frozenset(REPLICATED)

    async def strike(self, scene: Scene, chance: random.Random) -> str:
        """Upgrade each replica once; at the first upgrade only when the old ones stand aside."""
        service = chance.choice(sorted(REPLICATED))
        release = scene.next_release(service)
        first, *old = scene.fleet.of(service)
        await exchange(scene, first)
        if release == 1:
            scene.stood_aside[service] = await stood_aside(old)
        for replica in old:
            await exchange(scene, replica)
        return f"{service} to {release}" + (f", {scene.stood_aside[service]} stood aside" if release == 1 else "")


async def stood_aside(replicas: list[Replica]) -> int:
    """Wait until all these say that a newer release made them too old; return how many do after 120 s at most."""
    deadline = asyncio.get_running_loop().time() + STANDS_ASIDE_WITHIN_S
    while True:
        said = await asyncio.gather(*(asyncio.to_thread(each.has_logged, STANDS_ASIDE) for each in replicas))
        if all(said) or asyncio.get_running_loop().time() > deadline:
            return sum(said)
        await asyncio.sleep(LOOK_S)


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
