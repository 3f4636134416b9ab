from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trunkline_core.errors import Invalid
from trunkline_platform.paging import Place, behind, check_limit, newest_first, read_cursor, write_cursor
from trunkline_testkit.twins.store import MemoryStore

T0 = datetime(2026, 1, 5, 9, tzinfo=UTC)


@given(st.datetimes(timezones=st.just(UTC)), st.text())
def test_a_cursor_leads_back_to_its_place(time, row_id):
    place = Place(time.replace(microsecond=time.microsecond // 1000 * 1000), row_id)
    assert read_cursor(write_cursor(place)) == place


def test_no_cursor_is_the_beginning():
    assert read_cursor("") is None
    assert behind(None, "time") == {}


@pytest.mark.parametrize("cursor", ["nonsense", "bm9uZQ==", "ü", write_cursor(Place(T0, "a"))[:-3]])
def test_a_cursor_that_nobody_gave_is_refused(cursor):
    with pytest.raises(Invalid, match="cursor"):
        read_cursor(cursor)


@pytest.mark.parametrize("limit", [0, 201, -1])
def test_a_page_has_1_to_200_rows(limit):
    check_limit(1), check_limit(200)
    with pytest.raises(Invalid, match="limit"):
        check_limit(limit)


async def test_pages_hold_every_row_once_also_those_of_one_moment():
    rows = MemoryStore().collection("rows")
    for number in range(7):
        await rows.insert({"_id": f"r{number}", "time": T0 + timedelta(seconds=number // 3)})
    found, place = [], None
    while page := await rows.find(behind(place, "time"), sort=newest_first("time"), limit=2):
        found += [row["_id"] for row in page]
        place = Place(page[-1]["time"], page[-1]["_id"])
    assert found == [f"r{number}" for number in reversed(range(7))]
