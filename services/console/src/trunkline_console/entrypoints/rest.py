"""REST for the browser: log-in, directory, tickets, customers."""

import asyncio
import hashlib
import hmac
from typing import Annotated, Any

from fastapi import Body, FastAPI, Header, Query, Request, Response
from trunkline.common.v1.common_types_pb2 import Sealed
from trunkline.customer.v1.customer_commands_pb2 import (
    ChangeProfile,
    CustomerCommand,
    EraseCustomer,
    SetAccountOwner,
    SetDoNotCall,
)
from trunkline.ticket.v1 import ticket_types_pb2
from trunkline.ticket.v1.ticket_commands_pb2 import AddNote, ChangeTicketState, CreateTicket, TicketCommand
from trunkline_core.errors import Invalid, NotFound, TrunklineError
from trunkline_platform.commands import CommandClient
from trunkline_platform.credentials import Role, derive
from trunkline_platform.sealing import Sealer

from trunkline_console.adapters.customers import CustomerReader
from trunkline_console.adapters.rest import RestClient
from trunkline_console.application.accounts import Account, Accounts
from trunkline_console.application.owners import Owners
from trunkline_console.application.wishes import BREAK_REASONS, SUPERVISION_REASONS
from trunkline_console.entrypoints.forms import (
    Confirmation,
    DoNotCall,
    LogIn,
    NewName,
    NewNote,
    NewOwner,
    NewState,
    NewTicket,
)
from trunkline_console.entrypoints.sessions import Sessions, require_own_page
from trunkline_console.metrics import LOGINS
from trunkline_console.settings import ConsoleSettings

MAX_VERSION_DIGITS = 18  # still an int64


class Desktop:
    """What the routes need."""

    def __init__(
        self,
        settings: ConsoleSettings,
        accounts: Accounts,
        sealer: Sealer,
        ticketing: CommandClient,
        crm: CommandClient,
        ticket_rows: RestClient,
        customer_rows: RestClient,
        customers: CustomerReader,
        owners: Owners,
    ) -> None:
        self.settings = settings
        self.accounts = accounts
        self.sealer = sealer
        self.ticketing = ticketing
        self.crm = crm
        self.ticket_rows = ticket_rows
        self.customer_rows = customer_rows
        self.customers = customers
        self.owners = owners
        self._payload_key = derive(settings.secret_bytes, "payload")

    async def seal(self, owner: str, tenant: str, text: str) -> Sealed:
        """Return the text sealed for its owner."""
        sealed = await self.sealer.seal(owner, tenant, text)
        return Sealed(key_id=sealed.key_id, nonce=sealed.nonce, ciphertext=sealed.ciphertext)

    def payload_hash(self, *parts: str) -> bytes:
        """Return the hash of a payload before sealing, so that a repetition is recognised."""
        return hmac.new(self._payload_key, "\x00".join(parts).encode(), hashlib.sha256).digest()


def add_routes(app: FastAPI, sessions: Sessions, desktop: Desktop) -> None:
    """Add all REST routes."""
    _add_log_in(app, sessions, desktop)
    _add_directory(app, sessions, desktop)
    _add_tickets(app, sessions, desktop)
    _add_customers(app, sessions, desktop)


def _add_log_in(app: FastAPI, sessions: Sessions, desktop: Desktop) -> None:
    @app.post("/api/login")
    async def log_in(form: LogIn, request: Request, response: Response) -> dict[str, Any]:
        require_own_page(request)
        tenant = form.tenant or desktop.settings.tenant
        try:
            account, session = await desktop.accounts.log_in(
                tenant, form.login, form.password, request.client.host if request.client else ""
            )
        except TrunklineError:
            LOGINS.labels("refused").inc()
            raise
        LOGINS.labels("done").inc()
        sessions.begin(response, session)
        return await _me(desktop, account)

    @app.post("/api/logout")
    async def log_out(request: Request, response: Response) -> dict[str, Any]:
        require_own_page(request)
        await sessions.end(request, response)
        return {}

    @app.get("/api/me")
    async def me(request: Request) -> dict[str, Any]:
        return await _me(desktop, sessions.account(request))

    @app.get("/config.json")
    async def config() -> dict[str, Any]:
        return {"channels_url": desktop.settings.channels_url, "demo_entry_point": "ep_demo_chat"}


