"""Telephone numbers are compared as numbers, and who withholds one is nobody else (routing rules 10, 13 and 16)."""

import pytest
from trunkline_channels.domain.addresses import caller_identity


@pytest.mark.parametrize(
    "spelled",
    ["+4930123456", "+49 30 123456", "0049 30-123456", "+49 (30) 123.456", "+49\u2011301\u2013234 56"],
)
def test_number_is_the_same_however_it_is_spelled(spelled: str) -> None:
    assert caller_identity(spelled) == "+4930123456"


def test_digits_of_another_width_are_the_same_digits() -> None:
    assert caller_identity("+８６ 138") == "+86138"


def test_uri_of_a_number_stays_one_however_the_number_in_it_is_spelled() -> None:
    assert caller_identity("tel:+86-138-0013.8000") == caller_identity("TEL:+8613800138000") == "tel:+8613800138000"


@pytest.mark.parametrize("other", ["030123456", "+4930123457", "4930123456", "000123"])
def test_what_is_another_number_or_may_be_stays_another(other: str) -> None:
    assert caller_identity(other) == other


@pytest.mark.parametrize("address", ["sip:alice@example.com", "Alice (home)", "tel-1.a", "+49 30 x"])
def test_what_is_no_number_stands_for_itself(address: str) -> None:
    assert caller_identity(address) == address


@pytest.mark.parametrize(
    "address", ["anonymous", "Anonymous", "sip:anonymous@anonymous.invalid", " ", "-", "UNKNOWN", "tel:"]
)
def test_withheld_address_is_nobodys(address: str) -> None:
    assert caller_identity(address) == ""
