"""One contact from the shop page to the ticket list, as customer and agent see it, in both languages."""

import re

from browsing import People
from own_tenants import OwnTenant
from pages import UNTOUCHED, Desk, Shop, Tickets
from playwright.sync_api import Route, expect

QUESTION = {"zh": "茶叶盒子破了，想换一盒。", "en": "The tea box was broken, can I get a new one?"}
ANSWER = {"zh": "您好，马上为您补发。", "en": "Hello, a new one leaves today."}
THANKS = {"zh": "太好了，谢谢！", "en": "Great, thank you!"}
MENU = {"zh": "请问需要什么帮助？", "en": "How can we help you?"}
RINGING = {"zh": "新来访", "en": "Incoming"}
CONNECTED = {"zh": "客服已接入", "en": "Connected with an agent"}
STATES = {"zh": ("待处理", "处理中", "已解决"), "en": ("Open", "In progress", "Resolved")}
NOTE = "1 × tea, 100 g"


def test_a_customer_meets_the_menu_asks_for_a_person_and_is_served_to_the_ticket(
    people: People, tenant: OwnTenant, language: str
) -> None:
    agent = people.member(tenant.tenant_id, "li", language)
    desk = Desk(agent).go().be_available()
    shop = Shop(people.stranger(language), tenant.entry_point).go().open_chat()
    expect(shop.log).to_contain_text(MENU[language])

    shop.ask_for_a_person(QUESTION[language])
    desk.await_ring()
    expect(desk.part("gathered")).to_contain_text(QUESTION[language])

    desk.accept()
    expect(shop.status).to_have_text(CONNECTED[language])
    desk.say(ANSWER[language])
    expect(shop.log).to_contain_text(ANSWER[language])
    shop.say(THANKS[language])
    expect(desk.log).to_contain_text(THANKS[language])

    desk.part("ticket-create").dblclick()
    expect(desk.part("ticket-made").get_by_role("link")).to_have_attribute("href", re.compile("^/tickets.ticket=tk_"))

    desk.end()
    expect(shop.part("tl-again")).to_be_visible()
    desk.wrap_up("resolved")
    expect(desk.part("work-list").get_by_role("button")).to_have_count(0)

    _the_ticket_goes_its_way(Tickets(agent).go(), QUESTION[language], *STATES[language])


def _the_ticket_goes_its_way(tickets: Tickets, subject: str, opened: str, in_progress: str, resolved: str) -> None:
    expect(tickets.row(subject)).to_have_count(1)
    expect(tickets.state(subject)).to_have_text(opened)
    for state in (in_progress, resolved):
        tickets.move(subject, state)
        expect(tickets.state(subject)).to_have_text(state)
    tickets.note(subject, NOTE)
    expect(tickets.page.locator(".tl-notes li")).to_contain_text(NOTE)
    tickets.go()
    expect(tickets.state(subject)).to_have_text(resolved)


def test_the_desk_rings_by_sound_title_and_count_down_until_it_is_answered(
    people: People, tenant: OwnTenant, language: str
) -> None:
    desk = Desk(people.member(tenant.tenant_id, "li", language))
    desk.page.add_init_script(UNTOUCHED)
    desk.go()
    expect(desk.part("enable-sound")).to_be_visible()
    desk.press("enable-sound")
    expect(desk.part("enable-sound")).to_have_count(0)
    desk.be_available()
    quiet = desk.page.title()
    assert desk.heard() == {"started": 0, "stopped": 0}

    Shop(people.stranger(language), tenant.entry_point).go().open_chat().ask_for_a_person(QUESTION[language])
    desk.await_ring()
    desk.until("document.title.startsWith('☎ (1)')")
    desk.until(f"document.title.includes({RINGING[language]!r})")
    desk.until("window.heard.started === 1")
    assert desk.heard()["stopped"] == 0
    seconds = desk.part("offer-countdown").get_attribute("data-seconds")
    assert seconds is not None and 0 < int(seconds) <= 30
    expect(desk.part("offer-countdown")).not_to_have_attribute("data-seconds", seconds)
    later = desk.part("offer-countdown").get_attribute("data-seconds")
    assert later is not None and int(later) < int(seconds)

    desk.accept()
    desk.until("window.heard.stopped === 1")
    expect(desk.page).to_have_title(quiet)


def test_a_reload_of_the_customers_page_keeps_the_conversation(people: People, tenant: OwnTenant) -> None:
    desk = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    shop = Shop(people.stranger(), tenant.entry_point).go().open_chat().ask_for_a_person(QUESTION["en"])
    desk.await_ring()
    desk.accept()
    desk.say(ANSWER["en"])
    expect(shop.log).to_contain_text(ANSWER["en"])

    shop.page.reload()
    expect(shop.log).to_be_visible()  # the widget that was open opens again
    expect(shop.log).to_contain_text(QUESTION["en"])
    expect(shop.log).to_contain_text(ANSWER["en"])
    expect(shop.status).to_have_attribute("data-state", "CONNECTED")
    shop.say(THANKS["en"])
    expect(desk.log).to_contain_text(THANKS["en"])
    expect(desk.part("work-list").get_by_role("button")).to_have_count(1)


def test_a_customer_who_leaves_a_conversation_sends_the_agent_to_wrap_up(people: People, tenant: OwnTenant) -> None:
    desk = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    shop = Shop(people.stranger(), tenant.entry_point).go().open_chat().ask_for_a_person(QUESTION["en"])
    desk.await_ring()
    desk.accept()

    shop.press("tl-leave")
    expect(desk.part("wrap-up")).to_be_visible()
    expect(desk.part("message-input")).to_have_count(0)
    shop.press("tl-again")
    expect(shop.part("tl-option-support")).to_be_visible()


def test_a_ticket_that_was_made_can_be_gone_to_from_the_desk_and_a_second_one_be_made(
    people: People, tenant: OwnTenant
) -> None:
    desk = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    Shop(people.stranger(), tenant.entry_point).go().open_chat().ask_for_a_person(QUESTION["en"])
    desk.await_ring()
    desk.accept()
    desk.make_ticket()
    expect(desk.part("ticket-create")).to_have_text("Create another ticket")
    first = desk.part("ticket-made").get_by_role("link").get_attribute("href")
    desk.press("ticket-create")
    made = desk.part("ticket-made").get_by_role("link")
    expect(made).not_to_have_attribute("href", str(first))
    made.click()
    tickets = Tickets(desk.page)
    expect(tickets.row(QUESTION["en"])).to_have_count(2)
    expect(tickets.page.get_by_text("No notes yet.")).to_have_count(1)


def test_a_ticket_that_failed_on_its_way_is_made_once_when_it_is_asked_for_again(
    people: People, tenant: OwnTenant
) -> None:
    desk = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    Shop(people.stranger(), tenant.entry_point).go().open_chat().ask_for_a_person(QUESTION["en"])
    desk.await_ring()
    desk.accept()
    desk.page.route("**/api/tickets", _carried_out_but_not_answered, times=1)
    desk.press("ticket-create")
    expect(desk.page.locator(".ant-message-notice")).to_contain_text("the system has failed")
    assert "502" in people.complaints.pop()
    desk.make_ticket()
    expect(Tickets(desk.page).go().row(QUESTION["en"])).to_have_count(1)


def _carried_out_but_not_answered(route: Route) -> None:
    assert route.fetch().ok
    route.fulfill(status=502)
