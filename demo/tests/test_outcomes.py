"""Figures are counted from what the product published; the plan says only who counts."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from trunkline.acd.v1 import acd_events_pb2 as acd
from trunkline.contact.v1 import contact_events_pb2 as contact
from trunkline.contact.v1.contact_types_pb2 import CloseReason
from trunkline.journal.v1.journal_events_pb2 import ContactJournalEvent
from trunkline_demo.observer import Facts
from trunkline_demo.outcomes import Outcomes, count_outcomes
from trunkline_simulation.day.plan import Caller

LEFT, ENDED = CloseReason.CLOSE_REASON_CUSTOMER_LEFT, CloseReason.CLOSE_REASON_AGENT_ENDED
REFUSED, PEER_LOST = CloseReason.CLOSE_REASON_REFUSED, CloseReason.CLOSE_REASON_PEER_LOST
SPEED = 20.0


class Journal:
    """Facts as they come out of a journal of one partition."""

    def __init__(self) -> None:
        self.facts = Facts()
        self._offset = 0

    def _tell(self, **event: Any) -> None:
        record = ContactJournalEvent(**event)
        record.source.topic, record.source.offset = "contact.events.v1", self._offset
        self._offset += 1
        self.facts.take_journal(record, 0)

    def asked(self, contact_id: str) -> None:
        self._tell(contact=contact.ContactEvent(input_given=contact.InputGiven(contact_id=contact_id)))

    def answered(self, contact_id: str, wait_s: float) -> None:
        connected = acd.ContactConnected(contact_id=contact_id, agent_id="ag_1")
        connected.wait_duration.FromTimedelta(timedelta(seconds=wait_s))
        self._tell(acd=acd.AcdEvent(contact_connected=connected))

    def closed(self, contact_id: str, reason: "CloseReason.ValueType") -> None:
        told = contact.ContactClosed(contact_id=contact_id, reason=reason)
        self._tell(contact=contact.ContactEvent(contact_closed=told))


def caller(*, counts: bool = True, counts_in_menu: bool = False) -> Caller:
    return Caller(0, 0, 0, counts, "PS", False, 10, 10, counts, counts_in_menu)


def count(journal: Journal, **callers: Caller) -> Outcomes:
    return count_outcomes(callers, journal.facts, SPEED)


def shares(outcomes: Outcomes) -> Iterator[int]:
    figures = outcomes.figures
    yield from (figures.offered, figures.answered, figures.abandoned_in_queue, figures.hung_up_in_menu)
    yield from (outcomes.refused, outcomes.closed_by_system)


def test_who_was_connected_is_answered_after_the_wait_in_day_seconds() -> None:
    journal = Journal()
    journal.asked("ct_1")
    journal.answered("ct_1", 0.5)
    journal.closed("ct_1", ENDED)
    outcomes = count(journal, ct_1=caller())
    assert [*shares(outcomes)] == [1, 1, 0, 0, 0, 0]
    assert (outcomes.figures.mean_wait_s, outcomes.figures.answered_within_20_s) == (10.0, 1.0)


def test_who_asked_and_left_without_an_agent_abandoned_also_before_a_queue_was_reached() -> None:
    journal = Journal()
    journal.asked("ct_1")
    journal.closed("ct_1", LEFT)
    assert [*shares(count(journal, ct_1=caller()))] == [1, 0, 1, 0, 0, 0]


def test_a_contact_that_was_refused_or_closed_by_the_system_did_not_abandon() -> None:
    journal = Journal()
    for contact_id, reason in (("ct_1", REFUSED), ("ct_2", PEER_LOST), ("ct_3", LEFT)):
        journal.asked(contact_id)
        journal.closed(contact_id, reason)
    assert [*shares(count(journal, ct_1=caller(), ct_2=caller(), ct_3=caller()))] == [3, 0, 1, 0, 1, 1]


def test_who_never_asked_hung_up_in_the_menu_whatever_was_planned() -> None:
    journal = Journal()
    journal.closed("ct_1", LEFT)
    journal.closed("ct_2", LEFT)
    outcomes = count(journal, ct_1=caller(), ct_2=caller(counts=False, counts_in_menu=True))
    assert [*shares(outcomes)] == [0, 0, 0, 2, 0, 0]


def test_a_contact_that_the_system_closed_in_the_menu_hung_up_nowhere() -> None:
    journal = Journal()
    journal.closed("ct_1", PEER_LOST)
    assert [*shares(count(journal, ct_1=caller(counts=False, counts_in_menu=True)))] == [0, 0, 0, 0, 0, 1]


def test_a_contact_without_an_end_is_offered_and_nothing_else() -> None:
    journal = Journal()
    journal.asked("ct_1")
    assert [*shares(count(journal, ct_1=caller()))] == [1, 0, 0, 0, 0, 0]


def test_a_conversation_that_the_system_cut_short_was_answered() -> None:
    journal = Journal()
    journal.asked("ct_1")
    journal.answered("ct_1", 1.0)
    journal.closed("ct_1", PEER_LOST)
    assert [*shares(count(journal, ct_1=caller()))] == [1, 1, 0, 0, 0, 0]


def test_the_warm_up_and_contacts_of_nobody_do_not_count() -> None:
    journal = Journal()
    for contact_id in ("ct_1", "ct_2"):
        journal.asked(contact_id)
        journal.answered(contact_id, 1.0)
    assert [*shares(count(journal, ct_1=caller(counts=False)))] == [0, 0, 0, 0, 0, 0]
