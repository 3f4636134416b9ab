"""The mapper on real protos, with dataclasses that fit them and such that do not."""

from dataclasses import dataclass, make_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import NewType, Optional

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from trunkline.acd.v1 import acd_service_pb2, acd_types_pb2
from trunkline.contact.v1 import contact_commands_pb2
from trunkline.directory.v1 import directory_types_pb2
from trunkline.ticket.v1 import ticket_commands_pb2, ticket_events_pb2
from trunkline_core.errors import Invalid, Poison
from trunkline_core.flow_definitions import (
    ConditionBranch,
    ConditionNode,
    EndNode,
    EnqueueNode,
    FlowDefinition,
    FlowNode,
    GatherNode,
    MenuNode,
    MenuOption,
    SayNode,
)
from trunkline_core.routing import (
    QueueDefinition,
    SkillChoice,
    SkillConjunction,
    SkillOperator,
    SkillRequirement,
    SkillTerm,
)
from trunkline_core.sealed import Sealed
from trunkline_core.texts import LocalizedText
from trunkline_ledger.core.metadata import Metadata
from trunkline_platform.wire import EventWire, Mapper, WireMismatch, duration, moment, span, timestamp
from trunkline_ticketing.domain.commands import PutNoticeTarget, RecordNoticeDelivered, RecordNoticeRefused
from trunkline_ticketing.domain.events import NoticeEvent

TicketId = NewType("TicketId", str)
NOW = datetime(2026, 11, 24, 12, 0, 0, 123_456, UTC)
METADATA = Metadata("ev_1", "tk_1", 7, NOW, "tn_1", "agent:ag_1", "ct_1", "cmd", 3, False, b"\x00\x01")


class TicketState(Enum):
    UNSPECIFIED = 0
    OPEN = 1
    IN_PROGRESS = 2
    RESOLVED = 3


@dataclass(frozen=True, slots=True)
class CreateTicket:
    contact_id: str
    customer_id: str
    subject: Sealed | None


@dataclass(frozen=True, slots=True)
class ChangeTicketState:
    ticket_id: TicketId
    state: TicketState


@dataclass(frozen=True, slots=True)
class AddNote:
    ticket_id: TicketId
    body: Sealed


@dataclass(frozen=True, slots=True)
class TicketCreated:
    ticket_id: TicketId
    contact_id: str
    customer_id: str
    subject: Optional[Sealed]  # noqa: UP045 both spellings are understood


@dataclass(frozen=True, slots=True)
class TicketStateChanged:
    ticket_id: TicketId
    from_state: TicketState
    to_state: TicketState


@dataclass(frozen=True, slots=True)
class NoteAdded:
    ticket_id: TicketId
    note_id: str
    body: Sealed


@dataclass(frozen=True, slots=True)
class OpenContact:
    entry_point_id: str
    address_token: str
    address: Sealed
    attributes: dict[str, str]
    locale: str
    peer_id: str
    contact_id: str
    address_withheld: bool


Commands = CreateTicket | ChangeTicketState | AddNote | PutNoticeTarget | RecordNoticeDelivered | RecordNoticeRefused
Events = TicketCreated | TicketStateChanged | NoteAdded | NoticeEvent
WIRE: EventWire[Commands, Events] = EventWire(
    events=Events,
    event_message=ticket_events_pb2.TicketEvent,
    commands=Commands,
    command_message=ticket_commands_pb2.TicketCommand,
)
FLOWS = Mapper(FlowDefinition, directory_types_pb2.FlowDefinition)
QUEUES = Mapper(QueueDefinition, directory_types_pb2.QueueDefinition)

