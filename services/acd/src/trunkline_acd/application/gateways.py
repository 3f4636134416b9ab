"""Gateways that have agents' telephones: what they name is brought into the ledger, and what a silent one had is lost.

Owns: that the owner of a tenant's partition compares what each gateway names with what is known, at once and then every
second: a new owner, or one that could not write for a while, catches up. Must not: decide what follows; the rules do.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Collection, Iterator, Mapping
from itertools import islice

from trunkline_core.errors import TrunklineError
from trunkline_ledger.submission import Lane, Submission
from trunkline_platform.logs import get_logger
from trunkline_platform.peers import LOOK_S, Peer, PeerRegistry, PeerSession

from trunkline_acd.application.desk_feed import AcdLedger
from trunkline_acd.domain import policy
from trunkline_acd.domain.commands import Command, LoseGateway, ReportDevices
from trunkline_acd.domain.devices import changes
from trunkline_acd.domain.state import AcdState, routing_domain_id

log = get_logger(__name__)

MAX_UNKNOWN_TOLD = 100


def devices_held(state: AcdState) -> Mapping[Peer, Collection[str]]:
    """Return the agents with a registered telephone, by gateway."""
    return {
        Peer(domain.tenant, peer_id): [entry[-1] for entry in domain.devices.entries(peer_id)]
        for domain in state.domains()
        for peer_id in domain.devices
    }


def devices_lost(gateway: Peer, agent_ids: tuple[str, ...]) -> tuple[str, LoseGateway]:
    """Return record key and command for a lost gateway, or for telephones it has no more; a large one takes several."""
    return routing_domain_id(gateway.tenant), LoseGateway(gateway.peer_id, agent_ids)


class DeviceReports:
    """Reports what gateways name, for the tenants whose partitions this replica owns."""

    def __init__(self, ledger: AcdLedger, gateways: PeerRegistry) -> None:
        self._ledger = ledger
        self._gateways = gateways
        self._told = asyncio.Event()
        self._looking: set[Peer] = set()

    def told(self) -> None:
        """A gateway said what it has: look at once."""
        self._told.set()

    def unknown(self, tenant: str, agent_ids: Collection[str]) -> list[str]:
        """Return some of those whom the tenant does not have, as far as this replica has read."""
        agents = self._ledger.state(self._partition(tenant)).domain(tenant).agents
        return list(islice((agent_id for agent_id in agent_ids if agent_id not in agents), MAX_UNKNOWN_TOLD))

    async def run(self) -> None:
        """Look when told, and once a second, until cancelled; a gateway whose look takes long holds up no other."""
        async with asyncio.TaskGroup() as looks:
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._told.wait(), LOOK_S)
                self._told.clear()
                for session in self._gateways.there(time.monotonic()):
                    if session.peer not in self._looking and self._ledger.owns(self._partition(session.peer.tenant)):
                        self._looking.add(session.peer)
                        looks.create_task(self._look_or_tell(session), name=f"devices-{session.peer.peer_id}")

    async def _look_or_tell(self, session: PeerSession) -> None:
        try:
            await self._look(session)
        except TrunklineError as error:
            log.info("devices not reported", extra={"reason": type(error).__name__})
        finally:
            self._looking.discard(session.peer)

    async def _look(self, session: PeerSession) -> None:
        peer, named = session.peer, session.held or frozenset()
        partition = self._partition(peer.tenant)
        found = await self._ledger.read(
            partition, lambda state: changes(state.domain(peer.tenant), peer.peer_id, named)
        )
        for part in _parts(found):
            await self._ledger.submit(_submission(partition, session, part))

    def _partition(self, tenant: str) -> int:
        return self._ledger.partition_of(routing_domain_id(tenant))


def _parts(report: ReportDevices) -> Iterator[ReportDevices]:
    """Yield the report in parts that a command takes: losses first, because calls may ring there."""
    size = policy.DEVICES_PER_COMMAND
    for begin in range(0, len(report.lost_agent_ids), size):
        yield ReportDevices(report.peer_id, (), report.lost_agent_ids[begin : begin + size])
    for begin in range(0, len(report.registered_agent_ids), size):
        yield ReportDevices(report.peer_id, report.registered_agent_ids[begin : begin + size])


def _submission(partition: int, session: PeerSession, report: ReportDevices) -> Submission[Command]:
    return Submission(
        command=report,
        key=routing_domain_id(session.peer.tenant),
        partition=partition,
        command_id=f"devices/{uuid.uuid4().hex}",
        tenant=session.peer.tenant,
        actor=session.actor,
        lane=Lane.INTERNAL,
    )
