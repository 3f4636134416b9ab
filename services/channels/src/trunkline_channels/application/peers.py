"""Which peers hold contacts here, and what is done about one that fell silent (platform's peers.py has the rule).

Must not: end a contact itself; the rules do.
"""

from collections.abc import Iterator

from trunkline_platform.peers import PeerRegistry, PeerWatch

from trunkline_channels.application.steps import ChannelsLedger
from trunkline_channels.domain.commands import Command, LosePeer
from trunkline_channels.domain.state import ChannelsState, holder_key, holder_of


class Peers:
    """The peers of one replica. Two tenants' peers of the same name are two."""

    def __init__(self, ledger: ChannelsLedger) -> None:
        self._registry = PeerRegistry()
        self._watch: PeerWatch[ChannelsState, Command] = PeerWatch(
            ledger, self._registry, peers_of=_holders, lose=_lose
        )

    def hear(self, tenant: str, peer_id: str) -> None:
        """The peer said something."""
        self._registry.heard(holder_key(tenant, peer_id))

    async def run(self) -> None:
        """Look once a second, until cancelled."""
        await self._watch.run()


def _holders(state: ChannelsState) -> Iterator[tuple[str, str]]:
    return ((holder_of(name)[0], name) for name in sorted(state.held.names()))


def _lose(_tenant: str, name: str) -> tuple[str, Command]:
    return "*", LosePeer(holder_of(name)[1])
