"""A routing policy is all queues of a tenant at one version."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_cases import MINUTE, NOTHING, TENANT, new_spec, queue
from trunkline.directory.v1 import directory_types_pb2 as types
from trunkline_console.domain import policies
from trunkline_console.domain.commands import DefineHours, DefineQueue, PublishPolicy, RollBackPolicy
from trunkline_console.domain.events import PolicyPublished, QueueDefined
from trunkline_console.domain.policies import MAX_CHANGE_BYTES, MAX_FIRST_EVENT_BYTES, MAX_QUEUES, MAX_VERSIONS
from trunkline_core.errors import Conflict, Invalid, NotFound
from trunkline_core.hours import HoursDefinition
from trunkline_core.routing import (
    CallbackMode,
    CallbackPolicy,
    Overflow,
    QueueDefinition,
    QueueLimit,
    SkillChoice,
    SkillConjunction,
    SkillOperator,
    SkillRequirement,
    SkillTerm,
)
from trunkline_core.spec import Spec
from trunkline_core.texts import LocalizedText
from trunkline_core.treatments import (
    AnnouncementStep,
    CallbackOfferStep,
    MenuStep,
    MusicStep,
    PauseStep,
    QueueTreatment,
    TreatmentAction,
    TreatmentOption,
)
from trunkline_platform.wire import Mapper

LACKS_BILLING = SkillChoice((SkillConjunction((SkillTerm("billing", SkillOperator.LACKS, 0),)),))


def leading_to(name: str, other: str) -> QueueDefinition:
    return queue(name, overflow=Overflow(other, MINUTE, MINUTE))


@pytest.fixture
def spec() -> Spec:
    return new_spec()


def test_a_version_has_the_queues_that_change_and_an_unchanged_policy_is_none(spec: Spec) -> None:
    first, second = queue("qu_a"), queue("qu_b")
    spec.when(PublishPolicy(0, (first, second), "start")).then(PolicyPublished(1, 0, (first, second), "start", 0))
    longer = queue("qu_b", target_wait_duration=MINUTE)
    spec.when(PublishPolicy(1, (first, longer), "calmer")).then(PolicyPublished(2, 1, (longer,), "calmer", 0))
    spec.when(PublishPolicy(2, (longer,), "again")).then()
    assert spec.state.queues.require(TENANT, "qu_b").definition == longer
    assert spec.state.policy("tn_2").version == 0


def test_of_two_who_publish_at_once_the_second_is_told_the_current_version_and_changes_nothing(spec: Spec) -> None:
    spec.when(PublishPolicy(0, (queue(),), ""))
    spec.when(PublishPolicy(0, (queue(max_misses=9),), ""))
    told = Conflict("PolicyChangedMeanwhile: the current version is 1")
    spec.then_refused(told)
    spec.when(RollBackPolicy(0, 1, "")).then_refused(told)
    assert spec.state.queues.require(TENANT, "qu_a").definition == queue()


def test_a_queue_defined_alone_is_an_event_as_before_until_a_policy_is_published_and_counts_as_a_version(
    spec: Spec,
) -> None:
    spec.when(DefineQueue(queue())).then(QueueDefined(queue()))
    published = queue("qu_b")
    spec.when(PublishPolicy(1, (published,), "")).then(PolicyPublished(2, 1, (published,), "", 0))
    other = queue(max_misses=3)
    spec.when(DefineQueue(other)).then(PolicyPublished(3, 2, (other,), "", 0))
    spec.when(DefineQueue(other)).then()
    assert [version.version for version in policies.versions(spec.state, TENANT)] == [3, 2, 1]


def test_a_roll_back_is_a_new_version_and_keeps_the_queues_that_came_later(spec: Spec) -> None:
    old, new, later = queue(), queue(max_misses=3), queue("qu_b")
    spec.given(PolicyPublished(1, 0, (old,), "", 0), PolicyPublished(2, 1, (new, later), "", 0))
    spec.when(RollBackPolicy(2, 1, "too strict")).then(PolicyPublished(3, 2, (old,), "too strict", 1))
    spec.when(RollBackPolicy(3, 1, "again")).then()
    assert policies.content(spec.state, TENANT, 1) == {"qu_a": old}
    assert policies.content(spec.state, TENANT, 3) == {"qu_a": old, "qu_b": later}


@pytest.mark.parametrize("version", [0, 3, -1])
def test_a_version_that_is_not_kept_cannot_be_rolled_back_to(spec: Spec, version: int) -> None:
    spec.given(PolicyPublished(1, 0, (queue(),), "", 0), PolicyPublished(2, 1, (queue(max_misses=3),), "", 0))
    spec.when(RollBackPolicy(2, version, "")).then_refused(NotFound("policy version", str(version)))


MUSIC = MusicStep("waiting", MINUTE)


def with_menu(queue_id: str, chosen_queue_id: str) -> QueueDefinition:
    """Return a queue whose customers may choose another one while they wait."""
    label = LocalizedText("销售", "Sales")
    option = TreatmentOption("2", label, TreatmentAction.QUEUE, chosen_queue_id)
    return queue(queue_id, treatment=QueueTreatment((MUSIC, MenuStep(label, (option,)))))


WRONG: list[tuple[tuple[QueueDefinition, ...], str]] = [
    ((queue(requirements=(SkillRequirement("x", 9),)),), "queues[0].requirements[0].min_level"),
    ((queue(), queue("qu_b", urgency_weight_permille=-1)), "queues[1].urgency_weight_permille"),
    ((queue(), queue(max_misses=3)), "queues[1].queue_id"),
    ((queue(), leading_to("qu_b", "qu_none")), "queues[1].overflow.next_queue_id"),
    ((leading_to("qu_a", "qu_b"), leading_to("qu_b", "qu_a")), "queues[0].overflow.next_queue_id"),
    (
        (leading_to("qu_old", "qu_a"), queue(longest_wait=QueueLimit(MINUTE, "qu_old"))),
        "queues[0].overflow.next_queue_id",
    ),
    ((queue(overflow=Overflow("qu_old", MINUTE, 2 * MINUTE)),), "queues[0].overflow.end_wait_duration"),
    ((queue(choices=(LACKS_BILLING,)),), "queues[0].choices[0]"),
    ((queue(requirements=(SkillRequirement("x", 1),) * 33),), "queues[0].requirements"),
    ((queue(longest_wait=QueueLimit(timedelta(days=8), "")),), "queues[0].longest_wait.after_duration"),
    (
        (queue(treatment=QueueTreatment((MUSIC, CallbackOfferStep(LocalizedText("按 1", "Press 1"), "1")))),),
        "queues[0].treatment.steps[1].callback_offer_step",
    ),
    ((queue(treatment=QueueTreatment((MUSIC,), 2)),), "queues[0].treatment.repeat_from_step"),
    ((with_menu("qu_a", "qu_none"),), "queues[0].treatment.steps[1].menu_step.options[0].queue_id"),
    ((with_menu("qu_a", "qu_a"),), "queues[0].treatment.steps[1].menu_step.options[0].queue_id"),
    (tuple(queue(f"qu_{number}") for number in range(MAX_QUEUES + 1)), "queues"),
    ((queue(name=LocalizedText("", "x" * MAX_CHANGE_BYTES)),), "queues"),
    ((queue(name=LocalizedText("", "x" * (MAX_FIRST_EVENT_BYTES // 2))),), "queues"),  # twice in acd's first event
]


@pytest.mark.parametrize(("queues", "field"), WRONG)
def test_a_policy_with_an_error_is_refused_with_the_field_and_changes_nothing(
    spec: Spec, queues: tuple[QueueDefinition, ...], field: str
) -> None:
    spec.given(QueueDefined(queue("qu_old")))
    spec.when(PublishPolicy(1, queues, ""))
    spec.then_invalid(field)
    assert spec.state.policy(TENANT).version == 1


def test_queues_that_lead_to_each_other_may_come_in_any_order(spec: Spec) -> None:
    chain = leading_to("qu_a", "qu_b"), leading_to("qu_b", "qu_c"), queue("qu_c")
    spec.when(PublishPolicy(0, chain, "")).then(PolicyPublished(1, 0, chain, "", 0))
    turned = queue("qu_a"), leading_to("qu_b", "qu_a")  # back only if qu_a still led to qu_b
    spec.when(PublishPolicy(1, turned, "")).then(PolicyPublished(2, 1, turned, "", 0))


def test_queues_that_customers_may_choose_may_name_each_other(spec: Spec) -> None:
    both = with_menu("qu_a", "qu_b"), with_menu("qu_b", "qu_a")
    spec.when(PublishPolicy(0, both, "")).then(PolicyPublished(1, 0, both, "", 0))


def test_a_note_has_at_most_500_characters(spec: Spec) -> None:
    spec.when(PublishPolicy(0, (queue(),), "注" * 501)).then_refused(
        Invalid("note", "must have at most 500 characters")
    )


def test_the_size_that_is_bounded_is_never_below_that_of_the_record() -> None:
    wide = queue(
        name=LocalizedText("名" * 50, "é" * 50),
        requirements=tuple(SkillRequirement(f"skill {number}", 5) for number in range(32)),
        longest_wait=QueueLimit(timedelta(days=7) - timedelta(microseconds=1), "qu_b"),
        overflow=Overflow("qu_b", MINUTE, MINUTE),
        choices=(LACKS_BILLING,) * 16,
        treatment=QueueTreatment(
            (MUSIC, PauseStep(MINUTE), AnnouncementStep(LocalizedText("好" * 500, "x"))) * 5
            + (with_menu("qu_a", "qu_b").treatment or QueueTreatment(())).steps,
            1,
        ),
    )
    mapper = Mapper(QueueDefinition, types.QueueDefinition)
    bare = queue(name=LocalizedText("", ""), requirements=(), short_abandon_duration=NOTHING)
    for definition in (bare, queue(), wide):
        assert mapper.to_message(definition).ByteSize() + 8 <= policies.size_bytes(definition)


# -- the property ---------------------------------------------------------------------------------------------------

names = st.sampled_from(["qu_a", "qu_b", "qu_c"])
definitions = st.builds(lambda name, misses: queue(name, max_misses=misses), names, st.integers(1, 4))
deeds = st.one_of(
    definitions,
    st.lists(definitions, max_size=3, unique_by=lambda definition: definition.queue_id),
    st.integers(1, 12),
)


@settings(max_examples=80)
@given(st.lists(deeds, max_size=25))
def test_whatever_is_published_defined_or_rolled_back_each_version_can_be_told_as_it_was(some: list[Any]) -> None:
    spec, told = new_spec(), [dict[str, QueueDefinition]()]
    for deed in some:
        current = spec.state.policy(TENANT).version
        match deed:
            case QueueDefinition():
                spec.when(DefineQueue(deed))
            case list():
                spec.when(PublishPolicy(current, tuple(deed), ""))
            case _:
                spec.when(RollBackPolicy(current, deed, ""))
        if spec.state.policy(TENANT).version > current:
            told.append({each.queue_id: each for each in spec.state.queues.of(TENANT)})
            if isinstance(deed, int):
                assert told[-1] == told[current] | told[deed]
    assert spec.state.policy(TENANT).version == len(told) - 1
    for version in range(1, len(told)):
        assert policies.content(spec.state, TENANT, version) == told[version]


def test_the_last_50_versions_are_kept_and_no_more(spec: Spec) -> None:
    for version in range(MAX_VERSIONS + 5):
        spec.when(PublishPolicy(version, (queue(max_waiting=version + 1),), ""))
    kept = policies.versions(spec.state, TENANT)
    assert (len(kept), len(spec.state.policy_versions)) == (MAX_VERSIONS, MAX_VERSIONS)
    assert policies.content(spec.state, TENANT, kept[-1].version)["qu_a"].max_waiting == kept[-1].version
    with pytest.raises(NotFound):
        policies.content(spec.state, TENANT, kept[-1].version - 1)


def test_hours_of_call_backs_must_be_defined(spec: Spec) -> None:
    called_back = CallbackPolicy(3, MINUTE, 5, CallbackMode.CUSTOMER_FIRST, "ho_shop")
    within_hours = queue(callback=called_back)
    unknown = Invalid("queues[0].callback.hours_id", "names no hours of this tenant")
    spec.when(PublishPolicy(0, (within_hours,), "")).then_refused(unknown)
    alone = Invalid("queue.callback.hours_id", "names no hours of this tenant")
    spec.when(DefineQueue(within_hours)).then_refused(alone)
    spec.when(DefineHours(HoursDefinition("ho_shop", "UTC", (), ())))
    spec.when(PublishPolicy(0, (within_hours,), "")).then(PolicyPublished(1, 0, (within_hours,), "", 0))


def calling_back(retry_s: float, **changes: Any) -> QueueDefinition:
    return queue(callback=CallbackPolicy(3, timedelta(seconds=retry_s), 5), **changes)


def test_customer_who_does_not_pick_up_is_not_to_be_rung_up_again_at_once(spec: Spec) -> None:
    refused = ("callback.retry_after_duration", "must be at least 60 s")
    soon = calling_back(59.9)
    spec.when(PublishPolicy(0, (soon,), "")).then_refused(Invalid(f"queues[0].{refused[0]}", refused[1]))
    spec.when(DefineQueue(soon)).then_refused(Invalid(f"queue.{refused[0]}", refused[1]))
    spec.when(PublishPolicy(0, (calling_back(60),), "")).then(PolicyPublished(1, 0, (calling_back(60),), "", 0))


def test_shorter_time_between_attempts_that_is_in_force_since_earlier_may_stay(spec: Spec) -> None:
    """A seed file that 0.1.0 took is no reason not to start."""
    spec.given(QueueDefined(calling_back(1)))
    spec.when(DefineQueue(calling_back(1))).then()
    changed = calling_back(1, max_misses=9)
    spec.when(PublishPolicy(1, (changed,), "")).then(PolicyPublished(2, 1, (changed,), "", 0))
    spec.when(PublishPolicy(2, (calling_back(2),), "")).then_refused(
        Invalid("queues[0].callback.retry_after_duration", "must be at least 60 s")
    )


def test_mode_and_hours_of_call_backs_are_compared_by_name() -> None:
    message = Mapper(QueueDefinition, types.QueueDefinition).to_message(
        queue(callback=CallbackPolicy(3, MINUTE, 5, CallbackMode.CUSTOMER_FIRST, "ho_shop"))
    )
    assert types.CallbackMode.Name(message.callback.mode) == "CALLBACK_MODE_CUSTOMER_FIRST"
    assert message.callback.hours_id == "ho_shop"
