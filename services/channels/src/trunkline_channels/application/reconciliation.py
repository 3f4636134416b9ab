"""Compares our contacts with what acd and ivr have, and ends what contradicts for over a minute (ADR 0017).

Owns: how long a difference must last, unchanged and with every fact of the other service applied here, before anything
is done; the partitions that this replica owns. Must not: judge while another service does not answer, or know what a
difference is: the rules do. Every remedy is an ordinary command, which its decider may still refuse.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar
from uuid import uuid4

from trunkline_core.errors import Invalid, TrunklineError
from trunkline_ledger.submission import Lane, Submission
from trunkline_platform.logs import get_logger

from trunkline_channels.application.steps import ChannelsLedger
from trunkline_channels.domain.commands import Command, ReconcileContact
from trunkline_channels.domain.contact import Contact
from trunkline_channels.domain.identity import partition_token
from trunkline_channels.domain.reconciling import (
    AtAcd,
    AtIvr,
    Difference,
    Finding,
    differences_with_acd,
    differences_with_ivr,
)
from trunkline_channels.domain.state import ChannelsState

log = get_logger(__name__)

A = TypeVar("A")
T = TypeVar("T")

REMEDIES_AT_ONCE = 100  # the rest at the next look


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """What a service has of one tenant, by contact id; all below `upto`, by partition of its ledger, is in it."""

    rows: Mapping[str, T]
    upto: Mapping[int, int]


class OtherServices(Protocol):
    """acd and ivr. Every method raises TrunklineErrors."""

    async def at_acd(self, tenant: str) -> Seen[AtAcd]: ...
    async def at_ivr(self, tenant: str) -> Seen[AtIvr]: ...
    async def end_at_acd(self, tenant: str, contact_id: str, step_no: int) -> None: ...
    async def end_session(self, tenant: str, contact_id: str, step_no: int) -> None: ...


class Facts(Protocol):
    """How far the facts of other ledgers were applied here; see the ledger's ManagerRunner."""

    def has_fed(self, topic: str, source: int, offset: int, target: int) -> bool: ...


@dataclass(frozen=True, slots=True)
class _Place:
    """One tenant's contacts in one of our partitions, compared with one ledger."""

    tenant: str
    partition: int
    topic: str


@dataclass(frozen=True, slots=True)
class _Sighting:
    """When a finding was first made, in monotonic seconds, and how far the other service had read then."""

    since_s: float
    upto: Mapping[int, int]


