"""Figures of tickets on the partitions that this replica owns, read when they are asked for."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from trunkline_ledger.ledger import Ledger
from trunkline_platform.read_models import ReadModel

from trunkline_ticketing.domain.commands import Command
from trunkline_ticketing.domain.events import Event
from trunkline_ticketing.domain.state import TicketingState


class TicketingMetrics(Collector):
    """Tickets, and records that the read model could not handle."""

    def __init__(self, ledger: Ledger[TicketingState, Command, Event], projection: ReadModel) -> None:
        self._ledger = ledger
        self._projection = projection

    def collect(self) -> Iterable[Metric]:
        """Return the families; prometheus_client calls this."""
        tickets = sum(len(self._ledger.state(partition).tickets) for partition in self._ledger.owned)
        dead = CounterMetricFamily("trunkline_ticketing_dead_letters", "Records sent to the dead-letter topic.")
        dead.add_metric([], self._projection.dead_letters)
        return [GaugeMetricFamily("trunkline_ticketing_tickets", "Tickets there are.", tickets), dead]
