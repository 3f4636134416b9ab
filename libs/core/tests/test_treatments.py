from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trunkline_core.errors import Invalid
from trunkline_core.texts import LocalizedText
from trunkline_core.treatments import (
    UNKNOWN,
    AnnouncementStep,
    CallbackOfferStep,
    Figures,
    MenuStep,
    MusicStep,
    PauseStep,
    QueueTreatment,
    TreatmentAction,
    TreatmentOption,
    TreatmentStep,
    check_treatment,
    next_announcement,
    rendered,
)

SECOND = timedelta(seconds=1)
BUSY = LocalizedText("客服正忙，请稍候。", "All agents are busy. Please wait.")
PLACE = LocalizedText(
    "感谢等候。您排在第 {position} 位。多数人的等待不超过 {wait}。",
    "Thank you for waiting. You are number {position} in line. Most wait no longer than {wait}.",
)
MUSIC = MusicStep("waiting", 30 * SECOND)
OFFER = CallbackOfferStep(LocalizedText("按 1 由我们回拨。", "Press 1 to be called back."), "1")


LABEL = LocalizedText("选项", "Option")
CALLBACK = TreatmentOption("1", LABEL, TreatmentAction.CALLBACK)
SALES = TreatmentOption("2", LABEL, TreatmentAction.QUEUE, "qu_sales")
WHERE = TreatmentOption("3", LABEL, TreatmentAction.ANNOUNCE, text=PLACE)
LEAVE = TreatmentOption("#", LABEL, TreatmentAction.END)
MENU = MenuStep(BUSY, (CALLBACK, SALES, WHERE, LEAVE))


def refusal(*steps: TreatmentStep, repeat_from_step: int = 0, has_callback: bool = True, estimates: bool = True) -> str:
    treatment = QueueTreatment(steps, repeat_from_step)
    with pytest.raises(Invalid) as refused:
        check_treatment("queue.treatment", treatment, has_callback=has_callback, estimates_waits=estimates)
    return str(refused.value)


def announcement(zh: str, en: str) -> AnnouncementStep:
    return AnnouncementStep(LocalizedText(zh, en))


def test_a_treatment_of_every_kind_of_step_is_taken() -> None:
    steps = (PauseStep(5 * SECOND), AnnouncementStep(PLACE), OFFER, MUSIC, MENU)
    check_treatment("queue.treatment", QueueTreatment(steps, 2), has_callback=True, estimates_waits=True)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (MusicStep("Waiting Music", SECOND), "queue.treatment.steps[0].music_step.media: must match"),
        (MusicStep("a", SECOND / 2), "queue.treatment.steps[0].music_step.for_duration: must be 1 s to 600 s"),
        (PauseStep(601 * SECOND), "queue.treatment.steps[0].pause_step.for_duration: must be 1 s to 600 s"),
        (
            announcement("", "Hello"),
            "queue.treatment.steps[0].announcement_step.text.zh: must have 1 to 500 characters",
        ),
        (
            announcement("你好", " "),
            "queue.treatment.steps[0].announcement_step.text.en: must have 1 to 500 characters",
        ),
        (announcement("你" * 501, "Hi"), "queue.treatment.steps[0].announcement_step.text.zh: must have 1 to 500"),
        (announcement("你好", "{name}"), "queue.treatment.steps[0].announcement_step.text.en: may have no braces but"),
        (announcement("{position", "Hi"), "queue.treatment.steps[0].announcement_step.text.zh: may have no braces but"),
        (CallbackOfferStep(BUSY, "12"), "queue.treatment.steps[0].callback_offer_step.digit: must be one key"),
        (CallbackOfferStep(BUSY, ""), "queue.treatment.steps[0].callback_offer_step.digit: must be one key"),
    ],
)
def test_a_step_that_is_out_of_bounds_is_refused_with_its_field(step: TreatmentStep, words: str) -> None:
    assert words in refusal(step)


def test_a_treatment_has_1_to_16_steps() -> None:
    assert "queue.treatment.steps: must be 1 to 16" in refusal()
    assert "queue.treatment.steps: must be 1 to 16" in refusal(*[MUSIC] * 17)


def test_a_callback_is_offered_only_where_the_queue_has_the_policy() -> None:
    assert "steps[1].callback_offer_step: needs callback" in refusal(MUSIC, OFFER, has_callback=False)


def test_all_offers_have_one_key() -> None:
    assert "steps[1].callback_offer_step.digit: must be the same" in refusal(OFFER, CallbackOfferStep(BUSY, "2"))


def option(action: TreatmentAction = TreatmentAction.END, **fields: Any) -> MenuStep:
    """Return a menu of which the second option has these fields."""
    wanted: dict[str, Any] = {"digit": "2", "label": LABEL, "action": action} | fields
    return MenuStep(BUSY, (CALLBACK, TreatmentOption(**wanted)))


@pytest.mark.parametrize(
    ("menu", "words"),
    [
        (MenuStep(LocalizedText("", "x"), (LEAVE,)), "text.zh: must have 1 to 500 characters"),
        (MenuStep(BUSY, ()), "options: must be 1 to 9"),
        (MenuStep(BUSY, (LEAVE,) * 10), "options: must be 1 to 9"),
        (option(digit="1"), "options[1].digit: is named twice"),
        (option(digit="12"), "options[1].digit: must be one key"),
        (option(digit=""), "options[1].digit: must be one key"),
        (option(label=LocalizedText("选项", " ")), "options[1].label.en: must have 1 to 40 characters"),
        (option(label=LocalizedText("选" * 41, "x")), "options[1].label.zh: must have 1 to 40 characters"),
        (option(TreatmentAction.UNSPECIFIED), "options[1].action: must be set"),
        (option(TreatmentAction.QUEUE), "options[1].queue_id: must begin with qu_"),
        (option(queue_id="qu_sales"), "options[1].queue_id: must be empty unless"),
        (option(TreatmentAction.ANNOUNCE), "options[1].text: must be set with the action ANNOUNCE"),
        (option(text=BUSY), "options[1].text: must be set with the action ANNOUNCE, and with no other"),
        (option(TreatmentAction.ANNOUNCE, text=LocalizedText("{x}", "x")), "options[1].text.zh: may have no braces"),
    ],
)
def test_a_menu_that_is_wrong_is_refused_with_its_field(menu: MenuStep, words: str) -> None:
    assert f"queue.treatment.steps[1].menu_step.{words}" in refusal(MUSIC, menu)


