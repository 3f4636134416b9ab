"""Feeds desks with the state of their agents, for the partitions that this replica owns.

Owns: who is told when: on subscription, on becoming the owner, after each change; and the latency of an offer. Only
durable state is shown: inside the ledger's watcher, or through its read. Must not: decide anything.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from trunkline_core.errors import Transient
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.submission import Recorded
from trunkline_platform.watch import Subscription, Watches

from trunkline_acd.application.views import AgentView, agent_view
from trunkline_acd.domain.commands import Command
from trunkline_acd.domain.events import Event, RowsChanged
from trunkline_acd.domain.matching import Begun
from trunkline_acd.domain.state import AcdState, routing_domain_id

MAX_WATCHED = 5_000
RETRY_S = 0.1

AcdLedger = Ledger[AcdState, Command, Event]
Watched = tuple[str, str]  # tenant, agent


@dataclass(frozen=True, slots=True)
class Push:
    """A view on its way.

    Attributes:
        received_monotonic: when the command that made an offer possible came in here; None for anything else.
    """

    view: AgentView
    received_monotonic: float | None = None


class DeskFeed:
    """All desk streams of this replica."""

    def __init__(self, ledger: AcdLedger, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._monotonic = monotonic
        self._watches: Watches[Push] = Watches("acd.agents", MAX_WATCHED, merged)
        self._refreshes: set[asyncio.Task[None]] = set()
        ledger.watch(self._on_events)
        ledger.on_owned(self._on_owned)

    def subscribe(self) -> AbstractContextManager[Subscription[Push]]:
        """Return a stream's subscription, which watches nobody yet."""
        return self._watches.subscribe()

    async def watch(self, desk: Subscription[Push], tenant: str, agent_ids: Iterable[str]) -> None:
        """Show these agents from now on, the new ones at once where this replica owns their partition."""
        fresh = desk.watch(_name(tenant, agent_id) for agent_id in agent_ids)
        for view in await self._views([_watched(name) for name in sorted(fresh)]):
            desk.put(_name(tenant, view.agent_id), Push(view), view.version)

    async def _views(self, watched: Sequence[Watched]) -> list[AgentView]:
        """Return the durable views of agents of one tenant; none where another replica owns the partition."""
        if not watched:
            return []
        partition = self._partition(watched[0][0])
        if not self._ledger.owns(partition):
            return []

        def views(state: AcdState) -> list[AgentView]:
            now = self._ledger.now(partition)
            found = (agent_view(state, tenant, agent_id, now) for tenant, agent_id in watched)
            return [view for view in found if view]

        return await self._ledger.read(partition, views)

    def _on_events(self, partition: int, events: Sequence[Recorded[Any]]) -> None:
        if not self._ledger.owns(partition):
            return
        received = self._offers_received(events)
        for tenant, agent_id in _changed_agents(events):
            name = _name(tenant, agent_id)
            if self._watches.is_watched(name):
                state, now = self._ledger.state(partition), self._ledger.now(partition)
                if view := agent_view(state, tenant, agent_id, now):
                    self._watches.push(name, Push(view, received.get((tenant, agent_id))), view.version)

    def _offers_received(self, events: Sequence[Recorded[Any]]) -> dict[Watched, float]:
        """Return when the commands came in here that offered something, by tenant and agent."""
        now = self._monotonic()
        return {
            (recorded.metadata.tenant_id, recorded.event.agent_id): now - recorded.owner_latency_s
            for recorded in events
            if isinstance(recorded.event, Begun) and recorded.owner_latency_s is not None
        }

    def _on_owned(self, partition: int) -> None:
        """The former owner is gone, and with it perhaps its last pushes: show everything."""
        by_tenant: dict[str, list[Watched]] = {}
        for tenant, agent_id in map(_watched, self._watches.watched()):
            if self._partition(tenant) == partition:
                by_tenant.setdefault(tenant, []).append((tenant, agent_id))
        for watched in by_tenant.values():
            task = asyncio.create_task(self._refresh(watched), name="acd-desk-refresh")
            self._refreshes.add(task)
            task.add_done_callback(self._refreshes.discard)

    async def _refresh(self, watched: Sequence[Watched]) -> None:
        tenant = watched[0][0]
        while self._ledger.owns(self._partition(tenant)):
            try:
                views = await self._views(watched)
            except Transient:
                await asyncio.sleep(RETRY_S)
                continue
            for view in views:
                self._watches.push(_name(tenant, view.agent_id), Push(view), view.version)
            return

    def _partition(self, tenant: str) -> int:
        return self._ledger.partition_of(routing_domain_id(tenant))


def merged(pending: Push, newer: Push) -> Push:
    """Return the newer view; the latency of an offer that was not sent yet outlives it."""
    received = newer.received_monotonic if pending.received_monotonic is None else pending.received_monotonic
    return replace(newer, received_monotonic=received)


def _changed_agents(events: Sequence[Recorded[Any]]) -> list[Watched]:
    """Return tenant and agent of every changed row, each once; RowsChanged names them all."""
    changed = {
        (recorded.metadata.tenant_id, row.agent_id): None
        for recorded in events
        if isinstance(recorded.event, RowsChanged)
        for row in recorded.event.agents
    }
    return list(changed)


def _name(tenant: str, agent_id: str) -> str:
    return f"{tenant}/{agent_id}"


def _watched(name: str) -> Watched:
    tenant, _, agent_id = name.partition("/")
    return tenant, agent_id
