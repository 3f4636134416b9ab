"""Everything that runs in a chaos run: brokers, store, services with their networks, and load processes.

Owns: start and end of all of it. Must not: break anything; that is for the faults.
"""

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import planted_bugs
from fleet import HEALTHY, REPLICATED_LEDGERS, Fleet, Replica
from own_tenants import define_tenant
from trunkline_embedded.kafka import KafkaCluster, KafkaNode
from trunkline_embedded.process import ChildProcess
from trunkline_embedded.store import MongoStore
from trunkline_testkit.checker.outages import Death

from chaos.asking import now_ms
from chaos.clock import Clock
from chaos.network import Network
from chaos.orders import Orders
from chaos.work_orders import Shop, WorkOrder

REPLICATED = {"acd": 3, "channels": 3}
LOADS = ("callers", "desks")
BUGGY = "acd"
VOICE_LEASE = {"voice_lease_duration": "6s", "wrap_up_duration": "8s", "miss_exclusion_duration": "10s"}
DRAINS_WITHIN_S = 240.0
READY_WITHIN_S = 300.0  # the one broker may be away several times meanwhile
LOOK_S = 1.0


class Load:
    """One load process and what it wrote down over all its starts."""

    def __init__(self, kind: str, scene: "Scene") -> None:
        self.kind = kind
        self.boots = 0
        self.killed_ms: dict[Path, int] = {}
        self._scene = scene
        self._child: ChildProcess | None = None

    @property
    def journals(self) -> list[Path]:
        """What its clients wrote down, one file a start."""
        return sorted(self._scene.folder.glob(f"{self.kind}-*.jsonl"))

    def start(self) -> None:
        """Start it (again)."""
        self.boots += 1
        path = self._scene.folder / f"{self.kind}-{self.boots}.order"
        self._scene.work_order(self.kind, self.boots).write(path)
        argv = [sys.executable, "-m", f"chaos.{self.kind}", str(path)]
        self._child = ChildProcess(argv, self._scene.folder / f"{self.kind}-{self.boots}.log")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self._child is not None
        self._child.signal(number)

    def kill(self) -> None:
        """SIGKILL."""
        assert self._child is not None
        self.killed_ms[self._journal(self.boots)] = now_ms()
        self._child.kill()

    def _journal(self, boot: int) -> Path:
        return self._scene.folder / f"{self.kind}-{boot}.jsonl"

    @property
    def is_running(self) -> bool:
        """Whether it works."""
        return self._child is not None and self._child.is_running

    async def finish(self) -> dict[str, int]:
        """Ask it to end in order; return what its last start counted. Raises: RuntimeError when it failed."""
        assert self._child is not None
        self._child.terminate()
        ended = await asyncio.to_thread(self._child.wait, DRAINS_WITHIN_S)
        if not ended or self._child.returncode != 0:
            self._child.kill()
            raise RuntimeError("\n".join([f"the load process {self.kind} failed:", *self._child.last_lines()]))
        counts: dict[str, int] = json.loads(self._child.last_lines(1)[0])
        return counts


