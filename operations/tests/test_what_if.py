"""`trunkline what-if`: the recorded day comes out as it was, a change shows, and what is wrong is one sentence."""

import json
from pathlib import Path
from typing import Any

import pytest
from trunkline_acd.domain.words import SegmentOutcome
from trunkline_analytics.domain.segments import Outcome
from trunkline_core.errors import Misconfigured
from trunkline_operator.day_figures import FIGURES, OUTCOMES, caller_figures, recorded_figures
from trunkline_operator.report import written_estimate
from trunkline_operator.scenarios import differences, estimates_of
from trunkline_operator.what_if import what_if
from trunkline_simulation.day.recordings import COLUMNS, parse_recordings, read_recordings
from trunkline_simulation.estimates import estimate

DAY = Path(__file__).parents[2] / "data" / "anonymous-bank-1999-08-01.csv"
SMALL_DAY = """
L1,1,0,0,PS,1999-08-01,9:00:00,9:00:10,10,9:00:10,9:00:10,0,AGENT,9:00:10,9:01:10,60,MAYA
L1,2,0,2,PS,1999-08-01,9:00:20,9:00:30,10,9:00:30,9:01:10,40,AGENT,9:01:20,9:02:20,60,MAYA
L1,3,0,0,PS,1999-08-01,9:00:40,9:00:41,1,9:00:41,9:00:44,3,HANG,0:00:00,0:00:00,0,NO_SERVER
L1,4,0,0,PS,1999-08-01,9:00:40,9:00:41,1,9:00:41,9:01:11,30,HANG,0:00:00,0:00:00,0,NO_SERVER
L1,5,0,0,NE,1999-08-01,9:10:00,9:10:10,10,9:10:10,9:10:10,0,AGENT,9:10:10,9:11:10,60,TOVA
L1,6,0,0,NE,1999-08-01,9:20:00,9:20:10,10,9:20:10,9:20:10,0,AGENT,9:20:10,9:21:10,60,TOVA
"""
OVERFLOWING_DAY = """
L1,1,0,0,NE,1999-08-01,8:59:00,8:59:00,0,8:59:00,8:59:00,0,AGENT,8:59:00,8:59:30,30,TOVA
L1,2,0,0,PS,1999-08-01,9:00:00,9:00:00,0,9:00:00,9:00:00,0,AGENT,9:00:00,9:05:00,300,MAYA
L1,3,0,0,PS,1999-08-01,9:01:00,9:01:00,0,9:01:00,9:05:00,240,AGENT,9:05:00,9:06:00,60,MAYA
L1,4,0,0,NE,1999-08-01,9:10:00,9:10:00,0,9:10:00,9:10:00,0,AGENT,9:10:00,9:11:00,60,TOVA
"""


@pytest.fixture
def small_day(tmp_path: Path) -> Path:
    path = tmp_path / "day.csv"
    path.write_text(",".join(COLUMNS) + SMALL_DAY, encoding="utf-8")
    return path


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert isinstance(found, dict)
    return found


def test_the_recorded_figures_are_those_of_the_source() -> None:
    recorded = recorded_figures(read_recordings(DAY))
    assert (recorded["offered"], recorded["answered"]) == (2239, 1511)
    assert recorded["answer_rate"] == pytest.approx(0.675, abs=0.0005)
    assert recorded["answered_within_20_s"] == pytest.approx(0.267, abs=0.0005)
    assert (recorded["p50_wait_s"], recorded["p90_wait_s"]) == (96, 323)
    assert recorded["mean_wait_s"] == pytest.approx(134.8, abs=0.05)


def test_recorded_figures_by_hand() -> None:
    recorded = recorded_figures(parse_recordings([",".join(COLUMNS), *SMALL_DAY.split()]))
    assert (recorded["offered"], recorded["answered"], recorded["mean_wait_s"]) == (6, 4, 10)
    assert recorded["service_level"] == 3 / 5  # the one who left after 3 s is no part of it
    assert recorded["abandon_rate"] == 1 / 5
    assert recorded["occupancy"] == 241 / (241 + 9 + 540)  # calls and a pause of 1 s after 9:01:10
    assert recorded["utilisation"] == 241 / (130 + 660)


