"""Every index of a routing domain holds what its rows say, nothing else."""

from collections import Counter
from typing import Any

from trunkline_acd.domain.agents import is_routable, is_signed_in, occupancy
from trunkline_acd.domain.contacts import Stage, line_of, line_place
from trunkline_acd.domain.places import Order, order_of, spot_of
from trunkline_acd.domain.state import Domain, connected_peer, loosening_of

from .rules_again import drains


def check_indexes(domain: Domain) -> None:
    lines, ringing, ages, callbacks, reached, pools, others, peers, calls, held_ones, away, loosening, devices = (
        Counter[Any]() for _ in range(13)
    )
    orders = {order_of(queue.definition.strategy) for queue in domain.queues.values()} - {Order.IDLE}
    sets: dict[str, set[Any]] = {queue.queue_id: set() for queue in domain.queues.values()}
    for contact in domain.contacts.values():
        if contact.is_open and contact.stage is not Stage.SCHEDULED:
            sets[contact.queue_id].add(contact.requirements)
        if asks := loosening_of(contact):
            loosening[(asks, (contact.order, contact.contact_id))] += 1
        if contact.held_for:
            held_ones[(contact.held_for, (contact.order, contact.contact_id))] += 1
        definition = domain.queue(contact.queue_id).definition
        if contact.may_ring_at_more:
            ringing[(line_of(contact, definition), line_place(contact, definition))] += 1
        if contact.stage is Stage.WAITING:
            if not contact.held_for:
                lines[(line_of(contact, definition), line_place(contact, definition))] += 1
            if contact.home_queue_id:
                away[(contact.home_queue_id, (contact.order, contact.contact_id))] += 1
            shelf = reached if contact.is_reached else callbacks if contact.callback else ages
            shelf[(contact.queue_id, (contact.order, contact.contact_id))] += 1
            if drains(contact, definition):
                calls[(line_of(contact, definition), (contact.aged_since_time, contact.contact_id))] += 1
    for agent in domain.agents.values():
        if spot := spot_of(agent):
            pools[spot] += 1
            for order in orders:
                pool, place = spot_of(agent, order)
                others[((order, pool), place)] += 1
        if (peer := connected_peer(agent)) is not None:
            peers[(peer, (agent.agent_id,))] += 1
        for gateway in agent.registered_at:
            devices[(gateway, (agent.agent_id,))] += 1
    staff = Counter(agent.profile for agent in domain.agents.values() if is_signed_in(agent))
    assert dict(domain.staff.items()) == staff
    at_work = [agent for agent in domain.agents.values() if is_routable(agent) or agent.at_hand]
    used = Counter[Any]()
    for agent in at_work:
        used[agent.profile] += occupancy(agent).share_permille
    counts = Counter(agent.profile for agent in at_work)
    assert dict(domain.loads.items()) == {profile: (used[profile], count) for profile, count in counts.items()}
    for queue in domain.queues.values():
        if helping := domain.helping_queue(queue.queue_id):
            overflow = queue.definition.overflow
            assert overflow and overflow.shares and overflow.next_queue_id == helping
    followed = Counter(place.order for line in domain.followed_lines for place in domain.followed_lines.entries(line))
    assert sum(followed.values()) == sum(domain.followed_count(queue.queue_id) for queue in domain.queues.values())
    assert Counter(one.contact.order for one in domain.followed.values()) == followed
    assert {queue.queue_id: queue.requirement_sets for queue in domain.queues.values()} == {
        queue_id: len(found) for queue_id, found in sets.items()
    }
    indexes = (
        (domain.lines, lines),
        (domain.ringing_lines, ringing),
        (domain.ages, ages),
        (domain.callbacks, callbacks),
        (domain.reached, reached),
        (domain.pools, pools),
        (domain.peers, peers),
        (domain.held, held_ones),
        (domain.calls, calls),
        (domain.away, away),
        (domain.loosening, loosening),
        (domain.devices, devices),
    )
    for shelves, expected in (*indexes, (domain.other_pools, others)):
        entries = Counter((key, entry) for key in shelves for entry in shelves.entries(key))
        assert entries == expected
