"""Accounts in the room: money that must not vanish, appear or be refused for no reason; a second ledger mirrors it.

Owns: what customers of the bank do, and how the books must look in the end.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from accounts import Book, Booked, Closed, CloseLater, JsonCodec, bank_service
from trunkline_core.errors import Rejection, Transient
from trunkline_ledger.core.records import Record
from trunkline_ledger.kafka.reader import EffectiveRecord
from trunkline_ledger.managers import ManagerCommand, ProcessManager
from trunkline_ledger.submission import Committed
from trunkline_testkit.checker.log import LedgerLog
from trunkline_testkit.checker.rules import Violation
from trunkline_testkit.simulation.callers import Told, outside_submission
from trunkline_testkit.simulation.fleet import Hosting
from trunkline_testkit.simulation.room import Folds, Room
from trunkline_testkit.virtual_time import START

BANK = "bank.events.v1"
MIRROR = "mirror.events.v1"
ACCOUNTS = tuple(f"account-{number}" for number in range(6))


def mirror(record: EffectiveRecord) -> Sequence[ManagerCommand[Any]]:
    """Book the same in the mirror; all under one name on each partition."""
    event, metadata = JsonCodec().decode_event(record.record.value)
    if not isinstance(event, Booked) or event.amount < 0:
        return ()
    return (ManagerCommand(event.account, metadata.tenant_id, "system", Book(event.account, event.amount)),)


class BankWorld:
    """Some accounts and their customers. Made anew for each run."""

    def __init__(self) -> None:
        self._reads: list[tuple[str, int, int | None]] = []  # account, offset of the token, balance that was seen

    def hostings(self) -> Sequence[Hosting]:
        manager: ProcessManager[Any] = ProcessManager("mirror", BANK, mirror)
        return (Hosting(bank_service(BANK)), Hosting(bank_service(MIRROR), (manager,)))

    async def play(self, room: Room) -> None:
        async with asyncio.TaskGroup() as tasks:
            for account in ACCOUNTS:
                tasks.create_task(self._customer(room, account))

    async def _customer(self, room: Room, account: str) -> None:
        for _ in range(room.plan.size):
            await asyncio.sleep(room.random.uniform(0.0, 6.0))
            draw = room.random.randrange(100)
            if draw < 10:
                closing = f"{account}/{room.random.randrange(10**6)}"
                await self._send(room, account, CloseLater(closing, room.random.randrange(0, 15_000)))
            elif draw < 40:  # at once, so that one batch holds several that depend on each other
                amounts = [_amount(room) for _ in range(5)]
                await asyncio.gather(*(self._send(room, account, Book(account, amount)) for amount in amounts))
            else:
                await self._send(room, account, Book(account, _amount(room)))

    async def _send(self, room: Room, account: str, command: Any) -> None:
        callers = room.callers
        command_id = callers.new_id(room.random.uniform(-5.0, 5.0))
        submission = outside_submission(command, account, command_id, "tn_1", "customer")
        if room.random.randrange(100) < 25:  # the network repeats what the client sent, at once or much later
            callers.echo(BANK, submission, room.random.choice((0.0, 0.5, 8.0, 30.0)))
        answer = await callers.call(BANK, submission)
        if isinstance(answer, Committed) and answer.events and room.random.randrange(100) < 30:
            await self._read(room, account, answer)
        if isinstance(answer, Committed) and isinstance(command, Book) and command.amount > 0:
            await self._send(room, account, Book(account, -command.amount))  # whoever paid in may take it out

    async def _read(self, room: Room, account: str, answer: Committed[Any]) -> None:
        """Whoever was answered sees it at any replica (ledger rule 18)."""
        instance = room.random.choice(list(room.fleet.instances.values()))
        try:
            seen = await room.fleet.read(instance, BANK, account, lambda bank: bank.balances.get(account), answer.token)
        except Transient:
            return
        self._reads.append((account, answer.token.offset, seen))

    def is_quiet(self, room: Room) -> bool:
        return not room.callers.open

    def judge(self, room: Room, log: LedgerLog, folds: Folds) -> list[Violation]:
        records = {(BANK, one.partition, one.offset): one for one in room.records(BANK)}
        return [
            *_wrong_balances(log, folds),
            *_mirror_differs(log),
            *_refused_for_nothing(room, log, records),
            *_old_reads(log, self._reads),
        ]

    def count(self, log: LedgerLog) -> int:
        return sum(isinstance(event.event, Booked) for event in log.events)


def _amount(room: Room) -> int:
    return room.random.randrange(1, 30) if room.random.randrange(2) else -room.random.randrange(1, 60)


def _wrong_balances(log: LedgerLog, folds: Folds) -> Iterator[Violation]:
    """The books are the sum of what was booked, and never below zero."""
    balances: dict[tuple[str, str], int] = {}
    for event in log.events:
        place = (event.record.topic, event.event.account)
        if isinstance(event.event, Booked):
            balances[place] = balances.get(place, 0) + event.event.amount
        elif isinstance(event.event, Closed):
            balances[place] = -1
        if balances.get(place, 0) < 0 and not isinstance(event.event, Closed):
            yield Violation("Overdrawn", event.event.account, f"{balances[place]} at offset {event.record.offset}")
    kept = {
        (topic, account): balance
        for (topic, _), fold in folds.items()
        for account, balance in fold.state.balances._rows.items()
    }
    for place in sorted(balances.keys() | kept.keys()):
        if balances.get(place) != kept.get(place):
            yield Violation("WrongBalance", place[1], f"booked {balances.get(place)}, kept {kept.get(place)}")


def _mirror_differs(log: LedgerLog) -> Iterator[Violation]:
    """Whatever was paid in stands in the mirror exactly once (ledger rule 13)."""
    totals = {BANK: 0, MIRROR: 0}
    for event in log.events:
        if isinstance(event.event, Booked) and event.event.amount > 0:
            totals[event.record.topic] += event.event.amount
    if totals[BANK] != totals[MIRROR]:
        yield Violation("MirrorDiffers", "mirror", f"{totals[BANK]} paid in, {totals[MIRROR]} mirrored")


def _refused_for_nothing(room: Room, log: LedgerLog, records: Mapping[Any, Record]) -> Iterator[Violation]:
    """A customer is refused only on the ground of what stood on the log after they asked (ledger rule 8)."""
    courses = _courses(log, records)
    for told in room.callers.told:
        command = told.submission.command
        if isinstance(told.answer, Rejection) and isinstance(command, Book):
            lowest = _lowest(courses.get(command.account, []), told)
            if lowest + command.amount >= 0:
                detail = f"{command.amount} refused with at least {lowest} on the account"
                yield Violation("RefusedForNothing", told.submission.command_id, detail)


def _old_reads(log: LedgerLog, reads: Sequence[tuple[str, int, int | None]]) -> Iterator[Violation]:
    """A read with a token shows a balance that the account had then or later, and none that it never had."""
    courses: dict[str, list[tuple[int, int]]] = {}
    for event in log.events:
        if event.record.topic == BANK and isinstance(event.event, Booked):
            course = courses.setdefault(event.event.account, [(-1, 0)])
            course.append((event.record.offset, course[-1][1] + event.event.amount))
    for account, offset, seen in reads:
        course = courses.get(account, [(-1, 0)])
        possible = {balance for at, balance in course if at > offset}
        possible.add([balance for at, balance in course if at <= offset][-1])
        if (seen or 0) not in possible:
            yield Violation("ReadTooOld", account, f"{seen} with a token of offset {offset}, then or later {possible}")


def _courses(log: LedgerLog, records: Mapping[Any, Record]) -> dict[str, list[tuple[datetime, int]]]:
    """Return how each balance went, by append time."""
    courses: dict[str, list[tuple[datetime, int]]] = {}
    for event in log.events:
        if event.record.topic == BANK and isinstance(event.event, Booked):
            course = courses.setdefault(event.event.account, [])
            at = records[BANK, event.record.partition, event.record.offset].append_time
            course.append((at, (course[-1][1] if course else 0) + event.event.amount))
    return courses


def _lowest(course: Sequence[tuple[datetime, int]], told: Told) -> int:
    begin, end = (START + timedelta(seconds=at) for at in (told.sent_s, told.answered_s))
    before = [balance for at, balance in course if at < begin]
    during = [balance for at, balance in course if begin <= at <= end]
    return min([*(before[-1:] or [0]), *during])
