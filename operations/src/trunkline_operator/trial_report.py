"""`trunkline policy trial report`: what the blocks of a trial came to under either policy, and how sure that is.

Owns: which blocks and contacts are compared, and that pairs are and not all blocks with each other. Must not: contain a
metric.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from trunkline_analytics.domain.contacts import tenant_answer_rate
from trunkline_analytics.domain.segments import QueueSegment
from trunkline_core.errors import Misconfigured
from trunkline_ledger.audit.stored import RecordSource
from trunkline_simulation.estimates import Estimate, estimate

from trunkline_operator.day_figures import Figures, caller_figures
from trunkline_operator.policies_by_rest import SIDES
from trunkline_operator.report import Figure, estimate_json, print_json, print_table, written, written_estimate
from trunkline_operator.trial_history import Contacts, Pair, PlayedBlock, Trial, read_contacts, read_trial

WASHOUT_DIVISOR: Final = 10
"""A tenth of a block: who comes in its first meets a queue that the other policy left, who comes in its last is served
by the other one.
"""

COMPARED: Final = (
    Figure("offered", "contacts that asked for a person"),
    Figure("answer_rate", "answer rate, without short abandons", is_share=True),
    Figure("service_level", "service level SL1, 20 s", is_share=True),
    Figure("abandon_rate", "abandon rate, without short ones", is_share=True),
    Figure("mean_wait_s", "mean wait of the answered, s"),
    Figure("p90_wait_s", "90 % wait at most, s"),
)
ALL: Final = "all queues"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of some queues: its means over the blocks of either policy, and the difference within the pairs."""

    figure: Figure
    baseline: float
    candidate: float
    difference: Estimate

    @property
    def verdict(self) -> str:
        """What may be said of the difference."""
        if self.difference.half_width is None:
            return "one pair has no spread"
        if self.difference.contains(0):
            return "may be chance"
        return "differs" if self.difference.spread else "no spread"


@dataclass(frozen=True, slots=True)
class Played:
    """The pairs that were played whole, parted by whether they can be compared.

    Attributes:
        compared: those that can.
        stretched: blocks of the others that lasted longer than planned.
        waited_in: blocks of the others whose contacts are not all over: what is known of them flatters.
    """

    compared: tuple[Pair, ...]
    stretched: tuple[PlayedBlock, ...]
    waited_in: tuple[PlayedBlock, ...]


async def report(
    source: RecordSource, trial_no: int, tenant: str, washout: timedelta | None, *, only_json: bool
) -> None:
    """Print what the trial came to so far.

    Args:
        source: where the ledgers of the directory and of acd are.
        trial_no: which trial.
        tenant: whose; empty for the only one that had such a trial.
        washout: how long after the begin and before the end of a block contacts are left out; None for a tenth of it.
        only_json: print nothing but the last line.

    Raises: Misconfigured, one sentence.
    """
    trial = await read_trial(source, trial_no, tenant)
    washout = trial.started.block_duration / WASHOUT_DIVISOR if washout is None else washout
    if 2 * washout >= trial.started.block_duration:
        raise Misconfigured("Nothing is left of a block: leave out less of it at its begin and its end.")
    contacts = await _contacts(source, trial)
    played = _played(trial, contacts, washout)
    queues = [queue.queue_id for queue in trial.started.queues]
    found = {name: compare(played.compared, contacts, washout, queue_id) for name, queue_id in _groups(queues)}
    if not only_json:
        _print(trial, played, washout, found)
    print_json(
        trial_no=trial_no,
        is_over=trial.is_over,
        pairs=trial.started.pairs,
        pairs_compared=len(played.compared),
        blocks_stretched=[block.block_no for block in played.stretched],
        blocks_waited_in=[block.block_no for block in played.waited_in],
        washout_s=washout.total_seconds(),
        groups={name: {each.figure.key: _json(each) for each in row} for name, row in found.items()},
    )


async def _contacts(source: RecordSource, trial: Trial) -> Contacts:
    blocks = [block for pair in trial.pairs() for block in pair]
    if not blocks:
        raise Misconfigured(f"Trial {trial.started.trial_no} has no pair of blocks that was played whole yet.")
    begin, end = min(block.begin_time for block in blocks), max(block.end_time for block in blocks if block.end_time)
    return await read_contacts(source, trial.tenant, begin, end)


def _played(trial: Trial, contacts: Contacts, washout: timedelta) -> Played:
    """Raises: Misconfigured, when no pair can be compared."""
    pairs = trial.pairs()
    stretched = tuple(block for pair in pairs for block in pair if trial.is_stretched(block))
    waited_in = tuple(block for pair in pairs for block in pair if _is_waited_in(block, contacts, washout))
    bad = {*stretched, *waited_in}
    compared = tuple(pair for pair in pairs if not bad.intersection(pair))
    if compared:
        return Played(compared, stretched, waited_in)
    number = trial.started.trial_no
    if waited_in:
        raise Misconfigured(f"No pair of trial {number} can be compared yet, somebody still waits: ask again later.")
    raise Misconfigured(f"In each pair of trial {number} a block lasted longer than planned: nothing can be compared.")