class Scene:
    """One run. Make it, then `start` it."""

    def __init__(self, folder: Path, orders: Orders) -> None:
        self.folder = folder
        self.orders = orders
        self.kafka: list[KafkaNode] = []
        self.networks: dict[tuple[str, str], Network] = {}
        self.clock = Clock(folder / "clock")
        self.loads = {kind: Load(kind, self) for kind in LOADS}
        self.shops: tuple[Shop, ...] = ()
        self.deaths: list[Death] = []
        self.restarts = 0
        self.stood_aside: dict[str, int] = {}  # how many old replicas did at a service's first upgrade
        self._releases: dict[str, int] = {}
        self._held: set[Replica] = set()
        self._keeping: asyncio.Task[None] | None = None
        self.store: MongoStore
        self.fleet: Fleet

    @property
    def bootstrap(self) -> str:
        """The brokers themselves, past all proxies."""
        return ",".join(node.bootstrap for node in self.kafka)

    async def start(self) -> None:
        """Bring everything up, and the load."""
        await asyncio.to_thread(self._start_servers)
        ports = [node.port for node in self.kafka]
        for service, count in REPLICATED.items():
            for number in range(1, count + 1):
                network = self.networks[service, str(number)] = Network(ports)
                await network.open()
        self._make_fleet()
        for replica in self.fleet.all():
            self.begin(replica)
        self._keeping = asyncio.create_task(self._keep_alive(), name="keep-alive")
        await self.whole()
        self.shops = tuple(await asyncio.to_thread(self._define_shops))
        for kind in ("desks", "callers"):
            self.loads[kind].start()

    def _start_servers(self) -> None:
        if self.orders.brokers == 1:
            self.kafka = [KafkaNode.start(self.folder / "kafka", report=lambda _: None)]
        else:
            cluster = KafkaCluster.start(self.folder / "kafka", self.orders.brokers, report=lambda _: None)
            self.kafka = list(cluster.nodes)
        self.store = MongoStore.start(self.folder / "store", report=lambda _: None)

    def _make_fleet(self) -> None:
        self.fleet = Fleet(
            self.folder / "centre",
            self.bootstrap,
            self.store.url,
            "chaos",
            REPLICATED,
            self._settings_of,
            self._program_of,
        )

    def _settings_of(self, replica: Replica) -> Mapping[str, str]:
        """Replicas of acd and channels reach the brokers through their own network, one of acd has its own clock."""
        settings = {"TRUNKLINE_REPLICATION_FACTOR": str(self.orders.brokers)}
        place = (replica.service, replica.instance_id)
        if network := self.networks.get(place):
            settings["TRUNKLINE_KAFKA_BOOTSTRAP"] = network.bootstrap
        if place == self.clock.place:
            settings |= self.clock.environment()
        return settings

    def _define_shops(self) -> list[Shop]:
        return [self._define_shop() for _ in range(self.orders.shops)]

    def _define_shop(self) -> Shop:
        names = [f"a{number:03d}" for number in range(self.orders.agents // self.orders.shops)]
        agents = [
            {"agent_id": f"ag_{name}", "skills": [{"skill": "support", "level": 3}], "chat_capacity": 1}
            for name in names
        ]
        tenant = define_tenant(self.fleet.layout, queue=VOICE_LEASE, agents=agents, users=[])
        entry_point = f"ep_demo_voice_{tenant.suffix}"
        return Shop(tenant.tenant_id, entry_point, tuple(tenant.agent(name) for name in names))

    def work_order(self, kind: str, boot: int) -> WorkOrder:
        """Return what a load process is told at one of its starts."""
        return WorkOrder(
            data=str(self.fleet.layout.data),
            journal=str(self.folder / f"{kind}-{boot}.jsonl"),
            boot=boot,
            seed=self.orders.seed,
            contacts_per_s=self.orders.contacts_per_s,
            acd=tuple(self.fleet.addresses("acd")),
            channels=tuple(self.fleet.addresses("channels")),
            shops=self.shops,
        )

    def begin(self, replica: Replica) -> None:
        """Start a replica (again)."""
        self.fleet.begin(replica)

    def _program_of(self, replica: Replica) -> tuple[str, ...]:
        """Return what runs a replica's module: with the planted bug, or of the service's newest release."""
        if self.orders.bug and replica.service == BUGGY:
            return (sys.executable, planted_bugs.__file__, self.orders.bug)
        release = self._releases.get(replica.service, 0)
        return (sys.executable, "-m", "chaos.next_release", str(release)) if release else HEALTHY

    def next_release(self, service: str) -> int:
        """Let every replica of the service that starts from now on be of a newer release."""
        self._releases[service] = self._releases.get(service, 0) + 1
        return self._releases[service]

    @contextlib.contextmanager
    def held(self, *replicas: Replica) -> Iterator[None]:
        """While these are down on purpose, nobody starts them again."""
        self._held.update(replicas)
        try:
            yield
        finally:
            self._held.difference_update(replicas)

    def killed(self, replica: Replica) -> None:
        """Note when an owner was killed."""
        if topic := REPLICATED_LEDGERS.get(replica.service):
            self.deaths.append(Death(topic, f"{replica.service}-{replica.instance_id}", now_ms()))

    async def _keep_alive(self) -> None:
        """Start again what ended by itself, as `make run` does, until the scene stops."""
        while True:
            await asyncio.sleep(LOOK_S)
            for replica in self.fleet.all():
                if not replica.is_running and replica not in self._held:
                    self.restarts += 1
                    self.begin(replica)

    async def until_ready(self, replica: Replica) -> None:
        """Wait until a replica says that it is ready. Raises: RuntimeError with the end of its log."""
        deadline = time.monotonic() + READY_WITHIN_S
        while not (replica.is_running and await asyncio.to_thread(replica.says_ready)):
            if time.monotonic() > deadline:
                name = f"{replica.service} {replica.instance_id}"
                raise RuntimeError("\n".join([f"{name} is not ready: its log ends so:", *replica.last_lines()]))
            await asyncio.sleep(0.2)

    def network(self, replica: Replica) -> Network:
        """Return the network between a replica and the brokers."""
        return self.networks[replica.service, replica.instance_id]

    async def whole(self) -> None:
        """Wait until every replica is ready."""
        for replica in self.fleet.all():
            await self.until_ready(replica)

    async def stop(self) -> None:
        """End everything; what does not end in order is killed."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        for load in self.loads.values():
            if load.is_running:
                load.kill()
        if hasattr(self, "fleet"):
            await asyncio.to_thread(self.fleet.stop)
        for network in self.networks.values():
            await network.close()
        for node in self.kafka:
            node.kill()
        if hasattr(self, "store"):
            self.store.kill()
