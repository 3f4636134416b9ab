"""A contact comes in."""

from typing import Any

import pytest
from trunkline_channels.domain.commands import (
    PutEntryPoint,
    RecordCustomer,
    RefuseStep,
)
from trunkline_channels.domain.events import (
    ContactClosed,
    ContactOpened,
    CustomerIdentified,
    StepBegun,
    StepRefused,
    TextShown,
)
from trunkline_channels.domain.identity import derive_contact_id, partition_token
from trunkline_channels.domain.words import Channel, CloseReason, ContactState, EntryPointDefinition, StepKind
from trunkline_core.errors import Invalid


def test_opening_looks_the_customer_up(story: Any) -> None:
    opened, step = story.do(story.opening())
    assert isinstance(opened, ContactOpened)
    assert (opened.channel, opened.flow_id) == (Channel.CHAT, "fl_menu")
    assert step == StepBegun(story.one, 1, "resolve_customer")
    assert story.contact.state is ContactState.OPENED


def test_opening_twice_changes_nothing(story: Any) -> None:
    story.opened()
    assert story.do(story.opening()) == []


def test_an_unknown_entry_point_is_not_found(story: Any) -> None:
    assert story.refusal(story.opening("ep_other")) == "NotFound: unknown entry_point ep_other"


def test_an_entry_point_of_another_tenant_is_not_found(story: Any) -> None:
    assert story.refusal(story.opening(), tenant="tn_other") == "NotFound: unknown entry_point ep_chat"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"locale": "fr"}, "locale"),
        ({"peer_id": ""}, "peer_id"),
        ({"address": None}, "address"),
        ({"address_token": "ffff"}, "address_token"),
        ({"contact_id": "ct_nothing"}, "contact_id"),
        ({"attributes": {str(number): "" for number in range(33)}}, "attributes"),
        ({"attributes": {"plan": "x" * 257}}, "attributes"),
        ({"attributes": {"pl\x00an": "x"}}, "attributes"),
    ],
)
def test_bad_openings_name_the_field(story: Any, changes: dict[str, Any], field: str) -> None:
    assert story.refusal(story.opening(**changes)).startswith(f"Invalid: {field}: ")


def test_a_resolved_customer_starts_the_flow(story: Any) -> None:
    story.opened()
    assert story.do(RecordCustomer(story.one, 1, "cu_1")) == [
        CustomerIdentified(story.one, "cu_1"),
        StepBegun(story.one, 2, "start_session"),
    ]


def test_a_late_answer_of_crm_names_the_customer_once_and_leaves_the_step_that_goes_on(story: Any) -> None:
    story.opened().do(RecordCustomer(story.one, 1, ""))
    assert story.do(RecordCustomer(story.one, 1, "cu_late")) == [CustomerIdentified(story.one, "cu_late")]
    assert story.contact.customer_id == "cu_late"
    assert story.contact.step.kind is StepKind.START_SESSION
    assert story.do(RecordCustomer(story.one, 1, "cu_late")) == []
    assert story.do(RecordCustomer(story.one, 1, "")) == []


def test_nobody_is_looked_up_whose_address_is_withheld(story: Any) -> None:
    """crm would take all of them for one customer: with one agent who had them last, and one maximum of contacts."""
    opened, identified, step = story.do(story.opening("ep_voice", address_withheld=True), actor="gateway:gw")
    assert opened.address_withheld
    assert identified == CustomerIdentified(story.one, "")
    assert step == StepBegun(story.one, 1, "start_session")


def test_which_agents_the_customer_knows_is_kept_with_who_the_customer_is(story: Any) -> None:
    """Routing rule 10."""
    story.opened()
    identified, _ = story.do(RecordCustomer(story.one, 1, "cu_1", "ag_owner", "ag_last"))
    assert identified == CustomerIdentified(story.one, "cu_1", "ag_owner", "ag_last")
    assert (story.contact.account_owner_id, story.contact.last_agent_id) == ("ag_owner", "ag_last")


def test_a_late_answer_of_crm_still_names_the_agents_whom_the_customer_knows(story: Any) -> None:
    story.opened().do(RecordCustomer(story.one, 1, ""))
    story.do(RecordCustomer(story.one, 1, "cu_1", "", "ag_last"))
    assert story.contact.last_agent_id == "ag_last"


def test_a_refused_lookup_goes_on_unresolved(story: Any) -> None:
    story.opened()
    assert story.do(RefuseStep(story.one, 1, "CustomerErased")) == [
        StepRefused(story.one, 1, "CustomerErased"),
        CustomerIdentified(story.one, ""),
        StepBegun(story.one, 2, "start_session"),
    ]


def test_a_refused_start_tells_the_customer_and_closes(story: Any) -> None:
    refused, told, closed = story.started().do(RefuseStep(story.one, 2, "unknown flow fl_menu"))
    assert isinstance(refused, StepRefused)
    assert isinstance(told, TextShown)
    assert closed == ContactClosed(story.one, CloseReason.REFUSED, "unknown flow fl_menu")


def test_an_entry_point_is_taken_over_once(story: Any) -> None:
    command = PutEntryPoint(EntryPointDefinition("ep_new", "New", Channel.VOICE, "fl_menu"))
    assert len(story.do(command)) == 1
    assert story.do(command) == []
    assert story.refusal(command, tenant="tn_other") == "Rejection: EntryPointTaken"


@pytest.mark.parametrize(
    ("definition", "field"),
    [
        (None, "entry_point"),
        (EntryPointDefinition("", "x", Channel.CHAT, "fl_1"), "entry_point.entry_point_id"),
        (EntryPointDefinition("ep_1", "x", Channel.UNSPECIFIED, "fl_1"), "entry_point.channel"),
        (EntryPointDefinition("ep_1", "x", Channel.CHAT, ""), "entry_point.flow_id"),
    ],
)
def test_bad_entry_points_name_the_field(story: Any, definition: EntryPointDefinition | None, field: str) -> None:
    assert story.refusal(PutEntryPoint(definition)).startswith(f"Invalid: {field}: ")


def test_a_contact_id_names_its_partition_and_nothing_else() -> None:
    contact_id = derive_contact_id("a" * 64, "command-1")
    assert partition_token(contact_id) == "a" * 16
    assert contact_id == derive_contact_id("a" * 64, "command-1")
    assert contact_id != derive_contact_id("a" * 64, "command-2")


@pytest.mark.parametrize("contact_id", ["", "ct_", "ct__x", "ag_a_b", "ct_a", "ct_a_b_c", "ct_a_" + "x" * 128])
def test_anything_else_is_no_contact_id(contact_id: str) -> None:
    with pytest.raises(Invalid, match="contact_id"):
        partition_token(contact_id)
