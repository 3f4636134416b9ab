"""What holds for every page: one language at a time, and open to everybody (axe-core)."""

from collections.abc import Sequence

from browsing import People
from own_tenants import NAMES, OwnTenant, spoken_texts
from pages import Desk, LogIn, Screen, Shop, Tickets, Wall
from playwright.sync_api import expect
from reviewers import LANGUAGES, foreign_texts, grave_violations

QUESTION = {"zh": "包裹在哪里？", "en": "Where is my parcel?"}
OTHER = {"zh": "en", "en": "zh"}


def _review(screen: Screen, language: str, names: Sequence[str] = ()) -> None:
    """Read the page in its language and, after one click, in the other."""
    for shown in (language, OTHER[language]):
        expect(screen.page.locator("html")).to_have_attribute("lang", LANGUAGES[shown])
        assert grave_violations(screen.page) == []
        kept = [*NAMES.values(), *spoken_texts(), *names]
        assert foreign_texts(screen.page, shown, kept) == [], f"{screen.page.url} in {shown}"
        screen.switch_language()
    expect(screen.page.locator("html")).to_have_attribute("lang", LANGUAGES[language])


def test_the_log_in_page(people: People) -> None:
    login = LogIn(people.stranger("zh")).go()
    login.attempt("li", "not the password")
    expect(login.part("login-error")).to_be_visible()
    _review(login, "zh")


def test_the_desk_that_rings_talks_and_wraps_up(people: People, tenant: OwnTenant) -> None:
    desk = Desk(people.member(tenant.tenant_id, "li", "zh")).go()
    _review(desk, "zh")  # with nothing to do
    desk.be_available()
    shop = Shop(people.stranger("zh"), tenant.entry_point).go().open_chat().ask_for_a_person(QUESTION["zh"])
    desk.await_ring()
    desk.part("offer-why").locator("summary").click()
    _review(desk, "zh", [QUESTION["zh"]])
    desk.accept()
    desk.say(QUESTION["en"])
    expect(shop.log).to_contain_text(QUESTION["en"])
    _review(desk, "zh", QUESTION.values())
    desk.make_ticket()
    _review(desk, "zh", QUESTION.values())
    desk.end()
    _review(desk, "zh", QUESTION.values())


def test_the_wall_tickets_and_customer_with_something_to_show(people: People, tenant: OwnTenant) -> None:
    desk = Desk(people.member(tenant.tenant_id, "li", "en")).go().be_available()
    shop = Shop(people.stranger("en"), tenant.entry_point).go().open_chat().ask_for_a_person(QUESTION["en"])
    desk.await_ring()
    wall = Wall(people.member(tenant.tenant_id, "zhao", "en")).go()
    expect(wall.figure(tenant.support, "ringing")).to_have_text("1")
    _review(wall, "en")

    desk.accept()
    desk.make_ticket()
    profile = desk.page.get_by_role("link", name="Open profile").get_attribute("href")
    shop.press("tl-leave")
    desk.wrap_up("resolved")
    tickets = Tickets(wall.page).go()
    tickets.note(QUESTION["en"], "looked into it")
    expect(tickets.page.locator(".tl-notes li")).to_have_count(1)
    _review(tickets, "en", [f"Support · {QUESTION['en']}", "looked into it"])

    wall.page.goto(str(profile))
    expect(wall.part("erase")).to_be_visible()
    _review(wall, "en")


def test_the_shop_with_the_open_widget(people: People, tenant: OwnTenant) -> None:
    shop = Shop(people.stranger("zh"), tenant.entry_point).go()
    _review(shop, "zh")
    shop.open_chat()
    _review(shop, "zh")
    shop.ask_for_a_person(QUESTION["zh"])
    _review(shop, "zh", [QUESTION["zh"]])
    shop.press("tl-leave")
    expect(shop.part("tl-again")).to_be_visible()
    _review(shop, "zh", [QUESTION["zh"]])


def test_a_page_that_is_not_there_says_so(people: People, tenant: OwnTenant) -> None:
    screen = Screen(people.member(tenant.tenant_id, "li", "zh"))
    screen.page.goto("/desk/nowhere")
    expect(screen.page.get_by_role("heading", name="页面不存在。")).to_be_visible()
    _review(screen, "zh")
