"""Takes the pictures of docs/images/ from a lively centre.

`.venv/bin/pytest tests/e2e/pictures.py` writes them again; an ordinary run of the tests does not collect this file.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from browsing import People
from colleagues import Colleague
from own_tenants import OwnTenant, TenantFactory, demo_definitions
from pages import Desk, Screen, Shop, Tickets, Wall
from playwright.sync_api import Page, expect
from trunkline_launcher.commands import PASSWORD
from trunkline_platform.commands import new_command_id
from visitors import Visitor

FOLDER = Path(__file__).parents[2] / "docs" / "images"
MAX_BYTES = 300_000
WANTED = {
    "widget-zh", "widget-en", "desk-zh", "desk-en", "desk-ringing-en", "wall-zh", "wall-en", "tickets-en",
}  # fmt: skip

NAMES = {
    "zh": {
        "li": "李娜", "wang": "王强", "chen": "陈静", "zhou": "周杰", "sun": "孙丽",
        "he": "何勇", "lin": "林晓", "ma": "马超", "guo": "郭敏", "zhao": "赵敏",
    },
    "en": {
        "li": "Lina Hart", "wang": "Walter Quinn", "chen": "Chloe James", "zhou": "Zachary Dole", "sun": "Susan Price",
        "he": "Hector Young", "lin": "Linda Moore", "ma": "Martin Cole", "guo": "Gloria Mead", "zhao": "Zoe Marsh",
    },
}  # fmt: skip
SKILLS = {
    "li": "support", "wang": "sales", "chen": "billing", "zhou": "delivery", "sun": "support",
    "he": "sales", "lin": "billing", "ma": "support", "guo": "sales",
}  # fmt: skip
QUEUES = {
    "billing": ({"zh": "账单与退款", "en": "Billing and refunds"}, "30s"),
    # Short, so that the picture of the wall need not wait for an agent who does not answer.
    "delivery": ({"zh": "物流配送", "en": "Delivery"}, "3s"),
}
CUSTOMER = {"zh": "张伟", "en": "Mary Chen"}
QUESTION = {"zh": "收到的龙井茶盒子破了，能换一盒吗？", "en": "My tea arrived in a broken box. Can I get a new one?"}
OTHER = {"zh": "蜂蜜的保质期是多久？", "en": "How long does the honey keep?"}
THIRD = {"zh": "想改一下收货地址。", "en": "I need to change the delivery address."}
TALK = {
    "zh": ["您好，我是客服李娜。很抱歉给您带来不便，请问订单号是多少？", "订单号 20261124031，周末要送人，麻烦快一点。",
           "已经为您登记补发，今天下午寄出，明天就能收到。", "太好了，谢谢！"],
    "en": ["Hello, this is Lina. I am sorry about that. Which order is it?", "It is 20261124031, a present for Sunday.",
           "A new one leaves this afternoon and will be with you tomorrow.", "That is great, thank you!"],
}  # fmt: skip
TICKETS = {
    "zh": ["脐橙少发一箱，需补发", "申请开具电子发票", "退款三天未到账", "快递柜取件码收不到", "咨询企业团购价格"],
    "en": ["One box of oranges is missing", "Invoice for order 20261121007", "Refund has not arrived after three days",
           "Parcel locker code was never sent", "Prices for a company order"],
}  # fmt: skip
NOTE = {"zh": "已联系财务，明天回复。", "en": "Asked accounting, answer tomorrow."}
STATES = [None, "IN_PROGRESS", "RESOLVED", None, "IN_PROGRESS"]


def test_pictures_of_a_lively_centre(people: People, new_tenant: TenantFactory, language: str) -> None:
    tenant = new_tenant(**_shop(language))
    with ExitStack() as crowd:
        _fill(tenant, language, crowd)
        shop = Shop(people.stranger(language), tenant.entry_point).go().open_chat()
        _served_before(tenant, shop, language)
        desk = Desk(people.member(tenant.tenant_id, "li", language)).go().be_available()
        _talk(desk, shop, language)
        _shoot(shop.page, f"widget-{language}")
        second = crowd.enter_context(_visitor(tenant, language))
        second.ask_for_a_person(OTHER[language])
        desk.await_ring()
        desk.accept()
        desk.part("work-list").get_by_role("button", name=CUSTOMER[language]).click()
        second.say("?")
        expect(desk.page.locator(".tl-unread")).to_be_visible()
        desk.part("message-input").fill({"zh": "不客气，", "en": "You are welcome,"}[language])
        _shoot(desk.page, f"desk-{language}")
        third = crowd.enter_context(_visitor(tenant, language))
        third.ask_for_a_person(THIRD[language])
        desk.await_ring()
        _shoot(desk.page, f"desk-ringing-{language}")
        crowd.enter_context(_visitor(tenant, language)).ask_for_a_person(OTHER[language])
        wall = Wall(people.member(tenant.tenant_id, "zhao", language)).go()
        expect(wall.agent(tenant.agent("zhou"))).to_have_attribute("data-state", "NOT_RESPONDING")
        _shoot(wall.page, f"wall-{language}")
        _write_tickets(desk.page, language)
        tickets = Tickets(desk.page.context.new_page()).go()
        tickets.note(
            TICKETS[language][1], {"zh": "已联系财务，明天回复。", "en": "Asked accounting, answer tomorrow."}[language]
        )
        expect(tickets.page.locator(".tl-notes li")).to_have_count(1)
        _shoot(tickets.page, f"tickets-{language}")


def _fill(tenant: OwnTenant, language: str, crowd: ExitStack) -> None:
    """Everybody but the agent of the pictures is at work, one after the other so that each contact finds its agent."""

    def colleague(login: str) -> Colleague:
        return crowd.enter_context(Colleague(tenant, login))

    def customer(option: str) -> Visitor:
        visitor = crowd.enter_context(_visitor(tenant, language))
        visitor.choose(option)
        return visitor

    colleague("ma").intend("BREAK", "lunch")
    colleague("zhou").intend("AVAILABLE")
    customer("delivery")  # nobody answers
    for login, option in (("wang", "sales"), ("he", "sales"), ("chen", "billing"), ("lin", "billing")):
        agent = colleague(login)
        agent.intend("AVAILABLE")
        customer(option)
        contact = agent.take_next()
        if login == "lin":
            agent.end(contact)
    colleague("guo").intend("AVAILABLE")
    for _ in range(2):
        customer("billing")


def _visitor(tenant: OwnTenant, language: str) -> Visitor:
    visitor = Visitor.arrive(tenant.layout, tenant.entry_point, language)
    assert visitor is not None
    return visitor


def _served_before(tenant: OwnTenant, shop: Shop, language: str) -> None:
    """The customer is no stranger: somebody else has helped already."""
    shop.ask_for_a_person(OTHER[language])
    with Colleague(tenant, "sun") as sun:
        sun.intend("AVAILABLE")
        contact = sun.take_next()
        sun.end(contact)
        sun.wrap_up(contact, "resolved")
        sun.intend("OFFLINE")
    shop.press("tl-again")
    expect(shop.part("tl-option-support")).to_be_visible()


def _talk(desk: Desk, shop: Shop, language: str) -> None:
    shop.ask_for_a_person(QUESTION[language])
    desk.await_ring()
    desk.accept()
    for number, text in enumerate(TALK[language]):
        speaker, listener = (desk, shop) if number % 2 == 0 else (shop, desk)
        speaker.say(text)
        expect(listener.log).to_contain_text(text)
    desk.part("customer-name").get_by_role("button").first.click()
    desk.page.locator(".tl-customer-name textarea").fill(CUSTOMER[language])
    desk.page.keyboard.press("Enter")
    expect(desk.part("customer-name")).to_contain_text(CUSTOMER[language])


def _write_tickets(page: Page, language: str) -> None:
    for subject, state in zip(TICKETS[language], STATES, strict=True):
        made = _send(page, "/api/tickets", subject=subject)
        if state is not None:
            _send(page, f"/api/tickets/{made['ticket_id']}/state", state=state)


def _send(page: Page, path: str, **fields: str) -> Any:
    answer = page.request.post(path, data=fields | {"command_id": new_command_id()}, headers={"X-Trunkline": "1"})
    assert answer.ok, answer.text()
    return answer.json()


def _shoot(page: Page, name: str) -> None:
    if name not in WANTED:
        return
    Screen(page).hold_still()
    picture = page.screenshot(path=FOLDER / f"{name}.png")
    assert len(picture) <= MAX_BYTES, f"{name} has {len(picture)} bytes"


def _shop(language: str) -> dict[str, Any]:
    """Four queues, nine agents and a menu with an option for each queue."""
    demo = demo_definitions()
    support = demo["queues"][0]
    more = [
        support | {"queue_id": f"qu_{skill}", "name": name, "chat_lease_duration": lease,
                   "requirements": [{"skill": skill, "min_level": 1}]}
        for skill, (name, lease) in QUEUES.items()
    ]  # fmt: skip
    agents = [
        {
            "agent_id": f"ag_{login}",
            "skills": [{"skill": skill, "level": 3}],
            "chat_capacity": 3 if login == "li" else 1,
        }
        for login, skill in SKILLS.items()
    ]
    users = [
        {"user_id": f"us_{login}", "login": login, "password": PASSWORD, "name": name, "roles": ["ROLE_AGENT"],
         "agent_id": f"ag_{login}"} for login, name in NAMES[language].items() if login in SKILLS
    ] + [{"user_id": "us_zhao", "login": "zhao", "password": PASSWORD, "name": NAMES[language]["zhao"],
          "roles": ["ROLE_SUPERVISOR"]}]  # fmt: skip
    flow = demo["flows"][0]
    for node in flow["nodes"]:
        if node["node_id"] == "menu":
            node["step"]["menu_node"]["options"] += [
                {"option_id": skill, "label": name, "digit": digit, "next_node": f"to_{skill}"}
                for digit, (skill, (name, _)) in zip("45", QUEUES.items(), strict=True)
            ]
    flow["nodes"] += [
        {"node_id": f"to_{skill}", "step": {"enqueue_node": {"queue_id": f"qu_{skill}", "text": name}}}
        for skill, (name, _) in QUEUES.items()
    ]
    return {"queues": demo["queues"] + more, "agents": agents, "users": users, "flows": [flow]}
