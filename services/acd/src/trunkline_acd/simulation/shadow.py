"""A candidate policy beside the one in force: what it would have decided on each recorded command, without effect.

Owns: publish, decide, take back; and what counts as a difference. Each command is asked in the situation as it really
was, so one difference is not the cause of the next.
Must not: keep what the candidate would have led to; what comes of it over a day is for the simulated days.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from trunkline_core.decider import Context, execute
from trunkline_core.errors import Rejection, TrunklineError
from trunkline_core.routing import QueueDefinition

from trunkline_acd.domain import events
from trunkline_acd.domain.commands import Command, EnqueueContact, PutAgent, PutPolicy, PutQueue, PutWrapUpCode
from trunkline_acd.domain.decider import AcdDecider
from trunkline_acd.domain.events import Event
from trunkline_acd.domain.matching import Begun
from trunkline_acd.domain.state import AcdState, Domain

DEFINING = (PutAgent, PutPolicy, PutQueue, PutWrapUpCode)
"""What an administrator defines is no decision of routing."""


class Kind(StrEnum):
    """How the candidate differs."""

    OTHER_AGENT = "other_agent"
    """The contact rings at another agent, or at more or fewer."""
    OTHER_CONTACT = "other_contact"
    """The agent gets another contact."""
    LATER = "later"
    """The contact goes on waiting."""
    SOONER = "sooner"
    """A contact that went on waiting rings."""
    LEAVES = "leaves"
    """A contact that stayed in the queue leaves it, by a limit or an overflow."""
    STAYS = "stays"
    """A contact that left the queue stays."""
    REFUSED = "refused"
    """The command is refused: most of all, a contact is not let in."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One decision that the candidate takes otherwise.

    Attributes:
        decided_time: when it was really taken.
        contact_id, queue_id: whom it is about, and where that contact waits.
        agent_id: who really had it ring; empty for nobody.
        candidate_agent_id: at whom it rings under the candidate; empty for nobody.
        candidate_contact_id: whom the agent gets instead (`OTHER_CONTACT`).
        reason: the code of a refusal, the outcome of a segment.
    """

    kind: Kind
    decided_time: datetime
    contact_id: str
    queue_id: str
    agent_id: str = ""
    candidate_agent_id: str = ""
    candidate_contact_id: str = ""
    reason: str = ""


class Candidate(Protocol):
    """A policy that may depend on the one in force: what it does not name stays."""

    def __call__(self, in_force: Mapping[str, QueueDefinition]) -> Sequence[QueueDefinition]:
        """Return the queues that change, whole. Raises: TrunklineError."""


@dataclass(slots=True)
class Shadow:
    """Asks one candidate for one tenant; `commands` and `offers` are what was asked, `agreed` the offers alike."""

    candidate: Candidate
    commands: int = 0
    offers: int = 0
    agreed: int = 0
    differences: list[Difference] = field(default_factory=list)
    _decider: AcdDecider = field(default_factory=AcdDecider)
    _in_force: dict[str, QueueDefinition] = field(default_factory=dict)
    _queues: tuple[QueueDefinition, ...] = ()

    def ask(self, state: AcdState, command: Command, context: Context, decided: Sequence[Event]) -> None:
        """Compare what was decided with what the candidate decides; the state is left as it was.

        Args:
            state: as it was before the command.
            command, context: as they were.
            decided: what really came of it.

        Raises: TrunklineError where the candidate is no policy.
        """
        domain = state.domain(context.tenant)
        if isinstance(command, DEFINING) or not (len(domain.contacts) or isinstance(command, EnqueueContact)):
            return  # with no contact there is nothing to route
        self.commands += 1
        self.offers += len(_offers(decided))
        mark = state.journal.mark()
        try:
            self._publish(state, domain, context)
            otherwise = self._decide(state, command, context)
        finally:
            state.journal.rollback(mark)
        if isinstance(otherwise, Difference):
            self.differences.append(otherwise)
        else:
            self._compare(decided, otherwise, context.now)

    def _publish(self, state: AcdState, domain: Domain, context: Context) -> None:
        in_force = definitions(domain)
        if in_force != self._in_force:
            self._in_force, self._queues = in_force, tuple(self.candidate(in_force))
        execute(self._decider, state, PutPolicy(domain.policy_version() + 1, self._queues), context)

    def _decide(self, state: AcdState, command: Command, context: Context) -> Sequence[Event] | Difference:
        try:
            return execute(self._decider, state, command, context)
        except TrunklineError as refusal:
            reason = refusal.rule if isinstance(refusal, Rejection) else type(refusal).__name__
            contact_id, queue_id = getattr(command, "contact_id", ""), getattr(command, "queue_id", "")
            return Difference(Kind.REFUSED, context.now, contact_id, queue_id, reason=reason)

    def _compare(self, decided: Sequence[Event], otherwise: Sequence[Event], now: datetime) -> None:
        really, candidate = _offers(decided), _offers(otherwise)
        alike = [name for name, offers in really.items() if _agents(offers) == _agents(candidate.get(name, ()))]
        self.agreed += len(alike)
        for contact_id in alike:
            del really[contact_id], candidate[contact_id]
        self.differences += _rings_otherwise(really, candidate, now)
        self.differences += _leaves_otherwise(decided, otherwise, now)


def definitions(domain: Domain) -> dict[str, QueueDefinition]:
    """Return the policy in force."""
    return {queue.queue_id: queue.definition for queue in domain.queues.values()}


Offers = dict[str, tuple[Begun, ...]]
"""What each contact was offered in one decision, the first agent first: several where it rings at all."""


def _offers(decided: Iterable[Event]) -> Offers:
    found: Offers = {}
    for event in decided:
        if isinstance(event, Begun):
            found[event.contact_id] = (*found.get(event.contact_id, ()), event)
    return found


def _agents(offers: Iterable[Begun]) -> set[str]:
    return {offer.agent_id for offer in offers}


def _rings_otherwise(really: Offers, candidate: Offers, now: datetime) -> Iterator[Difference]:
    """Compare offers none of which is alike."""
    by_agent = {offers[0].agent_id: offers[0] for name, offers in candidate.items() if name not in really}
    instead = set()
    for contact_id, (offer, *_) in really.items():
        place = (now, contact_id, offer.queue_id, offer.agent_id)
        if others := candidate.get(contact_id):
            yield Difference(Kind.OTHER_AGENT, *place, candidate_agent_id=_first_other(others, really[contact_id]))
        elif of_agent := by_agent.pop(offer.agent_id, None):
            instead.add(of_agent.contact_id)
            yield Difference(Kind.OTHER_CONTACT, *place, candidate_contact_id=of_agent.contact_id)
        else:
            yield Difference(Kind.LATER, *place)
    for contact_id, (offer, *_) in candidate.items():
        if contact_id not in really and contact_id not in instead:
            yield Difference(Kind.SOONER, now, contact_id, offer.queue_id, candidate_agent_id=offer.agent_id)


def _first_other(offers: Sequence[Begun], than: Iterable[Begun]) -> str:
    """Return at whom it rings besides, or instead; where it rings at fewer, the first of them."""
    known = _agents(than)
    return next((offer.agent_id for offer in offers if offer.agent_id not in known), offers[0].agent_id)


def _leaves_otherwise(decided: Sequence[Event], otherwise: Sequence[Event], now: datetime) -> Iterator[Difference]:
    really, candidate = _ends(decided), _ends(otherwise)
    for kind, these, those in ((Kind.STAYS, really, candidate), (Kind.LEAVES, candidate, really)):
        for contact_id, event in these.items():
            if contact_id not in those:
                yield Difference(kind, now, contact_id, event.queue_id, reason=event.outcome.name)


def _ends(decided: Iterable[Event]) -> dict[str, events.SegmentEnded]:
    return {event.contact_id: event for event in decided if isinstance(event, events.SegmentEnded)}
