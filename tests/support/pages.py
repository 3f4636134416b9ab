"""The pages as people use them. Owns where things are on a page; must not assert what a test is about."""

import re
from collections.abc import Mapping
from typing import Any

from playwright.sync_api import Locator, Page, expect
from waiting import wait_until

# Chromium keeps no record of sounds: each start and stop of a source is written down before the page's own does it.
LISTEN = """
window.heard = {started: 0, stopped: 0};
const kept = [[AudioBufferSourceNode, "start", "started"], [AudioScheduledSourceNode, "stop", "stopped"]];
for (const [kind, name, count] of kept) {
  const real = kind.prototype[name];
  kind.prototype[name] = function (...given) {
    window.heard[count] += 1;
    return real.apply(this, given);
  };
}
"""

# Each look of Playwright at a page counts for Chromium as a touch; a page that was only opened has had none.
UNTOUCHED = "Object.defineProperty(UserActivation.prototype, 'hasBeenActive', {get: () => false});"

# Nothing moves but what moves for ever.
STILL = """document.getAnimations().every(
  (each) => each.playState !== "running" || each.effect.getTiming().iterations === Infinity
)"""


def _choose(page: Page, field: Locator, shown: str) -> None:
    # The list fades after the choice; what looks at the whole page next shall not find it half gone.
    field.click()
    choices = page.locator(".ant-select-dropdown:visible")
    choices.locator(".ant-select-item-option-content").filter(has_text=shown).click()
    expect(choices).to_have_count(0)


class Screen:
    """What all pages have in common."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def part(self, testid: str) -> Locator:
        """Return the element with this test id."""
        return self.page.get_by_test_id(testid)

    def press(self, testid: str) -> None:
        """Click the element with this test id."""
        self.part(testid).click()

    def hold_still(self) -> None:
        """Wait until everything has come to rest."""
        self.until(STILL)

    def until(self, expression: str) -> None:
        """Wait until an expression holds on the page; Playwright's own way needs eval, which our pages forbid."""
        wait_until(lambda: self.page.evaluate(expression), expression)

    def switch_language(self) -> None:
        """Change to the other language."""
        self.press("language")


class LogIn(Screen):
    """The log-in page."""

    def go(self) -> "LogIn":
        """Open it."""
        self.page.goto("/login")
        return self

    def attempt(self, login: str, password: str) -> None:
        """Fill in and submit."""
        self.part("login").fill(login)
        self.part("password").fill(password)
        self.press("submit")


class Shop(Screen):
    """The demo shop with its chat widget, as a customer of one entry point."""

    def __init__(self, page: Page, entry_point: str) -> None:
        super().__init__(page)
        self._entry_point = entry_point
        self.log = self.part("tl-log")
        self.status = self.part("tl-status")

    def go(self) -> "Shop":
        """Open the shop."""
        self.page.goto(f"/shop/?entry_point={self._entry_point}")
        return self

    def open_chat(self) -> "Shop":
        """Open the widget and wait for the menu."""
        self.press("tl-open")
        expect(self.part("tl-option-support")).to_be_visible()
        return self

    def say(self, text: str) -> None:
        """Write a message or an answer."""
        self.part("tl-input").fill(text)
        self.press("tl-send")

    def ask_for_a_person(self, question: str) -> "Shop":
        """Go through the menu into the support queue."""
        self.press("tl-option-support")
        expect(self.part("tl-option-support")).to_have_count(0)
        expect(self.status).to_have_attribute("data-state", "SELF_SERVICE")
        expect(self.log).to_contain_text(re.compile("one sentence|一句话"))
        self.say(question)
        expect(self.status).to_have_attribute("data-state", re.compile("QUEUED|OFFERED"))
        return self