class Reconciliation:
    """One per replica; `run` inside the process's task group."""

    def __init__(
        self,
        ledger: ChannelsLedger,
        others: OtherServices,
        facts: Facts,
        *,
        every_s: float,
        after_s: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Look every `every_s` seconds; act on what differs for `after_s`."""
        self.reconciled: Counter[Difference] = Counter()
        self._ledger = ledger
        self._others = others
        self._facts = facts
        self._every_s = every_s
        self._after_s = after_s
        self._monotonic = monotonic
        self._sightings: dict[_Place, dict[Finding, _Sighting]] = {}
        ledger.on_lost(self._forget)

    @property
    def differences(self) -> int:
        """How many findings the last look made."""
        return sum(len(findings) for findings in self._sightings.values())

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.look()
            except TrunklineError as error:
                log.info("contacts not compared", extra={"reason": type(error).__name__})
            except Exception:  # a defect of the safety net must not stop what it watches over
                log.exception("comparison failed")

    async def look(self) -> None:
        """Compare once; what does not answer is left out, and nothing else."""
        for tenant in self._tenants():
            at_acd = await self._asked(self._others.at_acd(tenant))
            if at_acd is not None:
                await self._compare(tenant, "acd.events.v1", at_acd, differences_with_acd)
            at_ivr = await self._asked(self._others.at_ivr(tenant))
            if at_ivr is not None:
                await self._compare(tenant, "ivr.events.v1", at_ivr, differences_with_ivr)

    def _tenants(self) -> list[str]:
        states = [self._ledger.state(partition) for partition in self._ledger.owned]
        return sorted({tenant for state in states for tenant in _tenants_of(state)})

    async def _asked(self, asked: Awaitable[A]) -> A | None:
        """Who is away says nothing about anybody; what was seen before stays as it was."""
        try:
            return await asked
        except TrunklineError as error:
            log.info("contacts not compared", extra={"reason": type(error).__name__})
            return None

    async def _compare(
        self,
        tenant: str,
        topic: str,
        seen: Seen[T],
        differences: Callable[[Mapping[str, Contact], Mapping[str, T]], Iterator[Finding]],
    ) -> None:
        by_partition = self._by_partition(seen.rows)
        for partition in sorted(self._ledger.owned):
            contacts = await self._asked(self._ledger.read(partition, lambda state: _contacts_of(state, tenant)))
            if contacts is not None:
                findings = list(differences(contacts, by_partition.get(partition, {})))
                await self._follow(_Place(tenant, partition, topic), findings, seen.upto)

    def _by_partition(self, rows: Mapping[str, T]) -> dict[int, dict[str, T]]:
        found: dict[int, dict[str, T]] = {}
        for contact_id, row in rows.items():
            try:
                partition = self._ledger.partition_of(partition_token(contact_id))
            except Invalid:  # not a contact of ours
                continue
            found.setdefault(partition, {})[contact_id] = row
        return found

    async def _follow(self, place: _Place, findings: list[Finding], upto: Mapping[int, int]) -> None:
        """Remember what is new, forget what is not there any more, act on what has lasted."""
        before, now = self._sightings.get(place, {}), self._monotonic()
        sightings = {finding: before.get(finding, _Sighting(now, upto)) for finding in findings}
        self._sightings[place] = sightings
        due = [finding for finding, sighting in sightings.items() if self._is_due(place, sighting, now)]
        for finding in due[:REMEDIES_AT_ONCE]:
            await self._reconcile(place, finding)

    def _is_due(self, place: _Place, sighting: _Sighting, now: float) -> bool:
        """Facts that were on their way when it was first seen have arrived, and it is still so."""
        return now - sighting.since_s >= self._after_s and all(
            self._facts.has_fed(place.topic, source, offset, place.partition)
            for source, offset in sighting.upto.items()
        )

    async def _reconcile(self, place: _Place, finding: Finding) -> None:
        about = {"contact_id": finding.contact_id, "difference": finding.difference.value}
        try:
            await self._remedy(place, finding)
        except TrunklineError as error:
            log.info("contact not reconciled", extra=about | {"reason": type(error).__name__})
            return
        self.reconciled[finding.difference] += 1
        log.warning("contact reconciled", extra=about)

    async def _remedy(self, place: _Place, finding: Finding) -> None:
        """Raises: TrunklineError."""
        match finding:
            case Finding(difference=Difference.ORPHAN_AT_ACD, there=AtAcd(step_no=step_no)):
                await self._others.end_at_acd(place.tenant, finding.contact_id, step_no + 1)
            case Finding(difference=Difference.ORPHAN_AT_IVR, there=AtIvr(step_no=step_no)):
                await self._others.end_session(place.tenant, finding.contact_id, step_no + 1)
            case _:
                command = ReconcileContact(finding.contact_id, finding.version, finding.difference.value)
                await self._ledger.submit(_submission(place, command))

    def _forget(self, partition: int) -> None:
        """A new owner looks for itself."""
        for place in [place for place in self._sightings if place.partition == partition]:
            del self._sightings[place]


def _tenants_of(state: ChannelsState) -> set[str]:
    entry_points = {entry_point.tenant for entry_point in state.entry_points.values()}
    return entry_points | {contact.tenant for contact in state.contacts.values()}


def _contacts_of(state: ChannelsState, tenant: str) -> dict[str, Contact]:
    return {contact.contact_id: contact for contact in state.contacts.values() if contact.tenant == tenant}


def _submission(place: _Place, command: ReconcileContact) -> Submission[Command]:
    return Submission(
        command=command,
        key=partition_token(command.contact_id),
        command_id=f"reconcile/{uuid4().hex}",
        tenant=place.tenant,
        actor="system",
        lane=Lane.INTERNAL,
        correlation_id=command.contact_id,
    )
