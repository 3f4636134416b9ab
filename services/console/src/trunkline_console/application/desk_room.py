"""Desks of all tenants: opens and closes them at acd, and carries out what agents do at them."""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from trunkline.acd.v1.acd_commands_pb2 import AcdCommand, CloseAgentSession, OpenAgentSession
from trunkline.common.v1.common_types_pb2 import Sealed
from trunkline.contact.v1.contact_commands_pb2 import (
    AddConsultationMessage,
    AddMessage,
    CloseContact,
    ConsultAgent,
    ContactCommand,
    TransferContact,
)
from trunkline.contact.v1.contact_types_pb2 import Author, CloseReason
from trunkline_core.errors import TrunklineError
from trunkline_platform.commands import CommandClient
from trunkline_platform.credentials import Principal, derive, service_principal
from trunkline_platform.sealing import Sealer

from trunkline_console.application.desks import Desk, Desks
from trunkline_console.application.owners import Owners
from trunkline_console.application.wishes import (
    ColleagueMessage,
    Consult,
    End,
    Message,
    Transfer,
    command_id_of,
    read_wish,
)

log = logging.getLogger(__name__)
OPEN_AGAIN_S = 1.0


class Streams(Protocol):
    """Starts the streams of one tenant's desks to acd and channels."""

    def __call__(self, tenant: str, desks: Desks) -> None: ...


