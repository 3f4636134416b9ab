"""One contact from the shop page to the ticket list, as customer and agent see it, in both languages."""

import re

from browsing import People
from own_tenants import OwnTenant
from pages import UNTOUCHED, Desk, Shop, Tickets
from playwright.sync_api import expect

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

    desk.open_ticket_dialog()
    expect(desk.part("ticket-subject")).to_have_value(re.compile(re.escape(QUESTION[language])))
    desk.press("ticket-submit")
    expect(desk.part("ticket-subject")).to_have_count(0)

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
