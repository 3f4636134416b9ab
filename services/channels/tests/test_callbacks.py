"""A caller who is called back: hangs up, and the contact goes on."""

from asyncio import Event
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from trunkline.acd.v1 import acd_events_pb2 as acd
from trunkline_channels.adapters.facts import facts_of_acd
from trunkline_channels.adapters.targets import ServiceTargets
from trunkline_channels.adapters.views import contact_view, dial_order
from trunkline_channels.application.hub import Subscriber
from trunkline_channels.domain.commands import (
    CloseContact,
    ConfirmConnect,
    LosePeer,
    RecordAccepted,
    RecordCallbackCleared,
    RecordCallbackEnded,
    RecordCallbackOpened,
    RecordConnected,
    RecordDialCheck,
    RecordOffered,
    RecordOfferEnded,
    RefuseConnect,
    RefuseStep,
    ReportCallResult,
    RequestCallback,
    WithdrawCallback,
)
from trunkline_channels.domain.contact import Legs
from trunkline_channels.domain.events import (
    CallbackOpened,
    CallbackRequested,
    CallerHungUp,
    ContactClosed,
    CustomerUnreached,
    LegsJoined,
    PeerAttached,
    StepBegun,
)
from trunkline_channels.domain.words import CallbackState, CloseReason, ContactState, DialAnswer
from trunkline_channels.entrypoints.grpc import _Session
from trunkline_core.treatments import UNKNOWN
from trunkline_platform.credentials import Principal, Role

LEFT = CloseReason.CUSTOMER_LEFT


@pytest.fixture
def asked(story: Any) -> Any:
    """A caller who waits and asked to be called back; acd has not answered yet."""
    story.queued("voice").do(RequestCallback(story.one, None), actor="gateway:gw")
    return story


def test_who_shows_no_number_cannot_be_called_back(story: Any) -> None:
    wish = RequestCallback(story.withheld().one, None)
    assert story.refusal(wish, actor="gateway:gw") == "Rejection: CallbackNotPossible"


@pytest.fixture
def away(asked: Any) -> Any:
    """The call-back is open, and the caller hung up."""
    asked.do(RecordCallbackOpened(asked.one, "qu_sales", 2))
    asked.do(CloseContact(asked.one, LEFT, ""))
    return asked


@pytest.fixture
def dialling(away: Any) -> Any:
    """An agent accepted, nothing keeps the customer from being dialled, and the gateway dials."""
    away.do(RecordOffered(away.one, 2, 1, "ag_li"))
    away.do(RecordAccepted(away.one, 2, 1, "ag_li"))
    return cleared(away)


def cleared(story: Any) -> Any:
    """crm and acd let the customer be dialled."""
    story.do(RecordDialCheck(story.one, story.contact.step_no, "cu_1", DialAnswer.MAY_BE_CALLED))
    story.do(RecordCallbackCleared(story.one, *story.contact.place))
    return story


def test_caller_who_waits_is_asked_for_at_acd(story: Any) -> None:
    later = story.now + timedelta(hours=1)
    happened = story.queued("voice").do(RequestCallback(story.one, later))
    assert happened == [CallbackRequested(story.one, later), StepBegun(story.one, 4, "request_callback")]
    assert story.do(RequestCallback(story.one, later)) == [], "asked again"
    assert story.contact.callback is CallbackState.REQUESTED


@pytest.mark.parametrize("channel", ["chat", "voice"])
def test_only_a_call_that_waits_may_be_called_back(story: Any, channel: str) -> None:
    before = story.queued(channel) if channel == "chat" else story.offered(channel)
    assert before.refusal(RequestCallback(story.one, None)) == "Rejection: CallbackNotPossible"


def test_call_back_that_acd_would_refuse_is_refused_at_once(story: Any) -> None:
    story.queued("voice")
    refusal = story.refusal(RequestCallback(story.one, story.now + timedelta(days=8)))
    assert refusal.startswith("Invalid: not_before_time")
    assert story.contact.state is ContactState.QUEUED


def test_place_is_kept_then_the_caller_may_hang_up(asked: Any) -> None:
    assert asked.do(RecordCallbackOpened(asked.one, "qu_sales", 2)) == [CallbackOpened(asked.one, "qu_sales", 2)]
    assert asked.contact.step is None
    assert asked.do(CloseContact(asked.one, LEFT, "")) == [CallerHungUp(asked.one)]
    assert asked.do(CloseContact(asked.one, LEFT, "")) == []
    assert asked.contact.state is ContactState.QUEUED


