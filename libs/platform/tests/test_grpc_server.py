"""The edge of the gRPC server, with the agents' session stream as an example."""

import asyncio
import contextlib

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from trunkline.acd.v1 import acd_commands_pb2, acd_service_pb2, acd_service_pb2_grpc
from trunkline_core.errors import Misconfigured, Rejection
from trunkline_platform.credentials import Credentials, Principal, Role, Unauthenticated
from trunkline_platform.errors_grpc import error_from_rpc
from trunkline_platform.grpc_client import Channels, token_metadata
from trunkline_platform.grpc_server import GrpcServer, current_principal

CREDENTIALS = Credentials(b"s" * 32)
LI = Principal("tn_1", "agent:ag_1", frozenset({Role.AGENT}))


class Commands(acd_service_pb2_grpc.AcdCommandServiceServicer):
    """Answers with who called, or fails as the command id says."""

    def __init__(self):
        self.gate = asyncio.Event()

    async def Execute(self, request, context):
        match request.command_id:
            case "reject":
                raise Rejection("AgentAtCapacity")
            case "fail":
                raise KeyError("a secret detail")
            case "wait":
                await self.gate.wait()
        event = {"metadata": {"tenant_id": current_principal().tenant}}
        return acd_service_pb2.ExecuteResponse(events=[event])


class Sessions(acd_service_pb2_grpc.AgentSessionServiceServicer):
    """Echoes the agents that are watched."""

    def __init__(self):
        self.ended = asyncio.Event()

    async def Session(self, requests, context):
        try:
            async for request in requests:
                if request.HasField("heartbeat"):
                    raise Rejection("NoHello")
                for agent_id in request.watch_agents.agent_ids:
                    name = f"{current_principal().tenant}/{agent_id}"
                    yield acd_service_pb2.SessionResponse(agent={"agent_id": name})
        finally:
            self.ended.set()


@pytest.fixture
async def served():
    server = GrpcServer(CREDENTIALS, "127.0.0.1", 0)
    server.commands, server.sessions = Commands(), Sessions()
    acd_service_pb2_grpc.add_AcdCommandServiceServicer_to_server(server.commands, server.server)
    acd_service_pb2_grpc.add_AgentSessionServiceServicer_to_server(server.sessions, server.server)
    await server.start()
    server.channels = Channels()
    server.stub = acd_service_pb2_grpc.AcdCommandServiceStub(server.channels.to(server.address))
    yield server
    await server.channels.close()
    await server.stop()


def request(command_id="", contact_id=""):
    return acd_service_pb2.ExecuteRequest(
        command_id=command_id,
        command=acd_commands_pb2.AcdCommand(drop_tombstone={"contact_id": contact_id}),
    )


@contextlib.contextmanager
def refused():
    caught = []
    with pytest.raises(grpc.aio.AioRpcError) as error:
        yield caught
    caught.append(error_from_rpc(error.value))


async def test_a_handler_knows_its_caller_and_calls_do_not_mix(served):
    async def tenant_of(number):
        principal = Principal(f"tn_{number}", "agent:ag_1")
        metadata = token_metadata(CREDENTIALS, principal)
        answer = await served.stub.Execute(request("wait"), timeout=10, metadata=metadata)
        return answer.events[0].metadata.tenant_id

    calls = [asyncio.create_task(tenant_of(number)) for number in range(20)]
    await asyncio.sleep(0)
    served.commands.gate.set()
    assert await asyncio.gather(*calls) == [f"tn_{number}" for number in range(20)]


async def test_no_rpc_runs_without_a_credential(served):
    with refused() as caught:
        await served.stub.Execute(request(), timeout=5)
    assert isinstance(caught[0], Unauthenticated)
    with refused() as caught:
        await served.stub.Execute(request(), timeout=5, metadata=(("tl-token", "v1.x.y"),))
    assert isinstance(caught[0], Unauthenticated)


async def test_a_deadline_is_mandatory(served):
    with refused() as caught:
        await served.stub.Execute(request(), metadata=token_metadata(CREDENTIALS, LI))
    assert caught[0].field == "deadline"


async def test_a_rejection_leaves_typed_and_a_defect_without_its_text(served):
    with refused() as caught:
        await served.stub.Execute(request("reject"), timeout=5, metadata=token_metadata(CREDENTIALS, LI))
    assert (type(caught[0]), caught[0].rule) == (Rejection, "AgentAtCapacity")
    with refused() as caught:
        await served.stub.Execute(request("fail"), timeout=5, metadata=token_metadata(CREDENTIALS, LI))
    assert "secret" not in str(caught[0])


async def test_a_message_above_one_mebibyte_is_refused(served):
    with refused() as caught:
        await served.stub.Execute(request("", "x" * 1_100_000), timeout=5, metadata=token_metadata(CREDENTIALS, LI))
    assert caught[0].retryable


async def test_streams_are_wrapped_as_well(served):
    stub = acd_service_pb2_grpc.AgentSessionServiceStub(served.channels.to(served.address))
    call = stub.Session(metadata=token_metadata(CREDENTIALS, LI))
    await call.write(acd_service_pb2.SessionRequest(watch_agents={"agent_ids": ["ag_1", "ag_2"]}))
    assert [(await call.read()).agent.agent_id for _ in range(2)] == ["tn_1/ag_1", "tn_1/ag_2"]
    await call.write(acd_service_pb2.SessionRequest(heartbeat={}))
    with refused() as caught:
        await call.read()
    assert caught[0].rule == "NoHello"
    with refused() as caught:
        await stub.Session().read()
    assert isinstance(caught[0], Unauthenticated)


async def test_a_stream_whose_reader_goes_away_ends_its_handler(served):
    stub = acd_service_pb2_grpc.AgentSessionServiceStub(served.channels.to(served.address))
    call = stub.Session(metadata=token_metadata(CREDENTIALS, LI))
    await call.write(acd_service_pb2.SessionRequest(watch_agents={"agent_ids": ["ag_1"]}))
    await call.read()
    call.cancel()
    async with asyncio.timeout(5):
        await served.sessions.ended.wait()


async def test_health_is_open_and_follows_what_it_is_told(served):
    stub = health_pb2_grpc.HealthStub(served.channels.to(served.address))
    states = health_pb2.HealthCheckResponse
    assert (await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)).status == states.NOT_SERVING
    await served.set_serving(True)
    assert (await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)).status == states.SERVING


async def test_a_port_in_use_is_one_sentence(served):
    with pytest.raises(Misconfigured, match="is it in use"):
        GrpcServer(CREDENTIALS, "127.0.0.1", served.port)
