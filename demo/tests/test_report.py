"""The report of a run: the keys others read, and the mark on figures that cannot be compared."""

import json
from dataclasses import replace
from io import StringIO

from rich.console import Console
from trunkline_demo.reference import WHOLE_DAY
from trunkline_demo.report import Measured, Troubles, json_line, print_table
from trunkline_demo.truths import summarise

KEYS = [
    "offered", "answered", "abandoned_in_queue", "hung_up_in_menu", "lost", "connected_twice", "conservation_error",
    "mean_wait_s", "p50_wait_s", "p90_wait_s", "answered_within_20_s", "offer_ms_p50", "offer_ms_p99", "offer_ms_max",
    "ring_ms_p50", "ring_ms_p99", "live_lag_ms_p95", "events", "wall_s",
]  # fmt: skip
TRUTH = summarise(offered=4, abandoned=2, hung_up_in_menu=1, answered_waits_s=[10.0, 40.0])
RUN = Measured(
    figures=summarise(offered=4, abandoned=1, hung_up_in_menu=1, answered_waits_s=[5.0, 20.0, 80.04]),
    lost=0,
    connected_twice=0,
    conservation_error=0,
    offer_ms=[1.0, 2.0, 3.0],
    ring_ms=[10.0, 20.0, 30.0],
    live_lag_ms=[100.0],
    events=77,
    wall_s=12.34,
    speed=20,
)


def printed(run: Measured) -> str:
    text = StringIO()
    print_table(run, TRUTH, Console(file=text, width=120))
    return text.getvalue()


def test_the_last_line_has_exactly_the_promised_keys_in_their_order():
    assert list(json.loads(json_line(RUN))) == KEYS


def test_the_last_line_carries_the_figures():
    line = json.loads(json_line(RUN))
    assert (line["offered"], line["answered"], line["abandoned_in_queue"], line["hung_up_in_menu"]) == (4, 3, 1, 1)
    assert (line["mean_wait_s"], line["p50_wait_s"], line["p90_wait_s"]) == (35.0, 20.0, 80.0)
    assert line["answered_within_20_s"] == 0.6667
    assert (line["offer_ms_p50"], line["offer_ms_p99"], line["offer_ms_max"]) == (2.0, 3.0, 3.0)
    assert (line["ring_ms_p50"], line["live_lag_ms_p95"], line["events"], line["wall_s"]) == (20.0, 100.0, 77, 12.3)


def test_the_table_shows_run_and_truth_side_by_side():
    text = printed(RUN)
    assert "75.0%" in text
    assert "50.0%" in text


def test_one_hop_is_told_in_day_seconds_and_comparable_up_to_five():
    text = printed(RUN)
    assert "one hop: p50 20.0 wall ms = 0.4 day-seconds" in text
    assert "not comparable" not in text
    assert replace(RUN, speed=250).is_comparable()


def test_above_five_day_seconds_the_run_is_marked_as_not_comparable():
    assert "not comparable" in printed(replace(RUN, speed=251))


def test_a_run_in_which_nothing_rang_claims_no_latency_and_no_comparison():
    silent = replace(RUN, offer_ms=[], ring_ms=[], live_lag_ms=[])
    assert json.loads(json_line(silent))["ring_ms_p50"] is None
    assert "not comparable" in printed(silent)
    assert "one hop" not in printed(silent)


def test_nothing_is_said_of_what_did_not_happen():
    assert list(Troubles().lines()) == []
    for words in ("refused", "closed by the system", "failed", "without an answer"):
        assert words not in printed(RUN)


def test_what_should_not_have_happened_is_told_line_by_line():
    troubles = Troubles(
        refused=1,
        closed_by_system=2,
        failed_to_start=3,
        unanswered=4,
        desk_refusals=("OfferEnded", "NotFound", "OfferEnded"),
        errors=(ValueError("first [red]"), KeyError("second")),
    )
    text = printed(replace(RUN, troubles=troubles))
    for line in (
        "contacts refused: 1",
        "contacts closed by the system before an answer: 2",
        "callers whose contact failed to start: 3",
        "requests of callers without an answer: 4",
        "requests of desks refused: 3 (OfferEnded 2, NotFound 1)",
        "callers and agents that failed: 2, first ValueError: first [red]",
    ):
        assert line in text.splitlines()


def test_the_simulation_stands_beside_the_run_with_its_source_where_it_is_known():
    text = StringIO()
    print_table(RUN, TRUTH, Console(file=text, width=120), WHOLE_DAY)
    assert "67.4 ± 1.1%" in text.getvalue()
    assert "129.6 ± 11.6" in text.getvalue()
    assert "python -m trunkline_demo.reference --seeds 30" in text.getvalue()
    assert "simulation" not in printed(RUN)
