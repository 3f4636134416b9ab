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
        "choices": [{"option_id": option.digit, "label": _text(option.label)} for option in contact.treatment.options],
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
        "author": _author(message.author),
        "text": message.text,
        "at": moment(message.sent_time).isoformat(timespec="milliseconds"),
    }


def _author(author: types.Author.ValueType) -> str:
    """A supervisor who barges in is somebody of the house, also where the view was made for agents."""
    shown = types.Author.AUTHOR_AGENT if author == types.Author.AUTHOR_SUPERVISOR else author
    return _name(types.Author.Name(shown), "AUTHOR_")


def _text(text: Any) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _name(name: str, prefix: str) -> str:
    plain = name.removeprefix(prefix)
    return "" if plain == "UNSPECIFIED" else plain
