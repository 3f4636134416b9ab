"""Execute on a real Kafka: two replicas of a small ticket service, wired as every service is."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from trunkline.ticket.v1 import ticket_commands_pb2, ticket_events_pb2, ticket_service_pb2, ticket_types_pb2
from trunkline_core.decider import Context
from trunkline_core.errors import Conflict, Invalid, Misconfigured, NotFound, Rejection, Transient
from trunkline_core.sealed import Sealed
from trunkline_core.tables import Journal, Table
from trunkline_core.timers import Timers
from trunkline_ledger.service import LedgerService
from trunkline_ledger.submission import Lane
from trunkline_platform.commands import MAX_REQUEST_BYTES, CommandClient, new_command_id
from trunkline_platform.credentials import Credentials, Forbidden, Principal, Role, Unauthenticated, service_principal
from trunkline_platform.grpc_client import Channels, Method
from trunkline_platform.lifecycle import running
from trunkline_platform.metrics import exposition
from trunkline_platform.replica import Replica
from trunkline_platform.settings import ServiceSettings
from trunkline_platform.wire import EventWire
from trunkline_ticketing.domain.commands import (
    ChangeTicketState,
    CreateTicket,
    PutNoticeTarget,
    RecordNoticeDelivered,
    RecordNoticeRefused,
)
from trunkline_ticketing.domain.events import NoteAdded, NoticeEvent, TicketCreated, TicketStateChanged
from trunkline_ticketing.domain.words import TicketState
from waiting import until

SERVICE = ticket_service_pb2.DESCRIPTOR.services_by_name["TicketCommandService"]
SECRET = "not secret, but at least 32 bytes long"
AGENT = Principal("tn_1", "agent:ag_1", frozenset({Role.AGENT}))
Create = ticket_commands_pb2.CreateTicket
Command = ticket_commands_pb2.TicketCommand


@dataclass(frozen=True, slots=True)
class AddNote:
    """Unlike ticketing's it demands a body."""

    ticket_id: str
    body: Sealed


Commands = CreateTicket | ChangeTicketState | AddNote | PutNoticeTarget | RecordNoticeDelivered | RecordNoticeRefused
Events = TicketCreated | TicketStateChanged | NoteAdded | NoticeEvent


class Tickets:
    def __init__(self) -> None:
        self.journal = Journal()
        self.timers: Timers[Commands] = Timers(self.journal)
        self.states: Table[str, TicketState] = Table(self.journal)


class Rules:
    def decide(self, state: Tickets, command: Commands, context: Context) -> Iterator[Events]:
        match command:
            case CreateTicket(contact_id, customer_id, subject):
                yield TicketCreated(context.new_id("tk"), contact_id, customer_id, subject)
            case ChangeTicketState(ticket_id, wanted):
                before = state.states.get(ticket_id)
                if before is None:
                    raise NotFound("ticket", ticket_id)
                if before is TicketState.RESOLVED:
                    raise Rejection("TicketResolved")
                yield TicketStateChanged(ticket_id, before, wanted)
            case AddNote():
                raise RuntimeError("a defect of the rules")

    def evolve(self, state: Tickets, event: Events, context: Context) -> None:
        match event:
            case TicketCreated(ticket_id=ticket_id):
                state.states.put(ticket_id, TicketState.OPEN)
            case TicketStateChanged(ticket_id, _, to_state):
                state.states.put(ticket_id, to_state)
            case NoteAdded():
                pass


WIRE: EventWire[Commands, Events] = EventWire(
    events=Events,
    event_message=ticket_events_pb2.TicketEvent,
    commands=Commands,
    command_message=ticket_commands_pb2.TicketCommand,
)


def permit(command: Commands, principal: Principal) -> None:
    if isinstance(command, AddNote):
        principal.require(Role.AGENT, Role.SERVICE)


class Ticketing:
    """What a service's bootstrap.py does."""

    def __init__(self, bootstrap_servers: str, topic: str, instance_id: str) -> None:
        self.settings = ServiceSettings(
            kafka_bootstrap=bootstrap_servers, secret=SECRET, instance_id=instance_id, session_timeout_s=1.5
        )
        self.topic = topic

    async def bootstrap(self, process) -> None:
        service = LedgerService(
            "ticketing", self.topic, Rules(), Tickets, WIRE, "1", stream_of=lambda event: event.ticket_id
        )
        replica = Replica(process, self.settings, service)
        self.ledger, self.address = replica.ledger, replica.address
        await replica.start_ledger()
        key_of, lane_of = lambda command, tenant: tenant, lambda command: Lane.NEW
        replica.add_commands(SERVICE, WIRE, key_of=key_of, lane_of=lane_of, permit=permit)
        await replica.serve_grpc()


