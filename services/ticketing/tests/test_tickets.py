from dataclasses import replace
from datetime import UTC, datetime

import pytest
from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, NotFound, Rejection, TrunklineError
from trunkline_core.ids import derive_id
from trunkline_core.sealed import Sealed
from trunkline_core.spec import Spec
from trunkline_ticketing.domain.commands import AddNote, ChangeTicketState, Command, CreateTicket
from trunkline_ticketing.domain.decider import TicketingDecider
from trunkline_ticketing.domain.events import Event, NoteAdded, TicketCreated, TicketStateChanged
from trunkline_ticketing.domain.state import TicketingState
from trunkline_ticketing.domain.tickets import MAX_NOTES
from trunkline_ticketing.domain.words import TicketState

NOW = Context(datetime(2026, 1, 5, 9, tzinfo=UTC), "tn_demo", "agent:ag_1", "c0")
TEXT = Sealed("dk_1", b"n" * 12, b"text" + b"t" * 16)
CREATED = TicketCreated("tk_1", "ct_1", "cu_1", TEXT)

TicketSpec = Spec[TicketingState, Command, Event]


def tickets(tenant: str = "tn_demo") -> TicketSpec:
    return Spec(TicketingDecider(), TicketingState, replace(NOW, tenant=tenant))


def moved(before: TicketState, after: TicketState) -> TicketStateChanged:
    return TicketStateChanged("tk_1", before, after)


def test_a_ticket_is_created_with_an_id_of_its_command() -> None:
    ticket_id = derive_id("tk", "c1", 0)
    tickets().when(CreateTicket("ct_1", "cu_1", TEXT)).then(TicketCreated(ticket_id, "ct_1", "cu_1", TEXT))


def test_the_same_command_never_makes_a_second_ticket() -> None:
    ticket_id = derive_id("tk", "c1", 0)
    history = TicketCreated(ticket_id, "ct_1", "", TEXT)
    tickets().given(history).when(CreateTicket("ct_1", "", TEXT)).then()


def test_a_ticket_needs_neither_contact_nor_customer() -> None:
    tickets().when(CreateTicket("", "", TEXT)).then(TicketCreated(derive_id("tk", "c1", 0), "", "", TEXT))


@pytest.mark.parametrize("before", [TicketState.OPEN, TicketState.IN_PROGRESS, TicketState.RESOLVED])
@pytest.mark.parametrize("after", [TicketState.OPEN, TicketState.IN_PROGRESS, TicketState.RESOLVED])
def test_a_ticket_moves_to_any_other_state(before: TicketState, after: TicketState) -> None:
    history = [CREATED] if before is TicketState.OPEN else [CREATED, moved(TicketState.OPEN, before)]
    expected = [] if before is after else [moved(before, after)]
    tickets().given(*history).when(ChangeTicketState("tk_1", after)).then(*expected)


def test_a_note_is_added_to_a_ticket_in_any_state() -> None:
    note = NoteAdded("tk_1", derive_id("no", "c1", 0), TEXT)
    tickets().given(CREATED, moved(TicketState.OPEN, TicketState.RESOLVED)).when(AddNote("tk_1", TEXT)).then(note)


def test_a_ticket_has_a_bounded_number_of_notes() -> None:
    notes = [NoteAdded("tk_1", f"no_{number}", TEXT) for number in range(MAX_NOTES)]
    tickets().given(CREATED, *notes).when(AddNote("tk_1", TEXT)).then_refused(Rejection("TooManyNotes"))


@pytest.mark.parametrize("command", [ChangeTicketState("tk_1", TicketState.RESOLVED), AddNote("tk_1", TEXT)])
def test_another_tenants_ticket_looks_like_none(command: Command) -> None:
    tickets().when(command).then_refused(NotFound("ticket", "tk_1"))
    spec = tickets("tn_other")
    TicketingDecider().evolve(spec.state, CREATED, NOW)
    spec.when(command).then_refused(NotFound("ticket", "tk_1"))


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (CreateTicket("c" * 129, "", TEXT), Invalid("contact_id", "must have at most 128 characters")),
        (CreateTicket("", "c" * 129, TEXT), Invalid("customer_id", "must have at most 128 characters")),
        (CreateTicket("+8613800000000", "", TEXT), Invalid("contact_id", "must be ct_…, or empty")),
        (CreateTicket("ct_", "", TEXT), Invalid("contact_id", "must be ct_…, or empty")),
        (CreateTicket("", "ct_1", TEXT), Invalid("customer_id", "must be cu_…, or empty")),
        (CreateTicket("", "cu_王", TEXT), Invalid("customer_id", "must be cu_…, or empty")),
        (CreateTicket("", "", None), Invalid("subject", "must be set")),
        (CreateTicket("", "", replace(TEXT, ciphertext=b"x" * 1041)), Invalid("subject", "must have at most 1 KiB")),
        (ChangeTicketState("tk_1", TicketState.UNSPECIFIED), Invalid("state", "must be set")),
        (CreateTicket("", "", replace(TEXT, ciphertext=b"t" * 16)), Invalid("subject", "must not be empty")),
        (CreateTicket("", "", replace(TEXT, nonce=b"")), Invalid("subject", "must be a sealed text")),
        (AddNote("tk_1", replace(TEXT, key_id="")), Invalid("body", "must be a sealed text")),
        (AddNote("tk_1", replace(TEXT, ciphertext=b"")), Invalid("body", "must not be empty")),
        (AddNote("tk_1", None), Invalid("body", "must be set")),
        (AddNote("tk_1", replace(TEXT, ciphertext=b"x" * 32785)), Invalid("body", "must have at most 31 KiB")),
    ],
)
def test_bad_input_is_refused_by_name(command: Command, refusal: TrunklineError) -> None:
    tickets().given(CREATED).when(command).then_refused(refusal)