def test_caller_may_hang_up_before_acd_answered(asked: Any) -> None:
    assert asked.do(CloseContact(asked.one, LEFT, "")) == [CallerHungUp(asked.one)]
    assert asked.do(RecordCallbackOpened(asked.one, "qu_sales", 2)) == [CallbackOpened(asked.one, "qu_sales", 2)]


def test_refused_wish_lets_the_caller_wait_on_and_says_why(asked: Any) -> None:
    asked.do(RefuseStep(asked.one, 4, "CallbackAlreadyOpen"))
    assert asked.contact.callback is CallbackState.UNSPECIFIED
    assert asked.contact.callback_refusal == "CallbackAlreadyOpen"
    assert ContactClosed(asked.one, LEFT, "") in asked.do(CloseContact(asked.one, LEFT, ""))


def test_refused_wish_ends_the_contact_of_a_caller_who_hung_up_meanwhile(asked: Any) -> None:
    asked.do(CloseContact(asked.one, LEFT, ""))
    assert ContactClosed(asked.one, LEFT, "") in asked.do(RefuseStep(asked.one, 4, "TooManyCallbacks"))


def test_wish_that_an_agent_overtook_holds_nobody_when_the_caller_is_gone(asked: Any) -> None:
    asked.do(CloseContact(asked.one, LEFT, ""))
    asked.do(RecordOffered(asked.one, 1, 1, "ag_li"))
    asked.do(RecordAccepted(asked.one, 1, 1, "ag_li"))
    asked.do(RefuseConnect(asked.one, 1, 1, "failed"))
    assert ContactClosed(asked.one, LEFT, "") in asked.do(RecordOfferEnded(asked.one, 1, 1))


def test_lost_gateway_does_not_end_an_open_callback(asked: Any) -> None:
    asked.do(RecordCallbackOpened(asked.one, "qu_sales", 2))
    assert asked.do(LosePeer("chat:a")) == [CallerHungUp(asked.one)]
    assert asked.do(LosePeer("chat:a")) == [], "it holds no leg of it"


def test_customer_is_dialled_only_after_an_agent_accepted(away: Any) -> None:
    away.do(RecordOffered(away.one, 2, 1, "ag_li"))
    assert not away.contact.is_to_dial
    away.do(RecordAccepted(away.one, 2, 1, "ag_li"))
    assert away.contact.is_about_to_dial
    assert not away.contact.is_to_dial, "it is not cleared yet"
    assert cleared(away).contact.is_to_dial


def test_reached_customer_is_joined_and_held_by_the_gateway_again(dialling: Any) -> None:
    result = ReportCallResult(dialling.one, 2, 1, "reached", "")
    assert dialling.do(result) == [
        PeerAttached(dialling.one, "chat:a"),
        LegsJoined(dialling.one, 2, 1),
        StepBegun(dialling.one, 7, "report_connected"),
    ]
    assert dialling.do(result) == []
    dialling.do(RecordConnected(dialling.one, 2, 1, "ag_li"))
    assert ContactClosed(dialling.one, LEFT, "") in dialling.do(CloseContact(dialling.one, LEFT, ""))


def test_customer_who_hangs_up_as_soon_as_reached_leaves(dialling: Any) -> None:
    dialling.do(ReportCallResult(dialling.one, 2, 1, "reached", ""))
    assert ContactClosed(dialling.one, LEFT, "") in dialling.do(CloseContact(dialling.one, LEFT, ""))


@pytest.mark.parametrize("outcome", ["no_answer", "busy", "failed", "withdrawn"])
def test_unreached_customer_is_reported_and_the_contact_waits_on(dialling: Any, outcome: str) -> None:
    result = ReportCallResult(dialling.one, 2, 1, outcome, "")
    assert dialling.do(result) == [
        CustomerUnreached(dialling.one, 2, 1, outcome, ""),
        StepBegun(dialling.one, 7, "report_callback_result"),
    ]
    assert dialling.do(result) == []
    dialling.do(RecordOfferEnded(dialling.one, 2, 1))
    contact = dialling.contact
    assert (contact.state, contact.step, contact.callback) == (ContactState.QUEUED, None, CallbackState.OPEN)


