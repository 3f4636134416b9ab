"""crm as it runs: real Kafka and store, gRPC, REST, an erasure, a restart."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from trunkline.common.v1.common_types_pb2 import Sealed as SealedMessage
from trunkline.contact.v1.contact_events_pb2 import ContactEvent
from trunkline.customer.v1 import customer_service_pb2
from trunkline.customer.v1.customer_commands_pb2 import CustomerCommand
from trunkline.ledger.v1.ledger_types_pb2 import Marker
from trunkline_core.errors import NotFound, Rejection
from trunkline_crm.bootstrap import Crm, bootstrap
from trunkline_crm.settings import CrmSettings
from trunkline_embedded.kafka import KafkaNode
from trunkline_platform.commands import CommandClient, new_command_id
from trunkline_platform.credentials import Credentials, Forbidden, Principal, Role, service_principal
from trunkline_platform.grpc_client import Channels
from trunkline_platform.keystore import KeyWrap, SqliteKeyStore
from trunkline_platform.lifecycle import Process
from trunkline_platform.lifecycle import running as running_process
from trunkline_platform.sealing import Sealer

SECRET = "a secret of this test, at least 32 bytes long"
CREDENTIALS = Credentials(SECRET.encode())


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaNode]:
    """A broker of this module alone: what it writes in channels' name must not meet channels' own tests."""
    node = KafkaNode.start(tmp_path_factory.mktemp("kafka"))
    yield node
    node.kill()


async def until(predicate: Callable[[], Awaitable[bool]], timeout_s: float = 60.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not await predicate():
            await asyncio.sleep(0.02)


@pytest.fixture
def settings(kafka: KafkaNode, mongo_url: str, mongo_database: str, tmp_path: Path) -> CrmSettings:
    return CrmSettings(
        kafka_bootstrap=kafka.bootstrap,
        mongo_url=mongo_url,
        mongo_database=mongo_database,
        secret=SECRET,
        keystore=str(tmp_path / "keys.sqlite"),
        session_timeout_s=2.0,
        grpc_port=0,
        http_port=0,
    )


@pytest.fixture
async def keys(settings: CrmSettings) -> AsyncIterator[SqliteKeyStore]:
    keys = SqliteKeyStore(Path(settings.keystore), KeyWrap(SECRET.encode()))
    yield keys
    await keys.close()


@pytest.fixture
def sealer(keys: SqliteKeyStore) -> Sealer:
    return Sealer(keys, SECRET.encode())


@contextlib.asynccontextmanager
async def running(settings: CrmSettings) -> AsyncIterator[Crm]:
    parts: list[Crm] = []

    async def start(process: Process) -> None:
        parts.append(await bootstrap(process, settings))

    async with running_process("crm", start):
        crm = parts[0]

        async def is_owner() -> bool:
            return crm.ledger.owned == set(crm.ledger.partitions)

        await until(is_owner)
        yield crm


class Callers:
    """channels, an agent and a supervisor of one tenant."""

    def __init__(self, crm: Crm, tenant: str, channels: Channels, http: httpx.AsyncClient, sealer: Sealer) -> None:
        service = customer_service_pb2.DESCRIPTOR.services_by_name["CustomerCommandService"]
        self.tenant = tenant
        self.channels = service_principal("channels", tenant)
        self.agent = Principal(tenant, "agent:ag_1", frozenset({Role.AGENT}))
        self.supervisor = Principal(tenant, "supervisor:us_2", frozenset({Role.SUPERVISOR}))
        self._commands = CommandClient(service, [crm.grpc.address], CREDENTIALS, channels)
        self._http = http
        self._sealer = sealer

    async def resolve(self, contact_id: str, address: str) -> str:
        """As channels does that did not wait for the answer: what is sealed for the contact stays the contact's."""
        command = CustomerCommand()
        resolve = command.resolve_customer
        resolve.contact_id, resolve.step_no, resolve.channel = contact_id, 1, 2
        resolve.address_token = self._sealer.token(self.tenant, address)
        resolve.address.CopyFrom(await self.sealed(contact_id, address))
        events = await self._commands.execute(command, self.channels, command_id=f"{contact_id}/step/1")
        return str(events[-1].contact_resolved.customer_id)

    async def rename(self, customer_id: str, name: str, version: int, principal: Principal | None = None) -> Any:
        command = CustomerCommand()
        command.change_profile.customer_id, command.change_profile.expected_version = customer_id, version
        command.change_profile.name.CopyFrom(await self.sealed(customer_id, name))
        return await self._commands.execute(command, principal or self.agent, command_id=new_command_id())

    async def erase(self, customer_id: str, principal: Principal) -> Any:
        command = CustomerCommand()
        command.erase_customer.customer_id = customer_id
        return await self._commands.execute(command, principal, command_id=new_command_id())

    async def sealed(self, owner: str, text: str) -> SealedMessage:
        sealed = await self._sealer.seal(owner, self.tenant, text)
        return SealedMessage(key_id=sealed.key_id, nonce=sealed.nonce, ciphertext=sealed.ciphertext)

    async def get(self, path: str, principal: Principal | None = None) -> httpx.Response:
        return await self._http.get(path, headers={"tl-token": CREDENTIALS.issue(principal or self.agent)})


