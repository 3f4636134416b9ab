"""A candidate policy tried against the one in force, by turns (a switchback; ADR 0024).

The baseline is the policy in force when the trial began, of the queues in which the candidate differs. Owns: the order
of the blocks, and that the baseline comes back whatever ends the trial. Nothing else changes a queue that exists
meanwhile: what was measured would be of neither policy.
"""

import hashlib
from collections.abc import Iterator
from datetime import timedelta

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, NotFound
from trunkline_core.replacing import replace
from trunkline_core.routing import QueueDefinition
from trunkline_core.timers import Timer

from trunkline_console.domain import policies
from trunkline_console.domain.commands import AdvancePolicyTrial, EndPolicyTrial, StartPolicyTrial
from trunkline_console.domain.events import (
    PolicyPublished,
    PolicyTrialBlockBegun,
    PolicyTrialEnded,
    PolicyTrialStarted,
    TrialEvent,
)
from trunkline_console.domain.state import Block, Directory, PolicyTrial

MIN_BLOCK = timedelta(seconds=10)
"""Nothing can be learnt from so short a block; it lets an administrator see a trial work."""

MAX_BLOCK = timedelta(days=7)
MAX_AHEAD = timedelta(days=7)
MIN_PAIRS = 2
"""One difference has no spread."""

MAX_PAIRS = 20
MAX_TRIALS = 20
"""Kept of a tenant; older ones are forgotten, the ledger still has them."""


# -- decide ---------------------------------------------------------------------------------------------------------


def start(state: Directory, command: StartPolicyTrial, context: Context) -> Iterator[PolicyTrialStarted]:
    """Yield the trial; its first block begins by a timer.

    Raises: Rejection(`PolicyTrialRuns`); Conflict; Invalid naming the field.
    """
    policies.check_may_change(state, command, context)
    _check_plan(command, context)
    yield PolicyTrialStarted(
        trial_no=state.policy(context.tenant).trial_no + 1,
        based_on_version=command.based_on_version,
        queues=_candidate(state, command, context),
        block_duration=command.block_duration,
        pairs=command.pairs,
        start_time=command.start_time or context.now,
        note=command.note,
    )


def end(state: Directory, command: EndPolicyTrial, context: Context) -> Iterator[PolicyPublished | PolicyTrialEnded]:
    """Put the baseline in force again; nothing where the trial is over. Raises: NotFound."""
    trial = require_trial(state, context.tenant, command.trial_no)
    if trial.ended_time is None:
        yield from _over(state, trial, context, is_complete=False)


def advance(state: Directory, command: AdvancePolicyTrial, context: Context) -> Iterator[PolicyPublished | TrialEvent]:
    """Begin the next block, or end the trial after the last; what is not due changes nothing."""
    trial = state.running_trial(context.tenant)
    timer = state.timers.get(_timer_key(context.tenant))
    if trial is None or timer is None or timer.command != command or timer.due > context.now:
        return
    if command.block_no > 2 * trial.pairs:
        yield from _over(state, trial, context, is_complete=True)
        return
    is_candidate = plays_candidate(context.tenant, trial.trial_no, command.block_no)
    side = "B, the candidate" if is_candidate else "A, the baseline"
    note = f"trial {trial.trial_no}, block {command.block_no} of {2 * trial.pairs}: {side}"
    yield from _put_in_force(state, trial.candidate if is_candidate else trial.baseline, note, context)
    version = state.policy(context.tenant).version
    end_time = context.now + trial.block_duration
    yield PolicyTrialBlockBegun(trial.trial_no, command.block_no, is_candidate, version, end_time)


def plays_candidate(tenant: str, trial_no: int, block_no: int) -> bool:
    """Tell whether the candidate is in force in the block. Each pair has both, the first of them by the toss of a coin
    that falls alike each time the ledger is decided again.
    """
    pair, second = divmod(block_no - 1, 2)
    coin = hashlib.sha256(f"{tenant}/{trial_no}/{pair}".encode()).digest()[0] & 1
    return bool(coin ^ second)


def _check_plan(command: StartPolicyTrial, context: Context) -> None:
    if not MIN_BLOCK <= command.block_duration <= MAX_BLOCK:
        raise Invalid("block_duration", f"must be {MIN_BLOCK.seconds} seconds to {MAX_BLOCK.days} days")
    if not MIN_PAIRS <= command.pairs <= MAX_PAIRS:
        raise Invalid("pairs", f"must be {MIN_PAIRS} to {MAX_PAIRS}")
    if command.start_time and not context.now <= command.start_time <= context.now + MAX_AHEAD:
        raise Invalid("start_time", f"must be at most {MAX_AHEAD.days} days ahead and not past; unset it is now")


