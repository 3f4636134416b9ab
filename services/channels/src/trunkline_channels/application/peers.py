"""Which peers hold contacts here, and what is done about one that fell silent, or about a contact it has no more.

Must not: end a contact itself; the rules do. platform's peers.py has the rule of silence.
"""

from collections.abc import Collection, Mapping

from trunkline_platform.peers import Peer, PeerRegistry, PeerWatch

from trunkline_channels.application.steps import ChannelsLedger
from trunkline_channels.domain.commands import Command, LosePeer
from trunkline_channels.domain.state import ChannelsState, holder_of


class Peers:
    """The peers of one replica."""

    def __init__(self, ledger: ChannelsLedger) -> None:
        self.registry = PeerRegistry()
        self._watch: PeerWatch[ChannelsState, Command] = PeerWatch(ledger, self.registry, held_of=_held, lose=_lose)

    async def run(self) -> None:
        """Look once a second, until cancelled."""
        await self._watch.run()


def _held(state: ChannelsState) -> Mapping[Peer, Collection[str]]:
    return {Peer(*holder_of(name)): state.held.entries(name) for name in state.held.names()}


def _lose(peer: Peer, contact_ids: tuple[str, ...]) -> tuple[str, Command]:
    return "*", LosePeer(peer.peer_id, contact_ids)
