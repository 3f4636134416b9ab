"""What an operator sees of routing: sums over owned partitions, and what all partitions define. No ids as labels."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from trunkline_acd.application.desk_feed import AcdLedger
from trunkline_acd.domain.agents import is_routable, is_signed_in
from trunkline_acd.domain.state import Domain
from trunkline_acd.domain.tombstones import DROPPED_EARLY
from trunkline_acd.domain.words import DeviceState


class RoutingMetrics(Collector):
    """Read from state when they are asked for: they cannot drift."""

    def __init__(self, ledger: AcdLedger) -> None:
        self._ledger = ledger

    def collect(self) -> Iterable[Metric]:
        """Return the families; prometheus_client calls this."""
        domains = [domain for number in self._ledger.owned for domain in self._ledger.state(number).domains()]
        queues = [queue for domain in domains for queue in domain.queues.values()]
        agents = [agent for domain in domains for agent in domain.agents.values()]
        known = [domain for number in self._ledger.partitions for domain in self._ledger.state(number).domains()]
        yield _gauge(
            "queues",
            "Queues defined, on all partitions, owned here or not.",
            sum(len(domain.queues) for domain in known),
        )
        yield _gauge(
            "agents",
            "Agents defined, on all partitions, owned here or not.",
            sum(len(domain.agents) for domain in known),
        )
        yield _gauge("waiting_contacts", "Contacts that wait without an offer.", sum(q.waiting for q in queues))
        yield _gauge(
            "ringing_contacts", "Contacts that ring at an agent or are being joined.", sum(q.ringing for q in queues)
        )
        yield _gauge("callbacks", "Call-backs that are open.", sum(q.callbacks_open for q in queues))
        yield _gauge("connected_contacts", "Contacts joined with an agent.", sum(q.connected for q in queues))
        yield _gauge("routable_agents", "Agents that may get offers.", sum(map(is_routable, agents)))
        yield _gauge(
            "blocked_agents",
            "Agents that missed too many offers and get none until re-armed.",
            sum(agent.not_responding for agent in agents),
        )
        yield _gauge(
            "lost_devices",
            "Signed-in agents whose telephone is registered at no gateway any more: they get no calls.",
            sum(is_signed_in(agent) and agent.device is DeviceState.LOST for agent in agents),
        )
        yield _gauge(
            "called_in_agents",
            "Agents whom a supervisor called in and who are not available yet.",
            sum(agent.called_in is not None for agent in agents),
        )
        yield _counter(
            "kept_back_contacts",
            "Segments that ended of contacts from which a free agent was kept back for VIP contacts.",
            sum(queue.kept_back_total for queue in queues),
        )
        yield _counter(
            "kept_back_seconds",
            "Sum of their waits since an agent was first kept back from each.",
            sum(queue.kept_back_wait.total_seconds() for queue in queues),
        )
        yield _gauge("tombstones", "Ended contacts remembered.", sum(len(domain.tombstones) for domain in domains))
        yield _counter(
            "tombstones_dropped_early",
            "Tombstones that gave way before 24 h, since the ledgers began.",
            sum(map(_dropped_early, domains)),
        )
        histories = [history for domain in domains for history in domain.wait_histories.values()]
        yield _counter(
            "wait_estimates_held",
            "Estimated waits of contacts that found nobody free, where the wait was at most P80.",
            sum(history.held_total for history in histories),
        )
        yield _counter(
            "wait_estimates_missed",
            "Estimated waits of contacts that found nobody free, where the wait was longer than P80.",
            sum(history.missed_total for history in histories),
        )


def _dropped_early(domain: Domain) -> int:
    return domain.last_number(DROPPED_EARLY)


def _gauge(name: str, text: str, value: int) -> Metric:
    return GaugeMetricFamily(f"trunkline_acd_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"trunkline_acd_{name}", text, value=value)
