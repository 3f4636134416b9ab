"""How good the estimated wait is (rule 14), on a recorded day: against the virtual wait, beside a usual rule of thumb.

The virtual wait is that of a caller who stays. So a sample of callers is given patience without end, and only those of
them are measured who found nobody free. Owns: the sample and the figures. Must not: estimate anything.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import fmean

from trunkline_simulation.day.plan import DayPlan
from trunkline_simulation.streams import stream

from trunkline_acd.domain import events
from trunkline_acd.domain.events import Event
from trunkline_acd.domain.words import SegmentOutcome, WaitEstimate
from trunkline_acd.simulation.days import Policy, play_day

FOREVER_S = 10**8
_HOUR, _SECOND = timedelta(hours=1), timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Met:
    """What a caller met: the estimate, and the rule of thumb in seconds, None while no call has ended."""

    estimate: WaitEstimate
    naive_s: float | None


def measure(plan: DayPlan, policy: Policy, seed: int, share: float) -> dict[str, float]:
    """Return the figures of one day.

    Args:
        share: of the callers who get patience without end, 0–1.

    Returns: `held`: share of the measured whose virtual wait was at most P80; `error_s` and `naive_error_s`: mean
        absolute error of P50 and of the rule of thumb; `measured`, `unknown` (no estimate yet), `unanswered`: counts.
    """
    chosen = {caller.number for caller in plan.callers if stream(seed, "stays", f"{caller.number}").random() < share}
    callers = tuple(replace(one, patience_s=FOREVER_S) if one.number in chosen else one for one in plan.callers)
    clerk = Clerk()
    record = play_day(replace(plan, callers=callers), _estimating(policy), clerk.see)
    sampled = {contact_id: met for contact_id, met in clerk.met.items() if int(contact_id[3:]) in chosen}
    answered = (stay for stay in record.stays if stay.outcome is SegmentOutcome.ANSWERED)
    return figures(sampled, {stay.contact_id: stay.wait / _SECOND for stay in answered})


def figures(met: Mapping[str, Met], waits_s: Mapping[str, float]) -> dict[str, float]:
    """Return the figures from what callers met and how long each that was answered waited."""
    errors, naive_errors, held = [], [], []
    for contact_id in met.keys() & waits_s.keys():
        p50, p80 = met[contact_id].estimate.p50_duration, met[contact_id].estimate.p80_duration
        naive_s, wait_s = met[contact_id].naive_s, waits_s[contact_id]
        if p50 is not None and p80 is not None and naive_s is not None:
            held.append(wait_s <= p80 / _SECOND)
            errors.append(abs(wait_s - p50 / _SECOND))
            naive_errors.append(abs(wait_s - naive_s))
    return {
        "held": fmean(held),
        "error_s": fmean(errors),
        "naive_error_s": fmean(naive_errors),
        "measured": len(held),
        "unknown": len(met.keys() & waits_s.keys()) - len(held),
        "unanswered": len(met.keys() - waits_s.keys()),
    }


class Clerk:
    """Notes what callers met, and how long calls took of late: talk and wrap-up."""

    def __init__(self) -> None:
        self.met: dict[str, Met] = {}
        self._began: dict[str, datetime] = {}
        self._handled: deque[tuple[datetime, float]] = deque()

    def see(self, event: Event, now: datetime) -> None:
        """Take note of one event."""
        match event:
            case events.ContactEnqueued(estimate=WaitEstimate() as estimate):
                self.met[event.contact_id] = Met(estimate, self._naive_s(estimate, now))
            case events.ContactConnected():
                self._began[event.contact_id] = now
            case events.ContactReleased() if not event.wrap_up:
                self._note_end(event.contact_id, now)
            case events.WrapUpFinished():
                self._note_end(event.contact_id, now)
            case _:
                pass

    def _note_end(self, contact_id: str, now: datetime) -> None:
        self._handled.append((now, (now - self._began.pop(contact_id)) / _SECOND))

    def _naive_s(self, met: WaitEstimate, now: datetime) -> float | None:
        """Return rank at arrival × mean AHT of the last hour ÷ agents on duty who are eligible."""
        while self._handled and self._handled[0][0] < now - _HOUR:
            self._handled.popleft()
        if not self._handled or not met.agents:
            return None
        return (met.contacts_ahead + 1) * fmean(seconds for _, seconds in self._handled) / met.agents


def _estimating(policy: Policy) -> Policy:
    queues = {kind: replace(queue, estimates_waits=True) for kind, queue in policy.queues.items()}
    return replace(policy, queues=queues)
