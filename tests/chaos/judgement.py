"""The judge of a chaos run: reads Kafka, what the clients wrote down, and the published tables and read models.

Owns: which rules apply, how long the centre may take to settle, the figures of the last line. Must not: ask a service.
"""

import asyncio
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from published import ledgers, wrong_journal_records, wrong_live_rows
from pymongo import MongoClient
from trunkline_analytics.adapters.segments import SegmentProjection
from trunkline_crm.adapters.contacts import ContactProjection
from trunkline_crm.adapters.customers import CustomerProjection
from trunkline_testkit.checker import Entry, LedgerLog, Violation, check, check_times, compare, read_journal
from trunkline_testkit.checker.journal import EntryState
from trunkline_testkit.checker.orphans import left_over_work, orphans, outlived_peers
from trunkline_testkit.checker.outages import failovers_ms
from trunkline_testkit.checker.timers import lateness_ms
from trunkline_testkit.twins.store import MemoryStore
from trunkline_ticketing.adapters.read_model import TicketProjection

from chaos.asking import now_ms
from chaos.scene import Scene
from chaos.torment import BROKERS, Torment

LOOK_AGAIN_S = 5.0
PROJECTIONS = (SegmentProjection, ContactProjection, CustomerProjection, TicketProjection)
POSITIONS = "positions"
LOST = frozenset({"AcknowledgedCommandLost"})
DOUBLE = frozenset({"ConnectedTwice", "CommandEffectiveTwice", "RepeatedEventId"})
ORPHANS = frozenset({"Orphan", "ContactWithoutExactlyOneEnd"})
LEAST_LOAD = 0.1


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found. Durations in milliseconds; `connected` counts conversations."""

    violations: Sequence[Violation]
    acked: int
    connected: int
    events: int
    void_records: int
    epochs: int
    failovers_ms: Sequence[int]
    lateness_ms: Sequence[float]

    def count(self, rules: frozenset[str]) -> int:
        """Return how many violations are of these rules."""
        return sum(violation.rule in rules for violation in self.violations)


async def judge(scene: Scene, torment: Torment) -> Judgement:
    """Look until nothing is wrong, or until it should have settled."""
    entries = [entry for load in scene.loads.values() for path in load.journals for entry in read_journal(path)]
    deadline = asyncio.get_running_loop().time() + scene.orders.settles_within_s
    while True:
        log = await ledgers(scene.bootstrap)
        violations = await _violations(scene, log, entries)
        if not violations or asyncio.get_running_loop().time() > deadline:
            return _judgement(scene, torment, log, entries, violations)
        await asyncio.sleep(LOOK_AGAIN_S)


async def _violations(scene: Scene, log: LedgerLog, entries: Sequence[Entry]) -> list[Violation]:
    until_ms = now_ms()
    return [
        *check(log, entries, is_final=True),
        *check_times(log),
        *orphans(log, until_ms=until_ms),
        *left_over_work(log),
        *outlived_peers(log, _gateway_deaths(scene), until_ms=until_ms),
        *await wrong_live_rows(scene.bootstrap, log),
        *await wrong_journal_records(scene.bootstrap, log),
        *await wrong_read_models(scene.store.url, log),
    ]


def _gateway_deaths(scene: Scene) -> dict[str, int]:
    """Return when the gateway of each contact that it had brought in was killed."""
    return {
        entry.contact_id: at_ms
        for path, at_ms in scene.loads["callers"].killed_ms.items()
        for entry in read_journal(path)
        if entry.contact_id
    }


def _judgement(
    scene: Scene, torment: Torment, log: LedgerLog, entries: Sequence[Entry], violations: Sequence[Violation]
) -> Judgement:
    return Judgement(
        violations=violations,
        acked=len({entry.command_id for entry in entries if entry.state is EntryState.ACKED}),
        connected=sum(event.area == "acd" and event.name == "ContactConnected" for event in log.events),
        events=len(log.events),
        void_records=log.void_records,
        epochs=len(log.epochs),
        failovers_ms=failovers_ms(log, [death for death in scene.deaths if _brokers_were_up(torment, death.at_ms)]),
        lateness_ms=lateness_ms(log),
    )


def _brokers_were_up(torment: Torment, at_ms: int) -> bool:
    """Tell whether a killed owner could be replaced at once: no broker was away or coming back then."""
    return not any(
        each.began_ms - 10_000 <= at_ms <= each.ended_ms for each in torment.struck if BROKERS in each.touches
    )


async def wrong_read_models(store_url: str, log: LedgerLog) -> list[Violation]:
    """Return where the read models differ from a fresh fold of the ledgers."""
    fresh = MemoryStore()
    for projection in PROJECTIONS:
        await _fold(projection(fresh), log)
    client: MongoClient[dict[str, Any]] = MongoClient(store_url, tz_aware=True)
    try:
        stored = client["chaos"]
        names = [name for name in stored.list_collection_names() if name != POSITIONS]
        return [
            violation
            for name in names
            for violation in compare(_rows(name, stored[name].find()), _rows(name, await _all(fresh, name)))
        ]
    finally:
        client.close()


async def _fold(projection: Any, log: LedgerLog) -> None:
    area = projection.topic.split(".")[0]
    records = [SimpleNamespace(record=event.record) for event in log.events if event.area == area]
    for begin in range(0, len(records), 500):
        await projection.apply(records[begin : begin + 500])


async def _all(store: MemoryStore, name: str) -> list[dict[str, Any]]:
    return [document async for document in _documents(store, name)]


async def _documents(store: MemoryStore, name: str) -> Any:
    for document in list(store.collection(name)._documents.values()):
        yield document


def _rows(name: str, documents: Any) -> dict[str, dict[str, Any]]:
    return {f"{name}/{document['_id']}": document for document in documents}


def last_line(scene: Scene, torment: Torment, found: Judgement) -> dict[str, object]:
    """Return the figures of a run."""
    waits = sorted(found.failovers_ms)
    return {
        "seed": scene.orders.seed,
        "minutes": scene.orders.minutes,
        "faults": len(torment.struck),
        "acked": found.acked,
        "lost": found.count(LOST),
        "double": found.count(DOUBLE),
        "violations": len(found.violations),
        "failover_ms_p50": round(statistics.median(waits)) if waits else None,
        "failover_ms_max": waits[-1] if waits else None,
        "orphans": found.count(ORPHANS),
    }


def what_is_wrong(scene: Scene, found: Judgement) -> Iterator[str]:
    """Yield a sentence for each reason why the run failed."""
    for rule, count in Counter(violation.rule for violation in found.violations).items():
        first = next(violation for violation in found.violations if violation.rule == rule)
        yield f"{count} × {rule}, for example {first.subject}: {first.detail}"
    least = scene.orders.minutes * 60 * scene.orders.contacts_per_s * LEAST_LOAD
    if found.connected < least:
        yield f"no load: {found.connected} conversations, fewer than {least:.0f}"
