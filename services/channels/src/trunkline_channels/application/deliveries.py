"""What outside systems bring by web hook, in clear: seals it and sends it to the owner of the conversation.

Owns: that personal data is sealed before a command exists, and not for what the ledger would refuse by its age; that a
repetition is known by the sender's delivery id. Must not: judge signatures; entrypoints/hooks.py does.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from trunkline_core.errors import Invalid, NotFound
from trunkline_core.ids import check_id, time_of
from trunkline_core.webhooks import HookDefinition
from trunkline_ledger.core.window import check_age
from trunkline_platform.credentials import Principal

from trunkline_channels.application.reception import Commander, Sealing
from trunkline_channels.application.steps import ChannelsLedger
from trunkline_channels.domain import commands
from trunkline_channels.domain.checks import check_locale, check_text
from trunkline_channels.domain.contact import Contact
from trunkline_channels.domain.identity import derive_contact_id, partition_token
from trunkline_channels.domain.matching import match
from trunkline_channels.domain.state import ChannelsState

MAX_CONVERSATION_ID = 200
MAX_NAME = 256
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message. `delivery_id`: UUIDv7 of the sender; `conversation_id`: the customer, as the sender knows them."""

    delivery_id: str
    conversation_id: str
    text: str
    name: str
    locale: str


class Deliveries:
    """The deliveries of all hooks that come to this replica."""

    def __init__(self, ledger: ChannelsLedger, commander: Commander, sealing: Sealing) -> None:
        self.taken: Counter[str] = Counter()  # by result, since the process started
        self._ledger = ledger
        self._commander = commander
        self._sealing = sealing

    def hook(self, tenant: str, hook_id: str) -> HookDefinition:
        """Return the tenant's hook. Raises: NotFound."""
        for partition in self._ledger.partitions:
            if (tenant, hook_id) in self._ledger.state(partition).hooks:
                return self._ledger.state(partition).hook(hook_id, tenant)
        raise NotFound("hook", hook_id)

    async def take(self, tenant: str, hook_id: str, delivery: Delivery) -> str:
        """Return the contact that the message was added to; a repetition gets the same. Raises: TrunklineError."""
        _check(delivery)
        token = self._sealing.token(tenant, f"chat:{_address(hook_id, delivery)}")
        opens = derive_contact_id(token, delivery.delivery_id)
        contact = await self._open_conversation(token, opens)
        command = await self._sealed(tenant, hook_id, token, opens, delivery, contact)
        clear = [hook_id, delivery.conversation_id, delivery.text, delivery.name, delivery.locale]
        digest = self._sealing.token(tenant, f"payload:delivery:{json.dumps(clear, ensure_ascii=False)}").encode()
        return await self._commander.send(command, Principal(tenant, hook_actor(hook_id)), delivery.delivery_id, digest)

    async def _open_conversation(self, token: str, contact_id: str) -> Contact | None:
        """Return the customer's open conversation as this replica knows it; the rule judges."""

        def view(state: ChannelsState) -> Contact | None:
            return state.contacts.get(state.conversations.get(token) or "")

        return await self._ledger.read(self._ledger.partition_of(partition_token(contact_id)), view)

    async def _sealed(
        self, tenant: str, hook_id: str, token: str, opens: str, delivery: Delivery, contact: Contact | None
    ) -> commands.TakeDelivery:
        """Seal for whom the conversation is with; for one that begins, under the contact that it opens."""
        owner = (contact.customer_id or contact.contact_id) if contact else opens
        prompt = contact.prompt if contact and contact.prompt and contact.prompt.is_open else None
        seal = self._sealing.seal
        return commands.TakeDelivery(
            hook_id=hook_id,
            address_token=token,
            address=contact.address if contact else await seal(owner, tenant, _address(hook_id, delivery)),
            contact_id=opens,
            locale=delivery.locale,
            name=await seal(owner, tenant, delivery.name) if delivery.name and not contact else None,
            body=await seal(owner, tenant, delivery.text),
            node_id=prompt.node_id if prompt else "",
            option_id=match(prompt, delivery.text) if prompt else "",
        )


def hook_actor(hook_id: str) -> str:
    """Return who a delivery comes from."""
    return f"hook:{hook_id}"


def _address(hook_id: str, delivery: Delivery) -> str:
    """Return the customer's address: the same customer of the same outside system."""
    return f"hook:{hook_id}:{delivery.conversation_id}"


def _check(delivery: Delivery) -> None:
    """Raises: Invalid, Expired."""
    _check_delivery_id(delivery.delivery_id)
    _check_word("conversation_id", delivery.conversation_id, 1, MAX_CONVERSATION_ID)
    _check_word("name", delivery.name, 0, MAX_NAME)
    check_locale(delivery.locale)
    check_text(delivery.text)


def _check_delivery_id(delivery_id: str) -> None:
    """Raises: Invalid, Expired for what the ledger would refuse as a command id."""
    check_id("delivery_id", delivery_id)
    time_of(delivery_id, "delivery_id")
    try:
        check_age(delivery_id, datetime.now(UTC))
    except Invalid as ahead:
        raise Invalid("delivery_id", ahead.reason) from None


def _check_word(field: str, word: str, at_least: int, at_most: int) -> None:
    if not at_least <= len(word) <= at_most or _CONTROL.search(word):
        raise Invalid(field, f"must have {at_least} to {at_most} characters, none of them a control character")
