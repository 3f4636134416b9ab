"""Why a contact is where it is, as sentences for a supervisor and as plain facts (routing rule 21).

Owns: which facts become which sentence, in which order. Must not: ask anybody, or have words of its own.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp
from trunkline.acd.v1.acd_types_pb2 import (
    Candidate,
    ContactExplanation,
    ContactStage,
    ExplainedOffer,
    Explanation,
    Obstacle,
    Preference,
    WaitingReasons,
)

from trunkline_console.application import explanation_words as words
from trunkline_console.application.explanation_words import Language
from trunkline_console.application.views import enum_of, explanation_json, optional_moment
from trunkline_console.application.wall import moment

PULLED: Final = "ContactPulled"
ASKED_TOO: Final = "AskedToo"
OUTDONE: Final = ("OnlyHelps", "LaterRing", "LessProficient", "LoadHigher", "TurnLater", "NotDrawn", "IdleShorter")


def _own_id(row_id: str) -> str:
    return row_id


@dataclass(frozen=True, slots=True)
class Names:
    """What agents and queues are called in the reader's language; their ids where nobody knows."""

    agent: Callable[[str], str] = _own_id
    queue: Callable[[str], str] = _own_id


def sentences(found: ContactExplanation, language: Language, names: Names, *, is_complete: bool = False) -> list[str]:
    """Return what a supervisor reads: what became of each offer and why, then what it waits for.

    Args:
        found: what acd or its ledger says of the contact.
        language: of the sentences.
        names: what agents and queues are called.
        is_complete: whether all offers that there were are in it, as where the ledger was read.
    """
    said = [*_offers(found, language, names), *_standing(found, language, names)]
    if found.offers or not (found.offer_count or found.stage == ContactStage.CONTACT_STAGE_ENDED):
        return said
    last = "never_offered" if is_complete else "nothing_known"
    return [*said, words.SENTENCES[last].say(language, contact=found.contact_id)]


def facts_json(found: ContactExplanation) -> dict[str, Any]:
    """Return the same as data; times as ISO 8601, 64-bit numbers as numbers."""
    return {
        "contact_id": found.contact_id,
        "stage": enum_of(found, "stage"),
        "queue_id": found.queue_id,
        "channel": enum_of(found, "channel"),
        "entered": optional_moment(found, "entered_time"),
        "now": moment(found.now_time),
        "agent_id": found.agent_id,
        "ringing_count": found.ringing_count,
        "offer_count": found.offer_count,
        "offers": [_offer_json(offer) for offer in found.offers],
        "waiting": _waiting_json(found.waiting) if found.HasField("waiting") else None,
    }


def _offer_json(offer: ExplainedOffer) -> dict[str, Any]:
    return {
        "offer_no": offer.offer_no,
        "segment_no": offer.segment_no,
        "queue_id": offer.queue_id,
        "agent_id": offer.agent_id,
        "offered": moment(offer.offered_time),
        "outcome": enum_of(offer, "outcome"),
        "explanation": explanation_json(offer) if offer.HasField("explanation") else None,
    }


def _waiting_json(waiting: WaitingReasons) -> dict[str, Any]:
    return {
        "ring": waiting.ring,
        "ring_count": waiting.ring_count,
        "agent_count": waiting.agent_count,
        "examined_count": waiting.examined_count,
        "matching_count": waiting.matching_count,
        "obstacles": [
            {"reason": found.reason, "agent_count": found.agent_count, "agent_ids": list(found.agent_ids)}
            for found in waiting.obstacles
        ],
        "before_count": waiting.before_count,
        "is_before_count_exact": waiting.is_before_count_exact,
        "value_score_permille": waiting.value_score_permille,
        "urgency_score_permille": waiting.urgency_score_permille,
        "wait_score_permille": waiting.wait_score_permille,
        "next_ring": optional_moment(waiting, "next_ring_time"),
        "limit": optional_moment(waiting, "limit_time"),
        "overflow_check": optional_moment(waiting, "overflow_check_time"),
        "overflow_queue_id": waiting.overflow_queue_id,
        "helping_queue_id": waiting.helping_queue_id,
        "clears": optional_moment(waiting, "clears_time"),
    }


