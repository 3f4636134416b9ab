"""What plays while a contact waits (routing rule 18)."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from trunkline.directory.v1 import directory_events_pb2 as directory
from trunkline.directory.v1.directory_types_pb2 import QueueDefinition as QueueMessage
from trunkline_channels.adapters.facts import definitions
from trunkline_channels.adapters.views import contact_view
from trunkline_channels.application import waits as waits_module
from trunkline_channels.application.steps import StepRunner
from trunkline_channels.application.waits import WaitFigures
from trunkline_channels.domain.callbacks import takes_offer
from trunkline_channels.domain.commands import (
    CloseContact,
    ConfirmConnect,
    PutHook,
    PutTreatments,
    ReconcileContact,
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
    TransferContact,
)
from trunkline_channels.domain.events import StepBegun, TextShown, TreatmentAnnounced, TreatmentPut
from trunkline_channels.domain.reconciling import AtAcd, Stage, differences_with_acd
from trunkline_channels.domain.words import CloseReason, ContactState, DialAnswer, StepKind, TreatmentOfQueue
from trunkline_core.errors import Transient
from trunkline_core.texts import LocalizedText
from trunkline_core.treatments import (
    UNKNOWN,
    AnnouncementStep,
    CallbackOfferStep,
    Figures,
    MusicStep,
    PauseStep,
    QueueTreatment,
)
from trunkline_core.webhooks import HookDefinition

SECOND = timedelta(seconds=1)
CONTACT = "ct_0123456789abcdef_one"
BUSY = LocalizedText("客服正忙。", "All agents are busy.")
PLACE = LocalizedText("您排在第 {position} 位。请稍候。", "You are number {position}. Please wait.")
OFFER = CallbackOfferStep(LocalizedText("按 1 由我们回拨。", "Press 1 to be called back."), "1")
PLAIN = QueueTreatment((PauseStep(5 * SECOND), AnnouncementStep(BUSY), MusicStep("waiting", 40 * SECOND)), 2)
TELLING = QueueTreatment((AnnouncementStep(PLACE), MusicStep("waiting", 40 * SECOND)), 1)
OFFERING = QueueTreatment((MusicStep("waiting", 40 * SECOND), OFFER), 1)


def plays(story: Any, treatment: QueueTreatment | None, queue_id: str = "qu_sales") -> Any:
    story.do(PutTreatments((TreatmentOfQueue(queue_id, treatment),)))
    return story


def said(happened: list[Any]) -> list[str]:
    return [event.text.en for event in happened if isinstance(event, TextShown)]


# -- definitions ----------------------------------------------------------------------------------------------------


def test_what_plays_in_a_queue_is_taken_over_once(story: Any) -> None:
    put = PutTreatments((TreatmentOfQueue("qu_sales", PLAIN), TreatmentOfQueue("qu_other", None)))
    assert story.do(put) == [TreatmentPut("qu_sales", PLAIN)]
    assert story.do(put) == []
    assert story.do(PutTreatments((TreatmentOfQueue("qu_sales", None),))) == [TreatmentPut("qu_sales", None)]
    assert not list(story.state.treatments.values())


def test_one_tenants_treatment_plays_to_no_other(story: Any) -> None:
    story.do(PutTreatments((TreatmentOfQueue("qu_sales", PLAIN),)), tenant="tn_other")
    assert story.queued().contact.treatment is None


def test_a_published_policy_brings_the_treatments_of_all_its_queues() -> None:
    queues = [QueueMessage(queue_id="qu_sales"), QueueMessage(queue_id="qu_support")]
    queues[0].treatment.steps.add().pause_step.for_duration.FromTimedelta(5 * SECOND)
    event = directory.DirectoryEvent(policy_published=directory.PolicyPublished(version=2, queues=queues))
    event.metadata.tenant_id = "tn_demo"
    (command,) = definitions(SimpleNamespace(record=SimpleNamespace(value=event.SerializeToString())))  # type: ignore[arg-type]
    sales = QueueTreatment((PauseStep(5 * SECOND),))
    assert command.command == PutTreatments((TreatmentOfQueue("qu_sales", sales), TreatmentOfQueue("qu_support", None)))
    assert command.key is None, "for every partition"


def test_a_contact_keeps_what_it_entered_with(story: Any) -> None:
    plays(story, PLAIN).queued("voice")
    plays(story, OFFERING)
    assert story.contact.treatment.definition == PLAIN


# -- chats ----------------------------------------------------------------------------------------------------------


def test_a_chat_is_told_in_the_order_of_the_steps(story: Any) -> None:
    plays(story, PLAIN).queued()
    assert said(story.pass_time(4 * SECOND)) == []
    happened = story.pass_time(1 * SECOND)
    assert happened == [TreatmentAnnounced(story.one, 1, 2), TextShown(story.one, 2, BUSY)]
    assert said(story.pass_time(39 * SECOND)) == []
    assert said(story.pass_time(1 * SECOND)) == [BUSY.en], "it repeats after the music"


def test_a_chat_is_told_at_most_every_30_seconds(story: Any) -> None:
    often = QueueTreatment((AnnouncementStep(BUSY), PauseStep(5 * SECOND)), 1)
    plays(story, often).queued()
    assert said(story.pass_time(timedelta(0))) == [BUSY.en]
    assert said(story.pass_time(29 * SECOND)) == []
    assert said(story.pass_time(1 * SECOND)) == [BUSY.en]


def test_a_chat_is_told_20_times_a_wait(story: Any) -> None:
    plays(story, PLAIN).queued()
    told = [text for _ in range(40) for text in said(story.pass_time(45 * SECOND))]
    assert len(told) == 20


def test_what_plays_once_is_told_once(story: Any) -> None:
    plays(story, QueueTreatment(PLAIN.steps)).queued()
    assert said(story.pass_time(5 * SECOND)) == [BUSY.en]
    assert said(story.pass_time(timedelta(minutes=30))) == []


def test_a_chat_that_rings_is_told_and_one_that_is_taken_is_not(story: Any) -> None:
    plays(story, PLAIN).offered()
    assert said(story.pass_time(5 * SECOND)) == [BUSY.en]
    story.do(RecordAccepted(story.one, 1, 1, "ag_li"))
    assert said(story.pass_time(timedelta(minutes=10))) == []
    story.do(RecordConnected(story.one, 1, 1, "ag_li"))
    assert story.contact.treatment is None


def test_a_chat_whose_connection_came_to_nothing_is_told_on(story: Any) -> None:
    plays(story, PLAIN).accepted()
    story.do(RecordOfferEnded(story.one, 1, 1))
    assert said(story.pass_time(5 * SECOND)) == [BUSY.en]


def test_a_chat_that_is_given_on_begins_anew_with_what_plays_there(story: Any) -> None:
    plays(story, PLAIN, "qu_support").connected()
    story.do(TransferContact(story.one, "ag_li", "qu_support"), actor="agent:ag_li")
    story.do(RecordEnqueued(story.one, story.contact.step_no, "qu_support", 2))
    assert said(story.pass_time(5 * SECOND)) == [BUSY.en]


def test_nobody_is_told_anything_after_the_end(story: Any) -> None:
    plays(story, PLAIN).queued()
    story.do(CloseContact(story.one, CloseReason.CUSTOMER_LEFT, ""))
    assert said(story.pass_time(timedelta(minutes=9))) == []


def test_a_caller_gets_no_messages(story: Any) -> None:
    plays(story, PLAIN).queued("voice")
    assert said(story.pass_time(timedelta(minutes=10))) == []


def test_acd_is_asked_for_what_the_announcement_says(story: Any) -> None:
    plays(story, TELLING).queued()
    (begun,) = story.pass_time(timedelta(0))
    assert begun == StepBegun(story.one, story.contact.step_no, "ask_wait")
    happened = story.do(RecordWait(story.one, begun.step_no, 3, None))
    assert said(happened) == ["You are number 3. Please wait."]
    assert story.do(RecordWait(story.one, begun.step_no, 3, None)) == [], "the same answer once more"
    assert story.contact.step is None


def test_an_announcement_is_made_without_what_acd_does_not_know(story: Any) -> None:
    plays(story, TELLING).queued()
    story.pass_time(timedelta(0))
    assert said(story.do(RecordWait(story.one, story.contact.step_no, 0, None))) == ["Please wait."]


def test_one_of_which_nothing_is_known_is_passed_over(story: Any) -> None:
    only = AnnouncementStep(LocalizedText("第 {position} 位。", "Number {position}."))
    plays(story, QueueTreatment((only, MusicStep("waiting", 60 * SECOND)), 1)).queued()
    story.pass_time(timedelta(0))
    happened = story.do(RecordWait(story.one, story.contact.step_no, 0, None))
    assert happened == [TreatmentAnnounced(story.one, 1, 1)]
    assert [type(event) for event in story.pass_time(60 * SECOND)] == [StepBegun], "the next one is due as ever"


def test_an_answer_that_comes_after_the_accept_is_too_late(story: Any) -> None:
    plays(story, TELLING).offered()
    story.pass_time(timedelta(0))
    asked = story.contact.step_no
    story.do(RecordAccepted(story.one, 1, 1, "ag_li"))
    assert story.contact.step.kind is StepKind.REPORT_CONNECTED
    assert story.do(RecordWait(story.one, asked, 1, None)) == []


def test_acd_is_not_asked_on_for_a_chat_that_is_connected_or_in_another_queue(new_story: Any) -> None:
    """Facts may overtake the answer."""
    for fact in (RecordConnected(CONTACT, 1, 1, "ag_li"), RecordEnqueued(CONTACT, 1, "qu_support", 2)):
        story = plays(new_story(), TELLING).offered()
        story.pass_time(timedelta(0))
        assert story.contact.step.kind is StepKind.ASK_WAIT
        story.do(fact)
        assert story.contact.step is None


def test_a_customer_of_a_web_hook_is_told_nothing(story: Any) -> None:
    """No answer goes back there."""
    plays(story, PLAIN).do(PutHook(HookDefinition("hk_shop", "ep_chat", ("now",), False)))
    story.do(TakeDelivery("hk_shop", CONTACT[3:19] * 2, story.sealed, CONTACT, "en", None, story.sealed, "", ""))
    story.opened = lambda _: story
    story.queued()
    assert story.contact.is_treated
    assert said(story.pass_time(timedelta(minutes=10))) == []


def test_announcements_do_not_hide_that_a_contact_stands_still(story: Any) -> None:
    """Else a chat that acd does not know would wait on for as long as it is told something."""
    plays(story, TELLING).queued()
    (before,) = differences_with_acd({story.one: story.contact}, {})
    story.pass_time(timedelta(0))
    assert list(differences_with_acd({story.one: story.contact}, {})) == [before], "while acd is asked"
    story.do(RecordWait(story.one, story.contact.step_no, 0, None))
    assert list(differences_with_acd({story.one: story.contact}, {})) == [before]
    story.do(ReconcileContact(story.one, before.version, "UnknownAtAcd"))
    assert story.contact.state is ContactState.CLOSED


def test_a_contact_that_moved_is_not_what_was_compared(story: Any) -> None:
    plays(story, PLAIN).queued()
    (before,) = differences_with_acd({story.one: story.contact}, {})
    story.do(RecordOffered(story.one, 1, 1, "ag_li"))
    (after,) = differences_with_acd({story.one: story.contact}, {story.one: AtAcd(2, Stage.WAITING, 1, 0, "")})
    assert after.version > before.version


# -- calls: what the gateway is shown -------------------------------------------------------------------------------


async def shown(story: Any, figures: Figures = UNKNOWN) -> Any:
    """Return the view's treatment; None where it has none."""

    class Opening:
        async def open(self, *_: Any) -> str:
            return ""

    view = await contact_view(story.contact, Opening(), 0, 0, figures, for_agents=False)  # type: ignore[arg-type]
    return view.treatment if view.HasField("treatment") else None


