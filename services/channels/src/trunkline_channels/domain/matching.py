"""What a customer's words or keys choose of a menu. Pure; the edge asks before it seals the words.

Owns: that a digit, a keyword or the label of a button in either language chooses, and nothing like it.
"""

import unicodedata

from trunkline_core.flows import MenuOption

from trunkline_channels.domain.contact import Prompt

_OUTER = " \t\r\n.。,!?"


def match(prompt: Prompt, text: str) -> str:
    """Return the option that the text chooses; empty when it chooses none."""
    said = _plain(text)
    return next((option.option_id for option in prompt.options if said and said in _names(option)), "")


def _names(option: MenuOption) -> set[str]:
    labels = (option.label.zh, option.label.en) if option.label else ()
    return {_plain(name) for name in (option.digit, *option.keywords, *labels)} - {""}


def _plain(text: str) -> str:
    """Full-width forms become plain ones, case and outer punctuation do not count."""
    return unicodedata.normalize("NFKC", text).casefold().strip(_OUTER)
