"""What can become of an offer other than a plain accept, and how the desk says so."""

from browsing import People
from own_tenants import OwnTenant, TenantFactory, demo_definitions
from pages import Desk, Shop, Wall
from playwright.sync_api import expect

QUESTION = "Where is my parcel?"


def _ask(people: People, tenant: OwnTenant) -> Shop:
    return Shop(people.stranger(), tenant.entry_point).go().open_chat().ask_for_a_person(QUESTION)


def test_an_offer_survives_a_reload_of_the_desk(people: People, tenant: OwnTenant) -> None:
    desk = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    shop = _ask(people, tenant)
    desk.await_ring()

    desk.page.reload()
    desk.await_ring()
    expect(desk.part("offer-countdown")).to_be_visible()
    expect(desk.part("not-responding")).to_have_count(0)
    desk.accept()
    expect(shop.status).to_have_attribute("data-state", "CONNECTED")


def test_an_agent_who_misses_an_offer_gets_no_more_until_one_click_says_i_am_back(
    people: People, new_tenant: TenantFactory
) -> None:
    tenant = new_tenant(queue={"chat_lease_duration": "5s", "miss_exclusion_duration": "1s", "max_misses": 1})
    desk = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    shop = _ask(people, tenant)
    desk.await_ring()

    expect(desk.part("not-responding")).to_be_visible()
    expect(desk.offer).to_have_count(0)
    expect(shop.status).to_have_attribute("data-state", "QUEUED")  # the customer keeps the place
    desk.press("rearm")
    expect(desk.part("not-responding")).to_have_count(0)
    desk.await_ring()


def test_a_declined_offer_goes_to_the_other_agent_and_is_no_miss(people: People, tenant: OwnTenant) -> None:
    first = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    shop = _ask(people, tenant)
    first.await_ring()
    other = Desk(people.member(tenant.tenant_id, "wang")).go().be_available()

    first.press("offer-decline")
    other.await_ring()
    expect(first.offer).to_have_count(0)
    expect(first.part("not-responding")).to_have_count(0)
    other.accept()
    expect(shop.status).to_have_attribute("data-state", "CONNECTED")
    expect(first.part("work-list").get_by_role("button")).to_have_count(0)


def test_a_customer_who_leaves_while_it_rings_is_nobodys_miss(people: People, tenant: OwnTenant) -> None:
    desk = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    shop = _ask(people, tenant)
    desk.await_ring()

    shop.press("tl-leave")
    expect(desk.offer).to_have_count(0)
    expect(desk.page.get_by_text("The offer ended: the customer left")).to_be_visible()
    expect(desk.part("not-responding")).to_have_count(0)
    shop.press("tl-again")
    shop.ask_for_a_person(QUESTION)
    desk.await_ring()  # at once, although there is only this agent


def test_an_offer_follows_the_agent_to_other_pages_and_leads_back(people: People, tenant: OwnTenant) -> None:
    desk = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    desk.page.get_by_role("link", name="Tickets").click()
    expect(desk.part("ticket-filter")).to_be_visible()
    _ask(people, tenant)

    desk.await_ring()
    desk.page.keyboard.press("Alt+KeyA")
    expect(desk.part("message-input")).to_be_visible()
    expect(desk.page).to_have_url(f"{people.console}/desk")


def test_the_keyboard_is_enough_to_answer_write_make_a_ticket_and_get_help(people: People, tenant: OwnTenant) -> None:
    desk = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    press = desk.page.keyboard.press
    shop = _ask(people, tenant)
    desk.await_ring()
    press("Alt+KeyA")
    expect(desk.part("message-input")).to_be_focused()
    desk.page.keyboard.type("first line")
    press("Shift+Enter")
    desk.page.keyboard.type("second line")
    press("Enter")
    expect(shop.log).to_contain_text("first line\nsecond line")

    press("Escape")
    expect(desk.part("message-input")).not_to_be_focused()
    press("Alt+KeyM")
    expect(desk.part("message-input")).to_be_focused()
    press("Escape")
    press("?")
    expect(desk.page.get_by_role("dialog")).to_contain_text("Accept the offer")
    press("Escape")
    expect(desk.page.get_by_role("dialog")).to_have_count(0)
    press("Alt+KeyT")
    expect(desk.part("ticket-made")).to_contain_text("The ticket was created.")


def test_the_keyboard_declines(people: People, tenant: OwnTenant) -> None:
    desk = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    _ask(people, tenant)
    desk.await_ring()
    desk.page.keyboard.press("Alt+KeyD")
    expect(desk.offer).to_have_count(0)


