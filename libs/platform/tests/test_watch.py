import asyncio

import pytest
from trunkline_core.errors import Overloaded, Rejection
from trunkline_platform.watch import Outbox, Watches, converse


async def told(outbox):
    outbox.close()
    return [value async for value in outbox]


async def test_the_newest_state_of_an_id_wins_and_ids_keep_their_order():
    outbox = Outbox("test")
    for name, value in [("a", 1), ("b", 1), ("a", 2)]:
        outbox.put(name, value, version=value)
    assert await told(outbox) == [2, 1]


async def test_a_pending_value_is_not_replaced_by_an_older_one():
    outbox = Outbox("test")
    outbox.put("a", "new", version=7)
    outbox.put("a", "old", version=6)
    assert await told(outbox) == ["new"]


async def test_values_that_build_on_each_other_are_merged():
    outbox = Outbox("test", merge=lambda pending, newer: pending + newer)
    outbox.put("a", ["hello"], version=1)
    outbox.put("a", ["bye"], version=2)
    assert await told(outbox) == [["hello", "bye"]]


async def test_a_subscriber_that_reads_too_slowly_is_closed():
    outbox = Outbox("test", max_pending=2)
    for name in "abc":
        outbox.put(name, name)
    outbox.put("d", "d")
    assert len(outbox) == 0
    with pytest.raises(Overloaded):
        await anext(aiter(outbox))


async def test_a_reader_that_waits_is_woken():
    outbox = Outbox("test")
    reading = asyncio.ensure_future(anext(aiter(outbox)))
    await asyncio.sleep(0)
    outbox.put("a", "first")
    assert await reading == "first"


async def test_only_who_watches_an_id_is_told():
    watches = Watches("test")
    with watches.subscribe() as li, watches.subscribe() as wang:
        assert li.watch(["ag_1", "ag_2"]) == {"ag_1", "ag_2"}
        assert wang.watch(["ag_2"]) == {"ag_2"}
        watches.push("ag_1", "one")
        watches.push("ag_2", "two")
        watches.push("ag_3", "three")
        assert await told(li) == ["one", "two"]
        assert await told(wang) == ["two"]


async def test_a_new_set_replaces_the_old_and_names_what_is_new():
    watches = Watches("test")
    with watches.subscribe() as li:
        li.watch(["a", "b"])
        watches.push("a", "pending")
        assert li.watch(["b", "c"]) == {"c"}
        assert sorted(watches.watched()) == ["b", "c"]
        assert not watches.is_watched("a")
        assert await told(li) == []


def test_nothing_is_left_of_a_subscriber_that_went():
    watches = Watches("test")
    with watches.subscribe() as li:
        li.watch(["a"])
    assert watches.watched() == []
    li.put("a", "late")
    assert len(li) == 0


async def requests(*items):
    for item in items:
        yield item


async def test_a_conversation_ends_with_its_requests_and_tells_what_is_pending():
    outbox = Outbox("test")

    async def handle(request):
        outbox.put(request, request)

    assert [value async for value in converse(requests("a", "b"), handle, outbox)] == ["a", "b"]


async def test_a_conversation_ends_with_the_error_of_a_request():
    async def handle(request):
        raise Rejection("NoHello")

    with pytest.raises(Rejection):
        await anext(converse(requests("a"), handle, Outbox("test")))
