"""ivr as it runs: real Kafka, gRPC, the directory's publications, a restart."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from trunkline.directory.v1 import directory_types_pb2
from trunkline.directory.v1.directory_events_pb2 import DirectoryEvent
from trunkline.ivr.v1 import ivr_service_pb2
from trunkline.ivr.v1.ivr_commands_pb2 import IvrCommand
from trunkline.ledger.v1.ledger_types_pb2 import Marker
from trunkline.topics import TOPICS
from trunkline_core.errors import NotFound
from trunkline_core.flows import FlowDefinition, HoursDefinition
from trunkline_embedded.kafka import KafkaNode
from trunkline_ivr.bootstrap import Ivr, bootstrap
from trunkline_ivr.settings import IvrSettings
from trunkline_ledger.kafka.topics import ensure_topics
from trunkline_platform.commands import CommandClient
from trunkline_platform.credentials import Credentials, Forbidden, Principal, Role, service_principal
from trunkline_platform.grpc_client import Channels
from trunkline_platform.lifecycle import Process
from trunkline_platform.wire import Mapper
from waiting import until

from .conftest import FLOW, HOURS

SECRET = "a secret of this test, at least 32 bytes long"


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaNode]:
    """A broker of this module alone: what it writes in console's name must not meet console's own tests."""
    node = KafkaNode.start(tmp_path_factory.mktemp("kafka"))
    yield node
    node.kill()


@contextlib.asynccontextmanager
async def running(kafka: str, folder: Path) -> AsyncIterator[Ivr]:
    settings = IvrSettings(
        kafka_bootstrap=kafka,
        secret=SECRET,
        keystore=str(folder / "keys.sqlite"),
        session_timeout_s=2.0,
        grpc_port=0,
        http_port=0,
    )
    process, started = Process("ivr"), asyncio.get_running_loop().create_future()

    async def start(process: Process) -> None:
        started.set_result(await bootstrap(process, settings))

    task = asyncio.create_task(process.run(start))
    try:
        await asyncio.wait({task, started}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        ivr: Ivr = started.result()
        await until(lambda: ivr.ledger.owned == set(ivr.ledger.partitions))
        yield ivr
    finally:
        process.stop()
        await task


async def publish(kafka: str, tenant: str) -> None:
    """Write what console would write: a marker, then a flow and hours."""
    await ensure_topics(kafka, [TOPICS["directory.events.v1"]])
    flow, hours = DirectoryEvent(), DirectoryEvent()
    flow.flow_published.flow.CopyFrom(Mapper(FlowDefinition, directory_types_pb2.FlowDefinition).to_message(FLOW))
    flow.flow_published.flow_version = 1
    hours.hours_defined.hours.CopyFrom(Mapper(HoursDefinition, directory_types_pb2.HoursDefinition).to_message(HOURS))
    records = [
        ("trunkline.ledger.v1.Marker", Marker(epoch=1, boot_id="b", instance_id="console")),
        ("trunkline.directory.v1.FlowPublished", flow),
        ("trunkline.directory.v1.HoursDefined", hours),
    ]
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        for kind, message in records:
            if isinstance(message, DirectoryEvent):
                message.metadata.tenant_id = tenant
                message.metadata.event_time.FromDatetime(datetime.now(UTC))
            headers = [("tl-epoch", b"1"), ("tl-type", kind.encode())]
            await producer.send_and_wait(
                "directory.events.v1", message.SerializeToString(), partition=0, headers=headers
            )
    finally:
        await producer.stop()


def client(ivr: Ivr, channels: Channels) -> CommandClient:
    service = ivr_service_pb2.DESCRIPTOR.services_by_name["IvrCommandService"]
    return CommandClient(service, [ivr.grpc.address], Credentials(SECRET.encode()), channels)


def start(contact_id: str, step_no: int = 1) -> IvrCommand:
    command = IvrCommand()
    command.start_session.contact_id, command.start_session.step_no = contact_id, step_no
    command.start_session.flow_id, command.start_session.locale = "fl_main", "zh"
    command.start_session.attributes["tier"] = "gold"
    return command


def kinds(events: list[Any]) -> list[str]:
    return [event.WhichOneof("event") for event in events]


async def test_sessions_run_over_grpc_on_published_flows_and_survive_a_restart(
    kafka: KafkaNode, tmp_path: Path, unique_tenant: Callable[[], str]
) -> None:
    tenant = unique_tenant()
    caller, contact = service_principal("channels", tenant), f"ct_{tenant}"
    await publish(kafka.bootstrap, tenant)
    channels = Channels()
    try:
        async with running(kafka.bootstrap, tmp_path) as ivr:
            await until(lambda: all(ivr.ledger.state(n).newest_flow(tenant, "fl_main") for n in ivr.ledger.partitions))
            await until(lambda: all((tenant, "ho_shop") in ivr.ledger.state(n).hours for n in ivr.ledger.partitions))
            commands = client(ivr, channels)
            for number in range(8):
                events = await commands.execute(
                    start(f"{contact}_{number}"), caller, command_id=f"{contact}_{number}/step/1"
                )
                assert kinds(events)[0] == "session_started"
            assert await commands.execute(start(f"{contact}_1"), caller, command_id=f"{contact}_1/step/1") == []
            await _check_refusals(commands)
            await _check_http(ivr)
        async with running(kafka.bootstrap, tmp_path) as ivr:
            commands = client(ivr, channels)
            assert await commands.execute(start(f"{contact}_7"), caller, command_id=f"{contact}_7/step/1") == []
            end = IvrCommand()
            end.end_session.contact_id, end.end_session.step_no = f"{contact}_7", 2
            assert kinds(await commands.execute(end, caller, command_id=f"{contact}_7/step/2")) == ["session_ended"]
    finally:
        await channels.close()


async def _check_refusals(commands: CommandClient) -> None:
    with pytest.raises(NotFound):
        await commands.execute(start("ct_9"), service_principal("channels", "tn_other"))
    with pytest.raises(Forbidden):
        await commands.execute(start("ct_9"), Principal("tn_other", "agent:ag_1", frozenset({Role.AGENT})))


async def _check_http(ivr: Ivr) -> None:
    async with httpx.AsyncClient(base_url=ivr.http.url, timeout=30) as http:
        assert (await http.get("/readyz")).status_code == 200
        metrics = (await http.get("/metrics")).text
    assert "trunkline_ivr_flow_versions " in metrics and "trunkline_ledger_" in metrics
