"""`trunkline run | reset`: start the whole centre on this machine, or forget its data."""

import contextlib
import shutil
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from trunkline_core.errors import Misconfigured
from trunkline_embedded.web import build_web

from trunkline_launcher.layout import ROOT, Layout, default_layout
from trunkline_launcher.supervisor import Supervisor

WEB = ROOT / "services" / "console" / "web"
PASSWORD = "trunkline-demo"


def main(arguments: list[str]) -> int:
    try:
        match arguments:
            case ["run"]:
                run(default_layout())
            case ["reset"]:
                reset(default_layout())
            case _:
                print("usage: trunkline run | reset", file=sys.stderr)
                return 2
    except Misconfigured as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def run(layout: Layout) -> None:
    """Run until Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, interrupt)
    started = time.monotonic()
    supervisor = Supervisor(layout, say)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            build_web(WEB, say)
            supervisor.start()
            welcome(layout, time.monotonic() - started)
            supervisor.watch()
    finally:
        signal.signal(signal.SIGINT, end_at_once)
        say("stopping …")
        supervisor.stop()
        say("stopped; the data stay in " + shown(layout.data))


def interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def end_at_once(_: int, __: FrameType | None) -> None:
    """A second Ctrl-C: the children die with us."""
    sys.exit(130)


def welcome(layout: Layout, took_s: float) -> None:
    console = layout.http_url("console")
    print(f"""
  demo shop with the chat widget   {console}/shop/
  agent desk                       {console}/desk        li or wang / {PASSWORD}
  wall                             {console}/wall        zhao / {PASSWORD}
  administration                   {console}/            admin / {PASSWORD}
  gRPC                             {", ".join(f"{name} {layout.grpc_address(name)}" for name in ("channels", "acd"))}
  Kafka {layout.kafka_bootstrap}   store {layout.mongo_url}   logs {shown(layout.logs)}
  Ctrl-C stops everything; make demo (in a second terminal) replays a real day; make reset forgets the data.

READY after {took_s:.0f} s""")
    sys.stdout.flush()


def reset(layout: Layout) -> None:
    """Forget ledgers, read models, keys and logs."""
    if (layout.data / "kafka" / "running").exists():
        raise Misconfigured("Stop `make run` first.")
    shutil.rmtree(layout.data, ignore_errors=True)
    say("forgotten: " + shown(layout.data))


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def say(line: str) -> None:
    print(f"trunkline: {line}", flush=True)


def script() -> None:
    """The console script `trunkline`."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    script()
