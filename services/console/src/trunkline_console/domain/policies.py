"""The routing policy of a tenant: all its queues at one version (ADR 0021).

Owns: which change is allowed, the versions that are kept, and how the queues were in each. A version keeps what it
replaced: from the queues in force one goes back version by version, so that any two kept ones can be compared.
Must not: know what a queue's fields mean.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from datetime import timedelta

from trunkline_core.decider import Context
from trunkline_core.errors import Conflict, Invalid, NotFound, Rejection
from trunkline_core.routing import (
    QueueDefinition,
    check_no_way_back,
    check_queue,
    chosen_queues,
    next_queues,
)

from trunkline_console.domain.commands import DefineQueue, PublishPolicy, RollBackPolicy, StartPolicyTrial
from trunkline_console.domain.events import PolicyPublished, QueueDefined
from trunkline_console.domain.state import Directory, PolicyVersion, Replaced

MAX_VERSIONS = 50
"""Kept of a tenant; older ones are forgotten, the ledger still has them."""

MAX_NOTE = 500
MAX_TENANT_QUEUES = 500
"""When the last agent signs out, acd says of each queue with a limit that nobody is there, in one command."""

MAX_QUEUES = 100
"""That change in one version: acd writes an event for each, and one command's events have 192 KiB."""

MAX_CHANGE_BYTES = 48 * 1024
"""Of the definitions that change: they stand in one event, which has 64 KiB."""

MAX_FIRST_EVENT_BYTES = 60 * 1024
"""Of the change and its largest queue: acd's first event of a version has both, and an event has 64 KiB."""

SHORTEST_RETRY = timedelta(seconds=60)
"""Between two attempts of a call-back: a customer who did not pick up is not rung up again at once."""

CHANGED_MEANWHILE = "PolicyChangedMeanwhile"

Queues = dict[str, QueueDefinition]


# -- decide ---------------------------------------------------------------------------------------------------------


def publish(state: Directory, command: PublishPolicy, context: Context) -> Iterator[PolicyPublished]:
    """Yield the new version unless nothing changes.

    Raises: Rejection(`PolicyTrialRuns`); Conflict; Invalid naming the field.
    """
    check_may_change(state, command, context)
    yield from next_version(state, context.tenant, checked_change(state, context.tenant, command.queues), command.note)


def roll_back(state: Directory, command: RollBackPolicy, context: Context) -> Iterator[PolicyPublished]:
    """Yield a new version with the queues of an older one unless they are in force. Raises: as publish; NotFound."""
    check_may_change(state, command, context)
    before = tuple(content(state, context.tenant, command.to_version).values())
    changed = checked_change(state, context.tenant, before)
    yield from next_version(state, context.tenant, changed, command.note, command.to_version)


def define(state: Directory, command: DefineQueue, context: Context) -> Iterator[QueueDefined | PolicyPublished]:
    """Yield the queue, as a version once the tenant published one: acd then knows which. It was checked before.

    Until then the event is that of earlier releases, so that their ledgers are decided again as they were.
    Raises: Rejection(`PolicyTrialRuns`).
    """
    changed = differing(state, context.tenant, (command.queue,))
    if changed and _in_force(state, context.tenant, command.queue.queue_id):  # a new one is in neither policy
        require_no_trial(state, context.tenant)
    if state.policy(context.tenant).is_published:
        yield from next_version(state, context.tenant, changed)
    else:
        yield QueueDefined(command.queue)


def next_version(
    state: Directory, tenant: str, changed: tuple[QueueDefinition, ...], note: str = "", rolled_back_to: int = 0
) -> Iterator[PolicyPublished]:
    """Yield the version that puts these queues in force; none where nothing changes."""
    if changed:
        version = state.policy(tenant).version
        yield PolicyPublished(version + 1, version, changed, note, rolled_back_to)


def check_may_change(
    state: Directory, command: PublishPolicy | RollBackPolicy | StartPolicyTrial, context: Context
) -> None:
    """Raises: Rejection(`PolicyTrialRuns`), which goes before what a trial's blocks changed; Conflict; Invalid."""
    require_no_trial(state, context.tenant)
    require_current(state, context.tenant, command.based_on_version)
    if len(command.note) > MAX_NOTE:
        raise Invalid("note", f"must have at most {MAX_NOTE} characters")