async def _me(desktop: Desktop, account: Account) -> dict[str, Any]:
    row = desktop.accounts.directory(account.tenant).tenants.find(account.tenant, account.tenant)
    return {
        "user_id": account.user.user_id,
        "name": await desktop.accounts.name_of(account),
        "roles": sorted(role.name for role in account.roles),
        "agent_id": account.user.agent_id or None,
        "tenant_id": account.tenant,
        "tenant_name": row.definition.name if row else account.tenant,
        "time_zone": row.definition.time_zone if row else "UTC",
    }


def _add_directory(app: FastAPI, sessions: Sessions, desktop: Desktop) -> None:
    @app.get("/api/directory")
    async def directory(request: Request) -> dict[str, Any]:
        account = sessions.account(request)
        return await _directory_json(desktop, account.tenant)


async def _directory_json(desktop: Desktop, tenant: str) -> dict[str, Any]:
    state = desktop.accounts.directory(tenant)
    users = {user.agent_id: Account(user, tenant) for user in state.users.of(tenant) if user.agent_id}
    names = await asyncio.gather(*(desktop.accounts.name_of(account) for account in users.values()))
    name_of = dict(zip(users, names, strict=True))
    return {
        "queues": [
            {"queue_id": queue.queue_id, "name": {"zh": queue.name.zh, "en": queue.name.en}}
            for queue in state.queues.of(tenant)
        ],
        "agents": [
            {
                "agent_id": agent.agent_id,
                "name": name_of.get(agent.agent_id, agent.agent_id),
                "skills": [{"skill": skill.skill, "level": skill.level} for skill in agent.skills],
            }
            for agent in state.agents.of(tenant)
        ],
        "supervisors": [
            {"user_id": account.user.user_id, "name": await desktop.accounts.name_of(account)}
            for account in (Account(user, tenant) for user in state.users.of(tenant))
            if account.may_monitor
        ],
        "wrap_up_codes": [
            {"code": code.code, "name": {"zh": code.name.zh, "en": code.name.en}}
            for code in state.wrap_up_codes.of(tenant)
        ],
        "break_reasons": list(BREAK_REASONS),
        "supervision_reasons": list(SUPERVISION_REASONS),
        "entry_points": [
            {"entry_point_id": entry.entry_point_id, "name": entry.name, "channel": entry.channel.name}
            for entry in state.entry_points.of(tenant)
        ],
    }


def _add_tickets(app: FastAPI, sessions: Sessions, desktop: Desktop) -> None:
    @app.post("/api/tickets")
    async def create_ticket(form: NewTicket, request: Request) -> dict[str, Any]:
        principal = sessions.account(request).principal()
        customer_id = await desktop.owners.customer_of_ticket(principal, form.contact_id, form.customer_id)
        owner = customer_id or form.contact_id or principal.tenant
        command = CreateTicket(
            contact_id=form.contact_id,
            customer_id=customer_id,
            subject=await desktop.seal(owner, principal.tenant, form.subject),
        )
        digest = desktop.payload_hash("ticket", form.contact_id, form.customer_id, form.subject)
        events = await desktop.ticketing.execute(
            TicketCommand(create_ticket=command),
            principal,
            command_id=form.command_id,
            correlation_id=form.contact_id,
            payload_hash=digest,
        )
        return {"ticket_id": events[0].ticket_created.ticket_id}

    @app.get("/api/tickets")
    async def tickets(
        request: Request,
        state: Annotated[str, Query(pattern="^(OPEN|IN_PROGRESS|RESOLVED)?$")] = "",
        cursor: Annotated[str, Query(max_length=256)] = "",
    ) -> Any:
        principal = sessions.account(request).principal()
        query = {key: value for key, value in (("state", state), ("cursor", cursor)) if value}
        return await desktop.ticket_rows.get("/tickets", principal, query)

    @app.get("/api/tickets/{ticket_id}")
    async def ticket(ticket_id: str, request: Request) -> Any:
        return await desktop.ticket_rows.get(f"/tickets/{path_part(ticket_id)}", sessions.account(request).principal())

    @app.post("/api/tickets/{ticket_id}/state")
    async def change_state(ticket_id: str, form: NewState, request: Request) -> dict[str, Any]:
        state = ticket_types_pb2.TicketState.Value(f"TICKET_STATE_{form.state}")
        command = TicketCommand(change_ticket_state=ChangeTicketState(ticket_id=ticket_id, state=state))
        principal = sessions.account(request).principal()
        await desktop.ticketing.execute(command, principal, command_id=form.command_id)
        return {}

    @app.post("/api/tickets/{ticket_id}/notes")
    async def add_note(ticket_id: str, form: NewNote, request: Request) -> dict[str, Any]:
        principal = sessions.account(request).principal()
        row = await desktop.ticket_rows.get(f"/tickets/{path_part(ticket_id)}", principal)
        owner = await desktop.owners.of_note(principal, row)
        note = AddNote(ticket_id=ticket_id, body=await desktop.seal(owner, principal.tenant, form.body))
        digest = desktop.payload_hash("note", ticket_id, form.body)
        await desktop.ticketing.execute(
            TicketCommand(add_note=note), principal, command_id=form.command_id, payload_hash=digest
        )
        return {}