async def test_a_gateway_is_shown_what_plays_in_the_callers_language(story: Any) -> None:
    steps = (MusicStep("waiting", 40 * SECOND), AnnouncementStep(PLACE), PauseStep(2 * SECOND), OFFER)
    plays(story, QueueTreatment(steps, 2)).queued("voice")
    treatment = await shown(story, Figures(2, 90 * SECOND))
    music, place, pause, offer = treatment.steps
    assert (music.media, music.for_duration.seconds) == ("waiting", 40)
    assert place.text == "You are number 2. Please wait."
    assert (pause.media, pause.text, pause.for_duration.seconds) == ("", "", 2)
    assert offer.text == "Press 1 to be called back."
    assert (treatment.repeat_from_step, treatment.callback_digit) == (2, "1")
    assert (treatment.position, treatment.wait_duration.seconds) == (2, 90)
    assert treatment.began_time.ToDatetime(story.now.tzinfo) == story.now


async def test_a_chinese_caller_hears_chinese(new_story: Any) -> None:
    story = plays(new_story(), TELLING)
    story.do(story.opening("ep_voice", locale="zh"), actor="gateway:gw")
    story.started = lambda _: story  # opened already
    story.queued("voice")
    assert (await shown(story, Figures(2))).steps[0].text == "您排在第 2 位。请稍候。"


