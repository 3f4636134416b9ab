"""What is kept running, and when that ends: real processes that end by themselves."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from trunkline_core.errors import Misconfigured
from trunkline_embedded.process import ChildProcess
from trunkline_launcher import supervisor
from trunkline_launcher.supervisor import MAX_DEATHS, Kept
from waiting import wait_until


class Program:
    """A shell script as a server."""

    def __init__(self, script: str, log: Path) -> None:
        self._script = script
        self.log = log
        self.starts = 0
        self.restart()

    @property
    def is_running(self) -> bool:
        return self._child.is_running

    @property
    def returncode(self) -> int | None:
        return self._child.returncode

    def last_lines(self) -> list[str]:
        return self._child.last_lines()

    def bound_log(self) -> None:
        self._child.bound_log()

    def restart(self) -> None:
        self._child = ChildProcess(["sh", "-c", self._script], self.log)
        self.starts += 1

    def terminate(self) -> None:
        self._child.terminate()

    def stop(self, timeout_s: float = 5.0) -> None:
        self._child.stop(timeout_s)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[[str], Program]]:
    programs: list[Program] = []

    def start(script: str) -> Program:
        programs.append(Program(script, tmp_path / "log"))
        return programs[-1]

    yield start
    for program in programs:
        program.stop()


def look_after(program: Program, kept: Kept, times: int, lines: list[str]) -> None:
    for _ in range(times):
        wait_until(lambda: not program.is_running, "the program ends")
        kept.look_after(lines.append)


def test_what_keeps_dying_ends_the_run_with_its_last_words(started, tmp_path):
    program = started("echo the disk is full; exit 3")
    kept, lines = Kept("acd", program), []
    with pytest.raises(Misconfigured) as error:
        look_after(program, kept, MAX_DEATHS + 1, lines)
    head, *tail = str(error.value).splitlines()
    assert head == f"acd keeps ending, its log {tmp_path / 'log'} ends so:"
    assert tail == ["the disk is full"] * (MAX_DEATHS + 1)
    assert lines == ["acd ended with code 3, starting it again"] * MAX_DEATHS


def test_deaths_long_ago_do_not_count(started, monkeypatch):
    monkeypatch.setattr(supervisor, "DEATHS_WITHIN_S", 0.0)
    program = started("exit 3")
    look_after(program, Kept("acd", program), MAX_DEATHS + 3, [])
    assert program.starts == MAX_DEATHS + 4


def test_what_says_that_it_is_misconfigured_is_not_started_again(started):
    program = started("echo acd: TRUNKLINE_SECRET is not set.; exit 78")
    with pytest.raises(Misconfigured, match=r"^acd: TRUNKLINE_SECRET is not set\.$"):
        look_after(program, Kept("acd", program), 1, [])
    assert program.starts == 1


def test_what_runs_is_left_alone(started):
    program = started("sleep 300")
    Kept("acd", program).look_after(pytest.fail)
    assert program.starts == 1