def test_a_second_tab_takes_the_desk_over_and_the_first_can_take_it_back(people: People, tenant: OwnTenant) -> None:
    desk = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    second = Desk(desk.page.context.new_page()).go()
    expect(desk.part("replaced")).to_be_visible()
    _ask(people, tenant)
    second.await_ring()

    desk.press("take-desk")
    desk.await_ring()
    expect(second.part("replaced")).to_be_visible()


def test_the_wall_shows_waiting_ringing_connected_and_the_agents_state_live(people: People, tenant: OwnTenant) -> None:
    wall = Wall(people.member(tenant.tenant_id, "zhao")).go()
    figure, agent = wall.figure, wall.agent(tenant.agent("li"))
    expect(figure(tenant.support, "waiting")).to_have_text("0")
    shop = _ask(people, tenant)
    expect(figure(tenant.support, "waiting")).to_have_text("1")
    expect(figure(tenant.support, "longest")).to_have_text("0:02")

    desk = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    desk.await_ring()
    expect(figure(tenant.support, "ringing")).to_have_text("1")
    expect(agent).to_have_attribute("data-state", "RINGING")
    desk.accept()
    expect(figure(tenant.support, "connected")).to_have_text("1")
    expect(figure(tenant.support, "waiting")).to_have_text("0")
    expect(figure(tenant.support, "ringing")).to_have_text("0")
    expect(agent).to_have_attribute("data-state", "CONNECTED")
    shop.press("tl-leave")
    expect(agent).to_have_attribute("data-state", "WRAP_UP")
    desk.wrap_up("resolved")
    expect(agent).to_have_attribute("data-state", "AVAILABLE")
    expect(figure(tenant.support, "answered")).to_have_text("1")
    expect(figure(tenant.support, "connected")).to_have_text("0")


def test_who_leaves_at_once_stands_on_the_wall_apart_from_the_abandoned(
    people: People, new_tenant: TenantFactory
) -> None:
    tenant = new_tenant(queue={"short_abandon_duration": "60s"})
    wall = Wall(people.member(tenant.tenant_id, "zhao")).go()
    _ask(people, tenant).press("tl-leave")
    expect(wall.figure(tenant.support, "shortAbandoned")).to_have_text("1")
    expect(wall.figure(tenant.support, "abandoned")).to_have_text("0")


def test_a_break_asked_for_while_talking_begins_when_the_wrap_up_is_done_which_may_take_longer(
    people: People, tenant: OwnTenant
) -> None:
    desk = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    shop = _ask(people, tenant)
    desk.await_ring()
    desk.accept()
    desk.press("intent-break")
    desk.press("intent-break-lunch")
    expect(desk.part("intent-next")).to_be_visible()
    expect(desk.part("intent-available")).to_have_attribute("aria-pressed", "true")
    expect(shop.status).to_have_attribute("data-state", "CONNECTED")

    desk.end()
    expect(desk.part("wrap-up-extend")).to_contain_text("2")
    desk.press("wrap-up-extend")
    expect(desk.part("wrap-up-extend")).to_contain_text("1")
    desk.wrap_up("resolved")
    expect(desk.part("intent-break")).to_have_attribute("aria-pressed", "true")
    expect(desk.part("intent-next")).to_have_count(0)


def test_a_conversation_is_given_on_to_a_colleague_who_sees_what_was_said(
    people: People, new_tenant: TenantFactory
) -> None:
    both = demo_definitions()["queues"]
    back = both[0] | {"queue_id": "qu_back", "name": {"zh": "后台", "en": "Back office"}}
    nobody = back | {"queue_id": "qu_nobody", "name": {"zh": "无人", "en": "Nobody"}}
    nobody |= {"requirements": [{"skill": "nothing", "min_level": 5}], "unstaffed": {"after_duration": "0s"}}
    tenant = new_tenant(queues=[*both, back, nobody])
    li = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    shop = _ask(people, tenant)
    li.await_ring()
    li.accept()
    li.say("One moment, please")
    expect(shop.log).to_contain_text("One moment, please")

    li.transfer("Nobody")
    expect(li.part("transfer-refused")).to_contain_text("nobody is signed in")
    expect(shop.status).to_have_attribute("data-state", "CONNECTED")

    wang = Desk(people.member(tenant.tenant_id, "wang")).go().be_available()
    li.transfer("Back office")
    expect(li.part("wrap-up")).to_be_visible()
    wang.await_ring()
    wang.accept()
    expect(wang.log).to_contain_text("Li Na")
    wang.say("I can help you")
    expect(shop.log).to_contain_text("I can help you")
    expect(li.log).not_to_contain_text("I can help you")
    wang.end()
    wang.wrap_up("resolved")
    li.wrap_up("resolved")
