"""Measures snapshots and starts on a real broker of its own; prints one JSON line a figure: name, value, unit.

    python libs/ledger/bench/snapshots.py [--events 1000000] [--replay]

A log of channels' real rules is written, two contacts a second of log time: opened, a person wanted, queued, offered,
connected, six messages, closed, dropped after ten minutes. Then: snapshot_s, of the whole log and of the last 50,000
records; recovery_s, from the start of a replica to a fold that reached the end, with a snapshot that is 50,000 records
old; replay_s, the same without a snapshot (with `--replay`); replay_events_per_s of both; owner_pause_ms_max, the
longest time for which the loop of an owner under load was held up, without and with a helper at work;
fold_memory_bytes_per_contact, of one in memory, and of one that has left it, whose version and first answers are still
remembered.
"""

import argparse
import asyncio
import itertools
import json
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from trunkline.ledger.v1.ledger_types_pb2 import Marker
from trunkline_channels.bootstrap import SERVICE
from trunkline_channels.domain import commands
from trunkline_channels.domain.identity import derive_contact_id, partition_token
from trunkline_channels.domain.words import Author, Channel, CloseReason, EntryPointDefinition
from trunkline_core.sealed import Sealed
from trunkline_embedded.kafka import KafkaNode
from trunkline_ledger.core.batch import Ticket
from trunkline_ledger.core.fold import Fold
from trunkline_ledger.core.partition import Partition
from trunkline_ledger.core.records import MARKER_TYPE, Draft, Record
from trunkline_ledger.kafka.producer import PartitionProducer
from trunkline_ledger.kafka.settings import LedgerSettings
from trunkline_ledger.kafka.topics import describe_topic, ensure_topics
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.service import LedgerService
from trunkline_ledger.snapshotting import MAKER, helper_environment
from trunkline_ledger.stats import LedgerStats
from trunkline_ledger.submission import Submission

TENANT = "tn_demo"
TOPIC = "bench.events.v1"
EVERY = 50_000
PACE_S = 0.5  # log time between two contacts: 7,200 an hour
BIRTHS = 25
TEXT = Sealed("dk_0123456789abcdef01234567", b"n" * 12, b"x" * 96)
ONE_PARTITION = LedgerSettings(session_timeout_s=3.0, partitions=1, snapshot_every=10**9)


def report(name: str, value: float, unit: str, **more: object) -> None:
    print(json.dumps({"name": name, "value": round(value, 3), "unit": unit, **more}), flush=True)


def uuid7(seconds: float, number: int) -> str:
    return str(UUID(int=(int(seconds * 1000) << 80) | (0x7 << 76) | (0b10 << 62) | number))


def script(contact_id: str, opening: commands.OpenContact) -> Iterator[Callable[[int], Any]]:
    """Yield what is said about one contact; each is given the number of its newest step."""
    yield lambda _: opening
    yield lambda step_no: commands.RecordCustomer(contact_id, step_no, "cu_0123456789abcdef01234567")
    yield lambda _: commands.RecordPersonRequested(contact_id, "qu_sales", 500, 0, (), None)
    yield lambda step_no: commands.RecordEnqueued(contact_id, step_no, "qu_sales", 1)
    yield lambda _: commands.RecordOffered(contact_id, 1, 1, "ag_li")
    yield lambda _: commands.RecordAccepted(contact_id, 1, 1, "ag_li")
    yield lambda _: commands.ConfirmConnect(contact_id, 1, 1)
    yield lambda _: commands.RecordConnected(contact_id, 1, 1, "ag_li")
    for _ in range(6):
        yield lambda _: commands.AddMessage(contact_id, Author.CUSTOMER, TEXT, "")
    yield lambda _: commands.CloseContact(contact_id, CloseReason.CUSTOMER_LEFT, "")
    for _ in range(2):
        yield lambda step_no: commands.RecordForgotten(contact_id, step_no)


BENCHED: LedgerService[Any, Any, Any] = replace(SERVICE, topic=TOPIC)
FROM_OUTSIDE = (commands.OpenContact, commands.AddMessage, commands.CloseContact)


