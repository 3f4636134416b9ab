"""The judge of a chaos run: reads Kafka, what the clients wrote down, and the read models in the store.

Owns: which rules apply, how long the centre may take to settle, the figures of the last line. Must not: ask a service.
"""

import asyncio
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from fleet import REPLICATED_LEDGERS
from published import ledgers, wrong_journal_records, wrong_live_rows
from pymongo import MongoClient
from trunkline_analytics.adapters.segments import SegmentProjection
from trunkline_crm.adapters.contacts import ContactProjection
from trunkline_crm.adapters.customers import CustomerProjection
from trunkline_testkit.checker import (
    Entry,
    LedgerLog,
    Violation,
    check,
    check_times,
    compare,
    contradictions,
    read_journal,
)
from trunkline_testkit.checker.journal import EntryState
from trunkline_testkit.checker.orphans import left_over_work, orphans, outlived_consoles, outlived_peers
from trunkline_testkit.checker.outages import failovers_ms
from trunkline_testkit.checker.timers import lateness_ms
from trunkline_testkit.twins.store import MemoryStore
from trunkline_ticketing.adapters.read_model import TicketProjection

from chaos.asking import now_ms
from chaos.desks import console_peer_id
from chaos.faults.fault import BROKERS
from chaos.later.checks import tallied, wrong_upgrades
from chaos.later.events import decode
from chaos.scene import Scene
from chaos.torment import Torment

LOOK_AGAIN_S = 5.0
SETTLES_AT_MOST_S = 600.0
PROJECTIONS = (SegmentProjection, ContactProjection, CustomerProjection, TicketProjection)
POSITIONS = "positions"
LOST = frozenset({"AcknowledgedCommandLost", "AnswerWithoutEffect"})
DOUBLE = frozenset({"ConnectedTwice", "CommandEffectiveTwice", "RepeatedEventId"})
ORPHANS = frozenset({"Orphan", "ContactWithoutExactlyOneEnd"})
LEAST_LOAD = 0.1


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found. Durations in milliseconds; `connected` counts conversations.

    `settled_s`: seconds from the clients' end to the last look: until nothing was wrong, or no longer less and less.
    `stood_aside`: by service that was upgraded to write a new event type, how many old replicas stood aside;
    `new_events`: by such a service, how many events of that type took effect.
    """

    violations: Sequence[Violation]
    acked: int
    connected: int
    events: int
    void_records: int
    epochs: int
    failovers_ms: Sequence[int]
    lateness_ms: Sequence[float]
    stood_aside: Mapping[str, int] = field(default_factory=dict)
    new_events: Mapping[str, int] = field(default_factory=dict)
    settled_s: float = 0.0

    def count(self, rules: frozenset[str]) -> int:
        """Return how many violations are of these rules."""
        return sum(violation.rule in rules for violation in self.violations)


class Patience:
    """How long a centre may take to settle: as long as less and less is wrong, but not for ever. Pure.

    Who has fallen behind on a machine that is too slow catches up; who stands still never does.
    """

    def __init__(self, stall_s: float, now_s: float) -> None:
        """`stall_s`: seconds in which something must have become right."""
        self._stall_s = stall_s
        self._began_s = self._since_s = now_s
        self._fewest: int | None = None

    def is_over(self, wrong: int, now_s: float) -> bool:
        """Tell whether to give up, with that many things wrong now."""
        if self._fewest is None or wrong < self._fewest:
            self._fewest, self._since_s = wrong, now_s
        return now_s - self._since_s > self._stall_s or now_s - self._began_s > SETTLES_AT_MOST_S


async def judge(scene: Scene, torment: Torment) -> Judgement:
    """Look until nothing is wrong, or until it should have settled."""
    entries = [entry for load in scene.loads.values() for path in load.journals for entry in read_journal(path)]
    clock = asyncio.get_running_loop().time
    began_s = clock()
    patience = Patience(scene.orders.settles_within_s, began_s)
    while True:
        log = await ledgers(scene.bootstrap, decode=decode)
        violations = await _violations(scene, log, entries)
        if not violations or patience.is_over(len(violations), clock()):
            judged = _judgement(scene, torment, log, entries, violations)
            return replace(judged, settled_s=clock() - began_s)
        await asyncio.sleep(LOOK_AGAIN_S)


async def _violations(scene: Scene, log: LedgerLog, entries: Sequence[Entry]) -> list[Violation]:
    until_ms = now_ms()
    return [
        *check(log, entries, is_final=True),
        *check_times(log),
        *contradictions(log),
        *wrong_upgrades(log),
        *orphans(log, until_ms=until_ms),
        *left_over_work(log),
        *outlived_peers(log, _gateway_deaths(scene), until_ms=until_ms),
        *outlived_consoles(log, _console_deaths(scene), until_ms=until_ms),
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


def _console_deaths(scene: Scene) -> dict[str, int]:
    """Return when the console of each start of the desks was killed, by how its peer ids begin."""
    killed = scene.loads["desks"].killed_ms
    return {console_peer_id(int(path.stem.rpartition("-")[2])): at_ms for path, at_ms in killed.items()}


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
        stood_aside=dict(scene.stood_aside),
        new_events={service: tallied(log)[REPLICATED_LEDGERS[service].split(".")[0]] for service in scene.stood_aside},
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
        names = sorted({*stored.list_collection_names(), *fresh._collections} - {POSITIONS})
        found = list[Violation]()
        for name in names:
            wanted = fresh.collection(name)._documents.values()
            found += compare(_rows(name, stored[name].find()), _rows(name, wanted))
        return found
    finally:
        client.close()


async def _fold(projection: Any, log: LedgerLog) -> None:
    area = projection.topic.split(".")[0]
    records = [SimpleNamespace(record=event.record) for event in log.events if event.area == area]
    for begin in range(0, len(records), 500):
        await projection.apply(records[begin : begin + 500])


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
        "settled_s": round(found.settled_s),
        "failover_ms_p50": round(statistics.median(waits)) if waits else None,
        "failover_ms_max": waits[-1] if waits else None,
        "orphans": found.count(ORPHANS),
    }


def what_is_wrong(scene: Scene, found: Judgement) -> Iterator[str]:
    """Yield a sentence for each reason why the run failed."""
    for rule, count in Counter(violation.rule for violation in found.violations).items():
        first = next(violation for violation in found.violations if violation.rule == rule)
        yield f"{count} × {rule}, for example {first.subject}: {first.detail}"
    yield from _what_was_not_shown(found)
    least = scene.orders.minutes * 60 * scene.orders.contacts_per_s * LEAST_LOAD
    if found.connected < least:
        yield f"no load: {found.connected} conversations, fewer than {least:.0f}"


def _what_was_not_shown(found: Judgement) -> Iterator[str]:
    """Yield what an upgrade to a new event type should have led to and did not."""
    for service, count in found.stood_aside.items():
        if not count:
            yield f"no old replica of {service} stood aside for the new event type"
        if not found.new_events.get(service):
            yield f"no event of the new type of {service} took effect"
