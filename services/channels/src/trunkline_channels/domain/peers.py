"""Who holds the customer: a gateway or a chat edge, which may go, come back, or be lost.

Owns: that a gateway which is lost, or has a call no more, ends it, while a chat waits a while for its page.
"""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import NotFound
from trunkline_core.ids import check_id
from trunkline_core.replacing import replace

from trunkline_channels.domain import closing, commands, policy, timing
from trunkline_channels.domain.contact import Contact
from trunkline_channels.domain.events import Event, PeerAttached, PeerDetached
from trunkline_channels.domain.state import ChannelsState, holder_key
from trunkline_channels.domain.words import Channel, CloseReason

_GATEWAY = "gateway:"


def check_brought(state: ChannelsState, contact_id: str, context: Context) -> None:
    """A gateway acts on the contacts that it brought; another one's looks like none. Raises: NotFound."""
    contact = state.contacts.get(contact_id)
    if contact is not None and is_anothers(contact, context.actor):
        raise NotFound("contact", contact_id)


def is_anothers(contact: Contact, actor: str) -> bool:
    """Tell whether the actor is a gateway that did not bring the contact, whatever peer id it goes by."""
    return actor.startswith(_GATEWAY) and contact.brought_by != actor


def attach(state: ChannelsState, command: commands.AttachPeer, context: Context) -> Iterator[Event]:
    """The customer is held by this edge now."""
    contact = closing.live(state, command.contact_id, context.tenant)
    check_id("peer_id", command.peer_id)
    if not contact.is_attached or contact.peer_id != command.peer_id:
        yield PeerAttached(contact.contact_id, command.peer_id)


def detach(state: ChannelsState, command: commands.DetachPeer, context: Context) -> Iterator[Event]:
    """The page is gone, maybe for a moment only; another edge than the current one changes nothing."""
    contact = closing.live(state, command.contact_id, context.tenant)
    if contact.is_attached and contact.peer_id == command.peer_id:
        yield PeerDetached(contact.contact_id, contact.peer_id)


def lose(state: ChannelsState, command: commands.LosePeer, context: Context) -> Iterator[Event]:
    """The edge is gone, or has some contacts no more; a bounded number at a time, the caller asks again."""
    held = state.held.entries(holder_key(context.tenant, command.peer_id))
    lost = [contact_id for contact_id in held if not command.contact_ids or contact_id in command.contact_ids]
    for contact_id in lost[: policy.MAX_CONTACTS_PER_LOSS]:
        contact = state.contact(contact_id, context.tenant)
        if contact.channel is Channel.CHAT:
            yield PeerDetached(contact_id, contact.peer_id)
        elif contact.keeps_place:
            yield from closing.hang_up(contact)
        else:
            yield from closing.end(state, contact_id, CloseReason.PEER_LOST)


def apply_attached(state: ChannelsState, contact: Contact, event: PeerAttached) -> None:
    """The customer is there."""
    state.put(replace(contact, peer_id=event.peer_id, is_attached=True))
    timing.stop_watching(state, contact.contact_id, timing.DETACHED)


def apply_detached(state: ChannelsState, contact: Contact, _: PeerDetached, context: Context) -> None:
    """Wait for the customer to come back."""
    state.put(replace(contact, is_attached=False))
    timing.watch_detached(state, contact, context.now)
