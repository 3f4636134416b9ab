"""Virtual time around a decider: what happens, in which order, and what is told of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from trunkline_core.decider import Context
from trunkline_core.errors import Rejection, TrunklineError
from trunkline_core.tables import Journal, Table
from trunkline_core.timers import Timer, Timers
from trunkline_simulation.partition import Partition

START = datetime(2026, 1, 5, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Boil:
    egg: str
    seconds: int


@dataclass(frozen=True, slots=True)
class TakeOut:
    egg: str


Command = Boil | TakeOut
Event = Boil | TakeOut


class Kitchen:
    def __init__(self) -> None:
        self.journal = Journal()
        self.timers: Timers[Command] = Timers(self.journal)
        self.eggs: Table[str, bool] = Table(self.journal)


class Cook:
    """Boils eggs; none twice at once. With `forgets`, a timer that fired stays."""

    def __init__(self, forgets: bool = False) -> None:
        self._forgets = forgets

    def decide(self, state: Kitchen, command: Command, context: Context) -> Iterator[Event]:
        if isinstance(command, Boil) and command.egg in state.eggs:
            raise Rejection("AlreadyBoiling")
        yield command

    def evolve(self, state: Kitchen, event: Event, context: Context) -> None:
        if isinstance(event, Boil):
            state.eggs.put(event.egg, True)
            due = context.now + event.seconds * SECOND
            state.timers.set(Timer(event.egg, due, context.tenant, TakeOut(event.egg)))
        elif not self._forgets:
            state.eggs.delete(event.egg)
            state.timers.cancel(event.egg)


class Diary:
    """What was told, with the second."""

    def __init__(self, cook: Cook | None = None) -> None:
        self.lines: list[tuple[float, str]] = []
        self.partition = Partition(cook or Cook(), Kitchen(), "tn_1", START, self._react)

    def write(self, words: str) -> None:
        self.lines.append(((self.partition.now - START) / SECOND, words))

    def _react(self, command: Command, answer: list[Event] | TrunklineError) -> None:
        self.write(repr(answer) if isinstance(answer, TrunklineError) else f"{type(command).__name__} {command.egg}")


def test_a_timer_fires_when_it_is_due_and_not_after_the_end() -> None:
    diary = Diary()
    diary.partition.submit(Boil("a", 300))
    diary.partition.submit(Boil("b", 600))
    diary.partition.run(START + 599 * SECOND)
    assert diary.lines == [(0, "Boil a"), (0, "Boil b"), (300, "TakeOut a")]
    assert diary.partition.now == START + 599 * SECOND
    diary.partition.run(START + 600 * SECOND)
    assert diary.lines[3:] == [(600, "TakeOut b")]


def test_a_timer_comes_before_what_is_due_at_the_same_moment() -> None:
    diary = Diary()
    diary.partition.submit(Boil("a", 5))
    diary.partition.at(START + 5 * SECOND, lambda: diary.partition.submit(Boil("a", 7)))
    diary.partition.run(START + 9 * SECOND)
    assert diary.lines == [(0, "Boil a"), (5, "TakeOut a"), (5, "Boil a")]


def test_actions_of_one_moment_keep_their_order_and_late_ones_happen_now() -> None:
    diary = Diary()
    for words in ("first", "second"):
        diary.partition.at(START + SECOND, lambda words=words: diary.write(words))
    diary.partition.at(START + SECOND, lambda: diary.partition.at(START, lambda: diary.write("late")))
    diary.partition.at(START + 2 * SECOND, lambda: diary.write("last"))
    diary.partition.run(START + 3 * SECOND)
    assert diary.lines == [(1, "first"), (1, "second"), (1, "late"), (2, "last")]


def test_a_refusal_is_told_and_changes_nothing() -> None:
    diary = Diary()
    diary.partition.submit(Boil("a", 5))
    diary.partition.submit(Boil("a", 1))
    diary.partition.run(START + 3 * SECOND)
    assert diary.lines == [(0, "Boil a"), (0, "Rejection('AlreadyBoiling')")]
    assert diary.partition.commands == 2


def test_a_timer_that_would_fire_for_ever_is_a_defect() -> None:
    diary = Diary(Cook(forgets=True))
    diary.partition.submit(Boil("a", 5))
    with pytest.raises(AssertionError, match="for ever"):
        diary.partition.run(START + 9 * SECOND)
