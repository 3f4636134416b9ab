"""Bodies of REST requests. An unknown field is an error; texts come without blanks around them."""

from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError
from trunkline_core.errors import Invalid
from trunkline_core.ids import time_of

from trunkline_console.application.wishes import (
    BREAK_REASONS,
    INTENTS,
    MAX_TEXT_BYTES,
    MONITORING_MODES,
    SUPERVISION_REASONS,
)

C0 = frozenset(map(chr, range(0x20))) | {"\x7f"}


def _stripped(text: str, allowed: frozenset[str]) -> str:
    """Raises: ValueError for a blank text and for control characters that are not allowed."""
    text = text.strip()
    if not text:
        raise PydanticCustomError("blank", "must not be blank")
    if (C0 - allowed).intersection(text):
        raise PydanticCustomError("control", "must not have control characters")
    return text


def _line(text: str) -> str:
    return _stripped(text, frozenset())


def _paragraphs(text: str) -> str:
    return _stripped(text.replace("\r\n", "\n"), frozenset("\n\t"))


def _command_id(command_id: str) -> str:
    """Raises: ValueError. The ledger refuses it too, but after a text was sealed."""
    try:
        time_of(command_id)
    except Invalid as wrong:
        raise PydanticCustomError("command_id", wrong.reason) from None
    return command_id


def _any_of(*words: str) -> str:
    """Return the pattern of a text that is one of these words."""
    return f"^({'|'.join(words)})$"


CommandId = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_command_id)]
SupervisionReason = Annotated[str, Field(pattern=_any_of(*SUPERVISION_REASONS))]
PolicyNote = Annotated[str, Field(max_length=500)]


class Form(BaseModel):
    """A request body."""

    model_config = ConfigDict(extra="forbid")


class LogIn(Form):
    login: Annotated[str, Field(min_length=1, max_length=128)]
    password: Annotated[str, Field(min_length=1, max_length=256)]
    tenant: Annotated[str, Field(max_length=64, pattern="^[A-Za-z0-9_-]*$")] = ""


class NewTicket(Form):
    contact_id: Annotated[str, Field(max_length=128, pattern="^(ct_[A-Za-z0-9_]+)?$")] = ""
    customer_id: Annotated[str, Field(max_length=128, pattern="^(cu_[A-Za-z0-9_]+)?$")] = ""
    subject: Annotated[str, Field(max_length=8_000), AfterValidator(_line)]
    command_id: CommandId


class NewOwner(Form):
    agent_id: Annotated[str, Field(max_length=128)]
    command_id: CommandId


class NewState(Form):
    state: Annotated[str, Field(pattern="^(OPEN|IN_PROGRESS|RESOLVED)$")]
    command_id: CommandId


class NewNote(Form):
    body: Annotated[str, Field(max_length=8_000), AfterValidator(_paragraphs)]
    command_id: CommandId


class NewName(Form):
    name: Annotated[str, Field(max_length=200), AfterValidator(_line)]
    command_id: CommandId


class Pull(Form):
    agent_id: Annotated[str, Field(min_length=1, max_length=128)]
    reason: SupervisionReason
    command_id: CommandId


class Monitor(Form):
    mode: Annotated[str, Field(pattern=_any_of(*MONITORING_MODES))]
    reason: SupervisionReason
    command_id: CommandId


class SupervisorWords(Form):
    """`mode` says who is to read them; channels knows how long they may be."""

    mode: Annotated[str, Field(pattern=_any_of("WHISPER", "BARGE"))]
    text: Annotated[str, Field(max_length=MAX_TEXT_BYTES), AfterValidator(_paragraphs)]
    command_id: CommandId


class TakeOver(Form):
    agent_id: Annotated[str, Field(min_length=1, max_length=128)]
    reason: SupervisionReason
    command_id: CommandId


class Requeue(Form):
    """Without a queue the contact is taken from the agent at whom it rings; `agent_id` is who that is on the page."""

    queue_id: Annotated[str, Field(max_length=128)] = ""
    agent_id: Annotated[str, Field(max_length=128)] = ""
    reason: SupervisionReason
    command_id: CommandId


class ForcedIntent(Form):
    intent: Annotated[str, Field(pattern=_any_of(*INTENTS))]
    break_reason: Annotated[str, Field(pattern=_any_of("", *BREAK_REASONS))] = ""
    reason: SupervisionReason
    command_id: CommandId


class Supervision(Form):
    """A supervisor decides something of which the path says all else."""

    reason: SupervisionReason
    command_id: CommandId


class Confirmation(Form):
    command_id: CommandId


class DoNotCall(Form):
    command_id: CommandId
    do_not_call: bool


class PolicyDraft(Form):
    """Rows with the fields that change; `every_queue`: fields of all queues, those of a row go before."""

    every_queue: dict[str, Any] = Field(default_factory=dict)
    queues: Annotated[list[dict[str, Any]], Field(max_length=1_000)] = Field(default_factory=list)


class PolicyForm(PolicyDraft):
    note: PolicyNote = ""
    command_id: CommandId


class TrialForm(PolicyForm):
    """A candidate policy, and how it is tried. `start_time`: none is now."""

    block_duration: Annotated[str, Field(pattern="^[1-9][0-9]{0,6}s$")]
    pairs: Annotated[int, Field(ge=1, le=1_000)]
    start_time: AwareDatetime | None = None


class RollBackForm(Form):
    to_version: Annotated[int, Field(ge=1, lt=2**63)]
    note: PolicyNote = ""
    command_id: CommandId
