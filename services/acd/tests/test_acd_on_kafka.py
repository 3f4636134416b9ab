"""acd as it runs: real Kafka, gRPC front doors, a restart, two replicas."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from google.protobuf.duration_pb2 import Duration
from trunkline.acd.v1 import acd_service_pb2, acd_service_pb2_grpc, acd_types_pb2
from trunkline.acd.v1.acd_commands_pb2 import AcdCommand
from trunkline.directory.v1 import directory_types_pb2
from trunkline.directory.v1.directory_events_pb2 import (
    AgentDefined,
    DirectoryEvent,
    PolicyPublished,
    QueueDefined,
    WrapUpCodeDefined,
)
from trunkline.ledger.v1.ledger_types_pb2 import Marker
from trunkline_acd.bootstrap import Acd, bootstrap
from trunkline_acd.domain.state import routing_domain_id
from trunkline_acd.settings import AcdSettings
from trunkline_core.errors import Conflict, Invalid, NotFound, Rejection
from trunkline_ledger.core.records import EPOCH_HEADER, MARKER_TYPE, TYPE_HEADER
from trunkline_platform import peers
from trunkline_platform.commands import CommandClient, new_command_id
from trunkline_platform.credentials import Credentials, Forbidden, Principal, Role, service_principal
from trunkline_platform.grpc_client import Channels, token_metadata
from trunkline_platform.lifecycle import Process, running
from waiting import until

SECRET = "a secret of at least thirty-two bytes"
SERVICE = acd_service_pb2.DESCRIPTOR.services_by_name["AcdCommandService"]
QUEUE = directory_types_pb2.QueueDefinition(
    queue_id="qu_sales",
    name=directory_types_pb2.LocalizedText(zh="销售", en="Sales"),
    target_wait_duration=Duration(seconds=20),
    voice_lease_duration=Duration(seconds=20),
    chat_lease_duration=Duration(seconds=30),
    max_misses=2,
    wrap_up_mode=directory_types_pb2.WRAP_UP_MODE_UNTIMED,
    max_waiting=100,
)


@asynccontextmanager
async def replica(bootstrap_servers: str, instance_id: str) -> AsyncIterator[Acd]:
    """An acd replica, wired by its own bootstrap; stops in order at the end."""
    settings = AcdSettings(
        kafka_bootstrap=bootstrap_servers, secret=SECRET, instance_id=instance_id, grpc_port=0, http_port=0
    )
    parts: list[Acd] = []

    async def start(process: Process) -> None:
        parts.append(await bootstrap(process, settings))

    async with running("acd", start):
        yield parts[0]


class Caller:
    """A client of one tenant: services, agents, desks."""

    def __init__(self, tenant: str, addresses: list[str]) -> None:
        self.tenant = tenant
        self.credentials = Credentials(SECRET.encode())
        self.channels = Channels()
        self.addresses = addresses
        self.client = CommandClient(SERVICE, addresses, self.credentials, self.channels)

    async def do(self, principal: Principal | None = None, command_id: str | None = None, **command: Any) -> list[Any]:
        who = principal or service_principal("channels", self.tenant)
        return await self.client.execute(AcdCommand(**command), who, command_id=command_id, timeout_s=15.0)

    def agent(self, agent_id: str) -> Principal:
        return Principal(self.tenant, f"agent:{agent_id}", frozenset({Role.AGENT}))

    async def staff(self, agent_id: str) -> None:
        definition = directory_types_pb2.AgentDefinition(agent_id=agent_id, chat_capacity=2)
        await self.do(put_agent={"agent": definition})
        await self.do(
            open_agent_session={"agent_id": agent_id, "peer_id": "pe_1", "session_id": f"se_{new_command_id()}"}
        )
        intent = {"agent_id": agent_id, "intent": acd_types_pb2.INTENT_AVAILABLE}
        await self.do(self.agent(agent_id), set_intent=intent)

    def session(self, address: str, principal: Principal) -> Any:
        stub = acd_service_pb2_grpc.AgentSessionServiceStub(self.channels.to(address))
        return stub.Session(metadata=token_metadata(self.credentials, principal))

    def gateway(self) -> Principal:
        return Principal(self.tenant, "gateway:gw_1", frozenset({Role.GATEWAY}))

    def devices(self, address: str, principal: Principal | None = None) -> Any:
        stub = acd_service_pb2_grpc.DeviceServiceStub(self.channels.to(address))
        return stub.ReportDevices(metadata=token_metadata(self.credentials, principal or self.gateway()))


def hello(*agent_ids: str, peer_id: str = "gw_1") -> acd_service_pb2.ReportDevicesRequest:
    return acd_service_pb2.ReportDevicesRequest(hello={"peer_id": peer_id, "devices": {"agent_ids": agent_ids}})


async def beat(stream: Any, request: Any) -> None:
    while True:
        await stream.write(request)
        await asyncio.sleep(0.1)


async def watched(stream: Any, *agent_ids: str, peer_id: str = "pe_1") -> None:
    await stream.write(acd_service_pb2.SessionRequest(hello={"peer_id": peer_id}))
    await stream.write(acd_service_pb2.SessionRequest(watch_agents={"agent_ids": agent_ids}))


async def view_with(stream: Any, predicate: Any) -> Any:
    async with asyncio.timeout(20):
        while True:
            response = await stream.read()
            if predicate(response.agent):
                return response


def enqueue(contact_id: str, step_no: int = 1) -> dict[str, Any]:
    return {"contact_id": contact_id, "step_no": step_no, "queue_id": "qu_sales", "channel": 1}


def kinds(events: list[Any]) -> list[str]:
    return [event.WhichOneof("event") for event in events]


@pytest.fixture
async def acd(bootstrap_servers, unique_name):
    async with replica(bootstrap_servers, unique_name("i")) as found:
        await until(lambda: len(found.ledger.owned) == 4)
        yield found


@pytest.fixture
async def caller(acd, unique_tenant):
    found = Caller(unique_tenant(), [acd.grpc.address])
    yield found
    await found.channels.close()


async def test_contact_goes_from_the_queue_to_an_agent_and_is_wrapped_up(acd: Acd, caller: Caller):
    await caller.do(put_queue={"queue": QUEUE})
    await caller.staff("ag_li")
    stream = caller.session(acd.grpc.address, service_principal("console", caller.tenant))
    await watched(stream, "ag_li", "ag_none")
    await view_with(stream, lambda agent: agent.intent == acd_types_pb2.INTENT_AVAILABLE)

    assert kinds(await caller.do(enqueue_contact=enqueue("ct_1"))) == [
        "contact_enqueued",
        "contact_offered",
        "rows_changed",
    ]
    offered = await view_with(stream, lambda agent: agent.work)
    [work] = offered.agent.work
    assert (work.contact_id, work.state) == ("ct_1", acd_types_pb2.WORK_STATE_OFFERED)
    assert offered.HasField("owner_latency")
    assert offered.agent.explanation.candidates[0].agent_id == "ag_li"

    agent = caller.agent("ag_li")
    await caller.do(agent, accept_offer={"agent_id": "ag_li", "contact_id": "ct_1", "offer_no": 1})
    joined = {"contact_id": "ct_1", "step_no": 2, "segment_no": 1, "offer_no": 1}
    await caller.do(report_connected=joined)
    assert await caller.do(report_connected=joined) == []
    await caller.do(end_contact={"contact_id": "ct_1", "step_no": 3, "reason": "customer_left"})
    await view_with(stream, lambda agent: agent.work and agent.work[0].state == acd_types_pb2.WORK_STATE_WRAP_UP)
    await caller.do(put_wrap_up_code={"wrap_up_code": "sold"})
    done = {"agent_id": "ag_li", "contact_id": "ct_1", "wrap_up_code": "sold"}
    assert kinds(await caller.do(agent, finish_wrap_up=done)) == ["wrap_up_finished", "rows_changed"]
    stream.cancel()


async def test_parked_chat_is_seen_at_the_desk_and_taken_up_by_its_agent_alone(acd: Acd, caller: Caller):
    parking = directory_types_pb2.QueueDefinition(chat_parking_duration=Duration(seconds=600))
    parking.MergeFrom(QUEUE)
    await caller.do(put_queue={"queue": parking})
    await caller.staff("ag_li")
    stream = caller.session(acd.grpc.address, service_principal("console", caller.tenant))
    await watched(stream, "ag_li")
    (entered, *_) = await caller.do(enqueue_contact=enqueue("ct_1") | {"channel": 2})
    assert entered.contact_enqueued.parking_duration == Duration(seconds=600)
    await caller.do(caller.agent("ag_li"), accept_offer={"agent_id": "ag_li", "contact_id": "ct_1", "offer_no": 1})
    place = {"contact_id": "ct_1", "segment_no": 1}
    await caller.do(report_connected=place | {"step_no": 2, "offer_no": 1})
    silent = place | {"step_no": 3, "agent_id": "ag_li"}
    with pytest.raises(Forbidden):
        await caller.do(caller.agent("ag_li"), park_contact=silent)
    assert kinds(await caller.do(park_contact=silent)) == ["contact_parked", "rows_changed"]
    pushed = await view_with(stream, lambda agent: agent.work and agent.work[0].HasField("parked_time"))
    assert not pushed.agent.work[0].HasField("customer_waits_time")
    unpark = {"agent_id": "ag_li", "contact_id": "ct_1"}
    assert kinds(await caller.do(caller.agent("ag_li"), unpark_contact=unpark)) == ["contact_resumed", "rows_changed"]
    await view_with(stream, lambda agent: agent.work and not agent.work[0].HasField("parked_time"))


async def test_refusals_come_back_typed(caller: Caller):
    await caller.do(put_queue={"queue": QUEUE})
    await caller.staff("ag_li")
    agent = caller.agent("ag_li")
    with pytest.raises(NotFound, match="unknown queue qu_none"):
        await caller.do(enqueue_contact=enqueue("ct_1") | {"queue_id": "qu_none"})
    with pytest.raises(Invalid, match="value_permille"):
        await caller.do(enqueue_contact=enqueue("ct_1") | {"value_permille": 2000})
    with pytest.raises(Invalid, match="target_wait_duration"):
        await caller.do(put_queue={"queue": {"queue_id": "qu_x", "name": {}}})
    with pytest.raises(Rejection, match="NotInWrapUp"):
        await caller.do(agent, finish_wrap_up={"agent_id": "ag_li", "contact_id": "ct_1"})
    with pytest.raises(NotFound, match="unknown agent ag_wang"):
        await caller.do(agent, rearm_agent={"agent_id": "ag_wang"})
    with pytest.raises(Forbidden):
        await caller.do(agent, enqueue_contact=enqueue("ct_1"))
    with pytest.raises(Forbidden):
        await caller.do(expire_offer={"contact_id": "ct_1", "offer_no": 1})


async def test_agent_of_another_tenant_is_not_found(caller: Caller, unique_tenant):
    """Ledger rule 20: the row's tenant is the caller's."""
    await caller.staff("ag_li")
    stranger = Principal(unique_tenant(), "supervisor:us_1", frozenset({Role.SUPERVISOR}))
    with pytest.raises(NotFound, match="unknown agent ag_li"):
        await caller.do(stranger, rearm_agent={"agent_id": "ag_li"})


async def test_command_repeated_from_outside_gets_its_first_answer(caller: Caller):
    await caller.staff("ag_li")
    agent, command_id = caller.agent("ag_li"), new_command_id()
    pause = {"agent_id": "ag_li", "intent": acd_types_pb2.INTENT_BREAK, "break_reason": "lunch"}
    first = await caller.do(agent, command_id, set_intent=pause)
    assert await caller.do(agent, command_id, set_intent=pause) == first
    with pytest.raises(Conflict):
        await caller.do(agent, command_id, set_intent=pause | {"break_reason": "short"})
    expired = new_command_id(time.time() - 600)
    with pytest.raises(Rejection, match="CommandExpired"):
        await caller.do(agent, expired, set_intent=pause)


async def test_agent_watches_only_itself(acd: Acd, caller: Caller):
    await caller.staff("ag_li")
    stream = caller.session(acd.grpc.address, caller.agent("ag_li"))
    await watched(stream, "ag_li")
    await view_with(stream, lambda agent: agent.agent_id == "ag_li")
    await stream.write(acd_service_pb2.SessionRequest(watch_agents={"agent_ids": ["ag_wang"]}))
    with pytest.raises(Exception, match="PERMISSION_DENIED"):
        await view_with(stream, lambda agent: False)


async def test_stream_begins_with_hello(acd: Acd, caller: Caller):
    stream = caller.session(acd.grpc.address, service_principal("console", caller.tenant))
    await stream.write(acd_service_pb2.SessionRequest(heartbeat={}))
    with pytest.raises(Exception, match="INVALID_ARGUMENT"):
        await stream.read()


async def test_desks_of_a_silent_console_are_lost(acd: Acd, caller: Caller, monkeypatch):
    monkeypatch.setattr(peers, "SILENCE_S", 1.0)
    await caller.staff("ag_li")
    stream = caller.session(acd.grpc.address, service_principal("console", caller.tenant))
    await watched(stream, "ag_li")
    lost = await view_with(stream, lambda agent: agent.connectivity == acd_types_pb2.CONNECTIVITY_GRACE)
    assert lost.agent.intent == acd_types_pb2.INTENT_AVAILABLE
    stream.cancel()


async def test_a_desk_that_a_living_console_does_not_name_is_lost(acd: Acd, caller: Caller, monkeypatch):
    """The end of a desk that was never told, for example while acd was away."""
    monkeypatch.setattr(peers, "SILENCE_S", 1.0)
    for agent_id in ("ag_gone", "ag_here"):
        await caller.staff(agent_id)
    stream = caller.session(acd.grpc.address, service_principal("console", caller.tenant))
    here = {"agent_ids": ["ag_here"]}
    await stream.write(acd_service_pb2.SessionRequest(hello={"peer_id": "pe_1", "held": here}))
    await stream.write(acd_service_pb2.SessionRequest(watch_agents={"agent_ids": ["ag_gone", "ag_here"]}))

    async def beat() -> None:
        while True:
            await stream.write(acd_service_pb2.SessionRequest(heartbeat={"held": here}))
            await asyncio.sleep(0.1)

    beating = asyncio.create_task(beat())
    lost = await view_with(stream, lambda agent: agent.connectivity == acd_types_pb2.CONNECTIVITY_GRACE)
    assert lost.agent.agent_id == "ag_gone"
    partition = acd.ledger.partition_of(routing_domain_id(caller.tenant))
    assert acd.ledger.state(partition).domain(caller.tenant).agent("ag_here").connectivity.name == "CONNECTED"
    beating.cancel()
    stream.cancel()


async def test_a_console_that_says_too_much_is_refused_by_the_field(acd: Acd, caller: Caller):
    too_many = {"agent_ids": [f"ag_{number}" for number in range(5_001)]}
    for hello, field in (({"peer_id": ""}, "peer_id"), ({"peer_id": "pe_1", "held": too_many}, "held.agent_ids")):
        stream = caller.session(acd.grpc.address, service_principal("console", caller.tenant))
        await stream.write(acd_service_pb2.SessionRequest(hello=hello))
        with pytest.raises(Exception, match=f"INVALID_ARGUMENT(.|\n)*{field}"):
            await stream.read()


async def test_telephones_of_a_gateway_that_goes_are_lost_and_come_back_with_it(acd: Acd, caller: Caller, monkeypatch):
    """Rule 1, from the gateway's stream to the desk's."""
    monkeypatch.setattr(peers, "SILENCE_S", 1.0)
    await caller.do(put_queue={"queue": QUEUE})
    desk = caller.session(acd.grpc.address, service_principal("console", caller.tenant))
    await watched(desk, "ag_li")
    beating = asyncio.create_task(beat(desk, acd_service_pb2.SessionRequest(heartbeat={})))
    await caller.staff("ag_li")
    gateway = caller.devices(acd.grpc.address)
    await gateway.write(hello("ag_li", "ag_gone"))
    assert list((await gateway.read()).unknown_agent_ids) == ["ag_gone"]
    await view_with(desk, lambda agent: agent.device == acd_types_pb2.DEVICE_STATE_REGISTERED)

    await gateway.write(acd_service_pb2.ReportDevicesRequest(heartbeat={"devices": {}}))  # not named: lost at once
    await view_with(desk, lambda agent: agent.device == acd_types_pb2.DEVICE_STATE_LOST)
    assert kinds(await caller.do(enqueue_contact=enqueue("ct_1"))) == ["contact_enqueued", "rows_changed"]
    await gateway.write(acd_service_pb2.ReportDevicesRequest(heartbeat={"devices": {"agent_ids": ["ag_li"]}}))
    rings = await view_with(desk, lambda agent: agent.work)
    assert rings.agent.device == acd_types_pb2.DEVICE_STATE_REGISTERED

    gateway.cancel()  # without a word
    lost = await view_with(desk, lambda agent: agent.device == acd_types_pb2.DEVICE_STATE_LOST and not agent.work)
    assert not lost.agent.not_responding
    back = caller.devices(acd.grpc.address)
    await back.write(hello("ag_li"))
    await view_with(desk, lambda agent: agent.work and agent.device == acd_types_pb2.DEVICE_STATE_REGISTERED)
    for task in (beating, back, desk):
        task.cancel()


async def test_gateway_speaks_for_agents_of_its_own_tenant_only(acd: Acd, caller: Caller, unique_tenant):
    await caller.staff("ag_li")
    other = Caller(unique_tenant(), [acd.grpc.address])
    stream = other.devices(acd.grpc.address)
    await stream.write(hello("ag_li"))
    assert list((await stream.read()).unknown_agent_ids) == ["ag_li"]
    partition = acd.ledger.partition_of(routing_domain_id(caller.tenant))
    assert not acd.ledger.state(partition).domain(caller.tenant).agent("ag_li").has_device
    stream.cancel()
    await other.channels.close()


async def test_only_gateways_report_telephones_and_say_hello_first(acd: Acd, caller: Caller):
    refused = (
        (service_principal("console", caller.tenant), hello("ag_li"), "PERMISSION_DENIED"),
        (caller.agent("ag_li"), hello("ag_li"), "PERMISSION_DENIED"),
        (caller.gateway(), acd_service_pb2.ReportDevicesRequest(heartbeat={}), "INVALID_ARGUMENT(.|\n)*hello"),
        (caller.gateway(), hello(*map(str, range(5_001))), "INVALID_ARGUMENT(.|\n)*devices.agent_ids"),
        (caller.gateway(), hello("ag_li", peer_id="gw/1"), "INVALID_ARGUMENT(.|\n)*peer_id"),
    )
    for principal, request, refusal in refused:
        stream = caller.devices(acd.grpc.address, principal)
        with pytest.raises(Exception, match=refusal):
            await stream.write(request)
            await stream.read()
    report = {"peer_id": "gw_1", "registered_agent_ids": ["ag_li"]}
    with pytest.raises(Forbidden):
        await caller.do(caller.gateway(), report_devices=report)


async def test_what_is_live_is_shown_to_services_by_the_owner(acd: Acd, caller: Caller):
    await caller.do(put_queue={"queue": QUEUE})
    for number in range(3):
        await caller.do(enqueue_contact=enqueue(f"ct_{number}"))
    stub = acd_service_pb2_grpc.AcdReadServiceStub(caller.channels.to(acd.grpc.address))
    partition = acd.ledger.partition_of(routing_domain_id(caller.tenant))

    async def page(after: str, principal: Principal) -> Any:
        request = acd_service_pb2.ListLiveContactsRequest(partition=partition, after_contact_id=after, page_size=2)
        return await stub.ListLiveContacts(request, metadata=token_metadata(caller.credentials, principal), timeout=10)

    service = service_principal("channels", caller.tenant)
    first, last = await page("", service), await page("ct_1", service)
    assert [row.contact_id for row in (*first.contacts, *last.contacts)] == ["ct_0", "ct_1", "ct_2"]
    assert (first.has_more, last.has_more, first.partition_count) == (True, False, 4)
    assert first.contacts[0].stage == acd_types_pb2.CONTACT_STAGE_WAITING
    assert list((await page("", service_principal("channels", "tn_other"))).contacts) == []
    with pytest.raises(Exception, match="PERMISSION_DENIED"):
        await page("", caller.agent("ag_li"))


async def test_a_contact_is_explained_by_the_owner_to_those_whom_it_concerns(acd: Acd, caller: Caller):
    """Rule 21."""
    await caller.do(put_queue={"queue": QUEUE})
    await caller.staff("ag_li")
    for contact_id in ("ct_1", "ct_2"):
        await caller.do(enqueue_contact=enqueue(contact_id))
    stub = acd_service_pb2_grpc.AcdReadServiceStub(caller.channels.to(acd.grpc.address))

    async def explained(contact_id: str, principal: Principal) -> acd_types_pb2.ContactExplanation:
        request = acd_service_pb2.ExplainContactRequest(contact_id=contact_id)
        metadata = token_metadata(caller.credentials, principal)
        return (await stub.ExplainContact(request, metadata=metadata, timeout=10)).explanation

    supervisor = Principal(caller.tenant, "supervisor:us_1", frozenset({Role.SUPERVISOR}))
    ringing, waiting = await explained("ct_1", supervisor), await explained("ct_2", supervisor)
    assert (ringing.stage, ringing.offers[0].agent_id) == (acd_types_pb2.CONTACT_STAGE_OFFERED, "ag_li")
    assert ringing.offers[0].explanation.candidates[0].agent_id == "ag_li"
    assert [(found.reason, list(found.agent_ids)) for found in waiting.waiting.obstacles] == [("AtCapacity", ["ag_li"])]
    assert not ringing.HasField("waiting")

    await caller.do(caller.agent("ag_li"), accept_offer={"agent_id": "ag_li", "contact_id": "ct_1", "offer_no": 1})
    await caller.do(report_connected={"contact_id": "ct_1", "step_no": 2, "segment_no": 1, "offer_no": 1})
    await caller.do(end_contact={"contact_id": "ct_1", "step_no": 3, "reason": "customer_left"})
    over = await explained("ct_1", caller.agent("ag_li"))
    assert over.stage == acd_types_pb2.CONTACT_STAGE_ENDED
    assert over.offers[0].outcome == acd_types_pb2.OFFER_OUTCOME_CONNECTED
    for contact_id, principal, refusal in (
        ("ct_1", caller.agent("ag_wang"), "NOT_FOUND"),
        ("ct_1", service_principal("console", "tn_other"), "NOT_FOUND"),
        ("ct_none", supervisor, "NOT_FOUND"),
        ("", supervisor, "INVALID_ARGUMENT"),
        ("ct_1", Principal(caller.tenant, "gateway:gw", frozenset({Role.GATEWAY})), "PERMISSION_DENIED"),
    ):
        with pytest.raises(Exception, match=refusal):
            await explained(contact_id, principal)


async def test_a_contacts_wait_is_told_to_services_of_its_tenant(acd: Acd, caller: Caller):
    await caller.do(put_queue={"queue": QUEUE})
    for number in range(3):
        await caller.do(enqueue_contact=enqueue(f"ct_{number}"))
    stub = acd_service_pb2_grpc.AcdReadServiceStub(caller.channels.to(acd.grpc.address))

    async def wait_of(contact_id: str, principal: Principal) -> Any:
        request = acd_service_pb2.GetWaitRequest(contact_id=contact_id)
        return await stub.GetWait(request, metadata=token_metadata(caller.credentials, principal), timeout=10)

    found = await wait_of("ct_2", service_principal("channels", caller.tenant))
    assert (found.position, found.estimate.contacts_ahead, found.estimate.agents) == (3, 2, 0)
    assert not found.estimate.HasField("p80_duration")
    assert found.as_of_time.seconds > 1_700_000_000
    with pytest.raises(Exception, match="NOT_FOUND"):
        await wait_of("ct_2", service_principal("channels", "tn_other"))
    with pytest.raises(Exception, match="PERMISSION_DENIED"):
        await wait_of("ct_2", caller.agent("ag_li"))


async def test_supervisor_sees_who_waits_and_gives_it_to_an_agent(acd, caller):
    await caller.do(put_queue={"queue": QUEUE})
    await caller.staff("ag_li")
    for number in (1, 2, 3):
        await caller.do(enqueue_contact=enqueue(f"ct_{number}"))
    stub = acd_service_pb2_grpc.AcdReadServiceStub(caller.channels.to(acd.grpc.address))
    zhao = Principal(caller.tenant, "supervisor:us_zhao", frozenset({Role.SUPERVISOR}))

    async def waiting(queue_id: str, principal: Principal, page_size: int = 0) -> Any:
        request = acd_service_pb2.ListWaitingRequest(queue_id=queue_id, page_size=page_size)
        return await stub.ListWaiting(request, metadata=token_metadata(caller.credentials, principal), timeout=10)

    found = await waiting(QUEUE.queue_id, zhao)
    assert [(row.contact_id, row.agent_id) for row in found.contacts] == [("ct_1", "ag_li"), ("ct_2", ""), ("ct_3", "")]
    assert not found.has_more and found.as_of_time.seconds > 1_700_000_000
    assert (await waiting(QUEUE.queue_id, zhao, 2)).has_more
    with pytest.raises(Exception, match="PERMISSION_DENIED"):
        await waiting(QUEUE.queue_id, caller.agent("ag_li"))
    with pytest.raises(Exception, match="NOT_FOUND"):
        await waiting("qu_none", zhao)
    with pytest.raises(Exception, match="page_size"):
        await waiting(QUEUE.queue_id, zhao, 201)

    await caller.do(zhao, requeue_contact={"contact_id": "ct_1", "reason": "away_from_desk"})
    rows = {row.contact_id: row.agent_id for row in (await waiting(QUEUE.queue_id, zhao)).contacts}
    assert rows == {"ct_1": "", "ct_2": "ag_li", "ct_3": ""}


async def test_state_is_back_after_a_restart(bootstrap_servers, unique_name, unique_tenant):
    instance_id, tenant = unique_name("i"), unique_tenant()
    async with replica(bootstrap_servers, instance_id) as acd:
        caller = Caller(tenant, [acd.grpc.address])
        await caller.do(put_queue={"queue": QUEUE})
        await caller.staff("ag_li")
        await caller.do(enqueue_contact=enqueue("ct_1"))
        await caller.do(enqueue_contact=enqueue("ct_2"))
        await caller.channels.close()
    async with replica(bootstrap_servers, instance_id) as acd:
        caller = Caller(tenant, [acd.grpc.address])
        accept = {"agent_id": "ag_li", "contact_id": "ct_1", "offer_no": 1}
        assert kinds(await caller.do(caller.agent("ag_li"), accept_offer=accept)) == ["offer_accepted", "rows_changed"]
        late = await caller.do(end_contact={"contact_id": "ct_1", "step_no": 5, "reason": "customer_left"})
        assert [event.contact_offered.contact_id for event in late if event.HasField("contact_offered")] == ["ct_2"]
        async with httpx.AsyncClient(base_url=acd.http.url) as http:
            assert (await http.get("/readyz")).status_code == 200
            assert "trunkline_acd_ringing_contacts" in (await http.get("/metrics")).text
        await caller.channels.close()


async def test_any_replica_takes_a_command_and_the_desk_sees_it_from_the_owner(
    bootstrap_servers, unique_name, unique_tenant
):
    """Ledger rule 19."""
    async with AsyncExitStack() as stack:
        replicas = [
            await stack.enter_async_context(replica(bootstrap_servers, unique_name(f"i{number}"))) for number in (1, 2)
        ]
        await until(lambda: sorted(n for acd in replicas for n in acd.ledger.owned) == [0, 1, 2, 3])
        await until(lambda: all(acd.ledger.owned for acd in replicas))
        callers = [Caller(unique_tenant(), [acd.grpc.address for acd in replicas][::order]) for order in (1, -1)]
        for caller in callers:
            stack.push_async_callback(caller.channels.close)
            streams = [
                caller.session(address, service_principal("console", caller.tenant)) for address in caller.addresses
            ]
            for stream in streams:
                await watched(stream, "ag_li")
            await caller.do(put_queue={"queue": QUEUE})
            await caller.staff("ag_li")
            await caller.do(enqueue_contact=enqueue("ct_1"))
            reads = [asyncio.create_task(view_with(stream, lambda agent: agent.work)) for stream in streams]
            done, pending = await asyncio.wait(reads, return_when=asyncio.FIRST_COMPLETED, timeout=20)
            assert len(done) == 1, "only the owner of the partition pushes"
            for task in [*pending, *streams]:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
        await until(lambda: have_the_same_state(*replicas))


def have_the_same_state(one: Acd, other: Acd) -> bool:
    """Ledger rule 16: owner and standby of each partition have the same digest once they have read as far."""
    for number in one.ledger.partitions:
        cores = [acd.ledger.core(number) for acd in (one, other)]
        if not all(core.is_settled for core in cores) or cores[0].next_offset != cores[1].next_offset:
            return False
        assert cores[0].fold.digest() == cores[1].fold.digest()
    return True


def owners(replicas: list[Acd], partition: int) -> list[int]:
    return [number for number, acd in enumerate(replicas) if acd.ledger.owns(partition)]


async def test_new_owner_shows_the_desk_what_rings(bootstrap_servers, unique_name, unique_tenant):
    async with AsyncExitStack() as first, AsyncExitStack() as second:
        stacks = [first, second]
        replicas = [await stack.enter_async_context(replica(bootstrap_servers, unique_name("i"))) for stack in stacks]
        caller = Caller(unique_tenant(), [acd.grpc.address for acd in replicas])
        console = service_principal("console", caller.tenant)
        await caller.do(put_queue={"queue": QUEUE})
        await caller.staff("ag_li")
        await caller.do(enqueue_contact=enqueue("ct_1"))
        partition = replicas[0].ledger.partition_of(routing_domain_id(caller.tenant))
        # while partitions move, this one is nobody's for a moment
        await until(lambda: all(acd.ledger.owned for acd in replicas) and len(owners(replicas, partition)) == 1)
        [owner] = owners(replicas, partition)
        stream = caller.session(replicas[1 - owner].grpc.address, console)
        await watched(stream, "ag_li")
        await stacks[owner].aclose()
        shown = await view_with(stream, lambda agent: agent.work)
        assert shown.agent.work[0].contact_id == "ct_1"
        assert shown.agent.work[0].expires_time.ToDatetime() - shown.agent.now_time.ToDatetime() > timedelta(seconds=5)
        accept = {"agent_id": "ag_li", "contact_id": "ct_1", "offer_no": 1}
        assert kinds(await caller.do(caller.agent("ag_li"), accept_offer=accept))[0] == "offer_accepted"
        stream.cancel()
        await caller.channels.close()


async def test_new_owner_goes_on_with_what_a_gateway_names(bootstrap_servers, unique_name, unique_tenant):
    async with AsyncExitStack() as first, AsyncExitStack() as second:
        stacks = [first, second]
        replicas = [await stack.enter_async_context(replica(bootstrap_servers, unique_name("i"))) for stack in stacks]
        caller = Caller(unique_tenant(), [acd.grpc.address for acd in replicas])
        for agent_id in ("ag_li", "ag_wang"):
            await caller.staff(agent_id)
        partition = replicas[0].ledger.partition_of(routing_domain_id(caller.tenant))
        await until(lambda: all(acd.ledger.owned for acd in replicas) and len(owners(replicas, partition)) == 1)
        [owner] = owners(replicas, partition)
        gateway = [caller.devices(acd.grpc.address) for acd in replicas]
        for stream in gateway:
            await stream.write(hello("ag_li", "ag_wang"))
        desk = caller.session(replicas[1 - owner].grpc.address, service_principal("console", caller.tenant))
        await watched(desk, "ag_li", "ag_wang")
        await until(lambda: len(registered(replicas[1 - owner], caller.tenant)) == 2)
        gateway[owner].cancel()
        await stacks[owner].aclose()
        named = {"devices": {"agent_ids": ["ag_wang"]}}
        await gateway[1 - owner].write(acd_service_pb2.ReportDevicesRequest(heartbeat=named))
        lost = await view_with(desk, lambda agent: agent.device == acd_types_pb2.DEVICE_STATE_LOST)
        assert lost.agent.agent_id == "ag_li"
        assert registered(replicas[1 - owner], caller.tenant) == ["ag_wang"]
        for stream in (gateway[1 - owner], desk):
            stream.cancel()
        await caller.channels.close()


def registered(acd: Acd, tenant: str) -> list[str]:
    """Return whose telephones a replica has read to be registered."""
    domain = acd.ledger.state(acd.ledger.partition_of(routing_domain_id(tenant))).domain(tenant)
    return sorted(agent.agent_id for agent in domain.agents.values() if agent.registered_at)


async def test_queues_agents_and_wrap_up_codes_come_from_the_directory(acd: Acd, caller: Caller, bootstrap_servers):
    agent = directory_types_pb2.AgentDefinition(agent_id="ag_dir", chat_capacity=1)
    queue_event = DirectoryEvent(queue_defined=QueueDefined(queue=QUEUE))
    code_event = DirectoryEvent(wrap_up_code_defined=WrapUpCodeDefined(wrap_up_code={"code": "sold"}))
    agent_event = DirectoryEvent(agent_defined=AgentDefined(agent=agent))
    policy_event = DirectoryEvent(policy_published=PolicyPublished(version=7, queues=[QUEUE], note="calmer"))
    policy_event.policy_published.queues[0].max_misses = 9
    await publish(bootstrap_servers, caller.tenant, [queue_event, code_event, policy_event, agent_event])
    domain = acd.ledger.state(acd.ledger.partition_of(routing_domain_id(caller.tenant))).domain(caller.tenant)
    await until(lambda: "ag_dir" in domain.agents)
    assert domain.queue("qu_sales").definition.target_wait_duration == timedelta(seconds=20)
    assert "sold" in domain.wrap_up_codes
    assert (domain.queue("qu_sales").definition.max_misses, domain.policy_version()) == (9, 7)


async def publish(bootstrap_servers: str, tenant: str, defined: list[DirectoryEvent]) -> None:
    """Write directory events as their owner would, under an epoch of our own."""
    epoch = time.time_ns() // 1_000_000
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all")
    await producer.start()
    try:
        marker = Marker(epoch=epoch, boot_id="test", instance_id="test", address="127.0.0.1:1", min_reader=1)
        records = [(MARKER_TYPE, marker.SerializeToString())]
        for event in defined:
            event.metadata.tenant_id = tenant
            name = "".join(word.title() for word in event.WhichOneof("event").split("_"))
            records.append((f"trunkline.directory.v1.{name}", event.SerializeToString()))
        for kind, value in records:
            headers = [(EPOCH_HEADER, b"%d" % epoch), (TYPE_HEADER, kind.encode())]
            await producer.send_and_wait(
                "directory.events.v1", value=value, key=tenant.encode(), headers=headers, partition=0
            )
    finally:
        await producer.stop()