def is_shared_out(owned):
    """Each of the four partitions has one owner, and each replica its fair share: none is on its way any more."""
    shares = [len(some) for some in owned]
    return sorted(number for some in owned for number in some) == [0, 1, 2, 3] and max(shares) - min(shares) <= 1


@contextlib.asynccontextmanager
async def replicas(bootstrap_servers, topic, count=1):
    started = [Ticketing(bootstrap_servers, topic, f"r{number}") for number in range(count)]
    async with contextlib.AsyncExitStack() as stack:
        for replica in started:
            await stack.enter_async_context(running("ticketing", replica.bootstrap))
        await until(
            lambda: is_shared_out([replica.ledger.owned for replica in started]), "every partition has an owner"
        )
        yield started


@pytest.fixture
async def client_of():
    channels = Channels()
    credentials = Credentials(SECRET.encode())
    yield lambda *replicas: CommandClient(SERVICE, [replica.address for replica in replicas], credentials, channels)
    await channels.close()


def create(contact_id="ct_1"):
    return Command(create_ticket=Create(contact_id=contact_id))


def change(ticket_id, state=ticket_types_pb2.TICKET_STATE_RESOLVED):
    return Command(change_ticket_state=ticket_commands_pb2.ChangeTicketState(ticket_id=ticket_id, state=state))


async def test_a_command_comes_back_as_its_events_and_a_repeat_gets_the_first_answer(
    bootstrap_servers, unique_topic, client_of
):
    async with replicas(bootstrap_servers, unique_topic()) as (replica,):
        client, command_id = client_of(replica), new_command_id()
        (first,) = await client.execute(create(), AGENT, command_id=command_id, correlation_id="ct_1")
        (again,) = await client.execute(create(), AGENT, command_id=command_id, correlation_id="ct_1")

        assert first == again
        assert first.ticket_created.contact_id == "ct_1"
        assert (first.metadata.tenant_id, first.metadata.actor, first.metadata.command) == ("tn_1", "agent:ag_1", b"")
        assert b'trunkline_ledger_appended_total{ledger="ticketing"}' in exposition()
        with pytest.raises(Conflict):
            await client.execute(create("ct_2"), AGENT, command_id=command_id)


async def test_each_kind_of_refusal_arrives_as_it_was_raised(bootstrap_servers, unique_topic, client_of):
    async with replicas(bootstrap_servers, unique_topic()) as (replica,):
        client = client_of(replica)
        (created,) = await client.execute(create(), AGENT)
        await client.execute(change(created.ticket_created.ticket_id), AGENT)

        with pytest.raises(Rejection) as rejection:
            await client.execute(change(created.ticket_created.ticket_id), AGENT)
        assert rejection.value.rule == "TicketResolved"
        with pytest.raises(NotFound) as missing:
            await client.execute(change("tk_unknown"), AGENT)
        assert (missing.value.kind, missing.value.row_id) == ("ticket", "tk_unknown")
        with pytest.raises(Invalid) as invalid:
            await client.execute(change("tk_1", 99), AGENT)
        assert invalid.value.field == "command.change_ticket_state.state"
        with pytest.raises(Invalid) as invalid:
            await client.execute(Command(add_note=ticket_commands_pb2.AddNote(ticket_id="tk_1")), AGENT)
        assert invalid.value.field == "command.add_note.body"
        with pytest.raises(Invalid) as invalid:
            await client.execute(Command(), AGENT)
        assert invalid.value.field == "command.command"
        with pytest.raises(Invalid) as invalid:
            await client.execute(create(), AGENT, command_id="not a uuid")
        assert invalid.value.field == "command_id"
        with pytest.raises(Invalid) as invalid:
            await client.execute(create(), AGENT, command_id="x" * 129)
        assert invalid.value.field == "command_id"


async def test_what_is_too_long_to_be_forwarded_is_refused_by_its_field(bootstrap_servers, unique_topic, client_of):
    async with replicas(bootstrap_servers, unique_topic()) as (replica,):
        client = client_of(replica)
        with pytest.raises(Invalid) as invalid:
            await client.execute(create("x" * MAX_REQUEST_BYTES), AGENT)
        assert invalid.value.field == "command"
        with pytest.raises(Invalid) as invalid:
            await client.execute(create(), AGENT, payload_hash=b"h" * 65)
        assert invalid.value.field == "payload_hash"


