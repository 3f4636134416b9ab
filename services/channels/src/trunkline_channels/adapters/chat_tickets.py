"""Tokens of chat pages: which contact a page may take part in, under the installation's secret.

Token: `<base64url JSON {t, c, v, e}>.<base64url HMAC-SHA256>`; `e` is when it ends, in Unix seconds.
"""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable

from trunkline_platform.credentials import Unauthenticated, derive

from trunkline_channels.application.chat import Ticket

LIFETIME_S = 24 * 3600
MAX_TOKEN_CHARS = 1024


class SignedTickets:
    """Issues and verifies tickets; `clock` gives Unix seconds."""

    def __init__(self, secret: bytes, clock: Callable[[], float] = time.time) -> None:
        self._key = derive(secret, "chat-ticket")
        self._clock = clock

    def issue(self, ticket: Ticket) -> str:
        """Return a token that is good for a day."""
        content = {
            "t": ticket.tenant,
            "c": ticket.contact_id,
            "v": ticket.visitor,
            "e": int(self._clock()) + LIFETIME_S,
        }
        body = base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode()
        return f"{body}.{self._sign(body)}"

    def verify(self, token: str) -> Ticket:
        """Raises: Unauthenticated."""
        body, _, signature = token.partition(".")
        if len(token) > MAX_TOKEN_CHARS or not token.isascii():
            raise Unauthenticated("the conversation's token has an unknown form")
        if not hmac.compare_digest(self._sign(body), signature):
            raise Unauthenticated("the conversation's token is not genuine")
        try:
            content = json.loads(base64.urlsafe_b64decode(body))
        except (ValueError, binascii.Error):
            raise Unauthenticated("the conversation's token has an unknown form") from None
        if content["e"] < self._clock():
            raise Unauthenticated("the conversation's token is over")
        return Ticket(content["t"], content["c"], content["v"])

    def _sign(self, body: str) -> str:
        digest = hmac.new(self._key, body.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode()
