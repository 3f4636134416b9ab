"""The REST reads without a store: what a figure means comes from the definition."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI
from trunkline_analytics.domain.definitions import CURRENT, MetricDefinition
from trunkline_analytics.entrypoints.http import add_routes
from trunkline_platform.credentials import TOKEN_KEY, Credentials, service_principal

CREDENTIALS = Credentials(b"a secret of this test, at least 32 bytes long")
NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
DAY = {"start": NINE.isoformat(), "end": (NINE + timedelta(days=1)).isoformat()}


class AnsweredAfter:
    """Rows of segments that were answered after these seconds."""

    def __init__(self, *waits_s: int) -> None:
        self._waits_s = waits_s

    async def between(self, *_: Any) -> list[dict[str, Any]]:
        return [
            {
                "contact_id": f"ct_{wait_s}",
                "segment_no": 1,
                "queue_id": "qu_1",
                "opened_at": NINE,
                "closed_at": NINE + timedelta(seconds=wait_s),
                "outcome": "ANSWERED",
            }
            for wait_s in self._waits_s
        ]


async def service_level(definition: MetricDefinition, **query: Any) -> dict[str, Any]:
    app = FastAPI()
    add_routes(app, AnsweredAfter(10, 30), CREDENTIALS, definition)  # type: ignore[arg-type]
    headers = {TOKEN_KEY: CREDENTIALS.issue(service_principal("test", "tn_a"))}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://analytics") as http:
        answer: dict[str, Any] = (await http.get("/service-level", headers=headers, params=DAY | query)).json()
    return answer


async def test_where_nothing_is_asked_for_the_current_definition_says_what_the_service_level_is():
    found = await service_level(CURRENT)
    assert (found["definition_version"], found["sl1"]) == (1, 1 / 2)


async def test_another_definition_gives_its_own_threshold_and_says_its_version():
    later = replace(CURRENT, version=2, service_level_within=timedelta(seconds=45))
    found = await service_level(later)
    assert (found["definition_version"], found["sl1"]) == (2, 1.0)
    assert (await service_level(later, within_s=20))["sl1"] == 1 / 2
