"""Who is let into a queue (rules 6 and 16)."""

from datetime import datetime

from trunkline_core.errors import Rejection

from trunkline_acd.domain import policy
from trunkline_acd.domain.queues import Queue
from trunkline_acd.domain.skills import RequirementSet, can_ever_be_met
from trunkline_acd.domain.state import Domain


def check_entry(
    domain: Domain, queue: Queue, requirements: RequirementSet, customer_id: str, now: datetime, *, inside: bool = False
) -> None:
    """Raises: Rejection, naming what keeps such a contact out. `inside`: it counts in the queue already."""
    if not can_ever_be_met(requirements, queue.definition.relaxation):
        raise Rejection("RequirementsNeverMet")
    most = queue.definition.max_per_customer
    if queue.waiting >= queue.definition.max_waiting:
        raise Rejection("QueueFull")
    if queue.is_cleared(now):
        raise Rejection("NobodySignedIn")
    if most and domain.customer_size(queue.queue_id, customer_id) - inside >= most:
        raise Rejection("CustomerAtLimit")
    is_new = not domain.has_set(queue.queue_id, requirements)
    if is_new and queue.requirement_sets >= policy.MAX_REQUIREMENT_SETS:
        raise Rejection("TooManyRequirementSets")
