"""HTTP of web hooks: an outside system posts a message of its customer, signed.

Owns: the form of a request, and that nothing of it is looked at before its signature is good. Must not: contain a rule;
application/deliveries.py does the work. services/channels/README.md describes it for senders.
"""

import json
import time
from typing import Final

from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from trunkline_core.errors import Invalid, TrunklineError
from trunkline_platform.webhooks import WebhookSecrets, verify

from trunkline_channels.application.deliveries import Deliveries, Delivery

PREFIX: Final = "/hooks/v1"


class DeliveryBody(BaseModel):
    """Body of POST /hooks/v1/{tenant_id}/{hook_id}; unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True)

    delivery_id: str = Field(max_length=64)
    conversation_id: str
    text: str
    name: str = ""
    locale: str = "en"


class DeliveryTaken(BaseModel):
    """The contact that the message was added to."""

    contact_id: str


def add_hooks(app: FastAPI, deliveries: Deliveries, secrets: WebhookSecrets) -> None:
    """Add the edge of web hooks to the service's HTTP app."""
    router = APIRouter(prefix=PREFIX)

    @router.post("/{tenant_id}/{hook_id}")
    async def take(tenant_id: str, hook_id: str, request: Request) -> DeliveryTaken:
        try:
            contact_id = await _take(tenant_id, hook_id, request)
        except TrunklineError:
            deliveries.taken["refused"] += 1
            raise
        deliveries.taken["taken"] += 1
        return DeliveryTaken(contact_id=contact_id)

    async def _take(tenant_id: str, hook_id: str, request: Request) -> str:
        hook = deliveries.hook(tenant_id, hook_id)
        body = await request.body()
        verify(secrets.of(tenant_id, hook.secret_names), request.headers, body, time.time())
        return await deliveries.take(tenant_id, hook_id, _delivery(body))

    app.include_router(router)


def _delivery(body: bytes) -> Delivery:
    """Raises: Invalid, naming the field; `body` for what is no JSON object."""
    try:
        content = json.loads(body)
        json.dumps(content, ensure_ascii=False).encode()  # half of a surrogate pair is JSON and no text
    except (ValueError, RecursionError):
        raise Invalid("body", "must be a JSON object") from None
    try:
        given = DeliveryBody.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise Invalid(str(first["loc"][0]) if first["loc"] else "body", first["msg"]) from None
    return Delivery(**given.model_dump())
