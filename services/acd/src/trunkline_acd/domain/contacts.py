"""A contact's row while acd has anything to do with it, its place in the order of serving, and its tombstone after.

Owns: the score (rule 8). Integer arithmetic only: the same history gives the same order everywhere.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import NamedTuple

from trunkline_core.replacing import replace
from trunkline_core.routing import QueueDefinition, QueueLimit

from trunkline_acd.domain import policy
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.skills import Profile, RequirementSet, meets
from trunkline_acd.domain.words import Preference, Ring, WaitEstimate

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_BEFORE_ALL_PERMILLE = 10**12  # above every score that waits, weights and target waits allow
_LONGEST_LEAD = 2**62  # a rank is a number of 64 bits in snapshots; for targets above an hour still millions of them
_FINENESS = 10**12  # keeps contacts apart whose score differs by less than a thousandth


class Stage(Enum):
    """Where a contact stands. Up to CONNECTING its queue segment is open, and while a call-back is SCHEDULED."""

    WAITING = 1
    OFFERED = 2
    CONNECTING = 3
    CONNECTED = 4
    ENDED = 5
    SCHEDULED = 6


@dataclass(frozen=True, slots=True)
class Callback:
    """What a contact is besides, once its caller has hung up to be called back.

    Attributes:
        attempts: how often the customer was dialled and not reached.
        begins_time: when it waits again; None while it does, or has an agent.
        reached_time: since when the customer, who was dialled first, is on the line; None before.
        is_kept: whether the agent who has it is only kept while the customer is dialled first.
        is_cleared: whether the customer may be dialled for who has it: hours and do-not-call were looked at.
        hours_id: hours that the queue named when it was asked for; they hold once the queue calls nobody back any more.
    """

    attempts: int = 0
    begins_time: datetime | None = None
    reached_time: datetime | None = None
    is_kept: bool = False
    is_cleared: bool = False
    hours_id: str = ""

    @property
    def is_reached(self) -> bool:
        """Whether the customer, who was dialled first, is on the line."""
        return self.reached_time is not None


class Offer(NamedTuple):
    """One offer of a contact, that is live."""

    offer_no: int
    agent_id: str


class ConsultationStage(Enum):
    """How far a consultation is: it rings, its leg is being joined, the agents talk, all three do."""

    OFFERED = 1
    CONNECTING = 2
    TALKING = 3
    CONFERENCE = 4


@dataclass(frozen=True, slots=True)
class Consultation:
    """The colleague who is asked about a connected contact, and the offer by which (rule 19)."""

    agent_id: str
    offer_no: int
    stage: ConsultationStage = ConsultationStage.OFFERED


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact.

    Attributes:
        step_no: the last step of the contact's saga that was done here.
        requirements: what it came with; `wanted` is what it asks for now.
        order: enqueue order in the routing domain; breaks ties.
        offer_no: the offer of who has it, else the last one; 0 before the first.
        agent_id: who has it; of several at whom it rings the one asked last; empty while it waits.
        excluded: agents that are not offered this contact for now.
        rings: how the requirements loosen while it waits, each less than the one before (rule 7).
        ring: how many of them are reached; 0 asks for all it came with.
        own_requirements: what it asks for without the queue.
        aged_since: since when it ages, where that is not `entered_time`; see `aged_since_time`.
        longest_wait: the queue's limit when its customer began to hold on; see `held_on_since` (rule 16).
        is_over_limit: whether it reached that limit while it rang.
        held_for: the only agent who may have it for now; empty for any (rule 10).
        reserved: how many free agents are kept back from it for VIP contacts (rule 11).
        kept_back_since: when an agent was first kept back from it; None before.
        callback: set for a call-back (rule 13).
        estimate: what it met when it entered (rule 14); None where that is of no interest.
        wrapped_up_by: agents who had it, gave it on, and still wrap it up; while it waits they are excluded (rule 19).
        home_queue_id: the queue that it flowed out of and to which it returns; empty where it does not (rule 12).
        rings_at_all: whether it rings at all who could take it, and not at one agent alone (ring-all, rule 9).
        others: what rings beside the offer of `agent_id`, the oldest first.
        newest_offer_no: the newest offer, live or not, also one to a colleague who was asked: no number comes twice.
        consultation: the colleague who is asked about it, while its agent has it connected.
        preferred_agent_id: who was named for it in this queue, held or not; empty for nobody. preference: why.
    """

    contact_id: str
    step_no: int
    queue_id: str
    segment_no: int
    channel: Channel
    value_permille: int
    urgency_permille: int
    requirements: RequirementSet
    entered_time: datetime
    order: int
    stage: Stage = Stage.WAITING
    offer_no: int = 0
    agent_id: str = ""
    excluded: frozenset[str] = frozenset()
    rings: tuple[Ring, ...] = ()
    ring: int = 0
    own_requirements: RequirementSet = ()
    aged_since: datetime | None = None
    customer_id: str = ""
    longest_wait: QueueLimit | None = None
    is_over_limit: bool = False
    held_for: str = ""
    reserved: int = 0
    kept_back_since: datetime | None = None
    callback: Callback | None = None
    estimate: WaitEstimate | None = None
    wrapped_up_by: frozenset[str] = frozenset()
    home_queue_id: str = ""
    rings_at_all: bool = False
    others: tuple[Offer, ...] = ()
    newest_offer_no: int = 0
    consultation: Consultation | None = None
    preferred_agent_id: str = ""
    preference: Preference = Preference.UNSPECIFIED

    def preference_for(self, agent_id: str) -> Preference:
        """Return why that agent was named for it; unspecified for one who was not."""
        return self.preference if agent_id == self.preferred_agent_id else Preference.UNSPECIFIED

    @property
    def aged_since_time(self) -> datetime:
        """Since when it ages for priority: a contact that moves on keeps its age, its wait begins anew."""
        return self.aged_since or self.entered_time

    @property
    def held_on_since(self) -> datetime:
        """Since when its customer holds on: who was called back, from then on."""
        return self.callback.reached_time or self.entered_time if self.callback else self.entered_time

    @property
    def wanted(self) -> RequirementSet:
        """What it asks for now: whoever meets an earlier ring meets this one too."""
        return self.asks_in(self.ring)

    def asks_in(self, ring: int) -> RequirementSet:
        """Return what it asks for in that ring."""
        if not ring:
            return self.requirements
        return (*self.rings[ring - 1].requirements, *self.rings[ring - 1].choices)

    def ring_of(self, profile: Profile) -> int:
        """Return the first ring through which such an agent may take it; behind the last, who only helps out."""
        reached = range(self.ring + 1)
        return next((ring for ring in reached if meets(profile, self.asks_in(ring))), len(self.rings) + 1)

    def is_only_helped_by(self, profile: Profile) -> bool:
        """Whether such an agent may take it only while agents of another queue help out (rule 12)."""
        return self.ring_of(profile) > len(self.rings)

    @property
    def is_open(self) -> bool:
        """Whether the queue segment is open: not yet answered, abandoned or closed."""
        return self.stage in (Stage.WAITING, Stage.OFFERED, Stage.CONNECTING, Stage.SCHEDULED)

    @property
    def is_to_dial(self) -> bool:
        """Whether it is a call-back whose customer is not on the line yet."""
        return self.callback is not None and not self.callback.is_reached

    @property
    def is_reached(self) -> bool:
        """Whether it is a call-back whose customer was dialled first and is on the line."""
        return self.callback is not None and self.callback.is_reached

    @property
    def is_kept(self) -> bool:
        """Whether its agent is only kept while the customer is dialled first."""
        return self.stage is Stage.CONNECTING and self.callback is not None and self.callback.is_kept

    @property
    def is_offer_live(self) -> bool:
        """Whether it rings or is being joined."""
        return self.stage in (Stage.OFFERED, Stage.CONNECTING)

    @property
    def live_offers(self) -> tuple[Offer, ...]:
        """What rings, the oldest first, or is being joined."""
        return (*self.others, Offer(self.offer_no, self.agent_id)) if self.is_offer_live else ()

    @property
    def agent_ids(self) -> tuple[str, ...]:
        """At whom it rings, in the order in which they were asked, or who has it."""
        return (*(other.agent_id for other in self.others), self.agent_id) if self.agent_id else ()

    @property
    def may_ring_at_more(self) -> bool:
        """Whether agents who could take it are asked beside those at whom it rings."""
        if not self.rings_at_all or self.stage is not Stage.OFFERED or self.is_over_limit:
            return False
        return len(self.others) + 1 < policy.MAX_RINGING

    @property
    def next_offer_no(self) -> int:
        """The number of the next offer: 1, 2, 3, …"""
        return max(self.offer_no, self.newest_offer_no) + 1


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What is left of a contact: enough to refuse a late or repeated step."""

    contact_id: str
    step_no: int
    number: int
    dropped_time: datetime


def ringing_at(contact: Contact, offer: Offer, *, rings_at_all: bool) -> Contact:
    """Return the contact with one more offer; beside those that are live only where it rings at all."""
    return replace(
        contact,
        stage=Stage.OFFERED,
        agent_id=offer.agent_id,
        offer_no=offer.offer_no,
        newest_offer_no=offer.offer_no,
        rings_at_all=rings_at_all,
        others=contact.live_offers if rings_at_all else (),
    )


def accepted_by(contact: Contact, offer: Offer) -> Contact:
    """Return the contact whose offer was accepted; nothing rings beside it."""
    return replace(
        contact,
        stage=Stage.CONNECTING,
        agent_id=offer.agent_id,
        offer_no=offer.offer_no,
        rings_at_all=False,
        others=(),
        callback=replace(contact.callback, is_kept=False, is_cleared=False) if contact.callback else None,
    )


def kept_by(contact: Contact, offer: Offer) -> Contact:
    """Return the call-back whose customer is dialled first, while that agent is kept for it."""
    callback = replace(contact.callback or Callback(), is_kept=True)
    return replace(accepted_by(contact, offer), newest_offer_no=offer.offer_no, callback=callback)


def without_offer(contact: Contact, agent_id: str) -> Contact:
    """Return the contact without the live offer of that agent: it rings on at the others, or waits."""
    left = tuple(offer for offer in contact.live_offers if offer.agent_id != agent_id)
    if not left:
        return replace(contact, stage=Stage.WAITING, agent_id="", rings_at_all=False, others=())
    last = left[-1]
    return replace(contact, agent_id=last.agent_id, offer_no=last.offer_no, others=left[:-1])


def as_to_others(contact: Contact) -> Contact:
    """Return the contact as those see it at whom it does not ring: the same where it waits."""
    return replace(contact, excluded=contact.excluded.union(contact.agent_ids)) if contact.agent_id else contact


class Line(NamedTuple):
    """Contacts that the same agents can take and that age alike: their order never changes while they wait."""

    queue_id: str
    channel: Channel
    requirements: RequirementSet
    reserved: int
    own_requirements: RequirementSet


class LinePlace(NamedTuple):
    """Where a contact stands in its line: by entry less head start, then by enqueue order."""

    rank: int
    order: int
    contact_id: str


def line_of(contact: Contact, queue: QueueDefinition) -> Line:
    """Return the line in which the contact waits. Only those who may help out ask what it asks for itself (rule 12)."""
    own = contact.own_requirements if queue.overflow and queue.overflow.shares else ()
    return Line(contact.queue_id, contact.channel, contact.wanted, contact.reserved, own)


def line_place(contact: Contact, queue: QueueDefinition) -> LinePlace:
    """Return the contact's place: the smaller the rank, the higher the score at every moment."""
    entered_ms = (contact.aged_since_time - _EPOCH) // _MILLISECOND
    rank = entered_ms * 1000 - min(_head_start_permille(contact, queue) * _target_ms(queue), _LONGEST_LEAD)
    return LinePlace(rank, contact.order, contact.contact_id)


