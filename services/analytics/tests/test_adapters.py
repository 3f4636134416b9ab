"""What the adapters know of the ledgers' messages is all there is to know."""

from trunkline.acd.v1.acd_events_pb2 import AcdEvent
from trunkline.acd.v1.acd_types_pb2 import SegmentOutcome
from trunkline.contact.v1.contact_events_pb2 import ContactEvent
from trunkline.ivr.v1.ivr_events_pb2 import IvrEvent
from trunkline_analytics.adapters.live import BOOKKEEPING
from trunkline_analytics.adapters.segments import OUTCOMES


def test_every_way_in_which_a_segment_ends_has_an_outcome():
    not_an_end = {SegmentOutcome.SEGMENT_OUTCOME_UNSPECIFIED, SegmentOutcome.SEGMENT_OUTCOME_ANSWERED}
    assert set(OUTCOMES) == set(SegmentOutcome.values()) - not_an_end


def test_bookkeeping_names_events_of_the_journalled_ledgers():
    names = {
        case.message_type.name
        for envelope in (AcdEvent, ContactEvent, IvrEvent)
        for case in envelope.DESCRIPTOR.oneofs_by_name["event"].fields
    }
    assert names >= BOOKKEEPING
