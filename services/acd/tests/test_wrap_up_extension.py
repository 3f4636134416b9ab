"""A timed wrap-up whose end the agent puts off (rule 5)."""

from datetime import timedelta

import pytest
from trunkline_acd.application.views import agent_view
from trunkline_acd.domain.commands import ExtendWrapUp, FinishWrapUp
from trunkline_acd.domain.events import WrapUpExtended, WrapUpFinished
from trunkline_core.routing import WrapUpMode

MORE = ExtendWrapUp("ag_li", "ct_1")
EXTENSION = {"wrap_up_extension_duration": timedelta(seconds=20), "max_wrap_up_extensions": 2}


@pytest.fixture
def wrapping_up(routing):
    """Li has 30 s for the wrap-up of ct_1, and may have 20 s more twice."""
    routing.queue(wrap_up_mode=WrapUpMode.TIMED, **EXTENSION)
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.connect("ct_1")
    routing.end("ct_1")
    return routing


def left(routing):
    return agent_view(routing.state, "tn_demo", "ag_li", routing.now).work[0].extensions_left


def test_extension_puts_the_end_off_by_its_time(wrapping_up):
    wrapping_up.wait(10)
    assert wrapping_up.do(MORE, actor="agent:ag_li") == [WrapUpExtended("ct_1", "ag_li", wrapping_up.at(50))]
    assert wrapping_up.wait(39.9) == []
    assert wrapping_up.wait(0.1) == [WrapUpFinished("ct_1", "ag_li", "", by_timer=True)]


def test_wrap_up_is_extended_as_often_as_the_queue_lets_and_the_desk_knows_how_often(wrapping_up):
    assert left(wrapping_up) == 2
    wrapping_up.do(MORE)
    wrapping_up.do(MORE)
    assert left(wrapping_up) == 0
    assert wrapping_up.refusal(MORE) == "Rejection: WrapUpNotExtendable"


def test_extended_wrap_up_still_ends_by_command(wrapping_up):
    wrapping_up.do(MORE)
    wrapping_up.do(FinishWrapUp("ag_li", "ct_1", ""))
    assert wrapping_up.wait(600) == []


@pytest.mark.parametrize("mode", [WrapUpMode.UNTIMED, WrapUpMode.TIMED])
def test_untimed_wrap_up_and_one_without_extensions_are_not_extended(routing, mode):
    routing.queue(wrap_up_mode=mode, **(EXTENSION if mode is WrapUpMode.UNTIMED else {}))
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.connect("ct_1")
    assert routing.refusal(MORE) == "Rejection: NotInWrapUp"
    routing.end("ct_1")
    assert routing.refusal(MORE) == "Rejection: WrapUpNotExtendable"
    assert left(routing) == 0


def test_agent_extends_only_the_own_wrap_up(wrapping_up):
    wrapping_up.agent("ag_wang")
    assert wrapping_up.refusal(MORE, actor="agent:ag_wang").startswith("NotFound")