async def test_who_was_called_back_hears_it_until_an_agent_is_there_but_is_offered_no_other(story: Any) -> None:
    plays(story, OFFERING).queued("voice").do(RequestCallback(story.one, None))
    story.do(RecordCallbackOpened(story.one, "qu_sales", 2))
    assert await shown(story) is None, "nobody listens"
    story.do(RecordCallbackDialled(story.one, 2, 1, "ag_li"))
    story.do(RecordDialCheck(story.one, story.contact.step_no, "cu_1", DialAnswer.MAY_BE_CALLED))
    story.do(RecordCallbackCleared(story.one, 2, 1))
    assert await shown(story) is None
    story.do(ReportCallResult(story.one, 2, 1, "reached", ""), actor="gateway:gw")
    treatment = await shown(story)
    assert [step.media or step.text for step in treatment.steps] == ["waiting", ""]
    assert treatment.callback_digit == ""
    assert not takes_offer(story.contact, "1")


async def test_who_shows_no_number_is_offered_no_call_back_and_hears_all_else(story: Any) -> None:
    treatment = await shown(plays(story, OFFERING).withheld())
    assert [step.media or step.text for step in treatment.steps] == ["waiting", ""]
    assert treatment.callback_digit == ""
    assert not takes_offer(story.contact, "1")


