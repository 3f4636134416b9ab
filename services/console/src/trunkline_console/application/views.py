"""Views of agents and contacts as the JSON that desks understand. Must not: open or hide anything."""

from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import EnumDescriptor
from trunkline.acd.v1.acd_types_pb2 import AgentView, ExplainedOffer, WorkItem
from trunkline.contact.v1.contact_types_pb2 import ConsultationView, ContactView, MessageView, NoteView, WhisperView

from trunkline_console.application.wall import call_in_json, moment


def short_name(kind: EnumDescriptor, number: int) -> str:
    """Return an enum value without its prefix: WORK_STATE_OFFERED → OFFERED."""
    prefix = kind.values_by_number[0].name.removesuffix("UNSPECIFIED")
    value = kind.values_by_number.get(number)
    return value.name.removeprefix(prefix) if value else "UNSPECIFIED"


def enum_of(message: Any, field: str) -> str:
    """Return the short name of an enum field's value."""
    return short_name(message.DESCRIPTOR.fields_by_name[field].enum_type, getattr(message, field))


def optional_moment(message: Any, field: str) -> str | None:
    """Return a Timestamp field as ISO 8601, None when unset."""
    return moment(getattr(message, field)) if message.HasField(field) else None


def agent_view_json(view: AgentView) -> dict[str, Any]:
    """Return the agent's whole state."""
    return {
        "agent_id": view.agent_id,
        "version": view.version,
        "intent": enum_of(view, "intent"),
        "break_reason": view.break_reason,
        "next_intent": enum_of(view, "next_intent") if view.next_intent else None,
        "connectivity": enum_of(view, "connectivity"),
        "not_responding": view.not_responding,
        "device": enum_of(view, "device"),
        "since": optional_moment(view, "since_time"),
        "now": optional_moment(view, "now_time"),
        "work": [work_json(item) for item in view.work],
        "explanation": explanation_json(view) if view.HasField("explanation") else None,
        "taken": {"contact_id": view.taken_contact_id, "agent_id": view.taken_by_agent_id},
        "called_in": call_in_json(view),
        "outpaced": {"contact_id": view.outpaced_contact_id, "offer_no": view.outpaced_offer_no},
    }


def work_json(item: WorkItem) -> dict[str, Any]:
    """Return one piece of work."""
    return {
        "contact_id": item.contact_id,
        "queue_id": item.queue_id,
        "segment_no": item.segment_no,
        "offer_no": item.offer_no,
        "channel": enum_of(item, "channel"),
        "state": enum_of(item, "state"),
        "since": optional_moment(item, "since_time"),
        "expires": optional_moment(item, "expires_time"),
        "entered": optional_moment(item, "entered_time"),
        "extensions_left": item.extensions_left,
        "callback": item.callback,
        "callback_reached": item.callback_reached,
        "parked": optional_moment(item, "parked_time"),
        "customer_waits": optional_moment(item, "customer_waits_time"),
        "asked_by": item.asked_by,
        "preference": enum_of(item, "preference"),
    }


def explanation_json(view: AgentView | ExplainedOffer) -> dict[str, Any]:
    """Return why an offer came there; 64-bit numbers as numbers."""
    plain = json_format.MessageToDict(
        view.explanation, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    found = _numbers(plain)
    assert isinstance(found, dict)
    return found


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_numbers(inner) for inner in value]
    return int(value) if isinstance(value, str) and value.lstrip("-").isdigit() else value


def contact_view_json(
    view: ContactView,
    messages: Mapping[int, MessageView],
    customer: Mapping[str, Any] | None,
    hides_listening: bool,
    agent_id: str,
) -> dict[str, Any]:
    """Return the contact with its whole conversation, as it is shown to that agent."""
    return {
        "contact_id": view.contact_id,
        "version": view.version,
        "state": enum_of(view, "state"),
        "channel": enum_of(view, "channel"),
        "customer_id": view.customer_id,
        "customer": customer,
        "queue_id": view.queue_id,
        "agent_id": view.agent_id,
        "messages": [message_json(messages[number]) for number in sorted(messages)],
        "gathered": dict(view.gathered),
        "opened": optional_moment(view, "opened_time"),
        "close_reason": enum_of(view, "close_reason"),
        "locale": view.locale,
        "transfer_queue_id": view.transfer_queue_id,
        "transfer_refusal": view.transfer_refusal,
        "consultation": consultation_json(view.consultation) if view.HasField("consultation") else None,
        "consultation_refusal": view.consultation_refusal,
        "consultation_end": view.consultation_end,
        "notes": [note_json(note) for note in view.notes],
        "monitoring": monitoring_mode(view, hides_listening),
        "whispers": [
            whisper_json(whisper) for whisper in view.whispers if agent_id in (whisper.agent_id, whisper.colleague_id)
        ],
    }


def reading_json(view: ContactView, messages: Mapping[int, MessageView]) -> dict[str, Any]:
    """Return a chat as the supervisor reads it who monitors it: what was written or told to the menu, and by whom."""
    return {
        "contact_id": view.contact_id,
        "version": view.version,
        "agent_id": view.agent_id,
        "mode": enum_of(view.monitoring, "mode"),
        "gathered": dict(view.gathered),
        "messages": [message_json(messages[number]) for number in sorted(messages)],
        "whispers": [whisper_json(whisper) for whisper in view.whispers],
    }


def whisper_json(whisper: WhisperView) -> dict[str, Any]:
    """Return what a supervisor whispered, or agents wrote to each other, and between which messages it stands."""
    return {
        "no": whisper.whisper_no,
        "supervisor_id": whisper.supervisor_id,
        "agent_id": whisper.agent_id,
        "colleague_id": whisper.colleague_id,
        "author_agent_id": whisper.author_agent_id,
        "text": whisper.text,
        "at": optional_moment(whisper, "sent_time"),
        "after_no": whisper.after_message_no,
    }


def note_json(note: NoteView) -> dict[str, Any]:
    """Return what an agent left for the next one."""
    return {"agent_id": note.agent_id, "text": note.text, "at": optional_moment(note, "written_time")}


def monitoring_mode(view: ContactView, hides_listening: bool) -> str | None:
    """Return how a supervisor monitors the contact, as its agent is told; who is heard is told of in any case."""
    mode = enum_of(view.monitoring, "mode") if view.monitoring.is_joined else None
    return None if mode == "LISTEN" and hides_listening else mode


def consultation_json(view: ConsultationView) -> dict[str, Any]:
    """Return who is asked about a contact, how far that is, and whom the agent of a call talks to."""
    return {
        "agent_id": view.agent_id,
        "offer_no": view.offer_no,
        "state": enum_of(view, "state"),
        "talks_to": enum_of(view, "talks_to"),
        "note": view.note,
    }


def message_json(message: MessageView) -> dict[str, Any]:
    """Return one message."""
    return {
        "no": message.message_no,
        "author": enum_of(message, "author"),
        "agent_id": message.agent_id,
        "supervisor_id": message.supervisor_id,
        "text": message.text,
        "at": optional_moment(message, "sent_time"),
    }
