"""Agents of another queue help out, and contacts that flowed out come back (rule 12)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from trunkline_acd.domain.commands import AcceptOffer, DeclineOffer, OpenAgentSession, PullContact, PutQueue, SetIntent
from trunkline_acd.domain.contacts import Stage
from trunkline_acd.domain.events import (
    ContactEnqueued,
    ContactOffered,
    OverflowChecked,
    SegmentEnded,
    SharingBegun,
    SharingEnded,
)
from trunkline_acd.domain.positions import contacts_ahead
from trunkline_acd.domain.waiting_reasons import waiting_reasons
from trunkline_acd.domain.waits import wait_view
from trunkline_acd.domain.words import Intent, SegmentOutcome
from trunkline_core.routing import (
    CallbackPolicy,
    Overflow,
    OverflowMeasure,
    OverflowMode,
    QueueLimit,
    RelaxationStep,
    RoutingStrategy,
    SkillRequirement,
)

SALES, ORDERS = SkillRequirement("sales", 1), SkillRequirement("orders", 1)


def seconds(number):
    return timedelta(seconds=number)


def share(**changes):
    """By default help begins with a wait of 60 s and ends below 20 s."""
    waits = {} if "measure" in changes else {"begin_wait_duration": seconds(60), "end_wait_duration": seconds(20)}
    return Overflow("qu_orders", mode=OverflowMode.SHARE, **waits, **changes)


def by_staff(begin=1, end=2):
    return share(measure=OverflowMeasure.STAFF, begin_staff=begin, end_staff=end)


def by_occupancy(begin=900, end=500):
    occupancies = {"begin_occupancy_permille": begin, "end_occupancy_permille": end}
    return share(measure=OverflowMeasure.OCCUPANCY, **occupancies)


def of_kind(events, kind):
    return [event for event in events if isinstance(event, kind)]


@pytest.fixture
def centre(routing):
    """Sales, which orders help out, with one agent each: ag_sun sells, ag_ouyang takes orders and is free."""
    routing.queue("qu_orders", requirements=(ORDERS,))
    routing.queue(requirements=(SALES,), overflow=share())
    routing.agent("ag_sun", ("sales", 3))
    routing.agent("ag_ouyang", ("orders", 3))
    routing.enqueue("ct_busy")
    routing.connect("ct_busy")
    return routing


def decline(routing, contact_id="ct_1"):
    contact = routing.domain.contact(contact_id)
    return routing.do(DeclineOffer(contact.agent_id, contact_id, contact.offer_no), actor=f"agent:{contact.agent_id}")


def helped(centre, contact_id="ct_1"):
    """A contact waits for so long that it rings at the agent who helps out."""
    centre.enqueue(contact_id)
    return centre.wait(61)


def helping_of(centre, queue_id):
    """Return who helps that queue, as the rows of the last command say."""
    return next(row.helping_queue_id for changed in centre.rows for row in changed.queues if row.queue_id == queue_id)


# begin, end, hysteresis


def test_help_begins_with_the_longest_wait_and_the_contact_stays_in_its_segment(centre):
    centre.enqueue("ct_1")
    assert of_kind(centre.wait(59.9), ContactOffered) == []
    events = centre.wait(0.2)
    assert of_kind(events, SharingBegun) == [SharingBegun("qu_sales", "qu_orders")]
    assert helping_of(centre, "qu_sales") == "qu_orders"
    (offer,) = of_kind(events, ContactOffered)
    assert (offer.contact_id, offer.agent_id, offer.queue_id, offer.segment_no) == ("ct_1", "ag_ouyang", "qu_sales", 1)
    assert of_kind(events, SegmentEnded) == [], "nobody flowed out"
    centre.accept("ct_1")
    centre.connected("ct_1")
    row = centre.domain.queue("qu_sales")
    assert (row.entered_total, row.answered_total, row.flowed_out_total) == (2, 2, 0)


def test_help_ends_once_nobody_waits_for_as_long_as_what_ends_it_and_whoever_has_a_contact_keeps_it(centre):
    helped(centre)
    ended = centre.wait(5)
    assert of_kind(ended, SharingEnded) == [SharingEnded("qu_sales")]
    assert helping_of(centre, "qu_sales") == ""
    assert centre.domain.contact("ct_1").stage is Stage.OFFERED, "what rings goes on ringing"
    centre.accept("ct_1")
    assert centre.domain.contact("ct_1").agent_id == "ag_ouyang"


def test_help_does_not_flutter(centre):
    centre.enqueue("ct_1")
    centre.enqueue("ct_2")
    centre.wait(45)
    centre.enqueue("ct_3")
    events = centre.wait(20)
    assert len(of_kind(events, SharingBegun)) == 1
    centre.connect("ct_1")
    centre.end("ct_2")
    assert of_kind(centre.wait(20), SharingEnded) == [], "ct_3 waits for more than 20 s, and less than 60 s"
    centre.end("ct_3")
    assert len(of_kind(centre.wait(5), SharingEnded)) == 1
    assert centre.wait(600) == [], "nobody waits: nothing is looked at"


def test_who_becomes_free_meanwhile_takes_the_contact_with_the_highest_score_of_both_queues(centre):
    centre.enqueue("ct_order", "qu_orders")
    centre.connect("ct_order")
    centre.enqueue("ct_1")
    centre.wait(50)
    centre.enqueue("ct_order_2", "qu_orders")
    centre.wait(15)
    centre.end("ct_order")
    assert centre.domain.contact("ct_1").agent_id == "ag_ouyang", "it has waited for longer"
    assert centre.domain.contact("ct_order_2").stage is Stage.WAITING


def test_an_own_agent_of_a_later_ring_goes_before_who_only_helps_out(centre):
    steps = (RelaxationStep(seconds(5), (), ("gold",)),)
    centre.queue(requirements=(SALES, SkillRequirement("gold", 1)), relaxation=steps, overflow=by_staff(2, 2))
    centre.agent("ag_gold", ("sales", 1), ("gold", 1))
    centre.enqueue("ct_gold")
    centre.connect("ct_gold")
    centre.enqueue("ct_order", "qu_orders")
    centre.connect("ct_order")
    centre.enqueue("ct_1")
    centre.wait(6)
    assert centre.domain.helping_queue("qu_sales") == "qu_orders"
    contact = centre.domain.contact("ct_1")
    rings = [contact.ring_of(centre.domain.agent(agent_id).profile) for agent_id in ("ag_gold", "ag_sun", "ag_ouyang")]
    assert rings == [0, 1, 2]
    assert contact.is_only_helped_by(centre.domain.agent("ag_ouyang").profile)


def test_more_contacts_than_fit_into_one_command_are_handed_out_by_a_timer(centre, monkeypatch):
    monkeypatch.setattr("trunkline_acd.domain.policy.OFFERS_PER_HANDOUT", 1)
    for number in range(3):
        centre.agent(f"ag_{number}", ("orders", 1))
        centre.enqueue(f"ct_{number}")
    events = centre.wait(62)
    assert len(of_kind(events, ContactOffered)) == 3


def test_the_contacts_own_needs_hold_for_those_who_help_out(centre):
    centre.enqueue("ct_1", "qu_sales", ("french", 1))
    assert of_kind(centre.wait(120), ContactOffered) == []
    centre.agent("ag_denis", ("orders", 1), ("french", 2))
    assert centre.domain.contact("ct_1").agent_id == "ag_denis"


# what begins it


def test_help_by_staff_begins_at_the_first_contact_and_ends_with_enough_staff(centre):
    centre.queue(requirements=(SALES,), overflow=by_staff(2, 3))
    centre.enqueue("ct_1")
    centre.enqueue("ct_2")
    centre.enqueue("ct_3")
    centre.enqueue("ct_4")
    assert of_kind(centre.wait(0.1), SharingBegun) == [SharingBegun("qu_sales", "qu_orders")]
    assert centre.connect("ct_1") == "ag_ouyang"
    centre.agent("ag_two", ("sales", 1))
    centre.connect("ct_2")
    assert of_kind(centre.wait(6), SharingEnded) == [], "two are more than what begins it, and too few to end it"
    centre.agent("ag_three", ("sales", 1))
    assert of_kind(centre.wait(6), SharingEnded) == [SharingEnded("qu_sales")]
    assert centre.domain.contact("ct_4").stage is Stage.WAITING


def test_help_ends_while_nobody_waits_and_begins_again_with_the_next_contact(centre):
    centre.queue(requirements=(SALES,), overflow=by_staff(2, 3))
    centre.enqueue("ct_1")
    centre.wait(0.1)
    centre.connect("ct_1")
    assert of_kind(centre.wait(6), SharingEnded) == [SharingEnded("qu_sales")]
    assert centre.wait(3600) == [], "a night without anybody costs nothing"
    centre.agent("ag_chen", ("orders", 1))
    centre.enqueue("ct_2")
    centre.wait(0.1)
    assert centre.domain.contact("ct_2").agent_id == "ag_chen"


def test_help_by_occupancy_begins_when_all_are_busy_and_ends_below_half(centre):
    centre.queue(requirements=(SALES,), overflow=by_occupancy())
    centre.agent("ag_two", ("sales", 1))
    centre.enqueue("ct_1")
    assert of_kind(centre.wait(6), SharingBegun) == [], "it rings, and nobody waits"
    centre.connect("ct_1")
    for number in (2, 3, 4):
        centre.enqueue(f"ct_{number}", "qu_sales", *([("gold", 5)] if number > 2 else []))
    assert len(of_kind(centre.wait(0.1), SharingBegun)) == 1, "both are busy"
    assert centre.domain.contact("ct_2").agent_id == "ag_ouyang"
    assert centre.domain.load_for((SALES,)) == (2000, 2)
    centre.agent("ag_three", ("sales", 1))
    assert of_kind(centre.wait(6), SharingEnded) == [], "two of three"
    centre.agent("ag_four", ("sales", 1))
    centre.agent("ag_five", ("sales", 1))
    assert len(of_kind(centre.wait(6), SharingEnded)) == 1, "two of five, though two wait for somebody else"


def test_help_by_estimated_wait_needs_a_queue_that_estimates(centre):
    estimated = share(
        measure=OverflowMeasure.ESTIMATED_WAIT, begin_wait_duration=seconds(60), end_wait_duration=seconds(20)
    )
    definition = centre.domain.queue("qu_sales").definition
    refusal = centre.refusal(PutQueue(replace(definition, overflow=estimated)))
    assert refusal == "Invalid: queue.overflow.measure: needs estimates_waits"
    centre.queue(requirements=(SALES,), overflow=estimated, estimates_waits=True)
    centre.end("ct_busy")
    for number in range(10):
        centre.enqueue(f"ct_first_{number}")
        centre.enqueue(f"ct_then_{number}")
        centre.connect(f"ct_first_{number}")
        centre.wait(100)
        centre.end(f"ct_first_{number}")
        centre.connect(f"ct_then_{number}")
        centre.end(f"ct_then_{number}")
    centre.enqueue("ct_now")
    centre.connect("ct_now")
    centre.enqueue("ct_1")
    centre.wait(5)
    assert centre.domain.helping_queue("qu_sales") == "qu_orders", "who came next had waited for 100 s"
    centre.end("ct_1")
    assert len(of_kind(centre.wait(6), SharingEnded)) == 1


# with the other rules


def test_the_explanation_names_the_queue_that_helps_out(centre):
    (offer,) = of_kind(helped(centre), ContactOffered)
    assert (offer.explanation.helping_queue_id, offer.explanation.ring) == ("qu_orders", 0)
    assert offer.explanation.trigger == "SharingBegun"


def test_the_explanation_says_who_would_only_have_helped_out(centre):
    centre.queue(requirements=(SALES,), overflow=by_staff(2, 2))
    centre.enqueue("ct_1")
    centre.wait(0.1)
    centre.end("ct_1")
    centre.end("ct_busy")
    (offer,) = of_kind(centre.enqueue("ct_2"), ContactOffered)
    reasons = {candidate.agent_id: candidate.not_chosen_because for candidate in offer.explanation.candidates}
    assert reasons == {"ag_sun": "", "ag_ouyang": "OnlyHelps"}
    assert offer.explanation.helping_queue_id == ""


@pytest.mark.parametrize("strategy", list(RoutingStrategy))
def test_every_strategy_finds_those_who_help_out(centre, strategy):
    centre.queue(requirements=(SALES,), overflow=share(), strategy=strategy)
    assert [offer.agent_id for offer in of_kind(helped(centre), ContactOffered)] == ["ag_ouyang"]


def test_a_waiting_contact_counts_those_who_help_out(centre):
    centre.enqueue("ct_order", "qu_orders")
    centre.connect("ct_order")
    centre.enqueue("ct_order_2", "qu_orders")
    centre.wait(10)
    centre.enqueue("ct_1")
    contact = centre.domain.contact("ct_1")
    assert contacts_ahead(centre.domain, contact, centre.now) == 0
    centre.wait(61)
    assert contacts_ahead(centre.domain, contact, centre.now) == 1, "the order is before it at ag_ouyang"
    assert waiting_reasons(centre.state, "tn_demo", contact, centre.now).matching_count == 2


def test_a_supervisor_may_give_it_to_an_agent_who_helps_out_and_only_meanwhile(centre):
    centre.queue(requirements=(SALES,), overflow=by_staff(2, 2))
    centre.enqueue("ct_1")
    pull = PullContact("ct_1", "ag_ouyang", "other")
    assert centre.refusal(pull, actor="supervisor:us_1") == "Rejection: AgentLacksSkills"
    centre.wait(0.1)
    decline(centre)
    assert of_kind(centre.do(pull, actor="supervisor:us_1"), ContactOffered)[0].agent_id == "ag_ouyang"


def test_a_queue_without_own_staff_is_served_by_those_who_help_out(centre):
    centre.queue(requirements=(SALES,), overflow=by_staff(), unstaffed=QueueLimit(seconds(30), ""))
    centre.enqueue("ct_1")
    centre.do(SetIntent("ag_sun", Intent.OFFLINE, ""), actor="agent:ag_sun")
    events = centre.wait(40)
    assert of_kind(events, SharingBegun) and centre.domain.queue("qu_sales").clears_time is None


def test_a_call_back_is_helped_out_too(centre):
    centre.queue(requirements=(SALES,), overflow=share(), callback=CallbackPolicy(3, seconds(600), 10))
    centre.enqueue("ct_0")
    centre.call_back("ct_0")
    centre.enqueue("ct_1")
    centre.agent("ag_chen", ("orders", 1))
    centre.wait(62)
    assert {centre.domain.contact(f"ct_{number}").stage for number in (0, 1)} == {Stage.OFFERED}


def test_two_queues_may_help_each_other_out(centre):
    back = replace(share(), next_queue_id="qu_sales")
    centre.queue("qu_orders", requirements=(ORDERS,), overflow=back)
    centre.enqueue("ct_order", "qu_orders")
    centre.connect("ct_order")
    centre.enqueue("ct_order_2", "qu_orders")
    centre.end("ct_busy")
    centre.wait(61)
    assert centre.domain.contact("ct_order_2").agent_id == "ag_sun"


def test_a_changed_policy_ends_help_that_it_does_not_give(centre):
    centre.enqueue("ct_order", "qu_orders")
    centre.connect("ct_order")
    helped(centre)
    centre.queue(requirements=(SALES,))
    assert centre.domain.helping_queue("qu_sales") == ""
    centre.end("ct_order")
    assert centre.domain.contact("ct_1").stage is Stage.WAITING


def test_a_changed_helping_queue_is_asked_for_what_it_asks_now(centre):
    centre.agent("ag_chen", ("returns", 1))
    centre.enqueue("ct_order", "qu_orders")
    centre.connect("ct_order")
    helped(centre)
    assert centre.domain.contact("ct_1").stage is Stage.WAITING
    centre.queue("qu_orders", requirements=(SkillRequirement("returns", 1),))
    centre.wait(0.1)
    assert centre.domain.contact("ct_1").agent_id == "ag_chen"


def test_an_unknown_queue_helps_nobody(centre):
    centre.queue(requirements=(SALES,), overflow=replace(share(), next_queue_id="qu_nowhere"))
    assert of_kind(helped(centre), ContactOffered) == []


def test_work_of_a_look_does_not_grow_with_who_waits(centre):
    centre.wait(600)
    for number in range(40):
        centre.enqueue(f"ct_{number}")
    assert len(of_kind(centre.wait(120), OverflowChecked)) <= 14


def test_a_queue_whose_helpers_are_signed_in_lets_contacts_in_whether_they_help_already_or_not(centre):
    """Help ends while nobody waits: then nobody would be let in any more, and no help begin."""
    centre.queue(requirements=(SALES,), overflow=by_staff(), unstaffed=QueueLimit(seconds(30), ""))
    centre.do(SetIntent("ag_sun", Intent.OFFLINE, ""), actor="agent:ag_sun")
    centre.end("ct_busy")
    centre.wait(600)
    for number in (1, 2):
        centre.enqueue(f"ct_{number}")
        centre.wait(0.1)
        assert centre.connect(f"ct_{number}") == "ag_ouyang"
        centre.end(f"ct_{number}")
        centre.wait(600)


def test_a_queue_that_is_defined_only_later_helps_out_from_then_on(centre):
    centre.queue(requirements=(SALES,), overflow=replace(share(), next_queue_id="qu_later"))
    helped(centre)
    centre.agent("ag_chen", ("later", 1), ready=False)
    centre.do(OpenAgentSession("ag_chen", "pe_1", "se_chen"))
    for intent in (Intent.AVAILABLE, Intent.BREAK):
        centre.do(SetIntent("ag_chen", intent, ""), actor="agent:ag_chen")
    centre.queue("qu_later", requirements=(SkillRequirement("later", 1),))
    centre.do(SetIntent("ag_chen", Intent.AVAILABLE, ""), actor="agent:ag_chen")
    assert centre.domain.contact("ct_1").agent_id == "ag_chen"


def test_a_late_call_among_those_that_are_handed_out_begins_no_second_handout(centre):
    centre.queue(requirements=(SALES,), overflow=share(), drains_chats=True)
    for number in range(30):
        centre.agent(f"ag_{number}", ("orders", 1))
        centre.enqueue(f"ct_{number}")
    centre.wait(62)
    rings = [contact.contact_id for contact in centre.domain.contacts.values() if contact.stage is Stage.OFFERED]
    assert len(rings) == 30


def test_another_overflow_begins_anew(centre):
    centre.queue(requirements=(SALES,), overflow=by_staff(2, 2))
    centre.enqueue("ct_1")
    centre.enqueue("ct_2")
    centre.wait(1)
    assert centre.domain.queue("qu_sales").is_overflowing
    centre.queue(requirements=(SALES,), overflow=Overflow("qu_orders", seconds(600), seconds(0)))
    assert of_kind(centre.wait(60), SegmentEnded) == [], "nobody has waited for 600 s"


def test_who_is_away_keeps_no_help_alive_in_a_queue_that_shares_now(moving):
    moving.enqueue("ct_1")
    moving.wait(61)
    moving.queue(requirements=(SALES,), overflow=by_staff())
    moving.wait(10)
    assert moving.wait(3600) == [], "nobody waits at home"


# the return path


@pytest.fixture
def moving(routing):
    """Contacts flow from sales into orders after 60 s and come back; nobody is signed in."""
    routing.queue("qu_orders", requirements=(ORDERS,))
    waits = {"begin_wait_duration": seconds(60), "end_wait_duration": seconds(20)}
    routing.queue(requirements=(SALES,), overflow=Overflow("qu_orders", **waits, returns=True))
    return routing


def ways(events):
    flowed = [event for event in of_kind(events, SegmentEnded) if event.outcome is SegmentOutcome.FLOWED_OUT]
    return [(event.contact_id, event.queue_id, event.next_queue_id) for event in flowed]


def test_who_flowed_out_comes_back_once_somebody_is_free_with_its_age(moving):
    moving.enqueue("ct_1")
    moving.wait(10)
    moving.enqueue("ct_2")
    events = moving.wait(50)
    assert ways(events) == [("ct_1", "qu_sales", "qu_orders"), ("ct_2", "qu_sales", "qu_orders")]
    assert ways(moving.wait(600)) == [], "nobody is free at home: they would only wait anew, and flow out again"
    moving.agent("ag_sun", ("sales", 1))
    assert ways(moving.wait(6)) == [("ct_1", "qu_orders", "qu_sales")]
    contact = moving.domain.contact("ct_1")
    assert (contact.segment_no, contact.aged_since_time, contact.home_queue_id) == (3, moving.at(0), "")
    assert contact.agent_id == "ag_sun"


def test_who_moved_reaches_its_longest_wait(moving):
    waits = {"begin_wait_duration": seconds(60), "end_wait_duration": seconds(20)}
    moving.queue("qu_orders", requirements=(ORDERS,), longest_wait=QueueLimit(seconds(120), ""))
    moving.queue(requirements=(SALES,), overflow=Overflow("qu_orders", **waits, returns=True))
    moving.enqueue("ct_1")
    moving.wait(181)
    assert moving.domain.contacts.get("ct_1").stage is Stage.ENDED


def test_one_whom_the_other_queue_refuses_holds_up_nobody(moving):
    moving.queue("qu_orders", requirements=(ORDERS,), max_per_customer=1)
    moving.enqueue("ct_there", "qu_orders", customer="cu_1")
    for number in range(6):
        moving.enqueue(f"ct_{number}", customer="cu_1" if number < 5 else "cu_2")
    assert ways(moving.wait(61)) == [("ct_5", "qu_sales", "qu_orders")]


def test_who_stays_in_trouble_keeps_nobody_back(moving):
    moving.enqueue("ct_1")
    moving.agent("ag_ouyang", ("orders", 1))
    moving.wait(60)
    assert moving.domain.contact("ct_1").agent_id == "ag_ouyang"
    assert ways(moving.wait(10)) == [], "what rings does not come back"
    moving.accept("ct_1")
    moving.connected("ct_1")
    assert ways(moving.wait(600)) == []


def test_who_rang_elsewhere_in_vain_comes_back(moving):
    moving.enqueue("ct_1")
    moving.agent("ag_ouyang", ("orders", 1))
    moving.wait(61)
    decline(moving)
    moving.agent("ag_sun", ("sales", 1))
    assert ways(moving.wait(10)) == [("ct_1", "qu_orders", "qu_sales")]


def test_nobody_comes_back_where_the_policy_does_not_say_so(moving):
    waits = {"begin_wait_duration": seconds(60), "end_wait_duration": seconds(20)}
    moving.enqueue("ct_1")
    moving.wait(60)
    moving.queue(requirements=(SALES,), overflow=Overflow("qu_orders", **waits))
    assert ways(moving.wait(600)) == []


def test_contacts_move_while_too_few_are_signed_in_and_come_back_with_staff(moving):
    overflow = Overflow("qu_orders", measure=OverflowMeasure.STAFF, begin_staff=1, end_staff=1, returns=True)
    moving.queue(requirements=(SALES,), overflow=overflow)
    moving.enqueue("ct_1")
    assert ways(moving.wait(0.1)) == [("ct_1", "qu_sales", "qu_orders")]
    assert ways(moving.wait(30)) == []
    moving.agent("ag_sun", ("sales", 1))
    assert ways(moving.wait(6)) == [("ct_1", "qu_orders", "qu_sales")]
    assert moving.domain.contact("ct_1").agent_id == "ag_sun"


def test_help_between_queues_that_ask_for_much_is_as_soon_decided(centre):
    """Whoever meets one of two sets is found by the two; all pairs of what they ask for would be a thousand choices."""
    many = [tuple(SkillRequirement(f"{kind}_{number:02}", 1) for number in range(32)) for kind in ("sell", "take")]
    centre.queue("qu_orders", requirements=many[1])
    centre.queue(requirements=many[0], overflow=by_staff(2, 2))
    helper = centre.agent("ag_helper", *((need.skill, 1) for need in many[1]))
    centre.agent("ag_half", *((need.skill, 1) for need in (*many[0][1:], *many[1][1:])))
    centre.enqueue("ct_1")
    centre.wait(1)
    assert centre.domain.asked_of(centre.domain.contact("ct_1")) == tuple(many)
    assert centre.domain.contact("ct_1").agent_id == helper


# bad input

BAD = [
    (share(returns=True), "queue.overflow.returns"),
    (replace(share(), next_queue_id="qu_sales"), "queue.overflow.next_queue_id"),
    (replace(share(), next_queue_id=""), "queue.overflow.next_queue_id"),
    (share(begin_staff=1), "queue.overflow.begin_staff"),
    (share(end_occupancy_permille=1), "queue.overflow.end_occupancy_permille"),
    (by_staff(0, 1), "queue.overflow.begin_staff"),
    (by_staff(3, 2), "queue.overflow.end_staff"),
    (by_occupancy(1001, 5), "queue.overflow.begin_occupancy_permille"),
    (by_occupancy(500, 501), "queue.overflow.end_occupancy_permille"),
    (by_occupancy(500, 0), "queue.overflow.end_occupancy_permille"),
    (replace(by_staff(), begin_wait_duration=seconds(1)), "queue.overflow.begin_wait_duration"),
    (replace(by_occupancy(), end_wait_duration=seconds(1)), "queue.overflow.end_wait_duration"),
]


@pytest.mark.parametrize(("overflow", "field"), BAD)
def test_a_contradictory_overflow_is_refused_naming_the_field(centre, overflow, field):
    definition = centre.domain.queue("qu_sales").definition
    assert centre.refusal(PutQueue(replace(definition, overflow=overflow))).startswith(f"Invalid: {field}: ")


def test_a_contact_for_whom_no_helper_has_the_skills_is_told_its_wait_when_it_enters(centre):
    centre.queue(requirements=(SALES,), overflow=by_staff(2, 3), estimates_waits=True)
    centre.enqueue("ct_1", "qu_sales", ("latin", 1))
    centre.wait(6)
    assert centre.domain.helping_queue("qu_sales") == "qu_orders"
    (entered,) = of_kind(centre.enqueue("ct_2", "qu_sales", ("french", 1)), ContactEnqueued)
    assert entered.estimate is not None, "nobody is free for it"
    assert entered.estimate == wait_view(centre.domain, "ct_2", centre.now).estimate


def test_a_late_accept_after_the_help_ended_is_still_the_agents(centre):
    helped(centre)
    centre.wait(10)
    contact = centre.domain.contact("ct_1")
    assert centre.domain.helping_queue("qu_sales") == ""
    assert centre.do(AcceptOffer(contact.agent_id, "ct_1", contact.offer_no)) != []


def test_a_contact_that_rings_at_all_rings_at_those_who_help_out_too(centre):
    """Also at who becomes free while it rings (rule 9, ring-all)."""
    centre.queue(requirements=(SALES,), overflow=share(), strategy=RoutingStrategy.RING_ALL)
    centre.agent("ag_chen", ("orders", 1))
    offers = of_kind(helped(centre), ContactOffered)
    assert {offer.agent_id for offer in offers} == {"ag_ouyang", "ag_chen"}
    centre.enqueue("ct_2")  # it waits for more help
    centre.agent("ag_new", ("orders", 1))
    assert centre.domain.contact("ct_2").agent_id == "ag_new", "what waits without an offer goes first"
    centre.agent("ag_last", ("orders", 1))
    assert len(centre.domain.contact("ct_1").agent_ids) == 3
