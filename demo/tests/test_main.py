"""What a user can cause ends in one sentence and an exit code, never in a trace."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiokafka.errors import KafkaConnectionError
from trunkline_core.errors import Misconfigured
from trunkline_demo import __main__ as program
from trunkline_demo.report import Measured, Troubles
from trunkline_demo.truths import summarise

RUN = Measured(summarise(1, 0, 0, [5.0]), 0, 0, 0, [1.0], [1.0], [1.0], 7, 1.0, 20)
FAILED = Measured(
    summarise(1, 0, 0, [5.0]), 0, 0, 0, [1.0], [1.0], [1.0], 7, 1.0, 20, Troubles(errors=(ValueError("broken"),))
)

Main = Callable[[Measured | BaseException], int]


@pytest.fixture
def run_main(monkeypatch: pytest.MonkeyPatch) -> Main:
    """Runs the program around a replay that ends like that."""
    for name in ("SPEED", "SEED", "FROM", "TO", "DATA"):
        monkeypatch.delenv(name, raising=False)

    def run(end: Measured | BaseException) -> int:
        async def replay(*_: Any) -> Measured:
            if isinstance(end, BaseException):
                raise end
            return end

        monkeypatch.setattr(program, "replay", replay)
        return program.main()

    return run


def never(*_: Any) -> Awaitable[Measured]:
    raise AssertionError("something was started")


def test_a_good_run_ends_with_its_line_and_0(run_main: Main, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(RUN) == 0
    said = capsys.readouterr()
    assert json.loads(said.out.splitlines()[-1])["events"] == 7
    assert "simulation" in said.out
    assert said.err == ""


def test_callers_that_failed_make_the_run_fail_and_its_line_is_still_the_last(
    run_main: Main, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(FAILED) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "callers and agents that failed: 1, first ValueError: broken" in lines
    assert json.loads(lines[-1])["answered"] == 1


@pytest.mark.parametrize(
    ("end", "sentence", "code"),
    [
        (KeyboardInterrupt(), "stopped before the end, so there are no figures.", 130),
        (Misconfigured("The console refuses the log-in of AVI: 401"), "The console refuses the log-in of AVI: 401", 1),
        (KafkaConnectionError(), "The centre went away (KafkaConnectionError): see its logs.", 1),
        (aiohttp.ServerDisconnectedError(), "The centre went away (ServerDisconnectedError): see its logs.", 1),
        (TimeoutError(), "The centre went away (TimeoutError): see its logs.", 1),
    ],
)
def test_what_ends_a_run_early_is_one_sentence(
    run_main: Main, capsys: pytest.CaptureFixture[str], end: BaseException, sentence: str, code: int
) -> None:
    assert run_main(end) == code
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"demo: {sentence}\n")


@pytest.mark.parametrize(
    ("settings", "begin"),
    [({"SPEED": "abc"}, "demo: SPEED must be "), ({"FROM": "00:00", "TO": "01:00"}, "demo: Nobody asks for a person ")],
)
def test_wrong_settings_and_an_empty_window_start_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: dict[str, str], begin: str
) -> None:
    monkeypatch.setattr(program, "replay", never)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert program.main() == 1
    said = capsys.readouterr().err
    assert said.startswith(begin)
    assert said.count("\n") == 1


def test_a_defect_of_our_own_is_no_sentence(run_main: Main) -> None:
    with pytest.raises(ZeroDivisionError):
        run_main(ZeroDivisionError())
