"""Walks through all pages on the mock in both languages, takes pictures and runs axe. For development only.

`python dev/look.py PICTURES [zh|en]`, with `node dev/mock.mjs` running.
"""

import json
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

BASE = "http://127.0.0.1:7790"
AXE = Path(__file__).parents[1] / "node_modules/axe-core/axe.min.js"
FLAGS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
SIZE = {"width": 1366, "height": 768}


class Look:
    """One walk in one language."""

    def __init__(self, browser: Browser, language: str, pictures: Path) -> None:
        self.language, self.pictures, self.findings = language, pictures, 0
        locale = {"zh": "zh-CN", "en": "en-US"}[language]
        self.context = browser.new_context(locale=locale, viewport=SIZE, bypass_csp=False)
        self.context.set_default_timeout(5000)

    def page(self) -> Page:
        page = self.context.new_page()
        page.on(
            "console", lambda message: message.type in ("error", "warning") and print("  console:", message.text[:300])
        )
        page.on("pageerror", lambda error: print("  PAGE ERROR:", error))
        return page

    def shoot(self, page: Page, name: str) -> None:
        page.wait_for_timeout(350)
        page.screenshot(path=self.pictures / f"{name}-{self.language}.png")
        page.evaluate(AXE.read_text())
        for finding in page.evaluate("async () => (await axe.run()).violations"):
            self.findings += 1
            nodes = [node["html"][:160] for node in finding["nodes"][:3]]
            print(f"  axe {name}: {finding['impact']} {finding['id']} {len(finding['nodes'])}x {json.dumps(nodes)}")


def play(what: str, **body: str) -> None:
    request = urllib.request.Request(f"{BASE}/mock/{what}", data=json.dumps(body).encode(), method="POST")
    urllib.request.urlopen(request, timeout=5).read()


def log_in(page: Page, login: str, path: str) -> None:
    page.goto(f"{BASE}{path}")
    page.get_by_test_id("login").fill(login)
    page.get_by_test_id("password").fill("trunkline-demo")
    page.get_by_test_id("submit").click()


def look_at_login(look: Look) -> None:
    page = look.page()
    page.goto(f"{BASE}/login")
    page.get_by_test_id("login").fill("li")
    page.get_by_test_id("password").fill("nonsense")
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("login-error")).to_be_visible()
    look.shoot(page, "login")
    page.close()


def look_at_desk(look: Look) -> None:
    page = look.page()
    log_in(page, "li", "/desk")
    expect(page.get_by_test_id("intent-available")).to_be_enabled()
    look.shoot(page, "desk-offline")
    page.get_by_test_id("intent-break").click()
    page.get_by_test_id("intent-break-lunch").click()
    expect(page.get_by_test_id("intent-break")).to_have_attribute("aria-pressed", "true")
    page.get_by_test_id("intent-available").click()
    play("offer")
    expect(page.get_by_test_id("offer-accept")).to_be_visible()
    assert page.title().startswith("☎ (1)"), page.title()
    page.reload()
    expect(page.get_by_test_id("offer-countdown")).to_be_visible()
    look.shoot(page, "desk-offer")
    page.keyboard.press("Alt+KeyA")
    page.get_by_test_id("message-input").fill("您好，我是客服李娜，马上为您处理。")
    page.keyboard.press("Enter")
    expect(page.get_by_text("马上为您处理")).to_be_visible()
    play("write", text="<b>好的</b>，谢谢！订单号是 2026112400031，麻烦尽快，周末要送人。")
    look.shoot(page, "desk-chat")
    play("offer")
    expect(page.get_by_test_id("offer-decline")).to_be_visible()
    look.shoot(page, "desk-second-offer")
    page.goto(f"{BASE}/tickets")
    page.goto(f"{BASE}/desk")
    expect(page.get_by_test_id("offer-decline")).to_be_visible()
    page.keyboard.press("Alt+KeyD")
    expect(page.get_by_test_id("offer")).to_have_count(0)
    page.get_by_test_id("ticket-create").click()
    look.shoot(page, "desk-ticket")
    page.get_by_test_id("ticket-submit").click()
    expect(page.get_by_test_id("ticket-subject")).to_have_count(0)
    page.get_by_test_id("shortcuts").click()
    look.shoot(page, "desk-shortcuts")
    page.keyboard.press("Escape")
    page.get_by_test_id("end-contact").click()
    page.get_by_test_id("wrap-up-code-resolved").click()
    look.shoot(page, "desk-wrap-up")
    page.get_by_test_id("wrap-up-finish").click()
    expect(page.get_by_test_id("wrap-up")).to_have_count(0)
    look.shoot(page, "desk-free")
    page.close()


