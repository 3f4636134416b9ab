"""Figures of tickets and notices on the partitions that this replica owns, read when they are asked for."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from trunkline_platform.read_models import ReadModel

from trunkline_ticketing.application.notices import NoticeRunner, TicketLedger


class TicketingMetrics(Collector):
    """Tickets, outstanding notices and tries of them, and records that the read model could not handle."""

    def __init__(self, ledger: TicketLedger, projection: ReadModel, notices: NoticeRunner) -> None:
        self._ledger = ledger
        self._projection = projection
        self._notices = notices

    def collect(self) -> Iterable[Metric]:
        """Return the families; prometheus_client calls this."""
        owned = [self._ledger.state(partition) for partition in self._ledger.owned]
        tickets, notices = sum(len(each.tickets) for each in owned), sum(len(each.notices) for each in owned)
        yield GaugeMetricFamily("trunkline_ticketing_tickets", "Tickets there are.", tickets)
        yield GaugeMetricFamily("trunkline_ticketing_notices", "Notices that are outstanding.", notices)
        dead = CounterMetricFamily("trunkline_ticketing_dead_letters", "Records sent to the dead-letter topic.")
        dead.add_metric([], self._projection.dead_letters)
        yield dead
        attempts = CounterMetricFamily(
            "trunkline_ticketing_notice_attempts", "Attempts to send a notice, by result.", labels=["result"]
        )
        for result in ("delivered", "refused"):
            attempts.add_metric([result], self._notices.attempts[result])
        yield attempts