texts = st.text(st.characters(codec="utf-8"), max_size=20)
seals = st.builds(Sealed, texts, st.binary(max_size=12), st.binary(max_size=40))
states = st.sampled_from(TicketState)
events = st.one_of(
    st.builds(TicketCreated, texts, texts, texts, st.none() | seals),
    st.builds(TicketStateChanged, texts, states, states),
    st.builds(NoteAdded, texts, texts, seals),
)
commands = st.one_of(
    st.builds(CreateTicket, texts, texts, st.none() | seals),
    st.builds(ChangeTicketState, texts, states),
    st.builds(AddNote, texts, seals),
)
int64s = st.integers(-(2**63), 2**63 - 1)
moments = st.datetimes(min_value=datetime(1, 1, 1), timezones=st.just(UTC))
metadata = st.builds(
    Metadata, texts, texts, int64s, moments, texts, texts, texts, texts, int64s, st.booleans(), st.binary(max_size=50)
)
labels = st.none() | st.builds(LocalizedText, texts, texts)
spans = st.timedeltas(timedelta(days=-100_000), timedelta(days=100_000))
int32s = st.integers(-(2**31), 2**31 - 1)
requirements = st.lists(st.builds(SkillRequirement, texts, int32s), max_size=3).map(tuple)
terms = st.lists(st.builds(SkillTerm, texts, st.sampled_from(SkillOperator), int32s), max_size=2).map(tuple)
conjunctions = st.lists(st.builds(SkillConjunction, terms), max_size=2).map(tuple)
choices = st.lists(st.builds(SkillChoice, conjunctions), max_size=2).map(tuple)
options = st.lists(
    st.builds(MenuOption, texts, labels, texts, st.lists(texts, max_size=2).map(tuple), texts), max_size=3
).map(tuple)
branches = st.lists(st.builds(ConditionBranch, texts, texts, texts, texts), max_size=3).map(tuple)
steps = st.one_of(
    st.builds(SayNode, labels, texts),
    st.builds(MenuNode, labels, options, spans, texts),
    st.builds(GatherNode, labels, texts, spans, texts, texts),
    st.builds(ConditionNode, branches, texts),
    st.builds(EnqueueNode, texts, int32s, int32s, requirements, labels, choices),
    st.builds(EndNode, labels),
)
flows = st.builds(
    FlowDefinition, texts, texts, texts, st.lists(st.builds(FlowNode, texts, steps), max_size=4).map(tuple)
)


@given(events, metadata)
def test_every_event_comes_back_with_its_envelope(event, envelope):
    assert WIRE.decode_event(WIRE.encode_event(event, envelope)) == (event, envelope)


@given(commands)
def test_every_command_comes_back_and_its_bytes_are_canonical(command):
    payload = WIRE.encode_command(command)
    assert WIRE.decode_command(payload) == command
    assert WIRE.encode_command(WIRE.decode_command(payload)) == payload


@given(flows)
def test_nested_unions_and_tuples_come_back(flow):
    message = FLOWS.to_message(flow)
    assert FLOWS.from_message(type(message).FromString(message.SerializeToString())) == flow


@given(spans)
def test_every_duration_comes_back_and_its_parts_have_one_sign(value):
    message = duration(value)
    assert span(message) == value
    assert message.seconds * message.nanos >= 0
    assert message.ToTimedelta() == value


@given(moments)
def test_every_moment_comes_back_as_protobuf_itself_reads_it(value):
    message = timestamp(value)
    assert moment(message) == value
    assert message.ToDatetime(UTC) == value


def test_maps_come_back_whatever_their_order():
    mapper = Mapper(OpenContact, contact_commands_pb2.OpenContact)
    seal = Sealed("dk_1", b"n" * 12, b"c")
    there = OpenContact("ep_1", "t", seal, {"a": "1", "b": "2"}, "zh", "pe_1", "ct_1", False)
    back = mapper.from_message(mapper.to_message(there))
    assert back == there
    assert type(back.attributes) is dict
    turned = OpenContact("ep_1", "t", seal, {"b": "2", "a": "1"}, "zh", "pe_1", "ct_1", False)
    sides = [mapper.to_message(row).SerializeToString(deterministic=True) for row in (there, turned)]
    assert sides[0] == sides[1]


def test_the_type_header_is_the_full_name_of_the_message():
    event = TicketStateChanged(TicketId("tk_1"), TicketState.OPEN, TicketState.RESOLVED)
    assert WIRE.event_type(event) == "trunkline.ticket.v1.TicketStateChanged"


def test_a_naive_moment_is_refused():
    with pytest.raises(TypeError):
        timestamp(datetime(2026, 1, 1))


@pytest.mark.parametrize("message", [Timestamp(seconds=2**62), Timestamp(seconds=-(2**62))])
def test_a_moment_beyond_the_calendar_is_unreadable(message):
    with pytest.raises(ValueError, match="out of range"):
        moment(message)


def test_an_endless_duration_is_unreadable():
    with pytest.raises(ValueError, match="out of range"):
        span(Duration(seconds=2**62))


