"""Rows of the directory: the newest definition of each thing, by kind and id; which sessions ended, by user; which
versions of the routing policy there were, by tenant.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from trunkline_core.errors import NotFound
from trunkline_core.flows import FlowDefinition, HoursDefinition
from trunkline_core.replacing import replace
from trunkline_core.routing import AgentDefinition, QueueDefinition
from trunkline_core.tables import Journal, Table
from trunkline_core.timers import Timers
from trunkline_core.webhooks import HookDefinition, NoticeTargetDefinition

from trunkline_console.domain.commands import AdvancePolicyTrial
from trunkline_console.domain.definitions import (
    EntryPointDefinition,
    TenantDefinition,
    UserDefinition,
    WrapUpCodeDefinition,
)
from trunkline_console.domain.sessions import EndedSessions

D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Row(Generic[D]):
    """The newest definition of one thing; `version` counts its changes."""

    tenant: str
    definition: D
    version: int


@dataclass(frozen=True, slots=True)
class Policy:
    """Which version of a tenant's queues is in force; `is_published` once one was published and not only counted.

    `trial_no`: the newest trial, 0 before the first.
    """

    version: int = 0
    is_published: bool = False
    trial_no: int = 0


@dataclass(frozen=True, slots=True)
class Replaced:
    """A queue that a version changed, as it was before; None: it is new."""

    queue_id: str
    definition: QueueDefinition | None


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One version of a tenant's queues. `rolled_back_to`: the older version whose queues these are, 0 for none."""

    version: int
    note: str
    rolled_back_to: int
    actor: str
    published_time: datetime
    replaced: tuple[Replaced, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a trial, as it was played; `end_time` is planned until the next one begins."""

    block_no: int
    is_candidate: bool
    version: int
    begin_time: datetime
    end_time: datetime


@dataclass(frozen=True, slots=True)
class PolicyTrial:
    """A candidate policy against the one in force, by turns.

    Attributes:
        baseline, candidate: the queues that differ, as in either policy.
        blocks: those that began.
        ended_time: None while it runs.
        is_complete: whether all blocks were played.
    """

    trial_no: int
    baseline: tuple[QueueDefinition, ...]
    candidate: tuple[QueueDefinition, ...]
    block_duration: timedelta
    pairs: int
    start_time: datetime
    note: str
    actor: str
    blocks: tuple[Block, ...] = ()
    ended_time: datetime | None = None
    is_complete: bool = False

    @property
    def end_time(self) -> datetime:
        """When it ended; while it runs, when its last block will, unless one begins late."""
        if self.ended_time:
            return self.ended_time
        begun_until = self.blocks[-1].end_time if self.blocks else self.start_time
        return begun_until + (2 * self.pairs - len(self.blocks)) * self.block_duration


class Definitions(Generic[D]):
    """All definitions of one kind on one partition."""

    def __init__(self, kind: str, journal: Journal) -> None:
        self._kind = kind
        self._rows: Table[tuple[str, str], Row[D]] = Table(journal)

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, tenant: str, row_id: str) -> Row[D] | None:
        """Return the tenant's row, or None."""
        return self._rows.get((tenant, row_id))

    def require(self, tenant: str, row_id: str) -> Row[D]:
        """Return the tenant's row. Raises: NotFound."""
        if row := self.find(tenant, row_id):
            return row
        raise NotFound(self._kind, row_id)

    def tenants_with(self, row_id: str) -> set[str]:
        """Return the tenants that have a row of this id."""
        return {tenant for (tenant, known), _ in self._rows.items() if known == row_id}

    def of(self, tenant: str) -> list[D]:
        """Return the tenant's definitions."""
        return [row.definition for row in self._rows.values() if row.tenant == tenant]

    def put(self, tenant: str, row_id: str, definition: D) -> None:
        """Keep a newer definition."""
        before = self.find(tenant, row_id)
        self._rows.put((tenant, row_id), Row(tenant, definition, before.version + 1 if before else 1))


class Directory:
    """The state of one partition."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.timers: Timers[AdvancePolicyTrial] = Timers(self.journal)
        self.tenants: Definitions[TenantDefinition] = Definitions("tenant", self.journal)
        self.users: Definitions[UserDefinition] = Definitions("user", self.journal)
        self.agents: Definitions[AgentDefinition] = Definitions("agent", self.journal)
        self.queues: Definitions[QueueDefinition] = Definitions("queue", self.journal)
        self.wrap_up_codes: Definitions[WrapUpCodeDefinition] = Definitions("wrap-up code", self.journal)
        self.hours: Definitions[HoursDefinition] = Definitions("hours", self.journal)
        self.entry_points: Definitions[EntryPointDefinition] = Definitions("entry point", self.journal)
        self.flows: Definitions[FlowDefinition] = Definitions("flow", self.journal)
        self.notice_targets: Definitions[NoticeTargetDefinition] = Definitions("notice target", self.journal)
        self.hooks: Definitions[HookDefinition] = Definitions("hook", self.journal)
        self.policy_versions: Table[tuple[str, int], PolicyVersion] = Table(self.journal)
        self.policy_trials: Table[tuple[str, int], PolicyTrial] = Table(self.journal)
        self._policies: Table[str, Policy] = Table(self.journal)
        self._ended_sessions: Table[tuple[str, str], EndedSessions] = Table(self.journal)

    def policy(self, tenant: str) -> Policy:
        """Return which version of the tenant's queues is in force, 0 before the first queue."""
        return self._policies.get(tenant) or Policy()

    def put_policy(self, tenant: str, version: int, *, is_published: bool) -> None:
        """Keep which version is in force."""
        self._policies.put(tenant, replace(self.policy(tenant), version=version, is_published=is_published))

    def put_newest_trial(self, tenant: str, trial: PolicyTrial) -> None:
        """Keep a trial that was ordered."""
        self._policies.put(tenant, replace(self.policy(tenant), trial_no=trial.trial_no))
        self.policy_trials.put((tenant, trial.trial_no), trial)

    def running_trial(self, tenant: str) -> PolicyTrial | None:
        """Return the trial that was ordered and is not over."""
        trial = self.policy_trials.get((tenant, self.policy(tenant).trial_no))
        return trial if trial and trial.ended_time is None else None

    def ended_sessions(self, tenant: str, user_id: str) -> EndedSessions:
        """Return what the user logged out of."""
        return self._ended_sessions.get((tenant, user_id)) or EndedSessions()

    def put_ended_sessions(self, tenant: str, user_id: str, ended: EndedSessions) -> None:
        """Keep what the user logged out of."""
        self._ended_sessions.put((tenant, user_id), ended)
