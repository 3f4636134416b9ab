"""`trunkline shadow`: a candidate policy beside the one in force, on what acd's ledger recorded; nothing is changed.

Owns: which part of the ledger is asked, and what is printed. Must not: contain a rule or a metric, or publish anything.
"""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from trunkline_acd.bootstrap import TOPIC
from trunkline_acd.domain.commands import Command
from trunkline_acd.domain.events import Event
from trunkline_acd.domain.state import AcdState, Domain
from trunkline_acd.simulation.shadow import Candidate, Difference, Kind, Shadow, definitions
from trunkline_console.adapters.policies import changed_queues
from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, Misconfigured
from trunkline_core.routing import QueueDefinition
from trunkline_ledger.audit.stored import RecordSource

from trunkline_operator.ledger_days import LedgerDay, as_scenario
from trunkline_operator.ledgers import LEDGERS
from trunkline_operator.policies_by_rest import read_policy_file
from trunkline_operator.replaying import replays
from trunkline_operator.report import print_json, print_table
from trunkline_operator.what_if import tell

MIN_CALLS: Final = 20
"""Answered calls; with fewer nothing can be said about a day."""
EXAMPLES: Final = 20
WORDS: Final = {
    Kind.OTHER_AGENT: "another agent",
    Kind.OTHER_CONTACT: "another contact",
    Kind.LATER: "later",
    Kind.SOONER: "sooner",
    Kind.LEAVES: "leaves",
    Kind.STAYS: "stays",
    Kind.REFUSED: "refused",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What was found for one tenant; `domain` is as it was at the end of the period."""

    shadow: Shadow
    day: LedgerDay
    domain: Domain


async def shadow(
    source: RecordSource, policy: Path, tenant: str, until: datetime, hours: int, seeds: int, *, only_json: bool
) -> None:
    """Print where the candidate decides otherwise, and what it would come to.

    Args:
        source: where acd's ledger is.
        policy: the candidate, a file as for `policy publish`.
        tenant: whose; empty for the only one that has contacts.
        until, hours: the period that is asked.
        seeds: runs of the day; at least 2.
        only_json: print nothing but the last line.

    Raises: Misconfigured, OSError, Transient.
    """
    candidate = read_candidate(policy)
    try:
        found = _of(await _ask(source, candidate, tenant, until, hours), tenant)
    except Invalid as error:
        raise Misconfigured(f"The policy {policy.name} is wrong in {error.field}: {error.reason}.") from None
    if not only_json:
        _print(found.shadow)
    estimate = _estimate(found, candidate, until, seeds, only_json=only_json)
    counts = Counter(str(one.kind) for one in found.shadow.differences)
    asked = {"commands": found.shadow.commands, "offers": found.shadow.offers, "alike": found.shadow.agreed}
    print_json(**asked, differences=dict(sorted(counts.items())), estimate=estimate)


def read_candidate(path: Path) -> Candidate:
    """Return what the file makes of the policy in force; that may raise Invalid. Raises: Misconfigured, OSError."""
    content = read_policy_file(path)
    if unknown := sorted(set(content) - {"every_queue", "queues"}):
        raise Misconfigured(f"The policy {path.name} is wrong in {unknown[0]}: is none of every_queue, queues, agents.")
    every_queue, rows = content.get("every_queue", {}), content.get("queues", [])
    if not isinstance(every_queue, dict):
        raise Misconfigured(f"The policy {path.name} is wrong in every_queue: must be fields with values.")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Misconfigured(f"The policy {path.name} is wrong in queues: must be a list of fields with values.")

    def candidate(in_force: Mapping[str, QueueDefinition]) -> Sequence[QueueDefinition]:
        return changed_queues(every_queue, rows, in_force)

    return candidate


async def _ask(
    source: RecordSource, candidate: Candidate, tenant: str, until: datetime, hours: int
) -> dict[str, Asked]:
    begin = until - timedelta(hours=hours)
    found: dict[str, Asked] = {}

    def watch(state: AcdState, command: Command, context: Context, decided: Sequence[Event]) -> None:
        if context.now < begin or tenant not in ("", context.tenant):
            return
        if context.tenant not in found:
            found[context.tenant] = Asked(Shadow(candidate), LedgerDay(), state.domain(context.tenant))
        asked = found[context.tenant]
        asked.shadow.ask(state, command, context, decided)
        for event in decided:
            asked.day.note(event, context.now)

    async for report in replays(source, LEDGERS[TOPIC], until, watch):
        if report.problems.count:
            print(f"Partition {report.partition} has problems: see `trunkline ledger replay {TOPIC}`.", file=sys.stderr)
    return found


def _of(found: Mapping[str, Asked], tenant: str) -> Asked:
    busy = {name: asked for name, asked in found.items() if asked.shadow.commands}
    if not busy:
        raise Misconfigured("The ledger of acd has nothing of that tenant in that time.")
    if len(busy) > 1:
        raise Misconfigured(f"Several tenants have contacts: say --tenant {' or '.join(sorted(busy))}.")
    return next(iter(busy.values()))


def _print(found: Shadow) -> None:
    share = f"{100 * found.agreed / found.offers:.1f} %" if found.offers else "none"
    print(f"{found.commands} commands, {found.offers} offers, of which the candidate makes {share} alike.")
    if not found.differences:
        return
    queues = sorted({one.queue_id for one in found.differences})
    counts = Counter((one.queue_id, one.kind) for one in found.differences)
    rows = [[queue or "-", *(counts[queue, kind] for kind in WORDS)] for queue in queues]
    print_table(["queue", *WORDS.values()], rows)
    print(f"The first {min(EXAMPLES, len(found.differences))} of {len(found.differences)}:")
    print(*map(_line, found.differences[:EXAMPLES]), sep="\n")


def _line(one: Difference) -> str:
    said = [f"{one.decided_time:%Y-%m-%d %H:%M:%S}Z", one.contact_id or "-", WORDS[one.kind]]
    if one.agent_id or one.candidate_agent_id:
        said.append(f"{one.agent_id or 'nobody'} -> {one.candidate_agent_id or one.candidate_contact_id or 'nobody'}")
    return "  ".join([*said, one.reason]).rstrip()


def _estimate(
    found: Asked, candidate: Candidate, until: datetime, seeds: int, *, only_json: bool
) -> dict[str, object] | None:
    day = found.day.recordings()
    answered = sum(row.is_served for row in day)
    if answered < MIN_CALLS:
        print(f"{answered} answered calls are too few for an estimate; {MIN_CALLS} are needed.", file=sys.stderr)
        return None
    in_force = definitions(found.domain)
    changed = in_force | {queue.queue_id: queue for queue in candidate(in_force)}
    agents = {agent.agent_id: agent.definition for agent in found.domain.agents.values()}
    scenarios = {
        "as_it_was": as_scenario(day, in_force.values(), agents, until),
        "what_if": as_scenario(day, changed.values(), agents, until),
    }
    return tell(day, scenarios, seeds, only_json=only_json)