def _add_customers(app: FastAPI, sessions: Sessions, desktop: Desktop) -> None:
    @app.get("/api/customers/{customer_id}")
    async def customer(customer_id: str, request: Request) -> Any:
        principal = sessions.account(request).principal()
        return await desktop.customer_rows.get(f"/customers/{path_part(customer_id)}", principal)

    @app.put("/api/customers/{customer_id}")
    async def rename(
        customer_id: str,
        form: NewName,
        request: Request,
        if_match: Annotated[str, Header(max_length=32)] = "0",
    ) -> dict[str, Any]:
        principal, version = sessions.account(request).principal(), version_of(if_match)
        await desktop.customers.require(principal, path_part(customer_id))
        change = ChangeProfile(
            customer_id=customer_id,
            expected_version=version,
            name=await desktop.seal(customer_id, principal.tenant, form.name),
        )
        digest = desktop.payload_hash("name", customer_id, form.name)
        await desktop.crm.execute(
            CustomerCommand(change_profile=change), principal, command_id=form.command_id, payload_hash=digest
        )
        return {}

    @app.put("/api/customers/{customer_id}/owner")
    async def set_owner(customer_id: str, form: NewOwner, request: Request) -> dict[str, Any]:
        principal = sessions.account(request).principal()
        principal.require(Role.SUPERVISOR, Role.ADMIN)
        agents = desktop.accounts.directory(principal.tenant).agents
        if form.agent_id and agents.find(principal.tenant, form.agent_id) is None:
            raise NotFound("agent", form.agent_id)
        owner = SetAccountOwner(customer_id=path_part(customer_id), agent_id=form.agent_id)
        command = CustomerCommand(set_account_owner=owner)
        await desktop.crm.execute(command, principal, command_id=form.command_id)
        return {}

    @app.put("/api/customers/{customer_id}/do-not-call")
    async def set_do_not_call(customer_id: str, form: DoNotCall, request: Request) -> dict[str, Any]:
        principal = sessions.account(request).principal()
        wanted = SetDoNotCall(customer_id=path_part(customer_id), do_not_call=form.do_not_call)
        await desktop.crm.execute(CustomerCommand(set_do_not_call=wanted), principal, command_id=form.command_id)
        return {}

    @app.post("/api/customers/{customer_id}/erase")
    async def erase(customer_id: str, form: Annotated[Confirmation, Body()], request: Request) -> dict[str, Any]:
        principal = sessions.account(request).principal()
        principal.require(Role.SUPERVISOR, Role.ADMIN)
        command = CustomerCommand(erase_customer=EraseCustomer(customer_id=customer_id))
        await desktop.crm.execute(command, principal, command_id=form.command_id)
        return {}


def path_part(row_id: str) -> str:
    """Return an id that is safe inside a path. Raises: Invalid."""
    if not row_id.replace("_", "").isalnum() or not row_id.isascii() or len(row_id) > 128:
        raise Invalid("id", "is not an id")
    return row_id


def version_of(etag: str) -> int:
    """Return the version in an If-Match header; 0 for `*`. Raises: Invalid."""
    plain = etag.strip().removeprefix("W/").strip('"')
    if plain in ("*", ""):
        return 0
    if not plain.isascii() or not plain.isdigit() or len(plain) > MAX_VERSION_DIGITS:
        raise Invalid("If-Match", "must be a version")
    return int(plain)
