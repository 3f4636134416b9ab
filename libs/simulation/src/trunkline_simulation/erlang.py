"""What a queue with Poisson arrivals and exponential service does in the long run, in closed form.

`load` is the offered load a = arrival rate × mean service time, in erlangs; n agents, first come first served.
Sources: A. K. Erlang, "Solution of some problems in the theory of probabilities of significance in automatic telephone
exchanges", 1917 (B, C); C. Palm, "Research on telephone traffic carried by full availability groups", 1957, and
A. Mandelbaum and S. Zeltyn, "Service engineering in action: the Palm/Erlang-A queue", 2007 (A). Must not: simulate.
"""

from dataclasses import dataclass
from math import ceil, exp

_NEGLIGIBLE = 1e-15


def erlang_b(load: float, agents: int) -> float:
    """Return the share of callers who find nobody free when nobody waits: B(n) = aB(n−1) ÷ (n + aB(n−1)), B(0) = 1."""
    blocked = 1.0
    for number in range(1, agents + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked


@dataclass(frozen=True, slots=True)
class ErlangC:
    """M/M/n: everybody waits for ever. Only for load < agents, else the queue grows without end."""

    load: float
    agents: int
    service_s: float

    def __post_init__(self) -> None:
        if not 0 < self.load < self.agents:
            raise ValueError("Erlang C needs a load above 0 and below the number of agents")

    @property
    def waiting_share(self) -> float:
        """Share of callers who wait: Pw = B ÷ (1 − (a ÷ n)(1 − B))."""
        blocked = erlang_b(self.load, self.agents)
        return blocked / (1 - self.load / self.agents * (1 - blocked))

    @property
    def mean_wait_s(self) -> float:
        """Mean wait over all callers: Pw · AHT ÷ (n − a)."""
        return self.waiting_share * self.service_s / (self.agents - self.load)

    def share_within(self, seconds: float) -> float:
        """Share of callers who wait at most so long: 1 − Pw · e^(−(n − a) · Y ÷ AHT)."""
        return 1 - self.waiting_share * exp(-(self.agents - self.load) * seconds / self.service_s)


@dataclass(frozen=True, slots=True)
class ErlangA:
    """M/M/n+M: callers leave after an exponential patience. For any load.

    The number of callers is a birth and death process: it rises with the arrival rate λ, and falls from k with
    min(k, n)·μ + max(0, k − n)·θ, where μ and θ are one over the mean service time and the mean patience.
    """

    load: float
    agents: int
    service_s: float
    patience_s: float

    @property
    def waiting_share(self) -> float:
        """Share of callers who find nobody free: P(k ≥ n), as arrivals see time averages."""
        return sum(share for number, share in self._distribution() if number >= self.agents)

    @property
    def mean_wait_s(self) -> float:
        """Mean wait over all callers, those who leave included: mean number waiting ÷ λ (Little)."""
        waiting = sum(max(0, number - self.agents) * share for number, share in self._distribution())
        return waiting * self.service_s / self.load

    @property
    def abandoned_share(self) -> float:
        """Share of callers who leave: θ · mean number waiting ÷ λ."""
        return self.mean_wait_s / self.patience_s

    def _distribution(self) -> list[tuple[int, float]]:
        arrival, service, leaving = self.load / self.service_s, 1 / self.service_s, 1 / self.patience_s
        weights, number = [1.0], 0
        while number <= self.agents + self.load or weights[-1] > _NEGLIGIBLE * sum(weights):
            number += 1
            falls = min(number, self.agents) * service + max(0, number - self.agents) * leaving
            weights.append(weights[-1] * arrival / falls)
        total = sum(weights)
        return [(place, weight / total) for place, weight in enumerate(weights)]


def agents_for(load: float, service_s: float, patience_s: float, answered_share: float) -> int:
    """Return the fewest agents with whom Erlang A answers at least that share of the callers, 0 < share < 1.

    n agents serve at most n ÷ load of them, so that the search begins there; each step more answers more.
    """
    if load <= 0:
        return 0
    agents = ceil(load * answered_share)
    while ErlangA(load, agents, service_s, patience_s).abandoned_share > 1 - answered_share:
        agents += 1
    return agents
