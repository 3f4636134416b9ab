"""Peers against real gRPC servers, and the loss of a peer on a ledger's partitions."""

import asyncio
import contextlib
from types import SimpleNamespace

import pytest
from trunkline.acd.v1 import acd_service_pb2, acd_service_pb2_grpc
from trunkline_core.errors import Invalid, Rejection, Transient
from trunkline_ledger.submission import Lane
from trunkline_platform.credentials import Credentials, Forbidden, Principal, Role
from trunkline_platform.grpc_client import Channels
from trunkline_platform.grpc_server import GrpcServer
from trunkline_platform.peers import Peer, PeerClient, PeerRegistry, PeerWatch
from trunkline_platform.watch import Watches, converse
from waiting import until

CREDENTIALS = Credentials(b"s" * 32)
CONSOLE = Principal("tn_1", "service:console", frozenset({Role.SERVICE}))
METHOD = acd_service_pb2.DESCRIPTOR.services_by_name["AgentSessionService"].methods_by_name["Session"]
Request = acd_service_pb2.SessionRequest


# -- who is lost ----------------------------------------------------------------------------------------------


ONE, OTHER = Peer("tn_1", "pe_1"), Peer("tn_1", "pe_2")


def test_a_peer_is_lost_after_ten_seconds_of_silence():
    registry = PeerRegistry()
    registry.greet(ONE, "gateway:a", now_s=100.0)
    assert registry.lost({ONE}, now_s=109.9, opened_s=0.0) == set()
    assert registry.lost({ONE}, now_s=110.0, opened_s=0.0) == {ONE}


def test_a_peer_that_never_came_is_lost_ten_seconds_after_the_take_over():
    registry = PeerRegistry()
    assert registry.lost({ONE}, now_s=109.9, opened_s=100.0) == set()
    assert registry.lost({ONE}, now_s=110.0, opened_s=100.0) == {ONE}


def test_no_peer_is_lost_within_ten_seconds_of_a_take_over():
    registry = PeerRegistry()
    registry.greet(ONE, "gateway:a", now_s=50.0)
    assert registry.lost({ONE}, now_s=109.9, opened_s=100.0) == set()
    assert registry.lost({ONE}, now_s=110.0, opened_s=100.0) == {ONE}


def test_a_peer_is_there_once_it_said_what_it_has_and_until_it_is_silent():
    registry = PeerRegistry()
    registry.greet(OTHER, "gateway:b", now_s=100.0)
    session = registry.greet(ONE, "gateway:a", held=["ag_1"], now_s=100.0)
    assert registry.there(109.9) == [session]
    assert registry.there(110.0) == []
    session.heard(now_s=115.0)
    assert registry.there(116.0) == [session]


def test_peers_of_the_same_name_of_two_tenants_are_two():
    registry = PeerRegistry()
    registry.greet(Peer("tn_1", "pe_1"), "gateway:a", now_s=100.0)
    assert registry.lost({ONE, Peer("tn_2", "pe_1")}, now_s=105.0, opened_s=0.0) == {Peer("tn_2", "pe_1")}


def test_forgetting_silent_peers_changes_no_answer():
    registry = PeerRegistry()
    registry.greet(ONE, "gateway:a", now_s=0.0)
    registry.greet(OTHER, "gateway:b", now_s=95.0)
    before = registry.lost({ONE, OTHER}, now_s=100.0, opened_s=20.0)
    registry.forget_silent(now_s=100.0)
    assert registry.lost({ONE, OTHER}, now_s=100.0, opened_s=20.0) == before == {ONE}


def test_a_peer_id_belongs_to_the_actor_who_came_first_until_a_minute_after_its_last_word():
    registry = PeerRegistry()
    registry.greet(ONE, "gateway:a", now_s=0.0)
    with pytest.raises(Forbidden):
        registry.greet(ONE, "gateway:b", now_s=1.0)
    registry.forget_silent(now_s=59.0)
    with pytest.raises(Forbidden):
        registry.greet(ONE, "gateway:b", now_s=59.0)
    registry.forget_silent(now_s=60.0)
    assert registry.greet(ONE, "gateway:b", now_s=60.0).actor == "gateway:b"