@pytest.mark.parametrize(
    "value",
    [
        b"\xff\xff\xff",
        b"",
        ticket_events_pb2.TicketEvent(note_added={"ticket_id": "tk_1"}).SerializeToString(),
        ticket_events_pb2.TicketEvent(ticket_state_changed={"to_state": 99}, metadata={}).SerializeToString(),
        ticket_events_pb2.TicketEvent(ticket_created={"ticket_id": "tk_1"}).SerializeToString(),
        ticket_events_pb2.TicketEvent(
            ticket_created={}, metadata={"event_time": Timestamp(seconds=2**62)}
        ).SerializeToString(),
    ],
    ids=["no protobuf", "empty", "body missing", "unknown state", "no metadata", "time out of range"],
)
def test_what_is_no_event_of_ours_is_poison(value):
    with pytest.raises(Poison):
        WIRE.decode_event(value)


def test_a_command_of_a_newer_version_is_poison_in_the_log_and_invalid_from_a_caller():
    unknown = b"\xf2\x3f\x00"  # field 1022
    with pytest.raises(Poison):
        WIRE.decode_command(unknown)
    with pytest.raises(Invalid) as refused:
        WIRE.command_from_message(ticket_commands_pb2.TicketCommand.FromString(unknown))
    assert refused.value.field == "command.command"


def test_the_field_that_is_wrong_is_named_with_its_path():
    flow = directory_types_pb2.FlowDefinition(flow_id="fl_1", nodes=[{"node_id": "n1"}])
    with pytest.raises(Invalid) as refused:
        FLOWS.from_message(flow)
    assert refused.value.field == "nodes.step"


def test_an_unset_duration_reads_as_zero():
    message = directory_types_pb2.QueueDefinition(queue_id="qu_1", name={"zh": "", "en": ""})
    assert QUEUES.from_message(message).target_wait_duration == timedelta(0)


def row(name, **fields):
    return make_dataclass(name, list(fields.items()), frozen=True)


@pytest.mark.parametrize(
    ("domain", "message", "told"),
    [
        (row("SkillRequirement", skill=str), directory_types_pb2.SkillRequirement, "min_level"),
        (row("SkillRequirement", skill=str, min_level=int, extra=int), directory_types_pb2.SkillRequirement, "extra"),
        (row("SkillGrade", skill=str, min_level=int), directory_types_pb2.SkillRequirement, "SkillGrade"),
        (
            row("SkillRequirement", skill=str, min_level=str),
            directory_types_pb2.SkillRequirement,
            r"SkillRequirement\.min_level",
        ),
        (
            row("SkillRequirement", skill=bytes, min_level=int),
            directory_types_pb2.SkillRequirement,
            r"SkillRequirement\.skill",
        ),
        (
            row("SkillRequirement", skill=str, min_level=bool),
            directory_types_pb2.SkillRequirement,
            r"SkillRequirement\.min_level",
        ),
        (row("SkillRequirement", skill=str | None, min_level=int), directory_types_pb2.SkillRequirement, "go together"),
        (
            row("SkillRequirement", skill=str, min_level=tuple[int, ...]),
            directory_types_pb2.SkillRequirement,
            "repeated",
        ),
        (row("WatchAgents", agent_ids=str), acd_service_pb2.WatchAgents, "repeated"),
        (row("WatchAgents", agent_ids=list[str]), acd_service_pb2.WatchAgents, "repeated"),
        (row("WatchAgents", agent_ids=tuple[str, str]), acd_service_pb2.WatchAgents, "repeated"),
        (
            row("Candidate", agent_id=str, not_chosen_because=str, idle_ms=timedelta),
            acd_types_pb2.Candidate,
            "Duration",
        ),
        (int, directory_types_pb2.SkillRequirement, "int"),
    ],
)
def test_what_does_not_fit_is_found_when_the_mapper_is_built(domain, message, told):
    with pytest.raises(WireMismatch, match=told):
        Mapper(domain, message)


def test_an_enum_that_differs_from_the_proto_is_found_when_the_mapper_is_built():
    class Other(Enum):
        UNSPECIFIED = 0
        OPEN = 1
        GONE = 2

    changed = row("ChangeTicketState", ticket_id=str, state=Other)
    with pytest.raises(WireMismatch, match="GONE, IN_PROGRESS, RESOLVED"):
        Mapper(changed, ticket_commands_pb2.ChangeTicketState)


def test_a_union_that_lacks_a_kind_is_found_when_the_codec_is_built():
    with pytest.raises(WireMismatch, match="note_added"):
        EventWire(
            events=TicketCreated | TicketStateChanged,
            event_message=ticket_events_pb2.TicketEvent,
            commands=Commands,
            command_message=ticket_commands_pb2.TicketCommand,
        )
