"""Several times the callers: the queue is bounded, and with the agents that Erlang A asks for most are answered."""

import json
from pathlib import Path
from typing import Any

import pytest
from trunkline_core.errors import Misconfigured
from trunkline_operator.surging import surge
from trunkline_simulation.day.recordings import COLUMNS

CALLERS = 30


@pytest.fixture
def busy_day(tmp_path: Path) -> Path:
    """One agent, who talks for two minutes with each of those who come every minute; each third is urgent."""
    lines = [
        f"L1,{number},0,{2 if number % 3 == 0 else 0},PS,1999-08-01,9:{number:02}:00,9:{number:02}:00,0,"
        f"9:{number:02}:00,9:{2 * number:02}:00,{number * 60},AGENT,9:{2 * number:02}:00,9:{2 * number + 1:02}:59,"
        "119,MAYA"
        for number in range(CALLERS)
    ]
    path = tmp_path / "day.csv"
    path.write_text("\n".join([",".join(COLUMNS), *lines]), encoding="utf-8")
    return path


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert isinstance(found, dict)
    return found


def test_a_full_queue_lets_nobody_in_and_enough_agents_answer(
    capsys: pytest.CaptureFixture[str], busy_day: Path, tmp_path: Path
) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text("every_queue: {max_waiting: 5}", encoding="utf-8")
    surge(busy_day, 3, policy, 2, only_json=False)
    shown = capsys.readouterr().out
    found = json.loads(shown.splitlines()[-1])
    flooded, enough = found["same_agents"], found["enough_agents"]
    assert (flooded["all.offered"]["mean"], flooded["most_waiting"]["mean"]) == (3 * CALLERS, 5)
    assert flooded["all.refused_rate"]["mean"] > 0.3
    assert enough["all.answer_rate"]["mean"] >= 0.9 > found["more_agents"]["all.answer_rate"]["mean"]
    assert (flooded["bound_s"]["mean"], found["same_agents_no_priority"]["overtaken_rate"]["mean"]) == (90, 0)
    called_back = found["same_agents_call_backs"]
    assert 0 < called_back["callbacks.most_open"]["mean"] <= 30
    assert called_back["callbacks.most_dialled"]["mean"] == 1 > flooded["callbacks.most_dialled"]["mean"]
    assert called_back["largest_overtaking_s"]["mean"] <= 90
    assert called_back["callbacks.reached_rate"]["mean"] > 0.1
    assert found["agent_hours"]["enough_agents"] > found["agent_hours"]["more_agents"]
    for words in ("same agents", "enough agents", "refused, the queue was full", "most in one queue at a time"):
        assert words in shown


def test_without_a_policy_a_surge_has_one_that_bounds_the_queue(
    capsys: pytest.CaptureFixture[str], busy_day: Path
) -> None:
    surge(busy_day, 4, None, 2, only_json=True)
    assert last_line(capsys)["same_agents"]["most_waiting"]["mean"] == 30


def test_the_command_line_says_what_does_not_go_together(capsys: pytest.CaptureFixture[str], busy_day: Path) -> None:
    from trunkline_operator.commands import carry_out  # loads the rules of every service
    from trunkline_operator.installation import Installation

    places = Installation("nowhere:1", "mongodb://nowhere", "none", Path("nowhere"), None)
    day = ["what-if", "--day", str(busy_day)]
    for options in (["--surge", "1"], ["--surge", "11"], ["--surge", "two"], ["--surge", "3", "--compare"]):
        with pytest.raises(SystemExit) as ended:
            carry_out([*day, *options], places)
        assert ended.value.code == 2
    with pytest.raises(Misconfigured, match=r"^--surge chooses the agents itself: leave out --agents"):
        carry_out([*day, "--surge", "3", "--agents", "+1"], places)
    assert carry_out([*day, "--surge", "2", "--seeds", "2", "--json"], places) == 0
    assert last_line(capsys)["factor"] == 2
    assert carry_out([*day, "--compare", "--seeds", "2", "--json"], places) == 0
    assert last_line(capsys)["fifo"]["all.offered"]["mean"] == CALLERS
