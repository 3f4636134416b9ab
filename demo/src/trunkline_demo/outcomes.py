"""What became of the callers that count, by what the product published of their contacts.

Owns: which end is which figure. Must not: take an outcome from the plan, which says only who counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from trunkline.contact.v1.contact_types_pb2 import CloseReason
from trunkline_simulation.day.plan import Caller

from trunkline_demo.observer import Facts
from trunkline_demo.truths import Figures, summarise


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The figures of a run, and contacts without an agent that their callers did not end."""

    figures: Figures
    refused: int
    closed_by_system: int


def count_outcomes(callers: Mapping[str, Caller], facts: Facts, speed: float) -> Outcomes:
    """Return what became of the contacts of `callers`, by contact id, that count.

    Answered, abandoned, refused and closed by the system exclude each other; an open contact is none of them but lost.
    """
    counted = {contact_id for contact_id, caller in callers.items() if caller.counts or caller.counts_in_menu}
    asked = counted & facts.asked
    answered = asked & facts.waits_s.keys()
    reasons = {contact_id: facts.closed[contact_id] for contact_id in counted - answered if contact_id in facts.closed}
    left = {contact_id for contact_id, reason in reasons.items() if reason == CloseReason.CLOSE_REASON_CUSTOMER_LEFT}
    refused = sum(reason == CloseReason.CLOSE_REASON_REFUSED for reason in reasons.values())
    waits_s = [facts.waits_s[contact_id] * speed for contact_id in answered]
    figures = summarise(len(asked), len(left & asked), len(left - asked), waits_s)
    return Outcomes(figures, refused, len(reasons) - len(left) - refused)
