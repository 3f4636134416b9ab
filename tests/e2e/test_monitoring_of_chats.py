"""A supervisor reads a chat along, whispers to its agent, barges in and stops (routing rule 20)."""

from typing import Any

import pytest
from browsing import People, all_received
from own_tenants import OwnTenant, TenantFactory
from pages import Desk, Shop, Wall
from playwright.sync_api import Locator, expect
from reviewers import grave_violations

WHISPER = "Offer her the refund, she is right."
BARGE = "Zhao here, you get your money back."


class Chat:
    """Li's chat with a customer, and Zhao's wall with the drawer of Li's contacts."""

    def __init__(self, people: People, tenant: OwnTenant, **member: Any) -> None:
        self.li = Desk(people.member(tenant.tenant_id, "li", **member)).go().be_available()
        page = people.stranger()
        self.sent_to_customer = all_received(page)
        self.shop = Shop(page, tenant.entry_point).go().open_chat().ask_for_a_person("The box came broken.")
        self.li.await_ring()
        self.li.accept()
        self.wall = Wall(people.member(tenant.tenant_id, "zhao", **member)).go()
        self.row = self.wall.contacts_of(tenant.agent("li")).first

    def log(self) -> Locator:
        return self.wall.part("reading-log")

    def write(self, text: str) -> None:
        self.wall.part("reading-input").fill(text)
        self.wall.page.keyboard.press("Enter")


@pytest.fixture
def chat(people: People, new_tenant: TenantFactory) -> Chat:
    return Chat(people, new_tenant())


def test_a_supervisor_reads_along_whispers_barges_in_and_stops(chat: Chat) -> None:
    li, wall, shop = chat.li, chat.wall, chat.shop
    li.say("Good morning, I am Li.")
    chat.row.get_by_test_id("monitor-LISTEN").click()
    wall.decide("Coaching")
    expect(wall.part("gathered")).to_contain_text("The box came broken.")
    expect(chat.log()).to_contain_text("Good morning, I am Li.")
    expect(li.part("monitored")).to_have_text("A supervisor reads along.")
    shop.say("May I send it back?")
    expect(chat.log()).to_contain_text("May I send it back?")
    expect(wall.part("reading-input")).to_have_count(0)

    wall.part("monitor-WHISPER").focus()
    wall.page.keyboard.press("Enter")
    expect(wall.page.get_by_label("Only Li Na reads this")).to_be_visible()
    chat.write(WHISPER)
    expect(wall.part("reading-input")).to_have_value("")
    expect(li.part("whisper-1")).to_contain_text("Zhao Min whispers: only you read this")
    expect(li.part("whisper-1")).to_contain_text(WHISPER)
    expect(li.part("monitored")).to_have_attribute("data-mode", "WHISPER")
    expect(chat.log().get_by_test_id("whisper-1")).to_contain_text("Zhao Min whispers to Li Na")

    wall.part("reading-input").fill("begun for the agent")
    wall.press("monitor-BARGE")
    expect(wall.page.get_by_label("The customer reads this")).to_have_value("")
    chat.write(BARGE)
    expect(shop.log).to_contain_text(BARGE)
    expect(li.log).to_contain_text("Zhao Min (supervisor)")
    expect(li.log).to_contain_text(BARGE)
    expect(li.part("monitored")).to_have_attribute("data-mode", "BARGE")
    for screen in (li, wall):
        screen.hold_still()
        assert grave_violations(screen.page) == []

    wall.press("monitor-stop")
    expect(li.part("monitored")).to_have_count(0)
    expect(chat.log()).to_have_count(0)
    shop.say("Thank you both.")
    expect(li.log).to_contain_text("Thank you both.")
    expect(shop.log).not_to_contain_text(WHISPER)
    sent = "".join(chat.sent_to_customer)
    assert BARGE in sent
    assert "Thank you both." in sent
    assert WHISPER not in sent, "not even a frame that the widget does not show"
    assert "us_zhao" not in sent
    assert "SUPERVISOR" not in sent


def test_a_chat_that_ends_stays_to_be_read_until_it_is_closed(chat: Chat) -> None:
    chat.row.get_by_test_id("monitor-BARGE").click()
    chat.wall.decide("Coaching")
    chat.write(BARGE)
    expect(chat.shop.log).to_contain_text(BARGE)
    chat.li.end()
    over = chat.wall.part("reading-over")
    expect(over).to_have_attribute("data-reason", "contact_ended")
    expect(chat.log()).to_contain_text(BARGE)
    expect(chat.wall.part("reading-input")).to_have_count(0)
    chat.wall.press("reading-close")
    expect(chat.log()).to_have_count(0)


def test_in_a_long_chat_the_supervisor_reads_on_where_it_is(chat: Chat) -> None:
    for number in range(30):
        chat.li.say(f"Line {number}: one moment please")
    expect(chat.li.log).to_contain_text("Line 29")
    chat.row.get_by_test_id("monitor-LISTEN").click()
    chat.wall.decide("Coaching")
    newest = chat.log().get_by_text("Line 29")
    expect(newest).to_be_in_viewport()
    chat.log().evaluate("log => log.scrollTop = 0")
    expect(newest).not_to_be_in_viewport()
    chat.shop.say("Are you still there?")
    expect(chat.wall.part("reading-newest")).to_have_text("New below: 1")
    expect(chat.log().get_by_text("Are you still there?")).not_to_be_in_viewport()
    chat.wall.press("reading-newest")
    expect(chat.log().get_by_text("Are you still there?")).to_be_in_viewport()
    expect(chat.wall.part("reading-newest")).to_have_count(0)


def test_what_is_whispered_is_no_later_agents(people: People, new_tenant: TenantFactory) -> None:
    tenant = new_tenant()
    chat = Chat(people, tenant)
    wang = Desk(people.member(tenant.tenant_id, "wang")).go().be_available()
    chat.row.get_by_test_id("monitor-WHISPER").click()
    chat.wall.decide("Coaching")
    chat.write(WHISPER)
    expect(chat.li.part("whisper-1")).to_be_visible()
    chat.row.get_by_test_id("take-over").click()
    chat.wall.choose("decision-target", "Wang Qiang")
    chat.wall.decide("The customer asked for it")
    expect(wang.part("gathered")).to_contain_text("The box came broken.")
    expect(wang.part("monitored")).to_have_attribute("data-mode", "WHISPER")
    expect(chat.wall.page.get_by_label("Only Wang Qiang reads this")).to_be_visible()
    chat.write("Welcome to this one.")
    expect(wang.part("whisper-2")).to_contain_text("Welcome to this one.")
    expect(wang.part("whisper-1")).to_have_count(0)
