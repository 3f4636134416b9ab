"""ExecuteStream between a caller and one server; what a command does stands in for the ledger."""

import asyncio

import grpc
import pytest
from trunkline.acd.v1 import acd_service_pb2
from trunkline_core.errors import Rejection, Transient
from trunkline_platform import grpc_server
from trunkline_platform.command_streams import CommandStream, CommandStreamServer
from trunkline_platform.credentials import Credentials, Principal, Role, Unauthenticated
from trunkline_platform.grpc_client import Channels, Method
from trunkline_platform.grpc_server import GrpcServer
from waiting import until

CREDENTIALS = Credentials(b"s" * 32)
LI = Principal("tn_1", "agent:ag_1", frozenset({Role.AGENT}))
WANG = Principal("tn_2", "agent:ag_2", frozenset({Role.AGENT}))
METHOD = Method(acd_service_pb2.DESCRIPTOR.services_by_name["AcdCommandService"].methods_by_name["ExecuteStream"])


class Carried:
    """Carries commands out as their id says."""

    def __init__(self):
        self.gate, self.waiting, self.timeouts = asyncio.Event(), asyncio.Event(), []

    async def __call__(self, request, principal, timeout_s):
        self.timeouts.append(timeout_s)
        match request.command_id:
            case "reject":
                raise Rejection("AgentAtCapacity")
            case "fail":
                raise KeyError("a secret detail")
            case waiting if waiting.startswith("wait"):
                self.waiting.set()
                await self.gate.wait()
        event = {"metadata": {"tenant_id": principal.tenant, "actor": principal.actor}}
        return acd_service_pb2.ExecuteResponse(events=[event])


@pytest.fixture
async def served():
    server = await serve(Carried())
    server.channels = Channels()
    server.stream = server.channels.commands(server.address, METHOD)
    yield server
    await server.channels.close()
    await server.stop()


async def serve(carried, port=0):
    server = GrpcServer(CREDENTIALS, "127.0.0.1", port)
    server.carried = carried
    handler = grpc.stream_stream_rpc_method_handler(
        CommandStreamServer(METHOD, carried, CREDENTIALS).serve,
        request_deserializer=METHOD.request.FromString,
        response_serializer=METHOD.response.SerializeToString,
    )
    server.add(grpc.method_handlers_generic_handler(METHOD.service, {METHOD.name: handler}))
    await server.start()
    return server


def send(stream, command_id="", principal=LI, token=None, timeout_s=20.0):
    request = acd_service_pb2.ExecuteRequest(command_id=command_id)
    token = token or CREDENTIALS.issue(principal)
    return stream.execute(request, asker=principal, token=token, timeout_s=timeout_s)


async def test_each_command_is_carried_out_for_the_principal_of_its_own_credential(served):
    answers = [await send(served.stream, principal=principal) for principal in (LI, WANG)]
    assert [answer.events[0].metadata.actor for answer in answers] == ["agent:ag_1", "agent:ag_2"]
    assert [answer.events[0].metadata.tenant_id for answer in answers] == ["tn_1", "tn_2"]


async def test_a_command_that_waits_holds_no_other_up(served):
    slow = asyncio.create_task(send(served.stream, "wait"))
    await served.carried.waiting.wait()
    assert (await send(served.stream)).events
    assert not slow.done()
    served.carried.gate.set()
    assert (await slow).events


async def test_a_refusal_is_that_commands_alone_and_arrives_as_it_was_raised(served):
    slow = asyncio.create_task(send(served.stream, "wait"))
    await served.carried.waiting.wait()
    with pytest.raises(Rejection, match="AgentAtCapacity"):
        await send(served.stream, "reject")
    with pytest.raises(Unauthenticated):
        await send(served.stream, token=Credentials(b"x" * 32).issue(WANG))
    with pytest.raises(Exception, match="INTERNAL") as defect:
        await send(served.stream, "fail")
    assert "a secret detail" not in str(defect.value)
    served.carried.gate.set()
    assert (await slow).events


async def test_a_call_without_a_credential_of_its_own_is_not_opened(served):
    with pytest.raises(Unauthenticated):
        await send(served.stream, token="v1.forged.forged")
    assert (await send(served.stream)).events  # and the next caller opens one that is good


async def test_the_server_learns_how_long_the_caller_waits_and_insists_on_it(served):
    await send(served.stream, timeout_s=7.0)
    assert served.carried.timeouts == [pytest.approx(7.0, abs=1.0)]
    raw = served.channels.to(served.address).stream_stream(
        METHOD.path,
        request_serializer=METHOD.request.SerializeToString,
        response_deserializer=METHOD.response.FromString,
    )(metadata=(("tl-token", CREDENTIALS.issue(LI)),))
    await raw.write(METHOD.request(number=1, credential=CREDENTIALS.issue(LI)))
    answer = await raw.read()
    raw.cancel()
    assert b"timeout_duration" in answer.status
    assert len(served.carried.timeouts) == 1


