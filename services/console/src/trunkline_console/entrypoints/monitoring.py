"""REST for who monitors contacts: whom an agent talks to; listen, whisper, barge in, take over (routing rule 20)."""

from typing import Any

from fastapi import FastAPI, Request
from trunkline.acd.v1.acd_service_pb2 import ConnectedContact
from trunkline.contact.v1.contact_commands_pb2 import (
    AddSupervisorMessage,
    ContactCommand,
    MonitorContact,
    StopMonitoring,
    TakeOverContact,
)
from trunkline.contact.v1.contact_types_pb2 import ContactView, MonitoringView
from trunkline_core.errors import Invalid, NotFound
from trunkline_platform.commands import CommandClient

from trunkline_console.adapters.acd_reads import AcdReader
from trunkline_console.adapters.contacts import ContactReader
from trunkline_console.application.accounts import Account
from trunkline_console.application.views import enum_of
from trunkline_console.application.wall import moment
from trunkline_console.application.wishes import MAX_NOTE, MONITORING_MODES
from trunkline_console.entrypoints.forms import Confirmation, Monitor, SupervisorWords, TakeOver
from trunkline_console.entrypoints.rest import Desktop
from trunkline_console.entrypoints.sessions import Sessions


def add_monitoring(
    app: FastAPI,
    sessions: Sessions,
    desktop: Desktop,
    channels: CommandClient,
    acd: AcdReader,
    contacts: ContactReader,
) -> None:
    """Add the routes. channels decides who may monitor what."""

    @app.get("/api/agents/{agent_id}/contacts")
    async def connected(agent_id: str, request: Request) -> dict[str, Any]:
        account = sessions.account(request)
        found = await acd.connected(account.as_monitor(), agent_id)
        rows = [await row(account, contact) for contact in found.contacts]
        return {"contacts": rows, "now": moment(found.as_of_time)}

    async def row(account: Account, contact: ConnectedContact) -> dict[str, Any]:
        try:
            view = await contacts.view(account.tenant, contact.contact_id)
        except NotFound:  # acd lets it go a moment later
            view = ContactView()
        name = await desktop.accounts.name_of_user(account.tenant, view.monitoring.supervisor_id)
        return _contact_json(contact, view, name)

    @app.post("/api/contacts/{contact_id}/monitor")
    async def monitor(contact_id: str, form: Monitor, request: Request) -> dict[str, Any]:
        account = sessions.account(request)
        wanted = MonitorContact(
            contact_id=contact_id,
            mode=MONITORING_MODES[form.mode],
            agent_id=account.agent_id,
            reason=form.reason,
        )
        await channels.execute(ContactCommand(monitor_contact=wanted), account.as_monitor(), command_id=form.command_id)
        return {}

    @app.post("/api/contacts/{contact_id}/stop-monitoring")
    async def stop(contact_id: str, form: Confirmation, request: Request) -> dict[str, Any]:
        wanted = ContactCommand(stop_monitoring=StopMonitoring(contact_id=contact_id))
        await channels.execute(wanted, sessions.account(request).as_monitor(), command_id=form.command_id)
        return {}

    @app.post("/api/contacts/{contact_id}/supervisor-message")
    async def write(contact_id: str, form: SupervisorWords, request: Request) -> dict[str, Any]:
        account = sessions.account(request)
        monitor = account.as_monitor()
        if form.mode == "WHISPER" and len(form.text) > MAX_NOTE:
            raise Invalid("text", f"must have at most {MAX_NOTE} characters")
        owner = await desktop.owners.of_supervisors_message(account.tenant, account.user.user_id, contact_id)
        wanted = AddSupervisorMessage(
            contact_id=contact_id,
            mode=MONITORING_MODES[form.mode],
            body=await desktop.seal(owner, account.tenant, form.text),
        )
        await channels.execute(
            ContactCommand(add_supervisor_message=wanted),
            monitor,
            command_id=form.command_id,
            payload_hash=desktop.payload_hash("supervisor-message", contact_id, form.mode, form.text),
        )
        return {}

    @app.post("/api/contacts/{contact_id}/take-over")
    async def take_over(contact_id: str, form: TakeOver, request: Request) -> dict[str, Any]:
        wanted = TakeOverContact(contact_id=contact_id, agent_id=form.agent_id, reason=form.reason)
        await channels.execute(
            ContactCommand(take_over_contact=wanted),
            sessions.account(request).as_monitor(),
            command_id=form.command_id,
        )
        return {}


def _contact_json(contact: ConnectedContact, view: ContactView, supervisor_name: str) -> dict[str, Any]:
    now = view.monitoring
    return {
        "contact_id": contact.contact_id,
        "queue_id": contact.queue_id,
        "channel": enum_of(contact, "channel"),
        "since": moment(contact.since_time),
        "monitoring": _monitoring_json(now, supervisor_name) if view.HasField("monitoring") else None,
        "monitoring_end": view.monitoring_end,
        "taking_over_agent_id": view.taking_over_agent_id,
        "take_over_refusal": view.take_over_refusal,
    }


def _monitoring_json(now: MonitoringView, supervisor_name: str) -> dict[str, Any]:
    return {
        "monitoring_no": now.monitoring_no,
        "supervisor_id": now.supervisor_id,
        "supervisor_name": supervisor_name,
        "mode": enum_of(now, "mode"),
        "reason": now.reason,
        "is_joined": now.is_joined,
    }
