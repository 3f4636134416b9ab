"""Metrics that every service has, and how a ledger's counters become metrics.

Declared once, here; names are `trunkline_<area>_<what>_<unit>[_total]`. Labels are bounded: method and service names,
status codes; never ids or tenants.
"""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from trunkline_ledger.kafka.reader import VOID_RECORDS

REGISTRY: Final = CollectorRegistry()
BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

RPC_SECONDS: Final = Histogram(
    "trunkline_grpc_handled_seconds",
    "Time from receipt of a unary RPC to its answer.",
    ["method", "code"],
    buckets=BUCKETS_S,
    registry=REGISTRY,
)
RPC_STREAMS: Final = Gauge("trunkline_grpc_streams", "Open streaming RPCs.", ["method"], registry=REGISTRY)
COMMANDS_FORWARDED: Final = Counter(
    "trunkline_commands_forwarded_total",
    "Commands sent on to the partition's owner.",
    ["ledger"],
    registry=REGISTRY,
)
WATCHERS_OVERRUN: Final = Counter(
    "trunkline_watch_overruns_total",
    "Subscribers that were closed because they read too slowly.",
    ["stream"],
    registry=REGISTRY,
)
LOGS_SUPPRESSED: Final = Counter(
    "trunkline_logs_suppressed_total",
    "Log lines of libraries that were dropped by the rate limit.",
    ["logger"],
    registry=REGISTRY,
)
ProcessCollector(registry=REGISTRY)  # memory, CPU, open files


def exposition() -> bytes:
    """Return all metrics in Prometheus' text format."""
    return generate_latest(REGISTRY)


class LedgerMetrics(Collector):
    """The counters of the ledgers of this process, read when they are asked for."""

    def __init__(self) -> None:
        self._ledgers: dict[str, Any] = {}

    def add(self, ledger: Any) -> Callable[[], None]:
        """Export a `trunkline_ledger.ledger.Ledger`; return how to stop."""
        name = ledger.service.name
        self._ledgers[name] = ledger

        def remove() -> None:
            if self._ledgers.get(name) is ledger:
                del self._ledgers[name]

        return remove

    def collect(self) -> Iterable[Metric]:
        """Return the families; prometheus_client calls this."""
        owned = GaugeMetricFamily("trunkline_ledger_owned_partitions", "Partitions decided here.", labels=["ledger"])
        ready = GaugeMetricFamily("trunkline_ledger_caught_up", "1: this replica has read the log.", labels=["ledger"])
        counters: dict[str, CounterMetricFamily] = {}
        for name, ledger in self._ledgers.items():
            owned.add_metric([name], len(ledger.owned))
            ready.add_metric([name], int(ledger.is_caught_up()))
            for field in dataclasses.fields(ledger.stats):
                family = counters.setdefault(field.name, _counter(field.name))
                family.add_metric([name], getattr(ledger.stats, field.name))
        return [owned, ready, _void_records(), *counters.values()]


def _void_records() -> CounterMetricFamily:
    """What other services' readers ignored: process managers, projections and all who follow a ledger."""
    void = CounterMetricFamily(
        "trunkline_ledger_reader_void_records", "Records without a valid epoch, ignored.", labels=["reader", "topic"]
    )
    for (reader, topic), count in VOID_RECORDS.items():
        void.add_metric([reader, topic], count)
    return void


def _counter(field: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"trunkline_ledger_{field}", f"See LedgerStats.{field}.", labels=["ledger"])


LEDGER_METRICS: Final = LedgerMetrics()
REGISTRY.register(LEDGER_METRICS)


def export_ledger(ledger: Any) -> Callable[[], None]:
    """Export the counters of a ledger; return how to stop."""
    return LEDGER_METRICS.add(ledger)


def export(figures: Collector) -> Callable[[], None]:
    """Export what a service reads from its parts when it is asked; return how to stop."""
    REGISTRY.register(figures)
    return lambda: REGISTRY.unregister(figures)
