"""Owners die by SIGKILL while callers are served, and a judge who reads only Kafka and journals finds nothing wrong."""

import asyncio
import contextlib
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import planted_bugs
import pytest
from callers import Callers, callers_of
from crowds import Agent, Customers
from desk_sockets import desk_of
from fleet import Fleet, Replica, running_fleet
from gateways import gateway_of
from own_tenants import OwnTenant, define_tenant, support_agents
from published import ledgers, wrong_journal_records, wrong_live_rows
from trunkline.acd.v1.acd_commands_pb2 import AcdCommand, SetIntent
from trunkline.acd.v1.acd_types_pb2 import Intent
from trunkline_embedded.store import MongoStore
from trunkline_platform.commands import new_command_id
from trunkline_platform.credentials import Principal, Role
from trunkline_testkit.checker import ClientJournal, check, check_times, read_journal
from waiting import until_nothing_is_wrong, wait_until

CALLS, AT_A_TIME, AGENTS = 100, 12, 6
KILLS = ("acd", "channels", "acd")
PATIENCE_S = 60.0
HELPER_WITHIN_S = 300.0  # the process that makes it has the lowest priority
LOGINS = [f"agent{number}" for number in range(1, AGENTS + 1)]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, mongo: MongoStore) -> Iterator[Fleet]:
    with running_fleet(tmp_path_factory.mktemp("fleet"), mongo.url, "safety") as fleet:
        yield fleet


@pytest.fixture(scope="module")
def shop(fleet: Fleet) -> OwnTenant:
    """A tenant with six agents."""
    return define_tenant(fleet.layout, **support_agents(LOGINS))


@pytest.mark.timeout(600)
async def test_three_killed_owners_cost_nothing_that_was_acknowledged(
    fleet: Fleet, shop: OwnTenant, tmp_path: Path
) -> None:
    with ClientJournal(tmp_path / "journal") as journal:
        async with working_agents(fleet, shop, journal):
            await all_calls(fleet, shop, journal)
    reader = await asyncio.to_thread(kill_one_that_has_a_snapshot, fleet)
    log = await ledgers(fleet.layout.kafka)
    entries = read_journal(tmp_path / "journal")
    assert [*check(log, entries, is_final=True), *check_times(log)] == []
    await until_nothing_is_wrong(
        lambda: wrong_live_rows(fleet.layout.kafka), "the live tables equal the fold of the ledger", PATIENCE_S
    )
    await until_nothing_is_wrong(
        lambda: wrong_journal_records(fleet.layout.kafka), "the public journal is complete", PATIENCE_S
    )
    opened = {event.event.contact_id for event in log.events if event.name == "ContactOpened"}
    assert len(opened & {entry.contact_id for entry in entries}) == CALLS
    served = Counter(event.name for event in log.events if event.area == "acd")["ContactConnected"]
    assert served >= CALLS * 3 // 4, "most callers were served, so agents were really at work"
    assert reader.figure("snapshots_read_total") > 0, "who came back began from one"
    assert sum(replica.figure("snapshots_refused_total") for replica in killed_ones(fleet)) == 0


@contextlib.asynccontextmanager
async def working_agents(fleet: Fleet, shop: OwnTenant, journal: ClientJournal) -> AsyncIterator[None]:
    """All agents work until the end of the block, and go home."""
    async with contextlib.AsyncExitStack() as desks:
        console = fleet.layout.http_url("console")
        opened = [await desks.enter_async_context(desk_of(console, login, shop.tenant_id)) for login in LOGINS]
        agents = [Agent(desk, journal) for desk in opened]
        working = [asyncio.create_task(agent.work(), name="agent") for agent in agents]
        try:
            yield
        finally:
            ended = [task for task in working if task.done()]
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
            for task in ended:
                task.result()
        for agent in agents:
            await agent.go_home()


async def all_calls(fleet: Fleet, shop: OwnTenant, journal: ClientJournal) -> None:
    """Bring all callers in, a dozen at a time, and kill an owner whenever another quarter of them is through."""
    async with gateway_of(fleet.layout, shop.tenant_id, joins=False, addresses=fleet.addresses("channels")) as gateway:
        customers = Customers(gateway, journal, f"ep_demo_voice_{shop.suffix}", hang_up_every=8)
        lines = asyncio.Semaphore(AT_A_TIME)

        async def call(number: int) -> None:
            async with lines:
                await customers.call(number)

        async with asyncio.TaskGroup() as group:
            for number in range(CALLS):
                group.create_task(call(number), name=f"call-{number}")
            for kills, service in enumerate(KILLS, 1):
                while customers.ended < kills * CALLS // (len(KILLS) + 1):
                    await asyncio.sleep(0.05)
                victim = await fleet.busy_owner(service)
                await asyncio.to_thread(kill, fleet, victim)


def killed_ones(fleet: Fleet) -> list[Replica]:
    """Return the replicas of the services whose owners are killed."""
    return [*fleet.of("acd"), *fleet.of("channels")]


def kill_one_that_has_a_snapshot(fleet: Fleet) -> Replica:
    """Wait until a helper process had the time to write one; return who came back."""

    def having_one() -> list[Replica]:
        return [replica for replica in killed_ones(fleet) if replica.figure("snapshots_made_total")]

    wait_until(having_one, "an owner had a snapshot made", HELPER_WITHIN_S)
    victim = having_one()[0]
    kill(fleet, victim)
    return victim


def kill(fleet: Fleet, victim: Replica) -> None:
    """SIGKILL; the same replica comes back when the other one decides on everything."""
    others = [replica for replica in fleet.of(victim.service) if replica is not victim]
    victim.kill()
    wait_until(lambda: sum(replica.owned() for replica in others) == 4, f"another {victim.service} owns everything")
    fleet.begin(victim)
    wait_until(victim.is_ready, f"{victim.service} {victim.instance_id} is back")


async def test_an_owner_that_answers_before_it_appends_is_found_out(
    fleet: Fleet, shop: OwnTenant, tmp_path: Path
) -> None:
    for replica in fleet.of("acd"):
        replica.stop()
    sick = fleet.of("acd")[0]
    fleet.begin(sick, (sys.executable, planted_bugs.__file__, "reply_before_append"))
    await asyncio.to_thread(wait_until, sick.is_ready, "acd with the bug is ready")
    with ClientJournal(tmp_path / "journal") as journal:
        async with callers_of(fleet.layout) as callers:
            acked = await set_intent(callers, shop, journal)
    sick.kill()
    for replica in fleet.of("acd"):
        fleet.begin(replica)
    await asyncio.to_thread(fleet.ready)
    found = check(await ledgers(fleet.layout.kafka), read_journal(tmp_path / "journal"))
    assert [violation.rule for violation in found] == ["AcknowledgedCommandLost"]
    assert [violation.subject for violation in found] == [acked]


async def set_intent(callers: Callers, shop: OwnTenant, journal: ClientJournal) -> str:
    """An agent's command, acknowledged; return its id."""
    agent_id, command_id = shop.agent(LOGINS[0]), new_command_id()
    command = AcdCommand(set_intent=SetIntent(agent_id=agent_id, intent=Intent.INTENT_BREAK, break_reason="lunch"))
    who = Principal(shop.tenant_id, f"agent:{agent_id}", frozenset({Role.AGENT}))
    journal.sent(command_id, "SetIntent")
    while (answer := await callers.execute("acd", command, who, command_id)).code == "UNAVAILABLE":
        await asyncio.sleep(answer.retry_after_s or 0.1)
    assert answer.code == "OK", answer
    journal.acked(command_id, "SetIntent", events=len(answer.events))
    return command_id
