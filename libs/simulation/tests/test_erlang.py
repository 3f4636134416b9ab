"""The closed forms give what is published, and agree with each other where they must."""

import pytest
from hypothesis import given
from hypothesis import strategies as some
from trunkline_simulation.erlang import ErlangA, ErlangC, agents_for, erlang_b


@pytest.mark.parametrize(
    ("load", "agents", "share"), [(1.0, 1, 0.5), (5.0, 10, 0.01838), (10.0, 10, 0.2146), (0.0, 3, 0)]
)
def test_erlang_b_is_that_of_the_tables(load: float, agents: int, share: float) -> None:
    assert erlang_b(load, agents) == pytest.approx(share, abs=5e-5)


def test_erlang_c_of_one_agent_is_the_single_server_queue() -> None:
    queue = ErlangC(load=0.5, agents=1, service_s=60)
    assert (queue.waiting_share, queue.mean_wait_s) == (pytest.approx(0.5), pytest.approx(60))
    assert queue.share_within(0) == pytest.approx(0.5)
    with pytest.raises(ValueError):
        ErlangC(load=10, agents=10, service_s=60)


def test_a_centre_of_50_agents_is_as_garnett_mandelbaum_and_reiman_print_it() -> None:
    """48 calls a minute of one minute; two minutes of patience ("Designing a call center with impatient customers")."""
    assert ErlangC(48, 50, 60).mean_wait_s == pytest.approx(20.8, abs=0.05)
    impatient = ErlangA(48, 50, 60, patience_s=120)
    assert impatient.abandoned_share == pytest.approx(0.031, abs=0.0005)
    assert impatient.mean_wait_s == pytest.approx(3.7, abs=0.05)


def test_erlang_a_lies_between_b_and_c() -> None:
    endless, none = ErlangA(8, 10, 60, patience_s=1e9), ErlangA(8, 10, 60, patience_s=1e-6)
    assert endless.waiting_share == pytest.approx(ErlangC(8, 10, 60).waiting_share, rel=1e-4)
    assert none.abandoned_share == pytest.approx(erlang_b(8, 10), rel=1e-4)
    assert none.waiting_share == pytest.approx(erlang_b(8, 10), rel=1e-4)


def test_erlang_a_takes_more_load_than_agents() -> None:
    overloaded = ErlangA(20, 10, 60, patience_s=60)
    assert overloaded.abandoned_share == pytest.approx(0.5, abs=0.01)


@given(some.floats(0.05, 15), some.floats(10, 1000), some.floats(0.5, 0.98))
def test_the_agents_asked_for_suffice_and_one_less_would_not(load: float, patience_s: float, share: float) -> None:
    agents = agents_for(load, 180, patience_s, share)
    assert ErlangA(load, agents, 180, patience_s).abandoned_share <= 1 - share
    assert ErlangA(load, agents - 1, 180, patience_s).abandoned_share > 1 - share


def test_nobody_is_asked_for_where_nobody_calls() -> None:
    assert agents_for(0.0, 180, 300, 0.9) == 0
