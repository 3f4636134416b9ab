"""`trunkline policy trial report`: what the blocks of a trial came to under either policy, and how sure that is.

Owns: which contacts belong to which block, and that pairs are compared and not all blocks with each other. Must not:
contain a metric.
"""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from trunkline_acd.bootstrap import TOPIC as ACD
from trunkline_acd.domain import events as acd
from trunkline_analytics.domain.segments import Outcome, QueueSegment
from trunkline_console.domain import events as directory
from trunkline_core.errors import Misconfigured, Poison
from trunkline_ledger.audit.stored import RecordSource
from trunkline_simulation.estimates import Estimate, estimate

from trunkline_operator.day_figures import FIGURES, OUTCOMES, Figure, caller_figures
from trunkline_operator.effective import effective_records
from trunkline_operator.ledgers import LEDGERS
from trunkline_operator.report import print_json, print_table
from trunkline_operator.scenarios import written, written_estimate

DIRECTORY: Final = "directory.events.v1"
WASHOUT_SHARE: Final = 10
"""Of a block: the contacts of its first tenth meet a queue that the other policy left."""

NEEDS: Final = {
    "offered": "",
    "answer_rate": "offered",
    "service_level": "offered",
    "abandon_rate": "offered",
    "mean_wait_s": "answered",
    "p90_wait_s": "answered",
}
"""Figures that are compared, and of which there must be some in both blocks of a pair."""

COMPARED: Final = tuple(figure for figure in FIGURES if figure.key in NEEDS)
ALL: Final = "all queues"

Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Block:
    """A span under one policy; `end_time` None while it lasts, or where the trial was ended in it."""

    block_no: int
    is_candidate: bool
    begin_time: datetime
    end_time: datetime | None = None


