import pytest
from trunkline_core.sealed import Sealed
from trunkline_ledger.submission import Lane
from trunkline_platform.credentials import Forbidden, Principal, Role
from trunkline_ticketing.adapters.wire import WIRE, key_of, lane_of, stream_of
from trunkline_ticketing.domain.commands import AddNote, ChangeTicketState, Command, CreateTicket
from trunkline_ticketing.domain.events import NoteAdded
from trunkline_ticketing.domain.words import TicketState
from trunkline_ticketing.entrypoints.permissions import permit

TEXT = Sealed("dk_1", b"n" * 12, b"text")
COMMANDS = [CreateTicket("ct_1", "cu_1", TEXT), ChangeTicketState("tk_1", TicketState.RESOLVED), AddNote("tk_1", TEXT)]


@pytest.mark.parametrize("command", [*COMMANDS, CreateTicket("", "", None)])
def test_every_command_comes_back_from_its_bytes(command: Command) -> None:
    assert WIRE.decode_command(WIRE.encode_command(command)) == command


@pytest.mark.parametrize("command", COMMANDS)
def test_a_tenants_tickets_stand_on_one_partition(command: Command) -> None:
    assert key_of(command, "tn_demo") == "tn_demo"


def test_an_event_belongs_to_its_ticket() -> None:
    assert stream_of(NoteAdded("tk_1", "no_1", TEXT)) == "tk_1"


def test_work_on_known_tickets_goes_before_new_ones() -> None:
    assert [lane_of(command) for command in COMMANDS] == [Lane.NEW, Lane.ENDING, Lane.ENDING]


@pytest.mark.parametrize("role", Role)
def test_the_tenants_people_and_services_work_on_tickets(role: Role) -> None:
    principal = Principal("tn_demo", "somebody", frozenset({role}))
    if role is Role.GATEWAY:
        with pytest.raises(Forbidden):
            permit(COMMANDS[0], principal)
    else:
        permit(COMMANDS[0], principal)
