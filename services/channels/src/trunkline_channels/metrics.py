"""What an operator sees of contacts at this replica, read when it is asked for. No label carries an id or a tenant."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from trunkline_channels.application.chat import ChatEdge
from trunkline_channels.application.deliveries import Deliveries
from trunkline_channels.application.reconciliation import Reconciliation
from trunkline_channels.application.steps import ChannelsLedger, StepRunner
from trunkline_channels.application.waits import WaitFigures
from trunkline_channels.domain.reconciling import Difference


class ChannelsMetrics(Collector):
    """Contacts, steps, chat pages, deliveries and entry points; counters begin with the process."""

    def __init__(
        self,
        ledger: ChannelsLedger,
        steps: StepRunner,
        edge: ChatEdge,
        deliveries: Deliveries,
        reconciliation: Reconciliation,
        figures: WaitFigures,
    ) -> None:
        self._ledger = ledger
        self._steps = steps
        self._edge = edge
        self._deliveries = deliveries
        self._reconciliation = reconciliation
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        """Return the families; prometheus_client calls this."""
        state = self._ledger.state
        contacts = sum(len(state(number).contacts) for number in self._ledger.owned)
        known = min((len(state(number).entry_points) for number in self._ledger.partitions), default=0)
        steps = self._steps
        yield _gauge("contacts", "Contacts in memory in the partitions owned here.", contacts)
        yield _gauge("entry_points", "Entry points known to the partition that knows fewest.", known)
        yield _gauge("chat_pages", "Open sockets of chat pages.", self._edge.pages)
        yield _gauge("steps_running", "Steps of contacts that are being carried out.", steps.outstanding)
        yield _counter("step_retries", "Tries of steps that came to nothing and are repeated.", steps.retries)
        yield _counter("step_refusals", "Refusals of steps for good.", steps.refusals)
        yield _gauge("differences", "Contacts on which acd or ivr differ now.", self._reconciliation.differences)
        yield _gauge("waits_told", "Callers who are told place and wait, of which acd is asked.", self._figures.callers)
        yield self._delivered()
        yield self._reconciled()

    def _delivered(self) -> Metric:
        family = CounterMetricFamily(
            "trunkline_channels_deliveries", "Deliveries of web hooks, by result.", labels=["result"]
        )
        for result in ("taken", "refused"):
            family.add_metric([result], self._deliveries.taken[result])
        return family

    def _reconciled(self) -> Metric:
        text = "Contacts ended because acd or ivr differed for too long."
        family = CounterMetricFamily("trunkline_channels_reconciled", text, labels=["difference"])
        for difference in Difference:
            family.add_metric([difference.value], self._reconciliation.reconciled[difference])
        return family


def _gauge(name: str, text: str, value: int) -> Metric:
    return GaugeMetricFamily(f"trunkline_channels_{name}", text, value=value)


def _counter(name: str, text: str, value: int) -> Metric:
    return CounterMetricFamily(f"trunkline_channels_{name}", text, value=value)
