"""Messages that outside systems bring by web hook: each customer of a hook has one open conversation at a time.

Owns: that a delivery finds that conversation or opens one, in one command: however many come at once, there is one.
Must not: know signatures or what is typed; a repetition is known by its command id (ledger rule 12).
"""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, NotFound
from trunkline_core.webhooks import check_hook

from trunkline_channels.domain import checks, commands, conversation, opening, self_service
from trunkline_channels.domain.contact import Contact
from trunkline_channels.domain.events import Event, HookPut, TextGathered
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.domain.words import Author, Channel

NAME = "name"
"""The gathered text that a desk shows as the customer's name."""


def put_hook(state: ChannelsState, command: commands.PutHook, context: Context) -> Iterator[Event]:
    """Take over a hook. Raises: Invalid."""
    if command.hook is None:
        raise Invalid("hook", "must be set")
    check_hook(command.hook)
    if state.hooks.get((context.tenant, command.hook.hook_id)) != command.hook:
        yield HookPut(command.hook)


def take(state: ChannelsState, command: commands.TakeDelivery, context: Context) -> Iterator[Event]:
    """Add what the customer wrote to the open conversation, or to one that begins with it.

    Raises: NotFound, Invalid; Rejection(`ConversationFull`).
    """
    hook = state.hook(command.hook_id, context.tenant)
    contact_id = state.conversations.get(command.address_token)
    if contact_id is None:
        contact_id = command.contact_id
        yield from _open(state, hook.entry_point_id, command, context)
    contact = state.contact(contact_id, context.tenant)
    if _answers(contact, command.node_id):
        text = None if command.option_id else command.body
        answer = commands.GiveInput(contact_id, command.node_id, command.option_id, text)
        yield from self_service.give_input(state, answer, context)
    else:
        written = commands.AddMessage(contact_id, Author.CUSTOMER, command.body, "")
        yield from conversation.add(state, written, context)


def _open(
    state: ChannelsState, entry_point_id: str, command: commands.TakeDelivery, context: Context
) -> Iterator[Event]:
    if state.entry_point(entry_point_id, context.tenant).channel is not Channel.CHAT:
        raise NotFound("entry_point", entry_point_id)  # nobody could join the legs of a call
    arrival = commands.OpenContact(
        entry_point_id=entry_point_id,
        address_token=command.address_token,
        address=command.address,
        attributes={},
        locale=command.locale,
        peer_id="",
        contact_id=command.contact_id,
    )
    yield from opening.opened(state, arrival, context)
    if command.name is not None:
        yield TextGathered(command.contact_id, NAME, checks.checked(NAME, command.name))


def _answers(contact: Contact, node_id: str) -> bool:
    prompt = contact.prompt
    return prompt is not None and prompt.is_open and node_id == prompt.node_id


def apply_hook_put(state: ChannelsState, event: HookPut, context: Context) -> None:
    """Put the definition in force."""
    state.hooks.put((context.tenant, event.hook.hook_id), event.hook)
