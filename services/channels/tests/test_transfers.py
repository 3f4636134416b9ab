"""A connected agent gives the contact on (routing rule 19)."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from trunkline.acd.v1 import acd_commands_pb2 as acd
from trunkline_channels.adapters.targets import ServiceTargets
from trunkline_channels.adapters.views import contact_view
from trunkline_channels.application.hub import Telling
from trunkline_channels.domain import notes
from trunkline_channels.domain.commands import (
    CloseContact,
    RecordConnected,
    RecordEnqueued,
    RefuseStep,
    TransferContact,
)
from trunkline_channels.domain.contact import Note
from trunkline_channels.domain.events import (
    ContactClosed,
    ContactQueued,
    NoteHandedOn,
    StepBegun,
    StepRefused,
    TextShown,
    TransferRequested,
)
from trunkline_channels.domain.policy import MAX_NOTE_BYTES, MAX_NOTES
from trunkline_channels.domain.words import CloseReason, ContactState
from trunkline_channels.entrypoints.grpc import _Session
from trunkline_core.decider import Context
from trunkline_core.sealed import Sealed
from trunkline_core.treatments import UNKNOWN
from trunkline_platform.credentials import Principal, Role

NOTE = Sealed("ky_1", b"n" * 12, b"wants a refund" + b"t" * 16)


@pytest.fixture
def talking(story: Any) -> Any:
    return story.connected()


def transfer(story: Any, queue: str = "qu_help", agent: str = "ag_li", preferred: str = "") -> TransferContact:
    return TransferContact(story.one, agent, queue, preferred)


def test_it_is_asked_of_acd_and_they_stay_joined_until_it_agrees(talking: Any) -> None:
    happened = talking.do(transfer(talking))
    step_no = talking.contact.step_no
    assert happened == [
        TransferRequested(talking.one, "ag_li", "qu_help", ""),
        StepBegun(talking.one, step_no, "transfer"),
    ]
    assert (talking.contact.state, talking.contact.agent_id) == (ContactState.CONNECTED, "ag_li")
    assert talking.do(transfer(talking)) == [], "asked again"
    assert talking.refusal(transfer(talking, "qu_other")) == "Rejection: TransferUnderWay"


def test_once_it_waits_there_its_agent_has_it_no_more_and_the_customer_is_told(talking: Any) -> None:
    talking.do(transfer(talking))
    queued, told = talking.do(RecordEnqueued(talking.one, talking.contact.step_no, "qu_help", 2))
    assert queued == ContactQueued(talking.one, "qu_help", 2)
    assert isinstance(told, TextShown)
    contact = talking.contact
    assert (contact.state, contact.agent_id, contact.place, contact.step) == (ContactState.QUEUED, "", (2, 0), None)
    assert talking.refusal(CloseContact(talking.one, CloseReason.AGENT_ENDED, "ag_li")).endswith("NotConnectedToAgent")
    assert talking.do(RecordConnected(talking.one, 1, 1, "ag_li")) == [], "what acd said before it"


def test_a_note_goes_on_with_the_contact(talking: Any) -> None:
    talking.do(replace(transfer(talking), note=NOTE))
    assert talking.contact.notes == (), "acd may refuse"
    _, handed, _ = talking.do(RecordEnqueued(talking.one, talking.contact.step_no, "qu_help", 2))
    assert handed == NoteHandedOn(talking.one, "ag_li", NOTE)
    assert talking.contact.notes == (Note("ag_li", talking.now, NOTE),)


def test_the_note_of_a_refused_transfer_is_dropped(talking: Any) -> None:
    talking.do(replace(transfer(talking), note=NOTE))
    talking.do(RefuseStep(talking.one, talking.contact.step_no, "QueueFull"))
    talking.do(transfer(talking))
    happened = talking.do(RecordEnqueued(talking.one, talking.contact.step_no, "qu_help", 2))
    assert not any(isinstance(event, NoteHandedOn) for event in happened)
    assert talking.contact.notes == ()


def test_the_same_transfer_with_its_note_sealed_anew_changes_nothing(talking: Any) -> None:
    talking.do(replace(transfer(talking), note=NOTE))
    assert talking.do(replace(transfer(talking), note=replace(NOTE, nonce=b"m" * 12))) == []


def test_the_newest_notes_are_kept_in_their_order(talking: Any) -> None:
    contact, context = talking.contact, Context(talking.now, "tn_demo", "system", "c")
    for number in range(MAX_NOTES + 1):
        event = NoteHandedOn(talking.one, f"ag_{number}", NOTE)
        notes.apply_handed_on(talking.state, talking.state.contacts.get(contact.contact_id), event, context)
    assert [note.agent_id for note in talking.contact.notes] == [f"ag_{number}" for number in range(1, MAX_NOTES + 1)]


class Opening:
    async def open(self, text: Sealed, tenant: str) -> str | None:
        return text.ciphertext.decode()


@pytest.mark.parametrize(("for_agents", "shown"), [(True, [("ag_li", "the customer wants a refund")]), (False, [])])
async def test_only_agents_are_shown_notes(talking: Any, for_agents: bool, shown: list[Any]) -> None:
    talking.do(replace(transfer(talking), note=replace(NOTE, ciphertext=b"the customer wants a refund")))
    talking.do(RecordEnqueued(talking.one, talking.contact.step_no, "qu_help", 2))
    opening: Any = Opening()
    view = await contact_view(talking.contact, opening, 0, 0, for_agents=for_agents)
    assert [(note.agent_id, note.text) for note in view.notes] == shown


@pytest.mark.parametrize(
    ("peer_id", "role", "count"), [("console:1", Role.SERVICE, 1), ("chat:a", Role.SERVICE, 0), ("gw", Role.GATEWAY, 0)]
)
async def test_a_stream_is_told_notes_only_where_it_watches_for_agents(
    talking: Any, peer_id: str, role: Role, count: int
) -> None:
    talking.do(replace(transfer(talking), note=NOTE))
    talking.do(RecordEnqueued(talking.one, talking.contact.step_no, "qu_help", 2))
    peer: Any = SimpleNamespace(peer=SimpleNamespace(peer_id=peer_id))
    principal = Principal("tn_demo", "x", frozenset({role}))
    figures: Any = SimpleNamespace(of=lambda _: UNKNOWN)
    session: Any = _Session(principal, peer, None, None, None, None, Opening(), figures)  # type: ignore[arg-type]
    assert len((await session._view(Telling(talking.contact, 0, 0))).notes) == count


def test_a_customer_who_is_passed_on_may_be_silent_for_as_long_as_it_takes(talking: Any) -> None:
    talking.do(transfer(talking))
    talking.do(RecordEnqueued(talking.one, talking.contact.step_no, "qu_help", 2))
    assert talking.pass_time(timedelta(hours=2)) == []


def test_a_refused_one_leaves_them_joined_and_says_why(talking: Any) -> None:
    talking.do(transfer(talking))
    step_no = talking.contact.step_no
    refused = talking.do(RefuseStep(talking.one, step_no, "QueueFull"))
    assert refused == [StepRefused(talking.one, step_no, "QueueFull")]
    contact = talking.contact
    assert (contact.state, contact.transfer, contact.transfer_refusal) == (ContactState.CONNECTED, None, "QueueFull")
    talking.do(transfer(talking, "qu_other"))
    assert talking.contact.transfer_refusal == ""


def test_a_customer_who_leaves_meanwhile_ends_it(talking: Any) -> None:
    talking.do(transfer(talking))
    closed, begun = talking.do(CloseContact(talking.one, CloseReason.CUSTOMER_LEFT, ""))
    assert isinstance(closed, ContactClosed)
    assert begun.kind == "end_at_acd"
    assert talking.do(RefuseStep(talking.one, begun.step_no - 1, "StaleStep")) == []


@pytest.mark.parametrize(
    ("queue", "agent", "preferred", "refusal"),
    [
        ("qu_help", "ag_wu", "", "Rejection: NotConnectedToAgent"),
        ("qu_help", "", "", "Rejection: NotConnectedToAgent"),
        ("", "ag_li", "", "Invalid: queue_id: must have 1 to 128 characters"),
        ("q" * 129, "ag_li", "", "Invalid: queue_id: must have 1 to 128 characters"),
        ("qu_help", "ag_li", "a" * 129, "Invalid: preferred_agent_id: must have 1 to 128 characters"),
    ],
)
def test_a_bad_one_changes_nothing(talking: Any, queue: str, agent: str, preferred: str, refusal: str) -> None:
    before = talking.contact
    assert talking.refusal(transfer(talking, queue, agent, preferred)) == refusal
    assert talking.contact == before


@pytest.mark.parametrize("ciphertext", [b"", b"x" * (MAX_NOTE_BYTES + 17)])
def test_a_bad_note_is_refused_by_name(talking: Any, ciphertext: bytes) -> None:
    bad = replace(NOTE, ciphertext=ciphertext)
    assert talking.refusal(replace(transfer(talking), note=bad)).startswith("Invalid: note:")


def test_insisting_on_nobody_is_refused_by_name(talking: Any) -> None:
    assert talking.refusal(replace(transfer(talking), insist=True)).startswith("Invalid: preferred_agent_id:")


def test_who_only_rings_cannot_be_given_on(story: Any) -> None:
    story.offered()
    assert story.refusal(transfer(story)) == "Rejection: NotConnectedToAgent"


def test_of_another_tenant_there_is_no_such_contact(talking: Any) -> None:
    assert talking.refusal(transfer(talking), tenant="tn_other").startswith("NotFound: unknown contact")


class Client:
    def __init__(self) -> None:
        self.commands: list[Any] = []

    async def execute(self, command: Any, principal: Any, **_: Any) -> list[Any]:
        self.commands.append(command)
        return []


async def test_acd_is_told_whose_segment_it_is_and_where_it_goes_on(talking: Any) -> None:
    talking.do(replace(transfer(talking, preferred="ag_wu"), note=NOTE, insist=True))
    contact, client = talking.contact, Client()
    await ServiceTargets(client, client, client).carry_out(contact, contact.step)
    wanted = acd.TransferContact(
        contact_id=talking.one,
        step_no=contact.step_no,
        segment_no=1,
        agent_id="ag_li",
        queue_id="qu_help",
        preferred_agent_id="ag_wu",
        insist=True,
    )
    assert client.commands == [acd.AcdCommand(transfer_contact=wanted)]
