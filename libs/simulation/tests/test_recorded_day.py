"""The recorded day, read and cleaned, has the figures that its source states."""

from pathlib import Path

import pytest
from trunkline_simulation.day.recordings import COLUMNS, BadRecording, Recording, parse_recordings, read_recordings
from trunkline_simulation.day.staff import pause_due, roster_agents
from trunkline_simulation.day.windows import parse_window

DATA = Path(__file__).parents[3] / "data" / "anonymous-bank-1999-08-01.csv"
HEADER = ",".join(COLUMNS)
CALL = "L1,1,0,0,PS,1999-08-01,9:00:00,9:00:10,10,9:00:10,9:00:30,20,AGENT,9:00:30,9:01:30,60,MAYA"


@pytest.fixture(scope="module")
def day() -> tuple[Recording, ...]:
    return read_recordings(DATA)


def test_the_day_has_the_callers_that_the_source_counts(day: tuple[Recording, ...]) -> None:
    asked = [row for row in day if row.enqueue_s is not None]
    served = [row.waited_s for row in asked if row.is_served]
    assert (len(day), len(asked), len(served)) == (2357, 2239, 1511)
    assert sum(served) / len(served) == pytest.approx(134.8, abs=0.05)


def test_a_window_counts_who_asked_for_a_person_inside_it(day: tuple[Recording, ...]) -> None:
    window = parse_window("09:00", "11:00")
    asked = [row for row in day if row.enqueue_s is not None and row.enqueue_s in window]
    assert len(asked) == 431
    assert sum(row.is_served for row in asked) / len(asked) == pytest.approx(0.541, abs=0.0005)


@pytest.mark.parametrize(("start", "end"), [("11:00", "09:00"), ("9", "10:00"), ("24:30", "25:00")])
def test_an_impossible_window_is_refused(start: str, end: str) -> None:
    with pytest.raises(ValueError):
        parse_window(start, end)


def test_eighteen_agents_worked_and_owe_a_pause_only_once_it_begins(day: tuple[Recording, ...]) -> None:
    agents = roster_agents(day)
    assert len(agents) == 18
    agent = max(agents, key=lambda found: len(found.pauses))
    first = agent.pauses[0]
    assert pause_due(agent, 0, first.start_s - 1) is None
    assert pause_due(agent, 0, first.start_s) == first
    assert pause_due(agent, len(agent.pauses), 86400) is None


@pytest.mark.parametrize(
    ("lines", "line", "column"),
    [
        (["vru_line,call_id"], 1, "customer_id"),
        ([HEADER], 1, None),
        ([HEADER, CALL.replace("9:00:30,20", "9:00:30,-20")], 2, "q_time"),
        ([HEADER, CALL.replace("AGENT", "SPY")], 2, "outcome"),
        ([HEADER, CALL, CALL.replace("9:00:10", "9:61:10")], 3, "vru_exit"),
        ([HEADER, CALL.replace("1,0,0,PS", "1,0,7,PS")], 2, "priority"),
        ([HEADER, CALL + ",more"], 2, None),
    ],
)
def test_a_bad_file_names_line_and_column(lines: list[str], line: int, column: str | None) -> None:
    with pytest.raises(BadRecording) as refused:
        parse_recordings(lines)
    assert (refused.value.line, refused.value.column) == (line, column)
