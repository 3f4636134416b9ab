import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trunkline_core.decider import Context, execute
from trunkline_core.errors import TrunklineError
from trunkline_core.flows import EnqueueNode, LocalizedText
from trunkline_core.routing import SkillChoice, SkillConjunction, SkillOperator, SkillRequirement, SkillTerm
from trunkline_core.sealed import Sealed
from trunkline_ivr.bootstrap import SERVICE
from trunkline_ivr.domain import sessions
from trunkline_ivr.domain.commands import (
    AdvanceSession,
    Command,
    EndSession,
    ExpireInput,
    PutFlow,
    PutHours,
    StartSession,
)
from trunkline_ivr.domain.decider import IvrDecider
from trunkline_ivr.domain.events import (
    FlowPut,
    InputAwaited,
    InputExpired,
    InputTaken,
    PersonRequested,
    SelfServiceCompleted,
    SessionEnded,
    SessionStarted,
    TextSaid,
)
from trunkline_ivr.domain.state import IvrState
from trunkline_ivr.domain.walk import MAX_SILENT_VISITS
from trunkline_testkit.contracts.snapshots import check_snapshot, live

from .conftest import ASK, BYE, CHOOSE, FLOW, HELLO, HOURS, OPTIONS, T0, WAIT, SelfService, picture, with_text

NAME = Sealed("dk_1", b"n" * 12, b"secret" + b"t" * 16)


def awaited(ivr: SelfService, visit: int, node_id: str = "menu") -> InputAwaited:
    if node_id == "menu":
        return InputAwaited("ct_1", "menu", visit, CHOOSE, OPTIONS, ivr.now + timedelta(seconds=30))
    return InputAwaited("ct_1", node_id, visit, ASK, (), ivr.now + timedelta(seconds=60))


PERSON = PersonRequested("ct_1", "person", "qu_sales", 500, 0, (SkillRequirement("zh", 3),), WAIT)
PERSON_NODE = EnqueueNode("qu_sales", 500, 0, (SkillRequirement("zh", 3),), WAIT)
STARTED = SessionStarted("ct_1", 1, "fl_main", 1, {}, "zh")


def test_a_session_runs_up_to_the_first_question(ivr: SelfService) -> None:
    assert ivr.start() == [STARTED, TextSaid("ct_1", "hello", HELLO), awaited(ivr, 1)]


def test_what_a_node_asks_of_agents_goes_with_the_wish(ivr: SelfService) -> None:
    german = SkillChoice((SkillConjunction((SkillTerm("de", SkillOperator.AT_LEAST, 2),)),))
    asks = replace(PERSON_NODE, choices=(german,))
    nodes = tuple(replace(node, step=asks) if node.step == PERSON_NODE else node for node in FLOW.nodes)
    ivr.publish(replace(FLOW, nodes=nodes), version=2)
    ivr.start(tier="gold")
    (wished,) = (event for event, _ in ivr.log if isinstance(event, PersonRequested))
    assert wished == replace(PERSON, choices=(german,))


def test_a_choice_leads_to_its_node(ivr: SelfService) -> None:
    ivr.start()
    assert ivr.choose("person") == [InputTaken("ct_1", 2, "menu", "person", "", None), awaited(ivr, 2, "name")]


def test_a_gathered_text_is_kept_under_its_name_and_leads_to_a_person(ivr: SelfService) -> None:
    ivr.start()
    ivr.choose("person")
    assert ivr.do(AdvanceSession("ct_1", 3, "name", "", NAME)) == [
        InputTaken("ct_1", 3, "name", "", "name", NAME),
        PERSON,
    ]
    assert len(ivr.state.sessions) == 0 and len(ivr.state.timers) == 0


def test_an_attribute_leads_past_the_menu(ivr: SelfService) -> None:
    assert ivr.start(tier="gold") == [replace(STARTED, attributes={"tier": "gold"}), PERSON]


def test_a_choice_may_end_the_flow_without_a_person(ivr: SelfService) -> None:
    ivr.start()
    assert ivr.choose("bye")[1:] == [SelfServiceCompleted("ct_1", "bye", BYE)]


def test_outside_the_hours_the_flow_says_good_bye(ivr: SelfService) -> None:
    """Routing rule 17: hours are evaluated when the contact comes to them."""
    ivr.now = T0 + timedelta(hours=14)
    assert ivr.start()[1:] == [SelfServiceCompleted("ct_1", "bye", BYE)]


def test_unknown_hours_are_closed() -> None:
    ivr = SelfService()
    ivr.publish()
    assert ivr.start()[1:] == [SelfServiceCompleted("ct_1", "bye", BYE)]