def checked_change(state: Directory, tenant: str, queues: Sequence[QueueDefinition]) -> tuple[QueueDefinition, ...]:
    """Return those of the queues that differ from what is in force. Raises: Invalid, naming the field."""
    wanted: Queues = {}
    for number, queue in enumerate(queues):
        check_alone(f"queues[{number}]", queue)
        if queue.queue_id in wanted:
            raise Invalid(f"queues[{number}].queue_id", "was named before")
        wanted[queue.queue_id] = queue
    for number, queue in enumerate(queues):
        _check_among(f"queues[{number}]", queue, state, tenant, wanted)
    check_number(state, tenant, wanted)
    changed = differing(state, tenant, queues)
    check_size(changed)
    return changed


def check_size(changed: tuple[QueueDefinition, ...]) -> None:
    """Raises: Invalid for more than one version may change."""
    if len(changed) > MAX_QUEUES:
        raise Invalid("queues", f"must change at most {MAX_QUEUES} queues in one version")
    if size_bytes(changed) > MAX_CHANGE_BYTES:
        raise Invalid("queues", f"must change at most {MAX_CHANGE_BYTES // 1024} KiB of definitions in one version")
    if changed and size_bytes(changed) + max(size_bytes((queue,)) for queue in changed) > MAX_FIRST_EVENT_BYTES:
        raise Invalid("queues", "must change less in one version: the largest queue stands beside the whole change")


def check_number(state: Directory, tenant: str, queue_ids: Iterable[str]) -> None:
    """Raises: Rejection(`TooManyQueues`) for new queues beyond the bound."""
    is_new = any(state.queues.find(tenant, queue_id) is None for queue_id in queue_ids)
    if is_new and len({queue.queue_id for queue in state.queues.of(tenant)} | set(queue_ids)) > MAX_TENANT_QUEUES:
        raise Rejection("TooManyQueues")


def check_hours_known(queue: QueueDefinition, state: Directory, tenant: str) -> None:
    """Raises: Invalid where customers would be called back within hours that nobody defined, hence never."""
    hours_id = queue.callback.hours_id if queue.callback else ""
    if hours_id and state.hours.find(tenant, hours_id) is None:
        raise Invalid("queue.callback.hours_id", "names no hours of this tenant")


def check_retry(queue: QueueDefinition, state: Directory, tenant: str) -> None:
    """Raises: Invalid where a customer who did not pick up would be rung up again at once.

    Where 0.1.0 took it, it stays in force, and the queue's other fields may change.
    """
    wanted, known = (_retry_of(each) for each in (queue, _in_force(state, tenant, queue.queue_id)))
    if wanted is not None and wanted < SHORTEST_RETRY and wanted != known:
        raise Invalid("queue.callback.retry_after_duration", f"must be at least {SHORTEST_RETRY.seconds} s")


def _retry_of(queue: QueueDefinition | None) -> timedelta | None:
    return queue.callback.retry_after_duration if queue and queue.callback else None


def require_current(state: Directory, tenant: str, based_on_version: int) -> None:
    """Raises: Conflict, naming the current version."""
    if (current := state.policy(tenant).version) != based_on_version:
        raise Conflict(f"{CHANGED_MEANWHILE}: the current version is {current}")


def require_no_trial(state: Directory, tenant: str) -> None:
    """Raises: Rejection while a trial of two policies runs, or waits for its start."""
    if trial := state.running_trial(tenant):
        raise Rejection("PolicyTrialRuns", f"trial {trial.trial_no}, until {trial.end_time.isoformat()}")


def differing(state: Directory, tenant: str, queues: Sequence[QueueDefinition]) -> tuple[QueueDefinition, ...]:
    """Return those of the queues that are not in force as they are."""
    return tuple(queue for queue in queues if _in_force(state, tenant, queue.queue_id) != queue)


def _in_force(state: Directory, tenant: str, queue_id: str) -> QueueDefinition | None:
    row = state.queues.find(tenant, queue_id)
    return row.definition if row else None


