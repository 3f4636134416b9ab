"""Whatever was put and deleted since a mark, a rollback restores the rows; after a commit nothing is taken back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trunkline_core.tables import Journal, Table

STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 4), st.none() | st.integers()), max_size=30)


def apply(table: Table[int, int | None], steps: list[tuple[bool, int, int | None]]) -> None:
    for is_put, key, row in steps:
        if is_put:
            table.put(key, row)
        elif key in table:
            table.delete(key)


def rows(table: Table[int, int | None]) -> dict[int, int | None]:
    return {key: table.get(key) for key in range(5) if key in table}


@given(STEPS, STEPS)
def test_rollback_restores_the_rows_at_the_mark(before: list, after: list) -> None:  # type: ignore[type-arg]
    journal = Journal()
    table: Table[int, int | None] = Table(journal)
    apply(table, before)
    at_mark, mark = rows(table), journal.mark()
    apply(table, after)
    journal.rollback(mark)
    assert rows(table) == at_mark
    journal.rollback()
    assert len(table) == 0


def test_a_committed_change_is_final() -> None:
    journal = Journal()
    table: Table[str, int] = Table(journal)
    table.put("a", 1)
    journal.commit()
    table.put("a", 2)
    journal.rollback()
    assert list(table.values()) == [1]


def test_deleting_a_missing_row_is_an_error_and_records_nothing() -> None:
    journal = Journal()
    table: Table[str, int] = Table(journal)
    with pytest.raises(KeyError):
        table.delete("a")
    assert journal.mark() == 0