def test_input_that_matches_nothing_asks_the_same_again(ivr: SelfService) -> None:
    ivr.start()
    assert ivr.choose("") == [InputTaken("ct_1", 2, "menu", "", "", None), awaited(ivr, 2)]


def test_text_that_matches_nothing_in_a_menu_is_not_kept(ivr: SelfService) -> None:
    ivr.start()
    assert ivr.do(AdvanceSession("ct_1", 2, "menu", "", NAME))[0] == InputTaken("ct_1", 2, "menu", "", "", None)


def test_without_an_answer_the_flow_goes_on_in_time(ivr: SelfService) -> None:
    ivr.start()
    assert ivr.wait(29.9) == []
    assert ivr.wait(0.1) == [InputExpired("ct_1", "menu"), awaited(ivr, 2)]


def test_an_answer_stops_the_clock_of_the_question_before(ivr: SelfService) -> None:
    ivr.start()
    ivr.wait(20)
    ivr.choose("person")
    assert ivr.wait(59) == []
    assert ivr.wait(1) == [InputExpired("ct_1", "name"), PERSON]


def test_a_customer_who_is_gone_is_not_asked_for_ever(ivr: SelfService) -> None:
    ivr.start()
    events = ivr.wait(30 * MAX_SILENT_VISITS)
    assert events[-1] == SelfServiceCompleted("ct_1", "menu", None)
    assert sum(isinstance(event, InputAwaited) for event in events) < MAX_SILENT_VISITS
    assert len(ivr.state.timers) == 0


def test_silence_is_counted_from_the_last_input_on(ivr: SelfService) -> None:
    ivr.start()
    ivr.wait(30 * (MAX_SILENT_VISITS - 10))
    ivr.choose("")
    assert all(not isinstance(event, SelfServiceCompleted) for event in ivr.wait(30 * (MAX_SILENT_VISITS - 10)))


# -- steps ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "again",
    [lambda ivr: ivr.start(), lambda ivr: ivr.start(tier="gold"), lambda ivr: ivr.choose("bye", step=1)],
)
def test_a_repeated_step_changes_nothing(ivr: SelfService, again: Callable[[SelfService], list[object]]) -> None:
    ivr.start()
    assert again(ivr) == []


def test_a_repeated_answer_changes_nothing(ivr: SelfService) -> None:
    ivr.start()
    ivr.choose("person")
    assert ivr.choose("person") == []


def test_a_repeated_step_changes_nothing_after_the_flow_is_done(ivr: SelfService) -> None:
    ivr.start()
    ivr.choose("bye")
    assert ivr.choose("bye") == []


def test_a_lower_step_is_stale(ivr: SelfService) -> None:
    ivr.start(step=5)
    assert ivr.refusal(AdvanceSession("ct_1", 4, "menu", "bye", None)) == "Rejection: StaleStep"
    assert ivr.refusal(StartSession("ct_1", 4, "fl_main", {}, "zh")) == "Rejection: StaleStep"
    assert ivr.refusal(EndSession("ct_1", 4)) == "Rejection: StaleStep"


def test_a_session_that_runs_is_not_started_again(ivr: SelfService) -> None:
    ivr.start()
    assert ivr.refusal(StartSession("ct_1", 2, "fl_main", {}, "zh")) == "Rejection: SessionRunning"


def test_an_answer_to_another_question_is_not_awaited(ivr: SelfService) -> None:
    ivr.start()
    assert ivr.refusal(AdvanceSession("ct_1", 2, "name", "", NAME)) == "Rejection: NotAwaited"


def test_an_answer_after_the_flow_is_done_is_not_awaited(ivr: SelfService) -> None:
    ivr.start(tier="gold")
    assert ivr.refusal(AdvanceSession("ct_1", 2, "menu", "bye", None)) == "Rejection: NotAwaited"
    assert ivr.refusal(StartSession("ct_1", 2, "fl_main", {}, "zh")) == "Rejection: SessionOver"


def test_a_late_timer_changes_nothing(ivr: SelfService) -> None:
    ivr.start()
    ivr.choose("")
    assert ivr.do(ExpireInput("ct_1", "menu", 1)) == []
    assert ivr.do(ExpireInput("ct_1", "menu", 2)) == []
    assert ivr.do(ExpireInput("ct_9", "menu", 1)) == []


# -- the end --------------------------------------------------------------------------------------------------------


