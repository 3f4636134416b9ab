"""How much an agent can do at one time (rule 2): units of a total, contacts of each channel, and what excludes what.

Owns: the table of an agent, also of one who has only `chat_capacity`, and for what some work leaves room. Pure figures
of a definition and the channels at work, so that each case is computed once. Must not: know rows.
"""

from functools import lru_cache
from typing import NamedTuple

from trunkline_core.routing import AgentDefinition, Channel, ChannelUse

Room = tuple[Channel, ...]
"""The channels of which one more contact fits, sorted."""

Held = tuple[Channel, bool]
"""What one piece of work holds: its channel's units, and whether it excludes other channels as its table says."""

WHOLE_PERMILLE = 1000


class Occupancy(NamedTuple):
    """What some work leaves of an agent.

    Attributes:
        share_permille: units in use ÷ total.
        blocks_calls: chats are at work and no call fits that the agent could take without work.
    """

    room: Room
    share_permille: int
    blocks_calls: bool

    def without(self, channel: Channel) -> "Occupancy":
        """Return it without room for that channel; chats keep out no call that could not come anyway."""
        return self._replace(
            room=tuple(other for other in self.room if other is not channel),
            blocks_calls=self.blocks_calls and channel is not Channel.VOICE,
        )


def occupancy_of(definition: AgentDefinition, held: tuple[Held, ...]) -> Occupancy:
    """Return what that work leaves of the agent. A channel that a new definition lacks holds the whole agent."""
    return _occupancy(definition.chat_capacity, definition.units, definition.channels, held)


def takes(definition: AgentDefinition, channel: Channel) -> bool:
    """Tell whether the agent takes contacts of that channel at all."""
    return channel in _table(definition.chat_capacity, definition.units, definition.channels)[1]


def share_permille(definition: AgentDefinition, channel: Channel) -> int:
    """Return what part of the agent a contact of that channel takes: all where nothing may stand beside it."""
    total, table = _table(definition.chat_capacity, definition.units, definition.channels)
    use = table.get(channel)
    if use is None or (use.max_contacts == 1 and all(_exclude(use, other) for other in table.values() if other != use)):
        return WHOLE_PERMILLE
    return WHOLE_PERMILLE * use.units // total


@lru_cache(maxsize=65_536)
def _occupancy(chat_capacity: int, units: int, channels: tuple[ChannelUse, ...], held: tuple[Held, ...]) -> Occupancy:
    total, table = _table(chat_capacity, units, channels)
    used = sum(table[channel].units if channel in table else total for channel, _ in held)
    room = tuple(sorted(channel for channel in table if _fits(table, channel, total - used, held)))
    others = tuple(work for work in held if work[0] is not Channel.CHAT)
    left = total - sum(table[channel].units if channel in table else total for channel, _ in others)
    could = others != held and Channel.VOICE in table and _fits(table, Channel.VOICE, left, others)
    blocks_calls = could and Channel.VOICE not in room
    return Occupancy(room, WHOLE_PERMILLE * used // total, blocks_calls)


def _fits(table: dict[Channel, ChannelUse], channel: Channel, units_left: int, held: tuple[Held, ...]) -> bool:
    use = table[channel]
    count = sum(other is channel for other, _ in held)
    excluding = (table.get(other) for other, excludes in held if excludes)
    return (
        use.units <= units_left
        and (not use.max_contacts or count < use.max_contacts)
        and not any(other and _exclude(use, other) for other in excluding)
    )


def _exclude(one: ChannelUse, other: ChannelUse) -> bool:
    """Tell whether the two channels may not run at the same time: either side may say so."""
    return other.channel in one.excluded_by or one.channel in other.excluded_by


@lru_cache(maxsize=4_096)
def _table(chat_capacity: int, units: int, channels: tuple[ChannelUse, ...]) -> tuple[int, dict[Channel, ChannelUse]]:
    """Return the total and the use of each channel that is taken; without a table one call, or chats."""
    if channels:
        return units, {use.channel: use for use in channels}
    call, chat = ChannelUse(Channel.VOICE, 1, 1, (Channel.CHAT,)), ChannelUse(Channel.CHAT, 1)
    return chat_capacity, {Channel.VOICE: call, Channel.CHAT: chat}
