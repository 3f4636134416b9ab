"""Every wrong setting is one sentence that names it, and a window without callers is one before anything starts."""

from pathlib import Path

import pytest
from trunkline_core.errors import Misconfigured
from trunkline_demo.settings import DAY, Settings, read_plan, read_settings
from trunkline_simulation.day.windows import Window, parse_window


def test_what_is_not_set_or_empty_has_its_default() -> None:
    assert read_settings({}) == Settings(240.0, 1, Window(), DAY)
    assert read_settings(dict.fromkeys(["SPEED", "SEED", "FROM", "TO", "DATA"], "")) == Settings()


def test_what_is_set_is_taken() -> None:
    chosen = {"SPEED": "20", "SEED": "7", "FROM": "09:00", "TO": "11:00", "DATA": "other.csv"}
    assert read_settings(chosen) == Settings(20.0, 7, parse_window("09:00", "11:00"), Path("other.csv"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SPEED", "abc"),
        ("SPEED", "0.5"),
        ("SPEED", "1001"),
        ("SPEED", "nan"),
        ("SEED", "abc"),
        ("SEED", "1.5"),
        ("FROM", "25:00"),
        ("TO", "noon"),
    ],
)
def test_a_wrong_setting_is_one_sentence_that_names_setting_and_value(name: str, value: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        read_settings({name: value})
    assert str(refused.value).startswith(f"{name} must be ")
    assert str(refused.value).endswith(f"not '{value}'.")


@pytest.mark.parametrize("end", ["09:00", "08:59"])
def test_a_window_that_ends_before_it_begins_names_both_settings(end: str) -> None:
    with pytest.raises(Misconfigured, match=rf"^FROM must be before TO, and 09:00 is not before {end}\.$"):
        read_settings({"FROM": "09:00", "TO": end})


def test_a_window_in_which_nobody_asks_for_a_person_is_refused() -> None:
    with pytest.raises(Misconfigured, match=r"^Nobody asks for a person in 00:00-01:00: choose another FROM or TO\.$"):
        read_plan(Settings(window=parse_window("00:00", "01:00")))


def test_a_window_with_callers_is_planned() -> None:
    _, plan = read_plan(Settings(window=parse_window("09:00", "11:00")))
    assert sum(caller.counts for caller in plan.callers) == 431


def test_a_file_that_is_no_recorded_day_is_one_sentence_that_names_it(tmp_path: Path) -> None:
    missing, wrong = tmp_path / "none.csv", tmp_path / "wrong.csv"
    wrong.write_text("a,b\n1,2\n")
    with pytest.raises(Misconfigured, match=r"^DATA: \S+none\.csv cannot be read \(No such file or directory\)\.$"):
        read_plan(Settings(data=missing))
    with pytest.raises(Misconfigured, match=r"^DATA: \S+wrong\.csv is no recorded day \(line 1, column vru_line: "):
        read_plan(Settings(data=wrong))


def test_the_simulation_is_known_of_the_whole_recorded_day_only(tmp_path: Path) -> None:
    assert read_settings({"SEED": "5", "SPEED": "20"}).is_whole_recorded_day
    assert not read_settings({"TO": "11:00"}).is_whole_recorded_day
    assert not read_settings({"DATA": str(tmp_path / "other.csv")}).is_whole_recorded_day