def test_a_menu_offers_only_what_the_queue_has_the_policy_for() -> None:
    assert "steps[0].menu_step.options[0].action: needs callback" in refusal(MENU, has_callback=False)
    assert "steps[0].menu_step.options[2].text.zh: says {wait}" in refusal(MENU, estimates=False)


def test_a_treatment_has_one_menu_at_most() -> None:
    assert "queue.treatment.steps[2].menu_step: must be the only one" in refusal(MENU, MUSIC, MENU)


def test_one_key_means_one_thing() -> None:
    leaving = MenuStep(BUSY, (TreatmentOption("1", LABEL, TreatmentAction.END),))
    assert "steps[1].menu_step.options[0].digit: takes the call-back" in refusal(OFFER, leaving)
    check_treatment("x", QueueTreatment((OFFER, MENU)), has_callback=True, estimates_waits=True)


def test_a_menu_is_told_to_callers_alone() -> None:
    steps = (MENU, MUSIC, AnnouncementStep(BUSY))
    assert next_announcement(QueueTreatment(steps), 0) == (3, 30 * SECOND)
    assert QueueTreatment(steps).menu_step == 1
    assert QueueTreatment(steps[1:]).menu_step == 0


def test_a_wait_is_said_only_where_the_queue_estimates() -> None:
    assert "steps[0].announcement_step.text.zh: says {wait}" in refusal(AnnouncementStep(PLACE), estimates=False)


@pytest.mark.parametrize("repeat_from_step", [-1, 3])
def test_it_repeats_from_a_step_that_it_has(repeat_from_step: int) -> None:
    assert "repeat_from_step: must be 0 to 2" in refusal(MUSIC, OFFER, repeat_from_step=repeat_from_step)


def test_what_repeats_is_not_talk_alone() -> None:
    talk = (MUSIC, AnnouncementStep(BUSY), PauseStep(4 * SECOND))
    assert "repeat_from_step: must repeat at least 5 s of music and pauses" in refusal(*talk, repeat_from_step=2)


@pytest.mark.parametrize(
    ("figures", "zh", "en"),
    [
        (
            Figures(2, timedelta(seconds=61)),
            "感谢等候。您排在第 2 位。多数人的等待不超过 2 分钟。",
            "Thank you for waiting. You are number 2 in line. Most wait no longer than 2 minutes.",
        ),
        (
            Figures(1, timedelta(0)),
            "感谢等候。您排在第 1 位。多数人的等待不超过 1 分钟。",
            "Thank you for waiting. You are number 1 in line. Most wait no longer than 1 minute.",
        ),
        (
            Figures(3),
            "感谢等候。您排在第 3 位。",
            "Thank you for waiting. You are number 3 in line.",
        ),
        (UNKNOWN, "感谢等候。", "Thank you for waiting."),
    ],
)
def test_a_sentence_that_says_what_is_not_known_is_left_out(figures: Figures, zh: str, en: str) -> None:
    assert rendered(PLACE, figures) == LocalizedText(zh, en)


def test_nothing_is_left_of_a_text_of_which_nothing_is_known() -> None:
    assert rendered(LocalizedText("第 {position} 位", "Number {position}"), UNKNOWN) == LocalizedText("", "")


def test_a_point_within_a_word_ends_no_sentence() -> None:
    text = LocalizedText("见 shop.example。第 {position} 位。", "See shop.example or wait. Number {position}.")
    assert rendered(text, UNKNOWN) == LocalizedText("见 shop.example。", "See shop.example or wait.")


def test_announcements_follow_one_another_with_the_time_between_them() -> None:
    steps = (PauseStep(5 * SECOND), AnnouncementStep(BUSY), OFFER, MUSIC, AnnouncementStep(PLACE), MUSIC)
    treatment = QueueTreatment(steps, 3)
    assert next_announcement(treatment, 0) == (2, 5 * SECOND)
    assert next_announcement(treatment, 2) == (5, 30 * SECOND)
    assert next_announcement(treatment, 5) == (5, 60 * SECOND), "it repeats from the offer on"


def test_none_follows_the_last_one_of_a_treatment_that_ends() -> None:
    assert next_announcement(QueueTreatment((AnnouncementStep(BUSY), MUSIC)), 1) is None
    assert next_announcement(QueueTreatment((AnnouncementStep(BUSY), MUSIC), 2), 1) is None


sentences = st.text("ab{}。.! ？positionwait分", max_size=60)


@given(sentences, st.integers(0, 9), st.none() | st.timedeltas(timedelta(0), timedelta(days=7)))
def test_of_what_is_not_known_nothing_is_left_and_the_rest_stays(
    words: str, position: int, wait: timedelta | None
) -> None:
    text = LocalizedText(words, words)
    said = rendered(text, Figures(position, wait))
    for spoken in (said.zh, said.en):
        assert "{position}" not in spoken
        assert "{wait}" not in spoken
    if "{position}" not in words and "{wait}" not in words:
        assert said == LocalizedText(words.strip(), words.strip())
