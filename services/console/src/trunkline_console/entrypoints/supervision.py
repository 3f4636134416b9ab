"""REST for supervisors: who waits in a queue, contacts to agents and queues, what an agent does (routing rule 20)."""

from typing import Any

from fastapi import FastAPI, Request
from trunkline.acd.v1.acd_commands_pb2 import (
    AcdCommand,
    CallInAgent,
    CloseWaitingContact,
    EndCallIn,
    ForgetDevice,
    PullContact,
    RequeueContact,
    SetIntent,
)
from trunkline.acd.v1.acd_service_pb2 import ListWaitingResponse, WaitingContact
from trunkline_platform.commands import CommandClient
from trunkline_platform.credentials import Principal

from trunkline_console.adapters.acd_reads import AcdReader
from trunkline_console.application.views import enum_of
from trunkline_console.application.wall import moment
from trunkline_console.application.wishes import INTENTS
from trunkline_console.entrypoints.forms import ForcedIntent, Pull, Requeue, Supervision
from trunkline_console.entrypoints.sessions import Sessions


def add_supervision(app: FastAPI, sessions: Sessions, acd: CommandClient, reader: AcdReader) -> None:
    """Add the routes. acd decides what a supervisor may do."""

    def supervisor(request: Request) -> Principal:
        return sessions.account(request).as_supervisor()

    @app.get("/api/queues/{queue_id}/waiting")
    async def waiting(queue_id: str, request: Request) -> dict[str, Any]:
        return _waiting_json(await reader.waiting(supervisor(request), queue_id))

    @app.post("/api/contacts/{contact_id}/pull")
    async def pull(contact_id: str, form: Pull, request: Request) -> dict[str, Any]:
        wanted = PullContact(contact_id=contact_id, agent_id=form.agent_id, reason=form.reason)
        await acd.execute(AcdCommand(pull_contact=wanted), supervisor(request), command_id=form.command_id)
        return {}

    @app.post("/api/contacts/{contact_id}/requeue")
    async def requeue(contact_id: str, form: Requeue, request: Request) -> dict[str, Any]:
        wanted = RequeueContact(
            contact_id=contact_id, queue_id=form.queue_id, agent_id=form.agent_id, reason=form.reason
        )
        await acd.execute(AcdCommand(requeue_contact=wanted), supervisor(request), command_id=form.command_id)
        return {}

    @app.post("/api/contacts/{contact_id}/close")
    async def close(contact_id: str, form: Supervision, request: Request) -> dict[str, Any]:
        wanted = CloseWaitingContact(contact_id=contact_id, reason=form.reason)
        await acd.execute(AcdCommand(close_waiting_contact=wanted), supervisor(request), command_id=form.command_id)
        return {}

    @app.post("/api/agents/{agent_id}/intent")
    async def set_intent(agent_id: str, form: ForcedIntent, request: Request) -> dict[str, Any]:
        wanted = SetIntent(
            agent_id=agent_id, intent=INTENTS[form.intent], break_reason=form.break_reason, reason=form.reason
        )
        await acd.execute(AcdCommand(set_intent=wanted), supervisor(request), command_id=form.command_id)
        return {}

    @app.post("/api/agents/{agent_id}/forget-device")
    async def forget_device(agent_id: str, form: Supervision, request: Request) -> dict[str, Any]:
        wanted = ForgetDevice(agent_id=agent_id, reason=form.reason)
        await acd.execute(AcdCommand(forget_device=wanted), supervisor(request), command_id=form.command_id)
        return {}

    @app.post("/api/agents/{agent_id}/call-in")
    async def call_in(agent_id: str, form: Supervision, request: Request) -> dict[str, Any]:
        wanted = CallInAgent(agent_id=agent_id, reason=form.reason)
        await acd.execute(AcdCommand(call_in_agent=wanted), supervisor(request), command_id=form.command_id)
        return {}

    @app.post("/api/agents/{agent_id}/end-call-in")
    async def end_call_in(agent_id: str, form: Supervision, request: Request) -> dict[str, Any]:
        wanted = EndCallIn(agent_id=agent_id, reason=form.reason)
        await acd.execute(AcdCommand(end_call_in=wanted), supervisor(request), command_id=form.command_id)
        return {}


def _waiting_json(found: ListWaitingResponse) -> dict[str, Any]:
    return {
        "contacts": [_contact_json(contact) for contact in found.contacts],
        "has_more": found.has_more,
        "now": moment(found.as_of_time),
    }


def _contact_json(contact: WaitingContact) -> dict[str, Any]:
    return {
        "contact_id": contact.contact_id,
        "channel": enum_of(contact, "channel"),
        "entered": moment(contact.entered_time),
        "agent_id": contact.agent_id,
        "agent_ids": list(contact.agent_ids),
        "value_permille": contact.value_permille,
        "aged_since": moment(contact.aged_since_time),
        "callback": contact.callback,
    }