def check_alone(field: str, queue: QueueDefinition) -> None:
    """Raises: Invalid for what is wrong whatever the other queues are."""
    try:
        check_queue(queue)
    except Invalid as error:
        raise _inside(field, error) from None


def _check_among(field: str, queue: QueueDefinition, state: Directory, tenant: str, wanted: Queues) -> None:
    def find(queue_id: str) -> QueueDefinition | None:
        return wanted.get(queue_id) or _in_force(state, tenant, queue_id)

    for name, next_queue_id in (*next_queues(queue), *chosen_queues(queue)):
        if find(next_queue_id) is None:
            raise _inside(field, Invalid(name, "names no queue of this tenant"))
    try:
        check_no_way_back(queue, find)
        check_hours_known(queue, state, tenant)
        check_retry(queue, state, tenant)
    except Invalid as error:
        raise _inside(field, error) from None


def _inside(field: str, error: Invalid) -> Invalid:
    return Invalid(field + error.field.removeprefix("queue"), error.reason)


def size_bytes(value: object) -> int:
    """Return an upper bound of the bytes of a definition in an event, whatever fields it has."""
    if not value:
        return 4  # at most a tag and an empty message
    if isinstance(value, str):
        return len(value.encode()) + 5
    return 20 + sum(map(size_bytes, _parts(value)))


def _parts(value: object) -> Iterator[object]:
    if isinstance(value, tuple):
        yield from value
    elif isinstance(value, dict):
        yield from (part for item in value.items() for part in item)
    elif is_dataclass(value):
        yield from (getattr(value, field.name) for field in fields(value))


# -- evolve ---------------------------------------------------------------------------------------------------------


def apply_published(state: Directory, event: PolicyPublished, context: Context) -> None:
    """Put the queues in force and keep what they replaced."""
    state.put_policy(context.tenant, event.version, is_published=True)
    _keep(state, event.version, event.queues, event.note, event.rolled_back_to, context)


def apply_defined(state: Directory, event: QueueDefined, context: Context) -> None:
    """Count the version of a queue that was defined alone."""
    policy = state.policy(context.tenant)
    state.put_policy(context.tenant, policy.version + 1, is_published=policy.is_published)
    _keep(state, policy.version + 1, (event.queue,), "", 0, context)


def _keep(
    state: Directory,
    version: int,
    queues: tuple[QueueDefinition, ...],
    note: str,
    rolled_back_to: int,
    context: Context,
) -> None:
    tenant = context.tenant
    replaced = tuple(Replaced(queue.queue_id, _in_force(state, tenant, queue.queue_id)) for queue in queues)
    kept = PolicyVersion(version, note, rolled_back_to, context.actor, context.now, replaced)
    state.policy_versions.put((tenant, version), kept)
    if (tenant, version - MAX_VERSIONS) in state.policy_versions:
        state.policy_versions.delete((tenant, version - MAX_VERSIONS))
    for queue in queues:
        state.queues.put(tenant, queue.queue_id, queue)


# -- read -----------------------------------------------------------------------------------------------------------


def queues_in_force(state: Directory, tenant: str) -> Queues:
    """Return the queues by id as they are."""
    return {queue.queue_id: queue for queue in state.queues.of(tenant)}


def content(state: Directory, tenant: str, version: int) -> Queues:
    """Return the queues by id as they are or were in a version that is kept. Raises: NotFound.

    The current version may be 0: no queue was defined yet.
    """
    current, queues = state.policy(tenant).version, dict(queues_in_force(state, tenant))
    if version != current and (tenant, version) not in state.policy_versions:
        raise NotFound("policy version", str(version))
    for number in range(current, version, -1):
        row = state.policy_versions.get((tenant, number))
        for replaced in row.replaced if row else ():
            if replaced.definition:
                queues[replaced.queue_id] = replaced.definition
            else:
                queues.pop(replaced.queue_id)
    return queues


def versions(state: Directory, tenant: str) -> list[PolicyVersion]:
    """Return the versions that are kept, the newest first."""
    current = state.policy(tenant).version
    found = (state.policy_versions.get((tenant, number)) for number in range(current, current - MAX_VERSIONS, -1))
    return [version for version in found if version]
