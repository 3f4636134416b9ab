"""What supervisors see of a queue in trouble (routing rule 12)."""

import re

from browsing import People
from own_tenants import OwnTenant, TenantFactory, demo_definitions
from pages import Shop, Wall
from playwright.sync_api import expect

AGENTS = {"zh": "另一队列的座席", "en": "agents of the other one"}


def test_the_wall_says_who_helps_out_and_until_when(people: People, new_tenant: TenantFactory, language: str) -> None:
    """Nobody has logged in: help is given all the same, and nobody takes it."""
    tenant: OwnTenant = new_tenant(queues=_sales_helps_support())
    names = {queue["queue_id"]: queue["name"][language] for queue in demo_definitions()["queues"]}
    wall = Wall(people.member(tenant.tenant_id, "zhao", language)).go()
    helping = wall.figure(tenant.support, "helping")
    customer = Shop(people.stranger(language), tenant.entry_point).go().open_chat()
    customer.ask_for_a_person("Where is my parcel?")
    expect(helping).to_contain_text(names["qu_sales"])
    expect(helping).to_have_attribute("title", re.compile(AGENTS[language]))
    customer.press("tl-leave")
    expect(helping).to_have_count(0)


def _sales_helps_support() -> list[dict[str, object]]:
    support, sales = demo_definitions()["queues"]
    overflow = {
        "next_queue_id": "qu_sales",
        "mode": "OVERFLOW_MODE_SHARE",
        "begin_wait_duration": "1s",
        "end_wait_duration": "1s",
    }
    return [sales, support | {"overflow": overflow}]
