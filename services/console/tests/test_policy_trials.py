"""A candidate policy is tried against the one in force by turns, and the one from before comes back."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from policy_cases import MINUTE, NOTHING, START, TENANT, DirectorySpec, new_spec, queue
from trunkline_console.domain import trials
from trunkline_console.domain.commands import (
    AdvancePolicyTrial,
    DefineQueue,
    EndPolicyTrial,
    PublishPolicy,
    RollBackPolicy,
    StartPolicyTrial,
)
from trunkline_console.domain.events import (
    PolicyPublished,
    PolicyTrialBlockBegun,
    PolicyTrialEnded,
    PolicyTrialStarted,
    QueueDefined,
)
from trunkline_console.domain.trials import MAX_TRIALS, plays_candidate
from trunkline_core.errors import Conflict, Invalid, NotFound, Rejection
from trunkline_core.routing import QueueDefinition, QueueLimit
from trunkline_core.texts import LocalizedText

HOUR = timedelta(hours=1)
BASELINE, CANDIDATE, OTHER = queue(), queue(max_misses=7), queue("qu_b")


@pytest.fixture
def spec() -> DirectorySpec:
    return new_spec().given(QueueDefined(BASELINE), QueueDefined(OTHER))


def start(based_on: int = 2, /, *queues: QueueDefinition, **changed: Any) -> StartPolicyTrial:
    plain = {"block_duration": HOUR, "pairs": 2, "start_time": None, "note": "calmer"}
    return StartPolicyTrial(based_on, queues or (CANDIDATE, OTHER), **(plain | changed))


def sides(trial_no: int, pairs: int) -> list[bool]:
    return [plays_candidate(TENANT, trial_no, number + 1) for number in range(2 * pairs)]


def in_force(spec: DirectorySpec) -> QueueDefinition:
    return spec.state.queues.require(TENANT, "qu_a").definition


def fire(spec: DirectorySpec) -> DirectorySpec:
    """Let the trial's timer fire, as soon as it is due."""
    [timer] = spec.state.timers.values()
    return spec.after(timer.due - spec.now).when(timer.command)


def test_each_block_has_one_of_the_two_policies_each_pair_has_both_and_in_the_end_all_is_as_before(
    spec: DirectorySpec,
) -> None:
    spec.when(start()).then(PolicyTrialStarted(1, 2, (CANDIDATE,), HOUR, 2, START, "calmer"))
    version, before = 2, BASELINE
    for number, is_candidate in enumerate(sides(1, 2), start=1):
        now = CANDIDATE if is_candidate else BASELINE
        side = "B, the candidate" if is_candidate else "A, the baseline"
        note = f"trial 1, block {number} of 4: {side}"
        published = [PolicyPublished(version + 1, version, (now,), note, 0)] if now != before else []
        version, before = version + len(published), now
        ends = START + number * HOUR
        fire(spec).then(*published, PolicyTrialBlockBegun(1, number, is_candidate, version, ends))
        assert in_force(spec) == now
    back = [PolicyPublished(version + 1, version, (BASELINE,), "trial 1 is over: A, the baseline", 0)]
    fire(spec).then(*(back if before == CANDIDATE else []), PolicyTrialEnded(1, True))
    assert in_force(spec) == BASELINE
    trial = trials.require_trial(spec.state, TENANT, 1)
    assert [(block.begin_time, block.end_time) for block in trial.blocks] == [
        (START + number * HOUR, START + (number + 1) * HOUR) for number in range(4)
    ]
    assert (trial.ended_time, trial.is_complete) == (START + 4 * HOUR, True)
    assert not list(spec.state.timers.values())


def test_chance_decides_which_policy_of_a_pair_comes_first() -> None:
    for trial_no in range(1, 50):
        played = sides(trial_no, 20)
        assert all(first != second for first, second in zip(played[::2], played[1::2], strict=True))
        assert 3 <= sum(played[::2]) <= 17


