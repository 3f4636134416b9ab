"""Carries out the outstanding step of each contact whose partition this replica owns.

Owns: that an outstanding step is tried until a fact clears it, it is overtaken, refused for good, or the partition is
lost, also where it was accepted and its fact got lost; and that a new owner begins with all of them again. Targets
recognise a repeated step by its number. Must not: decide what a refusal means, or record a fact: facts come back
through process managers alone.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from trunkline_core.errors import NotFound, Rejection, TrunklineError
from trunkline_core.treatments import UNKNOWN, Figures
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.submission import Lane, Recorded, Submission
from trunkline_platform.logs import get_logger

from trunkline_channels.domain import commands
from trunkline_channels.domain.commands import Command
from trunkline_channels.domain.contact import Contact, Step
from trunkline_channels.domain.events import Event, StepBegun
from trunkline_channels.domain.identity import partition_token
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.domain.words import DialAnswer, StepKind

log = get_logger(__name__)

AT_ONCE = 256
FIRST_BACK_OFF_S = 0.05
LONGEST_BACK_OFF_S = 2.0
RESOLVE_S = 0.15
ASK_WAIT_S = 2.0
AGAIN_S = 15.0

ChannelsLedger = Ledger[ChannelsState, Command, Event]


class DialLookup(NamedTuple):
    """What crm says of a customer who is to be dialled; the id is empty where crm knows nobody."""

    customer_id: str
    do_not_call: bool


class Targets(Protocol):
    """The services that steps go to. Repeating a step is harmless. Every method raises TrunklineErrors."""

    async def resolve(self, contact: Contact, step: Step, timeout_s: float) -> commands.RecordCustomer:
        """Ask crm who the customer is; empty ids when it does not say."""
        ...

    async def look_up(self, contact: Contact, step: Step, timeout_s: float) -> DialLookup:
        """Ask crm whether the customer of a call-back may be dialled."""
        ...

    async def carry_out(self, contact: Contact, step: Step) -> None:
        """Ask ivr or acd what the step is about."""
        ...


class Waits(Protocol):
    """Who knows how long a contact will wait."""

    async def figures(self, tenant: str, contact_id: str, timeout_s: float) -> Figures:
        """Return a contact's place and wait. Raises: TrunklineError."""
        ...


async def figures_of(contact: Contact, waits: Waits) -> Figures:
    """Return place and wait of the contact; unknown where acd does not say them in time."""
    asking = waits.figures(contact.tenant, contact.contact_id, ASK_WAIT_S)
    try:
        return await asyncio.wait_for(asking, ASK_WAIT_S)
    except (TimeoutError, TrunklineError) as error:
        log.info("wait not known", extra={"contact_id": contact.contact_id, "reason": type(error).__name__})
        return UNKNOWN


