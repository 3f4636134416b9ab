"""TCP ports on the loopback address. Owns the sentence that a user reads when a port is taken."""

import contextlib
import errno
import os
import secrets
import socket
from collections import deque
from typing import Final

import psutil
from trunkline_core.errors import Misconfigured

LOOPBACK: Final = "127.0.0.1"
FIRST_PORT: Final = 20_000
LAST_PORT: Final = 32_000
PART: Final = 1_000
"""So many ports in a row a process asks for, by its id: those that were started together, as the processes of a test
run, ask for different ones; otherwise two that ask at the same time would find the same ones free."""
_given: Final[deque[int]] = deque(maxlen=PART // 2)


def free_port() -> int:
    """Return a port that nobody listens on now, another one at each call: whoever asked before may not listen yet.

    It lies below the range from which Linux takes ports for outgoing connections (32768 and above): a client that
    tries again and again to reach a stopped server inside that range can end up connected to itself and keep the port.
    """
    parts = (LAST_PORT - FIRST_PORT) // PART
    first = FIRST_PORT + os.getpid() % parts * PART
    for _ in range(10 * PART):
        port = first + secrets.randbelow(PART)
        if port in _given:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            _given.append(port)
            return port
    raise Misconfigured(f"No TCP port between {first} and {first + PART} is free: stop some programs.")


def require_free(port: int, what: str, variable: str | None = None) -> None:
    """Check that `port` can be listened on.

    Args:
        port: TCP port on 127.0.0.1.
        what: the program that wants it, e.g. `Kafka`.
        variable: the environment variable that moves it; by default `TRUNKLINE_<WHAT>_PORT`.

    Raises:
        Misconfigured: the port is taken, or this user may not listen on it.
    """
    variable = variable or f"TRUNKLINE_{what.upper().replace(' ', '_')}_PORT"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: TIME_WAIT is not "taken"
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OverflowError as error:
            raise Misconfigured(f"{port} is not a port number (1 to 65535): set {variable}.") from error
        except OSError as error:
            if error.errno == errno.EACCES:
                raise Misconfigured(f"{what} may not listen on port {port}: set {variable} above 1023.") from error
            user = listener_on(port)
            taken, cure = (f"taken by {user}", "stop that") if user else ("taken", "stop what uses it")
            raise Misconfigured(f"Port {port} is {taken}, {what} needs it: {cure} or set {variable}.") from error


def listener_on(port: int) -> str:
    """Return who listens on `port`, e.g. `java (process 4711)`; empty where this user may not know."""
    try:
        for found in psutil.net_connections("tcp"):
            if found.status == psutil.CONN_LISTEN and found.laddr[1:2] == (port,) and found.pid:
                return f"{psutil.Process(found.pid).name()} (process {found.pid})"
    except psutil.Error:
        return ""
    return ""


def accepts(port: int) -> bool:
    """Tell whether somebody accepts connections on `port`."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False