def _is_waited_in(block: PlayedBlock, contacts: Contacts, washout: timedelta) -> bool:
    return any(each.outcome is None for each in _of_block(block, contacts.each, washout))


def _of_block(block: PlayedBlock, contacts: Sequence[QueueSegment], washout: timedelta) -> list[QueueSegment]:
    return [each for each in contacts if block.counts(each.opened_at, washout)]


def compare(pairs: Sequence[Pair], contacts: Contacts, washout: timedelta, queue_id: str) -> list[Comparison]:
    """Return each figure with its mean difference over the pairs that can tell it; one that no pair can is left out.

    Two blocks of a pair lie side by side, so what the hour and the day do to both falls out of their difference.

    Args:
        pairs: those that are compared.
        contacts: those of the blocks, and others.
        washout: how long after the begin and before the end of a block contacts are left out.
        queue_id: contacts that entered there first; empty for all.
    """
    of_queue = [each for each in contacts.each if queue_id in ("", each.queue_id)]
    figures = [
        tuple(_figures(_of_block(block, of_queue, washout), contacts.reached) for block in pair) for pair in pairs
    ]
    return [found for figure in COMPARED if (found := _compared(figure, figures))]


def _figures(contacts: Sequence[QueueSegment], reached: frozenset[str]) -> Figures:
    return caller_figures(contacts, 0) | {"answer_rate": tenant_answer_rate(contacts, reached)}


def _compared(figure: Figure, figures: Sequence[Sequence[Figures]]) -> Comparison | None:
    told = list(_told(figure.key, figures))
    if not told:
        return None
    baseline, candidate = zip(*told, strict=True)
    difference = estimate([late - early for early, late in told])
    return Comparison(figure, estimate(baseline).mean, estimate(candidate).mean, difference)


def _told(key: str, figures: Sequence[Sequence[Figures]]) -> Iterator[tuple[float, float]]:
    for baseline, candidate in figures:
        early, late = baseline[key], candidate[key]
        if early is not None and late is not None:
            yield early, late


def _groups(queues: Sequence[str]) -> list[tuple[str, str]]:
    """The queues that were tried, and all together: who works in one of them is missing in another."""
    return [(ALL, ""), *((queue_id, queue_id) for queue_id in queues)]


# -- what is printed ------------------------------------------------------------------------------------------------


def _print(trial: Trial, played: Played, washout: timedelta, found: Mapping[str, Sequence[Comparison]]) -> None:
    state, plan = "over" if trial.is_over else "running", trial.started.block_duration
    pairs = f"{len(played.compared)} of {trial.started.pairs} pairs compared"
    print(f"Trial {trial.started.trial_no}, {state}: {pairs}. {trial.started.note}")
    for name, rows in found.items():
        columns = [name, *SIDES.values(), "B - A", "pairs", ""]
        print_table(columns, [_row(each) for each in rows])
    print(
        f"Means over blocks of {_span(plan)}. Each contact counts once, in the block and the queue in which it first "
        f"asked for a person;\nwhoever did so in the first or last {_span(washout)} of a block is left out."
    )
    for block in played.stretched:
        lasted = _span((block.end_time or block.begin_time) - block.begin_time)
        print(f"Left out is the pair of block {block.block_no}, which lasted {lasted} and not {_span(plan)}.")
    for block in played.waited_in:
        print(f"Left out is the pair of block {block.block_no}, of which somebody still waits.")
    print(
        "± beside B - A: 95 % interval of its mean over the pairs (Student's t): wide with few of them. Of twenty "
        "figures that do not differ\none seems to: say before a trial which one counts."
    )


def _row(each: Comparison) -> list[object]:
    means = (written(each.figure, value) for value in (each.baseline, each.candidate))
    difference = written_estimate(each.figure, each.difference, is_signed=True)
    return [each.figure.words, *means, difference, each.difference.count, each.verdict]


def _span(span: timedelta) -> str:
    minutes, seconds = divmod(round(span.total_seconds()), 60)
    return f"{minutes} min" + (f" {seconds} s" if seconds else "") if minutes else f"{seconds} s"


def _json(each: Comparison) -> dict[str, object]:
    return {
        "baseline": each.baseline,
        "candidate": each.candidate,
        "difference": estimate_json(each.difference),
        "pairs": each.difference.count,
        "verdict": each.verdict,
    }
