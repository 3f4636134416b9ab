"""A customer comes back to the agent who knows the matter, and an agent gives one on to a colleague by name."""

from browsing import People
from own_tenants import TenantFactory, support_agents
from pages import Desk, Shop
from playwright.sync_api import expect
from reviewers import grave_violations

NOTE = "Wants the refund by Friday"
NAMES = ("li", "wang", "liu")


def _back_again(shop: Shop) -> None:
    """The same visitor starts another chat."""
    shop.press("tl-again")
    expect(shop.part("tl-option-support")).to_be_visible()
    shop.ask_for_a_person("It is me again")


def test_a_customer_who_comes_back_rings_at_who_had_them_although_another_is_idle_for_longer(
    people: People, new_tenant: TenantFactory, language: str
) -> None:
    tenant = new_tenant(queue={"affinity_duration": "60s"})
    li = Desk(people.member(tenant.tenant_id, "li", language)).go().be_available()
    shop = Shop(people.stranger(), tenant.entry_point).go().open_chat().ask_for_a_person("Where is my parcel?")
    li.await_ring()
    expect(li.part("known-for")).to_have_count(0)
    li.accept()
    wang = Desk(people.member(tenant.tenant_id, "wang")).go().be_available()
    li.end()
    li.wrap_up("resolved")

    _back_again(shop)
    li.await_ring()
    words = {"en": ("You had this customer last", "You had this customer last."), "zh": ("您上次接待过该客户",) * 2}
    tag, why = words[language]
    expect(li.offer.get_by_test_id("known-for")).to_have_text(tag)
    expect(li.part("offer-why")).to_contain_text(why)
    expect(wang.offer).to_have_count(0)
    li.accept()
    expect(li.part("hand-on-notes")).to_contain_text(tag)


def test_the_owner_of_the_account_goes_before_who_had_the_customer_last(
    people: People, new_tenant: TenantFactory
) -> None:
    tenant = new_tenant(queue={"affinity_duration": "60s"})
    li = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    shop = Shop(people.stranger(), tenant.entry_point).go().open_chat().ask_for_a_person("Where is my parcel?")
    li.await_ring()
    li.accept()
    expect(li.part("account-owner")).to_have_text("Nobody")
    href = li.page.get_by_role("link", name="Open profile").get_attribute("href")
    zhao = people.member(tenant.tenant_id, "zhao")
    zhao.goto(str(href))
    zhao.get_by_test_id("account-owner").click()
    zhao.locator(".ant-select-dropdown:visible").get_by_text("Wang Qiang").click()
    expect(zhao.get_by_test_id("account-owner")).to_contain_text("Wang Qiang")
    zhao.reload()
    expect(zhao.get_by_test_id("account-owner")).to_contain_text("Wang Qiang")
    wang = Desk(people.member(tenant.tenant_id, "wang")).go().be_available()
    li.end()
    li.wrap_up("resolved")

    _back_again(shop)
    wang.await_ring()
    expect(wang.offer.get_by_test_id("known-for")).to_have_text("Your account")
    expect(li.offer).to_have_count(0)


def test_a_contact_given_on_to_a_colleague_by_name_brings_a_note(
    people: People, new_tenant: TenantFactory, language: str
) -> None:
    tenant = new_tenant(**support_agents(NAMES))
    li = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    shop = Shop(people.stranger(), tenant.entry_point).go().open_chat().ask_for_a_person("Where is my refund?")
    li.await_ring()
    li.accept()
    liu = Desk(people.member(tenant.tenant_id, "liu")).go().be_available()
    wang = Desk(people.member(tenant.tenant_id, "wang", language)).go().be_available()

    li.transfer("Support", agent="wang", note=NOTE)
    expect(li.part("wrap-up")).to_be_visible()
    wang.await_ring()
    words = {"en": ("Given on to you", "li notes:"), "zh": ("指定转给您", "li 备注：")}[language]
    expect(wang.offer.get_by_test_id("known-for")).to_have_text(words[0])
    expect(wang.offer).to_contain_text(NOTE)
    expect(liu.offer).to_have_count(0)
    wang.accept()
    for word in (*words, NOTE):
        expect(wang.part("hand-on-notes")).to_contain_text(word)
    assert grave_violations(wang.page) == []
    expect(shop.log).not_to_contain_text(NOTE)
    wang.end()
    wang.wrap_up("resolved")

    _back_again(shop)
    liu.await_ring()
    expect(liu.part("history-note")).to_contain_text(NOTE)


def test_a_colleague_who_has_signed_out_is_refused_in_words(people: People, new_tenant: TenantFactory) -> None:
    tenant = new_tenant(**support_agents(("li", "wang")))
    li = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    Shop(people.stranger(), tenant.entry_point).go().open_chat().ask_for_a_person("Where is my refund?")
    li.await_ring()
    li.accept()
    wang = Desk(people.member(tenant.tenant_id, "wang")).go().be_available()
    li.press("transfer")
    li.choose("transfer-queue", "Support")
    li.choose("transfer-agent", "wang")
    assert grave_violations(li.page) == []
    wang.press("intent-offline")
    expect(wang.part("intent-offline")).to_have_attribute("aria-pressed", "true")
    li.part("hand-on-note").fill(NOTE)
    li.press("hand-on-send")
    expect(li.part("transfer-refused")).to_contain_text("no desk of the agent is connected")
    expect(li.part("message-input")).to_be_visible()
