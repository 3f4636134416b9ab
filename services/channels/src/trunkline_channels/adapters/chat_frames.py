"""Views of contacts as what a chat page is shown (chat contract: JSON, enum names without prefix)."""

from typing import Any

from trunkline.contact.v1 import contact_types_pb2 as types
from trunkline.contact.v1.contact_service_pb2 import SessionResponse
from trunkline_platform.wire import moment

from trunkline_channels.application.chat import View


def view_of(push: SessionResponse) -> View | None:
    """Return the contact of a push; None for anything else."""
    if push.WhichOneof("response") != "contact":
        return None
    contact = push.contact
    content = {
        "version": contact.version,
        "state": _name(types.ContactState.Name(contact.state), "CONTACT_STATE_"),
        "prompt": _prompt(contact.prompt) if contact.HasField("prompt") else None,
        "close_reason": _name(types.CloseReason.Name(contact.close_reason), "CLOSE_REASON_"),
        "locale": contact.locale,
    }
    is_over = contact.state == types.CONTACT_STATE_CLOSED
    messages = {message.message_no: _message(message) for message in contact.messages}
    return View(contact.contact_id, contact.version, is_over, content, messages)


def _prompt(prompt: types.PromptView) -> dict[str, Any]:
    return {
        "node_id": prompt.node_id,
        "text": _text(prompt.prompt),
        "options": [{"option_id": option.option_id, "label": _text(option.label)} for option in prompt.options],
    }


def _message(message: types.MessageView) -> dict[str, Any]:
    return {
        "no": message.message_no,
        "author": _name(types.Author.Name(message.author), "AUTHOR_"),
        "text": message.text,
        "at": moment(message.sent_time).isoformat(timespec="milliseconds"),
    }


def _text(text: Any) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _name(name: str, prefix: str) -> str:
    plain = name.removeprefix(prefix)
    return "" if plain == "UNSPECIFIED" else plain
