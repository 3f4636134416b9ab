"""What a way of routing does to callers of priority 2, to the others and to all (metric definitions, version 1).

Owns: which figures are compared between ways of routing. Must not: play a day.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from statistics import fmean
from typing import Final

from trunkline_acd.domain.words import CallbackOutcome, SegmentOutcome
from trunkline_acd.simulation.calls import Record, Stay
from trunkline_acd.simulation.days import Policy
from trunkline_simulation.day.plan import DayPlan

from trunkline_operator.day_figures import Figures, caller_figures, simulated_segment
from trunkline_operator.overtaking import overtaking
from trunkline_operator.report import Figure

_SECOND = timedelta(seconds=1)
_OF_CALLERS: Final = (
    Figure("answer_rate", "answered, of all who asked", is_share=True),
    Figure("service_level", "service level SL1, 20 s", is_share=True),
    Figure("abandon_rate", "abandon rate, without short ones", is_share=True),
    Figure("refused_rate", "refused, the queue was full", is_share=True),
    Figure("mean_wait_s", "mean wait of the answered, s"),
    Figure("p90_wait_s", "90 % wait at most, s"),
    Figure("longest_wait_s", "longest wait of all, s", decimals=0),
)
GROUPS: Final = {"all": "all callers", "urgent": "priority 2", "others": "the others"}
OF_GROUP: Final = {
    group: tuple(Figure(f"{group}.{one.key}", one.words, one.is_share, one.decimals) for one in _OF_CALLERS)
    for group in GROUPS
}
OVERTAKING: Final = (
    Figure("bound_s", "bound on overtaking, s", decimals=0),
    Figure("largest_overtaking_s", "largest overtaking seen, s", decimals=0),
    Figure("overtaken_rate", "overtaken, of all who asked", is_share=True),
)
CALLBACKS: Final = (
    Figure("callbacks.asked", "asked to be called back", decimals=0),
    Figure("callbacks.reached_rate", "called back, of those", is_share=True),
    Figure("callbacks.missed_rate", "never picked up, of those", is_share=True),
    Figure("callbacks.open_rate", "not called back yet at the end", is_share=True),
    Figure("callbacks.mean_delay_s", "mean time until called back, s", decimals=0),
    Figure("callbacks.served_rate", "answered or called back, of all who asked", is_share=True),
    Figure("callbacks.most_open", "most open in one queue at a time", decimals=0),
    Figure("callbacks.most_dialled", "most dialled for one agent at a time", decimals=0),
)
MOST_WAITING: Final = Figure("most_waiting", "most in one queue at a time", decimals=0)
COUNTS: Final = tuple(Figure(f"{group}.offered", "asked for a person", decimals=0) for group in GROUPS)
PRIORITY_FIGURES: Final = (
    *COUNTS,
    *(one for group in OF_GROUP.values() for one in group),
    *CALLBACKS,
    *OVERTAKING,
    MOST_WAITING,
)


def priority_figures(record: Record, plan: DayPlan, policy: Policy) -> Figures:
    """Return the figures of PRIORITY_FIGURES, by their keys."""
    urgent = {f"ct_{caller.number}" for caller in plan.callers if caller.is_urgent}
    found = overtaking(_places(record))
    everybody = _of_group("all", record, lambda contact_id: True)
    return {
        **everybody,
        **_of_group("urgent", record, lambda contact_id: contact_id in urgent),
        **_of_group("others", record, lambda contact_id: contact_id not in urgent),
        **callback_figures(record, everybody["all.offered"]),
        "bound_s": bound_s(policy),
        "largest_overtaking_s": found.largest_s,
        "overtaken_rate": _share(found.overtaken, everybody["all.offered"]),
        "most_waiting": most_waiting(record.stays),
    }


def callback_figures(record: Record, asked: float | None) -> Figures:
    """Return what came of the call-backs, of so many who asked for a person."""
    stays = record.callbacks.values()
    outcomes = Counter(stay.outcome for stay in stays)
    reached = outcomes[CallbackOutcome.REACHED]
    delays = [
        (stay.ended_time - stay.asked_time) / _SECOND
        for stay in stays
        if stay.ended_time and stay.outcome is CallbackOutcome.REACHED
    ]
    answered = sum(stay.outcome is SegmentOutcome.ANSWERED for stay in record.stays)
    found = {
        "asked": len(stays),
        "reached_rate": _share(reached, len(stays)),
        "missed_rate": _share(outcomes[CallbackOutcome.NO_ANSWER], len(stays)),
        "open_rate": _share(outcomes[CallbackOutcome.UNSPECIFIED], len(stays)),
        "mean_delay_s": fmean(delays) if delays else None,
        "served_rate": _share(answered + reached, asked),
        "most_open": _most_at_a_time((one.queue_id, one.asked_time, one.ended_time) for one in stays),
        "most_dialled": record.most_dialled_for_an_agent,
    }
    return {f"callbacks.{key}": value for key, value in found.items()}


def _places(record: Record) -> list[Stay]:
    """Return who stood where for how long: a call-back keeps the caller's place until it is dialled first."""
    live = [stay for stay in record.stays if stay.outcome is not SegmentOutcome.CONVERTED_TO_CALLBACK]
    dialled = [
        Stay(one.contact_id, one.queue_id, one.entered_time, SegmentOutcome.ANSWERED, end - one.entered_time)
        for one in record.callbacks.values()
        if (end := one.first_dialled_time)
    ]
    return live + dialled


def bound_s(policy: Policy) -> float:
    """Return by how much later an urgent caller may come and still go before: weight × target, of the worst queue."""
    return max(
        queue.urgency_weight_permille / 1000 * (queue.target_wait_duration / _SECOND)
        for queue in policy.queues.values()
    )


def most_waiting(stays: Iterable[Stay]) -> int:
    """Return how many waited at one moment in the fullest queue."""
    return _most_at_a_time(
        (stay.queue_id, stay.entered_time, stay.entered_time + stay.wait) for stay in stays if stay.wait
    )


def _most_at_a_time(spells: Iterable[tuple[str, datetime, datetime | None]]) -> int:
    """Return how many spells (queue, from, to or None) overlapped at most in one queue; who leaves makes room first."""
    changes: dict[str, Counter[tuple[datetime, int]]] = defaultdict(Counter)
    for queue_id, begin, end in spells:
        changes[queue_id].update([(begin, 1), *([(end, -1)] if end else [])])
    return max((_highest(queue) for queue in changes.values()), default=0)


def _highest(changes: Counter[tuple[datetime, int]]) -> int:
    waiting = highest = 0
    for (_, step), times in sorted(changes.items()):
        waiting += step * times
        highest = max(highest, waiting)
    return highest


def _of_group(group: str, record: Record, belongs: Callable[[str], bool]) -> Figures:
    stays = [stay for stay in record.stays if belongs(stay.contact_id)]
    refused = sum(map(belongs, record.refused))
    figures = caller_figures([simulated_segment(stay) for stay in stays], refused)
    figures["refused_rate"] = _share(refused, figures["offered"])
    figures["longest_wait_s"] = max((stay.wait / _SECOND for stay in stays), default=None)
    return {f"{group}.{one.key}": figures[one.key] for one in _OF_CALLERS} | {f"{group}.offered": figures["offered"]}


def _share(part: int, whole: float | None) -> float | None:
    return part / whole if whole else None
