"""What a customer hears or reads while waiting, until an agent answers (routing rule 18)."""

from typing import Any

from browsing import People
from own_tenants import TenantFactory
from pages import Desk, Shop
from phones import phone_of
from playwright.sync_api import expect
from trunkline.contact.v1.contact_types_pb2 import CallbackState, ContactState

PLACE = {"zh": "您排在第 {position} 位。请稍候。", "en": "You are number {position} in line. Please wait."}
SAID = {"zh": "您排在第 1 位。请稍候。", "en": "You are number 1 in line. Please wait."}
MUSIC = {"music_step": {"media": "waiting", "for_duration": "1s"}}
OFFER = {"callback_offer_step": {"text": {"zh": "按 1 由我们回拨。", "en": "Press 1 to be called back."}, "digit": "1"}}


def treated(*steps: dict[str, Any], **policy: Any) -> dict[str, Any]:
    return {"treatment": {"steps": steps}, **policy}


def test_a_long_announcement_is_cut_when_an_agent_answers(people: People, new_tenant: TenantFactory) -> None:
    """The gateway of the test says a text for a minute and joins nobody meanwhile; joining may take 5 s."""
    tenant = new_tenant(treated(MUSIC, {"announcement_step": {"text": PLACE}}))
    li_id = tenant.agent("li")
    li = Desk(people.member(tenant.tenant_id, "li")).go()
    with phone_of(tenant.layout, tenant.tenant_id) as phone:
        phone.call(tenant.telephone_number)
        phone.until_played(SAID["en"])
        assert phone.played == ["waiting", SAID["en"]]
        li.be_available()
        li.await_ring()
        li.answer()
        phone.until_heard({"customer": {li_id}, li_id: {"customer"}})
        assert phone.played == ["waiting", SAID["en"], "cut"]
        assert phone.until(lambda view: view.state == ContactState.CONTACT_STATE_CONNECTED).offer_no == 1
        li.end()


def test_a_key_takes_the_callback_that_is_offered(new_tenant: TenantFactory) -> None:
    policy = {"max_attempts": 3, "retry_after_duration": "600s", "max_open": 1}
    tenant = new_tenant(treated(MUSIC, OFFER, callback=policy))
    with phone_of(tenant.layout, tenant.tenant_id) as phone:
        phone.call(tenant.telephone_number)
        phone.until_played("Press 1 to be called back.")
        assert phone.press("2").reason == "InputNotAwaited", "another key means nothing"
        phone.press("1")
        called_back = phone.until(lambda view: view.callback == CallbackState.CALLBACK_STATE_OPEN)
        assert not called_back.HasField("treatment")
        assert phone.played[-1] == "cut"
        with phone_of(tenant.layout, tenant.tenant_id) as other:
            other.call(tenant.telephone_number, "tel:+8613800138001")
            other.until(lambda view: view.treatment.callback_digit)
            other.press("1")
            refused = other.until(lambda view: view.callback_refusal)
            assert refused.callback_refusal == "TooManyCallbacks"
            assert refused.HasField("treatment"), "it goes on"


def test_a_chat_reads_its_place_until_an_agent_answers(
    people: People, new_tenant: TenantFactory, language: str
) -> None:
    tenant = new_tenant(treated(MUSIC, {"announcement_step": {"text": PLACE}}))
    customer = Shop(people.stranger(language), tenant.entry_point).go().open_chat()
    customer.ask_for_a_person("Where is my parcel?")
    expect(customer.log).to_contain_text(SAID[language])
    li = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    li.await_ring()
    li.accept()
    li.say("Hello")
    expect(customer.log).to_contain_text("Hello")
    expect(li.log).to_contain_text(SAID[language])
    li.end()