def test_late_result_joins_nobody(dialling: Any) -> None:
    dialling.do(RecordOfferEnded(dialling.one, 2, 1))
    dialling.do(RecordOffered(dialling.one, 2, 2, "ag_wu"))
    dialling.do(RecordAccepted(dialling.one, 2, 2, "ag_wu"))
    late = ReportCallResult(dialling.one, 2, 1, "reached", "")
    assert dialling.refusal(late) == "Rejection: ConnectNotAwaited"
    assert dialling.contact.legs is Legs.AWAITED


def test_leg_of_the_agent_that_fails_is_no_attempt(dialling: Any) -> None:
    assert dialling.do(RefuseConnect(dialling.one, 2, 1, "failed"))[1].kind == "report_connect_failed"


def test_callback_that_ended_at_acd_ends_the_contact(away: Any) -> None:
    assert away.do(RecordCallbackEnded(away.one, 1)) == [], "an earlier segment"
    closed, step = away.do(RecordCallbackEnded(away.one, 2))
    assert closed == ContactClosed(away.one, CloseReason.CALLBACK_ENDED, "")
    assert step.kind == "end_at_acd"


def test_customer_withdraws_an_open_callback_and_the_contact_is_over(away: Any) -> None:
    closed, step = away.do(WithdrawCallback(away.one), actor="gateway:gw")
    assert closed == ContactClosed(away.one, LEFT, "")
    assert step.kind == "end_at_acd"


def test_without_a_callback_there_is_none_to_withdraw(story: Any) -> None:
    story.queued("voice")
    assert story.refusal(WithdrawCallback(story.one)) == "Rejection: NoCallback"


def test_live_call_knows_no_call_result(story: Any) -> None:
    story.accepted("voice")
    assert story.refusal(ReportCallResult(story.one, 1, 1, "busy", "")) == "Rejection: ConnectNotAwaited"
    story.do(ConfirmConnect(story.one, 1, 1))


@pytest.mark.parametrize(
    ("outcome", "reason", "field"), [("lost", "", "outcome"), ("withdrawn", "Free text.", "reason")]
)
def test_bad_result_is_refused_with_the_fields_name(dialling: Any, outcome: str, reason: str, field: str) -> None:
    assert dialling.refusal(ReportCallResult(dialling.one, 2, 1, outcome, reason)).startswith(f"Invalid: {field}")


# -- adapters --------------------------------------------------------------------------------------


