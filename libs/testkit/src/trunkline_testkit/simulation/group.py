"""The consumer group that proposes owners: sticky, late, and at times wrong; only the log decides (ledger rule 1)."""

import asyncio
from collections.abc import Sequence

from trunkline_testkit.simulation.hosts import outside
from trunkline_testkit.simulation.log import SimulatedCluster

REBALANCE_S = (0.2, 2.0)
LEARN_S = (0.0, 1.0)


class Member:
    """One process's membership as the coordinator sees it."""

    def __init__(self, instance_id: str, session_timeout_s: float) -> None:
        self.instance_id = instance_id
        self.session_timeout_s = session_timeout_s
        self.seen_at = 0.0
        self.proposal: frozenset[int] = frozenset()
        self.learns_at = 0.0


class SimulatedGroup:
    """The coordinator of one topic's group."""

    def __init__(self, cluster: SimulatedCluster, partitions: int) -> None:
        self._cluster = cluster
        self._partitions = partitions
        self._members: dict[str, Member] = {}
        self._assigned: dict[int, str] = {}
        self._is_rebalancing = False

    def join(self, member: Member) -> None:
        """Let a member in; one of a known instance takes over its partitions without a rebalance."""
        before = self._members.get(member.instance_id)
        self._members[member.instance_id] = member
        member.seen_at = self._cluster.now_s()
        if before is None:
            self.rebalance()
        elif not self._is_rebalancing:
            self._tell(member)

    def knows(self, member: Member) -> bool:
        return self._members.get(member.instance_id) is member

    def heartbeat(self, member: Member) -> None:
        """The member lives; those that were silent for their session are out."""
        now_s = self._cluster.now_s()
        member.seen_at = now_s
        silent = [one for one in self._members.values() if now_s - one.seen_at > one.session_timeout_s]
        for one in silent:
            del self._members[one.instance_id]
        if silent:
            self.rebalance()

    def leave(self, member: Member) -> None:
        if self.knows(member):
            del self._members[member.instance_id]
            self.rebalance()

    def rebalance(self, *, shuffle: bool = False) -> None:
        """Propose anew after a while; `shuffle` hands partitions on for no reason."""
        if shuffle:
            names = sorted(self._members)
            self._assigned = {number: self._cluster.random.choice(names) for number in self._assigned if names}
        if not self._is_rebalancing:
            self._is_rebalancing = True
            outside(asyncio.get_running_loop(), self._cluster.random.uniform(*REBALANCE_S), self._propose)

    def _propose(self) -> None:
        self._is_rebalancing = False
        names = sorted(self._members)
        if names:
            self._assigned = _sticky(self._assigned, self._partitions, names)
        for name in names:
            self._tell(self._members[name])

    def _tell(self, member: Member) -> None:
        mine = (number for number, name in self._assigned.items() if name == member.instance_id)
        member.proposal = frozenset(mine)
        member.learns_at = self._cluster.now_s() + self._cluster.random.uniform(*LEARN_S)


def _sticky(before: dict[int, str], partitions: int, names: Sequence[str]) -> dict[int, str]:
    """Keep who had what, as far as nobody has more than a fair share."""
    share = -(-partitions // len(names))
    counts = dict.fromkeys(names, 0)
    after: dict[int, str] = {}
    for number in range(partitions):
        name = before.get(number)
        if name in counts and counts[name] < share:
            after[number] = name
            counts[name] += 1
    for number in range(partitions):
        if number not in after:
            after[number] = min(names, key=lambda name: counts[name])
            counts[after[number]] += 1
    return dict(sorted(after.items()))
