"""What an operator can ask for, from the command line to the exit code: 0 sound or done, 1 problems, 2 bad usage."""

import argparse
import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from trunkline_core.errors import Misconfigured, TrunklineError
from trunkline_ledger.kafka.history import ClusterHistory

from trunkline_operator.copying import copy
from trunkline_operator.installation import Installation
from trunkline_operator.ledgers import chosen
from trunkline_operator.replaying import replay
from trunkline_operator.tailing import tail
from trunkline_operator.verifying import verify

Subparsers = argparse._SubParsersAction


def carry_out(arguments: Sequence[str], installation: Installation) -> int:
    """Run a command. Raises: Misconfigured, one sentence."""
    options = _parser(installation).parse_args(arguments)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what went wrong is said in one sentence
    try:
        return int(asyncio.run(options.run(options, installation)))
    except Misconfigured:
        raise
    except TrunklineError as error:
        raise Misconfigured(f"{str(error)[:1].upper()}{str(error)[1:]}.") from error


def _parser(installation: Installation) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="trunkline", description="Work on the ledgers of an installation.")
    areas = parser.add_subparsers(required=True, metavar="ledger")
    ledger = areas.add_parser("ledger", help="look at ledgers, move them")
    verbs = ledger.add_subparsers(required=True, metavar="verify | replay | tail | copy")
    _add_verify(verbs, installation)
    _add_replay(verbs, installation)
    _add_tail(verbs, installation)
    _add_copy(verbs, installation)
    return parser


def _add_verify(verbs: "Subparsers[argparse.ArgumentParser]", installation: Installation) -> None:
    verb = verbs.add_parser("verify", help="check epochs, versions, ids, commands, placement and settings")
    _add_source(verb, installation)
    verb.set_defaults(run=_verify)


def _add_replay(verbs: "Subparsers[argparse.ArgumentParser]", installation: Installation) -> None:
    verb = verbs.add_parser("replay", help="decide all commands again and compare, byte for byte")
    _add_source(verb, installation)
    verb.add_argument("--until", type=_moment, help="log time, e.g. 2026-01-05T12:00:00Z")
    verb.set_defaults(run=_replay)


def _add_tail(verbs: "Subparsers[argparse.ArgumentParser]", installation: Installation) -> None:
    verb = verbs.add_parser("tail", help="print decoded records as JSON lines; sealed texts stay sealed")
    verb.add_argument("topic", metavar="TOPIC")
    verb.add_argument("--partition", type=int, help="one partition; by default all, one after another")
    verb.add_argument("--from", dest="first", type=int, default=0, metavar="OFFSET", help="begin there (0)")
    verb.add_argument("--follow", action="store_true", help="go on with what is written from now on")
    _add_kafka(verb, installation)
    verb.set_defaults(run=_tail)


def _add_copy(verbs: "Subparsers[argparse.ArgumentParser]", installation: Installation) -> None:
    verb = verbs.add_parser("copy", help="copy ledgers to an empty cluster byte for byte, while the centre is stopped")
    _add_source(verb, installation)
    verb.add_argument("--to", required=True, metavar="HOST:PORT", help="the brokers of the other cluster")
    verb.add_argument("--replication-factor", type=int, default=1, metavar="N", help="of the topics there (1)")
    verb.set_defaults(run=_copy)


def _add_source(verb: argparse.ArgumentParser, installation: Installation) -> None:
    verb.add_argument("topics", nargs="*", metavar="TOPIC", help="ledgers; by default all")
    _add_kafka(verb, installation)


def _add_kafka(verb: argparse.ArgumentParser, installation: Installation) -> None:
    verb.add_argument("--kafka", default=installation.kafka_bootstrap, metavar="HOST:PORT", help="the brokers")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no time like 2026-01-05T12:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def _verify(options: argparse.Namespace, _: Installation) -> int:
    async with _source(options) as source:
        return min(1, await verify(source, options.topics, options.kafka))


async def _replay(options: argparse.Namespace, _: Installation) -> int:
    async with _source(options) as source:
        return min(1, await replay(source, options.topics, options.until))


async def _tail(options: argparse.Namespace, _: Installation) -> int:
    await tail(options.kafka, options.topic, options.partition, options.first, follow=options.follow)
    return 0


async def _copy(options: argparse.Namespace, _: Installation) -> int:
    return min(1, await copy(options.kafka, options.to, options.topics, options.replication_factor))


def _source(options: argparse.Namespace) -> ClusterHistory:
    return ClusterHistory(options.kafka, list(chosen(options.topics)))
