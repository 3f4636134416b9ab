"""Figures of self-service, read when they are asked for: sums over owned partitions, and the flows that all know."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from trunkline_ledger.ledger import Ledger

from trunkline_ivr.domain.commands import Command
from trunkline_ivr.domain.events import Event
from trunkline_ivr.domain.state import IvrState


class IvrMetrics(Collector):
    """Sessions, flow versions, flows, and traces that were forgotten early because there were too many."""

    def __init__(self, ledger: Ledger[IvrState, Command, Event]) -> None:
        self._ledger = ledger

    def collect(self) -> Iterable[Metric]:
        """Return the families; prometheus_client calls this."""
        states = [self._ledger.state(partition) for partition in self._ledger.owned]
        running = sum(len(state.sessions) for state in states)
        versions = sum(state.flow_version_count() for state in states)
        flows = min((self._ledger.state(partition).flow_count() for partition in self._ledger.partitions), default=0)
        early = sum(state.trace_counts()[2] for state in states)
        return [
            GaugeMetricFamily("trunkline_ivr_sessions", "Sessions that run.", running),
            GaugeMetricFamily(
                "trunkline_ivr_flow_versions", "Flow versions held, counted on each owned partition.", versions
            ),
            GaugeMetricFamily("trunkline_ivr_flows", "Flows known to the partition that knows fewest.", flows),
            CounterMetricFamily(
                "trunkline_ivr_traces_dropped_early", "Traces of sessions that gave way to newer ones.", early
            ),
        ]
