"""What an agent does at the desk becomes a command to acd or channels.

Owns: the frames a desk may send. Must not: decide whether the rules allow it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trunkline.acd.v1 import acd_commands_pb2 as acd
from trunkline.acd.v1.acd_types_pb2 import Intent
from trunkline.contact.v1 import contact_commands_pb2 as contact
from trunkline.contact.v1.contact_types_pb2 import MonitoringMode, Party
from trunkline_core.errors import Invalid
from trunkline_core.ids import MAX_ID, time_of

MAX_TEXT_BYTES = 31 * 1024  # what channels takes
MAX_NOTE = 500  # read in the moment before one says hello
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # all but tabs and line ends
BREAK_REASONS = ("lunch", "short", "training")
SUPERVISION_REASONS = (
    "waits_too_long",
    "many_wait",
    "wrong_queue",
    "customer_asked",
    "away_from_desk",
    "shift_over",
    "coaching",
    "other",
)
MONITORING_MODES = {
    "LISTEN": MonitoringMode.MONITORING_MODE_LISTEN,
    "WHISPER": MonitoringMode.MONITORING_MODE_WHISPER,
    "BARGE": MonitoringMode.MONITORING_MODE_BARGE,
}
PARTIES = {"CUSTOMER": Party.PARTY_CUSTOMER, "COLLEAGUE": Party.PARTY_COLLEAGUE}
INTENTS = {"AVAILABLE": Intent.INTENT_AVAILABLE, "BREAK": Intent.INTENT_BREAK, "OFFLINE": Intent.INTENT_OFFLINE}


@dataclass(frozen=True, slots=True)
class Message:
    """The agent writes to the customer."""

    contact_id: str
    text: str


@dataclass(frozen=True, slots=True)
class End:
    """The agent ends the contact."""

    contact_id: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """The agent gives the contact on to a queue, there to that very agent where one is named, with a note or none."""

    contact_id: str
    queue_id: str
    agent_id: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Consult:
    """The agent asks a colleague about the contact, with a note or none."""

    contact_id: str
    colleague_id: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ColleagueMessage:
    """In a consultation about a chat one agent writes to the other; `offer_no` says in which."""

    contact_id: str
    offer_no: int
    text: str


Wish = acd.AcdCommand | contact.ContactCommand | Message | End | Transfer | Consult | ColleagueMessage


def read_wish(frame: Mapping[str, Any], agent_id: str) -> Wish:
    """Return what a frame asks for. Raises: Invalid, naming the field."""
    match frame.get("type"):
        case "intent":
            intent = INTENTS.get(str(frame.get("intent")))
            if intent is None:
                raise Invalid("intent", "must be AVAILABLE, BREAK or OFFLINE")
            reason = frame.get("break_reason") or ""
            if reason and reason not in BREAK_REASONS:
                raise Invalid("break_reason", "must be " + " or ".join(BREAK_REASONS))
            later = flag_of(frame, "when_free")
            wanted = acd.SetIntent(agent_id=agent_id, intent=intent, break_reason=reason, when_free=later)
            return acd.AcdCommand(set_intent=wanted)
        case "accept":
            offer = acd.AcceptOffer(agent_id=agent_id, contact_id=id_of(frame), offer_no=number_of(frame, "offer_no"))
            return acd.AcdCommand(accept_offer=offer)
        case "decline":
            no = acd.DeclineOffer(agent_id=agent_id, contact_id=id_of(frame), offer_no=number_of(frame, "offer_no"))
            return acd.AcdCommand(decline_offer=no)
        case "wrap_up":
            code = text_of(frame, "code", 128) if frame.get("code") else ""
            done = acd.FinishWrapUp(agent_id=agent_id, contact_id=id_of(frame), wrap_up_code=code)
            return acd.AcdCommand(finish_wrap_up=done)
        case "extend":
            return acd.AcdCommand(extend_wrap_up=acd.ExtendWrapUp(agent_id=agent_id, contact_id=id_of(frame)))
        case "unpark":
            return acd.AcdCommand(unpark_contact=acd.UnparkContact(agent_id=agent_id, contact_id=id_of(frame)))
        case "rearm":
            return acd.AcdCommand(rearm_agent=acd.RearmAgent(agent_id=agent_id))
        case "dismiss_call_in":
            return acd.AcdCommand(end_call_in=acd.EndCallIn(agent_id=agent_id))
        case "message":
            return Message(id_of(frame), text_of(frame, "text", MAX_TEXT_BYTES))
        case "end":
            return End(id_of(frame))
        case "transfer":
            named = text_of(frame, "agent_id", MAX_ID) if frame.get("agent_id") else ""
            return Transfer(id_of(frame), text_of(frame, "queue_id", MAX_ID), named, note_of(frame))
        case "consult":
            return Consult(id_of(frame), text_of(frame, "agent_id", MAX_ID), note_of(frame))
        case "colleague_message":
            return ColleagueMessage(id_of(frame), number_of(frame, "offer_no"), short_text_of(frame, "text"))
        case _:
            return _read_consultation(frame, agent_id)


def _read_consultation(frame: Mapping[str, Any], agent_id: str) -> contact.ContactCommand:
    match frame.get("type"):
        case "talk_to":
            party = PARTIES.get(str(frame.get("party")))
            if party is None:
                raise Invalid("party", "must be CUSTOMER or COLLEAGUE")
            swap = contact.TalkTo(contact_id=id_of(frame), agent_id=agent_id, party=party)
            return contact.ContactCommand(talk_to=swap)
        case "merge":
            merge = contact.MergeConsultation(contact_id=id_of(frame), agent_id=agent_id)
            return contact.ContactCommand(merge_consultation=merge)
        case "complete":
            complete = contact.CompleteConsultation(contact_id=id_of(frame), agent_id=agent_id)
            return contact.ContactCommand(complete_consultation=complete)
        case "leave_consultation":
            leave = contact.LeaveConsultation(contact_id=id_of(frame), agent_id=agent_id)
            return contact.ContactCommand(leave_consultation=leave)
        case _:
            raise Invalid("type", "is not known")


def command_id_of(frame: Mapping[str, Any]) -> str:
    """Return the command's id, empty when it has none. Raises: Invalid for anything but a UUIDv7."""
    command_id = frame.get("command_id", "")
    if command_id == "":
        return ""
    time_of(command_id if isinstance(command_id, str) else "")
    return str(command_id)


