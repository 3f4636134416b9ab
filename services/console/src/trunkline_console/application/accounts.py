"""Who is logged in: users of the directory, their sessions and what a session may do.

Owns: log-in, the signed session, a limit on guessing. Must not: know cookies or HTTP.
"""

import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from trunkline_core.errors import Overloaded
from trunkline_ledger.ledger import Ledger
from trunkline_platform.credentials import Credentials, Principal, Role, Unauthenticated, derive
from trunkline_platform.sealing import Sealer

from trunkline_console.domain.definitions import UserDefinition
from trunkline_console.domain.state import Directory

SESSION = timedelta(hours=12)
MAX_FAILURES = 10
FAILURE_SPAN_S = 300.0
PasswordCheck = Callable[[str, str | None], Awaitable[bool]]
_ROLES = {"AGENT": Role.AGENT, "SUPERVISOR": Role.SUPERVISOR, "ADMIN": Role.ADMIN, "GATEWAY": Role.GATEWAY}


def login_token(sealer: Sealer, tenant: str, login: str) -> str:
    """Return what stands for a login name in the directory."""
    return sealer.token(tenant, f"login/{login.strip().lower()}")


@dataclass(frozen=True, slots=True)
class Account:
    """A logged-in user."""

    user: UserDefinition
    tenant: str

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


class Accounts:
    """Logs in and recognises sessions, from the directory that this replica folds."""

    def __init__(
        self, ledger: Ledger[Directory, Any, Any], sealer: Sealer, secret: bytes, is_password: PasswordCheck
    ) -> None:
        """`is_password(password, hash or None)` takes as long for an unknown user as for a known one."""
        self._ledger = ledger
        self._is_password = is_password
        self._sealer = sealer
        self._sessions = Credentials(derive(secret, "browser session"), SESSION)
        self._failures: dict[str, deque[float]] = {}

    def directory(self, tenant: str) -> Directory:
        """Return the state that holds the tenant's directory."""
        return self._ledger.state(self._ledger.partition_of(tenant))

    async def log_in(self, tenant: str, login: str, password: str) -> tuple[Account, str]:
        """Return the account and its session. Raises: Unauthenticated, Overloaded after too many wrong guesses."""
        token = login_token(self._sealer, tenant, login)
        self._check_guessing(token)
        user = next((user for user in self.directory(tenant).users.of(tenant) if user.login_token == token), None)
        known = user is not None and user.active
        # Counted before it is checked: guesses sent at the same time must not pass the limit together.
        self._failures.setdefault(token, deque(maxlen=MAX_FAILURES)).append(time.monotonic())
        if not await self._is_password(password, user.password_hash if user is not None and known else None):
            raise Unauthenticated("login or password is wrong")
        assert user is not None
        self._failures.pop(token, None)
        session = self._sessions.issue(Principal(tenant, f"user:{user.user_id}"))
        return Account(user, tenant), session

    def _check_guessing(self, token: str) -> None:
        if len(self._failures) > 10_000:
            self._failures.clear()
        failures = self._failures.get(token)
        if failures and len(failures) == MAX_FAILURES and time.monotonic() - failures[0] < FAILURE_SPAN_S:
            raise Overloaded("the log-in of this user", retry_after_s=60.0)

    def recognise(self, session: str) -> Account:
        """Return who a session belongs to; a user who may not log in any more is nobody. Raises: Unauthenticated."""
        principal = self._sessions.verify(session)
        row = self.directory(principal.tenant).users.find(principal.tenant, principal.actor.removeprefix("user:"))
        if row is None or not row.definition.active:
            raise Unauthenticated("the user may not log in any more")
        return Account(row.definition, principal.tenant)

    async def name_of(self, account: Account) -> str:
        """Return the user's display name."""
        sealed = account.user.display_name
        return (await self._sealer.open(sealed, account.tenant) if sealed else None) or account.user.user_id
