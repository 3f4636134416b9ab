"""What a user can ask for: run the centre on this machine, let a gateway in, or forget the data."""

import os
import re
import shutil
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Final

from trunkline_core.errors import Misconfigured
from trunkline_embedded.web import build_web
from trunkline_platform.credentials import Credentials, Principal, Role
from trunkline_platform.settings import MIN_SECRET_BYTES

from trunkline_launcher.clusters import require_clusters
from trunkline_launcher.layout import ROOT, WEB, Layout, default_layout, found_secret
from trunkline_launcher.lock import NAME, only_one
from trunkline_launcher.operating import AREAS, operate
from trunkline_launcher.supervisor import Supervisor, require_ports

PASSWORD: Final = "trunkline-demo"
GATEWAY_TOKEN: Final = timedelta(hours=24)
WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def carry_out(arguments: list[str]) -> int:
    """Run a command and return its exit code; what a user can cause is one sentence on stderr."""
    try:
        match arguments:
            case ["run"]:
                run(default_layout())
            case ["reset"]:
                reset(default_layout())
            case ["token", gateway, tenant]:
                print(gateway_token(default_layout(), gateway, tenant))
            case [area, *_] if area in AREAS:
                return operate(default_layout(), arguments)
            case _:
                usage = f"run | reset | token GATEWAY TENANT | {' … | '.join(AREAS)} …"
                print(f"usage: trunkline {usage}", file=sys.stderr)
                return 2
    except Misconfigured as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:  # for example a disk that is full or read-only: the reason and the file say it all
        print(f"{error.filename or 'A file'} cannot be used: {error.strerror or error}.", file=sys.stderr)
        return 1
    return 0


def run(layout: Layout) -> None:
    """Run until Ctrl-C, SIGTERM or the end of the terminal. Raises: Misconfigured."""
    started = time.monotonic()
    for number in ENDING:
        signal.signal(number, interrupt)
    with only_one(layout.data, "use that one, or stop it with Ctrl-C first"):
        require_ports(layout)
        require_clusters(layout)
        supervisor = Supervisor(layout, say)
        try:
            build_web(WEB, say)
            supervisor.start()
            welcome(layout, time.monotonic() - started)
            supervisor.watch()
        except KeyboardInterrupt:
            pass
        finally:
            stop(supervisor, layout)


def stop(supervisor: Supervisor, layout: Layout) -> None:
    """End all processes; a second signal meanwhile ends everything at once."""
    for number in ENDING:
        signal.signal(number, end_at_once)
    began = time.monotonic()
    say("stopping …")
    supervisor.stop()
    say(f"stopped after {time.monotonic() - began:.1f} s; the data stay in {shown(layout.data)}")


def interrupt(_: int, __: FrameType | None) -> None:
    """The first signal."""
    raise KeyboardInterrupt


def end_at_once(_: int, __: FrameType | None) -> None:
    """The second signal: the kernel kills our children with us."""
    os._exit(130)


def welcome(layout: Layout, took_s: float) -> None:
    """Say where everything is, and that a contact can be taken."""
    console = layout.http_url("console")
    print(f"""
  demo shop with the chat widget   {console}/shop/
  agent desk                       {console}/desk
  wall                             {console}/wall
  tickets                          {console}/tickets
{logins()}
  contact API for gateways (gRPC)  {layout.grpc_address("channels")}
  agents' sessions (gRPC)          {layout.grpc_address("acd")}
  Kafka                            {layout.kafka_bootstrap}
  store                            {without_password(layout.mongo_url)}
  logs                             {shown(layout.logs)}

  Ctrl-C stops everything; make demo (in a second terminal) replays a real day; make reset forgets the data.

READY after {took_s:.0f} s""")
    sys.stdout.flush()


def logins() -> str:
    """Return one login per role of the demo tenant; of a user's own seed file nothing is known here."""
    if "TRUNKLINE_CONSOLE_SEED" in os.environ:
        return "\n  log in as your seed file says\n"
    return f"""
  log in as agent                  li     {PASSWORD}     (another one: wang)
            supervisor             zhao   {PASSWORD}
            admin                  admin  {PASSWORD}
"""


def gateway_token(layout: Layout, gateway: str, tenant: str) -> str:
    """Return a credential with which a gateway brings in contacts of one tenant, good for 24 h and for nothing else.

    It goes into the metadata `tl-token` of each gRPC call. Raises: Misconfigured.
    """
    for name, value in (("GATEWAY", gateway), ("TENANT", tenant)):
        if not WORD.fullmatch(value):
            raise Misconfigured(f"{name} must be 1 to 64 letters, digits, dashes and underscores, no dash first.")
    secret = os.environ.get("TRUNKLINE_SECRET") or found_secret(layout.data)
    if len(secret.encode()) < MIN_SECRET_BYTES:
        raise Misconfigured(f"TRUNKLINE_SECRET is wrong: needs at least {MIN_SECRET_BYTES} bytes.")
    principal = Principal(tenant, f"gateway:{gateway}", frozenset({Role.GATEWAY}))
    return Credentials(secret.encode(), GATEWAY_TOKEN).issue(principal)


def reset(layout: Layout) -> None:
    """Forget ledgers, read models, keys and logs. Raises: Misconfigured while the centre runs."""
    if layout.kafka or layout.mongo:
        raise Misconfigured(
            "TRUNKLINE_KAFKA_BOOTSTRAP or TRUNKLINE_MONGO_URL is set: make reset forgets the embedded data only, "
            "and your ledgers could not be read without the keys beside them. Unset both to go on."
        )
    if not layout.data.exists():
        say(f"nothing to forget in {shown(layout.data)}")
        return
    with only_one(layout.data, "stop it with Ctrl-C first"):
        for part in layout.data.iterdir():
            if part.name != NAME:  # we hold it
                forget(part)
    say(f"forgotten: {shown(layout.data)}")


def forget(part: Path) -> None:
    """Delete a file or a folder with all it holds."""
    if part.is_dir() and not part.is_symlink():
        shutil.rmtree(part)
    else:
        part.unlink()


def without_password(url: str) -> str:
    """Return a URL that may be shown."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def shown(path: Path) -> str:
    """Return a path as the user would type it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def say(line: str) -> None:
    """Tell the user what goes on."""
    print(f"trunkline: {line}", flush=True)
