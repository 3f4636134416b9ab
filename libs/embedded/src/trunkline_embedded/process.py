"""Child processes that never outlive their parent. Owns start, log file and end of one process; knows no program.

A child leads a session of its own, so Ctrl-C reaches the supervisor alone, which then decides. The kernel kills
the child when the starting *thread* ends (prctl(2)), therefore one thread that lives as long as the process starts all.
"""

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Final

from trunkline_core.errors import Misconfigured

LEASH: Final = Path(__file__).with_name("leash.py")
LOG_LIMIT_BYTES: Final = 16 * 1024 * 1024

_Start = tuple[Callable[[], "subprocess.Popen[bytes]"], "Future[subprocess.Popen[bytes]]"]


class ChildProcess:
    """One running program with its own log file."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        """Start the program.

        Args:
            argv: program (found on PATH if it has no slash) and arguments.
            log: receives stdout and stderr, appended; above 16 MB the older part moves to `<log>.1` first.
            env: the whole environment; by default this process's.
            cwd: working directory; by default this process's.

        Raises:
            Misconfigured: there is no such program, or the log cannot be written.
        """
        self.log = log
        self._is_asked_to_end = False
        self._process = _start(_resolved(argv, env), log, env, cwd)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        """Exit code, negative for a signal; None while the program runs."""
        return self._process.poll()

    def wait(self, timeout_s: float) -> bool:
        """Wait until the program has ended; False when it still runs after `timeout_s` seconds."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program and all its children; nothing happens when it has ended."""
        if self.is_running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def pause(self) -> None:
        """Freeze the program and its children (SIGSTOP). Returns when its last thread stands still, or it ended."""
        self.signal(signal.SIGSTOP)
        if self.is_running:
            os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """Undo `pause`."""
        self.signal(signal.SIGCONT)

    def terminate(self) -> None:
        """Ask the program to end (SIGTERM to it alone) and return at once.

        It is asked once: a second SIGTERM would make our services end without finishing.
        """
        if self.is_running and not self._is_asked_to_end:
            self._is_asked_to_end = True
            self._process.send_signal(signal.SIGTERM)
            self._process.send_signal(signal.SIGCONT)  # a paused program could not end

    def stop(self, timeout_s: float = 10.0) -> None:
        """Ask the program to end, kill it after `timeout_s` seconds. Returns when it is gone."""
        self.terminate()
        if not self.wait(timeout_s):
            self.kill()

    def kill(self) -> None:
        """End the program and all its children at once, with SIGKILL. Returns when it is gone."""
        self.signal(signal.SIGKILL)
        self._process.wait()

    def bound_log(self) -> None:
        """Move what the log holds to `<log>.1` when it has grown above 16 MB; call it now and then.

        The program keeps its open file, which is emptied under it: what it writes between copy and emptying is lost.
        """
        with contextlib.suppress(OSError):  # a full disk or a log that somebody removed must not end the supervisor
            if self.log.stat().st_size > LOG_LIMIT_BYTES:
                shutil.copyfile(self.log, _older(self.log))
                os.truncate(self.log, 0)

    def last_lines(self, count: int = 20) -> list[str]:
        """Return the end of the log."""
        with self.log.open(encoding="utf-8", errors="replace") as lines:
            return [line.rstrip() for line in deque(lines, maxlen=count)]


def _older(log: Path) -> Path:
    return log.with_name(log.name + ".1")


def _resolved(argv: Sequence[str | Path], env: Mapping[str, str] | None) -> list[str]:
    program = shutil.which(str(argv[0]), path=None if env is None else env.get("PATH"))
    if program is None:
        raise Misconfigured(f"The program {argv[0]} is missing or not executable: install it or run make setup.")
    return [str(Path(program).absolute()), *map(str, argv[1:])]


def _start(argv: list[str], log: Path, env: Mapping[str, str] | None, cwd: Path | None) -> "subprocess.Popen[bytes]":
    leashed = [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), *argv]

    def start() -> "subprocess.Popen[bytes]":
        with log.open("ab") as output:  # here: a Ctrl-C takes whoever waits away, and would close it under our hands
            return subprocess.Popen(
                leashed,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=env,
                cwd=cwd,
                start_new_session=True,
            )

    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
            log.replace(_older(log))
        return _on_lasting_thread(start)
    except OSError as error:
        raise Misconfigured(f"{Path(argv[0]).name} cannot start ({error.strerror}: {error.filename}).") from error


_starts: "queue.SimpleQueue[_Start]" = queue.SimpleQueue()
_lasting_thread_lock = threading.Lock()
_lasting_thread: threading.Thread | None = None


def _on_lasting_thread(start: Callable[[], "subprocess.Popen[bytes]"]) -> "subprocess.Popen[bytes]":
    global _lasting_thread
    with _lasting_thread_lock:
        if _lasting_thread is None or not _lasting_thread.is_alive():  # not alive: in the child of a fork
            _lasting_thread = threading.Thread(target=_serve_starts, name="child-starter", daemon=True)
            _lasting_thread.start()
    outcome: Future[subprocess.Popen[bytes]] = Future()
    _starts.put((start, outcome))
    return outcome.result()


def _serve_starts() -> None:
    while True:
        start, outcome = _starts.get()
        try:
            outcome.set_result(start())
        except OSError as error:
            outcome.set_exception(error)
