"""python -m trunkline_testkit.checker --bootstrap HOST:PORT [--journal FILE]… [--topic NAME=AREA]… [--final]

Prints one JSON line a violation and one with the counts. Exit code 0: none, 1: some.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from trunkline_testkit.checker.journal import read_journal
from trunkline_testkit.checker.log import LEDGERS, LedgerLog, read_records
from trunkline_testkit.checker.rules import check, check_times


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    areas = dict(pair.split("=", 1) for pair in options.topic) or dict(LEDGERS)
    log = LedgerLog.of(asyncio.run(read_records(options.bootstrap, list(areas))), areas)
    entries = [entry for journal in options.journal for entry in read_journal(journal)]
    violations = [*check(log, entries, is_final=options.final), *check_times(log)]
    for violation in violations:
        print(json.dumps(asdict(violation)))
    counts = {
        "records": log.records,
        "events": len(log.events),
        "markers": log.markers,
        "void_records": log.void_records,
        "let_go": len(log.let_go),
        "journal_entries": len(entries),
        "violations": len(violations),
    }
    print(json.dumps(counts))
    return 1 if violations else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m trunkline_testkit.checker", description="Judge ledgers.")
    parser.add_argument("--bootstrap", required=True, help="Kafka, host:port")
    parser.add_argument("--journal", type=Path, action="append", default=[], help="a client's journal (JSON lines)")
    parser.add_argument("--topic", action="append", default=[], help="NAME=AREA; by default all ledgers")
    parser.add_argument("--final", action="store_true", help="the run is over: every contact must have ended")
    return parser


if __name__ == "__main__":
    sys.exit(main())
