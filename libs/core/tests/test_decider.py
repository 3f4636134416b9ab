"""A refused command leaves no trace, and an event is visible to the next decision of its own command."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from trunkline_core.decider import Context, execute
from trunkline_core.errors import Invalid, Overloaded, Rejection, Transient, TrunklineError
from trunkline_core.ids import derive_id
from trunkline_core.tables import Journal, Table

CONTEXT = Context(datetime(2026, 1, 5, 9, tzinfo=UTC), tenant="tn_1", actor="system", command_id="c1")


@dataclass(frozen=True, slots=True)
class SlotTaken:
    agent: str


class Slots:
    def __init__(self) -> None:
        self.journal = Journal()
        self.taken: Table[str, int] = Table(self.journal)


class TakeSlots:
    """Takes as many slots as asked, one event each; an agent has two."""

    def decide(self, state: Slots, command: tuple[str, int], context: Context) -> Iterator[SlotTaken]:
        agent, wanted = command
        for _ in range(wanted):
            if (state.taken.get(agent) or 0) >= 2:
                raise Rejection("AgentAtCapacity")
            yield SlotTaken(agent)

    def evolve(self, state: Slots, event: SlotTaken, context: Context) -> None:
        state.taken.put(event.agent, (state.taken.get(event.agent) or 0) + 1)


def test_a_later_event_of_a_command_sees_the_earlier_one() -> None:
    state = Slots()
    assert execute(TakeSlots(), state, ("ag_1", 2), CONTEXT) == [SlotTaken("ag_1")] * 2
    assert state.taken.get("ag_1") == 2


def test_a_rejection_after_some_events_takes_them_back() -> None:
    state = Slots()
    execute(TakeSlots(), state, ("ag_1", 1), CONTEXT)
    with pytest.raises(Rejection, match="AgentAtCapacity"):
        execute(TakeSlots(), state, ("ag_1", 2), CONTEXT)
    assert state.taken.get("ag_1") == 1


def test_a_defect_in_a_rule_takes_the_events_back_too() -> None:
    class Defective(TakeSlots):
        def evolve(self, state: Slots, event: SlotTaken, context: Context) -> None:
            super().evolve(state, event, context)
            raise ZeroDivisionError

    state = Slots()
    with pytest.raises(ZeroDivisionError):
        execute(Defective(), state, ("ag_1", 1), CONTEXT)
    assert "ag_1" not in state.taken


def test_ids_repeat_for_the_same_command_and_differ_otherwise() -> None:
    assert CONTEXT.new_id("ct") == derive_id("ct", "c1", 0)
    others = {derive_id("ct", "c1", 1), derive_id("ct", "c2", 0), derive_id("ag", "c1", 0)}
    assert len(others | {CONTEXT.new_id("ct")}) == 4
    assert CONTEXT.new_id("ct").startswith("ct_")
    assert replace(CONTEXT, actor="customer").new_id("ct") == CONTEXT.new_id("ct")


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (Overloaded("lane", 1.0), True),
        (Transient("broker away"), True),
        (Rejection("x"), False),
        (Invalid("a.b", "too long"), False),
    ],
)
def test_an_error_says_itself_whether_a_retry_can_help(error: TrunklineError, retryable: bool) -> None:
    assert error.retryable is retryable
