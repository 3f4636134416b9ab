"""The operator's tools on a whole centre that served people: sound, decided again byte for byte, and readable."""

import json
import subprocess
import sys
from collections.abc import Sequence

import pytest
from colleagues import Colleague
from own_tenants import OwnTenant, define_tenant
from trunkline_launcher.layout import Layout
from visitors import Visitor

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
