"""Peers against real gRPC servers, and the loss of a peer on a ledger's partitions."""

import asyncio
import contextlib

import pytest
from trunkline.acd.v1 import acd_service_pb2, acd_service_pb2_grpc
from trunkline_core.errors import Transient
from trunkline_ledger.submission import Lane
from trunkline_platform.credentials import Credentials, Principal, Role
from trunkline_platform.grpc_client import Channels
from trunkline_platform.grpc_server import GrpcServer
from trunkline_platform.peers import PeerClient, PeerRegistry, PeerWatch
from trunkline_platform.watch import Watches, converse

CREDENTIALS = Credentials(b"s" * 32)
CONSOLE = Principal("tn_1", "service:console", frozenset({Role.SERVICE}))
METHOD = acd_service_pb2.DESCRIPTOR.services_by_name["AgentSessionService"].methods_by_name["Session"]
Request = acd_service_pb2.SessionRequest


# -- who is lost ----------------------------------------------------------------------------------------------


def test_a_peer_is_lost_after_ten_seconds_of_silence():
    registry = PeerRegistry()
    registry.heard("pe_1", now_s=100.0)
    assert registry.lost({"pe_1"}, now_s=109.9, opened_s=0.0) == set()
    assert registry.lost({"pe_1"}, now_s=110.0, opened_s=0.0) == {"pe_1"}


def test_a_peer_that_never_came_is_lost_ten_seconds_after_the_take_over():
    registry = PeerRegistry()
    assert registry.lost({"pe_1"}, now_s=109.9, opened_s=100.0) == set()
    assert registry.lost({"pe_1"}, now_s=110.0, opened_s=100.0) == {"pe_1"}


def test_no_peer_is_lost_within_ten_seconds_of_a_take_over():
    registry = PeerRegistry()
    registry.heard("pe_1", now_s=50.0)
    assert registry.lost({"pe_1"}, now_s=109.9, opened_s=100.0) == set()
    assert registry.lost({"pe_1"}, now_s=110.0, opened_s=100.0) == {"pe_1"}


def test_forgetting_silent_peers_changes_no_answer():
    registry = PeerRegistry()
    registry.heard("old", now_s=0.0)
    registry.heard("new", now_s=95.0)
    before = registry.lost({"old", "new"}, now_s=100.0, opened_s=20.0)
    registry.forget_silent(now_s=100.0)
    assert registry.lost({"old", "new"}, now_s=100.0, opened_s=20.0) == before == {"old"}


class OneLedger:
    """As much of a ledger as a PeerWatch asks for."""

    def __init__(self, peers):
        self.peers, self.submitted = peers, []

    def on_owned(self, call):
        self.owned = call

    def on_lost(self, call):
        self.lost = call

    async def read(self, partition, view):
        return view(self.peers)

    async def submit(self, submission):
        self.submitted.append(submission)
        self.peers.remove((submission.tenant, submission.command))


async def test_the_loss_of_a_peer_is_submitted_for_each_tenant_of_an_owned_partition(monkeypatch):
    monkeypatch.setattr("trunkline_platform.peers.SILENCE_S", 0.2)
    monkeypatch.setattr("trunkline_platform.peers.LOOK_S", 0.02)
    ledger, registry = OneLedger([("tn_1", "gone"), ("tn_2", "gone"), ("tn_1", "here")]), PeerRegistry()
    watch = PeerWatch(ledger, registry, peers_of=list, lose=lambda tenant, peer_id: (f"rd_{tenant}", peer_id))
    ledger.owned(2)
    ledger.owned(3)
    ledger.lost(3)
    running = asyncio.create_task(watch.run())
    async with asyncio.timeout(10):
        while len(ledger.submitted) < 2:
            registry.heard("here")
            await asyncio.sleep(0.01)
    running.cancel()
    assert ledger.peers == [("tn_1", "here")]
    assert {(found.key, found.tenant, found.partition, found.lane) for found in ledger.submitted} == {
        ("rd_tn_1", "tn_1", 2, Lane.INTERNAL),
        ("rd_tn_2", "tn_2", 2, Lane.INTERNAL),
    }


# -- streams --------------------------------------------------------------------------------------------------


