"""Commands, events and views survive the wire; the ledger is told the right stream and lane."""

import importlib.util
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trunkline.acd.v1.acd_commands_pb2 import AcdCommand
from trunkline.acd.v1.acd_events_pb2 import AcdEvent
from trunkline.directory.v1 import directory_events_pb2
from trunkline_acd.adapters.directory import react
from trunkline_acd.adapters.wire import AGENT_VIEW, CODEC, correlation_of, is_ignorable, lane_of, stream_of
from trunkline_acd.application.views import agent_view
from trunkline_acd.domain import commands, events
from trunkline_acd.domain.definitions import Channel
from trunkline_core.routing import AgentDefinition, SkillLevel
from trunkline_ledger.core.metadata import Metadata
from trunkline_ledger.core.records import Record
from trunkline_ledger.kafka.reader import EffectiveRecord, Position
from trunkline_ledger.submission import Lane

PROTOS = Path(__file__).resolve().parents[3] / "protos"
spec = importlib.util.spec_from_file_location("examples", PROTOS / "examples.py")
examples = importlib.util.module_from_spec(spec)  # fills messages, as it does for the golden records
spec.loader.exec_module(examples)

COMMANDS = list(AcdCommand.DESCRIPTOR.oneofs_by_name["command"].fields)
EVENTS = list(AcdEvent.DESCRIPTOR.oneofs_by_name["event"].fields)
OF_AGENTS = {
    events.AgentConfigured,
    events.AgentSessionOpened,
    events.AgentSessionLost,
    events.AgentDisconnected,
    events.AgentNotResponding,
    events.AgentRearmed,
    events.AgentCalledIn,
    events.CallInEnded,
    events.DeviceRegistered,
    events.DeviceLost,
    events.DeviceForgotten,
    events.IntentChanged,
    events.NextIntentSet,
    events.SkillsRefreshed,
}
OF_QUEUES = {
    events.QueueConfigured,
    events.QueueUnstaffed,
    events.QueueStaffed,
    events.UnstaffedQueueCleared,
    events.OverflowChecked,
    events.SharingBegun,
    events.SharingEnded,
}
STREAMS = {
    **dict.fromkeys(OF_AGENTS, "agent_example"),
    **dict.fromkeys(OF_QUEUES, "queue_example"),
    events.RowsChanged: "routing_domain_example",
    events.HandoutScheduled: "routing_domain_example",
    events.WrapUpCodeConfigured: "wrap_up_code_example",
}
OF_A_CONTACT = "contact_example"


def metadata(now, version=1):
    return Metadata("ev_1", "ct_1", version, now, "tn_demo", "system", "ct_1", "c1", 7, False, b"")


SCALARS = {
    str: st.text(max_size=8),
    int: st.integers(0, 2**31 - 1),
    bool: st.booleans(),
    datetime: st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    timedelta: st.timedeltas(timedelta(0), timedelta(days=400)),
}