@dataclass(slots=True)
class Trial:
    """A trial as the directory's ledger tells of it."""

    tenant: str
    started: directory.PolicyTrialStarted
    blocks: list[Block] = field(default_factory=list)
    is_over: bool = False

    def begin_block(self, event: directory.PolicyTrialBlockBegun, now: datetime) -> None:
        """Begin a block, which ends the one before, unless that could not be read."""
        self._end_block(event.block_no - 1, now)
        self.blocks.append(Block(event.block_no, event.is_candidate, now))

    def end(self, event: directory.PolicyTrialEnded, now: datetime) -> None:
        """End the trial; a block that was cut short has no end."""
        self.is_over = True
        if event.is_complete:
            self._end_block(2 * self.started.pairs, now)

    def _end_block(self, block_no: int, now: datetime) -> None:
        if self.blocks and self.blocks[-1].block_no == block_no:
            self.blocks[-1] = replace(self.blocks[-1], end_time=now)

    def pairs(self) -> list[tuple[Block, Block]]:
        """Return the pairs that were played whole: the block as before, the candidate's."""
        whole = {block.block_no: block for block in self.blocks if block.end_time}
        pairs = [
            sorted((block, whole[number + 1]), key=lambda each: each.is_candidate)
            for number, block in sorted(whole.items())
            if number % 2 and number + 1 in whole
        ]
        return [(before, candidate) for before, candidate in pairs]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of some queues. `before`, `candidate`: means over the blocks; `pairs` of them could be compared."""

    figure: Figure
    before: float
    candidate: float
    difference: Estimate

    @property
    def verdict(self) -> str:
        """What may be said of the difference."""
        if self.difference.half_width is None:
            return "one pair has no spread"
        if abs(self.difference.mean) <= self.difference.half_width:
            return "may be chance"
        return "differs" if self.difference.spread else "no spread"


async def report(
    source: RecordSource, trial_no: int, tenant: str, washout: timedelta | None, *, only_json: bool
) -> None:
    """Print what the trial came to so far.

    Args:
        source: where the ledgers of the directory and of acd are.
        trial_no: which trial.
        tenant: whose; empty for the only one that had such a trial.
        washout: how long after the beginning of a block contacts are left out; None for a tenth of the block.
        only_json: print nothing but the last line.

    Raises: Misconfigured, one sentence.
    """
    trial = await _trial(source, trial_no, tenant)
    washout = trial.started.block_duration / WASHOUT_SHARE if washout is None else washout
    if washout >= trial.started.block_duration:
        raise Misconfigured("Nothing is left of a block: leave out less of it.")
    pairs = trial.pairs()
    if not pairs:
        raise Misconfigured(f"Trial {trial_no} has no pair of blocks that was played whole yet.")
    segments = await _segments(source, trial.tenant, pairs)
    pairs = [pair for pair in pairs if not any(_is_waited_in(block, segments) for block in pair)]
    if not pairs:
        raise Misconfigured(f"Of each pair of trial {trial_no} somebody still waits: ask again later.")
    queues = [queue.queue_id for queue in trial.started.queues]
    found = {name: compare(pairs, segments, washout, queue_id) for name, queue_id in _groups(queues)}
    if not only_json:
        _print(trial, pairs, washout, found)
    print_json(
        trial_no=trial_no,
        is_over=trial.is_over,
        pairs=trial.started.pairs,
        pairs_played=len(pairs),
        left_out_s=washout.total_seconds(),
        groups={name: {each.figure.key: _json(each) for each in row} for name, row in found.items()},
    )


def compare(
    pairs: Sequence[tuple[Block, Block]], segments: Sequence[QueueSegment], washout: timedelta, queue_id: str
) -> list[Comparison]:
    """Return each figure with its mean difference over the pairs; one that no pair can tell is left out.

    Two blocks of a pair lie side by side, so what the hour and the day do to both falls out of their difference.

    Args:
        pairs: the block as before, and the candidate's.
        segments: those that opened in the blocks, and others.
        washout: how long after the beginning of a block segments are left out.
        queue_id: the only queue that counts; empty for all.
    """
    of_queue = [segment for segment in segments if queue_id in ("", segment.queue_id)]
    figures = [[caller_figures(_opened_in(block, of_queue, washout), 0) for block in pair] for pair in pairs]
    found = (_compared(figure, figures) for figure in COMPARED)
    return [each for each in found if each]


def _compared(figure: Figure, figures: Sequence[Sequence[Figures]]) -> Comparison | None:
    needed = NEEDS[figure.key]
    told = [pair for pair in figures if not needed or all(block[needed] for block in pair)]
    if not told:
        return None
    before, candidate = ([pair[side][figure.key] for pair in told] for side in (0, 1))
    difference = estimate([late - early for early, late in zip(before, candidate, strict=True)])
    return Comparison(figure, estimate(before).mean, estimate(candidate).mean, difference)


def _is_waited_in(block: Block, segments: Sequence[QueueSegment]) -> bool:
    """Tell whether somebody who came in the block still waits: what is known of it flatters."""
    return any(segment.outcome is None for segment in _opened_in(block, segments, timedelta(0)))


def _opened_in(block: Block, segments: Sequence[QueueSegment], washout: timedelta) -> list[QueueSegment]:
    begin, end = block.begin_time + washout, block.end_time
    return [segment for segment in segments if begin <= segment.opened_at and (end is None or segment.opened_at < end)]


def _groups(queues: Sequence[str]) -> list[tuple[str, str]]:
    """The queues that were tried, and all together: who works in one of them is missing in another."""
    return [(ALL, ""), *((queue_id, queue_id) for queue_id in queues)]


# -- what the ledgers tell ------------------------------------------------------------------------------------------


async def _trial(source: RecordSource, trial_no: int, tenant: str) -> Trial:
    found: dict[str, Trial] = {}
    kinds = (directory.PolicyTrialStarted, directory.PolicyTrialBlockBegun, directory.PolicyTrialEnded)
    async for event, of, now in _events(source, DIRECTORY, kinds):
        if event.trial_no != trial_no or tenant not in ("", of):
            continue
        match event:
            case directory.PolicyTrialStarted():
                found[of] = Trial(of, event)
            case directory.PolicyTrialBlockBegun() if of in found:
                found[of].begin_block(event, now)
            case directory.PolicyTrialEnded() if of in found:
                found[of].end(event, now)
            case _:
                pass
    if not found:
        raise Misconfigured(f"The directory's ledger has no trial {trial_no}.")
    if len(found) > 1:
        raise Misconfigured(f"Several tenants had a trial {trial_no}: say --tenant {' or '.join(sorted(found))}.")
    return next(iter(found.values()))


async def _segments(source: RecordSource, tenant: str, pairs: Sequence[tuple[Block, Block]]) -> list[QueueSegment]:
    """Return the segments that opened from the first block on; call-backs are segments of their own kind."""
    begin = min(block.begin_time for pair in pairs for block in pair)
    found: dict[tuple[str, int], QueueSegment] = {}
    async for event, of, now in _events(source, ACD, (acd.ContactEnqueued, acd.ContactConnected, acd.SegmentEnded)):
        key = event.contact_id, event.segment_no
        match event:
            case acd.ContactEnqueued(callback=False) if of == tenant and now >= begin:
                found[key] = QueueSegment(*key, event.queue_id, now)
            case acd.ContactConnected() if of == tenant and key in found:
                found[key] = replace(found[key], outcome=Outcome.ANSWERED, closed_at=now)
            case acd.SegmentEnded() if of == tenant and key in found:
                found[key] = replace(found[key], outcome=OUTCOMES[event.outcome], closed_at=now)
            case _:
                pass
    return list(found.values())


async def _events(
    source: RecordSource, topic: str, kinds: Sequence[type[Any]]
) -> AsyncIterator[tuple[Any, str, datetime]]:
    """Yield the events of these kinds with tenant and time; what cannot be read is told by `ledger verify`."""
    names = {kind.__name__ for kind in kinds}
    async for record in effective_records(source, topic):
        if (record.type or "").rpartition(".")[2] not in names:
            continue
        with contextlib.suppress(Poison):
            event, metadata = LEDGERS[topic].codec.decode_event(record.value)
            yield event, metadata.tenant_id, metadata.event_time


# -- what is printed ------------------------------------------------------------------------------------------------


def _print(
    trial: Trial, pairs: Sequence[tuple[Block, Block]], washout: timedelta, found: Mapping[str, Sequence[Comparison]]
) -> None:
    state = "over" if trial.is_over else "running"
    print(f"Trial {trial.started.trial_no}, {state}: {len(pairs)} of {trial.started.pairs} pairs. {trial.started.note}")
    for name, rows in found.items():
        print_table([name, "A, as before", "B, the candidate", "B - A", ""], [_row(each) for each in rows])
    print(
        f"Means over blocks of {_told(trial.started.block_duration)}; whoever came in the first {_told(washout)} of a "
        "block is left out.\n"
        "± beside B - A: 95 % interval of its mean over the pairs (Student's t): wide with few of them. Of twenty "
        "figures that do not differ one seems to: say before a trial which one counts."
    )


def _row(each: Comparison) -> list[str]:
    means = (written(each.figure, value) for value in (each.before, each.candidate))
    return [each.figure.words, *means, written_estimate(each.figure, each.difference, is_signed=True), each.verdict]


def _told(span: timedelta) -> str:
    minutes, seconds = divmod(round(span.total_seconds()), 60)
    return f"{minutes} min" + (f" {seconds} s" if seconds else "") if minutes else f"{seconds} s"


def _json(each: Comparison) -> dict[str, object]:
    change = each.difference
    return {
        "a": each.before,
        "b": each.candidate,
        "change": {"mean": change.mean, "half_width_95": change.half_width, "spread": change.spread},
        "pairs": change.count,
        "verdict": each.verdict,
    }