def id_of(frame: Mapping[str, Any]) -> str:
    """Return the contact id. Raises: Invalid."""
    return text_of(frame, "contact_id", MAX_ID)


def text_of(frame: Mapping[str, Any], field: str, max_bytes: int) -> str:
    """Return a text field. Raises: Invalid when it is missing, empty or too long."""
    value = frame.get(field)
    if not isinstance(value, str) or not value.strip():
        raise Invalid(field, "must not be empty")
    if len(value.encode()) > max_bytes:
        raise Invalid(field, f"must have at most {max_bytes} bytes")
    return value


def short_text_of(frame: Mapping[str, Any], field: str) -> str:
    """Return a text that is as long as a note at most. Raises: Invalid."""
    value = text_of(frame, field, MAX_TEXT_BYTES)
    if len(value) > MAX_NOTE:
        raise Invalid(field, f"must have at most {MAX_NOTE} characters")
    return value


def note_of(frame: Mapping[str, Any]) -> str:
    """Return what the next agent should know, without blanks around it; empty for nothing. Raises: Invalid."""
    note = frame.get("note") or ""
    if not isinstance(note, str):
        raise Invalid("note", "must be a text")
    note = note.strip()
    if len(note) > MAX_NOTE:
        raise Invalid("note", f"must have at most {MAX_NOTE} characters")
    if _CONTROL.search(note):
        raise Invalid("note", "must not have control characters")
    return note


def flag_of(frame: Mapping[str, Any], field: str) -> bool:
    """Return a yes or no; a missing one is no. Raises: Invalid."""
    value = frame.get(field, False)
    if not isinstance(value, bool):
        raise Invalid(field, "must be true or false")
    return value


def number_of(frame: Mapping[str, Any], field: str) -> int:
    """Return a whole number. Raises: Invalid."""
    value = frame.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise Invalid(field, "must be a whole number")
    return value
