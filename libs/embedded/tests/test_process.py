import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from trunkline_core.errors import Misconfigured
from trunkline_embedded import process
from trunkline_embedded.process import ChildProcess
from waiting import wait_until

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(300)"
)
COUNTING = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda number, frame: print("asked", flush=True))
print("up", flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.02)
print("finished", flush=True)
"""
PARENT = """
import sys, threading, time
from pathlib import Path
from trunkline_embedded.process import ChildProcess
started = []
thread = threading.Thread(target=lambda: started.append(ChildProcess(["sleep", "300"], Path(sys.argv[1]))))
thread.start()
thread.join()  # the child must stay although the thread that asked for it has ended
print(started[0].pid, flush=True)
time.sleep(300)
"""


def state_of(pid):
    """Return the kernel's letter: S sleeps, T stands still, Z has ended and waits to be collected."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def is_alive(pid):
    try:
        return state_of(pid) not in "ZX"
    except FileNotFoundError:
        return False


def is_sleep(pid):
    return is_alive(pid) and Path(f"/proc/{pid}/comm").read_text().strip() == "sleep"


def test_a_child_dies_with_its_killed_parent(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, tmp_path / "log"], stdout=subprocess.PIPE, text=True
    ) as parent:
        child = int(parent.stdout.readline())
        wait_until(lambda: is_sleep(child), "the child runs its own program")
        parent.kill()
    wait_until(lambda: not is_alive(child), "it ended as well")


def test_a_child_leads_a_session_of_its_own_so_ctrl_c_does_not_reach_it(tmp_path):
    child = ChildProcess(["sleep", "300"], tmp_path / "log")
    try:
        assert os.getsid(child.pid) == child.pid != os.getsid(0)
    finally:
        child.kill()


def test_stop_ends_a_polite_child_with_sigterm(tmp_path):
    child = ChildProcess(["sleep", "300"], tmp_path / "log")
    wait_until(lambda: is_sleep(child.pid), "the child runs its own program")
    child.stop()
    assert not child.is_running
    assert child.returncode == -signal.SIGTERM


def test_a_child_that_was_asked_to_end_is_not_asked_again_while_it_finishes(tmp_path):
    child = ChildProcess([sys.executable, "-c", COUNTING, tmp_path / "go"], tmp_path / "log")
    wait_until(lambda: child.last_lines() == ["up"], "the child wrote that")
    child.terminate()
    wait_until(lambda: child.last_lines() == ["up", "asked"], "the child wrote that")
    waiting = threading.Thread(target=child.stop)
    waiting.start()
    child.terminate()
    (tmp_path / "go").touch()
    waiting.join()
    assert child.last_lines() == ["up", "asked", "finished"]
    assert child.returncode == 0


def test_stop_kills_a_child_that_ignores_sigterm(tmp_path):
    child = ChildProcess([sys.executable, "-c", STUBBORN], tmp_path / "log")
    wait_until(lambda: child.last_lines() == ["up"], "the child wrote that")
    child.stop(timeout_s=0.2)
    assert child.returncode == -signal.SIGKILL


def test_kill_takes_the_childs_children_along(tmp_path):
    child = ChildProcess(["sh", "-c", "sleep 300 & echo $!; wait"], tmp_path / "log")
    wait_until(lambda: child.last_lines(), "the child wrote that")
    (grandchild,) = map(int, child.last_lines())
    child.kill()
    wait_until(lambda: not is_alive(grandchild), "it ended as well")


def test_a_paused_child_still_stops(tmp_path):
    child = ChildProcess(["sleep", "300"], tmp_path / "log")
    wait_until(lambda: is_sleep(child.pid), "the child runs its own program")
    child.pause()
    assert state_of(child.pid) == "T"
    child.resume()
    assert state_of(child.pid) != "T"
    child.pause()
    child.stop()
    assert child.returncode == -signal.SIGTERM


def test_the_log_keeps_what_earlier_runs_wrote(tmp_path):
    for word in ("first", "second"):
        assert ChildProcess(["echo", word], tmp_path / "deep" / "log").wait(10)
    assert (tmp_path / "deep" / "log").read_text() == "first\nsecond\n"


def test_a_large_log_moves_aside(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "LOG_LIMIT_BYTES", 10)
    (tmp_path / "log").write_text("more than ten bytes\n")
    assert ChildProcess(["echo", "new"], tmp_path / "log").wait(10)
    assert (tmp_path / "log").read_text() == "new\n"
    assert (tmp_path / "log.1").read_text() == "more than ten bytes\n"


def test_the_log_of_a_program_that_runs_on_moves_aside_too(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "LOG_LIMIT_BYTES", 10)
    script = "echo more than ten bytes; while [ ! -e go ]; do sleep 0.02; done; echo new"
    child = ChildProcess(["sh", "-c", script], tmp_path / "log", cwd=tmp_path)
    wait_until(lambda: child.last_lines() == ["more than ten bytes"], "the child wrote that")
    child.bound_log()
    (tmp_path / "go").touch()
    assert child.wait(10)
    assert (tmp_path / "log").read_text() == "new\n"
    assert (tmp_path / "log.1").read_text() == "more than ten bytes\n"


def test_a_small_log_stays_where_it_is(tmp_path):
    child = ChildProcess(["echo", "word"], tmp_path / "log")
    assert child.wait(10)
    child.bound_log()
    assert child.last_lines() == ["word"]
    assert not (tmp_path / "log.1").exists()


def test_a_missing_program_is_one_sentence(tmp_path):
    with pytest.raises(Misconfigured, match="The program no-such-program is missing"):
        ChildProcess(["no-such-program"], tmp_path / "log")


def test_a_log_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match="sleep cannot start"):
        ChildProcess(["sleep", "300"], tmp_path / "file" / "log")


def test_a_ctrl_c_while_a_child_is_being_started_breaks_nothing(tmp_path, monkeypatch):
    """Who waits is taken away; the start comes to its end, and the child's leash ends it with this process."""
    popen, started = subprocess.Popen, []

    class Interrupted(process.Future):
        def result(self, timeout=None):
            raise KeyboardInterrupt

    def slow(*arguments, **named):
        time.sleep(0.1)
        started.append(popen(*arguments, **named))
        return started[-1]

    monkeypatch.setattr(process, "Future", Interrupted)
    monkeypatch.setattr(process.subprocess, "Popen", slow)
    with pytest.raises(KeyboardInterrupt):
        ChildProcess(["sleep", "300"], tmp_path / "log")
    wait_until(lambda: started, "the child was started")
    started[0].kill()
    started[0].wait()
