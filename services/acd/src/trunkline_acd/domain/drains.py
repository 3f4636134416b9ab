"""Drain (rule 2): while a call waits for longer than its target, who has chats gets no further one, to be free for it.

Owns: for which agents a chat is held back. It begins by the time that a call has waited and needs no timer: only what
is matched afterwards changes. What follows when it ends is in `handouts`. Looks at the oldest call of each line of
queues with that policy, never at all calls.
"""

from datetime import datetime

from trunkline_acd.domain.contacts import Line
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.places import Pool
from trunkline_acd.domain.state import Domain


def is_held_back(domain: Domain, channel: Channel, pool: Pool, now: datetime) -> bool:
    """Tell whether contacts of that channel are held back from the agents of the pool.

    So are chats from agents whose chats alone keep them from a call that they have the skills for. An agent who is
    passed over for that call for a while, after a miss, is drained all the same: the call comes back to them.
    """
    if channel is not Channel.CHAT or not pool.blocks_calls:
        return False
    return any(
        _is_overdue(domain, line, now) and _may_be_served(domain, line)
        for line in domain.served_in(domain.calls, pool.profile)
    )


def is_late(domain: Domain, queue_id: str, aged_since: datetime, now: datetime) -> bool:
    """Tell whether a contact of that queue that ages since then waits for longer than its target."""
    return now - aged_since > domain.queue(queue_id).definition.target_wait_duration


def _may_be_served(domain: Domain, line: Line) -> bool:
    """Tell whether more agents are signed in for the line than are kept back from it: else it never gets one."""
    return not line.reserved or domain.staff_for(domain.asked_in(line)) > line.reserved


def _is_overdue(domain: Domain, line: Line, now: datetime) -> bool:
    oldest = domain.calls.first(line)
    return oldest is not None and is_late(domain, line.queue_id, oldest[0], now)
