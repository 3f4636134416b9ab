"""What an operator can ask for, from the command line to the exit code: 0 sound or done, 1 problems, 2 bad usage."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from trunkline_acd.bootstrap import TOPIC as ACD_TOPIC
from trunkline_core.errors import Misconfigured, TrunklineError
from trunkline_ledger.kafka.history import ClusterHistory
from trunkline_platform.store_mongo import MongoStore

from trunkline_operator.comparing import compare
from trunkline_operator.copying import copy
from trunkline_operator.explaining import ask_acd, explain
from trunkline_operator.folders import BackupFolder
from trunkline_operator.installation import Installation
from trunkline_operator.keeping import back_up, restore
from trunkline_operator.ledger_days import MAX_HOURS
from trunkline_operator.options import Verbs, add_kafka, add_source, moment, source_of
from trunkline_operator.policy_commands import add_policy
from trunkline_operator.rebuilding import READ_MODELS, abandon, rebuild
from trunkline_operator.replaying import replay
from trunkline_operator.shadowing import shadow
from trunkline_operator.skipping import skip
from trunkline_operator.surging import surge
from trunkline_operator.tailing import tail
from trunkline_operator.verifying import verify
from trunkline_operator.what_if import what_if

MAX_SURGE = 10


def carry_out(arguments: Sequence[str], installation: Installation) -> int:
    """Run a command. Raises: Misconfigured, one sentence."""
    options = _parser(installation).parse_args(arguments)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what went wrong is said in one sentence
    needs_own = getattr(options, "kafka", None) == installation.kafka_bootstrap and not getattr(options, "backup", None)
    try:
        with installation.brokers() if needs_own else nullcontext():
            return int(asyncio.run(options.run(options, installation)))
    except Misconfigured:
        raise
    except TrunklineError as error:
        raise Misconfigured(f"{str(error)[:1].upper()}{str(error)[1:]}.") from error
    except BrokenPipeError:  # whoever reads what we print has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # a folder that may not be written, a disk that is full
        raise Misconfigured(f"{error.filename or 'A file'}: {error.strerror or error}.") from error


def _parser(installation: Installation) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="trunkline", description="Work on the ledgers of an installation, or try a change on a recorded day."
    )
    names = "ledger | backup | restore | projection | explain | what-if | shadow | policy"
    areas = parser.add_subparsers(required=True, metavar=names)
    ledger = areas.add_parser("ledger", help="look at ledgers, move them")
    verbs = ledger.add_subparsers(required=True, metavar="verify | replay | tail | copy | skip")
    _add_verify(verbs, installation)
    _add_replay(verbs, installation)
    _add_tail(verbs, installation)
    _add_copy(verbs, installation)
    _add_skip(verbs, installation)
    _add_backup(areas, installation)
    _add_restore(areas, installation)
    _add_projection(areas)
    _add_explain(areas, installation)
    _add_what_if(areas)
    _add_shadow(areas, installation)
    add_policy(areas, installation)
    return parser


def _add_verify(verbs: Verbs, installation: Installation) -> None:
    verb = verbs.add_parser("verify", help="check epochs, versions, ids, commands, placement and settings")
    add_source(verb, installation)
    verb.set_defaults(run=_verify)


def _add_replay(verbs: Verbs, installation: Installation) -> None:
    verb = verbs.add_parser("replay", help="decide all commands again and compare, byte for byte")
    add_source(verb, installation)
    verb.add_argument("--until", type=moment, metavar="TIME", help="log time, e.g. 2026-01-05T12:00:00Z")
    verb.set_defaults(run=_replay)


def _add_tail(verbs: Verbs, installation: Installation) -> None:
    verb = verbs.add_parser("tail", help="print decoded records as JSON lines; sealed texts stay sealed")
    verb.add_argument("topic", metavar="TOPIC")
    verb.add_argument("--partition", type=int, metavar="N", help="by default all, one after another")
    verb.add_argument("--from", dest="first", type=int, default=0, metavar="OFFSET", help="begin there (0)")
    verb.add_argument("--follow", action="store_true", help="go on with what is written from now on")
    add_kafka(verb, installation)
    verb.set_defaults(run=_tail)


def _add_copy(verbs: Verbs, installation: Installation) -> None:
    verb = verbs.add_parser("copy", help="copy ledgers to an empty cluster byte for byte, while the centre is stopped")
    verb.add_argument("topics", nargs="*", metavar="TOPIC", help="ledgers; by default all")
    verb.add_argument("--to", required=True, metavar="HOST:PORT", help="the brokers of the other cluster")
    add_kafka(verb, installation)
    _add_replication(verb)
    verb.set_defaults(run=_copy)


def _add_skip(verbs: Verbs, installation: Installation) -> None:
    verb = verbs.add_parser("skip", help="let a record go that stopped a partition: for good, for every reader")
    verb.add_argument("topic", metavar="TOPIC")
    verb.add_argument("partition", type=int, metavar="PARTITION")
    verb.add_argument("offset", type=int, metavar="OFFSET", help="where the service says that the partition stopped")
    verb.add_argument("--reason", required=True, metavar="TEXT", help="why, without personal data; stays for ever")
    verb.add_argument("--operator", required=True, metavar="NAME", help="who does it; stays for ever")
    verb.add_argument("--following", type=int, default=0, metavar="N", help="records behind it that you looked at (0)")
    verb.add_argument("--yes", action="store_true", help="do it")
    add_kafka(verb, installation)
    verb.set_defaults(run=_skip)


def _add_backup(areas: Verbs, installation: Installation) -> None:
    verb = areas.add_parser("backup", help="write ledgers and keys of one moment into a folder; the centre may run")
    verb.add_argument("folder", type=Path, metavar="DIR", help="a new folder")
    verb.add_argument("--with-secret", action="store_true", help="also the secret, which opens the keys: guard it")
    add_kafka(verb, installation)
    verb.set_defaults(run=_backup)


def _add_restore(areas: Verbs, installation: Installation) -> None:
    verb = areas.add_parser("restore", help="make an installation of a backup: an empty cluster, no keys yet")
    verb.add_argument("folder", type=Path, metavar="DIR")
    add_kafka(verb, installation)
    _add_replication(verb)
    verb.set_defaults(run=_restore)


def _add_projection(areas: Verbs) -> None:
    projection = areas.add_parser("projection", help="make read models anew")
    verbs = projection.add_subparsers(required=True, metavar="rebuild")
    verb = verbs.add_parser("rebuild", help="from the ledger's beginning, while it is read and the centre runs")
    verb.add_argument("name", metavar="NAME", help=" or ".join(sorted(READ_MODELS)))
    verb.add_argument("--wait", action="store_true", help="until the new one is read")
    verb.add_argument("--abandon", action="store_true", help="end a rebuild without effect")
    verb.set_defaults(run=_rebuild)


def _add_explain(areas: Verbs, installation: Installation) -> None:
    verb = areas.add_parser("explain", help="why a contact went to an agent, or why it still waits, in plain words")
    verb.add_argument("contact", metavar="CONTACT")
    verb.add_argument("--lang", choices=("en", "zh"), default="en", help="language of the sentences (en)")
    verb.add_argument("--tenant", default="", metavar="TENANT", help="whose contact; needed where several have the id")
    verb.add_argument("--json", action="store_true", help="print one JSON object instead")
    add_kafka(verb, installation)
    verb.set_defaults(run=_explain)


def _add_what_if(areas: Verbs) -> None:
    verb = areas.add_parser("what-if", help="play a recorded day with other agents or another policy; needs no centre")
    verb.add_argument("--day", type=Path, required=True, metavar="FILE", help="a recorded day, as those in data/")
    verb.add_argument("--agents", type=int, default=0, metavar="+N", help="more agents of median load; -N: fewer")
    verb.add_argument("--policy", type=Path, metavar="FILE", help="YAML: queues and agents otherwise than on that day")
    forms = verb.add_mutually_exclusive_group()
    forms.add_argument("--compare", action="store_true", help="beside FIFO, strict priority and base seconds")
    forms.add_argument(
        "--surge", type=_times, metavar="N", help="N times the callers, with the agents for it or without"
    )
    verb.add_argument("--seeds", type=_seeds, default=30, metavar="N", help="runs of each day (30)")
    verb.add_argument("--json", action="store_true", help="print the last line only")
    verb.set_defaults(run=_what_if)


def _add_shadow(areas: Verbs, installation: Installation) -> None:
    verb = areas.add_parser("shadow", help="where a policy would decide otherwise, on what the ledger recorded")
    verb.add_argument("--policy", type=Path, required=True, metavar="FILE", help="YAML as for policy publish")
    verb.add_argument("--hours", type=_hours, default=8, metavar="N", help="how long before now, or --until (8)")
    verb.add_argument("--until", type=moment, metavar="TIME", help="log time, e.g. 2026-01-05T12:00:00Z; now")
    verb.add_argument("--tenant", default="", metavar="TENANT", help="whose; needed where several have contacts")
    verb.add_argument("--seeds", type=_seeds, default=30, metavar="N", help="runs of the day (30)")
    verb.add_argument("--json", action="store_true", help="print the last line only")
    add_source(verb, installation, ACD_TOPIC)
    verb.set_defaults(run=_shadow)


def _add_replication(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--replication-factor", type=int, default=1, metavar="N", help="of the topics made (1)")


def _seeds(text: str) -> int:
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError("an interval needs 2 seeds or more")
    return int(text)


def _hours(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_HOURS:
        raise argparse.ArgumentTypeError(f"from 1 to {MAX_HOURS} hours can be played as a day")
    return int(text)


def _times(text: str) -> int:
    if not text.isdecimal() or not 2 <= int(text) <= MAX_SURGE:
        raise argparse.ArgumentTypeError(f"a surge is 2 to {MAX_SURGE} times the callers")
    return int(text)


async def _verify(options: argparse.Namespace, _: Installation) -> int:
    if options.backup:
        BackupFolder(options.backup).check_files()
    async with source_of(options) as source:
        return min(1, await verify(source, options.topics, "" if options.backup else options.kafka))


async def _replay(options: argparse.Namespace, _: Installation) -> int:
    async with source_of(options) as source:
        return min(1, await replay(source, options.topics, options.until))


async def _tail(options: argparse.Namespace, _: Installation) -> int:
    await tail(options.kafka, options.topic, options.partition, options.first, follow=options.follow)
    return 0


async def _skip(options: argparse.Namespace, _: Installation) -> int:
    place = f"{options.topic}/{options.partition}/{options.offset}"
    if not options.yes:
        raise Misconfigured(f"{place} would be let go for good and by every reader: say --yes to do it.")
    await skip(
        options.kafka,
        options.topic,
        options.partition,
        options.offset,
        options.reason,
        options.operator,
        following_count=options.following,
    )
    return 0


async def _copy(options: argparse.Namespace, _: Installation) -> int:
    return min(1, await copy(options.kafka, options.to, options.topics, options.replication_factor))


async def _backup(options: argparse.Namespace, installation: Installation) -> int:
    await back_up(installation, options.kafka, options.folder, with_secret=options.with_secret)
    return 0


async def _restore(options: argparse.Namespace, installation: Installation) -> int:
    return min(1, await restore(installation, options.kafka, options.folder, options.replication_factor))


async def _rebuild(options: argparse.Namespace, installation: Installation) -> int:
    store = MongoStore(installation.mongo_url, installation.mongo_database)
    try:
        if options.abandon:
            await abandon(store, options.name)
        else:
            await rebuild(store, options.name, wait=options.wait)
    finally:
        await store.close()
    return 0


async def _explain(options: argparse.Namespace, installation: Installation) -> int:
    async with ClusterHistory(options.kafka, [ACD_TOPIC]) as history:
        await explain(
            history,
            options.contact,
            options.tenant,
            options.lang,
            datetime.now(UTC),
            partial(ask_acd, installation),
            only_json=options.json,
        )
    return 0


async def _what_if(options: argparse.Namespace, _: Installation) -> int:
    if options.surge:
        if options.agents:
            raise Misconfigured("--surge chooses the agents itself: leave out --agents.")
        surge(options.day, options.surge, options.policy, options.seeds, only_json=options.json)
        return 0
    play = compare if options.compare else what_if
    play(options.day, options.agents, options.policy, options.seeds, only_json=options.json)
    return 0


async def _shadow(options: argparse.Namespace, _: Installation) -> int:
    until = options.until or datetime.now(UTC)
    async with source_of(options) as source:
        await shadow(
            source, options.policy, options.tenant, until, options.hours, options.seeds, only_json=options.json
        )
    return 0
