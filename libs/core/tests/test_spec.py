"""The test language itself: a wrong expectation fails."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, NotFound, Rejection
from trunkline_core.spec import Spec
from trunkline_core.tables import Journal, Table

CONTEXT = Context(datetime(2026, 1, 5, 9, tzinfo=UTC), tenant="tn_1", actor="system", command_id="")


class Doors:
    def __init__(self) -> None:
        self.journal = Journal()
        self.opened: Table[str, datetime] = Table(self.journal)


class OpenDoors:
    """Opens a door once an hour."""

    def decide(self, state: Doors, command: str, context: Context) -> Iterator[str]:
        since = state.opened.get(command)
        if since and context.now - since < timedelta(hours=1):
            raise Rejection("OpenedLately")
        if not command.islower():
            raise Invalid("door", "must be small letters")
        yield command

    def evolve(self, state: Doors, event: str, context: Context) -> None:
        state.opened.put(event, context.now)


@pytest.fixture
def doors() -> Spec[Doors, str, str]:
    return Spec(OpenDoors(), Doors, CONTEXT)


def test_history_time_and_commands_lead_to_the_outcome(doors: Spec[Doors, str, str]) -> None:
    doors.given("north").when("north").then_refused(Rejection("OpenedLately"))
    doors.after(timedelta(hours=1)).when("north").then("north")


def test_a_wrong_expectation_fails(doors: Spec[Doors, str, str]) -> None:
    doors.given("north").when("south")
    for events in ((), ("north",), ("south", "south")):
        with pytest.raises(AssertionError):
            doors.then(*events)
    with pytest.raises(AssertionError):
        doors.then_refused(Rejection("OpenedLately"))


def test_another_refusal_than_expected_fails(doors: Spec[Doors, str, str]) -> None:
    doors.given("north").when("north")
    for refusal in (Rejection("Locked"), NotFound("door", "north")):
        with pytest.raises(AssertionError):
            doors.then_refused(refusal)
    with pytest.raises(AssertionError):
        doors.then("north")


def test_a_wrong_input_is_told_by_its_field_and_why(doors: Spec[Doors, str, str]) -> None:
    doors.when("North").then_invalid("door").then_invalid("door", "small letters")
    for field, reason in (("window", ""), ("door", "large letters")):
        with pytest.raises(AssertionError):
            doors.then_invalid(field, reason)
    with pytest.raises(AssertionError):
        doors.when("north").then_invalid("door")


def test_log_time_is_told(doors: Spec[Doors, str, str]) -> None:
    assert doors.after(timedelta(hours=1)).now == CONTEXT.now + timedelta(hours=1)