class DeskRoom:
    """Where desks come and go. One set of streams per tenant, started with its first desk."""

    def __init__(
        self,
        peer_id: str,
        acd: CommandClient,
        channels: CommandClient,
        sealer: Sealer,
        secret: bytes,
        find_customer: Callable[[str, str], Any],
        start_streams: Streams,
        owners: Owners,
        hides_listening: Callable[[str], bool],
        may_monitor: Callable[[str, str], bool],
    ) -> None:
        self._peer_id = peer_id
        self._acd = acd
        self._channels = channels
        self._sealer = sealer
        self._payload_key = derive(secret, "payload")
        self._find_customer = find_customer
        self._start_streams = start_streams
        self._owners = owners
        self._hides_listening = hides_listening
        self._may_monitor = may_monitor
        self._tenants: dict[str, Desks] = {}
        self._reopening: set[asyncio.Task[None]] = set()

    def desks_of(self, tenant: str) -> Desks:
        """Return the tenant's desks, starting its streams when it is the first."""
        desks = self._tenants.get(tenant)
        if desks is None:
            desks = self._tenants[tenant] = Desks(
                lambda customer_id: self._find_customer(tenant, customer_id),
                lambda desk: self._reopen(tenant, desk),
                lambda: self._hides_listening(tenant),
                lambda user_id: self._may_monitor(tenant, user_id),
            )
            self._start_streams(tenant, desks)
        return desks

    def customer_of(self, tenant: str, contact_id: str) -> str | None:
        """Return whose contact it is, empty when unknown; None for a contact that was not pushed to a desk here."""
        desks = self._tenants.get(tenant)
        return desks.customer_of(contact_id) if desks is not None else None

    def _reopen(self, tenant: str, desk: Desk) -> None:
        task = asyncio.create_task(self.open(tenant, desk), name="console-reopen-desk")
        self._reopening.add(task)
        task.add_done_callback(self._reopening.discard)

    async def open(self, tenant: str, desk: Desk) -> None:
        """Tell acd that the agent's desk is here, as long as it is; again until acd answers."""
        if not self.desks_of(tenant).has(desk):
            return
        command = OpenAgentSession(agent_id=desk.agent_id, peer_id=self._peer_id, session_id=desk.session_id)
        try:
            await self._acd.execute(AcdCommand(open_agent_session=command), service_principal("console", tenant))
        except TrunklineError as error:
            log.warning("desk not opened", extra={"reason": type(error).__name__})
            if error.retryable:
                await asyncio.sleep(OPEN_AGAIN_S)
                self._reopen(tenant, desk)

    async def close(self, tenant: str, desk: Desk) -> None:
        """Tell acd that the agent's desk is gone; if that fails the silence of this console will."""
        command = CloseAgentSession(agent_id=desk.agent_id, session_id=desk.session_id)
        try:
            await self._acd.execute(
                AcdCommand(close_agent_session=command), service_principal("console", tenant), timeout_s=2.0
            )
        except TrunklineError as error:
            log.info("desk not closed", extra={"reason": type(error).__name__})

    async def carry_out(self, frame: Mapping[str, Any], desk: Desk, principal: Principal) -> None:
        """Do what the agent asked for. Raises: TrunklineError."""
        command_id = command_id_of(frame)
        wish = read_wish(frame, desk.agent_id)
        if isinstance(wish, AcdCommand):
            await self._acd.execute(wish, principal, command_id=command_id)
            return
        if isinstance(wish, ContactCommand):
            await self._channels.execute(wish, principal, command_id=command_id)
            return
        command = await self._contact_command(wish, desk, principal.tenant)
        digest = hmac.new(self._payload_key, repr(wish).encode(), hashlib.sha256).digest()
        await self._channels.execute(command, principal, command_id=command_id, payload_hash=digest)

    async def _contact_command(
        self, wish: Message | End | Transfer | Consult | ColleagueMessage, desk: Desk, tenant: str
    ) -> ContactCommand:
        if isinstance(wish, End):
            close = CloseContact(
                contact_id=wish.contact_id, reason=CloseReason.CLOSE_REASON_AGENT_ENDED, agent_id=desk.agent_id
            )
            return ContactCommand(close_contact=close)
        if isinstance(wish, Transfer):
            transfer = TransferContact(
                contact_id=wish.contact_id,
                agent_id=desk.agent_id,
                queue_id=wish.queue_id,
                preferred_agent_id=wish.agent_id,
                insist=bool(wish.agent_id),
                note=await self._sealed(wish.contact_id, wish.note, desk, tenant),
            )
            return ContactCommand(transfer_contact=transfer)
        if isinstance(wish, Consult):
            ask = ConsultAgent(
                contact_id=wish.contact_id,
                agent_id=desk.agent_id,
                colleague_id=wish.colleague_id,
                note=await self._sealed(wish.contact_id, wish.note, desk, tenant),
            )
            return ContactCommand(consult_agent=ask)
        if isinstance(wish, ColleagueMessage):
            aside = AddConsultationMessage(
                contact_id=wish.contact_id,
                agent_id=desk.agent_id,
                offer_no=wish.offer_no,
                body=await self._sealed(wish.contact_id, wish.text, desk, tenant),
            )
            return ContactCommand(add_consultation_message=aside)
        message = AddMessage(
            contact_id=wish.contact_id,
            author=Author.AUTHOR_AGENT,
            body=await self._sealed(wish.contact_id, wish.text, desk, tenant),
            agent_id=desk.agent_id,
        )
        return ContactCommand(add_message=message)

    async def _sealed(self, contact_id: str, text: str, desk: Desk, tenant: str) -> Sealed | None:
        """Return the text sealed for whose contact it is; None for an empty one: no key is made for nothing."""
        if not text:
            return None
        owner = await self._owner_of(contact_id, desk, tenant)
        sealed = await self._sealer.seal(owner, tenant, text)
        return Sealed(key_id=sealed.key_id, nonce=sealed.nonce, ciphertext=sealed.ciphertext)

    async def _owner_of(self, contact_id: str, desk: Desk, tenant: str) -> str:
        """A desk that has just come back may not have been told its contacts yet: then channels knows."""
        customer_id = self.customer_of(tenant, contact_id) if contact_id in desk.contacts else None
        if customer_id is None:
            return await self._owners.of_message(tenant, desk.agent_id, contact_id)
        return customer_id or contact_id
