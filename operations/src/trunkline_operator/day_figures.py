"""Figures of one day, recorded or simulated, by the metric definitions of analytics (version 1).

Owns: which figures are compared, and what the recording says about agents' time. Must not: play a day.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from trunkline_acd.domain.words import SegmentOutcome
from trunkline_acd.simulation.calls import Record, Stay
from trunkline_acd.simulation.days import START
from trunkline_analytics.domain.agent_time import AgentSeconds
from trunkline_analytics.domain.segments import Outcome, QueueSegment
from trunkline_analytics.domain.service_level import abandon_rate, queue_waits, service_levels
from trunkline_analytics.domain.waits import find_quantile, share_within
from trunkline_simulation.day.recordings import Recording
from trunkline_simulation.day.staff import Agent, roster_agents

from trunkline_operator.report import Figure

TARGET: Final = timedelta(seconds=20)
SHORT_ABANDON_S: Final = 5
_SECOND = timedelta(seconds=1)

Figures = dict[str, float | None]
"""By key; None where nothing can be said."""

OUTCOMES: Final = {
    SegmentOutcome.ANSWERED: Outcome.ANSWERED,
    SegmentOutcome.ABANDONED: Outcome.ABANDONED,
    SegmentOutcome.SHORT_ABANDONED: Outcome.SHORT_ABANDONED,
    SegmentOutcome.CLOSED_BY_SYSTEM: Outcome.CLOSED_BY_SYSTEM,
    SegmentOutcome.LIMIT_REACHED: Outcome.LIMIT_REACHED,
    SegmentOutcome.FLOWED_OUT: Outcome.FLOWED_OUT,
    SegmentOutcome.CONVERTED_TO_CALLBACK: Outcome.CALLBACK,
}

FIGURES: Final = (
    Figure("offered", "asked for a person", decimals=0),
    Figure("refused", "refused, the queue was full", decimals=1),
    Figure("answered", "answered", decimals=1),
    Figure("answer_rate", "answered, of all who asked", is_share=True),
    Figure("service_level", "service level SL1, 20 s", is_share=True),
    Figure("answered_within_20_s", "within 20 s, of the answered", is_share=True),
    Figure("abandon_rate", "abandon rate, without short ones", is_share=True),
    Figure("mean_wait_s", "mean wait of the answered, s"),
    Figure("p50_wait_s", "half wait at most, s"),
    Figure("p90_wait_s", "90 % wait at most, s"),
    Figure("mean_abandoned_wait_s", "mean wait of who left, s"),
    Figure("occupancy", "occupancy", is_share=True),
    Figure("utilisation", "utilisation", is_share=True),
)


def recorded_figures(day: Sequence[Recording]) -> Figures:
    """Return what really happened."""
    asked = [row for row in day if row.enqueue_s is not None]
    return _figures([_recorded_segment(row) for row in asked], 0, _recorded_seconds(day, roster_agents(day)))


def simulated_figures(record: Record) -> Figures:
    """Return what came of a simulated day."""
    time = record.desk_time
    seconds = AgentSeconds(*(spent / _SECOND for spent in (time.busy, time.ringing, time.idle, time.away)))
    return _figures([simulated_segment(stay) for stay in record.stays], len(record.refused), seconds)


def _figures(segments: Sequence[QueueSegment], refused: int, seconds: AgentSeconds) -> Figures:
    return {
        **caller_figures(segments, refused),
        "occupancy": seconds.occupancy,
        "utilisation": seconds.utilisation,
    }


def caller_figures(segments: Sequence[QueueSegment], refused: int) -> Figures:
    """Return what these callers lived through, and so many who were not let in; None where there is nobody to ask."""
    answered = [segment.wait(START) / _SECOND for segment in segments if segment.outcome is Outcome.ANSWERED]
    waits = queue_waits(segments)
    offered = len({segment.contact_id for segment in segments}) + refused  # one contact may have several segments
    return {
        "offered": offered,
        "refused": refused,
        "answered": len(answered),
        "answer_rate": len(answered) / offered if offered else None,
        "service_level": service_levels(segments, TARGET, START).sl1,
        "answered_within_20_s": share_within(answered, TARGET / _SECOND),
        "abandon_rate": abandon_rate([segment.outcome for segment in segments if segment.outcome]),
        "mean_wait_s": waits.asa_s,
        "p50_wait_s": waits.p50_s,
        "p90_wait_s": find_quantile(answered, 0.9),
        "mean_abandoned_wait_s": waits.mean_abandoned_s,
    }


def simulated_segment(stay: Stay) -> QueueSegment:
    """Return a stay as analytics knows it."""
    outcome, closed_at = OUTCOMES[stay.outcome], stay.entered_time + stay.wait
    return QueueSegment(stay.contact_id, 1, stay.queue_id, stay.entered_time, outcome, closed_at)


def _recorded_segment(row: Recording) -> QueueSegment:
    opened_at = START + (row.enqueue_s or 0) * _SECOND
    left = Outcome.SHORT_ABANDONED if row.waited_s < SHORT_ABANDON_S else Outcome.ABANDONED
    outcome = Outcome.ANSWERED if row.is_served else left
    return QueueSegment(str(row.line), 1, row.type, opened_at, outcome, opened_at + row.waited_s * _SECOND)


def _recorded_seconds(day: Sequence[Recording], agents: Iterable[Agent]) -> AgentSeconds:
    """Return agents' time of the recording: calls and short pauses are busy, long pauses are away, the rest is idle."""
    busy = away = signed_in = 0.0
    for agent in agents:
        signed_in += agent.duty_to_s - agent.duty_from_s
        busy += _talk_s(row for row in day if row.server == agent.name)
        busy += sum(pause.length_s for pause in agent.pauses if pause.is_wrap_up)
        away += sum(pause.length_s for pause in agent.pauses if not pause.is_wrap_up)
    return AgentSeconds(busy_s=busy, idle_s=max(0.0, signed_in - busy - away), away_s=away)


def _talk_s(rows: Iterable[Recording]) -> float:
    """Return the seconds in which at least one of the calls was served: some recorded ones overlap."""
    spells = sorted(
        (row.service_start_s, row.service_end_s)
        for row in rows
        if row.is_served and row.service_start_s is not None and row.service_end_s is not None
    )
    total, covered_to = 0.0, 0
    for start, end in spells:
        total += max(0, end - max(start, covered_to))
        covered_to = max(covered_to, end)
    return total
