"""The directory goes through a snapshot whole (ledger rule 16)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from trunkline_console.bootstrap import ledger_service
from trunkline_console.domain.commands import (
    DefineAgent,
    DefineEntryPoint,
    DefineQueue,
    DefineTenant,
    DefineUser,
    EndPolicyTrial,
    EndSession,
    PublishFlow,
    PublishPolicy,
    RollBackPolicy,
    StartPolicyTrial,
)
from trunkline_console.domain.definitions import Channel, EntryPointDefinition, Role, TenantDefinition, UserDefinition
from trunkline_core.flows import EndNode, FlowDefinition, FlowNode, LocalizedText
from trunkline_core.routing import AgentDefinition, QueueDefinition, SkillLevel, WrapUpMode
from trunkline_core.sealed import Sealed
from trunkline_testkit.contracts.snapshots import START, check_snapshot, live

ADMIN = (Role.ADMIN,)
SECOND = timedelta(seconds=1)


def queue(number: int) -> QueueDefinition:
    times = (SECOND,) * 4
    name = LocalizedText("一", "one")
    return QueueDefinition(
        "qu_1", name, (), times[0], 0, 0, *times[1:], number, WrapUpMode.NONE, timedelta(0), SECOND, 9
    )


FLOW = FlowDefinition("fl_1", "Main", "end", (FlowNode("end", EndNode(LocalizedText("再见", "Bye"))),))
numbers = st.integers(1, 5)
user_ids = numbers.map(lambda number: f"us_{number}")
moves: st.SearchStrategy[Any] = st.one_of(
    numbers.map(lambda number: DefineTenant(TenantDefinition(f"tn_{number}", "Demo", "Asia/Shanghai", ("*",)))),
    st.builds(
        lambda user_id, active: DefineUser(
            UserDefinition(user_id, user_id, Sealed("dk", b"n" * 12, b"x" * 20), "$argon2id$x", ADMIN, "", active)
        ),
        user_ids,
        st.booleans(),
    ),
    numbers.map(lambda number: DefineAgent(AgentDefinition(f"ag_{number}", (SkillLevel("billing", number),), number))),
    numbers.map(lambda number: DefineEntryPoint(EntryPointDefinition(f"ep_{number}", "Chat", Channel.CHAT, "fl_1"))),
    st.just(PublishFlow(FLOW)),
    numbers.map(lambda number: DefineQueue(queue(number))),
    st.builds(lambda version, number: PublishPolicy(version, (queue(number),), "note"), st.integers(0, 3), numbers),
    st.builds(lambda version, to: RollBackPolicy(version, to, ""), st.integers(1, 3), st.integers(1, 3)),
    st.builds(
        lambda version, number: StartPolicyTrial(version, (queue(number),), 10 * SECOND, 2, None, ""),
        st.integers(1, 3),
        numbers,
    ),
    st.integers(1, 2).map(EndPolicyTrial),
    st.builds(lambda user_id, number: EndSession(user_id, session(number)), user_ids, st.integers(1, 40)),
    st.integers(1, 20_000),
)


def session(number: int) -> str:
    milliseconds = int(START.timestamp() * 1000) + number
    return str(UUID(int=(milliseconds << 80) | (0x7 << 76) | (0b10 << 62) | number))


@settings(max_examples=60)
@given(st.lists(moves, max_size=40), st.integers(1, 80))
def test_a_replica_that_begins_from_a_snapshot_comes_to_the_very_same_state(some: list[Any], cut: int) -> None:
    check_snapshot(ledger_service(), live(ledger_service(), some), cut)