class Opening:
    """Opens every text; something may happen meanwhile."""

    def __init__(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        self._meanwhile = meanwhile

    async def open(self, sealed: Any, tenant: str) -> str:
        self._meanwhile()
        return "+8613800000000"


class Asked:
    """A service that writes down what it is asked."""

    def __init__(self) -> None:
        self.commands: list[Any] = []

    async def execute(self, command: Any, principal: Any, **_: Any) -> list[Any]:
        self.commands.append(command)
        return []


async def test_gateway_is_told_whom_to_dial_for_which_attempt(dialling: Any) -> None:
    order = await dial_order(dialling.contact, Opening())  # type: ignore[arg-type]
    assert (order.contact_id, order.segment_no, order.offer_no, order.agent_id) == (dialling.one, 2, 1, "ag_li")
    assert order.address == "+8613800000000"
    view = await contact_view(dialling.contact, Opening(), 0, 0, for_agents=False)  # type: ignore[arg-type]
    assert view.callback == CallbackState.OPEN.value


async def test_acd_is_asked_and_told_what_became_of_it(asked: Any) -> None:
    service = Asked()
    targets = ServiceTargets(service, service, service)
    await targets.carry_out(asked.contact, asked.contact.step)
    wish = service.commands[-1].request_callback
    assert (wish.contact_id, wish.step_no, wish.customer_id) == (asked.one, 4, "cu_1")
    assert not wish.HasField("not_before_time")
    asked.do(RecordCallbackOpened(asked.one, "qu_sales", 2))
    asked.do(RecordOffered(asked.one, 2, 1, "ag_li"))
    asked.do(RecordAccepted(asked.one, 2, 1, "ag_li"))
    cleared(asked).do(ReportCallResult(asked.one, 2, 1, "withdrawn", "do_not_call"))
    await targets.carry_out(asked.contact, asked.contact.step)
    told = service.commands[-1].report_callback_result
    assert (told.step_no, told.segment_no, told.offer_no, told.outcome) == (7, 2, 1, 5)
    assert told.reason == "do_not_call"


@pytest.mark.parametrize(
    ("event", "command"),
    [
        (
            acd.AcdEvent(contact_enqueued=acd.ContactEnqueued(queue_id="qu_sales", segment_no=2, callback=True)),
            RecordCallbackOpened,
        ),
        (acd.AcdEvent(callback_attempted=acd.CallbackAttempted(segment_no=2, offer_no=1)), RecordOfferEnded),
        (acd.AcdEvent(callback_ended=acd.CallbackEnded(segment_no=2)), RecordCallbackEnded),
    ],
)
def test_facts_of_acd_come_back(story: Any, event: Any, command: type) -> None:
    getattr(event, event.WhichOneof("event")).contact_id = story.one
    record = SimpleNamespace(record=SimpleNamespace(value=event.SerializeToString()))
    (fact,) = facts_of_acd(record)  # type: ignore[arg-type]
    assert type(fact.command) is command
    assert fact.command.segment_no == 2


async def pushes(peer_id: str, contact: Any, actor: str = "", then: Any = None) -> list[str]:
    """Return what a stream of that peer is told of the contact, by kind; `then` it is while that is on its way."""
    subscriber = Subscriber("tn_demo", peer_id)
    peer = SimpleNamespace(peer=SimpleNamespace(peer_id=peer_id))
    principal = Principal("tn_demo", actor or contact.brought_by, frozenset({Role.GATEWAY}))
    figures: Any = SimpleNamespace(of=lambda _: UNKNOWN)
    sealer = Opening(lambda: subscriber.offer(then) if then else None)
    session = _Session(principal, peer, None, subscriber, None, None, sealer, figures)  # type: ignore[arg-type]
    subscriber.offer(contact)
    subscriber.miss("ct_last", 1)  # told after all that changed
    told: list[str] = []
    serving = session.serve(never())
    async for response in serving:
        if response.contact.contact_id == "ct_last":
            break
        told.append(response.WhichOneof("response") or "")
    await serving.aclose()  # type: ignore[attr-defined]
    return told


async def never() -> AsyncIterator[Any]:
    """A peer that says nothing."""
    await Event().wait()
    yield None


async def test_only_the_gateway_that_brought_the_caller_is_to_dial_and_only_now(away: Any) -> None:
    assert await pushes("chat:a", away.contact) == ["contact"]
    away.do(RecordOffered(away.one, 2, 1, "ag_li"))
    away.do(RecordAccepted(away.one, 2, 1, "ag_li"))
    assert await pushes("chat:a", away.contact) == ["contact"], "it is not cleared yet"
    cleared(away)
    assert await pushes("chat:a", away.contact) == ["contact", "dial"]
    assert await pushes("console", away.contact, "service:console") == ["contact"], "whoever watches sees no address"
    assert await pushes("chat:a", away.contact, "gateway:b") == [], "it goes by another one's peer id"
    away.do(ReportCallResult(away.one, 2, 1, "busy", ""))
    assert await pushes("chat:a", away.contact) == ["contact"]


async def test_gateway_is_not_told_to_dial_for_an_attempt_that_is_over_by_then(dialling: Any) -> None:
    before = dialling.contact
    dialling.do(RecordOfferEnded(dialling.one, 2, 1))
    assert await pushes("chat:a", before, then=dialling.contact) == ["contact", "contact"]


@pytest.mark.parametrize("outcome", ["reached", "no_answer", "busy", "failed", "withdrawn"])
def test_answer_about_an_attempt_that_is_over_is_refused_and_changes_nothing(dialling: Any, outcome: str) -> None:
    """A gateway that is behind dials for it: it is to hang up, and the attempt that came after it goes on."""
    stale = ReportCallResult(dialling.one, 2, 1, outcome, "")
    dialling.do(RecordOfferEnded(dialling.one, 2, 1))
    assert dialling.refusal(stale, actor="gateway:gw") == "Rejection: ConnectNotAwaited"
    assert dialling.refusal(ConfirmConnect(dialling.one, 2, 1), actor="gateway:gw") == "Rejection: ConnectNotAwaited"
    dialling.do(RecordOffered(dialling.one, 2, 2, "ag_wu"))
    dialling.do(RecordAccepted(dialling.one, 2, 2, "ag_wu"))
    assert dialling.refusal(stale, actor="gateway:gw") == "Rejection: ConnectNotAwaited"
    cleared(dialling)
    assert dialling.refusal(stale, actor="gateway:gw") == "Rejection: ConnectNotAwaited"
    assert dialling.contact.is_to_dial
    dialling.do(RecordCallbackEnded(dialling.one, 2))
    assert dialling.refusal(stale, actor="gateway:gw") == "Rejection: ContactClosed"