# -- offers -------------------------------------------------------------------------------------------------------


def _offers(found: ContactExplanation, language: Language, names: Names) -> Iterator[str]:
    missing = found.offer_count - len(found.offers)
    if missing > 0 and found.offers:
        yield words.SENTENCES["earlier_offers"].say(language, count=missing, contact=found.contact_id)
    for offer in found.offers:
        yield from _offer(offer, language, names)


def _offer(offer: ExplainedOffer, language: Language, names: Names) -> Iterator[str]:
    outcome = words.OUTCOMES.get(enum_of(offer, "outcome"), words.OUTCOMES["RINGING"])
    said = outcome.say(language, agent=names.agent(offer.agent_id))
    trigger = words.TRIGGERS.get(offer.explanation.trigger)
    if not offer.explanation.candidates or trigger is None:
        yield words.SENTENCES["offer_without_reasons"].say(language, outcome=said)
        return
    chosen, *others = offer.explanation.candidates
    best = _best(offer.explanation, language)
    yield words.SENTENCES["offer"].say(language, outcome=said, trigger=trigger.say(language), best=best)
    if asked := [names.agent(other.agent_id) for other in others if other.not_chosen_because == ASKED_TOO]:
        yield words.SENTENCES["asked_too"].say(language, agents=words.listed(language, asked))
    for other in others:
        if other.not_chosen_because == ASKED_TOO:
            continue
        reason = _reason(chosen, other, language)
        yield words.SENTENCES["not_chosen"].say(language, agent=names.agent(other.agent_id), reason=reason)
    yield from _circumstances(offer.explanation, language, names)


def _best(explanation: Explanation, language: Language) -> str:
    chosen, *others = explanation.candidates
    idle = words.duration_text(language, chosen.idle_ms)
    if explanation.trigger == PULLED:
        return words.PULLED.say(language, idle=idle)
    if explanation.asked_count:
        return words.ASKED_AT_ONCE.say(language, count=explanation.asked_count, idle=idle)
    reasons = [other.not_chosen_because for other in others]
    because = next((reason for reason in OUTDONE if reason in reasons), None)
    if because is None:
        return words.ALONE.say(language, idle=idle)
    rivals = sum(reason in OUTDONE for reason in reasons)
    return words.BEST[because].say(language, count=rivals + 1, idle=idle)


def _reason(chosen: Candidate, other: Candidate, language: Language) -> str:
    """An unknown word is shown as it is: acd may be newer than we are."""
    text = words.REASONS.get(other.not_chosen_because)
    if text is None:
        return other.not_chosen_because
    less_ms = chosen.idle_ms - other.idle_ms
    if other.not_chosen_because == "IdleShorter" and less_ms < 0:  # whoever has work in hand comes later
        return words.IDLE_BUT_BUSIER.say(language)
    if other.not_chosen_because == "IdleShorter" and less_ms < 500:
        return words.IDLE_AS_LONG.say(language)
    return text.say(language, idle=words.duration_text(language, less_ms))


_PREFERENCES = {
    Preference.PREFERENCE_LAST_AGENT: "last_agent",
    Preference.PREFERENCE_ACCOUNT_OWNER: "account_owner",
    Preference.PREFERENCE_NAMED: "meant",
}


def _circumstances(explanation: Explanation, language: Language, names: Names) -> Iterator[str]:
    yield words.SENTENCES["score"].say(language, count=explanation.waiting_count, **_score(explanation))
    if explanation.preference in _PREFERENCES:
        yield words.SENTENCES[_PREFERENCES[explanation.preference]].say(language)
    if explanation.ring:
        yield words.SENTENCES["ring"].say(language, ring=explanation.ring)
    if explanation.helping_queue_id:
        yield words.SENTENCES["helped"].say(language, queue=names.queue(explanation.helping_queue_id))