@contextlib.asynccontextmanager
async def calling(crm: Crm, tenant: str, sealer: Sealer) -> AsyncIterator[Callers]:
    channels = Channels()
    try:
        async with httpx.AsyncClient(base_url=crm.http.url, timeout=30) as http:
            yield Callers(crm, tenant, channels, http, sealer)
    finally:
        await channels.close()


BAD = b"\xff"
MARKER = Marker(epoch=1, boot_id="b", instance_id="channels").SerializeToString()


def contact_events(tenant: str, contact_id: str, customer_id: str) -> list[tuple[str, bytes]]:
    """What channels would write of a short contact."""
    opened, identified, closed = ContactEvent(), ContactEvent(), ContactEvent()
    opened.contact_opened.contact_id, opened.contact_opened.channel = contact_id, 2
    identified.customer_identified.contact_id = contact_id
    identified.customer_identified.customer_id = customer_id
    closed.contact_closed.contact_id, closed.contact_closed.reason = contact_id, 1
    for number, event in enumerate((opened, identified, closed), start=1):
        event.metadata.tenant_id, event.metadata.stream_version = tenant, number
        event.metadata.event_time.FromSeconds(1_767_603_600 + number)
    return [
        ("trunkline.contact.v1.ContactOpened", opened.SerializeToString()),
        ("trunkline.contact.v1.CustomerIdentified", identified.SerializeToString()),
        ("trunkline.contact.v1.ContactClosed", closed.SerializeToString()),
    ]


