"""Who gets in, and what they see."""

import pytest
from browsing import People
from own_tenants import OwnTenant, TenantFactory
from pages import Desk, LogIn, Shop, Tickets, Wall
from playwright.sync_api import expect
from trunkline_launcher.commands import PASSWORD

WRONG = {"zh": "登录名或密码错误。", "en": "Login name or password is wrong."}
MISSING = {"zh": "请填写此项。", "en": "Please fill this in."}


def test_a_wrong_password_is_told_and_the_right_one_leads_to_the_desk(people: People, language: str) -> None:
    login = LogIn(people.stranger(language)).go()
    login.press("submit")
    expect(login.page.get_by_text(MISSING[language])).to_have_count(2)
    login.attempt("li", "not the password")
    expect(login.part("login-error")).to_have_text(WRONG[language])

    login.attempt("li", PASSWORD)
    expect(login.part("intent-available")).to_be_enabled()
    expect(login.page).to_have_url(f"{people.console}/desk")
    login.press("logout")
    expect(login.part("login")).to_be_visible()


def test_a_page_that_needs_a_log_in_asks_for_it_and_then_shows_itself(people: People) -> None:
    login = LogIn(people.stranger())
    login.page.goto("/tickets")
    login.attempt("zhao", PASSWORD)
    expect(login.part("ticket-filter")).to_be_visible()
    expect(login.page.get_by_role("link", name="Desk")).to_have_count(0)  # a supervisor has no desk


def test_nobody_sees_another_tenant(people: People, tenant: OwnTenant, new_tenant: TenantFactory) -> None:
    other = new_tenant()
    theirs = Desk(people.member(other.tenant_id, "li")).go().be_available()
    Shop(people.stranger(), other.entry_point).go().open_chat().ask_for_a_person("a secret question")
    theirs.await_ring()
    theirs.accept()
    theirs.make_ticket()
    profile = theirs.page.get_by_role("link", name="Open profile").get_attribute("href")
    assert profile is not None and profile.startswith("/customers/cu_")
    expect(Tickets(theirs.page.context.new_page()).go().row("a secret question")).to_have_count(1)

    wall = Wall(people.member(tenant.tenant_id, "zhao")).go()
    expect(wall.figure(tenant.support, "waiting")).to_be_visible()
    expect(wall.figure(other.support, "connected")).to_have_count(0)
    expect(wall.agent(other.agent("li"))).to_have_count(0)
    tickets = Tickets(wall.page).go()
    expect(tickets.page.get_by_text("No tickets here.")).to_be_visible()
    assert tickets.page.request.get(f"/api{profile}").status == 404


@pytest.mark.parametrize("path", ["/desk", "/wall", "/tickets", "/customers/cu_1", "/why/01-some-contact"])
def test_without_a_log_in_every_page_asks_for_one(people: People, path: str) -> None:
    page = people.stranger()
    page.goto(path)
    expect(page.get_by_test_id("submit")).to_be_visible()