def test_a_trial_may_wait_for_its_start(spec: DirectorySpec) -> None:
    spec.when(start(start_time=START + HOUR))
    spec.after(HOUR - timedelta(seconds=1)).when(AdvancePolicyTrial(1, 1)).then()
    fire(spec)
    assert trials.require_trial(spec.state, TENANT, 1).blocks[0].begin_time == START + HOUR


def test_a_trial_says_when_its_last_block_will_end_and_when_it_ended(spec: DirectorySpec) -> None:
    def end_time() -> datetime:
        return trials.require_trial(spec.state, TENANT, 1).end_time

    spec.when(start(start_time=START + HOUR))
    assert end_time() == START + 5 * HOUR
    fire(spec)
    assert end_time() == START + 5 * HOUR
    [timer] = spec.state.timers.values()
    spec.after(timer.due - spec.now + MINUTE).when(timer.command)  # the second block begins late
    assert end_time() == START + 5 * HOUR + MINUTE
    spec.after(MINUTE).when(EndPolicyTrial(1))
    assert end_time() == spec.now


@pytest.mark.parametrize("command", [AdvancePolicyTrial(1, 1), AdvancePolicyTrial(1, 3), AdvancePolicyTrial(2, 2)])
def test_a_timer_of_another_block_changes_nothing(spec: DirectorySpec, command: AdvancePolicyTrial) -> None:
    spec.when(start())
    fire(spec).after(HOUR).when(command).then()


def test_meanwhile_nothing_else_changes_a_queue_of_the_tenant(spec: DirectorySpec) -> None:
    spec.when(start())
    fire(spec)
    version = spec.state.policy(TENANT).version
    runs = Rejection("PolicyTrialRuns", "trial 1, until 2026-01-05T04:00:00+00:00")
    other = queue("qu_b", max_misses=9)
    for command in (PublishPolicy(version, (other,), ""), RollBackPolicy(version, 1, ""), DefineQueue(other)):
        spec.when(command).then_refused(runs)
    spec.when(start(version)).then_refused(runs)
    spec.when(start(version - 1)).then_refused(runs)  # and not that a block changed the policy
    spec.when(PublishPolicy(version - 1, (other,), "")).then_refused(runs)
    spec.when(DefineQueue(OTHER)).then()  # a seed that is applied again
    spec.when(DefineQueue(queue("qu_new")))  # in neither policy
    assert spec.state.queues.find(TENANT, "qu_new")
    fire(spec)
    assert len(trials.require_trial(spec.state, TENANT, 1).blocks) == 2


@pytest.mark.parametrize("blocks", [0, 1, 2, 3])
def test_whoever_ends_it_has_the_policy_from_before_again(spec: DirectorySpec, blocks: int) -> None:
    spec.when(start())
    for _ in range(blocks):
        fire(spec)
    spec.after(MINUTE).when(EndPolicyTrial(1))
    assert in_force(spec) == BASELINE
    trial = trials.require_trial(spec.state, TENANT, 1)
    assert (trial.ended_time, trial.is_complete) == (spec.now, False)
    assert [block.end_time for block in trial.blocks[-1:]] == [spec.now] * (blocks > 0)
    assert not list(spec.state.timers.values())
    spec.when(EndPolicyTrial(1)).then()
    spec.when(PublishPolicy(spec.state.policy(TENANT).version, (CANDIDATE,), ""))
    assert in_force(spec) == CANDIDATE


WRONG: list[tuple[StartPolicyTrial, str]] = [
    (start(block_duration=NOTHING), "block_duration"),
    (start(block_duration=timedelta(days=8)), "block_duration"),
    (start(pairs=1), "pairs"),
    (start(pairs=21), "pairs"),
    (start(start_time=START + timedelta(days=8)), "start_time"),
    (start(start_time=START - timedelta(seconds=1)), "start_time"),
    (start(note="x" * 501), "note"),
    (start(2, BASELINE, OTHER), "queues"),
    (start(2, CANDIDATE, queue("qu_new")), "queues[1].queue_id"),
    (start(2, queue(max_misses=-1)), "queues[0].max_misses"),
]