def test_a_stream_of_whom_nobody_heard_for_a_minute_does_not_take_the_peer_id_back():
    registry = PeerRegistry()
    forgotten = registry.greet(ONE, "gateway:a", now_s=0.0)
    registry.forget_silent(now_s=60.0)
    registry.greet(ONE, "gateway:b", now_s=61.0)
    with pytest.raises(Forbidden):
        forgotten.heard(now_s=62.0)


def test_an_older_start_of_a_peer_is_refused_on_all_its_streams():
    registry = PeerRegistry()
    older = registry.greet(ONE, "gateway:a", "boot-1", held=["ct_1"], now_s=0.0)
    assert registry.greet(ONE, "gateway:a", "boot-1", held=["ct_1"], now_s=1.0) is older
    registry.greet(ONE, "gateway:a", "boot-2", held=[], now_s=2.0)
    for again in (older.heard, lambda: registry.greet(ONE, "gateway:a", "boot-1", held=["ct_1"])):
        with pytest.raises(Rejection, match="PeerReplaced"):
            again()
    assert registry.unnamed(ONE, ["ct_1"]) == ["ct_1"]


@pytest.mark.parametrize(
    ("peer_id", "boot_id", "held", "field"),
    [
        ("", "", None, "peer_id"),
        ("x" * 129, "", None, "peer_id"),
        ("p", "b" * 65, [], "boot_id"),
        ("p", "b", None, "held"),
    ],
)
def test_a_greeting_that_no_peer_may_say_names_its_field(peer_id, boot_id, held, field):
    with pytest.raises(Invalid, match=f"^{field}:"):
        PeerRegistry().greet(Peer("tn_1", peer_id), "gateway:a", boot_id, held)


def test_a_peer_that_does_not_say_what_it_has_misses_nothing():
    registry = PeerRegistry()
    registry.greet(ONE, "gateway:a")
    assert registry.unnamed(ONE, ["ct_1"]) == registry.unnamed(OTHER, ["ct_1"]) == []


def test_the_newest_word_says_what_a_peer_has():
    registry = PeerRegistry()
    session = registry.greet(ONE, "gateway:a", held=["ct_1"])
    session.heard()
    assert registry.unnamed(ONE, ["ct_1", "ct_2"]) == ["ct_2"]
    session.heard(["ct_2"])
    assert registry.unnamed(ONE, ["ct_1", "ct_2"]) == ["ct_1"]


class OneLedger:
    """As much of a ledger as a PeerWatch asks for."""

    def __init__(self, held):
        self.held, self.submitted = held, []

    def on_owned(self, call):
        self.owned = call

    def on_lost(self, call):
        self.lost = call

    async def read(self, partition, view):
        return view(self.held)

    async def submit(self, submission):
        self.submitted.append(submission)
        peer, ids = submission.command
        left = {row_id for row_id in self.held[peer] if ids and row_id not in ids}
        self.held.pop(peer)
        if left:
            self.held[peer] = left


def watch_over(ledger, registry):
    return PeerWatch(ledger, registry, held_of=dict, lose=lambda peer, ids: (f"rd_{peer.tenant}", (peer, ids)))


async def test_the_loss_of_a_peer_is_submitted_for_each_tenant_of_an_owned_partition(monkeypatch):
    monkeypatch.setattr("trunkline_platform.peers.SILENCE_S", 0.2)
    monkeypatch.setattr("trunkline_platform.peers.LOOK_S", 0.02)
    gone, elsewhere, here = Peer("tn_1", "gone"), Peer("tn_2", "gone"), Peer("tn_1", "here")
    ledger, registry = OneLedger({gone: {"a"}, elsewhere: {"b"}, here: {"c"}}), PeerRegistry()
    watch = watch_over(ledger, registry)
    ledger.owned(2)
    ledger.owned(3)
    ledger.lost(3)
    running = asyncio.create_task(watch.run())
    async with asyncio.timeout(10):
        while len(ledger.submitted) < 2:
            registry.greet(here, "gateway:a")
            await asyncio.sleep(0.01)
    running.cancel()
    assert ledger.held == {here: {"c"}}
    assert {(found.key, found.tenant, found.partition, found.lane) for found in ledger.submitted} == {
        ("rd_tn_1", "tn_1", 2, Lane.INTERNAL),
        ("rd_tn_2", "tn_2", 2, Lane.INTERNAL),
    }


