"""What Kafka and the store have in common: a server that is stopped and started again on the same data.

Owns: what may be asked of its process, which may not be there. Must not: know how a server starts.
"""

from pathlib import Path

from trunkline_core.errors import Misconfigured

from trunkline_embedded.process import ChildProcess


class Server:
    """One server with its data folder; `called` names it in sentences, `log_name` is its log in the folder."""

    __slots__ = ()
    called = "the server"
    log_name = "server.log"
    data: Path
    _process: ChildProcess | None

    @property
    def log(self) -> Path:
        return self.data / self.log_name

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.is_running

    @property
    def returncode(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        return self._process.returncode if self._process else None

    def bound_log(self) -> None:
        """Keep the log below 16 MB; see `ChildProcess.bound_log`."""
        if self._process:
            self._process.bound_log()

    def last_lines(self) -> list[str]:
        """Return the end of the log."""
        return self._process.last_lines() if self._process else []

    def stop(self, timeout_s: float = 15.0) -> None:
        """Shut down in order; killed when that takes more than `timeout_s` seconds."""
        if self._process:
            self._process.stop(timeout_s)

    def terminate(self) -> None:
        """Ask the server to shut down and return at once."""
        if self._process:
            self._process.terminate()

    def kill(self) -> None:
        """End at once (SIGKILL), as a power cut of the process would; what was acknowledged stays."""
        if self._process:
            self._process.kill()

    def _failure(self, what: str) -> Misconfigured:
        return Misconfigured("\n".join([f"{self.called} {what}, its log {self.log} ends so:", *self.last_lines()]))