class Centre:
    """The owner of one partition that lives faster than the clock: it decides, somebody appends."""

    def __init__(self) -> None:
        self.core: Partition[Any, Any, Any] = Partition(BENCHED, 0, "bench", "boot", LedgerStats())
        self._began_s = time.time()
        self._elapsed_s = 0.0
        self._lives: list[tuple[str, Iterator[Callable[[int], Any]]]] = []
        self._numbers = iter(range(1, 10**9))

    def take_over(self, offset: int) -> None:
        """The marker was appended."""
        self.core.announce()
        self.core.take_in([record(offset, marker())], 0.0)
        self._submit(commands.PutEntryPoint(EntryPointDefinition("ep_chat", "Shop", Channel.CHAT, "fl_main")), "*")

    def live_on(self, births: int = BIRTHS) -> Iterator[list[Draft]]:
        """Let contacts come, and each that is there be spoken of once; yield what is to be appended."""
        self._elapsed_s += PACE_S * BIRTHS
        self._lives += [self._born() for _ in range(births)]
        self._lives = [life for life in self._lives if self._speak_of(*life)]
        self.core.queue_due_timers(self._elapsed_s)
        while (batch := self.core.next_batch(self._elapsed_s)) is not None:
            yield batch.drafts
        assert not self.core.stats.rejected + self.core.stats.defects, "the script is not channels' any more"

    def acknowledge(self, offset: int | None) -> None:
        """What was yielded last was appended."""
        self.core.acknowledged(offset, self._elapsed_s)

    def _born(self) -> tuple[str, Iterator[Callable[[int], Any]]]:
        token = f"{next(self._numbers):032d}"[::-1]
        contact_id = derive_contact_id(token, token)
        opening = commands.OpenContact("ep_chat", token, TEXT, {"tier": "gold"}, "zh", "chat:bench", contact_id)
        return contact_id, script(contact_id, opening)

    def _speak_of(self, contact_id: str, lines: Iterator[Callable[[int], Any]]) -> bool:
        line = next(lines, None)
        row = self.core.fold.state.contacts.get(contact_id)
        if line is not None:
            self._submit(line(row.step_no if row else 0), partition_token(contact_id))
        return line is not None

    def _submit(self, command: Any, key: str) -> None:
        number = next(self._numbers)
        is_outside = isinstance(command, FROM_OUTSIDE)
        submission: Submission[Any] = Submission(
            command=command,
            key=key,
            command_id=uuid7(self._began_s + self._elapsed_s, number) if is_outside else f"c/{number}",
            tenant=TENANT,
            actor="system",
            payload_hash=b"h" * 32 if is_outside else b"",
        )
        self.core.submit(Ticket(submission, 0.0, float("inf"), lambda _: None))


def marker() -> Draft:
    announced = Marker(epoch=1, boot_id="boot", instance_id="bench", address="bench:1", partition_count=1)
    return Draft(b"*", announced.SerializeToString(), 1, MARKER_TYPE)


async def write(centre: Centre, producer: PartitionProducer, events: int) -> None:
    """Live until the log has so many records more."""
    end = centre.core.next_offset + events
    while centre.core.next_offset < end:
        for drafts in centre.live_on():
            centre.acknowledge(await producer.append(drafts) if drafts else None)


async def make(kafka: KafkaNode, before: int) -> int:
    """Have a helper make a snapshot, as an owner would, after one that reaches to `before`; return where it ends."""
    topic_id = (await describe_topic(kafka.bootstrap, TOPIC)).topic_id
    request = {
        "service": BENCHED.import_path,
        "topic": TOPIC,
        "topic_id": topic_id,
        "partition": 0,
        "bootstrap_servers": kafka.bootstrap,
        "client_id": "maker",
        "at_least": 1,
    }
    began = time.perf_counter()
    helper = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", MAKER), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=helper_environment()
    )
    assert helper.stdin and helper.stdout
    helper.stdin.write(json.dumps(request).encode() + b"\n")
    made = json.loads(await helper.stdout.readline())
    await helper.wait()
    took, reached = time.perf_counter() - began, int(made["next_offset"])
    report("snapshot_s", took, "s", records_behind=reached, records_folded=reached - before)
    return reached


def replica(kafka: KafkaNode, name: str, service: LedgerService[Any, Any, Any]) -> Ledger[Any, Any, Any]:
    return Ledger(
        service, bootstrap_servers=kafka.bootstrap, instance_id=name, address=f"{name}:1", settings=ONE_PARTITION
    )


async def recover(kafka: KafkaNode, name: str, service: LedgerService[Any, Any, Any]) -> Ledger[Any, Any, Any]:
    """Start a cold replica and wait until its fold is at the end."""
    ledger = replica(kafka, "cold", service)
    began = time.perf_counter()
    await ledger.start()
    while not ledger.is_caught_up():
        await asyncio.sleep(0.01)
    took = time.perf_counter() - began
    read = ledger.stats.folded
    report(name, took, "s", records_behind=ledger.core(0).next_offset, records_read=read)
    report("replay_events_per_s", read / took, "1/s", of=name)
    return ledger


