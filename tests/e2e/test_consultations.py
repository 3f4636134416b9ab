"""An agent asks a colleague about a call: on hold, three together, handed over; and no."""

from browsing import People
from own_tenants import OwnTenant
from pages import Desk
from phones import phone_of
from playwright.sync_api import expect

HOLD = {"music"}


def test_a_call_is_talked_about_merged_and_handed_over(people: People, tenant: OwnTenant) -> None:
    li_id, wang_id = tenant.agent("li"), tenant.agent("wang")
    li = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    with phone_of(tenant.layout, tenant.tenant_id) as phone:
        phone.call(tenant.telephone_number)
        li.await_ring()
        li.answer()
        phone.until_heard({"customer": {li_id}, li_id: {"customer"}})
        wang = Desk(people.member(tenant.tenant_id, "wang", language="zh")).go().be_available()

        li.consult("Wang Qiang")
        wang.await_ring()
        expect(wang.part("offer-asked")).to_contain_text("Li Na")
        phone.until_heard({"customer": HOLD, li_id: set()})
        wang.press("offer-decline")
        expect(li.part("consultation-over")).to_contain_text("declined")
        phone.until_heard({"customer": {li_id}, li_id: {"customer"}})

        li.consult("Wang Qiang")
        wang.await_ring()
        wang.answer()
        expect(li.part("consultation")).to_have_attribute("data-state", "TALKING")
        phone.until_heard({"customer": HOLD, li_id: {wang_id}, wang_id: {li_id}})
        li.press("consultation-talk_to")
        phone.until_heard({"customer": {li_id}, li_id: {"customer"}, wang_id: HOLD})
        li.part("consultation-merge").focus()
        li.page.keyboard.press("Enter")
        for desk in (li, wang):
            expect(desk.part("consultation")).to_have_attribute("data-state", "CONFERENCE")
        everybody = {"customer", li_id, wang_id}
        phone.until_heard({who: everybody - {who} for who in everybody})
        expect(wang.part("end-contact")).to_have_count(0)

        li.press("consultation-complete")
        expect(li.part("wrap-up")).to_be_visible()
        expect(li.page.get_by_text("Handed over to Wang Qiang")).to_be_visible()
        phone.until_heard({"customer": {wang_id}, wang_id: {"customer"}})
        wang.end()
        wang.wrap_up("resolved")
        li.wrap_up("resolved")
