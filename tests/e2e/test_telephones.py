"""An agent whose telephone is lost: the desk and the wall say so, calls go elsewhere, chats go on (routing rule 1)."""

from browsing import People
from own_tenants import OwnTenant
from pages import Desk, Shop, Wall
from phones import phone_of
from playwright.sync_api import expect
from telephones import telephones_of

QUESTION = "Where is my parcel?"


def test_a_lost_telephone_is_told_and_gets_chats_alone_until_it_is_back(people: People, tenant: OwnTenant) -> None:
    li_id = tenant.agent("li")
    wall = Wall(people.member(tenant.tenant_id, "zhao")).go()
    li = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    with telephones_of(tenant.layout, tenant.tenant_id) as telephones:
        telephones.are(li_id)
        telephones.are()
        expect(li.part("no-telephone")).to_contain_text("you get no calls")
        expect(li.page.get_by_text("The next chat will ring here.")).to_be_visible()
        expect(wall.part(f"wall-agent-{li_id}-telephone")).to_have_text("No telephone")
        expect(wall.part("wall-agents-no-telephone")).to_contain_text("1")
        with phone_of(tenant.layout, tenant.tenant_id) as phone:
            phone.call(tenant.telephone_number)
            expect(wall.waiting_in(tenant.support)).to_have_count(1)
            expect(li.offer).to_have_count(0)
            li.switch_language()
            expect(li.part("no-telephone")).to_contain_text("暂不分配来电")
            li.switch_language()

            telephones.are(li_id)
            li.await_ring()
            expect(li.part("no-telephone")).to_have_count(0)
            expect(wall.part("wall-agents-no-telephone")).to_have_count(0)
            li.answer()
            phone.until_heard({"customer": {li_id}, li_id: {"customer"}})


def test_a_supervisor_lets_calls_come_to_a_telephone_that_no_gateway_has_any_more(
    people: People, tenant: OwnTenant
) -> None:
    li_id = tenant.agent("li")
    wall = Wall(people.member(tenant.tenant_id, "zhao")).go()
    li = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    with telephones_of(tenant.layout, tenant.tenant_id) as telephones:
        telephones.are(li_id)
        telephones.are()
        expect(li.part("no-telephone")).to_be_visible()
    shop = Shop(people.stranger(), tenant.entry_point).go().open_chat().ask_for_a_person(QUESTION)
    li.await_ring()
    li.accept()
    expect(shop.status).to_have_attribute("data-state", "CONNECTED")
    wall.press(f"wall-agent-{li_id}-command")
    wall.tick("Calls without a connected telephone").decide("Other")
    expect(li.part("no-telephone")).to_have_count(0)
    expect(wall.part(f"wall-agent-{li_id}-telephone")).to_have_count(0)