def test_the_end_of_the_contact_ends_its_session(ivr: SelfService) -> None:
    ivr.start()
    assert ivr.end() == [SessionEnded("ct_1", 9)]
    assert ivr.wait(3600) == []
    assert len(ivr.state.sessions) == 0


def test_the_end_is_answered_again_when_asked_again(ivr: SelfService) -> None:
    ivr.start()
    ivr.end()
    assert ivr.end() == [SessionEnded("ct_1", 9)]


def test_the_end_of_a_done_session_leaves_nothing_but_a_trace(ivr: SelfService) -> None:
    ivr.start(tier="gold")
    assert ivr.end() == [SessionEnded("ct_1", 9)]
    assert ivr.state.trace_counts() == (0, 1, 0)


def test_a_start_that_comes_after_the_end_is_refused(ivr: SelfService) -> None:
    assert ivr.end() == [SessionEnded("ct_1", 9)]
    assert ivr.refusal(StartSession("ct_1", 8, "fl_main", {}, "zh")) == "Rejection: StaleStep"
    assert ivr.refusal(StartSession("ct_1", 10, "fl_main", {}, "zh")) == "Rejection: SessionOver"
    assert ivr.refusal(AdvanceSession("ct_1", 10, "menu", "bye", None)) == "Rejection: NotAwaited"


def test_what_is_left_of_an_ended_contact_fades_after_a_day(ivr: SelfService) -> None:
    ivr.end()
    ivr.now += timedelta(hours=24)
    ivr.end(contact_id="ct_2")
    assert ivr.state.trace_counts() == (0, 1, 0)


# -- definitions ----------------------------------------------------------------------------------------------------


def test_a_session_stays_with_the_version_it_began_with(ivr: SelfService) -> None:
    ivr.start()
    news = LocalizedText("新", "New")
    assert ivr.publish(with_text(FLOW, news), 2) == [FlowPut(with_text(FLOW, news), 2)]
    assert ivr.choose("again")[1] == TextSaid("ct_1", "hello", HELLO)
    assert ivr.start("ct_2")[1] == TextSaid("ct_2", "hello", news)


def test_a_version_leaves_memory_with_its_last_session(ivr: SelfService) -> None:
    ivr.start()
    ivr.publish(version=2)
    ivr.publish(version=3)
    assert ivr.state.flow_version_count() == 2
    ivr.end()
    assert ivr.state.flow_version_count() == 1


def test_a_known_or_older_version_changes_nothing(ivr: SelfService) -> None:
    ivr.publish(version=3)
    assert ivr.publish(version=3) == []
    assert ivr.publish(with_text(FLOW, BYE), version=2) == []


def test_hours_in_force_change_nothing(ivr: SelfService) -> None:
    assert ivr.do(PutHours(HOURS)) == []


def test_another_tenants_flow_hours_and_sessions_look_like_none(ivr: SelfService) -> None:
    assert ivr.refusal(StartSession("ct_9", 1, "fl_main", {}, "zh"), "tn_other") == "NotFound: unknown flow fl_main"
    ivr.start()
    assert ivr.refusal(AdvanceSession("ct_1", 2, "menu", "bye", None), "tn_other") == "NotFound: unknown contact ct_1"
    assert ivr.refusal(EndSession("ct_1", 2), "tn_other") == "NotFound: unknown contact ct_1"
    assert ivr.refusal(StartSession("ct_1", 2, "fl_main", {}, "zh"), "tn_other") == "NotFound: unknown contact ct_1"
    assert ivr.do(ExpireInput("ct_1", "menu", 1), "tn_other") == []


# -- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (StartSession("ct_9", 1, "fl_unknown", {}, "zh"), "NotFound: unknown flow fl_unknown"),
        (StartSession("", 1, "fl_main", {}, "zh"), "Invalid: contact_id"),
        (StartSession("c" * 129, 1, "fl_main", {}, "zh"), "Invalid: contact_id"),
        (StartSession("ct_9", 0, "fl_main", {}, "zh"), "Invalid: step_no"),
        (StartSession("ct_9", 1, "fl_main", {str(n): "" for n in range(33)}, "zh"), "Invalid: attributes: must have"),
        (StartSession("ct_9", 1, "fl_main", {"a": "x" * 257}, "zh"), "Invalid: attributes: names and values"),
        (
            StartSession("ct_9", 1, "fl_main", {str(n): "长" * 256 for n in range(32)}, "zh"),
            "Invalid: attributes: must have",
        ),
        (StartSession("ct_9", 1, "fl_main", {}, "z" * 17), "Invalid: locale"),
        (AdvanceSession("ct_9", 1, "menu", "", None), "NotFound: unknown session ct_9"),
        (AdvanceSession("ct_1", 2, "menu", "other", None), "Invalid: option_id: is no choice of the menu"),
        (EndSession("ct_9", -1), "Invalid: step_no"),
        (PutFlow(replace(FLOW, start_node="x"), 2), "Invalid: start_node"),
        (PutFlow(FLOW, 0), "Invalid: flow_version"),
        (PutHours(replace(HOURS, time_zone="x")), "Invalid: time_zone"),
    ],
)
def test_bad_input_is_refused_by_name(ivr: SelfService, command: Command, refusal: str) -> None:
    ivr.start()
    assert ivr.refusal(command).startswith(refusal)


