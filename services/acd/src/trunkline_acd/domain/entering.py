"""The contact that an entry makes: for the line, and before it for what it would meet there (rule 14)."""

from datetime import datetime

from trunkline_acd.domain import vips, wrap_ups
from trunkline_acd.domain.contacts import Callback, Contact, Stage
from trunkline_acd.domain.events import ContactEnqueued
from trunkline_acd.domain.queues import Queue
from trunkline_acd.domain.state import Domain


def contact_of(domain: Domain, event: ContactEnqueued, order: int, now: datetime) -> Contact:
    """Return the contact as it waits from now on; it is in no table yet.

    Args:
        order: its place among those who came; a call-back keeps the one it had.
    """
    queue, known = domain.queue(event.queue_id), domain.contacts.get(event.contact_id)
    return Contact(
        contact_id=event.contact_id,
        step_no=event.step_no,
        queue_id=event.queue_id,
        segment_no=event.segment_no,
        channel=event.channel,
        value_permille=event.value_permille,
        urgency_permille=event.urgency_permille,
        requirements=(*event.requirements, *event.choices),
        entered_time=now,
        order=order,
        stage=Stage.SCHEDULED if event.callback_begins_time else Stage.WAITING,
        offer_no=known.offer_no if known else 0,
        rings=event.rings,
        own_requirements=(*event.own_requirements, *event.own_choices),
        aged_since=event.aged_since_time,
        customer_id=event.customer_id,
        longest_wait=None if event.callback else queue.definition.longest_wait,
        held_for=event.preferred_agent_id if event.held_until_time else "",
        reserved=vips.reserved_from(queue.definition, event.value_permille),
        callback=_callback(queue, event) if event.callback else None,
        estimate=event.estimate,
        excluded=wrap_ups.excluded_at_entry(known, event),
        wrapped_up_by=known.wrapped_up_by if known else frozenset(),
        home_queue_id=event.home_queue_id,
        newest_offer_no=known.newest_offer_no if known else 0,
        preferred_agent_id=event.preferred_agent_id,
        preference=event.preference,
    )


def _callback(queue: Queue, event: ContactEnqueued) -> Callback:
    offered = queue.definition.callback
    return Callback(begins_time=event.callback_begins_time, hours_id=offered.hours_id if offered else "")
