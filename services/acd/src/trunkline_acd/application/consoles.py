"""Consoles that hold desks: what the platform's peer watch must know about them (10 s of silence lose all desks)."""

from collections.abc import Iterator

from trunkline_acd.domain.commands import LosePeer
from trunkline_acd.domain.state import AcdState, routing_domain_id


def consoles_of(state: AcdState) -> Iterator[tuple[str, str]]:
    """Yield (tenant, console) for every console with a connected desk."""
    for domain in state.domains():
        for peer_id in domain.peers:
            yield domain.tenant, peer_id


def console_lost(tenant: str, peer_id: str) -> tuple[str, LosePeer]:
    """Return record key and command for a lost console; a large one takes several commands."""
    return routing_domain_id(tenant), LosePeer(peer_id)
