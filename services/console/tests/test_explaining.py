"""Why this agent, and why it still waits, as sentences in both languages and over REST (routing rule 21)."""

from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from trunkline.acd.v1 import acd_types_pb2 as acd
from trunkline_console.application.explaining import Names, facts_json, sentences
from trunkline_console.application.explanation_words import duration_text
from trunkline_console.entrypoints.explanations import add_explanations
from trunkline_core.errors import NotFound
from trunkline_platform.credentials import Principal, Role
from trunkline_platform.lifecycle import Process
from trunkline_platform.rest import create_app

NAMES = Names()


def at(seconds: int) -> Timestamp:
    return Timestamp(seconds=1_800_000_000 + seconds)


def offer(*others: tuple[str, str, int], **fields: Any) -> acd.ExplainedOffer:
    candidates = [acd.Candidate(agent_id="ag_7", idle_ms=250_000)]
    candidates += [acd.Candidate(agent_id=who, not_chosen_because=why, idle_ms=idle) for who, why, idle in others]
    explanation = acd.Explanation(
        trigger="ContactArrived", candidates=candidates, wait_score_permille=1500, waiting_count=2
    )
    values: dict[str, Any] = {"offer_no": 1, "agent_id": "ag_7", "outcome": acd.OFFER_OUTCOME_CONNECTED}
    return acd.ExplainedOffer(**(values | {"explanation": explanation} | fields))


def connected(*offers: acd.ExplainedOffer) -> acd.ContactExplanation:
    return acd.ContactExplanation(
        contact_id="ct_1",
        stage=acd.CONTACT_STAGE_CONNECTED,
        now_time=at(0),
        agent_id="ag_7",
        offer_count=len(offers),
        offers=offers,
    )


def waiting(**fields: Any) -> acd.ContactExplanation:
    values: dict[str, Any] = {
        "agent_count": 5,
        "examined_count": 5,
        "matching_count": 3,
        "obstacles": [
            acd.Obstacle(reason="OnBreak", agent_count=2, agent_ids=["ag_1", "ag_2"]),
            acd.Obstacle(reason="InWrapUp", agent_count=1, agent_ids=["ag_3"]),
        ],
        "is_before_count_exact": True,
        "wait_score_permille": 2500,
        "value_score_permille": 500,
    }
    return acd.ContactExplanation(
        contact_id="ct_1",
        stage=acd.CONTACT_STAGE_WAITING,
        queue_id="qu_sales",
        entered_time=at(-75),
        now_time=at(0),
        waiting=acd.WaitingReasons(**(values | fields)),
    )


def test_a_contact_that_rings_at_several_says_at_how_many_and_who_was_outpaced():
    """Routing rule 9, ring-all."""
    first = offer(("ag_9", "AskedToo", 0), ("ag_3", "OnBreak", 0), outcome=acd.OFFER_OUTCOME_RINGING)
    first.explanation.asked_count = 2
    second = acd.ExplainedOffer(offer_no=2, agent_id="ag_9", outcome=acd.OFFER_OUTCOME_RINGING)
    found = connected(first, second)
    found.stage, found.ringing_count = acd.CONTACT_STAGE_OFFERED, 2
    said = sentences(found, "en", NAMES)
    best = "one of 2 who are asked at once: whoever accepts first has it (idle for 4 min 10 s)"
    assert said[:3] == [
        f"ag_7 is being asked, when it arrived: {best}.",
        "Asked at the same time: ag_9.",
        "Not ag_3: is on a break.",
    ]
    assert said[-1] == "It rings at 2 agents now."
    second.outcome = acd.OFFER_OUTCOME_OUTPACED
    assert "ag_9 was asked too, and a colleague accepted first." in sentences(connected(first, second), "en", NAMES)


def test_an_offer_says_why_this_agent_and_why_not_the_others():
    found = connected(offer(("ag_9", "IdleShorter", 230_000), ("ag_4", "IdleShorter", 100_000), ("ag_3", "OnBreak", 0)))
    assert sentences(found, "en", NAMES) == [
        "ag_7 got it, when it arrived: of 3 who could, the one idle for longest (4 min 10 s).",
        "Not ag_9: idle for 20 s less.",
        "Not ag_4: idle for 2 min 30 s less.",
        "Not ag_3: is on a break.",
        "Its score was 1.50 (wait 1.50, customer or queue 0.00, urgency 0.00); contacts waiting then: 2.",
    ]
    assert sentences(found, "zh", NAMES) == [
        "由 ag_7 接待（客户到达时）：在 3 位可接待的座席中空闲最久（4 分 10 秒）。",
        "未选 ag_9：空闲时间少 20 秒。",
        "未选 ag_4：空闲时间少 2 分 30 秒。",
        "未选 ag_3：正在小休。",
        "当时得分 1.50（等待 1.50，客户或队列加权 0.00，紧急程度 0.00），另有 2 位客户在等待。",
    ]


