"""Brokers die, one that leads or all of them; the store goes away."""

import asyncio
import random

from aiokafka.admin import AIOKafkaAdminClient
from trunkline_embedded.kafka import KafkaNode, live_brokers
from trunkline_testkit.checker.log import LEDGERS

from chaos.faults.fault import BROKERS, STORE, Always
from chaos.scene import Scene

ALL_DOWN_S = 30.0
WHOLE_WITHIN_S = 120.0


class KillLeader(Always):
    """SIGKILL of the broker that leads a ledger's partition. With one broker it is that one."""

    name = "kill-leader"
    touches = frozenset({BROKERS})

    async def strike(self, scene: Scene, chance: random.Random) -> str:
        """Kill it; it comes back within 8 s, and everything is in sync again before the next one."""
        victim = await a_leader(scene, chance)
        await asyncio.to_thread(victim.kill)
        await asyncio.sleep(chance.uniform(0.0, 8.0))
        await bring_back(scene, [victim])
        return f"broker {scene.kafka.index(victim) + 1}"


class AllBrokersDown(Always):
    """SIGKILL of all brokers at once."""

    name = "all-brokers-down"
    touches = frozenset({BROKERS})

    async def strike(self, scene: Scene, chance: random.Random) -> str:
        """Kill all, for 30 s."""
        for node in scene.kafka:
            node.kill()
        await asyncio.sleep(ALL_DOWN_S)
        await bring_back(scene, scene.kafka)
        return f"{len(scene.kafka)} for {ALL_DOWN_S:.0f} s"


class StoreAway(Always):
    """SIGKILL of the document store."""

    name = "store-away"
    touches = frozenset({STORE})

    async def strike(self, scene: Scene, chance: random.Random) -> str:
        """Keep it down for 5 to 25 s."""
        seconds = chance.uniform(5.0, 25.0)
        scene.store.kill()
        await asyncio.sleep(seconds)
        await asyncio.to_thread(scene.store.restart)
        return f"for {seconds:.0f} s"


async def bring_back(scene: Scene, nodes: list[KafkaNode]) -> None:
    """Start brokers again and wait until all know each other and every replica of a ledger is in sync."""
    for node in nodes:
        await asyncio.to_thread(node.launch)
    async with asyncio.timeout(WHOLE_WITHIN_S):
        for node in scene.kafka:
            while await asyncio.to_thread(live_brokers, node.port) < len(scene.kafka):
                await asyncio.sleep(0.2)
        while not await _is_in_sync(scene):
            await asyncio.sleep(0.5)


async def a_leader(scene: Scene, chance: random.Random) -> KafkaNode:
    """Return a broker that leads one of the ledgers' partitions. Node ids are 1, 2, 3."""
    if len(scene.kafka) == 1:
        return scene.kafka[0]
    leaders = [partition["leader"] for partition in await _partitions(scene) if partition["leader"] > 0]
    return scene.kafka[chance.choice(leaders) - 1]


async def _is_in_sync(scene: Scene) -> bool:
    try:
        return all(len(each["isr"]) == len(each["replicas"]) for each in await _partitions(scene))
    except Exception:  # a supervisor's look at brokers that are just starting: whatever it was, look again
        return False


async def _partitions(scene: Scene) -> list[dict[str, list[int]]]:
    admin = AIOKafkaAdminClient(bootstrap_servers=scene.bootstrap)
    await admin.start()
    try:
        topics = await admin.describe_topics(sorted(LEDGERS))
    finally:
        await admin.close()
    return [partition for topic in topics for partition in topic["partitions"]]
