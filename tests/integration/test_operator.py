"""The operator's tools on a whole centre that served people: sound, decided again byte for byte, and readable."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from colleagues import Colleague
from own_tenants import OwnTenant, define_tenant
from sealed_texts import sealed_texts
from trunkline.ticket.v1 import ticket_service_pb2
from trunkline.ticket.v1.ticket_commands_pb2 import TicketCommand
from trunkline_launcher.layout import Layout, free_ports, installation_secret, port_variable
from trunkline_launcher.supervisor import Supervisor
from trunkline_platform.commands import CommandClient
from trunkline_platform.credentials import Credentials, Principal, Role
from trunkline_platform.grpc_client import Channels
from trunkline_platform.keystore import KeyWrap, SqliteKeyStore
from trunkline_platform.sealing import Sealer
from visitors import Visitor
from waiting import wait_until

LEDGERS = ["acd", "contact", "customer", "directory", "ivr", "ticket"]


@pytest.fixture(scope="module")
def tenant(centre: Layout) -> OwnTenant:
    """A tenant whose two customers were served, one of them after an offer ran out, and whose third one left."""
    own = define_tenant(centre, queue={"chat_lease_duration": "3s"})
    with Colleague(own, "li") as li, Colleague(own, "wang") as wang:
        li.intend("AVAILABLE")
        for text in ("The box was broken", "Where is my tea?"):
            with arrived(own) as visitor:
                visitor.ask_for_a_person(text)
                if text.startswith("Where"):
                    li.wait_for(lambda agent: any(work["state"] == "OFFERED" for work in agent["work"]))
                    li.wait_for(lambda agent: not agent["work"])  # not answered: the offer's timer fired
                    wang.intend("AVAILABLE")
                    serve(wang, visitor)
                else:
                    serve(li, visitor)
        with arrived(own) as visitor:
            visitor.leave()
            visitor.wait_for(lambda contact: contact["state"] == "CLOSED")
    return own


def arrived(tenant: OwnTenant) -> Visitor:
    visitor = Visitor.arrive(tenant.layout, tenant.entry_point)
    assert visitor is not None
    return visitor


def serve(agent: Colleague, visitor: Visitor) -> None:
    contact_id = agent.take_next()
    visitor.say("Hello?")
    agent.say(contact_id, "A new one leaves today.")
    agent.end(contact_id)
    agent.wrap_up(contact_id, "resolved")


def trunkline(layout: Layout, *arguments: str, code: int = 0) -> list[str]:
    """Run the tool as an operator does; return what it printed."""
    argv = [sys.executable, "-m", "trunkline_launcher", *arguments, "--kafka", layout.kafka_bootstrap]
    run = subprocess.run(argv, capture_output=True, text=True, timeout=240)
    assert run.returncode == code, run.stdout + run.stderr
    return run.stdout.splitlines()


def last(lines: Sequence[str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(lines[-1])
    return found


def test_the_ledgers_of_a_centre_that_served_people_are_sound(centre: Layout, tenant: OwnTenant) -> None:
    lines = trunkline(centre, "ledger", "verify")
    found = last(lines)
    assert (found["ledgers"], found["problems"]) == (6, 0), "\n".join(lines)
    assert isinstance(found["effective"], int) and found["effective"] > 200
    for area in LEDGERS:
        assert any(line.startswith(f"{area}.events.v1") for line in lines)


def test_todays_rules_decide_everything_that_was_decided_as_it_was_decided(centre: Layout, tenant: OwnTenant) -> None:
    """Ledger rule 11: commands of people, of services, of process managers and of timers."""
    lines = trunkline(centre, "ledger", "replay")
    found = last(lines)
    assert (found["problems"], found["different"]) == (0, 0), "\n".join(lines)
    assert isinstance(found["commands"], int) and found["commands"] > 100
    assert isinstance(found["states"], dict) and len(set(found["states"].values())) > 6


def test_a_tail_shows_who_was_told_what_but_no_text(centre: Layout, tenant: OwnTenant) -> None:
    lines = [json.loads(line) for line in trunkline(centre, "ledger", "tail", "contact.events.v1")]
    own = [line for line in lines if (line["content"] or {}).get("metadata", {}).get("tenant_id") == tenant.tenant_id]
    assert {"trunkline.contact.v1.ContactOpened", "trunkline.contact.v1.ContactConnected"} <= {
        line["type"] for line in own
    }
    assert all(line["verdict"] == "effective" for line in own)
    assert "The box was broken" not in json.dumps(lines)
    assert any("ciphertext" in json.dumps(line) for line in own)


# backup and restore


def environment_of(layout: Layout) -> dict[str, str]:
    """What an operator of this installation has exported."""
    ports = {port_variable(name): str(port) for name, port in layout.ports.items()}
    return os.environ | ports | {"TRUNKLINE_DATA": str(layout.data)}


def tool(layout: Layout, *arguments: str) -> list[str]:
    """Run a tool on the installation itself, wherever its brokers are."""
    argv = [sys.executable, "-m", "trunkline_launcher", *arguments]
    run = subprocess.run(argv, env=environment_of(layout), capture_output=True, text=True, timeout=240)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout.splitlines()


def test_a_backup_of_the_running_centre_becomes_a_centre_with_the_same_state_that_serves_and_opens_texts(
    centre: Layout, tenant: OwnTenant, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    tool(centre, "backup", str(folder), "--with-secret")
    assert last(tool(centre, "ledger", "verify", "--backup", str(folder)))["problems"] == 0
    states = last(tool(centre, "ledger", "replay", "--backup", str(folder)))["states"]

    restored = Layout(data=tmp_path / "restored", kafka="", mongo="", ports=free_ports())
    assert last(tool(restored, "restore", str(folder)))["problems"] == 0
    assert last(tool(restored, "ledger", "replay"))["states"] == states

    supervisor = Supervisor(restored, report=lambda _: None)
    try:
        supervisor.start()
        own = OwnTenant(restored, tenant.suffix)
        with Colleague(own, "wang") as wang, arrived(own) as visitor:
            wang.intend("AVAILABLE")
            visitor.ask_for_a_person("After the restore")
            serve(wang, visitor)
        texts = asyncio.run(opened_texts(restored))
    finally:
        supervisor.stop()
    assert {"The box was broken", "Where is my tea?", "After the restore"} <= texts
    assert last(tool(restored, "ledger", "verify"))["problems"] == 0
    assert last(tool(restored, "ledger", "replay"))["different"] == 0


async def opened_texts(layout: Layout) -> set[str | None]:
    """Every text in the ledgers of an installation, opened with its own keys."""
    secret = installation_secret(layout.data).encode()
    keys = SqliteKeyStore(layout.data / "keys.sqlite", KeyWrap(secret))
    try:
        return {await Sealer(keys, secret).open(text) for text in await sealed_texts(layout.kafka_bootstrap)}
    finally:
        await keys.close()


def test_a_read_model_is_rebuilt_while_people_read_it(centre: Layout, tenant: OwnTenant) -> None:
    """Tickets over REST, through ticketing: no answer fails, and nothing that was seen is gone (ADR 0018)."""
    ticket_id = asyncio.run(new_ticket(tenant))
    with httpx.Client(base_url=centre.http_url("ticketing"), timeout=30) as http, ThreadPoolExecutor(1) as apart:
        wait_until(lambda: shown(http, tenant, ticket_id) == 200, "the ticket is shown")
        rebuilt = apart.submit(tool, centre, "projection", "rebuild", "tickets", "--wait")
        answers = set()
        while not rebuilt.done():
            answers.add(shown(http, tenant, ticket_id))
        answers |= {shown(http, tenant, ticket_id) for _ in range(20)}
    assert answers == {200}
    assert last(rebuilt.result())["live"] == 1


def shown(http: httpx.Client, tenant: OwnTenant, ticket_id: str) -> int:
    secret = installation_secret(tenant.layout.data).encode()
    token = Credentials(secret).issue(Principal(tenant.tenant_id, "agent:ag_1", frozenset({Role.AGENT})))
    return http.get(f"/tickets/{ticket_id}", headers={"tl-token": token}).status_code


async def new_ticket(tenant: OwnTenant) -> str:
    secret = installation_secret(tenant.layout.data).encode()
    keys = SqliteKeyStore(tenant.layout.data / "keys.sqlite", KeyWrap(secret))
    subject = await Sealer(keys, secret).seal("cu_1", tenant.tenant_id, "a ticket")
    command = TicketCommand()
    command.create_ticket.subject.key_id = subject.key_id
    command.create_ticket.subject.nonce, command.create_ticket.subject.ciphertext = subject.nonce, subject.ciphertext
    channels = Channels()
    service = ticket_service_pb2.DESCRIPTOR.services_by_name["TicketCommandService"]
    client = CommandClient(service, [tenant.layout.grpc_address("ticketing")], Credentials(secret), channels)
    try:
        principal = Principal(tenant.tenant_id, "agent:ag_1", frozenset({Role.AGENT}))
        (event,) = await client.execute(command, principal)
        return str(event.ticket_created.ticket_id)
    finally:
        await channels.close()
        await keys.close()
