"""Entry and end of contacts, limits (rules 6 and 16), tombstones, conservation."""

from datetime import timedelta

import pytest
from trunkline_acd.domain import policy
from trunkline_acd.domain.commands import EndContact, EnqueueContact, ReportConnected
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import (
    ContactEnqueued,
    ContactForgotten,
    ContactReleased,
    OfferEnded,
    SegmentEnded,
    TombstoneDropped,
)
from trunkline_acd.domain.words import OfferEndReason, SegmentOutcome
from trunkline_core.routing import SkillRequirement, WrapUpMode


def enqueue(contact_id="ct_1", step=1, queue="qu_sales", channel=Channel.VOICE, value=0, urgency=0, needs=()):
    return EnqueueContact(contact_id, step, queue, channel, value, urgency, tuple(needs))


def test_entry_opens_a_segment_with_all_requirements_once_per_skill(routing):
    routing.queue(requirements=(SkillRequirement("billing", 2), SkillRequirement("english", 1)))
    [entered] = routing.enqueue("ct_1", "qu_sales", ("billing", 3), value=10, urgency=20)
    needs = (SkillRequirement("billing", 3), SkillRequirement("english", 1))
    own = (SkillRequirement("billing", 3),)
    assert entered == ContactEnqueued("ct_1", 1, "qu_sales", 1, Channel.VOICE, 10, 20, needs, own_requirements=own)


def test_entry_is_refused_for_a_slash_in_the_contacts_own_id_alone(routing):
    """Directories may define an agent or a queue with one; refused here, the customer could reach nobody any more."""
    routing.queue("qu_sales/b2b")
    [entered] = routing.enqueue("ct_1", "qu_sales/b2b", preferred="ag_li/2")
    assert (entered.queue_id, entered.preferred_agent_id) == ("qu_sales/b2b", "ag_li/2")


def test_entry_repeated_with_the_same_step_changes_nothing(routing):
    routing.queue()
    routing.enqueue("ct_1", step=3)
    assert routing.enqueue("ct_1", step=3) == []
    assert routing.refusal(enqueue(step=2)) == "Rejection: StaleStep"
    assert routing.refusal(enqueue(step=4)) == "Rejection: ContactAlreadyQueued"


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (enqueue(contact_id=""), "Invalid: contact_id: must have 1 to 128 characters"),
        (enqueue(contact_id="c" * 129), "Invalid: contact_id: must have 1 to 128 characters"),
        (enqueue(contact_id="a/b"), "Invalid: contact_id: must not have a slash"),
        (enqueue(queue="qu_none"), "NotFound: unknown queue qu_none"),
        (enqueue(channel=Channel.UNSPECIFIED), "Invalid: channel: must be set"),
        (enqueue(value=1001), "Invalid: value_permille: must be 0 to 1000"),
        (enqueue(urgency=-1), "Invalid: urgency_permille: must be 0 to 1000"),
        (enqueue(needs=[SkillRequirement("x", 6)]), "Invalid: requirements[0].min_level: must be 1 to 5"),
        (enqueue(needs=[SkillRequirement("", 1)]), "Invalid: requirements[0].skill: must have 1 to 64 characters"),
        (enqueue(needs=[SkillRequirement("x", 1)] * 33), "Invalid: requirements: must be at most 32"),
    ],
)
def test_bad_entry_is_refused(routing, command, refusal):
    routing.queue()
    assert routing.refusal(command) == refusal


def test_queue_of_another_tenant_is_unknown(routing):
    """Ledger rule 20: the row's tenant is the caller's."""
    routing.queue()
    assert routing.refusal(enqueue(), tenant="tn_other") == "NotFound: unknown queue qu_sales"


def test_full_queue_refuses(routing):
    routing.queue(max_waiting=2)
    routing.enqueue("ct_1")
    routing.enqueue("ct_2")
    assert routing.refusal(enqueue("ct_3")) == "Rejection: QueueFull"


def test_sixty_fifth_requirement_set_is_refused_until_one_is_gone(routing):
    routing.queue()
    for number in range(64):
        routing.enqueue(f"ct_{number}", "qu_sales", (f"skill {number}", 1))
    assert routing.refusal(enqueue("ct_x", needs=[SkillRequirement("x", 1)])) == "Rejection: TooManyRequirementSets"
    routing.enqueue("ct_same", "qu_sales", ("skill 0", 1))
    routing.end("ct_1")
    routing.do(enqueue("ct_x", needs=[SkillRequirement("x", 1)]))


