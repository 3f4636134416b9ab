"""The REST reads without a store: what a figure means comes from the definition."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI
from trunkline_analytics.domain.definitions import CURRENT, MetricDefinition
from trunkline_analytics.domain.segments import Outcome, QueueSegment, WaitEstimate
from trunkline_analytics.domain.wait_estimates import EstimateQuality, estimate_quality
from trunkline_analytics.entrypoints.http import add_routes
from trunkline_platform.credentials import TOKEN_KEY, Credentials, service_principal

CREDENTIALS = Credentials(b"a secret of this test, at least 32 bytes long")
NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
DAY = {"start": NINE.isoformat(), "end": (NINE + timedelta(days=1)).isoformat()}


class AnsweredAfter:
    """Rows of segments that were answered after these seconds, and what they have besides."""

    def __init__(self, *waits_s: int, **more: Any) -> None:
        self._waits_s = waits_s
        self._more = more

    async def between(self, *_: Any) -> list[dict[str, Any]]:
        return [
            {
                "contact_id": f"ct_{wait_s}",
                "segment_no": 1,
                "queue_id": "qu_1",
                "opened_at": NINE,
                "closed_at": NINE + timedelta(seconds=wait_s),
                "outcome": "ANSWERED",
                **self._more,
            }
            for wait_s in self._waits_s
        ]


async def asked(path: str, rows: AnsweredAfter, definition: MetricDefinition, **query: Any) -> dict[str, Any]:
    app = FastAPI()
    add_routes(app, rows, CREDENTIALS, definition)  # type: ignore[arg-type]
    headers = {TOKEN_KEY: CREDENTIALS.issue(service_principal("test", "tn_a"))}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://analytics") as http:
        answer: dict[str, Any] = (await http.get(path, headers=headers, params=DAY | query)).json()
    return answer


async def service_level(definition: MetricDefinition, **query: Any) -> dict[str, Any]:
    return await asked("/service-level", AnsweredAfter(10, 30), definition, **query)


async def test_where_nothing_is_asked_for_the_current_definition_says_what_the_service_level_is():
    found = await service_level(CURRENT)
    assert (found["definition_version"], found["sl1"]) == (1, 1 / 2)


async def test_another_definition_gives_its_own_threshold_and_says_its_version():
    later = replace(CURRENT, version=2, service_level_within=timedelta(seconds=45))
    found = await service_level(later)
    assert (found["definition_version"], found["sl1"]) == (2, 1.0)
    assert (await service_level(later, within_s=20))["sl1"] == 1 / 2


async def test_estimates_are_compared_with_the_waits_of_the_answered_by_queue_and_the_answer_says_so():
    rows = AnsweredAfter(10, 30, 50, 90, 170, estimated_p50_s=40.0, estimated_p80_s=100.0)
    found = await asked("/wait-estimates", rows, CURRENT)
    assert (found["of"], found["definition_version"], found["is_complete"]) == ("answered contacts only", 1, True)
    assert found["queues"] == [
        {"queue_id": "qu_1", "answered": 5, "within_p80": 4 / 5, "within_p50": 2 / 5, "mean_error_s": 46.0}
    ]


async def test_who_was_given_no_estimate_is_in_no_figure_of_them():
    found = await asked("/wait-estimates", AnsweredAfter(10), CURRENT)
    nothing = {"answered": 0, "within_p80": None, "within_p50": None, "mean_error_s": None}
    assert found["queues"] == [{"queue_id": "qu_1", **nothing}]


def test_only_who_was_answered_says_how_good_an_estimate_was():
    told = WaitEstimate(timedelta(seconds=40), timedelta(seconds=100))
    late = NINE + timedelta(seconds=300)
    answered = QueueSegment("ct_1", 1, "qu_1", NINE, Outcome.ANSWERED, NINE + timedelta(seconds=40), told)
    left = QueueSegment("ct_2", 1, "qu_1", NINE, Outcome.ABANDONED, late, told)
    waits = QueueSegment("ct_3", 1, "qu_1", NINE, estimate=told)
    assert estimate_quality([answered, left, waits]) == EstimateQuality(1, 1.0, 1.0, 0.0)
