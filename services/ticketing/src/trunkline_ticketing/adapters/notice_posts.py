"""Notices as signed HTTP requests.

Owns: the body and the headers that a receiver sees (services/ticketing/README.md describes them). Must not: repeat
anything, or put a text of a customer into a notice.
"""

import json
import time

from trunkline_core.errors import Transient
from trunkline_core.webhooks import NoticeTargetDefinition
from trunkline_platform.outside import NotReached, OutsidePosts
from trunkline_platform.webhooks import WebhookSecrets, signed

from trunkline_ticketing.application.notices import Undelivered
from trunkline_ticketing.domain.state import Notice
from trunkline_ticketing.domain.words import TicketState

IDEMPOTENCY_KEY = "Idempotency-Key"


class NoticePosts:
    """A `Post` over HTTP."""

    def __init__(self, posts: OutsidePosts, secrets: WebhookSecrets) -> None:
        self._posts = posts
        self._secrets = secrets

    async def __call__(self, notice: Notice, target: NoticeTargetDefinition) -> None:
        """Post it once. Raises: Undelivered for anything but an answer of 2xx."""
        body = body_of(notice)
        try:
            secrets = self._secrets.of(notice.tenant, target.secret_names)
            headers = signed(secrets, int(time.time()), body)
            headers |= {IDEMPOTENCY_KEY: notice.notice_id, "Content-Type": "application/json"}
            status = await self._posts.post(target.url, body, headers)
        except Transient:
            raise Undelivered("SecretMissing") from None
        except NotReached as trouble:
            raise Undelivered(trouble.reason) from None
        if not 200 <= status < 300:
            raise Undelivered(f"Status{status}")


def body_of(notice: Notice) -> bytes:
    """Return the JSON of a notice: the same bytes at every attempt."""
    is_new = notice.from_state is TicketState.UNSPECIFIED
    content = {
        "notice_id": notice.notice_id,
        "kind": "ticket_created" if is_new else "ticket_state_changed",
        "time": notice.intended_time.isoformat(),
        "tenant_id": notice.tenant,
        "ticket_id": notice.ticket_id,
        "contact_id": notice.contact_id,
        "from_state": "" if is_new else notice.from_state.name,
        "to_state": notice.to_state.name,
    }
    return json.dumps(content, separators=(",", ":")).encode()
