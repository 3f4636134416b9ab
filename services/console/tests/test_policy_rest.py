"""Administrators read, check, publish, compare and roll back their tenant's routing policy over REST."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import yaml
from trunkline_console.adapters.wire import WIRE
from trunkline_console.domain.commands import Command
from trunkline_console.domain.decider import DirectoryDecider
from trunkline_console.domain.events import Event
from trunkline_console.domain.state import Directory
from trunkline_console.entrypoints.policies import PolicyDesk, add_policy_routes
from trunkline_core.decider import Context, execute
from trunkline_ledger.core.metadata import Metadata
from trunkline_platform.commands import new_command_id
from trunkline_platform.credentials import Principal, Role
from trunkline_platform.lifecycle import Process
from trunkline_platform.rest import create_app

TENANT, NOW, HOUR = "tn_1", datetime(2026, 1, 5, tzinfo=UTC), timedelta(hours=1)
POLICY = "/api/v1/routing-policy"
PLAIN = {
    "target_wait_duration": "20s",
    "voice_lease_duration": "20s",
    "chat_lease_duration": "30s",
    "max_misses": 2,
    "wrap_up_mode": "WRAP_UP_MODE_NONE",
    "max_waiting": 100,
}


class Site:
    """console's REST over the directory's own rules, without a ledger."""

    def __init__(self) -> None:
        self.state, self.roles, self.now = Directory(), frozenset({Role.ADMIN}), NOW
        accounts: Any = SimpleNamespace(directory=lambda tenant: self.state)
        account = SimpleNamespace(principal=lambda: Principal(TENANT, "admin:us_1", self.roles))
        sessions: Any = SimpleNamespace(account=lambda _: account)
        directory: Any = self
        self.app = create_app("console", Process("console"))
        add_policy_routes(self.app, PolicyDesk(sessions, accounts, directory))

    async def execute(self, command: Any, principal: Principal, *, command_id: str) -> list[Any]:
        """What CommandClient does, at once."""
        context = Context(self.now, principal.tenant, principal.actor, command_id)
        events = self._do(WIRE.command_from_message(command), context)
        metadata = Metadata("ev_1", "rp_policy", 1, NOW, TENANT, principal.actor, "", "", 1, False, b"")
        return [WIRE.event_to_message(event, metadata) for event in events]

    def fire(self) -> None:
        """Let the trial's timer fire, as soon as it is due."""
        [timer] = self.state.timers.values()
        self.now = timer.due
        self._do(timer.command, Context(self.now, TENANT, "system", new_command_id()))

    def _do(self, command: Command, context: Context) -> list[Event]:
        events = execute(DirectoryDecider(), self.state, command, context)
        self.state.journal.commit()
        return events


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
async def browser(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(site.app), base_url="http://console") as browser:
        yield browser


async def publish(browser: httpx.AsyncClient, version: int, *queues: dict[str, Any], **others: Any) -> httpx.Response:
    body = {"queues": list(queues), "command_id": new_command_id(), **others}
    return await browser.put(POLICY, json=body, headers={"if-match": f'"{version}"'})


def queue(queue_id: str, **changed: Any) -> dict[str, Any]:
    return {"queue_id": queue_id, "name": {"zh": "队列", "en": "queue"}, **PLAIN, **changed}


async def test_a_policy_is_published_and_read_back_with_its_version(browser: httpx.AsyncClient) -> None:
    empty = await browser.get(POLICY)
    assert (empty.headers["etag"], empty.json()) == ('"0"', {"version": 0, "queues": [], "trial": None})
    done = await publish(browser, 0, queue("qu_b"), queue("qu_a"), note="start")
    assert (done.status_code, done.headers["etag"], done.json()) == (200, '"1"', {"version": 1, "changed": True})
    found = (await browser.get(POLICY)).json()
    assert [row["queue_id"] for row in found["queues"]] == ["qu_a", "qu_b"]
    assert found["queues"][0].items() >= queue("qu_a").items()
    assert (await publish(browser, 1, *found["queues"])).json() == {"version": 1, "changed": False}


