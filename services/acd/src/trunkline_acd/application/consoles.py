"""Consoles that hold desks: what the platform's peer watch must know about them (10 s of silence lose a desk)."""

from collections.abc import Collection, Mapping

from trunkline_platform.peers import Peer

from trunkline_acd.domain.commands import LosePeer
from trunkline_acd.domain.state import AcdState, routing_domain_id


def desks_held(state: AcdState) -> Mapping[Peer, Collection[str]]:
    """Return the agents with a connected desk, by console."""
    return {
        Peer(domain.tenant, peer_id): [entry[-1] for entry in domain.peers.entries(peer_id)]
        for domain in state.domains()
        for peer_id in domain.peers
    }


def desks_lost(console: Peer, agent_ids: tuple[str, ...]) -> tuple[str, LosePeer]:
    """Return record key and command for a lost console, or for desks it has no more; a large one takes several."""
    return routing_domain_id(console.tenant), LosePeer(console.peer_id, agent_ids)
