"""Pages of what one partition has live: bounds, order, and that only the owner answers."""

from types import SimpleNamespace

import pytest
from trunkline_core.errors import Invalid
from trunkline_ledger.submission import NotOwner
from trunkline_platform.live_pages import page_of


class OneLedger:
    """As much of a ledger as a page needs: two partitions, of which the first is ours."""

    def __init__(self, *ids):
        self.ids, self.partitions = ids, [0, 1]

    def owns(self, partition):
        return partition == 0

    def owner_of(self, partition):
        return None

    def core(self, partition):
        return SimpleNamespace(next_offset=7)

    async def read(self, partition, view):
        return view(self.ids)


async def page(ledger, partition=0, after="", size=2):
    return await page_of(ledger, partition, lambda ids: [(name, name.upper()) for name in ids], after=after, size=size)


async def test_pages_follow_each_other_in_order_and_the_last_says_so():
    ledger = OneLedger("d", "b", "a", "c", "e")
    first = await page(ledger)
    assert (first.rows, first.has_more, first.next_offset, first.partition_count) == (["A", "B"], True, 7, 2)
    assert (await page(ledger, after="b")).rows == ["C", "D"]
    last = await page(ledger, after="d")
    assert (last.rows, last.has_more) == (["E"], False)


async def test_without_a_size_a_page_has_a_thousand_rows():
    found = await page(OneLedger(*(f"{number:04}" for number in range(1_001))), size=0)
    assert (len(found.rows), found.has_more) == (1_000, True)


async def test_only_the_owner_answers():
    with pytest.raises(NotOwner):
        await page(OneLedger(), partition=1)


@pytest.mark.parametrize(
    ("asked", "field"), [({"partition": 2}, "partition"), ({"size": 1_001}, "page_size"), ({"size": -1}, "page_size")]
)
async def test_a_page_that_nobody_may_ask_for_is_invalid(asked, field):
    with pytest.raises(Invalid, match=f"^{field}:"):
        await page(OneLedger(), **asked)
