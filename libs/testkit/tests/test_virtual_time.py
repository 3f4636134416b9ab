import asyncio
import time
from datetime import timedelta

import pytest
from trunkline_testkit import virtual_time as module
from trunkline_testkit.virtual_time import START, run_virtually, virtual_monotonic, virtual_now, virtual_time


def test_a_year_of_sleeping_takes_no_time():
    began = time.monotonic()
    run_virtually(asyncio.sleep(365 * 24 * 3600))
    assert time.monotonic() - began < 5


@virtual_time
async def test_clocks_show_what_was_slept():
    await asyncio.sleep(90.5)
    assert virtual_monotonic() == 90.5
    assert virtual_now() == START + timedelta(seconds=90.5)


@virtual_time
async def test_timers_fire_in_order_of_their_due_times():
    fired = []

    async def fire(after_s):
        await asyncio.sleep(after_s)
        fired.append((after_s, virtual_monotonic()))

    await asyncio.gather(*(fire(after_s) for after_s in (3, 1, 2, 0.5)))
    assert fired == [(0.5, 0.5), (1, 1), (2, 2), (3, 3)]


@virtual_time
async def test_what_can_run_runs_before_time_moves():
    queue = asyncio.Queue()

    async def produce():
        for number in range(1000):
            await queue.put(number)
            await asyncio.sleep(0)

    producer = asyncio.create_task(produce())
    async with asyncio.timeout(0.001):
        for _ in range(1000):
            await queue.get()
    await producer
    assert virtual_monotonic() == 0


@virtual_time
async def test_a_time_out_ends_a_wait_at_its_virtual_time():
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), 30)
    assert virtual_monotonic() == 30


@pytest.mark.parametrize("number", [1, 2])
@virtual_time
async def test_arguments_of_a_test_are_passed_on(number, tmp_path):
    assert number in (1, 2) and tmp_path.exists()


def test_a_deadlock_is_an_error_instead_of_a_hanging_test(monkeypatch):
    monkeypatch.setattr(module, "STUCK_AFTER_S", 0.01)
    with pytest.raises(RuntimeError, match="nothing will ever happen"):
        run_virtually(asyncio.Event().wait())


@virtual_time
async def test_a_thread_is_waited_for_in_real_time():
    assert await asyncio.to_thread(lambda: "done") == "done"