async def test_it_plays_while_it_rings_and_is_gone_with_the_accept(story: Any) -> None:
    plays(story, OFFERING).offered("voice")
    assert await shown(story)
    story.do(RecordAccepted(story.one, 1, 1, "ag_li"))
    assert story.contact.state is ContactState.CONNECTING
    assert await shown(story) is None, "the view in which legs are to be joined has none"
    story.do(ConfirmConnect(story.one, 1, 1), actor="gateway:gw")
    story.do(RecordConnected(story.one, 1, 1, "ag_li"))
    assert await shown(story) is None


async def test_it_is_back_where_joining_came_to_nothing(story: Any) -> None:
    plays(story, OFFERING).accepted("voice")
    story.do(RecordOfferEnded(story.one, 1, 1))
    assert await shown(story)


async def test_no_treatment_plays_as_before(story: Any) -> None:
    assert await shown(story.queued("voice")) is None


async def test_a_chat_is_shown_none(story: Any) -> None:
    assert await shown(plays(story, PLAIN).queued()) is None


# -- the offer of a call-back ---------------------------------------------------------------------------------------


def test_the_key_takes_the_offer_during_any_step_while_the_caller_waits(story: Any) -> None:
    plays(story, OFFERING).wanting("voice")
    assert not takes_offer(story.contact, "1"), "it is in no queue yet"
    story.do(RecordEnqueued(story.one, story.contact.step_no, "qu_sales", 1))
    assert takes_offer(story.contact, "1")
    assert not takes_offer(story.contact, "2")
    assert not takes_offer(story.contact, "")


def test_no_key_takes_what_is_not_offered(story: Any) -> None:
    plays(story, PLAIN).queued("voice")
    assert not takes_offer(story.contact, "1")
    assert not takes_offer(story.contact, "")


async def test_a_refused_callback_is_told_and_the_treatment_goes_on(story: Any) -> None:
    plays(story, OFFERING).queued("voice")
    story.do(RequestCallback(story.one, None), actor="gateway:gw")
    assert await shown(story), "until acd agrees it plays on"
    story.do(RefuseStep(story.one, story.contact.step_no, "TooManyCallbacks"))
    assert story.contact.callback_refusal == "TooManyCallbacks"
    assert await shown(story)


async def test_nothing_plays_to_who_is_called_back(story: Any) -> None:
    plays(story, OFFERING).queued("voice")
    story.do(RequestCallback(story.one, None), actor="gateway:gw")
    story.do(RecordCallbackOpened(story.one, "qu_sales", 2))
    assert await shown(story) is None


# -- place and wait, asked of acd -----------------------------------------------------------------------------------


