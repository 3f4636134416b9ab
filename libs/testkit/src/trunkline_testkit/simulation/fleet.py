"""Replicas as processes: started, killed, frozen, and started again under the same instance id.

Owns: hosts, the way to each replica's `submit`, boot ids from a wall clock that may step.
Must not: know a service's rules.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from trunkline_core.errors import Misconfigured, Transient, TrunklineError
from trunkline_ledger.kafka.settings import LedgerSettings
from trunkline_ledger.ledger import Ledger, Replaced
from trunkline_ledger.managers import ManagerRunner, ProcessManager
from trunkline_ledger.service import LedgerService
from trunkline_ledger.submission import Committed, ReadToken, Recorded, Submission

from trunkline_testkit.simulation.client import SimulatedClient
from trunkline_testkit.simulation.group import SimulatedGroup
from trunkline_testkit.simulation.hosts import Host, outside
from trunkline_testkit.simulation.log import SimulatedCluster
from trunkline_testkit.virtual_time import START

Answer = Committed[Any] | TrunklineError

READ_S = 3.0


@dataclass(frozen=True, slots=True)
class Hosting:
    """One ledger that every replica hosts, and the managers that feed it."""

    service: LedgerService[Any, Any, Any]
    managers: Sequence[ProcessManager[Any]] = ()


@dataclass(slots=True)
class Process:
    """One start of one replica. `pushed`: what its watchers were told, by topic and partition: offset and event id."""

    host: Host
    client: SimulatedClient
    boot_id: str
    ledgers: dict[str, Ledger[Any, Any, Any]] = field(default_factory=dict)
    ended: "asyncio.Future[None] | None" = None
    pushed: dict[tuple[str, int], list[tuple[int, str]]] = field(default_factory=dict)

    def watch(self, topic: str, partition: int, events: Sequence[Recorded[Any]]) -> None:
        """Note what was pushed."""
        told = self.pushed.setdefault((topic, partition), [])
        told += [(event.offset, event.metadata.event_id) for event in events]


class Instance:
    """One replica through all its starts; `wall_step_s` is by how much its wall clock is wrong."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.wall_step_s = 0.0
        self.restart_after_s = 1.0
        self.starts = 0
        self.process: Process | None = None

    @property
    def running(self) -> Process | None:
        """The process, if it can do anything at the moment."""
        return self.process if self.process is not None and self.process.host.is_running else None