@pytest.mark.parametrize(
    ("reason", "waited", "outcome"),
    [
        ("customer_left", 4.999, SegmentOutcome.SHORT_ABANDONED),
        ("customer_left", 5, SegmentOutcome.ABANDONED),
        ("peer_lost", 7, SegmentOutcome.ABANDONED),
        ("system", 7, SegmentOutcome.CLOSED_BY_SYSTEM),
    ],
)
def test_end_while_waiting_closes_the_segment_once(routing, reason, waited, outcome):
    routing.queue()
    routing.enqueue("ct_1")
    routing.wait(waited)
    assert routing.end("ct_1", reason) == [
        SegmentEnded("ct_1", "qu_sales", 1, outcome, timedelta(seconds=waited)),
        ContactForgotten("ct_1", 9, reason),
    ]


def test_caller_who_leaves_while_it_rings_is_nobodys_miss(routing):
    routing.queue()
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.wait(10)
    [ended, segment, _] = routing.end("ct_1")
    assert ended == OfferEnded("ct_1", 1, 1, "ag_li", OfferEndReason.RESCINDED, False, None)
    assert segment.outcome is SegmentOutcome.ABANDONED
    assert routing.domain.agent("ag_li").misses == 0


def test_caller_who_leaves_while_it_is_joined_frees_the_agent_for_the_next(routing, offered):
    routing.queue()
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.enqueue("ct_2")
    routing.accept("ct_1")
    assert offered(routing.end("ct_1")) == [("ct_2", "ag_li")]


def test_end_of_a_connected_contact_releases_the_agent(routing):
    routing.queue()
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.connect("ct_1")
    assert routing.end("ct_1", "agent_ended") == [
        ContactReleased("ct_1", "ag_li", "qu_sales", False, None, segment_no=1),
        ContactForgotten("ct_1", 9, "agent_ended"),
    ]


def test_hang_up_before_entry_refuses_the_late_entry(routing):
    routing.queue()
    assert routing.end("ct_1", step=2) == [ContactForgotten("ct_1", 2, "customer_left")]
    assert routing.refusal(enqueue(step=1)) == "Rejection: ContactAlreadyEnded"
    assert routing.refusal(enqueue(step=3)) == "Rejection: ContactAlreadyEnded"


def test_end_repeated_changes_nothing_and_a_lower_step_is_stale(routing):
    routing.queue()
    routing.enqueue("ct_1")
    routing.end("ct_1", step=5)
    assert routing.end("ct_1", step=5) == []
    assert routing.end("ct_1", step=6) == []
    assert routing.refusal(EndContact("ct_1", 4, "system")) == "Rejection: StaleStep"
    assert routing.refusal(ReportConnected("ct_1", 7, 1, 1)) == "Rejection: ContactAlreadyEnded"


def test_end_for_an_unknown_reason_is_invalid(routing):
    assert routing.refusal(EndContact("ct_1", 1, "bored")).startswith("Invalid: reason")


def test_tombstones_are_dropped_after_a_day(routing):
    for number in range(3):
        routing.end(f"ct_{number}")
        routing.wait(60)
    assert routing.wait(24 * 3600 - 181) == []
    assert routing.wait(61) == [TombstoneDropped("ct_0"), TombstoneDropped("ct_1")]
    assert routing.state.tombstone_count() == 1


def test_many_tombstones_of_one_moment_are_dropped_in_portions(routing):
    for number in range(250):
        routing.end(f"ct_{number:03}")
    assert len(routing.wait(24 * 3600)) == 100
    assert len(routing.wait(2)) == 150


def test_too_many_tombstones_drop_the_oldest_which_is_counted(routing, monkeypatch):
    monkeypatch.setattr(policy, "MAX_TOMBSTONES", 2)
    for number in range(2):
        routing.end(f"ct_{number}")
    assert routing.end("ct_2")[-1] == TombstoneDropped("ct_0")
    assert routing.domain.last_number("tombstones dropped early") == 1


def test_rows_follow_every_change_with_absolute_figures(routing):
    routing.queue(wrap_up_mode=WrapUpMode.UNTIMED)
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    [rows] = routing.rows
    assert [(row.agent_id, row.offered) for row in rows.agents] == [("ag_li", 1)]
    assert [(row.waiting, row.ringing, row.entered_total) for row in rows.queues] == [(0, 1, 1)]
    routing.connect("ct_1")
    routing.enqueue("ct_2")
    [rows] = routing.rows
    assert rows.agents == ()
    assert rows.queues[0].oldest_entered_time == routing.now
    routing.end("ct_1")
    [rows] = routing.rows
    assert [(row.connected, row.wrap_up) for row in rows.agents] == [(0, 1)]
    assert [(row.waiting, row.connected, row.answered_total) for row in rows.queues] == [(1, 0, 1)]


def test_command_without_effect_makes_no_rows(routing):
    routing.queue()
    routing.queue()
    assert routing.rows == []
