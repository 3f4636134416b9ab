from dataclasses import replace

import pytest
from trunkline_core.errors import Invalid
from trunkline_core.sealed import Sealed, check_sealed

TEXT = Sealed("dk_1", b"n" * 12, b"x" + b"t" * 16)


@pytest.mark.parametrize("text", [TEXT, replace(TEXT, ciphertext=b"x" * (2048 + 16)), replace(TEXT, key_id="k" * 128)])
def test_a_sealed_text_within_its_bounds_is_taken(text):
    check_sealed("name", text, 2048)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "must be set"),
        (replace(TEXT, key_id=""), "must be a sealed text"),
        (replace(TEXT, key_id="k" * 129), "must be a sealed text"),
        (replace(TEXT, nonce=b"n" * 11), "must be a sealed text"),
        (replace(TEXT, ciphertext=b"t" * 16), "must not be empty"),
        (replace(TEXT, ciphertext=b""), "must not be empty"),
        (replace(TEXT, ciphertext=b"x" * (2048 + 17)), "must have at most 2 KiB"),
    ],
)
def test_what_can_be_seen_of_a_sealed_text_is_checked(text, reason):
    with pytest.raises(Invalid, match=f"^name: {reason}$"):
        check_sealed("name", text, 2048)