def test_who_was_alone_idle_as_long_or_busier_is_told_apart():
    assert "the only one who could take it" in sentences(connected(offer()), "en", NAMES)[0]
    found = connected(offer(("ag_9", "IdleShorter", 250_000), ("ag_4", "IdleShorter", 990_000)))
    assert sentences(found, "en", NAMES)[1:3] == ["Not ag_9: idle for as long.", "Not ag_4: has more work in hand."]


@pytest.mark.parametrize(("because", "best"), [("LaterRing", "skills fit best"), ("TurnLater", "whose turn it was")])
def test_the_strategy_that_chose_is_named(because, best):
    assert best in sentences(connected(offer(("ag_9", because, 0))), "en", NAMES)[0]


def test_a_word_of_a_newer_acd_is_shown_as_it_is():
    assert "Not ag_9: HeldForVips." in sentences(connected(offer(("ag_9", "HeldForVips", 0))), "en", NAMES)
    unknown = offer()
    unknown.explanation.trigger = "MoonRose"
    assert sentences(connected(unknown), "en", NAMES) == ["ag_7 got it."]
    found = waiting(obstacles=[acd.Obstacle(reason="HeldForVips", agent_count=3, agent_ids=["ag_1"])])
    assert "3 HeldForVips (ag_1 …)" in sentences(found, "en", NAMES)[1]


def test_a_contact_that_waits_says_what_keeps_whom_and_who_goes_before():
    assert sentences(waiting(before_count=4), "en", NAMES) == [
        "It has been waiting in qu_sales for 1 min 15 s.",
        "Agents with the skills: 3. None of them can take it now: 2 on a break (ag_1, ag_2), 1 in wrap-up (ag_3).",
        "Contacts that go before it for these agents: 4.",
        "Its score is 3.00 (wait 2.50, customer or queue 0.50, urgency 0.00).",
    ]
    assert sentences(waiting(), "zh", NAMES) == [
        "该客户在队列“qu_sales”中已等待 1 分 15 秒。",
        "有 3 位座席具备所需技能，目前都不能接待：2 位正在小休（ag_1、ag_2），1 位正在话后处理（ag_3）。",
        "前面没有其他客户：上述座席一旦空闲就会接待该客户。",
        "目前得分 3.00（等待 2.50，客户或队列加权 0.50，紧急程度 0.00）。",
    ]


def test_a_contact_for_which_nobody_has_the_skills_says_so():
    said = sentences(waiting(matching_count=0, obstacles=[]), "en", NAMES)
    assert said[1] == "Nobody has the skills it asks for now; agents looked at: 5."
    assert not any("before it" in sentence for sentence in said)


def test_bounded_figures_say_that_they_are_bounded():
    said = sentences(waiting(agent_count=9, before_count=1000, is_before_count_exact=False), "en", NAMES)
    assert "Only 5 of 9 agents were looked at." in said
    assert "Contacts that go before it for these agents: 1000 or more." in said


def test_what_comes_by_itself_is_told_in_the_order_of_its_time():
    found = waiting(
        ring_count=2,
        next_ring_time=at(50),
        limit_time=at(120),
        overflow_check_time=at(30),
        overflow_queue_id="qu_next",
        clears_time=at(5),
    )
    assert sentences(found, "en", NAMES)[-4:] == [
        "Nobody is signed in for the queue: in 5 s those who wait leave.",
        "In 30 s it is looked at whether qu_next is to help.",
        "In 50 s it asks for less skill: step 1 of 2.",
        "In 2 min it reaches the longest wait of its queue.",
    ]


def test_help_of_another_queue_is_told():
    helped = offer(("ag_8", "OnlyHelps", 0))
    helped.explanation.helping_queue_id = "qu_next"
    said = sentences(connected(helped), "en", NAMES)
    assert "an agent of its own queue goes before those who only help out" in said[0]
    assert "The agent was eligible because agents of qu_next helped out at that time." in said
    assert "Agents of qu_next help out." in sentences(waiting(helping_queue_id="qu_next"), "en", NAMES)


