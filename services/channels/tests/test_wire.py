"""Bytes, keys and lanes of channels, and facts of other services as commands."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from trunkline.acd.v1 import acd_events_pb2 as acd
from trunkline.acd.v1.acd_types_pb2 import ConsultationEndReason, LimitKind, SegmentOutcome
from trunkline.common.v1.common_types_pb2 import CHANNEL_CHAT, EventMetadata
from trunkline.directory.v1 import directory_events_pb2, directory_types_pb2
from trunkline.ivr.v1 import ivr_events_pb2 as ivr
from trunkline_channels.adapters.facts import definitions, facts_of_acd, facts_of_ivr
from trunkline_channels.adapters.wire import WIRE, key_of, lane_of, stream_of
from trunkline_channels.application.hub import Subscriber, part_of
from trunkline_channels.domain import commands, events
from trunkline_channels.domain.contact import Message
from trunkline_channels.domain.words import Author, Channel, CloseReason, ConsultationState, EntryPointDefinition
from trunkline_core.errors import Invalid
from trunkline_core.flows import MenuOption
from trunkline_core.hours import HoursDefinition
from trunkline_core.sealed import Sealed
from trunkline_core.texts import LocalizedText
from trunkline_core.webhooks import HookDefinition
from trunkline_ledger.core.metadata import Metadata
from trunkline_ledger.core.records import Record
from trunkline_ledger.kafka.reader import EffectiveRecord, Position
from trunkline_ledger.submission import Lane

ONE = "ct_0123456789abcdef_one"
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
HELLO = LocalizedText("你好", "Hello")
SEALED = Sealed("dk_1", b"n" * 12, b"c" * 20)
HOOK = HookDefinition("hk_1", "ep_1", ("now", "next"), False)
METADATA = Metadata("ev_1", ONE, 1, NOW, "tn_demo", "system", ONE, "c1", 1, False, b"")


@pytest.mark.parametrize(
    "event",
    [
        events.EntryPointPut(EntryPointDefinition("ep_1", "Shop", Channel.CHAT, "fl_1")),
        events.HookPut(HOOK),
        events.ContactOpened(ONE, "ep_1", Channel.CHAT, "fl_1", "0123", SEALED, {"plan": "gold"}, "en", "chat:a"),
        events.PromptShown(ONE, "n1", 1, HELLO, (MenuOption("a", HELLO, "1", ("x",), "n2"),)),
        events.InputGiven(ONE, "n1", "", None),
        events.ContactClosed(ONE, CloseReason.REFUSED, "QueueFull"),
        events.MessageAdded(ONE, 1, Author.AGENT, SEALED, "ag_li"),
        events.MessageAdded(ONE, 1, Author.SUPERVISOR, SEALED, "", "us_zhao"),
        events.WhisperAdded(ONE, 1, "us_zhao", "ag_li", SEALED),
    ],
)
def test_events_survive_the_way_to_kafka_and_back(event: events.Event) -> None:
    assert WIRE.decode_event(WIRE.encode_event(event, METADATA)) == (event, METADATA)


def test_every_command_but_those_of_a_partition_has_the_contacts_key() -> None:
    assert key_of(commands.DropContact(ONE), "tn_demo") == "0123456789abcdef"
    for command in (
        commands.LosePeer("gw"),
        commands.PutEntryPoint(None),
        commands.PutHook(None),
        commands.PutHours(None),
        commands.PutTreatments(()),
    ):
        with pytest.raises(Invalid):
            key_of(command, "tn_demo")
    assert len(get_args(commands.Command)) == 67


def test_answers_of_services_go_first_and_new_work_last() -> None:
    assert lane_of(commands.RecordConnected(ONE, 1, 1, "ag_li")) is Lane.INTERNAL
    assert lane_of(commands.CloseContact(ONE, CloseReason.CUSTOMER_LEFT, "")) is Lane.ENDING
    assert lane_of(commands.AddMessage(ONE, Author.AGENT, SEALED, "ag_li")) is Lane.ENDING
    assert lane_of(commands.AddMessage(ONE, Author.CUSTOMER, SEALED, "")) is Lane.NEW


def test_the_stream_is_the_contact_or_what_is_defined() -> None:
    assert stream_of(events.ContactDropped(ONE)) == ONE
    assert stream_of(events.EntryPointPut(EntryPointDefinition("ep_1", "", Channel.CHAT, "fl_1"))) == "ep_1"
    assert stream_of(events.HookPut(HOOK)) == "hk_1"
    assert stream_of(events.HoursPut(HoursDefinition("ho_1", "UTC", (), ()))) == "ho_1"


def record(event: Any) -> EffectiveRecord:
    raw = Record(0, 5, b"k", event.SerializeToString(), NOW, 1, "any")
    return EffectiveRecord(raw, Position(6, 1))


def test_an_offer_becomes_a_command_to_its_contact() -> None:
    offered = acd.ContactOffered(contact_id=ONE, segment_no=1, offer_no=2, agent_id="ag_li")
    metadata = EventMetadata(tenant_id="tn_demo", correlation_id=ONE, event_id="ev_9")
    (found,) = facts_of_acd(record(acd.AcdEvent(metadata=metadata, contact_offered=offered)))
    assert found.command == commands.RecordOffered(ONE, 1, 2, "ag_li")
    offered.ring_all = True
    (found,) = facts_of_acd(record(acd.AcdEvent(metadata=metadata, contact_offered=offered)))
    assert found.command == commands.RecordOffered(ONE, 1, 2, "ag_li", ring_all=True)
    assert (found.key, found.tenant, found.causation_id) == ("0123456789abcdef", "tn_demo", "ev_9")


def test_what_becomes_of_a_silent_chat_concerns_the_contact_which_entered_with_the_time_for_it() -> None:
    place = {"contact_id": ONE, "segment_no": 1, "agent_id": "ag_li"}
    for kind, command in (
        ("contact_parked", commands.RecordParked),
        ("contact_resumed", commands.RecordResumed),
        ("customer_returned", commands.RecordCustomerReturned),
    ):
        (found,) = facts_of_acd(record(acd.AcdEvent(**{kind: place})))
        assert found.command == command(ONE, 1, "ag_li")
    entered = acd.ContactEnqueued(contact_id=ONE, step_no=2, queue_id="qu_1", segment_no=1)
    entered.parking_duration.FromSeconds(600)
    (found,) = facts_of_acd(record(acd.AcdEvent(contact_enqueued=entered)))
    assert found.command == commands.RecordEnqueued(ONE, 2, "qu_1", 1, timedelta(minutes=10))


def test_only_a_release_for_a_lost_desk_concerns_the_contact() -> None:
    released = acd.ContactReleased(contact_id=ONE, agent_id="ag_li", desk_lost=True)
    (found,) = facts_of_acd(record(acd.AcdEvent(contact_released=released)))
    assert found.command == commands.RecordAgentLost(ONE, "ag_li")
    assert not facts_of_acd(record(acd.AcdEvent(contact_released=acd.ContactReleased(contact_id=ONE))))


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("offered", ConsultationState.OFFERED),
        ("accepted", ConsultationState.CONNECTING),
        ("connected", ConsultationState.TALKING),
        ("merged", ConsultationState.CONFERENCE),
    ],
)
def test_how_far_a_consultation_is_becomes_one_command(kind: str, state: ConsultationState) -> None:
    event = acd.AcdEvent()
    told = getattr(event, f"consultation_{kind}")
    told.contact_id, told.segment_no, told.offer_no, told.agent_id = ONE, 1, 2, "ag_wu"
    (found,) = facts_of_acd(record(event))
    assert found.command == commands.RecordConsultation(ONE, 1, 2, "ag_wu", state)


def test_a_contact_that_was_taken_over_becomes_one_command() -> None:
    event = acd.ContactTakenOver(contact_id=ONE, segment_no=1, offer_no=2, agent_id="ag_zhao", left_agent_id="ag_wu")
    (found,) = facts_of_acd(record(acd.AcdEvent(contact_taken_over=event)))
    assert found.command == commands.RecordTakenOver(ONE, 1, 2, "ag_zhao")


def test_how_a_consultation_ended_is_said_in_acds_words() -> None:
    place = {"contact_id": ONE, "segment_no": 1, "offer_no": 2, "agent_id": "ag_wu"}
    reason = ConsultationEndReason.CONSULTATION_END_REASON_COLLEAGUE_LEFT
    (ended,) = facts_of_acd(record(acd.AcdEvent(consultation_ended=acd.ConsultationEnded(**place, reason=reason))))
    assert ended.command == commands.RecordConsultationEnded(ONE, 1, 2, "colleague_left")
    (done,) = facts_of_acd(record(acd.AcdEvent(consultation_completed=acd.ConsultationCompleted(**place))))
    assert done.command == commands.RecordConsultationCompleted(ONE, 1, 2, "ag_wu")


def test_only_a_limit_after_which_the_contact_goes_on_nowhere_concerns_it() -> None:
    limit = SegmentOutcome.SEGMENT_OUTCOME_LIMIT_REACHED
    ended = acd.SegmentEnded(contact_id=ONE, segment_no=2, outcome=limit)
    (found,) = facts_of_acd(record(acd.AcdEvent(segment_ended=ended)))
    assert found.command == commands.RecordLimitReached(ONE, 2)
    ended.next_queue_id = "qu_next"
    assert not facts_of_acd(record(acd.AcdEvent(segment_ended=ended)))
    assert not facts_of_acd(record(acd.AcdEvent(segment_ended=acd.SegmentEnded(contact_id=ONE))))


def test_limit_that_a_customer_reaches_who_was_called_back_is_a_limit_as_of_any_caller() -> None:
    ended = acd.CallbackEnded(contact_id=ONE, segment_no=2, limit=LimitKind.LIMIT_KIND_UNSTAFFED)
    (found,) = facts_of_acd(record(acd.AcdEvent(callback_ended=ended)))
    assert found.command == commands.RecordLimitReached(ONE, 2)
    ended.next_queue_id = "qu_next"
    assert not facts_of_acd(record(acd.AcdEvent(callback_ended=ended)))
    (other,) = facts_of_acd(record(acd.AcdEvent(callback_ended=acd.CallbackEnded(contact_id=ONE, segment_no=2))))
    assert other.command == commands.RecordCallbackEnded(ONE, 2)


def test_a_contact_that_a_supervisor_closed_concerns_it() -> None:
    closed = acd.WaitingContactClosed(contact_id=ONE, segment_no=2, reason="other")
    (found,) = facts_of_acd(record(acd.AcdEvent(waiting_contact_closed=closed)))
    assert found.command == commands.RecordWaitingContactClosed(ONE, 2)


def test_what_is_not_about_our_contacts_leads_to_nothing() -> None:
    assert not facts_of_acd(record(acd.AcdEvent(rows_changed=acd.RowsChanged())))
    assert not facts_of_acd(record(acd.AcdEvent(contact_offered=acd.ContactOffered(contact_id="foreign"))))
    assert not facts_of_ivr(record(ivr.IvrEvent(input_taken=ivr.InputTaken(contact_id=ONE))))
    assert not definitions(record(directory_events_pb2.DirectoryEvent()))


def test_an_entry_point_goes_to_every_partition() -> None:
    definition = directory_types_pb2.EntryPointDefinition(
        entry_point_id="ep_1", name="Shop", channel=CHANNEL_CHAT, flow_id="fl_1"
    )
    defined = directory_events_pb2.EntryPointDefined(entry_point=definition)
    event = directory_events_pb2.DirectoryEvent(entry_point_defined=defined)
    (found,) = definitions(record(event))
    assert found.key is None
    assert found.command == commands.PutEntryPoint(EntryPointDefinition("ep_1", "Shop", Channel.CHAT, "fl_1"))


def test_a_hook_goes_to_every_partition() -> None:
    definition = directory_types_pb2.HookDefinition(hook_id="hk_1", entry_point_id="ep_1", secret_names=["now", "next"])
    event = directory_events_pb2.DirectoryEvent(hook_defined=directory_events_pb2.HookDefined(hook=definition))
    (found,) = definitions(record(event))
    assert (found.key, found.command) == (None, commands.PutHook(HOOK))


def test_a_delivery_goes_with_the_contact_that_it_would_open_and_is_new_work() -> None:
    delivery = commands.TakeDelivery("hk_1", "t", SEALED, ONE, "en", None, SEALED, "", "")
    assert WIRE.decode_command(WIRE.encode_command(delivery)) == delivery
    assert (key_of(delivery, "tn_demo"), lane_of(delivery)) == ("0123456789abcdef", Lane.NEW)


def message(number: int, size_bytes: int) -> Message:
    return Message(number, Author.CUSTOMER, NOW, Sealed("dk_1", b"", b"x" * size_bytes))


def test_a_long_conversation_is_told_in_parts() -> None:
    messages = [message(number, 31 * 1024) for number in range(1, 101)]
    assert part_of(messages, 0) == 16
    assert part_of(messages, 96) == 100
    assert part_of([message(1, 2**20)], 0) == 1
    assert part_of([], 0) == 0


async def test_a_slow_stream_gets_the_newest_state_only(story: Any) -> None:
    subscriber = Subscriber("tn_demo", "gw")
    older = story.opened().contact
    story.do(commands.RecordCustomer(story.one, 1, "cu_1"))
    subscriber.offer(story.contact)
    subscriber.offer(older)
    assert (await subscriber.next()).contact == story.contact


async def test_a_stream_is_told_each_message_once(story: Any) -> None:
    subscriber = Subscriber("tn_demo", "gw")
    story.prompted()
    for _ in range(2):
        story.do(commands.AddMessage(story.one, Author.CUSTOMER, story.sealed, ""))
        subscriber.offer(story.contact)
        telling = await subscriber.next()
        assert telling.upto == telling.after + 1
    subscriber.forget(story.one)
    subscriber.offer(story.contact)
    telling = await subscriber.next()
    assert (telling.after, telling.upto) == (0, 2)
