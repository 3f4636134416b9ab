"""Texts that customers and agents read, in the two languages of the product."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LocalizedText:
    """One text; `zh` is Simplified Chinese."""

    zh: str
    en: str
