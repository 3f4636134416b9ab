"""Which peers hold contacts here, and what is done about one that fell silent, or about a contact it has no more.

A supervisor who monitors calls is a peer too, for whom consoles speak: gone once no console has a page of theirs.

Must not: end a contact itself; the rules do. platform's peers.py has the rule of silence.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping

from trunkline_platform.peers import Peer, PeerRegistry, PeerWatch

from trunkline_channels.application.steps import ChannelsLedger
from trunkline_channels.domain.commands import Command, LosePeer, LoseSupervisor
from trunkline_channels.domain.state import ChannelsState, holder_of


class Peers:
    """The peers of one replica."""

    def __init__(self, ledger: ChannelsLedger) -> None:
        self.registry = PeerRegistry()
        self._supervisors = PeerRegistry()
        self._watch: PeerWatch[ChannelsState, Command] = PeerWatch(ledger, self.registry, held_of=_held, lose=_lose)
        self._supervision: PeerWatch[ChannelsState, Command] = PeerWatch(
            ledger, self._supervisors, held_of=_monitored, lose=_lose_supervisor
        )

    def hear_of(self, tenant: str, supervisor_ids: Iterable[str]) -> None:
        """A console says whose pages it has. Raises: Invalid."""
        for supervisor_id in supervisor_ids:
            self._supervisors.greet(Peer(tenant, supervisor_id), "console")

    async def run(self) -> None:
        """Look once a second, until cancelled."""
        async with asyncio.TaskGroup() as watches:
            watches.create_task(self._watch.run(), name="peers-watch")
            watches.create_task(self._supervision.run(), name="peers-supervision")


def _held(state: ChannelsState) -> Mapping[Peer, Collection[str]]:
    return {Peer(*holder_of(name)): state.held.entries(name) for name in state.held.names()}


def _lose(peer: Peer, contact_ids: tuple[str, ...]) -> tuple[str, Command]:
    return "*", LosePeer(peer.peer_id, contact_ids)


def _monitored(state: ChannelsState) -> Mapping[Peer, Collection[str]]:
    return {Peer(*holder_of(name)): state.monitored.entries(name) for name in state.monitored.names()}


def _lose_supervisor(supervisor: Peer, contact_ids: tuple[str, ...]) -> tuple[str, Command]:
    return "*", LoseSupervisor(supervisor.peer_id, contact_ids)
