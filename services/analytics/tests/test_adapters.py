"""What the adapters know of the ledgers' messages is all there is to know."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

from google.protobuf.duration_pb2 import Duration
from trunkline.acd.v1.acd_events_pb2 import (
    AcdEvent,
    CallbackEnded,
    ContactConnected,
    ContactEnqueued,
    ContactReleased,
    SegmentEnded,
)
from trunkline.acd.v1.acd_types_pb2 import SegmentOutcome, WaitEstimate
from trunkline_analytics.adapters.journals import BOOKKEEPING, JOURNAL_OF
from trunkline_analytics.adapters.live import ENVELOPES
from trunkline_analytics.adapters.segments import OUTCOMES, is_live, segment_of, segment_write
from trunkline_analytics.domain.segments import Outcome
from trunkline_ledger.kafka.reader import EffectiveRecord
from trunkline_platform.store import Upsert


def test_every_way_in_which_a_segment_ends_has_an_outcome():
    not_an_end = {SegmentOutcome.SEGMENT_OUTCOME_UNSPECIFIED, SegmentOutcome.SEGMENT_OUTCOME_ANSWERED}
    assert set(OUTCOMES) == set(SegmentOutcome.values()) - not_an_end


def test_bookkeeping_names_events_of_the_journalled_ledgers():
    names = {
        case.message_type.name
        for envelope in ENVELOPES.values()
        for case in envelope.DESCRIPTOR.oneofs_by_name["event"].fields
    }
    assert names >= BOOKKEEPING


def test_every_ledger_that_is_read_has_a_journal_that_can_hold_its_events():
    assert set(JOURNAL_OF) == set(ENVELOPES)
    for area, kind in JOURNAL_OF.items():
        assert kind.message.DESCRIPTOR.fields_by_name[area].message_type == ENVELOPES[area].DESCRIPTOR


def test_what_happens_to_tickets_and_customers_names_the_subject_of_their_journal():
    for area in ("ticket", "customer"):
        for case in ENVELOPES[area].DESCRIPTOR.oneofs_by_name["event"].fields:
            is_named = JOURNAL_OF[area].subject in case.message_type.fields_by_name
            assert is_named or case.message_type.name in BOOKKEEPING, case.message_type.name


def record_of(**event: Any) -> EffectiveRecord:
    message = AcdEvent(**event)
    message.metadata.event_time.FromSeconds(1_767_603_600)
    record = SimpleNamespace(record=SimpleNamespace(value=message.SerializeToString()))
    return cast(EffectiveRecord, record)


def segment_event(**event: Any) -> dict[str, Any]:
    """Return the fields that the event writes into its segment's document."""
    write = segment_write(record_of(**event))
    assert isinstance(write, Upsert)
    return cast(dict[str, Any], write.update["$set"])


def test_callback_is_a_segment_of_its_own_kind_and_no_live_one():
    place = {"contact_id": "ct_1", "queue_id": "qu_sales"}
    converted = segment_event(segment_ended=SegmentEnded(**place, segment_no=1, outcome=7))
    live = segment_event(contact_enqueued=ContactEnqueued(**place, segment_no=1))
    opened = segment_event(contact_enqueued=ContactEnqueued(**place, segment_no=2, callback=True))
    ended = segment_event(callback_ended=CallbackEnded(**place, segment_no=2, outcome=2))
    assert converted["outcome"] == "CALLBACK"
    assert is_live(live | converted) and segment_of(live | converted).outcome is Outcome.CALLBACK
    assert not is_live(opened) and not is_live(opened | ended)
    assert (opened["kind"], ended["outcome"]) == ("callback", "NO_ANSWER")


def test_an_estimate_stands_in_the_document_of_the_segment_it_was_made_for():
    place = {"contact_id": "ct_1", "queue_id": "qu_sales", "segment_no": 1}
    told = WaitEstimate(
        contacts_ahead=3, agents=2, p50_duration=Duration(seconds=40), p80_duration=Duration(seconds=90)
    )
    opened = segment_event(contact_enqueued=ContactEnqueued(**place, estimate=told))
    answered = segment_event(contact_connected=ContactConnected(**place, agent_id="ag_li"))
    estimate = segment_of(opened | answered).estimate
    assert estimate is not None
    assert (estimate.p50, estimate.p80) == (timedelta(seconds=40), timedelta(seconds=90))
    unknown = WaitEstimate(contacts_ahead=3, agents=0)
    assert segment_of(segment_event(contact_enqueued=ContactEnqueued(**place, estimate=unknown))).estimate is None


def test_time_in_which_a_chat_was_parked_stands_apart_in_its_segment():
    released = ContactReleased(contact_id="ct_1", agent_id="ag_li", segment_no=2)
    assert segment_write(record_of(contact_released=released)) is None
    released.parked_duration.FromSeconds(90)
    write = segment_write(record_of(contact_released=released))
    assert write.id == "ct_1/2"
    assert write.update["$set"]["parked_s"] == 90.0


def test_transfer_makes_a_second_document_and_leaves_the_answered_one_as_it_was():
    first = {"contact_id": "ct_1", "queue_id": "qu_sales", "segment_no": 1}
    second = first | {"queue_id": "qu_help", "segment_no": 2}
    answered = segment_event(contact_enqueued=ContactEnqueued(**first)) | segment_event(
        contact_connected=ContactConnected(**first, agent_id="ag_li")
    )
    assert segment_write(record_of(contact_released=ContactReleased(contact_id="ct_1", agent_id="ag_li"))) is None
    waits = segment_event(contact_enqueued=ContactEnqueued(**second, transferred_by_agent_id="ag_li"))
    left = segment_event(segment_ended=SegmentEnded(**second, outcome=2))
    assert is_live(waits) and segment_of(waits).outcome is None
    stays = [segment_of(answered), segment_of(waits | left)]
    assert [(stay.segment_no, stay.queue_id, stay.outcome) for stay in stays] == [
        (1, "qu_sales", Outcome.ANSWERED),
        (2, "qu_help", Outcome.ABANDONED),
    ]