class Fleet:
    """All replicas of one simulation."""

    def __init__(
        self, cluster: SimulatedCluster, hostings: Sequence[Hosting], settings: LedgerSettings, replicas: int
    ) -> None:
        self.cluster = cluster
        self.groups: dict[str, SimulatedGroup] = {}
        self.instances = {name: Instance(name) for name in (f"r{number}" for number in range(1, replicas + 1))}
        self.crashes: list[str] = []
        self.refused_by_the_past: set[str] = set()  # command ids: by an owner that had not heard of its successor yet
        self.is_over = False
        self._hostings = hostings
        self._settings = settings
        self.processes: list[Process] = []

    async def run(self) -> None:
        """Keep every instance running until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for number, instance in enumerate(self.instances.values()):
                tasks.create_task(self._keep(instance, 0.3 * number), name=f"supervisor-{instance.name}")

    async def _keep(self, instance: Instance, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        while True:
            process = self._start(instance)
            assert process.ended is not None
            await process.ended
            await asyncio.sleep(instance.restart_after_s)

    def _start(self, instance: Instance) -> Process:
        instance.starts += 1
        loop = asyncio.get_running_loop()
        wall = START + timedelta(seconds=loop.time() + instance.wall_step_s)
        ended: asyncio.Future[None] = loop.create_future()
        host = Host(instance.name)
        client = SimulatedClient(self.cluster, host, self.groups)
        boot_id = f"{int(wall.timestamp() * 1000):020d}-{instance.name}-{instance.starts:04d}"
        process = Process(host, client, boot_id, ended=ended)
        host.on_death = lambda: self._died(process)
        instance.process = process
        main = host.spawn(self._main(instance, process), f"process-{instance.name}")
        main.add_done_callback(lambda task: self._ended(process, task))
        self.processes.append(process)
        return process

    def _died(self, process: Process) -> None:
        self.cluster.abandon(process.host)
        outside(asyncio.get_running_loop(), 0.0, _settle, process)

    def _ended(self, process: Process, task: "asyncio.Task[None]") -> None:
        """The process ended by itself: stopped, replaced, or by a defect."""
        error = None if task.cancelled() else task.exception()
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if error is not None and not isinstance(error, Replaced | Misconfigured) and not self.is_over:
            self.crashes.append(f"{process.host.name}: {type(error).__name__}: {error}")
        process.host.kill()

    async def _main(self, instance: Instance, process: Process) -> None:
        for hosting in self._hostings:
            process.ledgers[hosting.service.topic] = self._ledger(hosting, instance, process)
        for ledger in process.ledgers.values():
            while True:
                try:
                    await ledger.start()
                    break
                except Transient:
                    await asyncio.sleep(0.5)
        async with asyncio.TaskGroup() as tasks:
            for hosting in self._hostings:
                ledger = process.ledgers[hosting.service.topic]
                tasks.create_task(ledger.run())
                if hosting.managers:
                    tasks.create_task(ManagerRunner(ledger, hosting.managers, "", process.client).run())

    def _ledger(self, hosting: Hosting, instance: Instance, process: Process) -> Ledger[Any, Any, Any]:
        ledger: Ledger[Any, Any, Any] = Ledger(
            replace(hosting.service, import_path="beside the replicas"),
            bootstrap_servers="",
            instance_id=instance.name,
            address=instance.name,
            settings=self._settings,
            boot_id=process.boot_id,
            client=process.client,
        )
        topic = hosting.service.topic
        ledger.watch(lambda partition, events: process.watch(topic, partition, events))
        return ledger

    # asking a replica

    def ask(self, instance: Instance, topic: str, submission: Submission[Any], reply: Callable[[Answer], None]) -> bool:
        """Hand a command to a replica; its answer comes from outside, or never. False: nobody listens there."""
        process = instance.process
        if process is None or not process.host.is_alive or topic not in process.ledgers:
            return False
        process.host.spawn(self._carry_out(process, topic, submission, reply), "command")
        return True

    async def _carry_out(
        self, process: Process, topic: str, submission: Submission[Any], reply: Callable[[Answer], None]
    ) -> None:
        answer: Answer
        try:
            answer = await process.ledgers[topic].submit(submission)
        except TrunklineError as refusal:
            answer = refusal
            if not refusal.retryable and self._is_past(process, topic, submission):
                self.refused_by_the_past.add(submission.command_id)
        outside(asyncio.get_running_loop(), self.cluster.delay_s(), reply, answer)

    def _is_past(self, process: Process, topic: str, submission: Submission[Any]) -> bool:
        """Whether another epoch than the process knows of stands on the log already (ledger rule 3)."""
        ledger = process.ledgers[topic]
        number = ledger.partition_of(submission.key)
        newest = max((record.epoch or 0 for record in self.cluster.topics[topic][number].records), default=0)
        return ledger.core(number).fold.epochs.epoch < newest

    async def read(self, instance: Instance, topic: str, key: str, view: Callable[[Any], Any], token: ReadToken) -> Any:
        """Read at a replica that runs what is at least as new as the token. Raises: Transient when it cannot now."""
        process = instance.running
        if process is None or topic not in process.ledgers or not process.ledgers[topic].partitions:
            raise Transient("nobody listens")
        ledger = process.ledgers[topic]
        reading = process.host.spawn(ledger.read(ledger.partition_of(key), view, token), "read")
        done, _ = await asyncio.wait({reading}, timeout=READ_S)
        if not done:
            raise Transient("no answer")
        return reading.result()

    # planned restart

    def stop(self, instance: Instance) -> None:
        """Let the replica end as an operator would (SIGTERM)."""
        process = instance.running
        if process is not None and process.ledgers:
            process.host.spawn(self._stop(process), "stop")

    async def _stop(self, process: Process) -> None:
        for ledger in process.ledgers.values():
            await ledger.stop()
        process.host.kill()

    def bury(self) -> None:
        """Let all tasks of all processes that ever ran end."""
        self.is_over = self.cluster.is_over = True
        for process in self.processes:
            process.host.bury()


def _settle(process: Process) -> None:
    if process.ended is not None and not process.ended.done():
        process.ended.set_result(None)