async def test_a_partition_that_does_not_answer_holds_up_no_other(monkeypatch):
    monkeypatch.setattr("trunkline_platform.peers.SILENCE_S", 0.1)
    monkeypatch.setattr("trunkline_platform.peers.LOOK_S", 0.02)
    ledger = OneLedger({ONE: {"ct_1"}})
    read = ledger.read

    async def read_but_one(partition, view):
        if partition == 2:
            await asyncio.Event().wait()
        return await read(partition, view)

    ledger.read = read_but_one
    watch = watch_over(ledger, PeerRegistry())
    ledger.owned(2)
    ledger.owned(3)
    running = asyncio.create_task(watch.run())
    await until(lambda: ledger.submitted)
    running.cancel()
    assert [found.partition for found in ledger.submitted] == [3]


@pytest.fixture
def clock(monkeypatch):
    """Monotonic seconds that a test sets."""
    now = [0.0]
    monkeypatch.setattr("trunkline_platform.peers.time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def owned_for_short_times(watch, ledger, clock, absent_s):
    """Own partition 0 from 0 to 60 s, 8 s at a time; return since when it counts as owned."""
    while clock[0] < 60.0:
        ledger.owned(0)
        clock[0] += 8.0
        ledger.lost(0)
        clock[0] += absent_s
    ledger.owned(0)
    return watch._opened[0]


def test_epochs_of_our_own_that_follow_each_other_do_not_keep_a_dead_peer_alive(clock):
    """Found in a chaos run under load: contacts of a dead gateway lived for more than 60 s."""
    ledger, registry = OneLedger({ONE: {"ct_1"}}), PeerRegistry()
    opened_s = owned_for_short_times(watch_over(ledger, registry), ledger, clock, absent_s=0.5)
    assert registry.lost({ONE}, clock[0], opened_s) == {ONE}


def test_after_ten_seconds_with_another_owner_a_peer_is_given_its_time_again(clock):
    ledger, registry = OneLedger({ONE: {"ct_1"}}), PeerRegistry()
    opened_s = owned_for_short_times(watch_over(ledger, registry), ledger, clock, absent_s=10.0)
    assert registry.lost({ONE}, clock[0], opened_s) == set()


async def test_what_was_said_while_the_process_stood_still_is_no_silence(clock, monkeypatch):
    """A pause of a virtual machine is shorter than a session of a minute: the owner stays, and may not have read yet
    what the peers said meanwhile."""
    monkeypatch.setattr("trunkline_platform.peers.LOOK_S", 0.01)
    ledger, registry = OneLedger({ONE: {"ct_1"}}), PeerRegistry()
    watch = watch_over(ledger, registry)
    ledger.owned(0)
    running = asyncio.create_task(watch.run())
    clock[0] = 4.0
    registry.greet(ONE, "gateway:a")
    await asyncio.sleep(0.1)
    clock[0] = 20.0
    await asyncio.sleep(0.1)
    assert ledger.submitted == []
    for clock[0] in (24.0, 28.0, 30.0):
        await asyncio.sleep(0.1)
    running.cancel()
    assert [found.command for found in ledger.submitted] == [(ONE, ())]


@pytest.fixture
def looks():
    """A peer with two contacts, looked at from second to second; `open` is when the partition was taken over."""
    ledger, registry = OneLedger({ONE: {"ct_1", "ct_2"}}), PeerRegistry()
    watch = watch_over(ledger, registry)

    async def look(now_s, held=None):
        registry.greet(ONE, "gateway:a", held=held, now_s=now_s)
        await watch._look(0, 0.0, now_s)
        return [found.command for found in ledger.submitted]

    return look


async def test_what_a_peer_does_not_name_for_ten_seconds_is_lost_alone(looks):
    assert await looks(100.0, held=["ct_1"]) == []
    assert await looks(109.9) == []
    assert await looks(110.0) == [(ONE, ("ct_2",))]
    assert await looks(200.0) == [(ONE, ("ct_2",))]


async def test_what_a_peer_names_again_within_ten_seconds_is_not_lost(looks):
    await looks(100.0, held=["ct_1"])
    await looks(105.0, held=["ct_1", "ct_2"])
    await looks(109.0, held=["ct_1"])
    assert await looks(118.9) == []
    assert await looks(119.0) == [(ONE, ("ct_2",))]


async def test_a_new_start_of_a_peer_loses_what_it_does_not_name(monkeypatch):
    ledger, registry = OneLedger({ONE: {"ct_1", "ct_2"}}), PeerRegistry()
    watch = watch_over(ledger, registry)
    registry.greet(ONE, "gateway:a", "boot-1", held=["ct_1", "ct_2"], now_s=100.0)
    await watch._look(0, 0.0, 100.0)
    session = registry.greet(ONE, "gateway:a", "boot-2", held=["ct_2"], now_s=101.0)
    await watch._look(0, 0.0, 101.0)
    session.heard(now_s=110.0)
    await watch._look(0, 0.0, 111.0)
    assert [found.command for found in ledger.submitted] == [(ONE, ("ct_1",))]


async def test_many_that_are_not_named_are_lost_in_portions():
    ledger, registry = OneLedger({ONE: {f"ct_{number:03}" for number in range(150)}}), PeerRegistry()
    watch = watch_over(ledger, registry)
    for now_s in (100.0, 110.0):
        registry.greet(ONE, "gateway:a", held=[], now_s=now_s)
        ledger.submit = collect(ledger)
        await watch._look(0, 0.0, now_s)
    assert [len(found.command[1]) for found in ledger.submitted] == [100, 50]


async def test_all_that_a_large_peer_held_is_lost_at_one_look():
    """100 a second would have kept the calls of a gateway with 25,000 in a partition alive for four minutes."""
    ledger, registry = OneLedger({ONE: {f"ct_{number:03}" for number in range(250)}}), PeerRegistry()
    ledger.submit = collect(ledger)
    await watch_over(ledger, registry)._look(0, 0.0, 100.0)
    assert [found.command for found in ledger.submitted] == [(ONE, ())] * 3


async def test_a_large_peer_that_comes_back_keeps_what_was_not_lost_yet():
    ledger, registry = OneLedger({ONE: {f"ct_{number:03}" for number in range(250)}}), PeerRegistry()

    async def submit(submission):
        ledger.submitted.append(submission)
        registry.greet(ONE, "gateway:a", now_s=100.0)

    ledger.submit = submit
    await watch_over(ledger, registry)._look(0, 0.0, 100.0)
    assert len(ledger.submitted) == 1


def collect(ledger):
    async def submit(submission):
        ledger.submitted.append(submission)

    return submit


# -- streams --------------------------------------------------------------------------------------------------


class Sessions(acd_service_pb2_grpc.AgentSessionServiceServicer):
    """What a service does: registry, watches, conversation."""

    def __init__(self):
        self.watches, self.requests = Watches("test"), []

    async def Session(self, requests, context):
        with self.watches.subscribe() as subscription:

            async def handle(request):
                self.requests.append(request)
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


async def test_heartbeats_are_sent_however_much_else_is(two, monkeypatch):
    monkeypatch.setattr("trunkline_platform.peers.HEARTBEAT_S", 0.05)
    async with Console(two[0].address).running() as console:
        await until(lambda: console.client.live)

        def is_heard():
            console.client.broadcast(Request(watch_agents={"agent_ids": ["ag_1"]}))
            return sum(found.HasField("heartbeat") for found in two[0].sessions.requests) >= 3

        await until(is_heard)


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
