"""What the agent who has a chat and the colleague who is asked about it write to each other (routing rule 19).

Owns: that words reach only the colleague for whom they were written. Must not: let the customer see any of it, nor
touch the customer's silence.
"""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Rejection

from trunkline_channels.domain import closing, commands, whispers
from trunkline_channels.domain.contact import Legs
from trunkline_channels.domain.events import Event
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.domain.words import Channel


def add(state: ChannelsState, command: commands.AddConsultationMessage, context: Context) -> Iterator[Event]:
    """One of the two wrote. acd may have told the colleague of the connection before its fact is here.

    Raises: Invalid; NotFound; Rejection(`ContactClosed`, `WritingNeedsChat`, `NoConsultation`, `NotConnectedToAgent`,
    `ConsultationNotAnswered`, `ConversationFull`).
    """
    contact = closing.live(state, command.contact_id, context.tenant)
    if contact.channel is not Channel.CHAT:
        raise Rejection("WritingNeedsChat")
    asked = contact.consultation
    if asked is None or asked.offer_no != command.offer_no:
        raise Rejection("NoConsultation")
    if command.agent_id not in (contact.agent_id, asked.agent_id):
        raise Rejection("NotConnectedToAgent")
    if asked.leg is not Legs.JOINED:
        raise Rejection("ConsultationNotAnswered")
    yield whispers.added(contact, command.body, colleague_id=asked.agent_id, author_agent_id=command.agent_id)
