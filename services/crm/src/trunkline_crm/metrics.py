"""Figures of customers on the partitions that this replica owns, read when they are asked for."""

from collections.abc import Iterable, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from trunkline_ledger.ledger import Ledger
from trunkline_platform.read_models import ReadModel

from trunkline_crm.application.custody import Custody
from trunkline_crm.domain.commands import Command
from trunkline_crm.domain.events import Event
from trunkline_crm.domain.state import CrmState


class CrmMetrics(Collector):
    """Customers, data keys, and records that a read model could not handle."""

    def __init__(
        self, ledger: Ledger[CrmState, Command, Event], custody: Custody, projections: Sequence[ReadModel]
    ) -> None:
        self._ledger = ledger
        self._custody = custody
        self._projections = projections

    def collect(self) -> Iterable[Metric]:
        """Return the families; prometheus_client calls this."""
        customers = sum(len(self._ledger.state(partition).customers) for partition in self._ledger.owned)
        dead_letters = sum(projection.dead_letters for projection in self._projections)
        return [
            GaugeMetricFamily("trunkline_crm_customers", "Customers there are, erased ones included.", customers),
            GaugeMetricFamily(
                "trunkline_crm_key_work_pending",
                "Erasures whose keys are still to be destroyed.",
                self._custody.pending,
            ),
            _counter(
                "trunkline_crm_keys_destroyed", "Data keys destroyed by this replica.", self._custody.destroyed_keys
            ),
            _counter("trunkline_crm_dead_letters", "Records sent to the dead-letter topic.", dead_letters),
        ]


def _counter(name: str, text: str, value: float) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text)
    family.add_metric([], value)
    return family