@pytest.mark.parametrize("seconds", [-1, 301, 10**14])
async def test_a_time_that_nobody_waits_is_refused_by_its_name(seconds):
    asked = METHOD.request(number=1, credential=CREDENTIALS.issue(LI))
    asked.timeout_duration.seconds = seconds

    async def requests():
        yield asked

    (answer,) = [answer async for answer in CommandStreamServer(METHOD, Carried(), CREDENTIALS).serve(requests(), None)]
    assert b"timeout_duration" in answer.status


async def test_an_answer_that_does_not_come_in_time_is_unknown(served):
    with pytest.raises(Transient, match="unknown"):
        await send(served.stream, "wait", timeout_s=0.2)
    assert (await send(served.stream)).events


async def test_a_repeated_command_waits_for_its_first_copy_and_gets_that_answer(served):
    for _ in range(3):
        with pytest.raises(Transient, match="unknown"):
            await send(served.stream, "wait", timeout_s=0.1)
    again = [asyncio.create_task(send(served.stream, "wait")) for _ in range(2)]
    await asyncio.sleep(0)
    served.carried.gate.set()
    assert [answer.events[0].metadata.actor for answer in await asyncio.gather(*again)] == ["agent:ag_1"] * 2
    assert len(served.carried.timeouts) == 1
    assert (await send(served.stream, "wait")).events  # answered: what comes now is carried out
    assert len(served.carried.timeouts) == 2


async def test_the_same_id_of_somebody_else_or_with_another_command_is_a_command_of_its_own(served):
    first = asyncio.create_task(send(served.stream, "wait"))
    await served.carried.waiting.wait()
    others = asyncio.create_task(send(served.stream, "wait", principal=WANG))
    request = acd_service_pb2.ExecuteRequest(command_id="wait", correlation_id="another")
    another = asyncio.create_task(served.stream.execute(request, asker=LI, token=CREDENTIALS.issue(LI), timeout_s=20.0))
    while len(served.carried.timeouts) < 3:
        await asyncio.sleep(0.01)
    served.carried.gate.set()
    tenants = [answer.events[0].metadata.tenant_id for answer in await asyncio.gather(first, others, another)]
    assert tenants == ["tn_1", "tn_2", "tn_1"]


async def test_of_a_call_that_ended_no_task_is_left(served):
    assert (await send(served.stream)).events
    await served.stop()
    await until(lambda: not [task for task in asyncio.all_tasks() if "_consume_request_iterator" in repr(task)])


class Clogged:
    """A channel that takes no request until it is asked for `requests`."""

    def stream_stream(self, *_, **__):
        return self.open

    def open(self, requests, metadata):
        self.requests, self.ended = requests, asyncio.Event()
        return self

    async def __aiter__(self):
        await self.ended.wait()
        yield

    def cancel(self):
        self.ended.set()


async def test_what_its_caller_gave_up_before_it_was_sent_is_not_sent():
    channel = Clogged()
    stream = CommandStream(channel, METHOD)
    for _ in range(3):
        with pytest.raises(Transient):
            await send(stream, "given up", timeout_s=0.01)
    assert not stream._call._open and not stream._call._unsent, "what nobody waits for takes no memory"
    kept = asyncio.create_task(send(stream, "kept"))
    await asyncio.sleep(0)
    assert (await anext(channel.requests)).request.command_id == "kept"
    kept.cancel()
    await asyncio.wait([kept])
    channel.cancel()


async def test_a_server_that_stops_ends_streams_at_once_and_the_next_one_is_found(served, monkeypatch):
    monkeypatch.setattr(grpc_server, "GRACE_S", 3_600.0)
    port = served.port
    slow = asyncio.create_task(send(served.stream, "wait"))
    await served.carried.waiting.wait()
    await served.stop()
    with pytest.raises(Transient):
        await slow
    again = await serve(Carried(), port)
    try:
        answer = None
        while answer is None:
            try:
                answer = await send(served.stream)
            except Transient:  # the channel has not come back yet
                await asyncio.sleep(0.05)
        assert answer.events
    finally:
        await again.stop()


async def test_a_caller_cannot_have_more_under_way_than_the_bound(served, monkeypatch):
    monkeypatch.setattr("trunkline_platform.command_streams.MAX_UNDER_WAY", 3)
    waiting = [asyncio.create_task(send(served.stream, f"wait {number}")) for number in range(10)]
    await served.carried.waiting.wait()
    await asyncio.sleep(0.2)
    assert len(served.carried.timeouts) == 3
    served.carried.gate.set()
    assert len([await answer for answer in waiting]) == 10


async def test_a_caller_that_takes_no_answers_is_not_read_on_beyond_the_bound(monkeypatch):
    monkeypatch.setattr("trunkline_platform.command_streams.MAX_UNDER_WAY", 3)
    carried, read = Carried(), []

    async def requests():
        for number in range(10):
            read.append(number)
            asked = METHOD.request(number=number, credential=CREDENTIALS.issue(LI))
            asked.timeout_duration.FromSeconds(5)
            yield asked

    answers = CommandStreamServer(METHOD, carried, CREDENTIALS).serve(requests(), None)
    taken = [await anext(answers)]
    await asyncio.sleep(0.1)
    assert (len(carried.timeouts), len(read)) == (3, 4)
    taken += [answer async for answer in answers]
    assert sorted(answer.number for answer in taken) == list(range(10))