def fine_score(place: LinePlace, queue: QueueDefinition, now: datetime) -> int:
    """Return the score at `now`, comparable between lines and queues; fine enough to keep the order of each line."""
    now_ms = (now - _EPOCH) // _MILLISECOND
    return (now_ms * 1000 - place.rank) * _FINENESS // _target_ms(queue)


def rank(place: LinePlace, queue: QueueDefinition, now: datetime) -> tuple[int, int, str]:
    """Return what sorts contacts of all lines as they are served: the highest score first, then by entry (rule 8)."""
    return -fine_score(place, queue, now), place.order, place.contact_id


def first_behind(score: int, order: int, queue: QueueDefinition, now: datetime) -> tuple[int, ...]:
    """Return what sorts behind exactly those places of the queue that go before such a score and enqueue order.

    The inverse of `fine_score`: ranks of a line that differ never have the same score.
    """
    now_rank, target = (now - _EPOCH) // _MILLISECOND * 1000, _target_ms(queue)
    last_higher = now_rank + -(score + 1) * target // _FINENESS
    last_as_high = now_rank + -score * target // _FINENESS
    return (last_as_high, order) if last_as_high > last_higher else (last_higher + 1,)


class ScoreTerms(NamedTuple):
    """The three terms of a score in thousandths; the score is their sum."""

    value: int
    urgency: int
    wait: int


def score_terms(contact: Contact, queue: QueueDefinition, now: datetime) -> ScoreTerms:
    """Return weight × value, weight × urgency and wait ÷ target wait."""
    wait_ms = (now - contact.aged_since_time) // _MILLISECOND
    return ScoreTerms(
        value=queue.value_weight_permille * contact.value_permille // 1000,
        urgency=queue.urgency_weight_permille * contact.urgency_permille // 1000,
        wait=wait_ms * 1000 // _target_ms(queue),
    )


def _head_start_permille(contact: Contact, queue: QueueDefinition) -> int:
    if contact.is_reached:  # nobody who was called shall hang on for others (rule 13)
        return _BEFORE_ALL_PERMILLE
    value = queue.value_weight_permille * contact.value_permille // 1000
    return value + queue.urgency_weight_permille * contact.urgency_permille // 1000


def _target_ms(queue: QueueDefinition) -> int:
    return max(1, queue.target_wait_duration // _MILLISECOND)
