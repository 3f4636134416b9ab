from datetime import UTC, datetime

import pytest
from trunkline_core.sealed import Sealed
from trunkline_core.webhooks import NoticeTargetDefinition
from trunkline_ledger.submission import Lane
from trunkline_platform.credentials import Forbidden, Principal, Role
from trunkline_ticketing.adapters.wire import WIRE, key_of, lane_of, stream_of
from trunkline_ticketing.domain.commands import (
    AddNote,
    ChangeTicketState,
    Command,
    CreateTicket,
    PutNoticeTarget,
    RecordNoticeDelivered,
    RecordNoticeRefused,
)
from trunkline_ticketing.domain.events import (
    Event,
    NoteAdded,
    NoticeDelayed,
    NoticeDelivered,
    NoticeFailed,
    NoticeIntended,
    NoticeTargetPut,
)
from trunkline_ticketing.domain.words import TicketState
from trunkline_ticketing.entrypoints.permissions import permit

TEXT = Sealed("dk_1", b"n" * 12, b"text")
COMMANDS = [CreateTicket("ct_1", "cu_1", TEXT), ChangeTicketState("tk_1", TicketState.RESOLVED), AddNote("tk_1", TEXT)]
TARGET = NoticeTargetDefinition("nt_1", "https://shop.example/", ("now", "next"), False)
OF_NOTICES = [
    PutNoticeTarget(TARGET),
    RecordNoticeDelivered("nc_1", 1),
    RecordNoticeRefused("nc_1", 1, "Timeout"),
]
NOTICES = [
    NoticeTargetPut(TARGET),
    NoticeIntended("nc_1", "nt_1", "tk_1", "", TicketState.UNSPECIFIED, TicketState.OPEN),
    NoticeDelayed("nc_1", "nt_1", 1, "Timeout", datetime(2026, 1, 5, 9, tzinfo=UTC)),
    NoticeDelivered("nc_1", "nt_1", 1),
    NoticeFailed("nc_1", "nt_1", 12, "Timeout"),
]


@pytest.mark.parametrize("command", [*COMMANDS, *OF_NOTICES, CreateTicket("", "", None)])
def test_every_command_comes_back_from_its_bytes(command: Command) -> None:
    assert WIRE.decode_command(WIRE.encode_command(command)) == command


@pytest.mark.parametrize("command", COMMANDS)
def test_a_tenants_tickets_stand_on_one_partition(command: Command) -> None:
    assert key_of(command, "tn_demo") == "tn_demo"


def test_an_event_belongs_to_its_ticket() -> None:
    assert stream_of(NoteAdded("tk_1", "no_1", TEXT)) == "tk_1"


@pytest.mark.parametrize("event", NOTICES)
def test_an_event_of_a_notice_belongs_to_its_target(event: Event) -> None:
    assert stream_of(event) == "nt_1"


@pytest.mark.parametrize("command", OF_NOTICES)
@pytest.mark.parametrize("role", Role)
def test_what_becomes_of_notices_is_said_by_no_caller_and_waits_for_none(command: Command, role: Role) -> None:
    with pytest.raises(Forbidden):
        permit(command, Principal("tn_demo", "somebody", frozenset({role})))
    assert lane_of(command) is Lane.INTERNAL


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