def look_at_trouble(look: Look) -> None:
    page = look.page()
    page.goto(f"{BASE}/desk")
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "open")
    look.context.set_offline(True)
    play("drop")
    expect(page.get_by_test_id("disconnected")).to_be_visible()
    look.shoot(page, "desk-disconnected")
    look.context.set_offline(False)
    expect(page.get_by_test_id("disconnected")).to_have_count(0, timeout=10_000)
    play("offer")
    expect(page.get_by_test_id("not-responding")).to_be_visible(timeout=40_000)
    look.shoot(page, "desk-not-responding")
    page.get_by_test_id("rearm").click()
    expect(page.get_by_test_id("not-responding")).to_have_count(0)
    other = look.page()
    other.goto(f"{BASE}/desk")
    expect(page.get_by_test_id("replaced")).to_be_visible()
    page.bring_to_front()
    look.shoot(page, "desk-replaced")
    page.close()
    other.close()
    play("reset")


def look_at_others(look: Look) -> None:
    look.context.clear_cookies()
    page = look.page()
    log_in(page, "zhao", "/wall")
    expect(page.get_by_test_id("wall-queue-qu_support-waiting")).to_have_text("7")
    look.shoot(page, "wall")
    page.goto(f"{BASE}/tickets")
    page.get_by_test_id("ticket-tk_2").get_by_role("button").first.click()
    look.shoot(page, "tickets")
    page.goto(f"{BASE}/customers/cu_1")
    expect(page.get_by_test_id("erase")).to_be_visible()
    look.shoot(page, "customer")
    page.get_by_test_id("erase").click()
    look.shoot(page, "customer-erase")
    page.goto(f"{BASE}/nonsense")
    page.get_by_test_id("language").click()
    look.shoot(page, "missing-other-language")
    page.close()


def look_at_shop(look: Look) -> None:
    agent = look.page()
    log_in(agent, "li", "/desk") if "login" in look_home(agent) else None
    agent.get_by_test_id("intent-available").click()
    page = look.page()
    page.goto(f"{BASE}/shop")
    expect(page.get_by_test_id("tl-open")).to_be_visible()
    look.shoot(page, "shop")
    page.get_by_test_id("tl-open").click()
    expect(page.get_by_test_id("tl-option-support")).to_be_visible()
    look.shoot(page, "widget-menu")
    page.get_by_test_id("tl-option-support").click()
    page.get_by_test_id("tl-input").fill("The tea box was broken <img src=x onerror=alert(1)>")
    page.get_by_test_id("tl-send").click()
    expect(page.get_by_test_id("tl-status")).to_have_attribute("data-state", "OFFERED")
    look.shoot(page, "widget-waiting")
    agent.get_by_test_id("offer-accept").click()
    expect(page.get_by_test_id("tl-status")).to_have_attribute("data-state", "CONNECTED")
    agent.get_by_test_id("message-input").fill("Hello, this is Li Na. I will send you a new one today.")
    agent.get_by_test_id("message-send").click()
    expect(page.get_by_test_id("tl-log")).to_contain_text("this is Li Na")
    page.reload()
    expect(page.get_by_test_id("tl-log")).to_contain_text("this is Li Na")
    page.get_by_test_id("language").click()
    page.get_by_test_id("language").click()
    look.shoot(page, "widget-connected")
    page.get_by_test_id("tl-leave").click()
    expect(page.get_by_test_id("tl-again")).to_be_visible()
    look.shoot(page, "widget-ended")
    page.get_by_test_id("tl-again").click()
    expect(page.get_by_test_id("tl-option-order")).to_be_visible()
    page.close()
    agent.close()
    play("reset")


def look_home(page: Page) -> str:
    page.goto(f"{BASE}/desk")
    page.wait_for_timeout(800)
    return page.url


def main() -> None:
    pictures = Path(sys.argv[1])
    pictures.mkdir(parents=True, exist_ok=True)
    languages = sys.argv[2:] or ["zh", "en"]
    steps: list[Callable[[Look], None]] = [look_at_login, look_at_desk, look_at_trouble, look_at_others, look_at_shop]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for language in languages:
            play("reset")
            look = Look(browser, language, pictures)
            for step in steps:
                if step is look_at_shop:
                    look.context.clear_cookies()
                print(language, step.__name__)
                step(look)
            print(language, "axe findings:", look.findings)


if __name__ == "__main__":
    main()
