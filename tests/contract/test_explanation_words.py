"""Whatever routing says of a contact has words in both languages, and no words stand there that nothing says."""

import re
from string import Formatter

import pytest
from trunkline_acd.domain.explanations import WhyNot
from trunkline_acd.domain.offer_history import OfferOutcome
from trunkline_acd.domain.strategies import NotBest
from trunkline_acd.domain.words import Trigger
from trunkline_console.application import explanation_words as words
from trunkline_console.application.explanation_words import Text

WORDS = {
    f"{name}.{word}": text
    for name in ("TRIGGERS", "OUTCOMES", "BEST", "REASONS", "OBSTACLES", "SENTENCES")
    for word, text in getattr(words, name).items()
}


def test_every_trigger_of_an_offer_has_words():
    assert set(words.TRIGGERS) == set(Trigger)


def test_every_reason_has_words():
    assert set(words.REASONS) == {*WhyNot, *NotBest}
    assert set(words.BEST) == set(NotBest)


def test_every_reason_that_keeps_somebody_with_the_skills_has_words_for_several():
    """Who is asked at the same time keeps nobody waiting."""
    assert set(words.OBSTACLES) == set(WhyNot) - {WhyNot.SKILL_MISSING, WhyNot.ASKED_TOO}


def test_every_outcome_of_an_offer_has_words():
    assert set(words.OUTCOMES) == {outcome.name for outcome in OfferOutcome} - {"UNSPECIFIED"}


@pytest.mark.parametrize("name", WORDS)
def test_both_languages_say_the_same_values(name):
    text: Text = WORDS[name]
    assert text.zh != text.en
    assert re.search("[\u3000-\u9fff]", text.zh)
    assert fields(text.zh) == fields(text.en)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}
