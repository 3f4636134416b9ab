"""Who is logged in: users of the directory, their sessions and what a session may do.

Owns: log-in and log-out, the signed session. Must not: know cookies or HTTP.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from trunkline.directory.v1.directory_commands_pb2 import DirectoryCommand, EndSession
from trunkline_core.errors import Overloaded
from trunkline_core.ids import time_of
from trunkline_ledger.ledger import Ledger
from trunkline_platform.commands import CommandClient, new_command_id
from trunkline_platform.credentials import (
    Credentials,
    Principal,
    Role,
    Unauthenticated,
    derive,
    service_principal,
)
from trunkline_platform.sealing import Sealer

from trunkline_console.application.guessing import Guessing
from trunkline_console.domain.definitions import UserDefinition
from trunkline_console.domain.sessions import LIFETIME
from trunkline_console.domain.state import Directory

PasswordCheck = Callable[[str, str | None], Awaitable[bool]]
_ROLES = {"AGENT": Role.AGENT, "SUPERVISOR": Role.SUPERVISOR, "ADMIN": Role.ADMIN}  # a gateway has no desk


def login_token(sealer: Sealer, tenant: str, login: str) -> str:
    """Return what stands for a login name in the directory."""
    return sealer.token(tenant, f"login/{login.strip().lower()}")


@dataclass(frozen=True, slots=True)
class Account:
    """A user of a tenant, logged in with a session."""

    user: UserDefinition
    tenant: str
    session_id: str = ""

    @property
    def roles(self) -> frozenset[Role]:
        """What the user may do."""
        return frozenset(_ROLES[role.name] for role in self.user.roles if role.name in _ROLES)

    def principal(self) -> Principal:
        """Return under whom this user's commands are sent: as the agent where the user is one."""
        if Role.AGENT in self.roles and self.user.agent_id:
            actor = f"agent:{self.user.agent_id}"
        elif Role.SUPERVISOR in self.roles:
            actor = f"supervisor:{self.user.user_id}"
        else:
            actor = f"admin:{self.user.user_id}"
        return Principal(self.tenant, actor, self.roles)

    def as_monitor(self) -> Principal:
        """Return under whom this user monitors contacts, also one who is an agent as well. Raises: Forbidden."""
        role = "supervisor" if Role.SUPERVISOR in self.roles else "admin"
        principal = Principal(self.tenant, f"{role}:{self.user.user_id}", self.roles)
        principal.require(Role.SUPERVISOR, Role.ADMIN)
        return principal

    @property
    def agent_id(self) -> str:
        """The agent that the user is, empty for none."""
        return self.user.agent_id if Role.AGENT in self.roles else ""

    @property
    def may_monitor(self) -> bool:
        """Whether it is a supervisor or administrator."""
        return bool(self.roles & {Role.SUPERVISOR, Role.ADMIN})

    def as_supervisor(self) -> Principal:
        """Return under whom this user commands others, also one who is an agent as well. Raises: Forbidden."""
        principal = Principal(self.tenant, f"supervisor:{self.user.user_id}", self.roles)
        principal.require(Role.SUPERVISOR)
        return principal


class Accounts:
    """Logs in and recognises sessions, from the directory that this replica folds."""

    def __init__(
        self,
        ledger: Ledger[Directory, Any, Any],
        commands: CommandClient,
        sealer: Sealer,
        secret: bytes,
        is_password: PasswordCheck,
    ) -> None:
        """`is_password(password, hash or None)` takes as long for an unknown user as for a known one; may raise
        Overloaded. `commands` go to the directory."""
        self._ledger = ledger
        self._commands = commands
        self._is_password = is_password
        self._sealer = sealer
        self._sessions = Credentials(derive(secret, "browser session"), LIFETIME)
        self._guessing = Guessing()

    def directory(self, tenant: str) -> Directory:
        """Return the state that holds the tenant's directory."""
        return self._ledger.state(self._ledger.partition_of(tenant))

    async def log_in(self, tenant: str, login: str, password: str, address: str) -> tuple[Account, str]:
        """Return the account and its session; `address` is where the browser is.

        Raises: Unauthenticated; Overloaded after too many wrong guesses, or while too many log in at once.
        """
        token = login_token(self._sealer, tenant, login)
        self._guessing.count(token, address)
        user = next((user for user in self.directory(tenant).users.of(tenant) if user.login_token == token), None)
        known = user is not None and user.active
        try:
            is_right = await self._is_password(password, user.password_hash if user is not None and known else None)
        except Overloaded:
            self._guessing.take_back(token, address)
            raise
        if not is_right:
            raise Unauthenticated("login or password is wrong")
        assert user is not None
        self._guessing.forgive(token, address)
        account = Account(user, tenant, new_command_id())
        return account, self._sessions.issue(Principal(tenant, f"user:{user.user_id}/{account.session_id}"))

    async def log_out(self, session: str) -> None:
        """End the session for all replicas; one that is over already stays so. Raises: Transient."""
        try:
            account = self.recognise(session)
        except Unauthenticated:
            return
        end = EndSession(user_id=account.user.user_id, session_id=account.session_id)
        await self._commands.execute(DirectoryCommand(end_session=end), service_principal("console", account.tenant))

    def recognise(self, session: str) -> Account:
        """Return who a session belongs to. Raises: Unauthenticated: it is over, or its user may not log in any more."""
        principal = self._sessions.verify(session)
        user_id, _, session_id = principal.actor.removeprefix("user:").rpartition("/")
        directory = self.directory(principal.tenant)
        row = directory.users.find(principal.tenant, user_id)
        if row is None or not row.definition.active:
            raise Unauthenticated("the user may not log in any more")
        if directory.ended_sessions(principal.tenant, user_id).has(session_id, time_of(session_id, "session_id")):
            raise Unauthenticated("the session has ended")
        return Account(row.definition, principal.tenant, session_id)

    def hides_listening(self, tenant: str) -> bool:
        """Tell whether the tenant's agents are not told that a supervisor listens; by default they are."""
        row = self.directory(tenant).tenants.find(tenant, tenant)
        return row is not None and row.definition.hides_listening

    def may_monitor(self, tenant: str, user_id: str) -> bool:
        """Tell whether the user may monitor contacts now: a role may be taken away while a page is open."""
        row = self.directory(tenant).users.find(tenant, user_id)
        return row is not None and row.definition.active and Account(row.definition, tenant).may_monitor

    async def name_of_user(self, tenant: str, user_id: str) -> str:
        """Return the display name of a user, the id where there is none."""
        row = self.directory(tenant).users.find(tenant, user_id)
        return user_id if row is None else await self.name_of(Account(row.definition, tenant))

    async def name_of(self, account: Account) -> str:
        """Return the user's display name."""
        sealed = account.user.display_name
        return (await self._sealer.open(sealed, account.tenant) if sealed else None) or account.user.user_id
