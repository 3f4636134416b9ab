"""What a customer chooses of the menu while waiting (routing rule 18)."""

from typing import Any

from browsing import People
from own_tenants import OwnTenant, TenantFactory, demo_definitions
from pages import Desk, Shop
from phones import phone_of
from playwright.sync_api import expect
from reviewers import grave_violations
from trunkline.contact.v1.contact_types_pb2 import CallbackState, CloseReason, ContactState

MUSIC = {"music_step": {"media": "waiting", "for_duration": "1s"}}
KEYS = {
    "zh": "按 1 回拨，按 2 转售前咨询，按 3 听营业时间。",
    "en": "Press 1 to be called back, 2 for sales, 3 for our hours.",
}
HOURS = {"zh": "我们每天九点到十八点营业。", "en": "We are open from nine to six every day."}
PLACE = {"zh": "您排在第 {position} 位。请稍候。", "en": "You are number {position} in line. Please wait."}
FIRST = {"zh": "您排在第 1 位。请稍候。", "en": "You are number 1 in line. Please wait."}
CHANGED = {"zh": "已为您转到所选的队列", "en": "You are in the queue that you chose now."}
NOT_CHANGED = "Sorry, you cannot be moved to the queue that you chose just now. You keep your place."
OPTIONS = [
    {"digit": "1", "label": {"zh": "请回拨", "en": "Call me back"}, "action": "TREATMENT_ACTION_CALLBACK"},
    {
        "digit": "2",
        "label": {"zh": "售前咨询", "en": "Sales"},
        "action": "TREATMENT_ACTION_QUEUE",
        "queue_id": "qu_sales",
    },
    {
        "digit": "3",
        "label": {"zh": "营业时间", "en": "Opening hours"},
        "action": "TREATMENT_ACTION_ANNOUNCE",
        "text": HOURS,
    },
    {
        "digit": "4",
        "label": {"zh": "我的位置", "en": "My place"},
        "action": "TREATMENT_ACTION_ANNOUNCE",
        "text": PLACE,
    },
    {"digit": "#", "label": {"zh": "离开", "en": "Leave"}, "action": "TREATMENT_ACTION_END"},
]
CALLBACK = {"max_attempts": 3, "retry_after_duration": "600s", "max_open": 1}


def with_menu(new_tenant: TenantFactory, **sales: Any) -> OwnTenant:
    """Define a tenant of which the support queue has the menu and the sales queue, named in it, differs in `sales`."""
    support, other = demo_definitions()["queues"]
    treatment = {"steps": [MUSIC, {"menu_step": {"text": KEYS, "options": OPTIONS}}]}
    return new_tenant(queues=[other | sales, support | {"treatment": treatment, "callback": CALLBACK}])


def test_a_chat_chooses_with_buttons_which_are_gone_once_it_has_another_queue(
    people: People, new_tenant: TenantFactory, language: str
) -> None:
    tenant = with_menu(new_tenant)
    customer = Shop(people.stranger(language), tenant.entry_point).go().open_chat()
    customer.ask_for_a_person("Where is my parcel?")
    expect(customer.part("tl-option-#")).to_be_visible()
    expect(customer.part("tl-option-1")).to_have_count(0)
    assert grave_violations(customer.page) == []
    customer.part("tl-option-3").press("Enter")
    expect(customer.log).to_contain_text(HOURS[language])
    customer.press("tl-option-4")
    expect(customer.log).to_contain_text(FIRST[language])
    customer.press("tl-option-2")
    expect(customer.log).to_contain_text(CHANGED[language])
    expect(customer.part("tl-option-2")).to_have_count(0)
    li = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    li.await_ring()
    li.accept()
    li.say("Hello")
    expect(customer.log).to_contain_text("Hello")
    li.end()


def test_the_buttons_are_gone_once_an_agent_has_accepted(people: People, new_tenant: TenantFactory) -> None:
    tenant = with_menu(new_tenant)
    customer = Shop(people.stranger(), tenant.entry_point).go().open_chat()
    customer.ask_for_a_person("Where is my parcel?")
    expect(customer.part("tl-option-3")).to_be_visible()
    li = Desk(people.member(tenant.tenant_id, "li")).go().be_available()
    li.await_ring()
    li.accept()
    expect(customer.part("tl-option-3")).to_have_count(0)
    li.end()


def test_a_chat_leaves_by_the_menu(people: People, new_tenant: TenantFactory) -> None:
    tenant = with_menu(new_tenant)
    customer = Shop(people.stranger(), tenant.entry_point).go().open_chat()
    customer.ask_for_a_person("Where is my parcel?")
    customer.press("tl-option-#")
    expect(customer.status).to_have_attribute("data-state", "CLOSED")


def test_a_caller_goes_to_another_queue_with_a_key_and_no_key_counts_after_the_accept(
    people: People, new_tenant: TenantFactory
) -> None:
    tenant = with_menu(new_tenant)
    li_id = tenant.agent("li")
    li = Desk(people.member(tenant.tenant_id, "li")).go()
    with phone_of(tenant.layout, tenant.tenant_id) as phone:
        phone.call(tenant.telephone_number)
        phone.until_played(KEYS["en"])
        keys = phone.until(lambda view: view.treatment.options).treatment.options
        assert [key.digit for key in keys] == ["1", "2", "3", "4", "#"]
        assert phone.press("7").reason == "InputNotAwaited", "another key means nothing"
        phone.press("4")
        phone.until_told(FIRST["en"])
        phone.press("2")
        elsewhere = phone.until(lambda view: view.queue_id.startswith("qu_sales"))
        assert (elsewhere.segment_no, elsewhere.state) == (2, ContactState.CONTACT_STATE_QUEUED)
        assert not elsewhere.HasField("treatment"), "nothing plays there"
        li.be_available()
        li.await_ring()
        li.answer()
        phone.until_heard({"customer": {li_id}, li_id: {"customer"}})
        assert phone.press("3").reason == "InputNotAwaited"
        li.end()


def test_a_caller_whom_the_other_queue_does_not_take_waits_on_and_may_be_called_back(
    new_tenant: TenantFactory,
) -> None:
    tenant = with_menu(new_tenant, unstaffed={"after_duration": "0s"})
    with phone_of(tenant.layout, tenant.tenant_id) as phone:
        phone.call(tenant.telephone_number)
        phone.until(lambda view: view.treatment.options)
        phone.press("2")
        phone.until_told(NOT_CHANGED)
        waiting = phone.until(lambda view: view.treatment.options)
        assert (waiting.segment_no, waiting.queue_id) == (1, tenant.support)
        phone.press("1")
        called_back = phone.until(lambda view: view.callback == CallbackState.CALLBACK_STATE_OPEN)
        assert not called_back.HasField("treatment")


def test_a_caller_leaves_with_a_key(new_tenant: TenantFactory) -> None:
    tenant = with_menu(new_tenant)
    with phone_of(tenant.layout, tenant.tenant_id) as phone:
        phone.call(tenant.telephone_number)
        phone.until(lambda view: view.treatment.options)
        phone.press("#")
        phone.until_closed(CloseReason.CLOSE_REASON_CUSTOMER_LEFT)
