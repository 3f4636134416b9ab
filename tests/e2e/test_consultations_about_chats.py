"""An agent asks a colleague about a chat (routing rule 19): they write to each other, write together, hand over."""

from browsing import People, all_received
from own_tenants import TenantFactory
from pages import Desk, Shop
from playwright.sync_api import expect
from reviewers import grave_violations

ASIDE = "May I grant her the refund?"
ANSWER = "Yes, up to fifty."
NOTE = "Her second complaint."


def tell_colleague(desk: Desk, text: str) -> None:
    desk.part("colleague-input").fill(text)
    desk.page.keyboard.press("Enter")
    expect(desk.part("colleague-input")).to_have_value("")


def test_a_chat_is_talked_about_answered_together_and_handed_over(people: People, new_tenant: TenantFactory) -> None:
    tenant = new_tenant()
    li = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    page = people.stranger()
    sent_to_customer = all_received(page)
    shop = Shop(page, tenant.entry_point).go().open_chat().ask_for_a_person("The box came broken.")
    li.await_ring()
    li.accept()
    wang = Desk(people.member(tenant.tenant_id, "wang")).go().be_available()

    li.consult("Wang Qiang", NOTE)
    wang.await_ring()
    expect(wang.part("offer-asked")).to_contain_text("Li Na")
    li.say("One moment, I ask a colleague.")
    expect(shop.log).to_contain_text("One moment")
    wang.press("offer-decline")
    expect(li.part("consultation-over")).to_contain_text("the chat is still yours")

    li.consult("Wang Qiang", NOTE)
    wang.await_ring()
    wang.answer()
    for desk in (li, wang):
        expect(desk.part("consultation")).to_have_attribute("data-state", "TALKING")
    expect(wang.log).to_contain_text("One moment, I ask a colleague.")
    expect(wang.part("message-input")).to_have_count(0)
    expect(li.part("consultation-talk_to")).to_have_count(0)

    li.part("message-input").fill("begun for the customer")
    tell_colleague(li, ASIDE)
    expect(li.part("message-input")).to_have_value("begun for the customer")
    expect(li.part("whisper-1")).to_contain_text("You to Wang Qiang")
    expect(wang.part("whisper-1")).to_contain_text("Li Na to you")
    tell_colleague(wang, ANSWER)
    expect(li.part("whisper-2")).to_contain_text(ANSWER)
    shop.say("Are you still there?")
    for desk in (li, wang):
        expect(desk.log).to_contain_text("Are you still there?")
        desk.hold_still()
        assert grave_violations(desk.page) == []

    wang.part("colleague-input").press_sequentially("begun for Li, and ")
    li.part("consultation-merge").focus()
    li.page.keyboard.press("Enter")
    expect(wang.part("consultation")).to_have_attribute("data-state", "CONFERENCE")
    expect(wang.page.get_by_label("To the customer")).to_be_visible()
    wang.page.keyboard.type("gone on with")
    expect(wang.part("colleague-input")).to_have_value("begun for Li, and gone on with")
    wang.say("Wang here, you get your money back.")
    expect(shop.log).to_contain_text("Wang here")
    expect(li.log).to_contain_text("Wang Qiang")

    li.press("consultation-complete")
    expect(li.part("wrap-up")).to_be_visible()
    expect(wang.part("consultation")).to_have_count(0)
    expect(wang.part("colleague-input")).to_have_count(0)
    expect(wang.part("whisper-1")).to_contain_text(ASIDE)
    wang.say("Anything else?")
    expect(shop.log).to_contain_text("Anything else?")
    wang.end()
    wang.wrap_up("resolved")
    li.wrap_up("resolved")
    sent = "".join(sent_to_customer)
    assert "Wang here" in sent
    for hidden in (ASIDE, ANSWER, NOTE, "onsult", tenant.agent("wang")):
        assert hidden not in sent, "not even a frame that the widget does not show"