async def test_a_row_names_only_what_changes_and_every_queue_goes_to_all(browser: httpx.AsyncClient) -> None:
    await publish(browser, 0, queue("qu_a"), queue("qu_b"))
    limit = {"after_duration": "60s"}
    row = {"queue_id": "qu_a", "longest_wait": limit}
    assert (await publish(browser, 1, row, every_queue={"max_misses": 5})).json()["version"] == 2
    first, second = (await browser.get(POLICY)).json()["queues"]
    assert (first["longest_wait"], first["max_misses"], second["max_misses"]) == (limit, 5, 5)
    await publish(browser, 2, {"queue_id": "qu_a", "longest_wait": None})
    assert "longest_wait" not in (await browser.get(POLICY)).json()["queues"][0]


async def test_who_publishes_over_a_change_of_another_is_shown_it_and_changes_nothing(
    browser: httpx.AsyncClient,
) -> None:
    await publish(browser, 0, queue("qu_a"))
    await publish(browser, 1, queue("qu_a", max_misses=3))
    refused = await publish(browser, 1, queue("qu_a", max_waiting=5))
    document = refused.json()
    assert (refused.status_code, refused.headers["etag"], document["title"]) == (412, '"2"', "PolicyChangedMeanwhile")
    assert document["queues"] == [
        {"queue_id": "qu_a", "change": "changed", "fields": [{"field": "max_misses", "from": 2, "to": 3}]}
    ]
    assert (await browser.get(POLICY)).json()["queues"][0]["max_waiting"] == 100


async def test_two_versions_are_compared_and_an_old_one_comes_back(browser: httpx.AsyncClient) -> None:
    overflow = {"next_queue_id": "qu_b", "begin_wait_duration": "60s", "end_wait_duration": "30s"}
    await publish(browser, 0, queue("qu_a", overflow=overflow), queue("qu_b"), note="start")
    shorter = overflow | {"end_wait_duration": "10s"}
    await publish(browser, 1, queue("qu_a", overflow=shorter), queue("qu_c"))
    compared = (await browser.get(f"{POLICY}/compare", params={"from": 1, "to": 2})).json()["queues"]
    assert compared[0]["fields"] == [{"field": "overflow.end_wait_duration", "from": "30s", "to": "10s"}]
    assert [(row["queue_id"], row["change"]) for row in compared] == [("qu_a", "changed"), ("qu_c", "added")]
    body = {"to_version": 1, "note": "too early", "command_id": new_command_id()}
    back = await browser.post(f"{POLICY}/rollback", json=body, headers={"if-match": '"2"'})
    assert back.json() == {"version": 3, "changed": True}
    newest, *_, oldest = (await browser.get(f"{POLICY}/versions")).json()["versions"]
    assert (newest["rolled_back_to"], newest["note"], newest["actor"]) == (1, "too early", "admin:us_1")
    assert (oldest["version"], oldest["changed_queues"]) == (1, ["qu_a", "qu_b"])
    first = (await browser.get(f"{POLICY}/versions/1")).json()
    assert [row["queue_id"] for row in first["queues"]] == ["qu_a", "qu_b"]
    assert (await browser.get(f"{POLICY}/versions/9")).status_code == 404


async def test_the_treatment_of_the_guide_is_published_compared_and_taken_back(browser: httpx.AsyncClient) -> None:
    """Routing rule 18."""
    guide = (Path(__file__).parents[3] / "docs/guides/policies.md").read_text(encoding="utf-8")
    (row,) = yaml.safe_load(guide.partition("### What plays")[2].partition("```yaml\n")[2].partition("```")[0])[
        "queues"
    ]
    await publish(browser, 0, queue(row["queue_id"]))
    assert (await publish(browser, 1, row)).json() == {"version": 2, "changed": True}
    kept = (await browser.get(POLICY)).json()["queues"][0]["treatment"]
    assert kept == row["treatment"]
    fewer = {"queue_id": row["queue_id"], "treatment": {"steps": kept["steps"][:2]}}
    checked = (await browser.post(f"{POLICY}/check", json={"queues": [fewer]})).json()["queues"][0]
    assert [(each["field"], each["to"]) for each in checked["fields"]] == [
        ("treatment.repeat_from_step", None),
        ("treatment.steps", kept["steps"][:2]),
    ]
    refused = await publish(browser, 2, {"queue_id": row["queue_id"], "callback": None})
    assert (refused.status_code, refused.json()["field"]) == (
        422,
        "queues[0].treatment.steps[2].callback_offer_step",
    )
    body = {"to_version": 1, "note": "", "command_id": new_command_id()}
    await browser.post(f"{POLICY}/rollback", json=body, headers={"if-match": '"2"'})
    assert "treatment" not in (await browser.get(POLICY)).json()["queues"][0]


