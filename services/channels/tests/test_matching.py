"""What a customer's words or keys choose."""

import pytest
from trunkline_channels.domain.contact import Prompt
from trunkline_channels.domain.matching import match
from trunkline_core.flows import MenuOption
from trunkline_core.texts import LocalizedText

PROMPT = Prompt(
    "n1",
    1,
    LocalizedText("请选择", "Choose"),
    (
        MenuOption("sales", LocalizedText("销售", "Sales"), "1", ("buy", "买"), "n2"),
        MenuOption("person", LocalizedText("人工", "A person"), "0", ("agent",), "n3"),
    ),
)


@pytest.mark.parametrize(
    ("text", "option_id"),
    [
        ("1", "sales"),
        ("１", "sales"),
        (" 0 ", "person"),
        ("Buy", "sales"),
        ("买", "sales"),
        ("销售。", "sales"),
        ("a PERSON!", "person"),
        ("agents", ""),
        ("", ""),
        ("   ", ""),
        ("12", ""),
        ("refund", ""),
    ],
)
def test_words_choose_by_digit_keyword_or_label(text: str, option_id: str) -> None:
    assert match(PROMPT, text) == option_id


def test_a_question_for_free_text_offers_no_choice() -> None:
    assert match(Prompt("n1", 1, None, ()), "1") == ""
