"""A supervisor at the wall: contacts to agents, and what an agent does (routing rule 20)."""

import re

from browsing import People
from own_tenants import OwnTenant
from pages import Desk, Shop, Wall
from playwright.sync_api import expect

QUESTION = "Where is my parcel?"


def _ask(people: People, tenant: OwnTenant) -> Shop:
    return Shop(people.stranger(), tenant.entry_point).go().open_chat().ask_for_a_person(QUESTION)


def test_a_supervisor_takes_what_rings_to_another_agent(people: People, tenant: OwnTenant) -> None:
    wall = Wall(people.member(tenant.tenant_id, "zhao")).go()
    wang = Desk(people.member(tenant.tenant_id, "wang")).go()
    li = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    shop = _ask(people, tenant)
    li.await_ring()
    wang.be_available()
    rows = wall.waiting_in(tenant.support)
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("Rings at Li Na")

    rows.first.get_by_role("button", name="Decide").click()
    wall.choose("decision-target", "Wang Qiang").decide("Waits too long")
    expect(wall.part("decision")).to_have_count(0)
    wang.await_ring()
    expect(li.offer).to_have_count(0)
    expect(rows.first).to_contain_text("Rings at Wang Qiang")
    wang.accept()
    expect(shop.status).to_have_attribute("data-state", "CONNECTED")
    expect(rows).to_have_count(0)


def test_a_supervisor_takes_a_contact_from_an_agent_and_gives_it_back(people: People, tenant: OwnTenant) -> None:
    wall = Wall(people.member(tenant.tenant_id, "zhao")).go()
    desk = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    _ask(people, tenant)
    desk.await_ring()
    wall.waiting_in(tenant.support).first.get_by_role("button", name="Decide").click()
    wall.tick("To another queue").tick("Take it from Li Na").decide("Away from the desk")
    expect(wall.part("decision")).to_have_count(0)
    expect(desk.offer).to_have_count(0)
    expect(wall.part("queue-waiting")).to_contain_text("Waits")

    wall.part("queue-waiting").get_by_role("button", name="Decide").click()
    wall.choose("decision-target", "Li Na").decide("Other")
    expect(wall.part("decision")).to_have_count(0)
    desk.await_ring()
    desk.accept()


def test_a_supervisor_closes_a_contact_that_rings_and_its_customer_is_told(people: People, tenant: OwnTenant) -> None:
    wall = Wall(people.member(tenant.tenant_id, "zhao")).go()
    desk = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    shop = _ask(people, tenant)
    desk.await_ring()
    rows = wall.waiting_in(tenant.support)
    rows.first.get_by_role("button", name="Decide").click()
    wall.tick("Close it")
    expect(wall.part("decision")).to_contain_text("The customer is told")
    wall.decide("Other")
    expect(wall.part("decision")).to_have_count(0)
    expect(rows).to_have_count(0)
    expect(desk.offer).to_have_count(0)
    expect(shop.log).to_contain_text("nobody could take you")
    expect(shop.status).to_have_attribute("data-state", "CLOSED")


def test_a_supervisor_signs_an_agent_out_and_only_a_desk_brings_one_back(people: People, tenant: OwnTenant) -> None:
    desk = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    wall = Wall(people.member(tenant.tenant_id, "zhao")).go()
    agent_id = tenant.agent("li")
    expect(wall.agent(agent_id)).to_have_attribute("data-state", "AVAILABLE")

    wall.press(f"wall-agent-{agent_id}-command")
    wall.tick("Break").choose("decision-break", "Training").decide("Coaching")
    expect(wall.agent(agent_id)).to_have_attribute("data-state", "BREAK")
    expect(desk.part("intent-break")).to_have_attribute("aria-pressed", "true")

    wall.press(f"wall-agent-{agent_id}-command")
    wall.tick("Offline").decide("End of shift")
    expect(wall.agent(agent_id)).to_have_attribute("data-state", "OFFLINE")

    desk.page.close()
    expect(wall.agent(agent_id)).to_have_attribute("data-state", "OFFLINE")
    wall.press(f"wall-agent-{agent_id}-command")
    wall.tick("Available").decide("Other")
    expect(wall.part("decision-refused")).to_contain_text("no desk of the agent is connected")


def test_an_agent_sees_no_buttons_of_a_supervisor(people: People, tenant: OwnTenant) -> None:
    page = people.member(tenant.tenant_id, "li")
    Desk(page).go().be_available()
    wall = Wall(page).go()
    expect(wall.agent(tenant.agent("li"))).to_be_visible()
    expect(wall.page.get_by_role("button", name="Change state")).to_have_count(0)
    expect(wall.page.get_by_role("button", name="Who waits")).to_have_count(0)
    refused = page.request.get(f"/api/queues/{tenant.support}/waiting")
    assert refused.status == 403
    assert refused.json()["title"] == "Forbidden"


def test_a_supervisor_calls_in_an_agent_who_is_signed_out_and_the_desk_says_so_until_the_agent_is_available(
    people: People, tenant: OwnTenant
) -> None:
    wall = Wall(people.member(tenant.tenant_id, "zhao")).go()
    li_id = tenant.agent("li")
    called_in = wall.part(f"wall-agent-{li_id}-called-in")
    expect(wall.agent(li_id)).to_have_attribute("data-state", "OFFLINE")
    wall.press(f"wall-agent-{li_id}-command")
    wall.tick("Call in").decide("Many customers wait")
    expect(wall.part("decision")).to_have_count(0)
    expect(called_in).to_contain_text("not here yet")

    li = Desk(people.member(tenant.tenant_id, "li")).go()
    expect(li.part("called-in")).to_contain_text("a supervisor asked you to come")
    expect(li.part("called-in")).to_contain_text("Many customers wait")
    li.page.reload()
    expect(li.part("called-in")).to_be_visible()
    li.press("intent-break")
    li.press("intent-break-short")
    expect(called_in).to_have_text(re.compile(r"^Called in \d\d:\d\d$"))
    expect(li.part("called-in")).to_be_visible()
    li.be_available()
    expect(li.part("called-in")).to_have_count(0)
    expect(called_in).to_have_count(0)
    wall.press(f"wall-agent-{li_id}-command")
    expect(wall.part("decision")).to_contain_text("Available")
    expect(wall.part("decision").get_by_text("Call in", exact=True)).to_have_count(0)


def test_an_agent_dismisses_a_call_in_and_a_supervisor_takes_one_back(people: People, tenant: OwnTenant) -> None:
    wall = Wall(people.member(tenant.tenant_id, "zhao")).go()
    wang_id = tenant.agent("wang")
    wang = Desk(people.member(tenant.tenant_id, "wang")).go()
    called_in = wall.part(f"wall-agent-{wang_id}-called-in")
    for end_it in (
        lambda: wang.press("dismiss-call-in"),
        lambda: _change(wall, wang_id, "Take the call-in back"),
    ):
        _change(wall, wang_id, "Call in")
        expect(called_in).to_be_visible()
        expect(wang.part("called-in")).to_be_visible()
        end_it()
        expect(wang.part("called-in")).to_have_count(0)
        expect(called_in).to_have_count(0)


def _change(wall: Wall, agent_id: str, way: str) -> None:
    wall.press(f"wall-agent-{agent_id}-command")
    wall.tick(way).decide("Other")
    expect(wall.part("decision")).to_have_count(0)