async def test_the_menu_of_the_guide_is_published_and_names_a_queue_of_the_tenant(browser: httpx.AsyncClient) -> None:
    """Routing rule 18."""
    guide = (Path(__file__).parents[3] / "docs/guides/policies.md").read_text(encoding="utf-8")
    (row,) = yaml.safe_load(guide.partition("may be a menu:")[2].partition("```yaml\n")[2].partition("```")[0])[
        "queues"
    ]
    await publish(browser, 0, queue(row["queue_id"]))
    refused = await publish(browser, 1, row)
    field = "queues[0].treatment.steps[1].menu_step.options[1].queue_id"
    assert (refused.status_code, refused.json()["field"]) == (422, field)
    assert (await publish(browser, 1, queue("qu_sales"), row)).json() == {"version": 2, "changed": True}
    kept = {each["queue_id"]: each for each in (await browser.get(POLICY)).json()["queues"]}
    assert kept[row["queue_id"]]["treatment"] == row["treatment"]


async def test_a_check_says_what_would_change_and_changes_nothing(browser: httpx.AsyncClient) -> None:
    await publish(browser, 0, queue("qu_a"))
    wanted = {"queues": [{"queue_id": "qu_a", "max_misses": 9}]}
    checked = (await browser.post(f"{POLICY}/check", json=wanted)).json()
    assert checked["queues"][0]["fields"] == [{"field": "max_misses", "from": 2, "to": 9}]
    assert (await browser.get(POLICY)).json()["version"] == 1


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"queue_id": "qu_a", "urgency_weight_permille": -1}, "queues[0].urgency_weight_permille"),
        ({"queue_id": "qu_a", "urgency_wait": 1}, "queues[0].urgency_wait"),
        ({"queue_id": "qu_a", "max_misses": "often"}, "queues[0]"),
        ({"queue_id": "qu_new", "name": {"en": "new"}}, "queues[0].target_wait_duration"),
        ({"queue_id": "qu_new"}, "queues[0].name"),
        ({"name": {"en": "new"}}, "queues[0].queue_id"),
    ],
)
async def test_a_wrong_policy_is_refused_with_the_field_when_checked_as_when_published(
    browser: httpx.AsyncClient, row: dict[str, Any], field: str
) -> None:
    await publish(browser, 0, queue("qu_a"))
    for refused in (await browser.post(f"{POLICY}/check", json={"queues": [row]}), await publish(browser, 1, row)):
        assert (refused.status_code, refused.json()["field"]) == (422, field)


async def test_nobody_publishes_over_a_policy_that_was_not_read(browser: httpx.AsyncClient) -> None:
    body = {"queues": [queue("qu_a")], "command_id": new_command_id()}
    for headers in ({}, {"if-match": "*"}):
        refused = await browser.put(POLICY, json=body, headers=headers)
        assert (refused.status_code, refused.json()["field"]) == (422, "If-Match")


@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR])
async def test_the_policy_is_for_administrators_only(site: Site, browser: httpx.AsyncClient, role: Role) -> None:
    site.roles = frozenset({role})
    answers = [
        await browser.get(POLICY),
        await browser.get(f"{POLICY}/versions"),
        await browser.get(f"{POLICY}/versions/1"),
        await browser.get(f"{POLICY}/compare", params={"from": 0, "to": 0}),
        await browser.post(f"{POLICY}/check", json={}),
        await browser.post(f"{POLICY}/rollback", json={"to_version": 1, "command_id": new_command_id()}),
        await browser.get(f"{POLICY}/trials"),
        await start_trial(browser, 0),
        await end_trial(browser, 1),
        await publish(browser, 0, queue("qu_a")),
    ]
    assert {answer.status_code for answer in answers} == {403}


async def start_trial(browser: httpx.AsyncClient, version: int, **others: Any) -> httpx.Response:
    candidate = {"queues": [{"queue_id": "qu_a", "max_misses": 9}], "block_duration": "3600s", "pairs": 3}
    body = {**candidate, "command_id": new_command_id(), **others}
    return await browser.post(f"{POLICY}/trials", json=body, headers={"if-match": f'"{version}"'})


async def end_trial(browser: httpx.AsyncClient, trial_no: int) -> httpx.Response:
    return await browser.post(f"{POLICY}/trials/{trial_no}/end", json={"command_id": new_command_id()})


