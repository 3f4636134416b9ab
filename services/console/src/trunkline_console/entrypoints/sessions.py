"""The browser's session: a signed cookie, a header against foreign forms, the origin of sockets."""

from fastapi import Request, Response, WebSocket
from trunkline_platform.credentials import Forbidden, Unauthenticated

from trunkline_console.application.accounts import Account, Accounts
from trunkline_console.domain.sessions import LIFETIME

COOKIE = "tl_session"
OWN_PAGE_HEADER = "x-trunkline"


class Sessions:
    """Reads and writes the session cookie."""

    def __init__(self, accounts: Accounts, *, secure: bool) -> None:
        self._accounts = accounts
        self._secure = secure

    def begin(self, response: Response, session: str) -> None:
        """Set the cookie: not readable by scripts, not sent from other sites."""
        response.set_cookie(
            COOKIE,
            session,
            max_age=int(LIFETIME.total_seconds()),
            httponly=True,
            samesite="strict",
            secure=self._secure,
        )

    async def end(self, request: Request, response: Response) -> None:
        """End the session, then remove the cookie. Raises: Transient: the session goes on and the cookie stays."""
        await self._accounts.log_out(request.cookies.get(COOKIE, ""))
        response.delete_cookie(COOKIE)

    def account(self, request: Request) -> Account:
        """Return who asks. Raises: Unauthenticated; Forbidden for a change that no page of ours sent."""
        if request.method not in ("GET", "HEAD"):
            require_own_page(request)
        return self._recognise(request.cookies.get(COOKIE))

    def account_of_socket(self, socket: WebSocket) -> Account:
        """Return whose socket it is, also later: then the session may be over.

        Raises: Unauthenticated, Forbidden for another page's script.
        """
        origin, host = socket.headers.get("origin"), socket.headers.get("host")
        if origin is not None and origin.split("://", 1)[-1] != host:
            raise Forbidden("the page is not ours")
        return self._recognise(socket.cookies.get(COOKIE))

    def _recognise(self, session: str | None) -> Account:
        if not session:
            raise Unauthenticated("log in first")
        return self._accounts.recognise(session)


def require_own_page(request: Request) -> None:
    """Raises: Forbidden without the header that only our own pages can send."""
    if request.headers.get(OWN_PAGE_HEADER) != "1":
        raise Forbidden("the page is not ours")