def _candidate(state: Directory, command: StartPolicyTrial, context: Context) -> tuple[QueueDefinition, ...]:
    """Return the queues that differ. Raises: Invalid."""
    for number, queue in enumerate(command.queues):
        if state.queues.find(context.tenant, queue.queue_id) is None:
            raise Invalid(f"queues[{number}].queue_id", "names no queue of this tenant: a trial adds none")
    changed = policies.checked_change(state, context.tenant, command.queues)
    if not changed:
        raise Invalid("queues", "change nothing: there is nothing to try")
    baseline = _baseline(state, context.tenant, changed)
    policies.check_size(baseline)
    for queue in baseline:
        _check_comes_back(queue)
    # the first event of a command carries the command: both lists stand in one record
    if policies.size_bytes(command.queues) + policies.size_bytes(changed) > policies.MAX_FIRST_EVENT_BYTES:
        raise Invalid("queues", "must change less in one trial")
    return changed


def _baseline(state: Directory, tenant: str, candidate: tuple[QueueDefinition, ...]) -> tuple[QueueDefinition, ...]:
    return tuple(state.queues.require(tenant, queue.queue_id).definition for queue in candidate)


def _check_comes_back(queue: QueueDefinition) -> None:
    """Raises: Invalid for what a lone definition may be, or might in 0.1.0, and a version may not."""
    try:
        policies.check_alone("queue", queue)
    except Invalid as error:
        reason = f"the baseline could not be put back: {error.field} of {queue.queue_id} {error.reason}"
        raise Invalid("queues", reason) from None


def _over(
    state: Directory, trial: PolicyTrial, context: Context, *, is_complete: bool
) -> Iterator[PolicyPublished | PolicyTrialEnded]:
    yield from _put_in_force(state, trial.baseline, f"trial {trial.trial_no} is over: A, the baseline", context)
    yield PolicyTrialEnded(trial.trial_no, is_complete)


def _put_in_force(
    state: Directory, queues: tuple[QueueDefinition, ...], note: str, context: Context
) -> Iterator[PolicyPublished]:
    changed = policies.differing(state, context.tenant, queues)
    yield from policies.next_version(state, context.tenant, changed, note)


# -- evolve ---------------------------------------------------------------------------------------------------------


def apply_started(state: Directory, event: PolicyTrialStarted, context: Context) -> None:
    """Keep the trial with what it is compared with, and wait for its first block."""
    tenant = context.tenant
    trial = PolicyTrial(
        trial_no=event.trial_no,
        baseline=_baseline(state, tenant, event.queues),
        candidate=event.queues,
        block_duration=event.block_duration,
        pairs=event.pairs,
        start_time=event.start_time,
        note=event.note,
        actor=context.actor,
    )
    state.put_newest_trial(tenant, trial)
    if (tenant, event.trial_no - MAX_TRIALS) in state.policy_trials:
        state.policy_trials.delete((tenant, event.trial_no - MAX_TRIALS))
    state.timers.set(Timer(_timer_key(tenant), event.start_time, tenant, AdvancePolicyTrial(event.trial_no, 1)))


def apply_block_begun(state: Directory, event: PolicyTrialBlockBegun, context: Context) -> None:
    """Keep the block, which ends the one before, and wait for its end."""
    tenant = context.tenant
    trial = _cut(require_trial(state, tenant, event.trial_no), context)
    begun = Block(event.block_no, event.is_candidate, event.version, context.now, event.end_time)
    state.policy_trials.put((tenant, event.trial_no), replace(trial, blocks=(*trial.blocks, begun)))
    command = AdvancePolicyTrial(event.trial_no, event.block_no + 1)
    state.timers.set(Timer(_timer_key(tenant), event.end_time, tenant, command))


def apply_ended(state: Directory, event: PolicyTrialEnded, context: Context) -> None:
    """Keep when it ended."""
    tenant = context.tenant
    trial = _cut(require_trial(state, tenant, event.trial_no), context)
    ended = replace(trial, ended_time=context.now, is_complete=event.is_complete)
    state.policy_trials.put((tenant, event.trial_no), ended)
    state.timers.cancel(_timer_key(tenant))


def _cut(trial: PolicyTrial, context: Context) -> PolicyTrial:
    """Return the trial with its last block ended now."""
    if not trial.blocks:
        return trial
    *before, last = trial.blocks
    return replace(trial, blocks=(*before, replace(last, end_time=context.now)))


def _timer_key(tenant: str) -> str:
    return f"policy_trial/{tenant}"


# -- read -----------------------------------------------------------------------------------------------------------


def trials(state: Directory, tenant: str) -> list[PolicyTrial]:
    """Return the trials that are kept, the newest first."""
    newest = state.policy(tenant).trial_no
    found = (state.policy_trials.get((tenant, number)) for number in range(newest, newest - MAX_TRIALS, -1))
    return [trial for trial in found if trial]


def require_trial(state: Directory, tenant: str, trial_no: int) -> PolicyTrial:
    """Return one that is kept. Raises: NotFound."""
    if trial := state.policy_trials.get((tenant, trial_no)):
        return trial
    raise NotFound("policy trial", str(trial_no))
