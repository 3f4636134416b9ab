"""A supervisor listens to a call, whispers, barges in and takes it over; and takes a chat over (routing rule 20)."""

from browsing import People
from own_tenants import TenantFactory, with_desk_of_supervisor
from pages import Desk, Shop, Wall
from phones import phone_of
from playwright.sync_api import expect


def test_a_supervisor_listens_whispers_barges_in_and_takes_the_call_over(
    people: People, new_tenant: TenantFactory
) -> None:
    tenant = new_tenant(**with_desk_of_supervisor())
    li_id, zhao_id = tenant.agent("li"), tenant.agent("zhao")
    li = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    page = people.member(tenant.tenant_id, "zhao")
    with phone_of(tenant.layout, tenant.tenant_id) as phone:
        phone.call(tenant.telephone_number)
        li.await_ring()
        li.answer()
        both = {"customer": {li_id}, li_id: {"customer"}}
        phone.until_heard(both)

        wall = Desk(page).go().to_wall()
        rows = wall.contacts_of(li_id)
        expect(rows).to_have_count(1)
        expect(wall.part("take-over")).to_be_disabled()
        rows.first.get_by_test_id("monitor-LISTEN").click()
        wall.decide("Coaching")
        phone.until_heard(both | {zhao_id: {"customer", li_id}})
        expect(li.part("monitored")).to_have_attribute("data-mode", "LISTEN")
        expect(rows.first).to_contain_text("Zhao Min listens")

        wall.press("monitor-WHISPER")
        phone.until_heard({"customer": {li_id}, li_id: {"customer", zhao_id}, zhao_id: {"customer", li_id}})
        expect(li.part("monitored")).to_have_attribute("data-mode", "WHISPER")
        wall.part("monitor-BARGE").focus()
        page.keyboard.press("Enter")
        everybody = {"customer", li_id, zhao_id}
        phone.until_heard({who: everybody - {who} for who in everybody})
        expect(li.part("monitored")).to_have_attribute("data-mode", "BARGE")
        wall.press("monitor-stop")
        phone.until_heard(both)
        expect(li.part("monitored")).to_have_count(0)
        assert phone.legs_brought_up == 2

        rows.first.get_by_test_id("monitor-LISTEN").click()
        wall.decide("Coaching")
        phone.until_heard(both | {zhao_id: {"customer", li_id}})
        wall.press("take-over")
        wall.decide("The customer asked for it")
        phone.until_heard({"customer": {zhao_id}, zhao_id: {"customer"}})
        assert phone.legs_brought_up == 3, "the supervisor's leg became the agent's"
        expect(li.part("wrap-up")).to_be_visible()
        expect(li.page.get_by_text("A supervisor gave this contact to Zhao Min").first).to_be_visible()
        li.wrap_up("resolved")
        expect(rows).to_have_count(0)

        zhao = Desk(page).go()
        zhao.end()
        zhao.wrap_up("resolved")


def test_who_closes_all_pages_hears_no_more(people: People, new_tenant: TenantFactory) -> None:
    tenant = new_tenant()
    li_id = tenant.agent("li")
    li = Desk(people.member(tenant.tenant_id, "li", language="zh")).go().be_available()
    page = people.member(tenant.tenant_id, "zhao", language="zh")
    with phone_of(tenant.layout, tenant.tenant_id) as phone:
        phone.call(tenant.telephone_number)
        li.await_ring()
        li.answer()
        wall = Wall(page).go()
        wall.contacts_of(li_id).first.get_by_test_id("monitor-LISTEN").click()
        wall.choose("decision-reason", "辅导")
        page.get_by_role("button", name="执行").click()
        expect(li.part("monitored")).to_contain_text("班长正在监听")
        supervisor_id = f"us_zhao_{tenant.suffix}"
        phone.until_heard({"customer": {li_id}, li_id: {"customer"}, supervisor_id: {"customer", li_id}})
        page.goto("/tickets")
        phone.until_heard({"customer": {li_id}, li_id: {"customer"}})
        expect(li.part("monitored")).to_have_count(0)
        li.end()


def test_a_supervisor_takes_a_chat_over(people: People, new_tenant: TenantFactory) -> None:
    tenant = new_tenant(**with_desk_of_supervisor())
    li = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    shop = Shop(people.stranger(), tenant.entry_point).go().open_chat().ask_for_a_person("Where is my parcel?")
    li.await_ring()
    li.accept()
    page = people.member(tenant.tenant_id, "zhao")
    wall = Desk(page).go().to_wall()
    wall.contacts_of(tenant.agent("li")).first.get_by_test_id("take-over").click()
    wall.decide("The customer asked for it")
    expect(li.part("wrap-up")).to_be_visible()
    zhao = Desk(page).go()
    zhao.say("Zhao here, your parcel is on its way.")
    expect(shop.page.get_by_text("Zhao here, your parcel is on its way.")).to_be_visible()