async def write_contacts(kafka: str, *records: tuple[str, bytes]) -> None:
    """Write into channels' ledger under epoch 1."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        for kind, value in [("trunkline.ledger.v1.Marker", MARKER), *records]:
            headers = [("tl-epoch", b"1"), ("tl-type", kind.encode())]
            await producer.send_and_wait("contact.events.v1", value, partition=0, headers=headers)
    finally:
        await producer.stop()


async def test_customers_are_resolved_renamed_read_and_erased_and_survive_a_restart(
    settings: CrmSettings, unique_tenant: Callable[[], str], sealer: Sealer, keys: SqliteKeyStore
) -> None:
    tenant = unique_tenant()
    first, second, third = (f"ct_{tenant}_{number}" for number in range(3))
    async with running(settings) as crm, calling(crm, tenant, sealer) as callers:
        customer_id = await callers.resolve(first, "visitor 7")
        assert await callers.resolve(first, "visitor 7") == customer_id
        assert await callers.resolve(second, "visitor 7") == customer_id
        await callers.rename(customer_id, "李雷", 4)
        await write_contacts(settings.kafka_bootstrap, *contact_events(tenant, first, customer_id))

        async def is_shown() -> bool:
            response = await callers.get(f"/customers/by-contact/{first}")
            return response.status_code == 200 and response.json()["name"] == "李雷"

        await until(is_shown)
        found = (await callers.get(f"/customers/{customer_id}")).json()
        assert (found["version"], found["contact_count"], found["contacts"][0]["contact_id"]) == (6, 1, first)
        assert found["identities"] == [{"channel": "CHAT", "address": "visitor 7"}]
        await _check_refusals(callers, customer_id)
    async with running(settings) as crm, calling(crm, tenant, sealer) as callers:
        with pytest.raises(Rejection, match="ProfileChangedMeanwhile"):
            await callers.rename(customer_id, "韩梅梅", 4)
        await _check_erasure(callers, customer_id, (first, third), keys)
    late = await keys.create(customer_id, tenant)  # somebody sealed for the customer without knowing of the erasure
    async with running(settings):

        async def is_destroyed() -> bool:
            return await keys.get(late.key_id) is None

        await until(is_destroyed)


async def _check_refusals(callers: Callers, customer_id: str) -> None:
    stranger = Principal("tn_other", "agent:ag_9", frozenset({Role.AGENT, Role.SUPERVISOR}))
    gateway = Principal(callers.tenant, "gateway:gw_1", frozenset({Role.GATEWAY}))
    with pytest.raises(NotFound):
        await callers.erase(customer_id, stranger)
    with pytest.raises(Forbidden):
        await callers.erase(customer_id, callers.agent)
    with pytest.raises(Forbidden):
        await callers.rename(customer_id, "x", 0, gateway)
    assert (await callers.get(f"/customers/{customer_id}", stranger)).status_code == 404
    assert (await callers.get(f"/customers/{customer_id}", gateway)).status_code == 403
    assert (await callers.get(f"/customers/{customer_id}?cursor=x")).status_code == 422


async def _check_erasure(callers: Callers, customer_id: str, contacts: tuple[str, str], keys: SqliteKeyStore) -> None:
    """After it the keys are gone, the customer is not found, and the same address belongs to somebody new."""
    await callers.erase(customer_id, callers.supervisor)

    async def is_gone() -> bool:
        read = await callers.get(f"/customers/{customer_id}")
        left = [await keys.current(owner, callers.tenant) for owner in (customer_id, contacts[0])]
        return left == [None, None] and read.status_code == 404

    await until(is_gone)
    assert await callers.erase(customer_id, callers.supervisor) == []
    with pytest.raises(NotFound):
        await callers.rename(customer_id, "x", 0)
    assert await callers.resolve(contacts[1], "visitor 7") != customer_id


async def test_a_record_that_the_history_cannot_read_goes_to_the_dead_letters_and_the_next_one_is_read(
    settings: CrmSettings, unique_tenant: Callable[[], str], sealer: Sealer
) -> None:
    tenant = unique_tenant()
    contact_id = f"ct_{tenant}"
    async with running(settings) as crm, calling(crm, tenant, sealer) as callers:
        customer_id = await callers.resolve(contact_id, "visitor 8")
        good = contact_events(tenant, contact_id, customer_id)
        await write_contacts(settings.kafka_bootstrap, ("trunkline.contact.v1.ContactOpened", BAD), *good)

        async def is_shown() -> bool:
            return (await callers.get(f"/customers/by-contact/{contact_id}")).status_code == 200

        await until(is_shown)
    dead = await dead_letters(settings.kafka_bootstrap)
    assert [(value, headers["tl-reason"], headers["tl-source-topic"]) for value, headers in dead] == [
        (BAD, b"Poison", b"contact.events.v1")
    ]


async def dead_letters(kafka: str) -> list[tuple[bytes, dict[str, bytes]]]:
    """Read all of crm's dead letters."""
    consumer = AIOKafkaConsumer("crm.dlq.v1", bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        found: list[tuple[bytes, dict[str, bytes]]] = []

        async def is_complete() -> bool:
            batch = await consumer.getmany(timeout_ms=200)
            found.extend((record.value, dict(record.headers)) for records in batch.values() for record in records)
            return bool(found)

        await until(is_complete)
        return found
    finally:
        await consumer.stop()