async def longest_pause_s(done: asyncio.Event) -> float:
    """Return the longest time the loop did nothing else, until `done`."""
    longest = 0.0
    while not done.is_set():
        began = time.perf_counter()
        await asyncio.sleep(0.002)
        longest = max(longest, time.perf_counter() - began - 0.002)
    return longest


async def measure_pauses(kafka: KafkaNode, ledger: Ledger[Any, Any, Any], reached: int) -> None:
    """An owner with the whole state answers commands, alone and while a helper makes a snapshot."""
    while not ledger.owned:
        await asyncio.sleep(0.01)
    done = asyncio.Event()
    loads = [asyncio.create_task(load(ledger, number, done)) for number in range(8)]
    for is_made in (False, True):
        over = asyncio.Event()
        pause = asyncio.create_task(longest_pause_s(over))
        await (make(kafka, reached) if is_made else asyncio.sleep(10.0))
        over.set()
        report("owner_pause_ms_max", await pause * 1000, "ms", while_a_snapshot_is_made=is_made)
    done.set()
    await asyncio.gather(*loads)


async def load(ledger: Ledger[Any, Any, Any], number: int, done: asyncio.Event) -> None:
    """One client: it defines an entry point anew, again and again, at most a hundred times a second."""
    for count in itertools.count():
        if done.is_set():
            return
        definition = EntryPointDefinition(f"ep_{number}", f"Shop {count}", Channel.CHAT, "fl_main")
        await ledger.submit(
            Submission(
                command=commands.PutEntryPoint(definition),
                key="*",
                command_id=f"load/{number}/{count}",
                tenant=TENANT,
                actor="system",
            )
        )
        await asyncio.sleep(0.01)


def measure_memory() -> None:
    """What the fold of a replica that only reads keeps of contacts that are there, and of those that have gone."""
    centre, records = Centre(), [record(0, marker())]
    centre.take_over(0)
    live_for(centre, records, 40, BIRTHS)
    report("fold_memory_bytes_per_contact", fold_bytes(records) / (40 * BIRTHS), "bytes", contacts=40 * BIRTHS)
    live_for(centre, records, 80, 0)
    live_for(centre, records, 1, 1)  # the window forgets when there is something to remember
    assert len(centre.core.fold.state.contacts) == 1
    report("fold_memory_bytes_per_contact_that_has_gone", fold_bytes(records) / (40 * BIRTHS), "bytes")


def live_for(centre: Centre, records: list[Record], ticks: int, births: int) -> None:
    for _ in range(ticks):
        for drafts in centre.live_on(births):
            offset = len(records)
            records += [record(number, draft) for number, draft in enumerate(drafts, offset)]
            centre.acknowledge(offset if drafts else None)


def fold_bytes(records: Sequence[Record]) -> int:
    tracemalloc.start()
    before, fold = tracemalloc.get_traced_memory()[0], Fold(BENCHED, 0)
    for one in records:
        fold.take_in(one, [])
    size = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return size


def record(offset: int, draft: Draft) -> Record:
    return Record(0, offset, draft.key, draft.value, datetime.now(UTC), draft.epoch, draft.type)


async def main(events: int, with_replay: bool) -> None:
    measure_memory()
    with tempfile.TemporaryDirectory() as folder:
        kafka = KafkaNode.start(Path(folder), report=lambda _: None)
        try:
            await measure(kafka, events, with_replay)
        finally:
            kafka.kill()


async def measure(kafka: KafkaNode, events: int, with_replay: bool) -> None:
    made = replica(kafka, "maker", BENCHED)
    await ensure_topics(kafka.bootstrap, made._topics())
    producer, centre = PartitionProducer(TOPIC, 0, kafka.bootstrap, 8.0), Centre()
    await producer.start()
    centre.take_over(await producer.append([marker()]))
    began = time.perf_counter()
    await write(centre, producer, events - EVERY)
    report("log_written", events - EVERY, "records", seconds=round(time.perf_counter() - began))
    reached = await make(kafka, 0)
    await write(centre, producer, EVERY)
    await producer.close()
    del centre
    ledger = await recover(kafka, "recovery_s", BENCHED)
    await measure_pauses(kafka, ledger, reached)
    await ledger.stop()
    if with_replay:
        await (await recover(kafka, "replay_s", replace(BENCHED, import_path=""))).stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--replay", action="store_true", help="measure a start without a snapshot, too")
    options = parser.parse_args()
    asyncio.run(main(options.events, options.replay))
