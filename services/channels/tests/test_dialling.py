"""What is found out before the customer of a call-back is dialled, and the customer first (routing rule 13)."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from trunkline.acd.v1 import acd_events_pb2 as acd
from trunkline.customer.v1.customer_events_pb2 import ContactResolved, CustomerEvent
from trunkline.directory.v1 import directory_types_pb2 as types
from trunkline.directory.v1.directory_events_pb2 import DirectoryEvent, HoursDefined
from trunkline_channels.adapters.facts import facts_of_acd, hours
from trunkline_channels.adapters.targets import ServiceTargets
from trunkline_channels.adapters.views import contact_view, dial_order
from trunkline_channels.domain.commands import (
    CloseContact,
    ConfirmConnect,
    LosePeer,
    PutHours,
    RecordAccepted,
    RecordCallbackCleared,
    RecordCallbackDialled,
    RecordCallbackEnded,
    RecordCallbackOpened,
    RecordCallbackReached,
    RecordConnected,
    RecordCustomer,
    RecordDialCheck,
    RecordEnqueued,
    RecordLimitReached,
    RecordOffered,
    RecordOfferEnded,
    RecordPersonRequested,
    RefuseStep,
    ReportCallResult,
    RequestCallback,
)
from trunkline_channels.domain.events import (
    CallbackCleared,
    ConnectRequested,
    ContactClosed,
    CustomerIdentified,
    CustomerReached,
    CustomerUnreached,
    DiallingPostponed,
    HoursPut,
    LegsJoined,
    PeerAttached,
    StepBegun,
)
from trunkline_channels.domain.queueing import NOBODY_FREE
from trunkline_channels.domain.words import CallbackState, CloseReason, ContactState, DialAnswer
from trunkline_core.hours import HoursDefinition, HoursWindow

SHOP = HoursDefinition("ho_shop", "Europe/Berlin", tuple(HoursWindow(day, 600, 1080) for day in range(1, 6)), ())
LEFT = CloseReason.CUSTOMER_LEFT


@pytest.fixture
def away(story: Any) -> Any:
    """A call-back is open in a queue with hours, and the caller hung up."""
    story.do(PutHours(SHOP))
    story.queued("voice").do(RequestCallback(story.one, None), actor="gateway:gw")
    story.do(RecordCallbackOpened(story.one, "qu_sales", 2))
    story.do(CloseContact(story.one, LEFT, ""))
    return story


@pytest.fixture
def kept(away: Any) -> Any:
    """An agent is kept for it, and crm is asked whether the customer may be called."""
    away.do(RecordCallbackDialled(away.one, 2, 1, "ag_li"))
    return away


@pytest.fixture
def dialling(kept: Any) -> Any:
    """The gateway dials the customer first."""
    return cleared(kept)


def cleared(story: Any) -> Any:
    story.do(RecordDialCheck(story.one, story.contact.step_no, "cu_1", DialAnswer.MAY_BE_CALLED))
    story.do(RecordCallbackCleared(story.one, *story.contact.place))
    return story


def accepted(story: Any, at: datetime | None = None) -> list[Any]:
    """An agent accepts it then; returns what happened."""
    story.now = at or story.now
    story.do(RecordOffered(story.one, 2, 1, "ag_li"))
    return story.do(RecordAccepted(story.one, 2, 1, "ag_li", "ho_shop"))  # type: ignore[no-any-return]


# -- hours ----------------------------------------------------------------------------------------------


def test_within_the_hours_crm_is_asked_next(away: Any) -> None:
    assert accepted(away, datetime(2026, 1, 5, 9, 30, tzinfo=UTC)) == [
        ConnectRequested(away.one, 2, 1, "ag_li", checks_first=True),
        StepBegun(away.one, 5, "check_customer"),
    ]


def test_outside_the_hours_nobody_is_dialled_and_it_rests_until_the_next_opening(away: Any) -> None:
    friday_evening = datetime(2026, 1, 9, 18, 30, tzinfo=UTC)
    monday_morning = datetime(2026, 1, 12, 9, tzinfo=UTC)
    assert accepted(away, friday_evening)[1:] == [
        DiallingPostponed(away.one, 2, 1, "closed", monday_morning),
        StepBegun(away.one, 5, "postpone_callback"),
    ]
    assert not away.contact.is_to_dial
    away.do(RecordOfferEnded(away.one, 2, 1))
    assert (away.contact.state, away.contact.step) == (ContactState.QUEUED, None)


def test_hours_of_the_customer_first_are_looked_at_as_well(away: Any) -> None:
    away.now = datetime(2026, 1, 10, 12, tzinfo=UTC)
    happened = away.do(RecordCallbackDialled(away.one, 2, 1, "ag_li", "ho_shop"))
    assert happened[0] == ConnectRequested(away.one, 2, 1, "ag_li", checks_first=True, customer_first=True)
    assert happened[1].reason == "closed"


@pytest.mark.parametrize(("minute", "is_dialled"), [(59, True), (60, False)])
def test_clock_that_is_put_forward_within_a_window_is_followed(away: Any, minute: int, is_dialled: bool) -> None:
    night = HoursDefinition("ho_shop", "Europe/Berlin", (HoursWindow(7, 60, 240),), ())  # Sunday 01:00 to 04:00
    away.do(PutHours(night))
    at = datetime(2026, 3, 29, 1, minute % 60, tzinfo=UTC) + timedelta(hours=minute // 60)
    assert accepted(away, at)[1].__class__ is (StepBegun if is_dialled else DiallingPostponed), (
        "02:00 became 03:00: the window of three hours by the clock lasted two"
    )


@pytest.mark.parametrize("hours", [None, HoursDefinition("ho_shop", "UTC", (), (), emergency_closed=True)])
def test_hours_that_may_change_at_any_time_are_looked_at_again_soon(story: Any, hours: Any) -> None:
    if hours:
        story.do(PutHours(hours))
    story.queued("voice").do(RequestCallback(story.one, None), actor="gateway:gw")
    story.do(RecordCallbackOpened(story.one, "qu_sales", 2))
    _, postponed, _ = accepted(story)
    assert postponed.until_time == story.now + timedelta(minutes=30)


def test_hours_that_never_open_withdraw_it(away: Any) -> None:
    away.do(PutHours(HoursDefinition("ho_shop", "UTC", (), ())))
    _, postponed, _ = accepted(away)
    assert (postponed.reason, postponed.until_time) == ("closed", None)


def test_hours_of_another_tenant_are_none(away: Any) -> None:
    assert away.do(PutHours(HoursDefinition("ho_shop", "UTC", (), ())), tenant="tn_other") != []
    assert isinstance(accepted(away, datetime(2026, 1, 5, 9, 30, tzinfo=UTC))[1], StepBegun)


def test_repeated_hours_change_nothing_and_bad_ones_are_refused(away: Any) -> None:
    assert away.do(PutHours(SHOP)) == []
    assert away.refusal(PutHours(None)).startswith("Invalid: hours")
    assert away.refusal(PutHours(HoursDefinition("ho_a", "Mars/Base", (), ()))).startswith("Invalid: time_zone")


# -- do-not-call -----------------------------------------------------------------------------------------


def test_customer_whom_crm_lets_be_called_is_cleared_by_acd_and_then_dialled(kept: Any) -> None:
    check = RecordDialCheck(kept.one, 5, "cu_1", DialAnswer.MAY_BE_CALLED)
    assert kept.do(check) == [StepBegun(kept.one, 6, "clear_callback")]
    assert kept.do(check) == [], "an answer to an earlier step"
    assert not kept.contact.is_to_dial
    assert kept.do(RecordCallbackCleared(kept.one, 2, 1)) == [CallbackCleared(kept.one, 2, 1)]
    assert kept.do(RecordCallbackCleared(kept.one, 2, 1)) == []
    assert kept.contact.is_to_dial and kept.contact.step is None


def test_customer_who_must_not_be_called_is_withdrawn_with_that_reason(kept: Any) -> None:
    assert kept.do(RecordDialCheck(kept.one, 5, "cu_1", DialAnswer.DO_NOT_CALL)) == [
        DiallingPostponed(kept.one, 2, 1, "do_not_call", None),
        StepBegun(kept.one, 6, "postpone_callback"),
    ]
    assert kept.do(RecordCallbackCleared(kept.one, 2, 1)) == [], "whatever else was said"
    assert not kept.contact.is_to_dial


@pytest.mark.parametrize("found", ["", "cu_2"])
def test_erased_customer_is_not_called_any_more_whoever_has_the_number_now(kept: Any, found: str) -> None:
    """crm knows nobody, or somebody new: the wish not to be called went with the erasure."""
    assert kept.do(RecordDialCheck(kept.one, 5, found, DialAnswer.MAY_BE_CALLED)) == [
        DiallingPostponed(kept.one, 2, 1, "customer_erased", None),
        StepBegun(kept.one, 6, "postpone_callback"),
    ]
    assert not kept.contact.is_to_dial


def test_nobody_is_dialled_while_crm_does_not_answer_and_it_is_asked_again_in_a_minute(kept: Any) -> None:
    assert kept.do(RecordDialCheck(kept.one, 5, "", DialAnswer.UNSPECIFIED)) == [
        DiallingPostponed(kept.one, 2, 1, "customer_unanswered", kept.now + timedelta(minutes=1)),
        StepBegun(kept.one, 6, "postpone_callback"),
    ]
    assert not kept.contact.is_to_dial


def test_customer_whom_crm_could_not_name_before_is_known_from_then_on(story: Any) -> None:
    story.opened("voice").do(RecordCustomer(story.one, 1, ""))
    story.do(RecordPersonRequested(story.one, "qu_sales", 0, 0, (), None))
    story.do(RecordEnqueued(story.one, story.contact.step_no, "qu_sales", 1))
    story.do(RequestCallback(story.one, None), actor="gateway:gw")
    story.do(RecordCallbackOpened(story.one, "qu_sales", 2))
    story.do(RecordCallbackDialled(story.one, 2, 1, "ag_li"))
    step_no = story.contact.step_no
    assert story.do(RecordDialCheck(story.one, step_no, "cu_7", DialAnswer.MAY_BE_CALLED)) == [
        CustomerIdentified(story.one, "cu_7"),
        StepBegun(story.one, step_no + 1, "clear_callback"),
    ]


def test_late_word_of_acd_about_another_attempt_lets_nobody_be_dialled(kept: Any) -> None:
    kept.do(RecordDialCheck(kept.one, 5, "cu_1", DialAnswer.MAY_BE_CALLED))
    assert kept.do(RecordCallbackCleared(kept.one, 2, 9)) == []
    kept.do(RecordOfferEnded(kept.one, 2, 1))
    assert kept.do(RecordCallbackCleared(kept.one, 2, 1)) == []


# -- customer first --------------------------------------------------------------------------------------


def test_reached_customer_waits_on_the_line_for_whom_acd_offers_it(dialling: Any) -> None:
    result = ReportCallResult(dialling.one, 2, 1, "reached", "")
    assert dialling.do(result, actor="gateway:gw") == [
        PeerAttached(dialling.one, "chat:a"),
        CustomerReached(dialling.one, 2, 1),
        StepBegun(dialling.one, 7, "report_callback_reached"),
    ]
    assert dialling.do(result, actor="gateway:gw") == []
    contact = dialling.contact
    assert (contact.state, contact.callback, contact.agent_id) == (ContactState.QUEUED, CallbackState.REACHED, "")
    dialling.do(RecordCallbackReached(dialling.one, 2, 1))
    assert dialling.contact.step is None, "also where nobody is free"
    dialling.do(RecordOffered(dialling.one, 2, 2, "ag_li"))
    dialling.do(RecordAccepted(dialling.one, 2, 2, "ag_li"))
    assert not dialling.contact.is_to_dial
    joined = dialling.do(ConfirmConnect(dialling.one, 2, 2), actor="gateway:gw")
    assert joined == [LegsJoined(dialling.one, 2, 2), StepBegun(dialling.one, 8, "report_connected")]
    dialling.do(RecordConnected(dialling.one, 2, 2, "ag_li"))
    assert dialling.contact.state is ContactState.CONNECTED


def test_reached_customer_who_hangs_up_leaves(dialling: Any) -> None:
    dialling.do(ReportCallResult(dialling.one, 2, 1, "reached", ""), actor="gateway:gw")
    assert ContactClosed(dialling.one, LEFT, "") in dialling.do(CloseContact(dialling.one, LEFT, ""))


def test_gateway_that_is_lost_with_a_reached_customer_ends_the_contact(dialling: Any) -> None:
    dialling.do(ReportCallResult(dialling.one, 2, 1, "reached", ""), actor="gateway:gw")
    assert ContactClosed(dialling.one, CloseReason.PEER_LOST, "") in dialling.do(LosePeer("chat:a"))


def test_customer_who_picks_up_though_the_kept_agent_is_lost_is_not_left_alone(dialling: Any) -> None:
    dialling.do(RecordOfferEnded(dialling.one, 2, 1))
    assert dialling.contact.state is ContactState.QUEUED
    happened = dialling.do(ReportCallResult(dialling.one, 2, 1, "reached", ""), actor="gateway:gw")
    assert CustomerReached(dialling.one, 2, 1) in happened


def test_late_no_answer_of_an_attempt_that_is_over_is_refused(dialling: Any) -> None:
    dialling.do(RecordOfferEnded(dialling.one, 2, 1))
    late = ReportCallResult(dialling.one, 2, 1, "no_answer", "")
    assert dialling.refusal(late, actor="gateway:gw") == "Rejection: ConnectNotAwaited"


def test_unreached_customer_is_reported_as_with_the_agent_first(dialling: Any) -> None:
    result = ReportCallResult(dialling.one, 2, 1, "busy", "")
    assert dialling.do(result, actor="gateway:gw") == [
        CustomerUnreached(dialling.one, 2, 1, "busy", ""),
        StepBegun(dialling.one, 7, "report_callback_result"),
    ]
    assert dialling.do(result, actor="gateway:gw") == []


def test_agent_who_is_only_kept_is_joined_with_nobody(dialling: Any) -> None:
    joined = ConfirmConnect(dialling.one, 2, 1)
    assert dialling.refusal(joined, actor="gateway:gw") == "Rejection: ConnectNotAwaited"


def test_nobody_is_reached_who_was_not_cleared(kept: Any) -> None:
    early = ReportCallResult(kept.one, 2, 1, "reached", "")
    assert kept.refusal(early, actor="gateway:gw") == "Rejection: ConnectNotAwaited"


def test_legs_are_not_joined_before_the_customer_may_be_dialled(away: Any) -> None:
    """The agent first: a gateway that says so before it was told to dial would have hours and do-not-call passed by."""
    accepted(away, datetime(2026, 1, 5, 9, 30, tzinfo=UTC))
    joined = ConfirmConnect(away.one, 2, 1)
    assert away.refusal(joined, actor="gateway:gw") == "Rejection: ConnectNotAwaited"
    cleared(away).do(joined, actor="gateway:gw")


def test_reached_customer_whom_acd_does_not_take_is_let_go(dialling: Any) -> None:
    dialling.do(ReportCallResult(dialling.one, 2, 1, "reached", ""), actor="gateway:gw")
    closed, *_ = dialling.do(RefuseStep(dialling.one, 7, "ContactAlreadyEnded"))[1:]
    assert closed == ContactClosed(dialling.one, CloseReason.REFUSED, "ContactAlreadyEnded")


@pytest.fixture
def holding_on(dialling: Any) -> Any:
    """The customer who was dialled first is on the line, and nobody is there."""
    dialling.do(ReportCallResult(dialling.one, 2, 1, "reached", ""), actor="gateway:gw")
    dialling.do(RecordCallbackReached(dialling.one, 2, 1))
    return dialling


def test_reached_customer_hears_that_nobody_is_there_when_a_limit_ends_the_wait(holding_on: Any) -> None:
    told, closed, step = holding_on.do(RecordLimitReached(holding_on.one, 2))
    assert (told.text, closed) == (NOBODY_FREE, ContactClosed(holding_on.one, CloseReason.LIMIT_REACHED, ""))
    assert step.kind == "end_at_acd"


def test_reached_customer_who_goes_on_in_the_next_queue_is_a_caller_there(holding_on: Any) -> None:
    holding_on.do(RecordEnqueued(holding_on.one, 3, "qu_next", 3))
    contact = holding_on.contact
    assert (contact.state, contact.queue_id, contact.callback) == (
        ContactState.QUEUED,
        "qu_next",
        CallbackState.UNSPECIFIED,
    )
    holding_on.do(RequestCallback(holding_on.one, None), actor="gateway:gw")
    assert contact.is_attached


def test_call_back_that_ends_at_acd_ends_the_contact_also_when_reached(dialling: Any) -> None:
    dialling.do(ReportCallResult(dialling.one, 2, 1, "reached", ""), actor="gateway:gw")
    closed, _ = dialling.do(RecordCallbackEnded(dialling.one, 2))
    assert closed.reason is CloseReason.CALLBACK_ENDED


# -- adapters --------------------------------------------------------------------------------------------


class Opening:
    """Opens every text."""

    async def open(self, sealed: Any, tenant: str) -> str:
        return "+8613800000000"


class Answering:
    """A service that writes down what it is asked, and answers always the same."""

    def __init__(self, *events: Any) -> None:
        self.commands: list[Any] = []
        self._events = events

    async def execute(self, command: Any, principal: Any, **_: Any) -> list[Any]:
        self.commands.append(command)
        return list(self._events)


async def test_gateway_is_told_to_dial_first_and_leave_the_agent(dialling: Any) -> None:
    order = await dial_order(dialling.contact, Opening())  # type: ignore[arg-type]
    assert (order.customer_first, order.offer_no) == (True, 1)
    dialling.do(ReportCallResult(dialling.one, 2, 1, "reached", ""), actor="gateway:gw")
    view = await contact_view(dialling.contact, Opening(), 0, 0, for_agents=False)  # type: ignore[arg-type]
    assert view.callback == CallbackState.REACHED.value


async def test_crm_is_asked_about_the_address_and_makes_no_customer(kept: Any) -> None:
    found = CustomerEvent(contact_resolved=ContactResolved(customer_id="cu_9", do_not_call=True))
    crm = Answering(found)
    targets = ServiceTargets(crm, Answering(), Answering())
    assert await targets.look_up(kept.contact, kept.contact.step, 1.0) == ("cu_9", True)
    asked = crm.commands[0].resolve_customer
    assert (asked.only_known, asked.step_no, asked.address_token) == (True, 5, kept.contact.address_token)
    nobody = ServiceTargets(Answering(), Answering(), Answering())
    assert await nobody.look_up(kept.contact, kept.contact.step, 1.0) == ("", False)


async def test_acd_is_told_what_was_found_out(kept: Any) -> None:
    service = Answering()
    targets = ServiceTargets(service, service, service)
    kept.do(RecordDialCheck(kept.one, 5, "", DialAnswer.UNSPECIFIED))
    await targets.carry_out(kept.contact, kept.contact.step)
    later = service.commands[-1].postpone_callback
    assert (later.step_no, later.segment_no, later.offer_no, later.reason) == (6, 2, 1, "customer_unanswered")
    assert later.until_time.ToDatetime(tzinfo=UTC) == kept.now + timedelta(minutes=1)
    kept.do(RecordOfferEnded(kept.one, 2, 1))
    kept.do(RecordCallbackDialled(kept.one, 2, 2, "ag_li"))
    kept.do(RecordDialCheck(kept.one, 7, "cu_1", DialAnswer.MAY_BE_CALLED))
    await targets.carry_out(kept.contact, kept.contact.step)
    clear = service.commands[-1].clear_callback
    assert (clear.step_no, clear.segment_no, clear.offer_no, clear.customer_id) == (8, 2, 2, "cu_1")
    kept.do(RecordCallbackCleared(kept.one, 2, 2))
    kept.do(ReportCallResult(kept.one, 2, 2, "reached", ""), actor="gateway:gw")
    await targets.carry_out(kept.contact, kept.contact.step)
    reached = service.commands[-1].report_callback_reached
    assert (reached.step_no, reached.segment_no, reached.offer_no) == (9, 2, 2)


@pytest.mark.parametrize(
    ("event", "command"),
    [
        (acd.AcdEvent(callback_dialled=acd.CallbackDialled(segment_no=2, offer_no=1)), RecordCallbackDialled),
        (acd.AcdEvent(callback_cleared=acd.CallbackCleared(segment_no=2, offer_no=1)), RecordCallbackCleared),
        (acd.AcdEvent(callback_reached=acd.CallbackReached(segment_no=2, offer_no=1)), RecordCallbackReached),
        (acd.AcdEvent(callback_postponed=acd.CallbackPostponed(segment_no=2, offer_no=1)), RecordOfferEnded),
    ],
)
def test_facts_of_acd_come_back(story: Any, event: Any, command: type) -> None:
    getattr(event, event.WhichOneof("event")).contact_id = story.one
    record = SimpleNamespace(record=SimpleNamespace(value=event.SerializeToString()))
    (fact,) = facts_of_acd(record)  # type: ignore[arg-type]
    assert type(fact.command) is command
    assert (fact.command.segment_no, fact.command.offer_no) == (2, 1)


def test_hours_of_the_directory_reach_every_partition() -> None:
    defined = HoursDefined(hours=types.HoursDefinition(hours_id="ho_shop", time_zone="UTC"))
    event = DirectoryEvent(hours_defined=defined)
    record = SimpleNamespace(record=SimpleNamespace(value=event.SerializeToString()))
    (fact,) = hours(record)  # type: ignore[arg-type]
    assert fact.key is None
    assert fact.command == PutHours(HoursDefinition("ho_shop", "UTC", (), ()))


def test_hours_put_are_kept_by_tenant(away: Any) -> None:
    assert HoursPut(SHOP) in away.past
    assert away.state.hours.get(("tn_demo", "ho_shop")) == SHOP
