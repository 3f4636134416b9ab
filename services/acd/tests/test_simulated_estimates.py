"""How the goodness of estimated waits is measured: figures by hand, and a small centre."""

from datetime import UTC, datetime, timedelta

import pytest
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import ContactConnected, ContactEnqueued, ContactReleased, WrapUpFinished
from trunkline_acd.domain.words import WaitEstimate
from trunkline_acd.simulation.estimates import Clerk, Met, figures

T0 = datetime(2026, 1, 5, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def met(p50_s, p80_s, naive_s):
    return Met(WaitEstimate(0, 1, p50_s * SECOND, p80_s * SECOND), naive_s)


def test_figures_are_those_of_callers_whose_estimate_and_wait_are_known():
    found = figures(
        {"a": met(10, 20, 50.0), "b": met(10, 20, 10.0), "c": met(1, 2, 3.0), "d": Met(WaitEstimate(0, 1), 9.0)},
        {"a": 20.0, "b": 25.0, "d": 3.0, "unasked": 7.0},
    )
    assert found == {
        "held": 0.5,
        "error_s": (10 + 15) / 2,
        "naive_error_s": (30 + 15) / 2,
        "measured": 2,
        "unknown": 1,
        "unanswered": 1,
    }


@pytest.mark.parametrize(("asked_after_s", "naive_s"), [(200, 3 * 100 / 2), (3600 + 100, 3 * 130 / 2), (9000, None)])
def test_the_rule_of_thumb_is_rank_by_handling_time_of_the_last_hour_over_agents(asked_after_s, naive_s):
    clerk = Clerk()
    for name in ("ct_1", "ct_2"):
        clerk.see(ContactConnected(name, 2, "qu_sales", 1, 1, "ag_1", SECOND), T0)
    clerk.see(ContactReleased("ct_1", "ag_1", "qu_sales", False, None), T0 + 70 * SECOND)
    clerk.see(ContactReleased("ct_2", "ag_1", "qu_sales", True, None), T0 + 90 * SECOND)
    clerk.see(WrapUpFinished("ct_2", "ag_1", "", False), T0 + 130 * SECOND)
    entered = ContactEnqueued("ct_3", 1, "qu_sales", 1, Channel.VOICE, 0, 0, (), estimate=WaitEstimate(2, 2))
    clerk.see(entered, T0 + asked_after_s * SECOND)
    assert clerk.met["ct_3"].naive_s == naive_s