class Desk(Screen):
    """The agent desk."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        page.add_init_script(LISTEN)
        self.offer = self.part("offer")
        self.log = self.part("message-log")

    def make_ticket(self) -> None:
        """Make a ticket of the conversation, and wait until the desk says so."""
        self.press("ticket-create")
        expect(self.part("ticket-made")).not_to_be_empty()

    def go(self) -> "Desk":
        """Open the desk and wait until it is connected."""
        self.page.goto("/desk")
        expect(self.part("connection")).to_have_attribute("data-state", "open")
        expect(self.part("intent-available")).to_be_enabled()
        return self

    def to_wall(self) -> "Wall":
        """Go to the wall in the same tab: the desk stays connected."""
        self.page.get_by_role("link", name="Wall", exact=True).click()
        expect(self.page.locator(".tl-queues")).to_be_visible()
        return Wall(self.page)

    def be_available(self) -> "Desk":
        """Ask for contacts."""
        self.press("intent-available")
        expect(self.part("intent-available")).to_have_attribute("aria-pressed", "true")
        return self

    def await_ring(self) -> None:
        """Wait for an offer."""
        expect(self.offer).to_be_visible()

    def accept(self) -> None:
        """Take the offer and wait for the conversation."""
        self.press("offer-accept")
        expect(self.part("message-input")).to_be_visible()

    def say(self, text: str) -> None:
        """Write to the customer."""
        self.part("message-input").fill(text)
        self.press("message-send")

    def transfer(self, queue: str, agent: str = "", note: str = "") -> None:
        """Give the conversation on to the queue of that name, there to the agent, with a note."""
        self.press("transfer")
        self.choose("transfer-queue", queue)
        if agent:
            self.choose("transfer-agent", agent)
        self._hand_on(note)

    def answer(self) -> None:
        """Take the call that rings; of one's own or a colleague's."""
        self.press("offer-accept")
        expect(self.offer).to_have_count(0)

    def consult(self, colleague: str, note: str = "") -> None:
        """Ask the colleague of that name about the call, with a note."""
        self.press("consult")
        self.choose("consult-agent", colleague)
        self._hand_on(note)

    def choose(self, part: str, shown: str) -> None:
        """Choose from a list of the open dialogue."""
        _choose(self.page, self.part(part), shown)

    def _hand_on(self, note: str) -> None:
        if note:
            self.part("hand-on-note").fill(note)
        self.press("hand-on-send")
        expect(self.part("hand-on")).to_have_count(0)

    def end(self) -> None:
        """End the conversation."""
        self.press("end-contact")
        expect(self.part("wrap-up")).to_be_visible()

    def wrap_up(self, code: str) -> None:
        """Say how it ended, and wait until it is gone."""
        self.press(f"wrap-up-code-{code}")
        self.press("wrap-up-finish")
        expect(self.part("wrap-up")).to_have_count(0)

    def heard(self) -> Mapping[str, Any]:
        """Return how often a sound began and ended."""
        found: Mapping[str, Any] = self.page.evaluate("window.heard")
        return found


class Wall(Screen):
    """The wall."""

    def go(self) -> "Wall":
        """Open it and wait for figures."""
        self.page.goto("/wall")
        expect(self.page.locator(".tl-queues")).to_be_visible()
        return self

    def figure(self, queue_id: str, name: str) -> Locator:
        """Return one figure of a queue."""
        return self.part(f"wall-queue-{queue_id}-{name}")

    def agent(self, agent_id: str) -> Locator:
        """Return what an agent does; `data-state` names it."""
        return self.part(f"wall-agent-{agent_id}-state")

    def waiting_in(self, queue_id: str) -> Locator:
        """Open who waits in a queue; return a line for each contact."""
        self.press(f"wall-queue-{queue_id}-who")
        return self.part("queue-waiting").locator("tr.ant-table-row")

    def contacts_of(self, agent_id: str) -> Locator:
        """Open whom an agent talks to; return a line for each contact."""
        self.press(f"wall-agent-{agent_id}-contacts")
        return self.part("agent-contacts").locator("tr.ant-table-row")

    def choose(self, part: str, shown: str) -> "Wall":
        """Choose from a list of the open dialogue."""
        _choose(self.page, self.part(part), shown)
        return self

    def tick(self, shown: str) -> "Wall":
        """Choose one of the ways that the open dialogue names."""
        self.part("decision").get_by_text(shown, exact=True).click()
        return self

    def decide(self, reason: str) -> None:
        """Give the reason and confirm."""
        self.choose("decision-reason", reason)
        self.page.get_by_role("button", name="Do it").click()


class Tickets(Screen):
    """The list of tickets."""

    def go(self) -> "Tickets":
        """Open it."""
        self.page.goto("/tickets")
        expect(self.part("ticket-filter")).to_be_visible()
        return self

    def row(self, subject: str) -> Locator:
        """Return the line of the ticket with this subject."""
        return self.page.locator("tr[data-testid^=ticket-]").filter(has_text=subject)

    def state(self, subject: str) -> Locator:
        """Return the state as shown in its line."""
        return self.row(subject).locator("[data-testid^=ticket-state-]")

    def move(self, subject: str, shown_state: str) -> None:
        """Choose another state from the list."""
        self.state(subject).click()
        self.page.locator(".ant-select-dropdown:visible").get_by_text(shown_state, exact=True).click()

    def note(self, subject: str, body: str) -> None:
        """Unfold the ticket and add a note."""
        self.row(subject).get_by_role("button").first.click()
        self.page.locator("input[data-testid^=ticket-note-]").fill(body)
        self.page.locator("[data-testid^=ticket-note-add-]").click()
