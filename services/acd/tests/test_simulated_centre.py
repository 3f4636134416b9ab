"""Agents at their desks and callers around acd's rules: who waits, who pauses, and what is written down of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from trunkline_acd.domain.words import CallbackOutcome, SegmentOutcome
from trunkline_acd.simulation.calls import Call, Record
from trunkline_acd.simulation.centre import Centre, Rostered
from trunkline_core.errors import Invalid
from trunkline_core.routing import (
    AgentDefinition,
    CallbackMode,
    CallbackPolicy,
    QueueDefinition,
    RoutingStrategy,
    WrapUpMode,
)
from trunkline_core.texts import LocalizedText
from trunkline_simulation.day.plan import CallbackWish
from trunkline_simulation.day.staff import Agent, Pause

START = datetime(1999, 8, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
QUEUE = QueueDefinition(
    queue_id="qu_1",
    name=LocalizedText("", ""),
    requirements=(),
    target_wait_duration=20 * SECOND,
    value_weight_permille=0,
    urgency_weight_permille=4500,
    voice_lease_duration=20 * SECOND,
    chat_lease_duration=20 * SECOND,
    miss_exclusion_duration=30 * SECOND,
    max_misses=2,
    wrap_up_mode=WrapUpMode.UNTIMED,
    wrap_up_duration=30 * SECOND,
    short_abandon_duration=5 * SECOND,
    max_waiting=100,
)


def agent(*pauses: tuple[int, int], name: str = "1", duty: tuple[int, int] = (0, 1000)) -> Rostered:
    """An agent who owes pauses (from, for so long)."""
    owed = tuple(Pause(*pause) for pause in pauses)
    return Rostered(AgentDefinition(f"ag_{name}", (), 1), Agent(name, frozenset(), *duty, owed))


def call(number: int, enters_s: float, service_s: float, patience_s: float | None = None, **more: Any) -> Call:
    return Call(f"ct_{number}", "qu_1", enters_s, patience_s, service_s, **more)


def play(agents: Sequence[Rostered], calls: Sequence[Call], until_s: float = 3000, **policy: Any) -> Record:
    return Centre(START, [replace(QUEUE, **policy)], agents).play(calls, until_s)


def answered(record: Record) -> dict[str, float]:
    """Return the second of the answer of each contact."""
    answers = [stay for stay in record.stays if stay.outcome is SegmentOutcome.ANSWERED]
    return {stay.contact_id: (stay.entered_time + stay.wait - START) / SECOND for stay in answers}


def test_calls_are_served_one_after_another_for_as_long_as_they_take() -> None:
    record = play([agent()], [call(1, 10, 60), call(2, 20, 60), call(3, 200, 60)])
    assert answered(record) == {"ct_1": 10, "ct_2": 70, "ct_3": 200}


def test_who_is_out_of_patience_leaves_unless_just_answered() -> None:
    record = play([agent()], [call(1, 0, 60), call(2, 10, 60, 49.9), call(3, 10, 60, 50), call(4, 11, 1, 4)])
    assert answered(record) == {"ct_1": 0, "ct_3": 60}
    left = {stay.contact_id: (stay.outcome, stay.wait) for stay in record.stays if stay.contact_id in ("ct_2", "ct_4")}
    assert left == {
        "ct_2": (SegmentOutcome.ABANDONED, 49.9 * SECOND),
        "ct_4": (SegmentOutcome.SHORT_ABANDONED, 4 * SECOND),
    }


def test_a_caller_without_patience_is_answered_at_once_or_lost() -> None:
    record = play([agent()], [call(1, 0, 60, 0), call(2, 30, 60, 0), call(3, 60.5, 60, 0)])
    assert answered(record) == {"ct_1": 0, "ct_3": 60.5}


def test_a_caller_of_high_urgency_counts_as_if_earlier() -> None:
    late, later = call(2, 10, 60), call(3, 99, 60, urgency_permille=1000)
    assert answered(play([agent()], [call(1, 0, 150), late, later])) == {"ct_1": 0, "ct_3": 150, "ct_2": 210}
    assert list(answered(play([agent()], [call(1, 0, 150), late, replace(later, enters_s=101)]))) == [
        "ct_1",
        "ct_2",
        "ct_3",
    ]


@pytest.mark.parametrize("mode", [WrapUpMode.UNTIMED, WrapUpMode.NONE])
@pytest.mark.parametrize("pause_s", [30, 90])
def test_an_owed_pause_delays_the_next_call_whatever_the_queues_wrap_up(mode: WrapUpMode, pause_s: int) -> None:
    record = play([agent((50, pause_s))], [call(1, 0, 100), call(2, 10, 60), call(3, 20, 60)], wrap_up_mode=mode)
    assert answered(record) == {"ct_1": 0, "ct_2": 100 + pause_s, "ct_3": 160 + pause_s}


def test_pauses_that_fell_due_together_are_taken_one_after_another() -> None:
    record = play([agent((50, 30), (60, 90), (70, 40))], [call(1, 0, 100), call(2, 10, 60)])
    assert answered(record)["ct_2"] == 100 + 30 + 90 + 40


def test_an_idle_agent_takes_a_pause_when_it_falls_due() -> None:
    record = play([agent((50, 30))], [call(1, 60, 10)])
    assert answered(record) == {"ct_1": 80}


def test_a_pause_is_not_owed_before_it_begins_nor_twice() -> None:
    record = play([agent((200, 30))], [call(1, 0, 100), call(2, 10, 60), call(3, 300, 60)])
    assert answered(record) == {"ct_1": 0, "ct_2": 100, "ct_3": 300}


def test_a_timed_wrap_up_cuts_a_long_short_pause() -> None:
    policy = {"wrap_up_mode": WrapUpMode.TIMED, "wrap_up_duration": 10 * SECOND}
    record = play([agent((50, 30))], [call(1, 0, 100), call(2, 10, 60), call(3, 20, 60)], **policy)
    assert answered(record) == {"ct_1": 0, "ct_2": 110, "ct_3": 170}


def test_nobody_is_served_outside_duty_but_a_call_goes_on() -> None:
    record = play([agent(duty=(50, 100))], [call(1, 0, 80), call(2, 60, 60, 500)])
    assert answered(record) == {"ct_1": 50}
    assert record.desk_time.busy == 80 * SECOND


def test_a_full_queue_refuses_and_says_whom() -> None:
    record = play([agent()], [call(1, 0, 60), call(2, 1, 60), call(3, 2, 60)], max_waiting=1)
    assert (answered(record), record.refused) == ({"ct_1": 0, "ct_2": 60}, ["ct_3"])


def test_the_time_of_agents_is_shared_out_and_conserved() -> None:
    time = play(
        [agent((100, 30), (200, 90)), agent(name="2", duty=(0, 500))], [call(1, 10, 100), call(2, 600, 50)]
    ).desk_time
    assert (time.ringing, time.away) == (0 * SECOND, 90 * SECOND)
    assert time.busy == (100 + 30 + 50) * SECOND
    assert time.busy + time.ringing + time.idle + time.away == (1000 + 500) * SECOND


def test_a_wrong_definition_is_not_played() -> None:
    with pytest.raises(Invalid, match="max_waiting"):
        play([agent()], [], max_waiting=0)


def test_of_all_at_whom_a_call_rings_one_serves_it() -> None:
    """Rule 9, ring-all: everybody accepts at once, so that whoever is idle for longest has it."""
    agents = [agent(name="1"), agent(name="2")]
    calls = [call(1, 10, 60), call(2, 20, 60), call(3, 30, 60)]
    record = play(agents, calls, strategy=RoutingStrategy.RING_ALL)
    assert answered(record) == {"ct_1": 10, "ct_2": 20, "ct_3": 70}


def called_back(record: Record) -> dict[str, tuple[CallbackOutcome, float, int]]:
    """Return how each call-back ended, at which second, and how often the customer was dialled."""
    ends = {stay.contact_id: stay for stay in record.callbacks.values() if stay.ended_time}
    return {
        contact_id: (stay.outcome, ((stay.ended_time or START) - START) / SECOND, stay.attempts)
        for contact_id, stay in ends.items()
    }


@pytest.mark.parametrize("mode", [CallbackMode.AGENT_FIRST, CallbackMode.CUSTOMER_FIRST])
def test_who_is_called_back_keeps_the_place_and_is_dialled_by_an_agent_of_their_own(mode: CallbackMode) -> None:
    policy = CallbackPolicy(max_attempts=2, retry_after_duration=600 * SECOND, max_open=2, mode=mode)
    wish, never = CallbackWish(30, picks_up_at=1, rings_s=20), CallbackWish(30, picks_up_at=0, rings_s=20)
    calls = [
        call(1, 0, 100),
        call(2, 10, 60, 40, callback=wish),  # has no patience beyond the call-back
        call(3, 20, 60, callback=never),
        call(4, 30, 60, callback=wish),  # finds two open ones and waits on
        call(5, 195, 60, callback=CallbackWish(1, picks_up_at=2, rings_s=20)),  # neither is open any more but one
    ]
    record = play([agent()], calls, callback=policy)
    assert answered(record) == {"ct_1": 0, "ct_4": 200}
    assert called_back(record) == {
        "ct_2": (CallbackOutcome.REACHED, 120, 1),
        "ct_3": (CallbackOutcome.NO_ANSWER, 820, 2),
        "ct_5": (CallbackOutcome.REACHED, 900, 2),
    }
    converted = [stay for stay in record.stays if stay.outcome is SegmentOutcome.CONVERTED_TO_CALLBACK]
    assert [(stay.contact_id, stay.wait) for stay in converted] == [
        ("ct_2", 30 * SECOND),
        ("ct_3", 30 * SECOND),
        ("ct_5", 1 * SECOND),
    ]
    assert record.most_dialled_for_an_agent == 1


def test_nobody_is_called_back_where_the_queue_offers_none() -> None:
    record = play([agent()], [call(1, 0, 100), call(2, 10, 60, callback=CallbackWish(30, 1, 20))])
    assert (answered(record), record.callbacks) == ({"ct_1": 0, "ct_2": 100}, {})
