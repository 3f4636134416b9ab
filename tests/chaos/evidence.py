"""What a chaos run leaves in docs/evidence: versions, counts, faults, figures. Must not: judge."""

import importlib.metadata
import json
import platform
import statistics
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from trunkline_embedded.toolchain import KAFKA
from trunkline_launcher.layout import ROOT

from chaos.judgement import Judgement
from chaos.scene import REPLICATED, Scene
from chaos.torment import Torment

FOLDER = ROOT / "docs" / "evidence"


def write_evidence(
    scene: Scene,
    torment: Torment,
    found: Judgement,
    counts: Mapping[str, Mapping[str, int]],
    figures: Mapping[str, object],
    reasons: Sequence[str],
) -> Path:
    """Write the page of a run and return where it is."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"chaos-{datetime.now(UTC):%Y-%m-%d}-{scene.orders.brokers}-broker-seed-{scene.orders.seed}.md"
    lines = [
        f"# Chaos, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "",
        "Written by `make chaos` with CHAOS_EVIDENCE=1; what the words mean stands in [tests/README.md]"
        "(../../tests/README.md).",
        "",
        *_table("what ran", _versions(scene)),
        *_table("load", _load(scene, found, counts)),
        *_table("faults that struck", sorted(torment.counts().items())),
        *_table("ledgers", _ledgers(scene, found)),
        *([f"**Broken**: {reason}" for reason in reasons] or ["No rule was broken."]),
        "",
        "```",
        json.dumps(figures),
        "```",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _table(title: str, rows: Sequence[tuple[str, object]]) -> Iterator[str]:
    yield from (f"| {title} | |", "| --- | --- |")
    yield from (f"| {name} | {value} |" for name, value in rows)
    yield ""


def _versions(scene: Scene) -> list[tuple[str, object]]:
    orders = scene.orders
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return [
        ("commit", subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()),
        ("Python", platform.python_version()),
        ("aiokafka", importlib.metadata.version("aiokafka")),
        ("Kafka", f"{KAFKA.title}, {orders.brokers} broker(s)"),
        (
            "replicas",
            ", ".join(f"{count} of {service}" for service, count in REPLICATED.items()) + ", 1 of the others",
        ),
        ("agents", f"{orders.agents} in {orders.shops} tenants"),
        ("ordered", f"{orders.contacts_per_s:g} contacts a second for {orders.minutes:g} minutes"),
        ("libfaketime", "there" if scene.clock.is_there else "not there: no clock was set"),
    ]


def _load(scene: Scene, found: Judgement, counts: Mapping[str, Mapping[str, int]]) -> list[tuple[str, object]]:
    seconds = scene.orders.minutes * 60
    return [
        ("conversations", f"{found.connected}, {found.connected / seconds:.1f} a second"),
        ("commands acknowledged", found.acked),
        *((f"last start of {kind}", json.dumps(each)) for kind, each in counts.items()),
    ]


def _ledgers(scene: Scene, found: Judgement) -> list[tuple[str, object]]:
    late = sorted(found.lateness_ms)
    return [
        ("effective events", found.events),
        ("epochs", found.epochs),
        ("void records", found.void_records),
        ("first upgrades: old replicas that stood aside, events of the new type", new_types(found)),
        ("services started again by the supervisor", scene.restarts),
        ("owners killed while brokers were up, partitions replaced", len(found.failovers_ms)),
        ("timers fired", len(late)),
        ("lateness of timers, net of time without an owner, ms: p50, p99, max", _quantiles(late)),
    ]


def new_types(found: Judgement) -> str:
    """Return what became of the event types that upgrades brought, by service."""
    each = (f"{service} {count}, {found.new_events[service]}" for service, count in sorted(found.stood_aside.items()))
    return "; ".join(each) or "–"


def _quantiles(values: Sequence[float]) -> str:
    if len(values) < 2:
        return "–"
    cut = statistics.quantiles(values, n=100)
    return f"{cut[49]:.0f}, {cut[98]:.0f}, {values[-1]:.0f}"