def wire_values(hint):
    """Return a strategy for values of a dataclass, as wide as its message allows."""
    if hint in SCALARS:
        return SCALARS[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    if get_origin(hint) is tuple:
        return st.lists(wire_values(get_args(hint)[0]), max_size=3).map(tuple)
    if get_args(hint):
        return st.one_of(*(st.none() if part is NoneType else wire_values(part) for part in get_args(hint)))
    hints = get_type_hints(hint)
    return st.builds(hint, **{field.name: wire_values(hints[field.name]) for field in fields(hint)})


@pytest.mark.parametrize("kind", commands.Command.__args__, ids=lambda kind: kind.__name__)
def test_every_command_has_canonical_bytes_and_comes_back(kind):
    @settings(max_examples=20, deadline=None)
    @given(st.data())
    def check(data):
        command = data.draw(wire_values(kind))
        payload = CODEC.encode_command(command)
        assert CODEC.decode_command(payload) == command
        assert CODEC.encode_command(CODEC.decode_command(payload)) == payload

    check()


@pytest.mark.parametrize("kind", events.Event.__args__, ids=lambda kind: kind.__name__)
def test_every_event_comes_back(routing, kind):
    @settings(max_examples=20, deadline=None)
    @given(st.data())
    def check(data):
        event = data.draw(wire_values(kind))
        value = CODEC.encode_event(event, metadata(routing.now))
        assert CODEC.decode_event(value) == (event, metadata(routing.now))

    check()


@pytest.mark.parametrize("case", COMMANDS, ids=lambda case: case.name)
def test_every_field_of_a_command_is_read_and_written(case):
    message = AcdCommand()
    examples.filled(getattr(message, case.name))
    command = CODEC.decode_command(message.SerializeToString())
    assert CODEC.command_to_message(command) == message


@pytest.mark.parametrize("case", EVENTS, ids=lambda case: case.name)
def test_every_field_of_an_event_is_read_and_written(case):
    message = examples.example_event(AcdEvent, case)
    event, envelope = CODEC.decode_event(message.SerializeToString())
    assert CODEC.event_to_message(event, envelope) == message


@pytest.mark.parametrize("case", EVENTS, ids=lambda case: case.name)
def test_every_event_has_its_own_stream_and_correlates_by_its_contact(case):
    event, _ = CODEC.decode_event(examples.example_event(AcdEvent, case).SerializeToString())
    stream = STREAMS.get(type(event), OF_A_CONTACT)
    assert stream_of(event) == stream
    assert correlation_of(event) == (OF_A_CONTACT if stream == OF_A_CONTACT else "")


def test_agent_view_is_the_message_of_the_same_name(routing):
    routing.queue()
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    view = agent_view(routing.state, "tn_demo", "ag_li", routing.now)
    message = AGENT_VIEW.to_message(view)
    assert message.work[0].contact_id == "ct_1"
    assert AGENT_VIEW.from_message(message) == view


def test_rows_and_what_supervisors_wanted_are_ignorable(routing):
    routing.queue()
    [rows] = routing.rows
    assert (stream_of(rows), is_ignorable(rows)) == ("rd_demo", True)
    assert is_ignorable(events.ContactPulled("ct_1", 1, "ag_li", "other"))
    assert not is_ignorable(events.WrapUpFinished("ct_1", "ag_li", "", False))


def test_new_contacts_wait_behind_agents_and_timers():
    arrival = commands.EnqueueContact("ct_1", 1, "qu_1", Channel.CHAT, 0, 0, ())
    assert lane_of(arrival) is Lane.NEW
    assert lane_of(commands.AcceptOffer("ag_1", "ct_1", 1)) is Lane.ENDING
    assert lane_of(commands.EndContact("ct_1", 1, "system")) is Lane.ENDING
    assert lane_of(commands.ExpireOffer("ct_1", 1)) is Lane.INTERNAL
    assert lane_of(commands.LosePeer("pe_1")) is Lane.INTERNAL


def directory_record(now, **event):
    message = directory_events_pb2.DirectoryEvent(**event)
    message.metadata.tenant_id, message.metadata.event_id = "tn_demo", "ev_9"
    kind = message.WhichOneof("event")
    name = "".join(word.title() for word in kind.split("_"))
    record = Record(0, 7, b"tn_demo", message.SerializeToString(), now, 3, f"trunkline.directory.v1.{name}")
    return EffectiveRecord(record, Position(8, 3))


def test_directory_definitions_become_commands_of_the_tenants_domain(routing):
    defined = {"agent": {"agent_id": "ag_1", "skills": [{"skill": "billing", "level": 3}], "chat_capacity": 2}}
    [found] = react(directory_record(routing.now, agent_defined=defined))
    assert (found.key, found.tenant, found.causation_id) == ("rd_demo", "tn_demo", "ev_9")
    assert found.command == commands.PutAgent(AgentDefinition("ag_1", (SkillLevel("billing", 3),), 2))
    [found] = react(directory_record(routing.now, queue_defined={"queue": {"queue_id": "qu_1", "name": {"zh": "一"}}}))
    assert found.command.queue.queue_id == "qu_1"
    published = {"version": 7, "queues": [{"queue_id": "qu_1", "name": {"zh": "一"}}]}
    [found] = react(directory_record(routing.now, policy_published=published))
    assert (found.command.version, [queue.queue_id for queue in found.command.queues]) == (7, ["qu_1"])
    [found] = react(directory_record(routing.now, wrap_up_code_defined={"wrap_up_code": {"code": "sold"}}))
    assert (found.key, found.command) == ("rd_demo", commands.PutWrapUpCode("sold"))


def test_other_directory_events_are_of_no_concern(routing):
    assert react(directory_record(routing.now, user_defined={})) == ()


def test_explanation_with_the_longest_ids_stays_below_4_kib(routing):
    """Rule 21."""
    routing.queue()
    for number in range(20):
        routing.agent(f"ag_{number:0115}")
    offer = routing.enqueue("ct_1")[-1]
    assert (
        len(CODEC.event_to_message(offer, metadata(routing.now)).contact_offered.explanation.SerializeToString()) < 4096
    )


def test_rows_of_a_lost_console_stay_below_64_kib(routing):
    for number in range(150):
        routing.agent(f"ag_{number:0115}")
    routing.do(commands.LosePeer("pe_1"))
    assert all(len(CODEC.encode_event(rows, metadata(routing.now))) < 64 * 1024 for rows in routing.rows)


def test_the_events_of_the_largest_policy_stay_below_192_kib(routing):
    """100 queues with more than the 48 KiB of definitions that the directory lets through (ADR 0021)."""
    plain = routing.queue()
    name = replace(plain.name, zh="x" * 400)
    queues = tuple(replace(plain, queue_id=f"qu_{number:0115}", name=name) for number in range(100))
    events = [*routing.do(commands.PutPolicy(1, queues)), *routing.rows]
    assert len(events) > 100
    assert sum(len(CODEC.encode_event(event, metadata(routing.now))) for event in events) < 192 * 1024