def test_the_simulated_day_is_like_the_recorded_one_and_more_agents_answer_more(
    capsys: pytest.CaptureFixture[str],
) -> None:
    what_if(DAY, +2, None, 3, only_json=False)
    found = last_line(capsys)
    assert found["as_it_was"]["answer_rate"]["mean"] == pytest.approx(0.675, abs=0.03)
    assert found["as_it_was"]["mean_wait_s"]["mean"] == pytest.approx(134.8, rel=0.15)
    change = found["change"]["answer_rate"]
    assert change["mean"] - change["half_width_95"] > 0
    assert change["mean"] == pytest.approx(
        found["what_if"]["answer_rate"]["mean"] - found["as_it_was"]["answer_rate"]["mean"]
    )
    assert found["change"]["mean_wait_s"]["mean"] < -10


def test_the_table_says_what_was_played(capsys: pytest.CaptureFixture[str], small_day: Path) -> None:
    what_if(small_day, -1, None, 2, only_json=False)
    shown = capsys.readouterr().out
    for words in ("recorded", "as it was", "what if", "change", "service level SL1, 20 s", "2 as it was, 1 what if"):
        assert words in shown
    assert "refused" not in shown.split("{")[0]


def test_a_figure_of_nobody_is_none_and_not_nought() -> None:
    figures = caller_figures([], 0)
    assert (figures.pop("offered"), figures.pop("refused"), figures.pop("answered")) == (0, 0, 0)
    assert set(figures.values()) == {None}
    found = estimates_of([figures, figures | {"mean_wait_s": 4.0}], FIGURES[3:11])
    assert (found["mean_wait_s"], found["answer_rate"]) == (estimate([4.0]), None)
    assert differences([figures], [figures | {"mean_wait_s": 4.0}])[0]["mean_wait_s"] is None
    assert written_estimate(FIGURES[0], None) == "–"


def test_every_outcome_of_acd_is_one_of_the_metric_definitions() -> None:
    assert set(OUTCOMES) == set(SegmentOutcome) - {SegmentOutcome.UNSPECIFIED}
    assert set(OUTCOMES.values()) == set(Outcome)


def test_json_prints_nothing_else(capsys: pytest.CaptureFixture[str], small_day: Path) -> None:
    what_if(small_day, 0, None, 2, only_json=True)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["seeds"] == 2
    assert "what_if" not in json.loads(line)


def test_a_policy_is_obeyed(capsys: pytest.CaptureFixture[str], small_day: Path, tmp_path: Path) -> None:
    """Tova learns the other type, and is there at 9:10 only: she changes nothing for those of 9:00."""
    policy = tmp_path / "p.yaml"
    policy.write_text("queues: [{queue_id: qu_ps, max_waiting: 1, short_abandon_duration: 60s}]", encoding="utf-8")
    what_if(small_day, 0, policy, 2, only_json=False)
    found = last_line(capsys)
    assert (found["as_it_was"]["refused"]["mean"], found["what_if"]["refused"]["mean"]) == (0, 2)
    assert (found["as_it_was"]["abandon_rate"]["mean"], found["what_if"]["abandon_rate"]["mean"]) == (0.2, 0)


def test_who_reaches_a_limit_has_left_unserved(
    capsys: pytest.CaptureFixture[str], small_day: Path, tmp_path: Path
) -> None:
    """Two wait for longer than 20 s: the one who would be served after 41 s, and the one who would leave after 30 s."""
    policy = tmp_path / "p.yaml"
    policy.write_text("queues: [{queue_id: qu_ps, longest_wait: {after_duration: 20s}}]", encoding="utf-8")
    what_if(small_day, 0, policy, 2, only_json=True)
    found = last_line(capsys)["what_if"]
    assert (found["offered"]["mean"], found["answered"]["mean"], found["abandon_rate"]["mean"]) == (6, 3, 0)


