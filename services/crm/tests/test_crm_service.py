"""crm as it runs: real Kafka and store, gRPC, REST, an erasure, a restart."""

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
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
from trunkline_core.errors import Erased, NotFound, Rejection
from trunkline_core.ids import contact_prefix
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
from waiting import until_told

SECRET = "a secret of this test, at least 32 bytes long"
CREDENTIALS = Credentials(SECRET.encode())


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaNode]:
    """A broker of this module alone: what it writes in channels' name must not meet channels' own tests."""
    node = KafkaNode.start(tmp_path_factory.mktemp("kafka"))
    yield node
    node.kill()


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

        await until_told(is_owner)
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
        """Return the customer."""
        return str((await self.resolved(contact_id, address)).customer_id)

    async def resolved(self, contact_id: str, address: str) -> Any:
        """As channels does: the address is sealed for the contact."""
        command = CustomerCommand()
        resolve = command.resolve_customer
        resolve.contact_id, resolve.step_no, resolve.channel = contact_id, 1, 2
        resolve.address_token = self.token(address)
        resolve.address.CopyFrom(await self.sealed(contact_id, address))
        events = await self._commands.execute(command, self.channels, command_id=f"{contact_id}/step/1")
        return events[-1].contact_resolved

    def token(self, address: str) -> str:
        return self._sealer.token(self.tenant, address)

    def contact_id(self, address: str, number: int) -> str:
        return f"{contact_prefix(self.token(address))}{number}"

    async def rename(self, customer_id: str, name: str, version: int, principal: Principal | None = None) -> Any:
        command = CustomerCommand()
        command.change_profile.customer_id, command.change_profile.expected_version = customer_id, version
        command.change_profile.name.CopyFrom(await self.sealed(customer_id, name))
        return await self._commands.execute(command, principal or self.agent, command_id=new_command_id())

    async def erase(self, customer_id: str, principal: Principal) -> Any:
        command = CustomerCommand()
        command.erase_customer.customer_id = customer_id
        return await self._commands.execute(command, principal, command_id=new_command_id())

    async def set_owner(self, customer_id: str, agent_id: str) -> Any:
        command = CustomerCommand()
        command.set_account_owner.customer_id, command.set_account_owner.agent_id = customer_id, agent_id
        return await self._commands.execute(command, self.supervisor, command_id=new_command_id())

    async def sealed(self, owner: str, text: str) -> SealedMessage:
        sealed = await self._sealer.seal(owner, self.tenant, text)
        return SealedMessage(key_id=sealed.key_id, nonce=sealed.nonce, ciphertext=sealed.ciphertext)

    async def get_until(self, path: str) -> Any:
        async def is_shown() -> bool:
            return (await self.get(path)).status_code == 200

        await until_told(is_shown)
        return (await self.get(path)).json()

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
    async with running(settings) as crm, calling(crm, tenant, sealer) as callers:
        first, second, third = (callers.contact_id("visitor 7", number) for number in range(3))
        customer_id = await callers.resolve(first, "visitor 7")
        assert await callers.resolve(first, "visitor 7") == customer_id
        assert await callers.resolve(second, "visitor 7") == customer_id
        await callers.rename(customer_id, "李雷", 4)
        await write_contacts(settings.kafka_bootstrap, *contact_events(tenant, first, customer_id))

        async def is_shown() -> bool:
            response = await callers.get(f"/customers/by-contact/{first}")
            return response.status_code == 200 and response.json()["name"] == "李雷"

        await until_told(is_shown)
        found = (await callers.get(f"/customers/{customer_id}")).json()
        assert (found["version"], found["contact_count"], found["contacts"][0]["contact_id"]) == (6, 1, first)
        assert found["identities"] == [{"channel": "CHAT", "address": "visitor 7"}]
        await _check_refusals(callers, customer_id)
    async with running(settings) as crm, calling(crm, tenant, sealer) as callers:
        with pytest.raises(Rejection, match="ProfileChangedMeanwhile"):
            await callers.rename(customer_id, "韩梅梅", 4)
        await _check_erasure(callers, customer_id, third, keys)


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


async def _check_erasure(callers: Callers, customer_id: str, next_contact: str, keys: SqliteKeyStore) -> None:
    """After it the keys are gone for good, the customer is not found, and the same address belongs to somebody new."""
    await callers.erase(customer_id, callers.supervisor)

    async def is_gone() -> bool:
        return (await callers.get(f"/customers/{customer_id}")).status_code == 404

    await until_told(is_gone)
    for owner in (customer_id, callers.contact_id("visitor 7", 0), callers.contact_id("visitor 7", 1)):
        await until_told(lambda owner=owner: is_refused(keys, owner, callers.tenant))
    assert await callers.erase(customer_id, callers.supervisor) == []
    with pytest.raises(Erased):
        await Sealer(keys, SECRET.encode()).seal(customer_id, callers.tenant, "a writer who does not know yet")
    somebody_new = await callers.resolve(next_contact, "visitor 7")
    assert somebody_new != customer_id
    assert (await callers.get_until(f"/customers/{somebody_new}"))["identities"][0]["address"] == "visitor 7"