class OneLedger:
    """As much of a ledger as is asked for: one partition, which is ours."""

    def __init__(self, story: Any) -> None:
        self._story = story
        self.submitted: asyncio.Queue[Any] = asyncio.Queue()

    def watch(self, watcher: Any) -> None:
        self.happened = watcher

    def on_owned(self, call: Any) -> None:
        self.own = call

    def owns(self, _partition: int) -> bool:
        return True

    def partition_of(self, _token: str) -> int:
        return 0

    def state(self, _partition: int) -> Any:
        return self._story.state

    async def submit(self, submission: Any) -> None:
        await self.submitted.put(submission.command)


class Acd:
    """Answers what it is told to."""

    def __init__(self, *answers: Figures | Transient) -> None:
        self._answers = list(answers)

    async def figures(self, tenant: str, contact_id: str, timeout_s: float) -> Figures:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Transient):
            raise answer
        return answer


@pytest.fixture
async def told(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Starts `WaitFigures` over a story, every moment instead of every 30 s; `next()` is whom it tells, and what."""
    monkeypatch.setattr(waits_module, "AGAIN_S", 0.01)
    tasks = []

    def begin(story: Any, acd: Acd) -> Any:
        queue: asyncio.Queue[Any] = asyncio.Queue()
        ledger = OneLedger(story)
        figures = WaitFigures(ledger, acd, lambda contact: queue.put_nowait(figures.of(contact)))  # type: ignore[arg-type]
        tasks.append(asyncio.create_task(figures.run()))
        ledger.own(0)
        return SimpleNamespace(ledger=ledger, figures=figures, queue=queue)

    yield begin
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_the_gateway_is_told_when_place_or_wait_have_changed(story: Any, told: Any) -> None:
    plays(story, TELLING).queued("voice")
    first, second = Figures(2, 90 * SECOND), Figures(1, 30 * SECOND)
    began = told(story, Acd(first, first, first, second))
    async with asyncio.timeout(10):
        assert [await began.queue.get(), await began.queue.get()] == [first, second]
    assert began.queue.empty(), "what is as before is not told"


async def test_what_is_known_of_one_queue_is_not_said_in_the_next(story: Any, told: Any) -> None:
    plays(plays(story, TELLING), TELLING, "qu_support").queued("voice")
    began = told(story, Acd(Figures(2)))
    async with asyncio.timeout(10):
        assert await began.queue.get() == Figures(2)
        story.do(RecordEnqueued(story.one, story.contact.step_no, "qu_support", 2))
        assert began.figures.of(story.contact) == UNKNOWN
        assert await began.queue.get() == Figures(2), "until acd is asked of it"


async def test_what_acd_does_not_say_is_not_known_any_more(story: Any, told: Any) -> None:
    plays(story, TELLING).queued("voice")
    began = told(story, Acd(Figures(2), Transient("away")))
    async with asyncio.timeout(10):
        assert [await began.queue.get(), await began.queue.get()] == [Figures(2), UNKNOWN]


@pytest.mark.parametrize(("treatment", "channel"), [(PLAIN, "voice"), (TELLING, "chat"), (None, "voice")])
async def test_nobody_is_asked_for_who_hears_no_figures(
    story: Any, told: Any, treatment: QueueTreatment | None, channel: str
) -> None:
    assert told(plays(story, treatment).queued(channel), Acd(Figures(2))).figures.callers == 0


async def test_acd_is_not_asked_any_more_once_an_agent_accepted(story: Any, told: Any) -> None:
    plays(story, TELLING).offered("voice")
    began = told(story, Acd(Figures(1)))
    async with asyncio.timeout(10):
        await began.queue.get()
        story.do(RecordAccepted(story.one, 1, 1, "ag_li"))
        while began.figures.callers:
            await asyncio.sleep(0.01)
    assert began.figures.of(story.contact) == UNKNOWN


@pytest.mark.parametrize(("answer", "position"), [(Figures(4), 4), (Transient("away"), 0)])
async def test_the_step_is_answered_with_what_acd_says_or_with_nothing(
    story: Any, answer: Figures | Transient, position: int
) -> None:
    plays(story, TELLING).queued()
    story.pass_time(timedelta(0))
    ledger = OneLedger(story)
    steps = StepRunner(ledger, None, Acd(answer))  # type: ignore[arg-type]
    running = asyncio.create_task(steps.run())
    ledger.own(0)
    async with asyncio.timeout(10):
        command = await ledger.submitted.get()
    running.cancel()
    assert command == RecordWait(story.one, story.contact.step_no, position, None)
