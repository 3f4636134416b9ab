"""What analytics exports, declared once; figures are read from the parts when Prometheus asks."""

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector
from trunkline_platform.faust_app import LedgerSource
from trunkline_platform.read_models import ReadModel

PREFIX = "trunkline_analytics"


class AnalyticsMetrics(Collector):
    """Counters of the live app's sources and of the projection."""

    def __init__(self, sources: Iterable[LedgerSource], projection: ReadModel) -> None:
        self._sources = list(sources)
        self._projection = projection

    def collect(self) -> Iterator[Metric]:
        """Read the counters."""
        effective = CounterMetricFamily(f"{PREFIX}_effective_records", "Effective records handled.", labels=["topic"])
        void = CounterMetricFamily(
            f"{PREFIX}_void_records", "Records without a valid epoch, ignored.", labels=["topic"]
        )
        dead = CounterMetricFamily(f"{PREFIX}_dead_letters", "Records sent to the DLQ.", labels=["topic"])
        for source in self._sources:
            effective.add_metric([source.topic], source.effective_records)
            void.add_metric([source.topic], source.void_records)
            dead.add_metric([source.topic], source.dead_letters)
        dead.add_metric(["segments"], self._projection.dead_letters)
        yield from (effective, void, dead)