def _score(terms: Explanation | WaitingReasons) -> dict[str, str]:
    value, urgency, wait = terms.value_score_permille, terms.urgency_score_permille, terms.wait_score_permille
    return {
        "score": words.points(value + urgency + wait),
        "value": words.points(value),
        "urgency": words.points(urgency),
        "wait": words.points(wait),
    }


# -- where it stands ----------------------------------------------------------------------------------------------


def _standing(found: ContactExplanation, language: Language, names: Names) -> Iterator[str]:
    if found.stage == ContactStage.CONTACT_STAGE_WAITING:
        yield from _waiting(found, language, names)
    elif found.ringing_count > 1:
        yield words.SENTENCES["rings_at"].say(language, count=found.ringing_count)
    elif found.stage == ContactStage.CONTACT_STAGE_CONNECTED and not found.offers:
        yield words.SENTENCES["connected"].say(language, agent=names.agent(found.agent_id))
    elif found.stage == ContactStage.CONTACT_STAGE_ENDED:
        yield words.SENTENCES["over"].say(language)


def _waiting(found: ContactExplanation, language: Language, names: Names) -> Iterator[str]:
    wait = words.duration_text(language, _ms_between(found.entered_time, found.now_time))
    yield words.SENTENCES["waiting"].say(language, queue=names.queue(found.queue_id), wait=wait)
    if not found.HasField("waiting"):
        yield words.SENTENCES["acd_away"].say(language)
        return
    if found.waiting.helping_queue_id:
        yield words.SENTENCES["helping"].say(language, queue=names.queue(found.waiting.helping_queue_id))
    yield from _agents(found.waiting, language, names)
    yield words.SENTENCES["score_now"].say(language, **_score(found.waiting))
    yield from _coming(found, language, names)


def _agents(waiting: WaitingReasons, language: Language, names: Names) -> Iterator[str]:
    if waiting.examined_count < waiting.agent_count:
        yield words.SENTENCES["partly_examined"].say(language, count=waiting.examined_count, all=waiting.agent_count)
    if not waiting.matching_count:
        yield words.SENTENCES["nobody_matches"].say(language, count=waiting.examined_count)
        return
    kept = words.listed(language, [_obstacle(obstacle, language, names) for obstacle in waiting.obstacles])
    yield words.SENTENCES["kept"].say(language, count=waiting.matching_count, obstacles=kept)
    if not waiting.is_before_count_exact:
        yield words.SENTENCES["before_many"].say(language, count=waiting.before_count)
    elif waiting.before_count:
        yield words.SENTENCES["before"].say(language, count=waiting.before_count)
    else:
        yield words.SENTENCES["first"].say(language)


def _obstacle(obstacle: Obstacle, language: Language, names: Names) -> str:
    text = words.OBSTACLES.get(obstacle.reason)
    said = text.say(language, count=obstacle.agent_count) if text else f"{obstacle.agent_count} {obstacle.reason}"
    shown = [names.agent(agent_id) for agent_id in obstacle.agent_ids]
    return words.named(language, said, shown, len(shown) == obstacle.agent_count)


def _coming(found: ContactExplanation, language: Language, names: Names) -> Iterator[str]:
    """Say what happens by itself, in the order of its time."""
    waiting, overflow = found.waiting, names.queue(found.waiting.overflow_queue_id)
    steps: list[tuple[str, str, dict[str, object]]] = [
        ("next_ring_time", "next_ring", {"ring": waiting.ring + 1, "rings": waiting.ring_count}),
        ("overflow_check_time", "overflow", {"queue": overflow}),
        ("limit_time", "limit", {}),
        ("clears_time", "clears", {}),
    ]
    coming = [
        (_ms_between(found.now_time, getattr(waiting, field)), sentence, values)
        for field, sentence, values in steps
        if waiting.HasField(field)  # type: ignore[arg-type]
    ]
    for left_ms, sentence, values in sorted(coming, key=lambda step: step[0]):
        yield words.SENTENCES[sentence].say(language, time=words.duration_text(language, left_ms), **values)


def _ms_between(begin: Timestamp, end: Timestamp) -> float:
    return (end.ToNanoseconds() - begin.ToNanoseconds()) / 1e6
