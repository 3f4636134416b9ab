"""`trunkline policy`: what an administrator asks of console, and the report of a trial."""

import argparse
import re
from datetime import timedelta
from pathlib import Path

from trunkline_acd.bootstrap import TOPIC as ACD

from trunkline_operator.installation import Installation
from trunkline_operator.options import Verbs, add_source, moment, source_of
from trunkline_operator.policies_by_rest import (
    PolicyClient,
    difference_lines,
    log_in,
    outcome_line,
    policy_text,
    read_policy_file,
    started_lines,
    trial_lines,
    version_lines,
)
from trunkline_operator.trial_history import DIRECTORY
from trunkline_operator.trial_report import report

_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def add_policy(areas: Verbs, installation: Installation) -> None:
    """Add the area with all its commands."""
    policy = areas.add_parser("policy", help="the routing policy of a tenant: publish, compare, roll back, try")
    verbs = policy.add_subparsers(required=True, metavar="show | versions | check | diff | publish | rollback | trial")
    show = verbs.add_parser("show", help="print the queues in force, as a file that can be published")
    versions = verbs.add_parser("versions", help="print the versions that are kept, the newest first")
    check = verbs.add_parser("check", help="print what a file would change; changes nothing")
    diff = verbs.add_parser("diff", help="print what differs between two versions")
    publish = verbs.add_parser("publish", help="make a file the new version")
    rollback = verbs.add_parser("rollback", help="make a new version of an old one's queues")
    trial = verbs.add_parser("trial", help="try a file against the policy in force, by turns")
    _take_file(check, publish)
    _take_note(publish, rollback)
    diff.add_argument("first", type=int, metavar="A")
    diff.add_argument("second", type=int, metavar="B")
    rollback.add_argument("to_version", type=int, metavar="N")
    runs = {show: _show, versions: _versions, check: _check, diff: _diff, publish: _publish, rollback: _roll_back}
    for verb, run in runs.items():
        _take_console(verb, installation)
        verb.set_defaults(run=run)
    _add_trial(trial, installation)


def _add_trial(trial: argparse.ArgumentParser, installation: Installation) -> None:
    verbs = trial.add_subparsers(required=True, metavar="start | list | end | report")
    start = verbs.add_parser("start", help="let a file and the policy in force take turns")
    listed = verbs.add_parser("list", help="print the trials that are kept with their blocks, the newest first")
    end = verbs.add_parser("end", help="end a trial: the baseline is in force again")
    told = verbs.add_parser("report", help="what a trial came to, and how sure that is")
    _take_file(start)
    _take_note(start)
    start.add_argument("--block", type=_span, required=True, metavar="SPAN", help="how long a block lasts: 30m, 2h, 1d")
    start.add_argument("--pairs", type=int, default=6, metavar="N", help="pairs of blocks, 2 to 20 (6)")
    start.add_argument(
        "--start", type=moment, metavar="TIME", help="of the first block, e.g. 2026-01-05T12:00:00Z; without, now"
    )
    for verb in (end, told):
        verb.add_argument("trial_no", type=int, metavar="N")
    for verb, run in {start: _start_trial, listed: _list_trials, end: _end_trial}.items():
        _take_console(verb, installation)
        verb.set_defaults(run=run)
    told.add_argument(
        "--washout", type=_span, metavar="SPAN", help="to leave out at the begin and the end of a block; a tenth of it"
    )
    told.add_argument("--tenant", default="", metavar="TENANT", help="whose; needed where several had such a trial")
    told.add_argument("--json", action="store_true", help="print the last line only")
    add_source(told, installation, DIRECTORY, ACD)
    told.set_defaults(run=_report_trial)


def _take_file(*verbs: argparse.ArgumentParser) -> None:
    for verb in verbs:
        verb.add_argument("file", type=Path, metavar="FILE", help="YAML as for what-if: what changes")


def _take_note(*verbs: argparse.ArgumentParser) -> None:
    for verb in verbs:
        verb.add_argument("--note", default="", metavar="TEXT", help="why, without personal data; stays for ever")
        verb.add_argument(
            "--based-on", type=int, metavar="N", help="the version you looked at; another one is a conflict"
        )


def _take_console(verb: argparse.ArgumentParser, installation: Installation) -> None:
    verb.add_argument("--console", default=installation.console_url, metavar="URL", help="the console")
    verb.add_argument("--login", default="admin", metavar="NAME", help="an administrator (admin)")


def _span(text: str) -> timedelta:
    found = re.fullmatch("([0-9]{1,6})([smhd])", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text} is no span like 45s, 30m, 2h or 1d")
    return timedelta(seconds=int(found[1]) * _UNITS_S[found[2]])


async def _show(options: argparse.Namespace, _: Installation) -> int:
    print(policy_text(log_in(options.console, options.login).get()), end="")
    return 0


async def _versions(options: argparse.Namespace, _: Installation) -> int:
    print(*version_lines(log_in(options.console, options.login).get("/versions")["versions"]), sep="\n")
    return 0


async def _check(options: argparse.Namespace, _: Installation) -> int:
    wanted = read_policy_file(options.file)
    print(*difference_lines(log_in(options.console, options.login).check(wanted)["queues"]), sep="\n")
    return 0


async def _diff(options: argparse.Namespace, _: Installation) -> int:
    compared = log_in(options.console, options.login).get(f"/compare?from={options.first}&to={options.second}")
    print(*difference_lines(compared["queues"]), sep="\n")
    return 0


async def _publish(options: argparse.Namespace, _: Installation) -> int:
    wanted = read_policy_file(options.file)
    client = log_in(options.console, options.login)
    print(outcome_line(client.publish(wanted, options.note, _based_on(options, client))))
    return 0


def _based_on(options: argparse.Namespace, client: PolicyClient) -> int:
    return int(client.get()["version"]) if options.based_on is None else int(options.based_on)


async def _roll_back(options: argparse.Namespace, _: Installation) -> int:
    client = log_in(options.console, options.login)
    print(outcome_line(client.roll_back(options.to_version, options.note, _based_on(options, client))))
    return 0


async def _start_trial(options: argparse.Namespace, _: Installation) -> int:
    candidate = read_policy_file(options.file)
    plan = {"block_duration": f"{options.block.total_seconds():.0f}s", "pairs": options.pairs}
    if options.start:
        plan["start_time"] = options.start.isoformat()
    client = log_in(options.console, options.login)
    based_on, checked = _based_on(options, client), client.check(candidate)
    started = client.start_trial(candidate | plan, options.note, based_on)
    print(*started_lines(started, based_on, checked["queues"]), sep="\n")
    return 0


async def _list_trials(options: argparse.Namespace, _: Installation) -> int:
    print(*trial_lines(log_in(options.console, options.login).get("/trials")["trials"]), sep="\n")
    return 0


async def _end_trial(options: argparse.Namespace, _: Installation) -> int:
    ended = log_in(options.console, options.login).end_trial(options.trial_no)
    print(f"trial {options.trial_no} " + ("is over" if ended["changed"] else "was over before"))
    return 0


async def _report_trial(options: argparse.Namespace, _: Installation) -> int:
    async with source_of(options) as source:
        await report(source, options.trial_no, options.tenant, options.washout, only_json=options.json)
    return 0