def test_who_flows_out_is_one_caller_and_is_answered_elsewhere(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    day = tmp_path / "day.csv"
    day.write_text(",".join(COLUMNS) + OVERFLOWING_DAY, encoding="utf-8")
    policy = tmp_path / "p.yaml"
    overflow = "{next_queue_id: qu_ne, begin_wait_duration: 30s, end_wait_duration: 30s}"
    policy.write_text(f"queues: [{{queue_id: qu_ps, overflow: {overflow}}}]", encoding="utf-8")
    what_if(day, 0, policy, 2, only_json=True)
    found = last_line(capsys)
    assert (found["what_if"]["offered"]["mean"], found["what_if"]["answer_rate"]["mean"]) == (4, 1)
    assert (found["as_it_was"]["mean_wait_s"]["mean"], found["what_if"]["mean_wait_s"]["mean"]) == (60, 0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("queues: [", "cannot be read"),
        ("- 1", "its first line: must be fields"),
        ("queue: []", "queue: is none of every_queue, queues, agents"),
        ("queues: {qu_ps: 1}", "queues: must be a list"),
        ("queues: [1]", r"queues\[0\]: must be fields"),
        ("queues: [{max_waiting: 1}]", r"queues\[0\].queue_id: is missing"),
        ("queues: [{queue_id: qu_ps}, {queue_id: qu_ps}]", r"queues\[1\].queue_id: was named before"),
        ("queues: [{queue_id: qu_xx}]", r"queues\[0\]: the day has no qu_xx, but qu_ne, qu_ps"),
        ("queues: [{queue_id: qu_ps, target_wait: 1s}]", r"queues\[0\], target_wait: is none of queue_id"),
        ("queues: [{queue_id: qu_ps, target_wait_duration: 20}]", r"queues\[0\]: .*target_wait_duration"),
        ("queues: [{queue_id: qu_ps, target_wait_duration: 0s}]", r"queues\[0\], target_wait_duration: must be longer"),
        ("queues: [{queue_id: qu_ps, wrap_up_mode: SOME}]", r"queues\[0\]: .*wrap_up_mode"),
        ("queues: [{queue_id: qu_ps, value_weight_permille: -1}]", r"value_weight_permille: must be 0 to 10000"),
        ("every_queue: {max_waiting: 0}", "every_queue, for qu_ne, max_waiting: must be 1 to 10000"),
        (
            "agents: [{agent_id: ag_maya, skills: [{skill: NE, level: 9}]}]",
            r"agents\[0\], skills\[0\].level: must be 1",
        ),
        ("agents: [{agent_id: ag_nobody}]", r"agents\[0\]: the day has no ag_nobody"),
    ],
)
def test_a_wrong_policy_is_one_sentence_that_names_the_field(
    small_day: Path, tmp_path: Path, text: str, says: str
) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text(text, encoding="utf-8")
    with pytest.raises(Misconfigured, match=f"^The policy p.yaml .*{says}"):
        what_if(small_day, 0, policy, 2, only_json=True)


def test_a_wrong_day_and_too_few_agents_are_one_sentence(small_day: Path, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"^--agents -2 is too much: the day has 2 agents"):
        what_if(small_day, -2, None, 2, only_json=True)
    with pytest.raises(FileNotFoundError):
        what_if(tmp_path / "none.csv", 0, None, 2, only_json=True)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(Misconfigured, match=r"^other.csv is no recorded day: line 1, column vru_line: missing"):
        what_if(tmp_path / "other.csv", 0, None, 2, only_json=True)


def test_the_command_line_says_what_is_wrong(capsys: pytest.CaptureFixture[str], small_day: Path) -> None:
    from trunkline_operator.commands import carry_out  # loads the rules of every service
    from trunkline_operator.installation import Installation

    places = Installation("nowhere:1", "mongodb://nowhere", "none", Path("nowhere"), None)
    with pytest.raises(Misconfigured, match=r"none.csv: No such file"):
        carry_out(["what-if", "--day", str(small_day.with_name("none.csv"))], places)
    for options in (["--seeds", "1"], ["--seeds", "many"], ["--agents", "two"]):
        with pytest.raises(SystemExit) as ended:
            carry_out(["what-if", "--day", str(small_day), *options], places)
        assert ended.value.code == 2
    assert carry_out(["what-if", "--day", str(small_day), "--agents", "-1", "--json", "--seeds", "2"], places) == 0
    assert last_line(capsys)["what_if"]["answered"]["mean"] > 0