async def is_refused(keys: SqliteKeyStore, owner: str, tenant: str) -> bool:
    try:
        await keys.current(owner, tenant)
    except Erased:
        return True
    return False


async def test_an_erasure_reaches_a_contact_of_which_crm_never_heard_also_after_the_death_of_who_decided_it(
    settings: CrmSettings, unique_tenant: Callable[[], str], sealer: Sealer, keys: SqliteKeyStore
) -> None:
    tenant, other = unique_tenant(), unique_tenant()
    with contextlib.ExitStack() as until_crm_ended:
        async with running(settings) as crm, calling(crm, tenant, sealer) as callers:
            unheard, resolved = callers.contact_id("visitor 9", 1), callers.contact_id("visitor 9", 2)
            texts = [await sealer.seal(unheard, owner, "crm was away") for owner in (tenant, other)]
            customer_id = await callers.resolve(resolved, "visitor 9")
            until_crm_ended.enter_context(nobody_writes(settings.keystore))
            await callers.erase(customer_id, callers.supervisor)
    assert not await is_refused(keys, unheard, tenant)
    async with running(settings):
        await until_told(lambda: is_refused(keys, unheard, tenant))
    reader = Sealer(keys, SECRET.encode())
    assert [await reader.open(text) for text in texts] == [None, "crm was away"]


@contextlib.contextmanager
def nobody_writes(key_store: str) -> Iterator[None]:
    """Somebody else holds the key store's lock."""
    with contextlib.closing(sqlite3.connect(key_store, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("ROLLBACK")


def contact_connected(tenant: str, contact_id: str, agent_id: str) -> tuple[str, bytes]:
    connected = ContactEvent()
    connected.contact_connected.contact_id, connected.contact_connected.agent_id = contact_id, agent_id
    connected.metadata.tenant_id = tenant
    connected.metadata.event_time.FromSeconds(1_767_603_600)
    return "trunkline.contact.v1.ContactConnected", connected.SerializeToString()


async def test_who_had_a_customer_last_and_whose_account_it_is_is_told_to_the_next_contact_until_an_erasure(
    settings: CrmSettings, unique_tenant: Callable[[], str], sealer: Sealer
) -> None:
    tenant, numbers = unique_tenant(), iter(range(2, 10_000))
    async with running(settings) as crm, calling(crm, tenant, sealer) as callers:
        first = callers.contact_id("visitor 6", 1)
        customer_id = await callers.resolve(first, "visitor 6")
        await write_contacts(settings.kafka_bootstrap, contact_connected(tenant, first, "ag_7"))

        async def next_one() -> Any:
            return await callers.resolved(callers.contact_id("visitor 6", next(numbers)), "visitor 6")

        async def is_told() -> bool:
            return bool((await next_one()).last_agent_id == "ag_7")

        await until_told(is_told)
    async with running(settings) as crm, calling(crm, tenant, sealer) as callers:
        await callers.set_owner(customer_id, "ag_8")
        told = await next_one()
        assert (told.account_owner_id, told.last_agent_id) == ("ag_8", "ag_7")
        await callers.erase(customer_id, callers.supervisor)
        told = await next_one()
        assert told.customer_id != customer_id
        assert (told.account_owner_id, told.last_agent_id) == ("", "")


async def test_a_record_that_the_history_cannot_read_goes_to_the_dead_letters_and_the_next_one_is_read(
    settings: CrmSettings, unique_tenant: Callable[[], str], sealer: Sealer
) -> None:
    tenant = unique_tenant()
    async with running(settings) as crm, calling(crm, tenant, sealer) as callers:
        contact_id = callers.contact_id("visitor 8", 1)
        customer_id = await callers.resolve(contact_id, "visitor 8")
        good = contact_events(tenant, contact_id, customer_id)
        await write_contacts(settings.kafka_bootstrap, ("trunkline.contact.v1.ContactOpened", BAD), *good)

        async def is_shown() -> bool:
            return (await callers.get(f"/customers/by-contact/{contact_id}")).status_code == 200

        await until_told(is_shown)
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

        await until_told(is_complete)
        return found
    finally:
        await consumer.stop()
