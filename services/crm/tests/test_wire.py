from datetime import UTC, datetime

import pytest
from trunkline.contact.v1.contact_events_pb2 import ContactEvent
from trunkline_core.sealed import Sealed
from trunkline_crm.adapters.served import react
from trunkline_crm.adapters.wire import WIRE, correlation_of, key_of, lane_of, stream_of
from trunkline_crm.domain.commands import (
    ChangeProfile,
    Command,
    EraseCustomer,
    RecordService,
    ResolveCustomer,
    SetAccountOwner,
)
from trunkline_crm.domain.events import ContactResolved, CustomerCreated
from trunkline_crm.domain.words import Channel
from trunkline_crm.entrypoints.permissions import permit
from trunkline_ledger.core.records import Record
from trunkline_ledger.kafka.reader import EffectiveRecord, Position
from trunkline_ledger.submission import Lane
from trunkline_platform.credentials import Forbidden, Principal, Role

TEXT = Sealed("dk_1", b"n" * 12, b"text")
RESOLVE = ResolveCustomer("ct_1", 1, Channel.VOICE, "token", TEXT)
CHANGE = ChangeProfile("cu_1", 3, TEXT)
ERASE = EraseCustomer("cu_1")
OWN = SetAccountOwner("cu_1", "ag_li")
SERVED = RecordService("ct_1", "ag_li")
PEOPLE = {Role.AGENT, Role.SUPERVISOR, Role.ADMIN, Role.SERVICE}


@pytest.mark.parametrize("command", [RESOLVE, CHANGE, ERASE, OWN, SERVED])
def test_every_command_comes_back_from_its_bytes_and_stands_on_its_tenants_partition(command: Command) -> None:
    assert WIRE.decode_command(WIRE.encode_command(command)) == command
    assert key_of(command, "tn_demo") == "tn_demo"


def test_an_event_belongs_to_its_customer_and_to_its_contact_where_there_is_one() -> None:
    resolved = ContactResolved("cu_1", "ct_1", 1)
    assert (stream_of(resolved), correlation_of(resolved)) == ("cu_1", "ct_1")
    assert correlation_of(CustomerCreated("cu_1")) == ""


def test_work_on_known_customers_goes_before_new_contacts() -> None:
    assert [lane_of(command) for command in (RESOLVE, CHANGE, ERASE)] == [Lane.NEW, Lane.ENDING, Lane.ENDING]
    assert [lane_of(command) for command in (OWN, SERVED)] == [Lane.ENDING, Lane.INTERNAL]


@pytest.mark.parametrize("kind", ["contact_connected", "consultation_completed", "contact_taken_over"])
def test_whoever_comes_to_have_a_contact_is_the_one_whom_its_customer_knows(kind: str) -> None:
    event = ContactEvent()
    event.metadata.tenant_id = "tn_demo"
    happened = getattr(event, kind)
    happened.contact_id, happened.agent_id = "ct_1", "ag_li"
    kind_name = happened.DESCRIPTOR.full_name
    record = Record(0, 7, b"0123", event.SerializeToString(), datetime(2026, 1, 5, tzinfo=UTC), 1, kind_name)
    (found,) = react(EffectiveRecord(record, Position(8, 1)))
    assert (found.command, found.tenant) == (SERVED, "tn_demo")


@pytest.mark.parametrize(
    ("command", "allowed"),
    [
        (RESOLVE, {Role.SERVICE}),
        (CHANGE, PEOPLE),
        (ERASE, PEOPLE - {Role.AGENT}),
        (OWN, PEOPLE - {Role.AGENT}),
        (SERVED, set()),
    ],
)
@pytest.mark.parametrize("role", Role)
def test_each_role_may_do_its_own(command: Command, allowed: set[Role], role: Role) -> None:
    principal = Principal("tn_demo", "somebody", frozenset({role}))
    if role in allowed:
        permit(command, principal)
    else:
        with pytest.raises(Forbidden):
            permit(command, principal)
