"""What several commands take: brokers or a backup, and times."""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from trunkline_ledger.audit.stored import RecordSource
from trunkline_ledger.kafka.history import ClusterHistory

from trunkline_operator.folders import BackupFolder
from trunkline_operator.installation import Installation
from trunkline_operator.ledgers import chosen

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_source(verb: argparse.ArgumentParser, installation: Installation, *topics: str) -> None:
    """Let a command read ledgers of a cluster or of a backup: these, or without any those that the user names."""
    if topics:
        verb.set_defaults(topics=topics)
    else:
        verb.add_argument("topics", nargs="*", metavar="TOPIC", help="ledgers; by default all")
    verb.add_argument("--backup", type=Path, metavar="DIR", help="look into a backup instead of a cluster")
    add_kafka(verb, installation)


def add_kafka(verb: argparse.ArgumentParser, installation: Installation) -> None:
    """Let a command take brokers. Where those of the installation are meant, and no backup, `carry_out` lets the
    embedded ones run meanwhile.
    """
    verb.add_argument("--kafka", default=installation.kafka_bootstrap, metavar="HOST:PORT", help="the brokers")


def moment(text: str) -> datetime:
    """Return the time, in UTC where it names no zone. Raises: ArgumentTypeError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no time like 2026-01-05T12:00:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@asynccontextmanager
async def source_of(options: argparse.Namespace) -> AsyncIterator[RecordSource]:
    """Yield where the ledgers `topics` are. Raises: Misconfigured."""
    names = list(chosen(options.topics))
    if options.backup:
        yield BackupFolder(options.backup)
        return
    async with ClusterHistory(options.kafka, names) as history:
        yield history