@pytest.mark.parametrize(("command", "field"), WRONG)
def test_a_trial_with_an_error_is_refused_with_the_field_and_changes_nothing(
    spec: DirectorySpec, command: StartPolicyTrial, field: str
) -> None:
    spec.when(command)
    spec.then_invalid(field)
    assert spec.state.running_trial(TENANT) is None


def test_a_trial_whose_change_does_not_fit_beside_its_command_is_refused(spec: DirectorySpec) -> None:
    wide = [queue(name, name=LocalizedText("", "x" * 16_000)) for name in ("qu_a", "qu_b")]
    spec.when(start(2, *wide)).then_refused(Invalid("queues", "must change less in one trial"))


def test_a_policy_that_acd_would_not_take_again_is_not_left_for_a_trial() -> None:
    too_long = queue(longest_wait=QueueLimit(timedelta(days=8), ""))
    spec = new_spec().given(QueueDefined(too_long)).when(start(1, queue(longest_wait=QueueLimit(HOUR, ""))))
    spec.then_invalid("queues", "could not be put back: queue.longest_wait.after_duration")


def test_a_policy_that_changed_meanwhile_is_not_tried(spec: DirectorySpec) -> None:
    spec.when(start(1)).then_refused(Conflict("PolicyChangedMeanwhile: the current version is 2"))


def test_a_trial_that_is_not_kept_cannot_be_ended(spec: DirectorySpec) -> None:
    spec.when(EndPolicyTrial(1)).then_refused(NotFound("policy trial", "1"))


def test_the_last_trials_are_kept_and_no_more(spec: DirectorySpec) -> None:
    for number in range(1, MAX_TRIALS + 4):
        spec.when(start(spec.state.policy(TENANT).version)).when(EndPolicyTrial(number))
    kept = [trial.trial_no for trial in trials.trials(spec.state, TENANT)]
    assert kept == list(range(MAX_TRIALS + 3, 3, -1))
    assert len(spec.state.policy_trials) == MAX_TRIALS


changes = st.builds(queue, max_misses=st.integers(1, 4))
deeds = st.one_of(
    *map(st.just, ("start", "start later", "fire", "end")), changes, changes.map(DefineQueue), st.integers(1, 9)
)


def queues_of(spec: DirectorySpec) -> dict[str, QueueDefinition]:
    return {each.queue_id: each for each in spec.state.queues.of(TENANT)}


@settings(max_examples=80)
@given(st.lists(deeds, max_size=30))
@example(["start", "fire", "end"])
@example(["start", "fire", DefineQueue(queue(max_misses=3))])
def test_whatever_is_done_only_a_trials_turns_change_queues_and_in_the_end_it_leaves_no_trace(some: list[Any]) -> None:
    spec = new_spec().given(QueueDefined(BASELINE), QueueDefined(OTHER))
    baseline = queues_of(spec)
    for deed in some:
        version, running, in_force = (
            spec.state.policy(TENANT).version,
            spec.state.running_trial(TENANT),
            queues_of(spec),
        )
        match deed:
            case "start":
                spec.when(start(version))
            case "start later":
                spec.when(start(version, start_time=spec.now + HOUR))
            case "end" if running:
                spec.when(EndPolicyTrial(running.trial_no))
            case "fire" if running:
                fire(spec)
            case QueueDefinition():
                spec.when(PublishPolicy(version, (deed,), ""))
            case DefineQueue():
                spec.when(deed)
            case int():
                spec.when(RollBackPolicy(version, deed, ""))
        if running is None:
            baseline = queues_of(spec)
        elif spec.state.running_trial(TENANT) is None:
            assert queues_of(spec) == baseline
        elif deed != "fire":
            assert queues_of(spec) == in_force
