"""Where a contact stands in the order of serving (rule 15).

Owns: the rank among all who wait for the agents that a contact waits for, by the very order in which `matching` serves.
The work grows with skill profiles, of which a bounded number is compared, and lines: in each line a binary search tells
how many go before.
Must not: walk those who wait, or change anything.
"""

from collections.abc import Mapping
from datetime import datetime

from trunkline_acd.domain import policy
from trunkline_acd.domain.contacts import Contact, Line, fine_score, first_behind
from trunkline_acd.domain.skills import Profile, meets_one
from trunkline_acd.domain.state import Domain


def contacts_ahead(domain: Domain, contact: Contact, now: datetime) -> int:
    """Return how many waiting contacts go before this one at an agent who is eligible for it and free for anything.

    Its own line counts also while nobody is signed in. That an agent is kept from a contact for a moment after a miss
    does not count.
    """
    own, place = domain.place_in_line(contact)
    score = fine_score(place, domain.queue(contact.queue_id).definition, now)
    rivals = lines_served(domain, eligible_profiles(domain, contact))
    others = [line for line in rivals if line != own]
    return sum(_before(domain, line, score, contact.order, now) for line in (own, *others))


def eligible_profiles(domain: Domain, contact: Contact) -> dict[Profile, int]:
    """Return how many agents of each profile are signed in and could serve the contact, busy or not."""
    asked = domain.asked_of(contact)
    return {profile: count for profile, count in domain.staff.items() if meets_one(profile, asked)}


def lines_served(domain: Domain, profiles: Mapping[Profile, int]) -> list[Line]:
    """Return the lines that agents of these profiles could serve, looking at those profiles that most agents have."""
    most = sorted(profiles, key=lambda profile: (-profiles[profile], profile))[: policy.PROFILES_COMPARED]
    return list({id(line): line for profile in most for line in domain.lines_for(profile)}.values())


def _before(domain: Domain, line: Line, score: int, order: int, now: datetime) -> int:
    definition = domain.queue(line.queue_id).definition
    return domain.lines.size_before(line, first_behind(score, order, definition, now))
