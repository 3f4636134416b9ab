from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from trunkline_core.fading import FadingTable
from trunkline_core.tables import Journal

T0 = datetime(2026, 1, 5, 9, tzinfo=UTC)
DAY = timedelta(hours=24)


def table(max_rows: int = 100) -> FadingTable[str, int]:
    return FadingTable(Journal(), DAY, max_rows)


def test_a_row_is_remembered_until_its_life_is_over() -> None:
    rows = table()
    rows.put("a", 1, T0)
    assert rows.get("a", T0 + DAY - timedelta(microseconds=1)) == 1
    assert rows.get("a", T0 + DAY) is None


def test_a_row_put_again_lives_again() -> None:
    rows = table()
    rows.put("a", 1, T0)
    rows.put("a", 2, T0 + DAY / 2)
    rows.put("b", 3, T0 + DAY * 1.25)
    assert rows.get("a", T0 + DAY * 1.25) == 2


def test_rows_that_are_over_go_while_others_are_put() -> None:
    rows = table()
    for number in range(50):
        rows.put(f"old {number}", number, T0)
    for number in range(10):
        rows.put(f"new {number}", number, T0 + DAY)
    assert len(rows) == 10


def test_beyond_the_bound_the_oldest_goes_early_and_is_counted() -> None:
    rows = table(max_rows=3)
    for number in range(5):
        rows.put(f"r{number}", number, T0)
    assert [rows.get(f"r{number}", T0) for number in range(5)] == [None, None, 2, 3, 4]
    assert rows.dropped_early() == 2


def test_a_forgotten_row_is_gone_and_can_be_put_anew() -> None:
    rows = table()
    rows.put("a", 1, T0)
    rows.forget("a")
    rows.forget("never there")
    assert rows.get("a", T0) is None
    rows.put("a", 2, T0)
    assert rows.get("a", T0) == 2


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans(), st.integers(0, 30))))
def test_taking_back_leaves_exactly_the_rows_of_a_table_that_never_saw_them(
    steps: list[tuple[str, bool, int]],
) -> None:
    journal = Journal()
    tried: FadingTable[str, int] = FadingTable(journal, DAY, 3)
    plain: FadingTable[str, int] = FadingTable(Journal(), DAY, 3)
    now = T0
    for number, (key, is_kept, hours) in enumerate(steps):
        now += timedelta(hours=hours)
        tried.put(key, number, now)
        if is_kept:
            plain.put(key, number, now)
            journal.commit()
        else:
            journal.rollback()
    assert [tried.get(key, now) for key in "abcdef"] == [plain.get(key, now) for key in "abcdef"]
    assert len(tried) == len(plain) <= 3