async def test_a_trial_is_started_shown_keeps_others_out_and_is_ended(browser: httpx.AsyncClient) -> None:
    await publish(browser, 0, queue("qu_a"))
    end = (NOW + 6 * HOUR).isoformat()
    started = (await start_trial(browser, 1, note="calmer")).json()
    assert started == {"trial_no": 1, "start_time": NOW.isoformat(), "end_time": end}
    [shown] = (await browser.get(f"{POLICY}/trials")).json()["trials"]
    assert shown | {"queues": []} == {
        "trial_no": 1,
        "state": "running",
        "phase": "waiting",
        "start_time": NOW.isoformat(),
        "end_time": end,
        "ended_time": None,
        "block_duration": "3600s",
        "pairs": 3,
        "actor": "admin:us_1",
        "note": "calmer",
        "queues": [],
        "blocks": [],
    }
    assert shown["queues"][0]["fields"] == [{"field": "max_misses", "from": 2, "to": 9}]
    for refused in (await publish(browser, 1, queue("qu_a", max_misses=4)), await start_trial(browser, 0)):
        told = refused.json()
        assert (refused.status_code, told["rule"]) == (409, "PolicyTrialRuns")
        assert told["detail"] == f"PolicyTrialRuns: trial 1, until {end}"
    assert (await end_trial(browser, 1)).json() == {"trial_no": 1, "changed": True}
    assert (await end_trial(browser, 1)).json() == {"trial_no": 1, "changed": False}
    [shown] = (await browser.get(f"{POLICY}/trials")).json()["trials"]
    assert (shown["state"], shown["phase"], shown["ended_time"]) == ("ended", "ended", NOW.isoformat())
    assert (await end_trial(browser, 2)).status_code == 404


async def test_the_policy_in_force_says_whose_turn_it_is(site: Site, browser: httpx.AsyncClient) -> None:
    await publish(browser, 0, queue("qu_a"))
    await start_trial(browser, 1, start_time=(NOW + HOUR).isoformat())
    waits = (await browser.get(POLICY)).json()["trial"]
    assert waits == {
        "trial_no": 1,
        "phase": "waiting",
        "block": None,
        "blocks": 6,
        "policy": None,
        "next_time": (NOW + HOUR).isoformat(),
        "end_time": (NOW + 7 * HOUR).isoformat(),
    }
    seen = set()
    for number in (1, 2):
        site.fire()
        shown = (await browser.get(POLICY)).json()
        trial, misses = shown["trial"], shown["queues"][0]["max_misses"]
        assert (trial["block"], trial["phase"]) == (number, "running")
        assert trial["next_time"] == (NOW + (1 + number) * HOUR).isoformat()
        seen.add((trial["policy"], misses))
    assert seen == {("A", 2), ("B", 9)}
    [shown] = (await browser.get(f"{POLICY}/trials")).json()["trials"]
    assert (shown["state"], shown["phase"]) == ("running", "running")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"block_duration": "1h"}, "block_duration"),
        ({"block_duration": "9s"}, "block_duration"),
        ({"pairs": 1}, "pairs"),
        ({"start_time": "2026-01-05T09:00:00"}, "start_time"),
        ({"start_time": "2027-01-05T09:00:00Z"}, "start_time"),
        ({"start_time": "2026-01-04T23:59:59Z"}, "start_time"),
        ({"queues": []}, "queues"),
        ({"queues": [{"queue_id": "qu_b", **PLAIN, "name": {"en": "b", "zh": "b"}}]}, "queues[0].queue_id"),
    ],
)
async def test_a_wrong_trial_is_refused_with_the_field(
    browser: httpx.AsyncClient, wrong: dict[str, Any], field: str
) -> None:
    await publish(browser, 0, queue("qu_a"))
    refused = await start_trial(browser, 1, **wrong)
    assert (refused.status_code, refused.json()["field"]) == (422, field)
    assert (await browser.get(f"{POLICY}/trials")).json() == {"trials": []}


async def test_a_trial_of_a_policy_that_changed_meanwhile_is_told_what_changed(browser: httpx.AsyncClient) -> None:
    await publish(browser, 0, queue("qu_a"))
    await publish(browser, 1, queue("qu_a", max_misses=3))
    refused = await start_trial(browser, 1)
    assert (refused.status_code, refused.json()["queues"][0]["queue_id"]) == (412, "qu_a")