class StepRunner:
    """One per replica; `run` inside the process's task group."""

    def __init__(self, ledger: ChannelsLedger, targets: Targets, waits: Waits, at_once: int = AT_ONCE) -> None:
        self.retries = 0
        self.refusals = 0
        self._ledger = ledger
        self._targets = targets
        self._waits = waits
        self._slots = asyncio.Semaphore(at_once)
        self._begun: asyncio.Queue[tuple[int, str, int]] = asyncio.Queue()  # bounded by the contacts of the partitions
        self._running: set[tuple[str, int]] = set()
        ledger.watch(self._on_events)
        ledger.on_owned(self._on_owned)

    @property
    def outstanding(self) -> int:
        """How many steps this replica is carrying out."""
        return len(self._running)

    async def run(self) -> None:
        """Start a task for each step, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._begin_again(), name="steps-begin-again")
            while True:
                partition, contact_id, step_no = await self._begun.get()
                if (contact_id, step_no) not in self._running:
                    self._running.add((contact_id, step_no))
                    work = self._work(partition, contact_id, step_no)
                    tasks.create_task(work, name=f"step-{contact_id}-{step_no}")

    def _on_events(self, partition: int, recorded: Sequence[Recorded[Event]]) -> None:
        if self._ledger.owns(partition):
            for one in recorded:
                if isinstance(one.event, StepBegun):
                    self._begun.put_nowait((partition, one.event.contact_id, one.event.step_no))

    def _on_owned(self, partition: int) -> None:
        for place in self._outstanding(partition):
            self._begun.put_nowait(place)

    def _outstanding(self, partition: int) -> Iterator[tuple[int, str, int]]:
        for contact in self._ledger.state(partition).contacts.values():
            if contact.step is not None:
                yield partition, contact.contact_id, contact.step.step_no

    async def _begin_again(self) -> None:
        """What stays outstanding: its fact never came, for example because an operator let it go.

        After one look, two, four, … more: a service that is far behind is not given the more to do the longer it takes.
        """
        looks: dict[tuple[int, str, int], int] = {}
        while True:
            await asyncio.sleep(AGAIN_S)
            found = {place for partition in self._ledger.owned for place in self._outstanding(partition)}
            looks = {place: looks.get(place, -1) + 1 for place in found}
            for place in sorted(place for place, count in looks.items() if count.bit_count() == 1):
                self._begun.put_nowait(place)

    async def _work(self, partition: int, contact_id: str, step_no: int) -> None:
        back_off_s = FIRST_BACK_OFF_S
        try:
            while (contact := self._find(partition, contact_id, step_no)) is not None:
                if await self._try(contact):
                    return
                self.retries += 1
                await asyncio.sleep(back_off_s)
                back_off_s = min(back_off_s * 2, LONGEST_BACK_OFF_S)
        finally:
            self._running.discard((contact_id, step_no))

    def _find(self, partition: int, contact_id: str, step_no: int) -> Contact | None:
        """Return the contact while it is ours and still has that step; the next owner begins with it again."""
        if not self._ledger.owns(partition):
            return None
        contact = self._ledger.state(partition).contacts.get(contact_id)
        if contact is None or contact.step is None or contact.step.step_no != step_no:
            return None
        return contact

    async def _try(self, contact: Contact) -> bool:
        """Return whether the step needs no further try."""
        step = contact.step
        assert step is not None
        async with self._slots:
            try:
                if step.kind is StepKind.RESOLVE_CUSTOMER:
                    await self._resolve(contact, step)
                elif step.kind is StepKind.ASK_WAIT:
                    await self._ask_wait(contact, step)
                elif step.kind is StepKind.CHECK_CUSTOMER:
                    await self._check_customer(contact, step)
                else:
                    await self._targets.carry_out(contact, step)
                return True
            except TrunklineError as error:
                if error.retryable:  # NotOwner too: until it is tried again the partition may be ours again
                    return False
                return await self._refuse(contact, step, error)
            except Exception:  # a defect in one step must not stop the steps of all other contacts
                log.exception("step failed", extra={"contact_id": contact.contact_id, "kind": step.kind})
                return False

    async def _resolve(self, contact: Contact, step: Step) -> None:
        """The contact goes on unresolved where crm does not answer in time."""
        try:
            answer = await asyncio.wait_for(self._targets.resolve(contact, step, RESOLVE_S), RESOLVE_S)
        except (TimeoutError, TrunklineError) as error:
            log.info("customer not resolved", extra={"contact_id": contact.contact_id, "reason": type(error).__name__})
            answer = commands.RecordCustomer(contact.contact_id, step.step_no, "")
        await self._submit(contact, step, answer)

    async def _ask_wait(self, contact: Contact, step: Step) -> None:
        found = await figures_of(contact, self._waits)
        said = commands.RecordWait(contact.contact_id, step.step_no, found.position, found.wait_duration)
        await self._submit(contact, step, said)

    async def _check_customer(self, contact: Contact, step: Step) -> None:
        """A customer of whom crm does not say in time whether to call is not dialled now."""
        found, answer = DialLookup("", do_not_call=False), DialAnswer.UNSPECIFIED
        try:
            found = await asyncio.wait_for(self._targets.look_up(contact, step, RESOLVE_S), RESOLVE_S)
            answer = DialAnswer.DO_NOT_CALL if found.do_not_call else DialAnswer.MAY_BE_CALLED
        except (TimeoutError, TrunklineError) as error:
            log.info("customer not checked", extra={"contact_id": contact.contact_id, "reason": type(error).__name__})
        check = commands.RecordDialCheck(contact.contact_id, step.step_no, found.customer_id, answer)
        await self._submit(contact, step, check)

    async def _refuse(self, contact: Contact, step: Step, error: TrunklineError) -> bool:
        rule = _rule_of(error)
        log.info("step refused", extra={"contact_id": contact.contact_id, "kind": step.kind, "rule": rule})
        try:
            await self._submit(contact, step, commands.RefuseStep(contact.contact_id, step.step_no, rule))
            self.refusals += 1
            return True
        except TrunklineError as trouble:
            return not trouble.retryable

    async def _submit(self, contact: Contact, step: Step, command: Command) -> None:
        """Record the answer in our own ledger. Raises: TrunklineError."""
        await self._ledger.submit(
            Submission(
                command=command,
                key=partition_token(contact.contact_id),
                command_id=f"{contact.contact_id}/step/{step.step_no}/answer",
                tenant=contact.tenant,
                actor="system",
                lane=Lane.INTERNAL,
                correlation_id=contact.contact_id,
            )
        )


def _rule_of(error: TrunklineError) -> str:
    """Return the stable name of a refusal; never a value of the request."""
    match error:
        case Rejection(rule=rule):
            return rule
        case NotFound(kind=kind):
            return f"Unknown{kind.replace('_', ' ').title().replace(' ', '')}"
        case _:
            return type(error).__name__
