"""The longest message is one number, wherever it is looked at."""

import re
from pathlib import Path

from trunkline_channels.domain.policy import MAX_TEXT_BYTES
from trunkline_console.application import wishes
from trunkline_ivr.domain import sessions
from trunkline_ticketing.domain import tickets

WEB = Path(__file__).resolve().parents[2] / "services" / "console" / "web" / "src" / "contract" / "text.ts"


def test_desk_page_and_console_let_through_what_channels_takes_and_no_more() -> None:
    said = re.search(r"MAX_TEXT_BYTES = ([\d* ]+);", WEB.read_text(encoding="utf-8"))
    assert said is not None
    factors = [int(factor) for factor in said[1].split("*")]
    assert factors[0] * factors[1] == wishes.MAX_TEXT_BYTES == MAX_TEXT_BYTES


def test_what_stands_twice_in_its_record_is_no_longer_anywhere() -> None:
    assert sessions.MAX_TEXT_BYTES == tickets.MAX_NOTE_BYTES == MAX_TEXT_BYTES
