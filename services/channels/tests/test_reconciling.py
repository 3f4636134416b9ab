"""Where channels, acd and ivr contradict each other, and what becomes of the contact (ADR 0017)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from trunkline_channels.domain.commands import CloseContact, ReconcileContact
from trunkline_channels.domain.contact import Contact
from trunkline_channels.domain.events import ContactClosed
from trunkline_channels.domain.reconciling import (
    AtAcd,
    AtIvr,
    Difference,
    Finding,
    Stage,
    differences_with_acd,
    differences_with_ivr,
)
from trunkline_channels.domain.words import CloseReason

CONNECTED = AtAcd(5, Stage.CONNECTED, 1, 1, "ag_li")


def with_acd(contact: Contact | None, at_acd: AtAcd | None, contact_id: str = "") -> list[tuple[Difference, int]]:
    name = contact.contact_id if contact else contact_id
    there = {name: at_acd} if at_acd else {}
    return short(differences_with_acd({name: contact} if contact else {}, there))


def with_ivr(contact: Contact | None, at_ivr: AtIvr | None, contact_id: str = "") -> list[tuple[Difference, int]]:
    name = contact.contact_id if contact else contact_id
    there = {name: at_ivr} if at_ivr else {}
    return short(differences_with_ivr({name: contact} if contact else {}, there))


def short(findings: Any) -> list[tuple[Difference, int]]:
    found: Sequence[Finding] = list(findings)
    return [(finding.difference, finding.version) for finding in found]


def closed(story: Any) -> Contact:
    story.do(CloseContact(story.one, CloseReason.CUSTOMER_LEFT, ""))
    row: Contact = story.contact
    return row


@pytest.mark.parametrize(
    ("way", "stage", "agent_id"),
    [
        ("queued", Stage.WAITING, ""),
        ("offered", Stage.OFFERED, "ag_li"),
        ("accepted", Stage.CONNECTING, "ag_li"),
        ("connected", Stage.CONNECTED, "ag_li"),
    ],
)
def test_a_contact_that_both_have_at_the_same_place_is_no_difference(
    story: Any, way: str, stage: Stage, agent_id: str
) -> None:
    getattr(story, way)("voice")
    offer_no = 0 if way == "queued" else 1
    at_acd = AtAcd(3, stage, 1, offer_no, agent_id)
    assert with_acd(story.contact, at_acd) == []
    others = [replace(at_acd, stage=other) for other in Stage if other is not stage]
    if way != "queued":
        others += [replace(at_acd, agent_id="ag_wu"), replace(at_acd, offer_no=2)]
    for other in others:
        assert with_acd(story.contact, other) == [(Difference.OTHER_AT_ACD, story.contact.version)]


def test_a_contact_in_a_queue_or_with_an_agent_must_be_at_acd(story: Any) -> None:
    story.connected()
    assert with_acd(story.contact, None) == [(Difference.UNKNOWN_AT_ACD, story.contact.version)]


def test_a_contact_in_self_service_need_not_be_at_acd_and_must_be_at_ivr(story: Any) -> None:
    story.prompted()
    assert with_acd(story.contact, None) == []
    assert with_ivr(story.contact, AtIvr(2, 1)) == []
    assert with_ivr(story.contact, None) == [(Difference.UNKNOWN_AT_IVR, story.contact.version)]


@pytest.mark.parametrize("way", ["opened", "started", "wanting"])
def test_a_contact_with_an_outstanding_step_is_on_its_way_and_no_difference(story: Any, way: str) -> None:
    getattr(story, way)()
    assert with_acd(story.contact, None) == with_ivr(story.contact, None) == []


def test_a_closed_contact_is_an_orphan_elsewhere_once_its_clean_up_is_over(story: Any) -> None:
    story.connected()
    assert with_acd(closed(story), CONNECTED) == with_ivr(story.contact, AtIvr(2, 1)) == []
    story.confirm_all()
    assert with_acd(story.contact, CONNECTED) == [(Difference.ORPHAN_AT_ACD, story.contact.version)]
    assert with_ivr(story.contact, AtIvr(2, 1)) == [(Difference.ORPHAN_AT_IVR, story.contact.version)]
    assert with_acd(story.contact, None) == with_ivr(story.contact, None) == []


def test_a_contact_that_channels_does_not_know_is_an_orphan_elsewhere() -> None:
    assert with_acd(None, CONNECTED, "ct_1_x") == [(Difference.ORPHAN_AT_ACD, 0)]
    assert with_ivr(None, AtIvr(2, 1), "ct_1_x") == [(Difference.ORPHAN_AT_IVR, 0)]


def test_a_contradicted_contact_ends_and_is_cleaned_up(story: Any) -> None:
    story.connected()
    told, ended, step = story.do(ReconcileContact(story.one, story.contact.version, "UnknownAtAcd"))
    assert told.text.en.startswith("Sorry")
    assert ended == ContactClosed(story.one, CloseReason.RECONCILED, "UnknownAtAcd")
    assert step.kind == "end_at_acd"
    assert story.do(ReconcileContact(story.one, story.contact.version, "UnknownAtAcd")) == []


def test_a_contact_that_moved_since_it_was_compared_goes_on(story: Any) -> None:
    story.connected()
    assert story.do(ReconcileContact(story.one, story.contact.version - 1, "UnknownAtAcd")) == []


def test_a_contact_whose_step_began_since_it_was_compared_goes_on(story: Any) -> None:
    story.wanting()
    assert story.do(ReconcileContact(story.one, story.contact.version, "UnknownAtAcd")) == []


def test_another_tenants_contact_is_not_found(story: Any) -> None:
    story.connected()
    command = ReconcileContact(story.one, story.contact.version, "UnknownAtAcd")
    assert story.refusal(command, tenant="tn_other").startswith("NotFound")