class Sessions(acd_service_pb2_grpc.AgentSessionServiceServicer):
    """What a service does: registry, watches, conversation."""

    def __init__(self):
        self.registry, self.watches, self.requests = PeerRegistry(), Watches("test"), []

    async def Session(self, requests, context):
        with self.watches.subscribe() as subscription:

            async def handle(request):
                self.requests.append(request)
                self.registry.heard("pe_1")
                if request.HasField("watch_agents"):
                    for agent_id in subscription.watch(request.watch_agents.agent_ids):
                        subscription.put(agent_id, acd_service_pb2.SessionResponse(agent={"agent_id": agent_id}))

            async for response in converse(requests, handle, subscription):
                yield response


async def serve(port=0):
    server = GrpcServer(CREDENTIALS, "127.0.0.1", port)
    server.sessions = Sessions()
    acd_service_pb2_grpc.add_AgentSessionServiceServicer_to_server(server.sessions, server.server)
    await server.start()
    return server


class Console:
    def __init__(self, *addresses):
        self.watched, self.pushes = ["ag_1"], []
        self.channels = Channels()
        self.client = PeerClient(
            METHOD,
            addresses,
            CREDENTIALS,
            CONSOLE,
            self.channels,
            greeting=lambda: [Request(hello={"peer_id": "pe_1"}), Request(watch_agents={"agent_ids": self.watched})],
            heartbeat=lambda: Request(heartbeat={}),
            on_push=lambda push: self.pushes.append(push.agent.agent_id),
        )

    @contextlib.asynccontextmanager
    async def running(self):
        life = asyncio.create_task(self.client.run())
        try:
            yield self
        finally:
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)
            await self.channels.close()


async def until(predicate):
    async with asyncio.timeout(20):
        while not predicate():
            await asyncio.sleep(0.01)


@pytest.fixture
async def two():
    servers = [await serve(), await serve()]
    yield servers
    for server in servers:
        await server.stop()


async def test_a_peer_greets_every_replica_and_gets_the_pushes_of_each(two):
    async with Console(*(server.address for server in two)).running() as console:
        await until(lambda: len(console.pushes) == 2)
        assert sorted(console.client.live) == sorted(server.address for server in two)
        for server in two:
            assert server.sessions.requests[0].hello.peer_id == "pe_1"
            server.sessions.watches.push("ag_1", acd_service_pb2.SessionResponse(agent={"agent_id": "again"}))
        await until(lambda: console.pushes[2:] == ["again", "again"])


async def test_a_new_watch_set_goes_to_every_replica(two):
    async with Console(*(server.address for server in two)).running() as console:
        await until(lambda: len(console.pushes) == 2)
        console.client.broadcast(Request(watch_agents={"agent_ids": ["ag_1", "ag_2"]}))
        await until(lambda: console.pushes[2:] == ["ag_2", "ag_2"])


async def test_requests_take_turns_so_that_a_repetition_takes_another_way(two):
    async with Console(*(server.address for server in two)).running() as console:
        await until(lambda: len(console.pushes) == 2)
        for _ in range(2):
            console.client.send(Request(heartbeat={}))
        for server in two:
            sessions = server.sessions
            await until(lambda sessions=sessions: sessions.requests[-1].HasField("heartbeat"))


async def test_a_replica_that_comes_back_is_greeted_with_the_present_watch_set(two):
    async with Console(*(server.address for server in two)).running() as console:
        await until(lambda: len(console.pushes) == 2)
        console.watched = ["ag_1", "ag_9"]
        await two[0].stop()
        await until(lambda: console.client.live == [two[1].address])
        two[0] = await serve(two[0].port)
        await until(lambda: sorted(console.pushes[2:]) == ["ag_1", "ag_9"])


async def test_heartbeats_are_sent_while_nothing_else_is(two, monkeypatch):
    monkeypatch.setattr("trunkline_platform.peers.HEARTBEAT_S", 0.05)
    async with Console(two[0].address).running():
        await until(lambda: sum(found.HasField("heartbeat") for found in two[0].sessions.requests) >= 3)


async def test_without_any_replica_a_request_is_refused_for_now():
    console = Console("127.0.0.1:1")
    async with console.running():
        with pytest.raises(Transient):
            console.client.send(Request(heartbeat={}))


async def test_a_defect_in_a_callback_ends_the_stream_and_not_the_peer(two, caplog):
    console = Console(two[0].address)
    greeting, failures = console.client._greeting, [KeyError("once")]

    def fail_once():
        if failures:
            raise failures.pop()
        return greeting()

    console.client._greeting = fail_once
    async with console.running():
        await until(lambda: console.pushes)
    assert "peer cannot write" in caplog.text