@pytest.mark.parametrize(
    ("text", "reason"),
    [(None, "must be set"), (Sealed("dk", b"n" * 12, b"x" * (31 * 1024 + 17)), "must have at most 31 KiB")],
)
def test_a_question_takes_text_of_at_most_31_kib(ivr: SelfService, text: Sealed | None, reason: str) -> None:
    ivr.start()
    ivr.choose("person")
    assert ivr.refusal(AdvanceSession("ct_1", 3, "name", "", text)) == f"Invalid: text: {reason}"


def test_more_sessions_than_the_bound_are_refused_with_a_time_to_retry(
    ivr: SelfService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MAX_SESSIONS", 1)
    ivr.start()
    assert ivr.refusal(StartSession("ct_2", 1, "fl_main", {}, "zh")) == "Overloaded: self-service is full"


# -- properties -----------------------------------------------------------------------------------------------------

contacts = st.sampled_from(["ct_1", "ct_2"])
step_numbers = st.integers(1, 8)
moves: st.SearchStrategy[Any] = st.one_of(
    st.builds(
        StartSession, contacts, step_numbers, st.just("fl_main"), st.sampled_from([{}, {"tier": "gold"}]), st.just("zh")
    ),
    st.builds(
        AdvanceSession,
        contacts,
        step_numbers,
        st.sampled_from(["menu", "name"]),
        st.sampled_from(["", "person", "again", "bye"]),
        st.sampled_from([None, NAME]),
    ),
    st.builds(EndSession, contacts, step_numbers),
    st.builds(PutFlow, st.sampled_from([FLOW, with_text(FLOW, BYE)]), st.integers(1, 5)),
    st.floats(0, 90),
)


@given(st.lists(moves, max_size=30))
def test_whatever_is_taken_back_leaves_no_trace(some: list[Any]) -> None:
    ivr = SelfService()
    ivr.publish()
    ivr.do(PutHours(HOURS))
    for number, move in enumerate(some):
        if isinstance(move, float):
            ivr.wait(move)
            continue
        before = ivr.picture()
        context = Context(ivr.now, "tn_demo", "system", f"tried {number}")
        with contextlib.suppress(TrunklineError):
            execute(IvrDecider(), ivr.state, move, context)
        ivr.state.journal.rollback()
        assert ivr.picture() == before
        with contextlib.suppress(TrunklineError):
            ivr.do(move)
    assert picture(ivr.refolded()) == ivr.picture()


@given(st.lists(moves, max_size=40))
def test_whatever_happens_a_replica_that_only_reads_has_the_same_state(some: list[Any]) -> None:
    ivr = SelfService()
    ivr.publish()
    ivr.do(PutHours(HOURS))
    for move in some:
        try:
            if isinstance(move, float):
                ivr.wait(move)
            else:
                ivr.do(move)
        except TrunklineError:
            continue
    assert picture(ivr.refolded()) == ivr.picture()
    _check_sessions(ivr.state)


@given(st.lists(moves, max_size=40), st.integers(1, 80))
def test_a_replica_that_begins_from_a_snapshot_comes_to_the_very_same_state(some: list[Any], cut: int) -> None:
    """Ledger rule 16."""
    check_snapshot(SERVICE, live(SERVICE, [PutFlow(FLOW, 1), PutHours(HOURS), *some]), cut)


def _check_sessions(state: IvrState) -> None:
    """Every session waits, with exactly one timer of its own."""
    waiting = {session.contact_id: session.waiting for session in state.sessions.values()}
    timers = {timer.command.contact_id: timer.command for timer in state.timers.values()}  # type: ignore[union-attr]
    assert waiting.keys() == timers.keys()
    for contact_id, place in waiting.items():
        assert place is not None and (place.node_id, place.visit_no) == (
            timers[contact_id].node_id,  # type: ignore[union-attr]
            timers[contact_id].visit_no,  # type: ignore[union-attr]
        )
