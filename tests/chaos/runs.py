"""One chaos run from the first process to the verdict. Owns: the order of its parts. Must not: break or judge."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chaos.evidence import new_types, write_evidence
from chaos.judgement import Judgement, judge, last_line, what_is_wrong
from chaos.orders import Orders
from chaos.scene import Scene
from chaos.torment import Torment


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run ended with. `figures`: the last line; `reasons`: why it failed, none when it did not."""

    found: Judgement
    figures: dict[str, object]
    reasons: Sequence[str]


async def run(orders: Orders, folder: Path) -> Outcome:
    """Run once in a folder of its own; everything that was started is ended."""
    scene = Scene(folder, orders)
    try:
        began = time.monotonic()
        await scene.start()
        say(f"up after {time.monotonic() - began:.0f} s: {orders.brokers} broker(s), seed {orders.seed}")
        torment = Torment(scene, folder / "faults.jsonl")
        await torment.run(orders.minutes)
        say("faults are over")
        await scene.whole()
        counts = {kind: await scene.loads[kind].finish() for kind in ("callers", "desks")}
        say(f"clients went home: {json.dumps(counts)}")
        found = await judge(scene, torment)
        say(f"first upgrades, old replicas that stood aside, events of the new type: {new_types(found)}")
        reasons, figures = list(what_is_wrong(scene, found)), last_line(scene, torment, found)
        if orders.keeps_evidence:
            say(f"written: {write_evidence(scene, torment, found, counts, figures, reasons).name}")
        return Outcome(found, figures, reasons)
    finally:
        await scene.stop()


def say(what: str) -> None:
    """Print for whoever watches."""
    print(what, flush=True)