async def test_a_service_may_name_its_steps_and_is_not_deduplicated(bootstrap_servers, unique_topic, client_of):
    async with replicas(bootstrap_servers, unique_topic()) as (replica,):
        client, channels = client_of(replica), service_principal("channels", "tn_1")
        (first,) = await client.execute(create(), channels, command_id="ct_1/step/1")
        (again,) = await client.execute(create(), channels, command_id="ct_1/step/1")
        assert first.metadata.stream_version + 1 == again.metadata.stream_version
        assert first.metadata.actor == "service:channels"


async def test_what_a_principal_may_not_send_is_forbidden(bootstrap_servers, unique_topic, client_of):
    note = ticket_commands_pb2.AddNote(ticket_id="tk_1", body={"key_id": "dk_1"})
    async with replicas(bootstrap_servers, unique_topic()) as (replica,):
        with pytest.raises(Forbidden):
            await client_of(replica).execute(Command(add_note=note), Principal("tn_1", "gateway:gw_1"))


async def test_a_defect_of_the_rules_leaves_without_its_text(bootstrap_servers, unique_topic, client_of):
    note = ticket_commands_pb2.AddNote(ticket_id="tk_1", body={"key_id": "dk_1"})
    async with replicas(bootstrap_servers, unique_topic()) as (replica,):
        with pytest.raises(Exception, match="INTERNAL") as defect:
            await client_of(replica).execute(Command(add_note=note), AGENT)
        assert "a defect of the rules" not in str(defect.value)


async def test_any_replica_takes_a_command_and_forwards_it_to_the_owner(bootstrap_servers, unique_topic, client_of):
    async with replicas(bootstrap_servers, unique_topic(), count=2) as both:
        for replica in both:
            client = client_of(replica)
            for number in range(8):
                principal = Principal(f"tn_{number}", "agent:ag_1", frozenset({Role.AGENT}))
                (created,) = await client.execute(create(), principal)
                assert created.metadata.tenant_id == f"tn_{number}"


async def test_a_forwarded_command_is_not_forwarded_again(bootstrap_servers, unique_topic):
    async with replicas(bootstrap_servers, unique_topic(), count=2) as both:
        partition = both[0].ledger.partition_of("tn_1")
        (standby,) = [replica for replica in both if not replica.ledger.owns(partition)]
        method, channels = Method(SERVICE.methods_by_name["Execute"]), Channels()
        request = method.request(command_id=new_command_id(), command=create(), forwarded=True)
        token = Credentials(SECRET.encode()).issue(AGENT)
        with pytest.raises(Transient):
            await method.call(channels.to(standby.address), request, token=token, timeout_s=5.0)
        await channels.close()


async def test_the_client_goes_on_to_a_replica_that_lives(bootstrap_servers, unique_topic, client_of):
    class Nobody:
        address = "127.0.0.1:1"

    async with replicas(bootstrap_servers, unique_topic()) as (replica,):
        assert await client_of(Nobody, replica).execute(create(), AGENT)


async def test_a_replica_that_stops_hands_over_and_nothing_is_lost(bootstrap_servers, unique_topic, client_of):
    topic = unique_topic()
    async with replicas(bootstrap_servers, topic, count=1) as (first,):
        second = Ticketing(bootstrap_servers, topic, "second")
        async with running("ticketing", second.bootstrap):
            client = client_of(second)
            async with running("ticketing", Ticketing(bootstrap_servers, topic, "third").bootstrap):
                (created,) = await client.execute(create(), AGENT, timeout_s=15)
            assert await client.execute(change(created.ticket_created.ticket_id), AGENT, timeout_s=15)
        assert first.ledger.is_caught_up()


async def test_a_wrong_credential_is_refused(bootstrap_servers, unique_topic):
    async with replicas(bootstrap_servers, unique_topic()) as (replica,):
        channels = Channels()
        client = CommandClient(SERVICE, [replica.address], Credentials(b"another secret " * 4), channels)
        with pytest.raises(Unauthenticated):
            await client.execute(create(), AGENT)
        await channels.close()


def test_a_client_needs_an_address():
    with pytest.raises(Misconfigured, match="TicketCommandService"):
        CommandClient(SERVICE, [], Credentials(SECRET.encode()), Channels())


def test_command_ids_are_uuids_of_version_7_that_carry_the_time():
    found = UUID(new_command_id(now_s=1_700_000_000.123))
    assert (found.version, found.variant) == (7, "specified in RFC 4122")
    assert found.int >> 80 == 1_700_000_000_123
    assert new_command_id() != new_command_id()