def test_what_is_not_remembered_is_said_and_where_it_stands():
    over = acd.ContactExplanation(contact_id="ct_1", stage=acd.CONTACT_STAGE_ENDED, now_time=at(0))
    assert sentences(over, "en", NAMES)[-1].endswith("`trunkline explain ct_1` reads it from the ledger.")
    assert sentences(over, "en", NAMES, is_complete=True) == ["It is over.", "It was never offered to anybody."]
    some = connected(offer(offer_no=5))
    some.offer_count = 5
    assert sentences(some, "en", NAMES)[0].startswith("Earlier offers, not remembered here: 4;")


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [
        (0, "0 s", "0 秒"),
        (60, "1 min", "1 分"),
        (3_661, "1 h 1 min", "1 小时 1 分"),
        (90_000, "1 d 1 h", "1 天 1 小时"),
    ],
)
def test_durations_have_the_two_largest_units(seconds, en, zh):
    assert (duration_text("en", seconds * 1000), duration_text("zh", seconds * 1000)) == (en, zh)


# -- over REST ----------------------------------------------------------------------------------------------------

SUPERVISOR = Principal("tn_1", "supervisor:us_1", frozenset({Role.SUPERVISOR}))


class Acd:
    """Answers for ct_1."""

    def __init__(self) -> None:
        self.asked_by: list[Principal] = []

    async def explanation(self, principal: Principal, contact_id: str) -> acd.ContactExplanation:
        self.asked_by.append(principal)
        if contact_id != "ct_1":
            raise NotFound("contact", contact_id)
        return connected(offer(("ag_9", "OnBreak", 0)))


class Site:
    """console's REST with acd and the directory played."""

    def __init__(self, principal: Principal = SUPERVISOR) -> None:
        self.acd = Acd()
        self.app = create_app("console", Process("console"))
        account = SimpleNamespace(principal=lambda: principal, tenant="tn_1")
        add_explanations(self.app, SimpleNamespace(account=lambda _: account), self, self.acd)  # type: ignore[arg-type]

    def directory(self, tenant: str) -> Any:
        users = [SimpleNamespace(agent_id="ag_7"), SimpleNamespace(agent_id="")]
        return SimpleNamespace(
            users=SimpleNamespace(of=lambda _: users), queues=SimpleNamespace(of=lambda _: list[Any]())
        )

    async def name_of(self, account: Any) -> str:
        return "Li Na"

    async def get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://console") as browser:
            return await browser.get(path)


async def test_a_supervisor_reads_sentences_with_names_and_the_facts_with_ids():
    site = Site()
    answer = await site.get("/api/v1/contacts/ct_1/explanation?lang=en")
    assert answer.status_code == 200
    assert answer.json()["sentences"][0].startswith("Li Na got it, when it arrived: the only one")
    assert answer.json()["sentences"][1] == "Not ag_9: is on a break."
    facts = answer.json()["facts"]
    assert (facts["stage"], facts["offers"][0]["agent_id"], facts["waiting"]) == ("CONNECTED", "ag_7", None)
    assert facts["offers"][0]["explanation"]["wait_score_permille"] == 1500
    assert site.acd.asked_by == [SUPERVISOR], "acd decides by the reader's own credential"
    chinese = await site.get("/api/v1/contacts/ct_1/explanation?lang=zh")
    assert chinese.json()["sentences"][1] == "未选 ag_9：正在小休。"


async def test_a_contact_that_acd_does_not_show_is_not_found_and_other_languages_are_refused():
    assert (await Site().get("/api/v1/contacts/ct_2/explanation")).status_code == 404
    wrong = await Site().get("/api/v1/contacts/ct_1/explanation?lang=fr")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "lang")
    gateway = Principal("tn_1", "gateway:gw", frozenset({Role.GATEWAY}))
    assert (await Site(gateway).get("/api/v1/contacts/ct_1/explanation")).status_code == 403


def test_the_facts_of_a_contact_that_waits_are_numbers_and_times():
    facts = facts_json(waiting(limit_time=at(60)))["waiting"]
    assert (facts["wait_score_permille"], facts["obstacles"][0]["agent_count"]) == (2500, 2)
    assert facts["limit"].startswith("2027-01-15T08:01")
    assert facts["clears"] is None
