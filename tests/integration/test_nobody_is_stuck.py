"""Gateways and consoles die, alone and with an owner of acd, and messages get lost: nobody is left behind for a minute.

Times are those of the log: from the kill to the event that ends what was stuck.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from callers import callers_of
from desk_sockets import DeskClient, desk_of
from fleet import Fleet, running_fleet
from gateways import Gateway, gateway_of
from own_tenants import OwnTenant, define_tenant, support_agents
from published import fold_of, ledgers
from trunkline.acd.v1.acd_commands_pb2 import AcdCommand, EndContact, EnqueueContact
from trunkline.common.v1.common_types_pb2 import CHANNEL_VOICE
from trunkline.contact.v1.contact_types_pb2 import CloseReason, ContactState, ContactView
from trunkline.ivr.v1.ivr_commands_pb2 import EndSession, IvrCommand, StartSession
from trunkline_embedded.store import MongoStore
from trunkline_platform.credentials import service_principal
from trunkline_testkit.checker import LedgerLog, check, contradictions
from waiting import until_nothing_is_wrong, wait_until

WITHIN = timedelta(seconds=60)
PATIENCE_S = 120.0
LOGINS = ("stays", "leaves", "other")
SELF_SERVICE, QUEUED, CONNECTED, CLOSED = (
    ContactState.Value(f"CONTACT_STATE_{name}") for name in ("SELF_SERVICE", "QUEUED", "CONNECTED", "CLOSED")
)
# Short, so that the comparison would be quick to end something that only looks wrong while owners die.
SETTINGS = {"TRUNKLINE_CHANNELS_RECONCILE_EVERY_S": "1", "TRUNKLINE_CHANNELS_RECONCILE_AFTER_S": "5"}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, mongo: MongoStore) -> Iterator[Fleet]:
    with running_fleet(tmp_path_factory.mktemp("fleet"), mongo.url, "stuck", lambda _: SETTINGS) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def shop(fleet: Fleet) -> OwnTenant:
    """A tenant with three agents; a contact that ended keeps nobody busy."""
    return define_tenant(fleet.layout, {"wrap_up_mode": "WRAP_UP_MODE_NONE"}, **support_agents(LOGINS))


@dataclass(frozen=True)
class Scene:
    """The fleet, its tenant, and what happens there."""

    fleet: Fleet
    shop: OwnTenant

    def gateway(self, name: str, *has: str) -> contextlib.AbstractAsyncContextManager[Gateway]:
        addresses = self.fleet.addresses("channels")
        return gateway_of(self.fleet.layout, self.shop.tenant_id, name, addresses=addresses, has=has)

    def desk(self, login: str) -> contextlib.AbstractAsyncContextManager[DeskClient]:
        return desk_of(self.fleet.layout.http_url("console"), login, self.shop.tenant_id)

    async def waiting_call(self, gateway: Gateway, address: str) -> str:
        """A caller who waits for an agent; return the contact."""
        contact_id = await self.call(gateway, address)
        await gateway.ask_for_a_person(contact_id)
        return contact_id

    async def call(self, gateway: Gateway, address: str) -> str:
        """A caller at the menu."""
        done = await gateway.start(f"ep_demo_voice_{self.shop.suffix}", address)
        await gateway.until(done.contact_id, lambda view: view.prompt.node_id == "menu")
        return str(done.contact_id)

    async def connected_call(self, gateway: Gateway, desk: DeskClient, address: str) -> str:
        """A caller who talks to the agent of this desk, who was not available before."""
        await desk.until(lambda: desk.agent.get("connectivity") == "CONNECTED")
        await desk.send("intent", intent="AVAILABLE", break_reason="")
        contact_id = await self.waiting_call(gateway, address)
        offer = await desk.until(lambda: desk.work(contact_id, "OFFERED"))
        await desk.send("accept", contact_id=contact_id, offer_no=offer["offer_no"])
        await gateway.until(contact_id, lambda view: view.state == CONNECTED)
        await desk.until(lambda: desk.work(contact_id, "CONNECTED"))
        return contact_id

    async def log(self) -> LedgerLog:
        return await ledgers(self.fleet.layout.kafka)

    async def until_closed(self, contact_ids: set[str]) -> None:
        async def missing() -> set[str]:
            return contact_ids - {contact_id for contact_id, _, _ in ends(await self.log())}

        await until_nothing_is_wrong(missing, "these contacts end", PATIENCE_S)

    async def until_nobody_is_left(self) -> None:
        async def wrong() -> list[object]:
            log = await self.log()
            return [*contradictions(log), *busy_without_a_contact(log)]

        await until_nothing_is_wrong(wrong, "nobody is left behind", PATIENCE_S)
        assert check(await self.log()) == []


def ends(log: LedgerLog) -> Iterator[tuple[str, int, datetime]]:
    """Contact, reason and log time of every end."""
    for event in log.events:
        if event.name == "ContactClosed":
            at = event.metadata.event_time.ToDatetime(UTC)
            yield event.event.contact_id, event.event.reason, at


def busy_without_a_contact(log: LedgerLog) -> list[str]:
    """Agents whose row at acd has more or less work than there are contacts that channels says they have."""
    agents: dict[str, str] = {}
    for event in log.events:
        if event.area == "contact" and event.name in ("ContactOffered", "ConnectRequested", "ContactConnected"):
            agents[event.event.contact_id] = event.event.agent_id
        elif event.area == "contact" and event.name in ("ContactReturned", "ContactClosed"):
            agents.pop(event.event.contact_id, None)
    rows = {key: row for key, row in fold_of(log).items() if key.startswith("ag_")}
    booked = {key: row.offered + row.connecting + row.connected for key, row in rows.items()}
    return sorted(key for key, count in booked.items() if count != list(agents.values()).count(key))


@pytest.fixture
async def scene(fleet: Fleet, shop: OwnTenant) -> AsyncIterator[Scene]:
    scene = Scene(fleet, shop)
    yield scene
    await scene.until_nobody_is_left()


@pytest.mark.timeout(300)
async def test_a_gateway_that_dies_or_comes_back_without_a_call_leaves_nobody_behind(scene: Scene) -> None:
    async with contextlib.AsyncExitStack() as first_start:
        doomed = await first_start.enter_async_context(scene.gateway("gw_dies"))
        before = await first_start.enter_async_context(scene.gateway("gw_returns"))
        lost = {await scene.waiting_call(doomed, "+86-1"), await scene.call(doomed, "+86-2")}
        kept, forgotten = await scene.waiting_call(before, "+86-3"), await scene.call(before, "+86-4")
    died = datetime.now(UTC)
    async with scene.gateway("gw_returns", kept) as again:
        await again.until(kept, lambda view: view.state == QUEUED)
        await scene.until_closed({*lost, forgotten})
        assert_ended_in_time(await scene.log(), died, dict.fromkeys([*lost, forgotten], "PEER_LOST"))
        assert again.views[kept].state == QUEUED
        assert again.views[forgotten].close_reason == CloseReason.CLOSE_REASON_PEER_LOST


@pytest.mark.timeout(400)
async def test_console_gateway_and_an_owner_of_acd_die_at_once_and_nobody_is_left_behind(scene: Scene) -> None:
    fleet = scene.fleet
    async with contextlib.AsyncExitStack() as open_until_end, contextlib.AsyncExitStack() as dying:
        calm = await open_until_end.enter_async_context(scene.gateway("gw_calm"))
        doomed = await dying.enter_async_context(scene.gateway("gw_doomed"))
        desks = {login: await dying.enter_async_context(scene.desk(login)) for login in LOGINS}
        stays = await scene.connected_call(calm, desks["stays"], "+86-11")
        leaves = await scene.connected_call(calm, desks["leaves"], "+86-12")
        lost = await scene.connected_call(doomed, desks["other"], "+86-13")
        waits = await scene.waiting_call(doomed, "+86-14")
        (console,), owner = fleet.of("console"), await fleet.busy_owner("acd")
        died = datetime.now(UTC)
        console.kill()
        owner.kill()
        await dying.aclose()
        for replica in (console, owner):
            fleet.begin(replica)
        await asyncio.to_thread(wait_until, console.is_ready, "console is back", PATIENCE_S)
        back = await open_until_end.enter_async_context(scene.desk("stays"))
        await back.until(lambda: back.work(stays, "CONNECTED"))
        await scene.until_closed({leaves, lost, waits})
        reasons = {leaves: "AGENT_LOST", lost: "PEER_LOST", waits: "PEER_LOST"}
        assert_ended_in_time(await scene.log(), died, reasons)
        await scene.until_nobody_is_left()
        assert calm.views[stays].state == CONNECTED
        assert back.work(stays, "CONNECTED")
        await back.send("end", contact_id=stays)


def assert_ended_in_time(log: LedgerLog, died: datetime, reasons: dict[str, str]) -> None:
    """Each of these contacts ended for its reason within a minute of log time; no other one did since."""
    found = {contact_id: (reason, at - died) for contact_id, reason, at in ends(log) if at >= died}
    named = {contact_id: CloseReason.Name(reason) for contact_id, (reason, _) in found.items()}
    assert named == {contact_id: f"CLOSE_REASON_{reason}" for contact_id, reason in reasons.items()}
    assert max(took for _, took in found.values()) < WITHIN


@pytest.mark.timeout(300)
async def test_what_only_one_service_knows_of_is_ended_and_healthy_contacts_go_on(scene: Scene) -> None:
    service = service_principal("channels", scene.shop.tenant_id)
    strange = {name: f"ct_0123456789abcdef_{name}{scene.shop.suffix}" for name in ("acd", "ivr")}
    async with scene.gateway("gw_calm") as gateway, callers_of(scene.fleet.layout) as callers:
        healthy = [await scene.waiting_call(gateway, "+86-21"), await scene.call(gateway, "+86-22")]
        unknown = await scene.waiting_call(gateway, "+86-23"), await scene.call(gateway, "+86-24")
        await gateway.until(unknown[0], lambda view: view.state == QUEUED)
        enqueue = EnqueueContact(
            contact_id=strange["acd"], step_no=1, queue_id=scene.shop.support, channel=CHANNEL_VOICE
        )
        start = StartSession(contact_id=strange["ivr"], step_no=1, flow_id=f"fl_welcome_{scene.shop.suffix}")
        forget = EndContact(contact_id=unknown[0], step_no=99, reason="system")
        for name, command in (
            ("acd", AcdCommand(enqueue_contact=enqueue)),
            ("ivr", IvrCommand(start_session=start)),
            ("acd", AcdCommand(end_contact=forget)),
            ("ivr", IvrCommand(end_session=EndSession(contact_id=unknown[1], step_no=99))),
        ):
            answer = await callers.execute(name, command, service)
            assert answer.code == "OK", answer
        for contact_id in unknown:
            view = await gateway.until(contact_id, is_closed, PATIENCE_S)
            assert view.close_reason == CloseReason.CLOSE_REASON_RECONCILED
        await scene.until_nobody_is_left()
        assert reconciled(scene.fleet) == {"OrphanAtAcd", "OrphanAtIvr", "UnknownAtAcd", "UnknownAtIvr"}
        assert [gateway.views[contact_id].state for contact_id in healthy] == [
            QUEUED,
            ContactState.CONTACT_STATE_SELF_SERVICE,
        ]


def is_closed(view: ContactView) -> bool:
    return view.state == CLOSED


def reconciled(fleet: Fleet) -> set[str]:
    """Return the differences that were ever ended, by the metric of all replicas of channels."""
    found: set[str] = set()
    for replica in fleet.of("channels"):
        text = httpx.get(f"{replica.layout.http_url('channels')}/metrics", timeout=10).text
        for line in text.splitlines():
            if line.startswith("trunkline_channels_reconciled_total{") and not line.endswith(" 0.0"):
                found.add(line.split('"')[1])
    return found
