"""A contact's row as the view that peers and desks get, with its texts opened.

Owns: the shape of the view. Must not: decide who may see it; the entry points do.
"""

from trunkline.contact.v1 import contact_types_pb2 as types
from trunkline.contact.v1.contact_service_pb2 import Dial
from trunkline.directory.v1 import directory_types_pb2 as directory
from trunkline_core.flows import MenuOption
from trunkline_core.texts import LocalizedText
from trunkline_platform.sealing import Sealer
from trunkline_platform.wire import Mapper, timestamp

from trunkline_channels.adapters.enums import channel_value
from trunkline_channels.domain.contact import Consultation, Contact, Message, Prompt
from trunkline_channels.domain.legs import Leg, legs_of

_TEXT = Mapper(LocalizedText, directory.LocalizedText)
_OPTION = Mapper(MenuOption, directory.MenuOption)


async def contact_view(contact: Contact, sealer: Sealer, after: int, upto: int) -> types.ContactView:
    """Return the whole state with messages number `after + 1` to `upto`. Raises: Transient."""
    return types.ContactView(
        contact_id=contact.contact_id,
        version=contact.version,
        state=types.ContactState.Value(f"CONTACT_STATE_{contact.state.name}"),
        channel=channel_value(contact.channel),
        customer_id=contact.customer_id,
        queue_id=contact.queue_id,
        agent_id=contact.agent_id,
        segment_no=contact.segment_no,
        offer_no=contact.offer_no,
        prompt=_prompt(contact.prompt),
        close_reason=types.CloseReason.Value(f"CLOSE_REASON_{contact.close_reason.name}"),
        opened_time=timestamp(contact.opened_time),
        messages=[await _message(message, contact, sealer) for message in contact.messages[after:upto]],
        gathered={name: await sealer.open(text, contact.tenant) or "" for name, text in contact.gathered},
        locale=contact.locale,
        callback=types.CallbackState.Value(f"CALLBACK_STATE_{contact.callback.name}"),
        callback_refusal=contact.callback_refusal,
        transfer_queue_id=contact.transfer.queue_id if contact.transfer else "",
        transfer_refusal=contact.transfer_refusal,
        consultation=_consultation(contact.consultation),
        consultation_refusal=contact.consultation_refusal,
        consultation_end=contact.consultation_end,
        legs=[_leg(leg) for leg in legs_of(contact)],
    )


async def dial_order(contact: Contact, sealer: Sealer) -> Dial:
    """Return the order to dial the customer of a call-back, with the address opened. Raises: Transient."""
    return Dial(
        contact_id=contact.contact_id,
        segment_no=contact.segment_no,
        offer_no=contact.offer_no,
        agent_id=contact.agent_id,
        address=await sealer.open(contact.address, contact.tenant) or "",
    )


def gone_view(contact_id: str, version: int) -> types.ContactView:
    """Return the view of a contact that is over and left memory: nothing more is known of it."""
    return types.ContactView(contact_id=contact_id, version=version, state=types.ContactState.CONTACT_STATE_CLOSED)


async def _message(message: Message, contact: Contact, sealer: Sealer) -> types.MessageView:
    body = message.body
    if isinstance(body, LocalizedText):
        text = body.zh if contact.locale == "zh" else body.en
    else:
        text = await sealer.open(body, contact.tenant) or ""
    return types.MessageView(
        message_no=message.message_no,
        author=types.Author.Value(f"AUTHOR_{message.author.name}"),
        text=text,
        sent_time=timestamp(message.sent_time),
        agent_id=message.agent_id,
    )


def _consultation(asked: Consultation | None) -> types.ConsultationView | None:
    if asked is None:
        return None
    return types.ConsultationView(
        agent_id=asked.agent_id,
        offer_no=asked.offer_no,
        state=types.ConsultationState.Value(f"CONSULTATION_STATE_{asked.state.name}"),
        talks_to=types.Party.Value(f"PARTY_{asked.talks_to.name}"),
    )


def _leg(leg: Leg) -> types.LegView:
    return types.LegView(
        role=types.LegRole.Value(f"LEG_ROLE_{leg.role.name}"),
        agent_id=leg.agent_id,
        offer_no=leg.offer_no,
        mode=types.LegMode.Value(f"LEG_MODE_{leg.mode.name}"),
    )


def _prompt(prompt: Prompt | None) -> types.PromptView | None:
    if prompt is None or not prompt.is_open:
        return None
    return types.PromptView(
        node_id=prompt.node_id,
        prompt=_TEXT.to_message(prompt.text) if prompt.text else None,
        options=[_OPTION.to_message(option) for option in prompt.options],
    )
