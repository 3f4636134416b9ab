"""A caller is called back: the customer first, within the hours, and not against a wish (routing rule 13)."""

from browsing import People
from own_tenants import OwnTenant, TenantFactory, demo_definitions
from pages import Desk, Screen
from phones import phone_of
from playwright.sync_api import expect
from trunkline.contact.v1.contact_types_pb2 import CLOSE_REASON_CALLBACK_ENDED

CALLBACK = {
    "max_attempts": 3,
    "retry_after_duration": "60s",
    "max_open": 9,
    "mode": "CALLBACK_MODE_CUSTOMER_FIRST",
}
NEVER = {"hours_id": "ho_never", "time_zone": "Asia/Shanghai", "windows": []}


def calling_back(new_tenant: TenantFactory, hours_id: str = "ho_always") -> OwnTenant:
    hours = [*demo_definitions()["hours"], NEVER]
    return new_tenant(queue={"callback": CALLBACK | {"hours_id": hours_id}}, hours=hours)


def test_customer_is_dialled_first_and_rings_once_reached(people: People, new_tenant: TenantFactory) -> None:
    tenant = calling_back(new_tenant)
    li_id = tenant.agent("li")
    with phone_of(tenant.layout, tenant.tenant_id) as phone:
        phone.call(tenant.telephone_number)
        phone.ask_for_a_call_back()
        li = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
        work = li.part(f"work-{phone.contact_id}")
        first = phone.until_dialled()
        expect(work).to_contain_text("Dialling the customer")
        assert (first.customer_first, first.address, first.agent_id) == (True, "tel:+8613800138000", li_id)
        phone.answer_the_call_back(first, "no_answer")
        expect(work).to_have_count(0)

        again = phone.until_dialled(after_offer=first.offer_no)
        expect(work).to_contain_text("Dialling the customer")
        phone.answer_the_call_back(again)
        li.await_ring()
        expect(li.part("offer-callback")).to_contain_text("the customer has answered")
        li.switch_language()
        expect(li.part("offer-callback")).to_contain_text("客户已接听")
        li.switch_language()
        li.answer()
        phone.until_heard({"customer": {li_id}, li_id: {"customer"}})
        li.end()
        li.wrap_up("resolved")


def test_customer_who_must_not_be_called_is_not_dialled(people: People, new_tenant: TenantFactory) -> None:
    tenant = calling_back(new_tenant)
    with phone_of(tenant.layout, tenant.tenant_id) as phone:
        phone.call(tenant.telephone_number)
        li = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
        li.await_ring()
        li.answer()
        li.page.get_by_role("link", name="Open profile").click()
        profile = Screen(li.page)
        box = profile.part("do-not-call")
        expect(box).not_to_be_checked()
        box.focus()
        li.page.keyboard.press("Space")
        expect(li.page.get_by_text("This customer is not called any more.")).to_be_visible()
        expect(box).to_be_checked()
        profile.switch_language()
        expect(li.page.get_by_text("请勿致电")).to_be_visible()
        profile.switch_language()
        li.go().press("intent-offline")
        li.end()
        li.wrap_up("resolved")
        phone.call(tenant.telephone_number)
        phone.ask_for_a_call_back()
        li.be_available()
        phone.until_closed(CLOSE_REASON_CALLBACK_ENDED)
        assert not phone.was_dialled()


def test_outside_the_hours_nobody_is_dialled(people: People, new_tenant: TenantFactory) -> None:
    tenant = calling_back(new_tenant, "ho_never")
    with phone_of(tenant.layout, tenant.tenant_id) as phone:
        phone.call(tenant.telephone_number)
        phone.ask_for_a_call_back()
        Desk(people.member(tenant.tenant_id, "li")).go().be_available()
        phone.until_closed(CLOSE_REASON_CALLBACK_ENDED)
        assert not phone.was_dialled()
