"""What a customer who waits chooses of the queue's menu (routing rule 18)."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trunkline.acd.v1.acd_commands_pb2 import ChangeQueue
from trunkline.contact.v1.contact_service_pb2 import SessionResponse
from trunkline.directory.v1.directory_types_pb2 import TreatmentAction as ActionMessage
from trunkline_channels.adapters import targets
from trunkline_channels.adapters.chat_frames import view_of
from trunkline_channels.adapters.views import contact_view
from trunkline_channels.domain.commands import (
    ChooseTreatmentOption,
    CloseContact,
    ConfirmConnect,
    PutHook,
    PutTreatments,
    RecordAccepted,
    RecordCallbackCleared,
    RecordCallbackDialled,
    RecordCallbackOpened,
    RecordConnected,
    RecordDialCheck,
    RecordEnqueued,
    RecordOffered,
    RecordOfferEnded,
    RecordWait,
    RefuseStep,
    ReportCallResult,
    RequestCallback,
    TakeDelivery,
)
from trunkline_channels.domain.events import (
    CallbackRequested,
    ConnectRequested,
    ContactClosed,
    ContactQueued,
    StepBegun,
    TextShown,
    TreatmentAnnounced,
    TreatmentOptionChosen,
)
from trunkline_channels.domain.menus import CHANGED, NOT_CHANGED, options_of, takes_option
from trunkline_channels.domain.words import CloseReason, ContactState, DialAnswer, StepKind, TreatmentOfQueue
from trunkline_core.errors import TrunklineError
from trunkline_core.texts import LocalizedText
from trunkline_core.treatments import (
    AnnouncementStep,
    MenuStep,
    MusicStep,
    QueueTreatment,
    TreatmentAction,
    TreatmentOption,
)
from trunkline_core.webhooks import HookDefinition

SECOND = timedelta(seconds=1)
HOURS = LocalizedText("我们九点开门。", "We open at nine.")
PLACE = LocalizedText("您排在第 {position} 位。请稍候。", "You are number {position}. Please wait.")
CALLBACK = TreatmentOption("1", LocalizedText("回拨", "Call me back"), TreatmentAction.CALLBACK)
QUEUE = TreatmentOption("2", LocalizedText("销售", "Sales"), TreatmentAction.QUEUE, "qu_other")
WHERE = TreatmentOption("3", LocalizedText("位置", "My place"), TreatmentAction.ANNOUNCE, text=PLACE)
TIMES = TreatmentOption("4", LocalizedText("时间", "Hours"), TreatmentAction.ANNOUNCE, text=HOURS)
LEAVE = TreatmentOption("#", LocalizedText("离开", "Leave"), TreatmentAction.END)
MENU = MenuStep(LocalizedText("按 1 回拨。", "Press 1 to be called back."), (CALLBACK, QUEUE, WHERE, TIMES, LEAVE))
OFFERED = QueueTreatment((MusicStep("waiting", 40 * SECOND), MENU, AnnouncementStep(HOURS)), 1)


def plays(story: Any, queue_id: str = "qu_sales", treatment: QueueTreatment = OFFERED) -> Any:
    story.do(PutTreatments((TreatmentOfQueue(queue_id, treatment),)))
    return story


def chosen(digit: str, action: TreatmentAction, queue_id: str = "", segment_no: int = 1) -> TreatmentOptionChosen:
    return TreatmentOptionChosen("ct_0123456789abcdef_one", segment_no, digit, action, queue_id)


def choose(story: Any, digit: str) -> ChooseTreatmentOption:
    return ChooseTreatmentOption(story.one, digit)


def said(happened: list[Any]) -> list[LocalizedText]:
    return [event.text for event in happened if isinstance(event, TextShown)]


def digits(story: Any) -> str:
    return "".join(option.digit for option in options_of(story.contact))


# -- what is offered ------------------------------------------------------------------------------------------------


def test_the_choices_hold_from_the_queue_to_the_accept(story: Any) -> None:
    plays(story).wanting("voice")
    assert digits(story) == ""
    story.do(RecordEnqueued(story.one, story.contact.step_no, "qu_sales", 1))
    assert digits(story) == "1234#"
    story.do(RecordOffered(story.one, 1, 1, "ag_li"))
    assert digits(story) == "1234#"
    story.do(RecordAccepted(story.one, 1, 1, "ag_li"))
    assert digits(story) == ""
    assert story.refusal(choose(story, "4")) == "Rejection: InputNotAwaited"
    story.do(RecordOfferEnded(story.one, 1, 1))
    assert digits(story) == "1234#", "where joining came to nothing they hold again"


def test_a_chat_is_not_offered_to_be_called_back(story: Any) -> None:
    plays(story).queued("chat")
    assert digits(story) == "234#"
    assert story.refusal(choose(story, "1")) == "Rejection: InputNotAwaited"


def test_a_customer_of_a_web_hook_has_no_buttons(story: Any) -> None:
    plays(story).do(PutHook(HookDefinition("hk_shop", "ep_chat", ("now",), False)))
    story.do(TakeDelivery("hk_shop", story.one[3:19] * 2, story.sealed, story.one, "en", None, story.sealed, "", ""))
    story.opened = lambda _: story
    assert digits(story.queued()) == ""


def test_who_was_called_back_has_no_menu(story: Any) -> None:
    plays(story).queued("voice").do(RequestCallback(story.one, None))
    story.do(RecordCallbackOpened(story.one, "qu_sales", 2))
    assert digits(story) == "", "nobody listens"
    story.do(RecordCallbackDialled(story.one, 2, 1, "ag_li"))
    story.do(RecordDialCheck(story.one, story.contact.step_no, "cu_1", DialAnswer.MAY_BE_CALLED))
    story.do(RecordCallbackCleared(story.one, 2, 1))
    story.do(ReportCallResult(story.one, 2, 1, "reached", ""), actor="gateway:gw")
    assert story.contact.is_treated
    assert digits(story) == ""


@pytest.mark.parametrize(
    ("channel", "option_id", "text", "taken"),
    [
        ("voice", "", "2", "2"),
        ("voice", "2", "", "2"),
        ("voice", "", "7", ""),
        ("voice", "", "", ""),
        ("chat", "2", "", "2"),
        ("chat", "", "2", ""),  # the words of a chat are words
        ("chat", "1", "", ""),
    ],
)
def test_a_key_or_a_button_takes_an_option(story: Any, channel: str, option_id: str, text: str, taken: str) -> None:
    assert takes_option(plays(story).queued(channel).contact, option_id, text) == taken


# -- what each leads to ---------------------------------------------------------------------------------------------


def test_a_callback_is_asked_for_as_with_the_key_of_an_offer(story: Any) -> None:
    plays(story).queued("voice")
    happened = story.do(choose(story, "1"))
    step_no = story.contact.step_no
    assert happened == [
        chosen("1", TreatmentAction.CALLBACK),
        CallbackRequested(story.one, None),
        StepBegun(story.one, step_no, "request_callback"),
    ]
    assert story.refusal(choose(story, "4")) == "Rejection: ChoiceUnderWay"
    story.do(RefuseStep(story.one, step_no, "TooManyCallbacks"))
    assert story.contact.callback_refusal == "TooManyCallbacks"
    assert digits(story) == "1234#"


def test_acd_is_asked_for_the_other_queue_and_its_entry_answers(story: Any) -> None:
    plays(story).queued("voice")
    assert story.do(choose(story, "2")) == [
        chosen("2", TreatmentAction.QUEUE, "qu_other"),
        StepBegun(story.one, story.contact.step_no, "change_queue"),
    ]
    order = targets._change_queue(story.contact, story.contact.step)
    assert order.change_queue == ChangeQueue(
        contact_id=story.one, step_no=story.contact.step_no, segment_no=1, queue_id="qu_other"
    )
    happened = story.do(RecordEnqueued(story.one, story.contact.step_no, "qu_other", 2))
    assert happened == [
        ContactQueued(story.one, "qu_other", 2, timedelta(0)),
        TextShown(story.one, story.contact.next_message_no - 1, CHANGED),
    ]
    assert (story.contact.step, story.contact.treatment) == (None, None), "there nothing plays"


def test_the_contact_waits_on_where_the_other_queue_takes_it_not(story: Any) -> None:
    plays(story).queued("chat")
    story.do(choose(story, "2"))
    assert said(story.do(RefuseStep(story.one, story.contact.step_no, "QueueFull"))) == [NOT_CHANGED]
    assert (story.contact.state, story.contact.queue_id) == (ContactState.QUEUED, "qu_sales")
    assert digits(story) == "234#"


def test_another_entry_than_the_chosen_one_is_not_called_chosen(story: Any) -> None:
    """It flowed out meanwhile: acd will refuse what was chosen before, and that changes nothing any more."""
    plays(story).queued("chat")
    story.do(choose(story, "2"))
    asked = story.contact.step_no
    assert said(story.do(RecordEnqueued(story.one, asked - 1, "qu_third", 2))) == []
    assert story.do(RefuseStep(story.one, asked, "ContactNotWaiting")) == []


def test_nothing_is_asked_on_for_who_is_called_back_after_all(story: Any) -> None:
    plays(story).queued("voice")
    story.do(choose(story, "2"))
    story.do(RecordCallbackOpened(story.one, "qu_sales", 2))
    assert story.contact.step is None


def test_a_text_is_said_and_the_contact_waits_on(story: Any) -> None:
    plays(story).queued("voice")
    happened = story.do(choose(story, "4"))
    assert happened == [
        chosen("4", TreatmentAction.ANNOUNCE),
        TreatmentAnnounced(story.one, 1, 2, "4"),
        TextShown(story.one, story.contact.next_message_no - 1, HOURS),
    ]
    assert story.contact.step is None


@pytest.mark.parametrize("channel", ["voice", "chat"])
def test_acd_is_asked_for_what_a_chosen_text_says(story: Any, channel: str) -> None:
    plays(story).queued(channel)
    story.do(choose(story, "3"))
    assert story.contact.step.kind is StepKind.ASK_WAIT
    happened = story.do(RecordWait(story.one, story.contact.step_no, 3, None))
    assert [text.en for text in said(happened)] == ["You are number 3. Please wait."]
    assert story.contact.step is None


def test_what_is_chosen_last_is_answered(story: Any) -> None:
    """A text of which acd is asked does not hold up what is chosen next."""
    plays(story).queued("voice")
    story.do(choose(story, "3"))
    asked = story.contact.step_no
    story.do(choose(story, "3"))
    assert story.do(RecordWait(story.one, asked, 3, None)) == [], "the first one was overtaken"
    story.do(choose(story, "1"))
    assert story.contact.step.kind is StepKind.REQUEST_CALLBACK


def test_announcements_in_their_turn_go_on_beside_what_is_chosen(story: Any) -> None:
    plays(story).queued("chat")
    story.do(choose(story, "4"))
    story.do(choose(story, "3"))
    story.do(RecordWait(story.one, story.contact.step_no, 3, None))
    assert said(story.pass_time(40 * SECOND)) == [HOURS]
    assert story.contact.treatment.announced == 1


def test_what_acd_says_in_the_turn_of_an_announcement_answers_no_choice(story: Any) -> None:
    steps = (MENU, MusicStep("waiting", 40 * SECOND), AnnouncementStep(PLACE))
    plays(story, treatment=QueueTreatment(steps)).queued("chat")
    story.do(choose(story, "4"))
    story.pass_time(40 * SECOND)
    happened = story.do(RecordWait(story.one, story.contact.step_no, 3, None))
    assert happened[0] == TreatmentAnnounced(story.one, 1, 3)
    assert [text.en for text in said(happened)] == ["You are number 3. Please wait."]


def test_who_chooses_to_leave_has_left(story: Any) -> None:
    plays(story).queued("voice")
    happened = story.do(choose(story, "#"))
    assert happened[0] == chosen("#", TreatmentAction.END)
    assert ContactClosed(story.one, CloseReason.CUSTOMER_LEFT, "") in happened


def test_a_contact_that_rings_changes_no_queue_and_is_not_called_back(story: Any) -> None:
    plays(story).offered("voice")
    assert story.refusal(choose(story, "1")) == "Rejection: CallbackNotPossible"
    assert story.refusal(choose(story, "2")) == "Rejection: RingsAlready"
    assert said(story.do(choose(story, "4"))) == [HOURS]


def test_a_customer_chooses_20_times(story: Any) -> None:
    plays(story).queued("voice")
    for _ in range(20):
        story.do(choose(story, "4"))
    assert story.refusal(choose(story, "4")) == "Rejection: TooManyChoices"


def test_nobody_chooses_after_the_end(story: Any) -> None:
    plays(story).queued("voice")
    story.do(CloseContact(story.one, CloseReason.CUSTOMER_LEFT, ""))
    assert story.refusal(choose(story, "4")) == "Rejection: ContactClosed"


@pytest.mark.parametrize("digit", ["2", "3"])
def test_the_accept_waits_for_no_answer_of_acd(story: Any, digit: str) -> None:
    """What was chosen is moot: the legs are joined at once, and a late refusal changes nothing."""
    plays(story).queued("voice")
    story.do(choose(story, digit))
    asked = story.contact.step_no
    story.do(RecordOffered(story.one, 1, 1, "ag_li"))
    story.do(RecordAccepted(story.one, 1, 1, "ag_li"))
    assert story.contact.step is None
    assert story.do(RefuseStep(story.one, asked, "ContactNotWaiting")) == []
    assert story.do(RecordWait(story.one, asked, 1, None)) == []
    story.do(ConfirmConnect(story.one, 1, 1), actor="gateway:gw")
    assert story.contact.step.kind is StepKind.REPORT_CONNECTED


# -- what edges are shown -------------------------------------------------------------------------------------------


async def shown(story: Any) -> Any:
    class Opening:
        async def open(self, *_: Any) -> str:
            return ""

    return await contact_view(story.contact, Opening(), 0, 0, for_agents=False)  # type: ignore[arg-type]


async def test_a_gateway_is_shown_the_menu_and_what_its_keys_do(story: Any) -> None:
    plays(story).queued("voice")
    treatment = (await shown(story)).treatment
    assert [step.text for step in treatment.steps[1:]] == ["Press 1 to be called back.", "We open at nine."]
    assert [(option.digit, option.label.en) for option in treatment.options][:2] == [
        ("1", "Call me back"),
        ("2", "Sales"),
    ]
    assert treatment.options[1].action == ActionMessage.TREATMENT_ACTION_QUEUE


async def test_who_shows_no_number_has_the_other_choices(story: Any) -> None:
    treatment = (await shown(plays(story).withheld())).treatment
    assert [option.digit for option in treatment.options] == ["2", "3", "4", "#"]
    choice = ChooseTreatmentOption(story.one, "1")
    assert story.refusal(choice, actor="gateway:gw") == "Rejection: InputNotAwaited"


async def test_a_page_is_shown_buttons_until_the_accept(story: Any) -> None:
    plays(story).offered("chat")
    assert await choices(story) == [
        {"option_id": "2", "label": {"zh": "销售", "en": "Sales"}},
        {"option_id": "3", "label": {"zh": "位置", "en": "My place"}},
        {"option_id": "4", "label": {"zh": "时间", "en": "Hours"}},
        {"option_id": "#", "label": {"zh": "离开", "en": "Leave"}},
    ]
    story.do(RecordAccepted(story.one, 1, 1, "ag_li"))
    assert await choices(story) == []


async def choices(story: Any) -> Any:
    page = view_of(SessionResponse(contact=await shown(story)))
    assert page is not None
    return page.content["choices"]


# -- the property ---------------------------------------------------------------------------------------------------


def likely(story: Any) -> list[Any]:
    contact = story.contact
    place, step_no = contact.newest_place, contact.step_no
    return [
        *(choose(story, digit) for digit in "1234"),
        *(choose(story, digit) for digit in "234"),
        RecordWait(story.one, step_no, 2, None),
        RefuseStep(story.one, step_no, "QueueFull"),
        RecordEnqueued(story.one, step_no, "qu_other", contact.segment_no + 1),
        RecordEnqueued(story.one, step_no - 1, "qu_sales", contact.segment_no + 1),
        RecordOffered(story.one, contact.segment_no, place[1] + 1, "ag_li"),
        RecordOfferEnded(story.one, contact.segment_no, contact.offer_no),
    ]


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(["voice", "chat"]))
def test_whatever_was_chosen_an_accept_joins_at_once(new_story: Any, data: st.DataObject, channel: str) -> None:
    """Routing rule 18: a treatment never keeps a contact from an agent, and none of it is left once one has it."""
    story = plays(plays(new_story()), "qu_other").queued(channel)
    for _ in range(data.draw(st.integers(0, 12))):
        try:
            story.do(data.draw(st.sampled_from(likely(story))))
        except TrunklineError:
            continue
        if data.draw(st.booleans()):
            story.pass_time(data.draw(st.sampled_from([SECOND, 40 * SECOND])))
    contact = story.contact
    offer = (contact.segment_no, contact.newest_place[1] + 1, "ag_wu")
    story.do(RecordOffered(story.one, *offer))
    assert any(isinstance(event, ConnectRequested) for event in story.do(RecordAccepted(story.one, *offer)))
    if channel == "voice":
        story.do(ConfirmConnect(story.one, *offer[:2]), actor="gateway:gw")
    assert story.contact.step.kind is StepKind.REPORT_CONNECTED
    for digit in "1234#":
        assert story.refusal(choose(story, digit)) == "Rejection: InputNotAwaited"
    story.do(RecordConnected(story.one, *offer))
    assert (story.contact.state, story.contact.treatment, story.contact.step) == (ContactState.CONNECTED, None, None)
