"""What follows from the events of a command, whichever command it was.

Owns: the order in which that is looked at. Whoever an event names is asked, and each rule does nothing where nothing is
due: so a new kind of event has no list to be added to but `_OF_STAFF`.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from trunkline_core.decider import Context

from trunkline_acd.domain import affinity, call_ins, desks, events, handouts, limits, rings
from trunkline_acd.domain.events import Event
from trunkline_acd.domain.state import Domain
from trunkline_acd.domain.words import Trigger

_OF_STAFF = (
    events.QueueConfigured,
    events.AgentConfigured,
    events.SkillsRefreshed,
    events.IntentChanged,
    events.AgentSessionOpened,
    events.AgentDisconnected,
    events.SharingBegun,
    events.SharingEnded,
)
"""After these somebody else may be signed in for a queue."""


def after(found: Iterable[Event], domain: Domain, context: Context) -> Iterator[Event]:
    """Yield the events, then what follows from them.

    That is for agents who have less to do, who came, or for whom something is held; for contacts that ring at all; for
    queues that lose or find staff; and for contacts that more agents may take than before, or that nobody may in their
    ring.
    """
    seen = _Seen(domain, context.now)
    yield from seen.all_of(found)
    for agent_id in list(seen.agent_ids):
        yield from seen.all_of(desks.take_next_intent(domain, agent_id, context))
    for agent_id in list(seen.agent_ids):
        yield from seen.all_of(call_ins.note_arrival(domain, agent_id))
    for agent_id in list(seen.agent_ids) if len(domain.held) else ():
        yield from seen.all_of(affinity.let_go_of(domain, agent_id, context))
    if seen.rings_at_all and not seen.is_handed_out:
        yield from seen.all_of(handouts.ring_at_all(domain, dict(seen.rings_at_all), context))
    if seen.may_change_staff:
        yield from limits.note_staff(domain, context)
    is_ring_left = seen.may_change_staff and rings.has_empty_ring(domain)
    if (seen.may_hand_out or is_ring_left) and not seen.is_handed_out:
        yield from handouts.begin(domain, context)


class _Seen:
    """What the events of a command may have as their consequence, looked at as each is applied."""

    def __init__(self, domain: Domain, now: datetime) -> None:
        self._domain, self._now, self._had_calls = domain, now, len(domain.calls) > 0
        self.may_change_staff = False
        self.may_hand_out = False
        self.is_handed_out = False  # then it was said when it goes on
        self.agent_ids: dict[str, None] = {}
        self.rings_at_all: dict[str, Trigger] = {}

    def all_of(self, found: Iterable[Event]) -> Iterator[Event]:
        for event in found:
            yield event
            self._note(event)

    def _note(self, event: Event) -> None:
        self.may_change_staff |= isinstance(event, _OF_STAFF)
        self.may_hand_out |= handouts.may_begin(self._domain, event, self._now)
        self.may_hand_out |= self._had_calls and isinstance(event, _OF_STAFF)  # who is there, or what is late
        self.is_handed_out |= isinstance(event, events.HandoutScheduled)
        if isinstance(event, events.ContactOffered) and event.ring_all and event.explanation:
            self.rings_at_all[event.contact_id] = Trigger(event.explanation.trigger)
        if agent_id := _agent_of(event):
            self.agent_ids[agent_id] = None


def _agent_of(event: Event) -> str:
    """Return whose work, state or skills the event changes; empty for nobody's."""
    if isinstance(event, events.AgentConfigured):
        return event.agent.agent_id
    return str(getattr(event, "agent_id", ""))
