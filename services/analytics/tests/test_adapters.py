"""What the adapters know of the ledgers' messages is all there is to know."""

from trunkline.acd.v1.acd_types_pb2 import SegmentOutcome
from trunkline_analytics.adapters.journals import BOOKKEEPING, JOURNAL_OF
from trunkline_analytics.adapters.live import ENVELOPES
from trunkline_analytics.adapters.segments import OUTCOMES


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
