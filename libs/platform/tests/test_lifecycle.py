import asyncio
import os
import signal
import subprocess
import sys
import textwrap

import pytest
from trunkline_core.errors import Misconfigured
from trunkline_platform.lifecycle import Process, running


def closing(calls, name):
    async def close():
        calls.append(name)

    return close


async def forever():
    await asyncio.Event().wait()


async def test_the_end_goes_backwards_with_readiness_off_first():
    calls = []

    async def bootstrap(process):
        assert process.unready() == ["starting"]
        process.on_stop("ledger", closing(calls, "ledger"))

        async def close_grpc():
            calls.append(process.unready())

        process.on_stop("grpc", close_grpc)
        process.add("work", forever())

    async with running("test", bootstrap) as process:
        assert process.unready() == []
    assert calls == [["stopping"], "ledger"]


async def test_what_a_task_uses_is_closed_after_the_task():
    calls = []

    async def work():
        try:
            await forever()
        finally:
            await asyncio.sleep(0)
            calls.append("work ended")

    async def bootstrap(process):
        process.on_stop("store", closing(calls, "store"))
        process.add("work", work())
        process.on_stop("grpc", closing(calls, "grpc"))

    async with running("test", bootstrap):
        await asyncio.sleep(0)
    assert calls == ["grpc", "work ended", "store"]


@pytest.mark.parametrize("stop_first", [True, False])
async def test_a_task_that_returns_by_its_own_stop_is_not_cancelled(stop_first):
    calls, stop, stopped = [], asyncio.Event(), asyncio.Event()

    async def work():
        await stop.wait()
        calls.append("returned")
        stopped.set()

    async def end():
        stop.set()
        await stopped.wait()

    async def bootstrap(process):
        if stop_first:
            process.on_stop("work", end)
        process.add("work", work())
        if not stop_first:
            process.on_stop("work", end)

    async with running("test", bootstrap):
        await asyncio.sleep(0)
    assert calls == ["returned"]


async def test_readiness_is_the_sum_of_the_checks():
    caught_up = False

    async def bootstrap(process):
        process.ready("ledger", lambda: caught_up)
        process.ready("store", lambda: True)

    async with running("test", bootstrap) as process:
        assert process.unready() == ["ledger"]
        caught_up = True
        assert process.unready() == []


async def test_a_task_that_fails_ends_the_process_and_the_rest_is_closed():
    calls = []

    async def fail():
        raise RuntimeError("broken")

    async def bootstrap(process):
        process.on_stop("ledger", closing(calls, "ledger"))
        process.add("work", forever())
        process.add("broken", fail())

    with pytest.raises(ExceptionGroup) as failed:
        await Process("test").run(bootstrap)
    assert failed.group_contains(RuntimeError, match="broken")
    assert calls == ["ledger"]


async def test_a_failed_start_closes_what_was_started():
    calls = []

    async def bootstrap(process):
        process.on_stop("ledger", closing(calls, "ledger"))
        raise Misconfigured("TRUNKLINE_X is wrong.")

    with pytest.raises(Misconfigured, match="TRUNKLINE_X"):
        await Process("test").run(bootstrap)
    assert calls == ["ledger"]


async def test_one_part_that_cannot_close_does_not_keep_the_others_open():
    calls = []

    async def fail():
        raise OSError("already gone")

    async def bootstrap(process):
        process.on_stop("first", closing(calls, "first"))
        process.on_stop("second", fail)

    async with running("test", bootstrap):
        pass
    assert calls == ["first"]


async def test_a_stop_during_the_start_ends_it():
    async def bootstrap(process):
        process.stop()
        await forever()

    await Process("test").run(bootstrap)


def test_tasks_belong_to_a_bootstrap():
    with pytest.raises(RuntimeError, match="bootstrap"):
        Process("test").add("early", forever())


async def test_what_is_added_while_the_process_ends_by_a_failure_does_not_begin():
    begun = []

    async def late():
        begun.append("late")

    async def add_in_the_end(process):
        try:
            await forever()
        finally:
            process.add("late", late())

    async def fail():
        raise RuntimeError("broken")

    async def bootstrap(process):
        process.add("work", add_in_the_end(process))
        await asyncio.sleep(0)
        process.add("broken", fail())

    with pytest.raises(ExceptionGroup):
        await Process("test").run(bootstrap)
    assert begun == []


def script(body):
    source = "import asyncio\nfrom trunkline_core.errors import Misconfigured\n"
    source += "from trunkline_platform.lifecycle import run_service\n"
    source += textwrap.dedent(body)
    return subprocess.Popen(
        [sys.executable, "-c", source], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )


SERVICE = """
    async def stop():
        print("closed", flush=True)
        await asyncio.sleep({pause})
    async def bootstrap(process):
        process.on_stop("part", stop)
        print("up", flush=True)
    run_service("test", bootstrap)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_ends_the_process_in_order(number):
    child = script(SERVICE.format(pause=0))
    assert child.stdout.readline() == "up\n"
    child.send_signal(number)
    out, err = child.communicate(timeout=20)
    assert (child.returncode, out) == (0, "closed\n"), err


def test_a_second_signal_ends_the_process_at_once():
    child = script(SERVICE.format(pause=60))
    assert child.stdout.readline() == "up\n"
    child.send_signal(signal.SIGTERM)
    assert child.stdout.readline() == "closed\n"
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=20)
    assert child.returncode == 1


def test_what_is_misconfigured_is_one_sentence_and_exit_code_78():
    child = script(
        """
        async def bootstrap(process):
            raise Misconfigured("TRUNKLINE_X is not set.")
        run_service("test", bootstrap)
        """
    )
    _, err = child.communicate(timeout=20)
    assert (child.returncode, err) == (78, "test: TRUNKLINE_X is not set.\n")


def test_a_failure_is_logged_and_exits_with_1():
    child = script(
        """
        async def bootstrap(process):
            raise KeyError("a value nobody should read")
        run_service("test", bootstrap)
        """
    )
    _, err = child.communicate(timeout=20)
    assert child.returncode == 1
    assert '"message": "process failed"' in err and "KeyError" in err
    assert "nobody should read" not in err


def test_a_task_of_a_library_that_ignores_its_cancellation_does_not_keep_the_process_alive():
    child = script(
        """
        kept = set()
        async def stubborn():
            while True:
                try:
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    print("no", flush=True)
        async def bootstrap(process):
            kept.add(asyncio.create_task(stubborn()))
            await asyncio.sleep(0)
            raise KeyError("failed")
        run_service("test", bootstrap)
        """
    )
    try:
        out, err = child.communicate(timeout=60)
    finally:
        child.kill()
    assert (child.returncode, out) == (1, "no\n"), err


DEAF = """
    from trunkline_platform import lifecycle
    lifecycle.STOP_STEP_S = lifecycle.LEAVE_S = 0.2
    async def deaf():
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                pass
    async def fail():
        raise KeyError("failed")
    async def close():
        print("closed", flush=True)
    async def bootstrap(process):
        process.on_stop("part", close)
        process.add("deaf", deaf())
        {then}
    run_service("test", bootstrap)
"""


@pytest.mark.parametrize(
    ("then", "code"), [("process.stop()", 0), ("process.add('broken', fail())", 1)], ids=["stopped", "failed"]
)
def test_a_task_that_swallows_its_cancellation_keeps_neither_the_rest_open_nor_the_process_alive(then, code):
    child = script(DEAF.format(then=then))
    try:
        out, err = child.communicate(timeout=60)
    finally:
        child.kill()
    assert (child.returncode, out) == (code, "closed\n"), err
    assert '"message": "task goes on"' in err
