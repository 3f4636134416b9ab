"""The flow's side of a contact."""

from typing import Any

import pytest
from trunkline_channels.domain.commands import (
    GiveInput,
    RecordGathered,
    RecordPersonRequested,
    RecordPrompt,
    RecordSelfServiceCompleted,
    RecordText,
    RefuseStep,
)
from trunkline_channels.domain.events import (
    ContactClosed,
    InputGiven,
    PersonRequested,
    PromptShown,
    StepBegun,
    StepRefused,
    TextGathered,
    TextShown,
)
from trunkline_channels.domain.words import CloseReason, ContactState
from trunkline_core.routing import SkillChoice, SkillConjunction, SkillOperator, SkillTerm
from trunkline_core.texts import LocalizedText

HELLO = LocalizedText("你好", "Hello")


def prompt(story: Any, visit_no: int, options: Any = None) -> RecordPrompt:
    return RecordPrompt(story.one, f"n{visit_no}", visit_no, HELLO, story.menu if options is None else options)


def test_a_question_answers_the_start(story: Any) -> None:
    (shown,) = story.started().do(prompt(story, 1))
    assert isinstance(shown, PromptShown)
    assert story.contact.state is ContactState.SELF_SERVICE
    assert story.contact.step is None


def test_an_older_question_changes_nothing(story: Any) -> None:
    story.prompted().do(prompt(story, 2))
    assert story.do(prompt(story, 1)) == []
    assert story.do(prompt(story, 2)) == []


def test_the_customer_answers_once(story: Any) -> None:
    answer = GiveInput(story.one, "n1", "sales", None)
    assert story.prompted().do(answer, actor="customer") == [
        InputGiven(story.one, "n1", "sales", None),
        StepBegun(story.one, 3, "advance_session"),
    ]
    assert story.refusal(answer) == "Rejection: InputNotAwaited"


def test_an_answer_to_another_question_is_refused(story: Any) -> None:
    story.prompted()
    assert story.refusal(GiveInput(story.one, "n9", "sales", None)) == "Rejection: InputNotAwaited"


def test_an_answer_before_any_question_is_refused(story: Any) -> None:
    story.started()
    assert story.refusal(GiveInput(story.one, "n1", "sales", None)) == "Rejection: InputNotAwaited"


def test_an_option_that_is_not_there_is_invalid(story: Any) -> None:
    story.prompted()
    assert story.refusal(GiveInput(story.one, "n1", "refund", None)).startswith("Invalid: option_id")


def test_words_that_match_nothing_go_to_the_flow(story: Any) -> None:
    story.prompted()
    assert len(story.do(GiveInput(story.one, "n1", "", story.sealed))) == 2


def test_free_text_must_be_there(story: Any) -> None:
    story.started().do(prompt(story, 1, options=()))
    assert story.refusal(GiveInput(story.one, "n1", "", None)).startswith("Invalid: text")


def test_a_refused_answer_opens_the_question_again(story: Any) -> None:
    story.prompted().do(GiveInput(story.one, "n1", "sales", None))
    assert story.do(RefuseStep(story.one, 3, "StaleNode")) == [StepRefused(story.one, 3, "StaleNode")]
    assert story.do(GiveInput(story.one, "n1", "sales", None))


def test_a_newer_question_overtakes_an_answer_under_way(story: Any) -> None:
    story.prompted().do(GiveInput(story.one, "n1", "sales", None))
    story.do(prompt(story, 2))
    assert story.contact.step is None
    assert story.do(RefuseStep(story.one, 3, "StaleNode")) == []


def test_texts_of_the_flow_are_numbered_messages(story: Any) -> None:
    story.started()
    assert story.do(RecordText(story.one, HELLO)) == [TextShown(story.one, 1, HELLO)]
    assert story.do(RecordText(story.one, HELLO)) == [TextShown(story.one, 2, HELLO)]
    assert story.do(RecordText(story.one, LocalizedText("", ""))) == []


def test_gathered_texts_are_kept_by_name(story: Any) -> None:
    story.prompted().do(RecordGathered(story.one, "order", story.sealed))
    assert story.do(RecordGathered(story.one, "order", story.sealed)) == [
        TextGathered(story.one, "order", story.sealed)
    ]
    assert [name for name, _ in story.contact.gathered] == ["order"]


def test_gathered_texts_are_bounded(story: Any) -> None:
    story.prompted()
    for number in range(40):
        story.do(RecordGathered(story.one, f"a{number}", story.sealed))
    assert len(story.contact.gathered) == 32


def test_wanting_a_person_begins_the_queue(story: Any) -> None:
    wish = RecordPersonRequested(story.one, "qu_sales", 500, 100, (), HELLO)
    assert story.prompted().do(wish) == [
        TextShown(story.one, 1, HELLO),
        PersonRequested(story.one, "qu_sales", 500, 100, ()),
        StepBegun(story.one, 3, "enqueue"),
    ]
    assert story.do(wish) == []
    assert story.refusal(GiveInput(story.one, "n1", "sales", None)) == "Rejection: InputNotAwaited"


def test_the_wish_keeps_what_the_flow_asks_of_agents(story: Any) -> None:
    german = SkillChoice((SkillConjunction((SkillTerm("de", SkillOperator.AT_LEAST, 2),)),))
    story.started().do(RecordPersonRequested(story.one, "qu_sales", 0, 0, (), None, (german,)))
    assert story.contact.wish.choices == (german,)


def test_a_flow_without_questions_may_ask_for_a_person_at_once(story: Any) -> None:
    story.started().do(RecordPersonRequested(story.one, "qu_sales", 0, 0, (), None))
    assert story.contact.step.kind == "enqueue"


def test_a_completed_flow_closes_the_contact(story: Any) -> None:
    assert story.prompted().do(RecordSelfServiceCompleted(story.one, HELLO)) == [
        TextShown(story.one, 1, HELLO),
        ContactClosed(story.one, CloseReason.SELF_SERVICE_COMPLETED, ""),
        StepBegun(story.one, 3, "end_session"),
    ]


@pytest.mark.parametrize("visit_no", [2, 3])
def test_facts_of_a_flow_that_is_over_change_nothing(story: Any, visit_no: int) -> None:
    story.wanting()
    assert story.do(prompt(story, visit_no)) == []
    assert story.do(RecordText(story.one, HELLO)) == []
    assert story.do(RecordSelfServiceCompleted(story.one, HELLO)) == []
