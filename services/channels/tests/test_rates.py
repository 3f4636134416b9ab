"""How often is too often, and that remembering it is bounded."""

import pytest
from trunkline_channels.application import rates
from trunkline_channels.application.rates import Rate
from trunkline_core.errors import Overloaded


def test_each_key_has_its_own_limit_in_any_span() -> None:
    now = [0.0]
    rate = Rate("it", 2, 10.0, lambda: now[0])
    rate.count("a")
    now[0] = 4.0
    rate.count("a")
    with pytest.raises(Overloaded) as refused:
        rate.count("a")
    assert refused.value.retry_after_s == 6.0
    rate.count("b")
    now[0] = 10.0
    rate.count("a")
    with pytest.raises(Overloaded):
        rate.count("a")


def test_the_key_not_seen_for_longest_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MAX_KEYS", 2)
    rate = Rate("it", 1, 10.0, lambda: 0.0)
    rate.count("a")
    rate.count("b")
    with pytest.raises(Overloaded):
        rate.count("a")
    rate.count("c")
    rate.count("b")
    with pytest.raises(Overloaded):
        rate.count("b")
