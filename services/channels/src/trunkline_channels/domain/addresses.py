"""Addresses of callers as they are compared: one number however it is spelled, and nobody's where it is withheld.

Must not: know numbering plans; a number without its country is another one than the same with it. What is dialled and
shown is the address as the gateway said it.
"""

import re
import unicodedata

_WITHHELD = frozenset({"anonymous", "private", "restricted", "unavailable", "unknown", "withheld"})
_NOBODYS_HOST = "@anonymous.invalid"  # RFC 3323
_SEPARATORS = re.compile(r"[\s().\[\]\-\u2010-\u2015\u2212]")
_INTERNATIONAL_PREFIX = re.compile(r"^00(?=[1-9])")
_NUMBER = re.compile(r"\+?[0-9]+")


def caller_identity(address: str) -> str:
    """Return what is the same for each spelling of a telephone number; empty where the caller withheld it.

    Any other address, such as a SIP URI, stands for itself. `tel:` is no spelling: customers are known with it.
    """
    said = unicodedata.normalize("NFKC", address).strip().casefold()
    scheme = "tel:" if said.startswith("tel:") else ""
    word = said.removeprefix(scheme)
    number = _SEPARATORS.sub("", word)
    if _NUMBER.fullmatch(number):
        return scheme + _INTERNATIONAL_PREFIX.sub("+", number)
    is_withheld = not number or word in _WITHHELD or word.endswith(_NOBODYS_HOST)
    return "" if is_withheld else address
