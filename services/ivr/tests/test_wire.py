from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from trunkline.directory.v1 import directory_types_pb2
from trunkline.directory.v1.directory_events_pb2 import DirectoryEvent
from trunkline_core.errors import Invalid
from trunkline_core.flows import FlowDefinition
from trunkline_ivr.adapters.directory import react
from trunkline_ivr.adapters.wire import WIRE, correlation_of, key_of, lane_of, stream_of
from trunkline_ivr.domain.commands import (
    AdvanceSession,
    Command,
    EndSession,
    ExpireInput,
    PutFlow,
    PutHours,
    StartSession,
)
from trunkline_ivr.domain.events import Event, FlowPut, SessionEnded
from trunkline_ledger.core.records import Record
from trunkline_ledger.kafka.reader import EffectiveRecord, Position
from trunkline_ledger.managers import ManagerCommand
from trunkline_ledger.submission import Lane
from trunkline_platform.wire import Mapper

from .conftest import FLOW, HOURS, SelfService

FLOWS = Mapper(FlowDefinition, directory_types_pb2.FlowDefinition)


def record(event: DirectoryEvent, kind: str) -> EffectiveRecord:
    full_name = f"trunkline.directory.v1.{kind}"
    value = event.SerializeToString()
    return EffectiveRecord(Record(0, 7, b"tn_demo", value, datetime.now(UTC), 1, full_name), Position(8, 1))


def published(kind: str = "FlowPublished") -> Sequence[ManagerCommand[Command]]:
    event = DirectoryEvent()
    event.metadata.tenant_id, event.metadata.event_id = "tn_demo", "ev_1"
    event.flow_published.flow.CopyFrom(FLOWS.to_message(FLOW))
    event.flow_published.flow_version = 4
    return react(record(event, kind))


def test_every_command_and_event_comes_back_from_its_bytes(ivr: SelfService) -> None:
    commands = [
        PutFlow(FLOW, 1),
        PutHours(HOURS),
        StartSession("ct_1", 1, "fl_main", {"tier": "gold"}, "zh"),
        AdvanceSession("ct_1", 2, "menu", "person", None),
        EndSession("ct_1", 3),
        ExpireInput("ct_1", "menu", 1),
    ]
    for command in commands:
        assert WIRE.decode_command(WIRE.encode_command(command)) == command
    ivr.start()
    ivr.choose("again")
    ivr.wait(30)
    ivr.choose("bye", step=3)
    ivr.end()
    for event, _ in ivr.log:
        assert WIRE.event_type(event).startswith("trunkline.ivr.v1.")


def test_a_published_flow_becomes_a_command_on_every_partition() -> None:
    assert published() == [ManagerCommand(None, "tn_demo", "system", PutFlow(FLOW, 4), causation_id="ev_1")]


def test_other_publications_lead_to_nothing() -> None:
    assert published("QueueDefined") == []


def test_a_publication_that_cannot_be_read_is_left_out() -> None:
    event = DirectoryEvent()
    event.flow_published.flow.nodes.add(node_id="a")  # a step of a kind that this version does not know
    assert react(record(event, "FlowPublished")) == []


@pytest.mark.parametrize(
    ("event", "stream", "correlation"),
    [(FlowPut(FLOW, 1), "fl_main", ""), (SessionEnded("ct_1", 3), "ct_1", "ct_1")],
)
def test_a_definition_has_its_own_stream_and_a_session_its_contacts(
    event: Event, stream: str, correlation: str
) -> None:
    assert (stream_of(event), correlation_of(event)) == (stream, correlation)


def test_only_contacts_have_a_key() -> None:
    assert key_of(EndSession("ct_1", 3), "tn_demo") == "ct_1"
    with pytest.raises(Invalid):
        key_of(ExpireInput("ct_1", "menu", 1), "tn_demo")


def test_contacts_in_self_service_go_before_new_ones() -> None:
    assert lane_of(StartSession("ct_1", 1, "fl_main", {}, "zh")) is Lane.NEW
    assert lane_of(EndSession("ct_1", 3)) is Lane.ENDING
