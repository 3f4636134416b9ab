"""Clients: they send a command until they get an answer, always with the same id, and write down what they were told.

Owns: the journal. Must not: know what a command means.
"""

import asyncio
import hashlib
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from trunkline_core.errors import TrunklineError
from trunkline_ledger.submission import Committed, Expired, NotOwner, Submission

from trunkline_testkit.checker.journal import Entry, EntryState
from trunkline_testkit.simulation.fleet import Answer, Fleet, Instance
from trunkline_testkit.virtual_time import START

ANSWER_S = 3.0
GIVE_UP_S = 60.0
AGAIN_S = 0.2


@dataclass(frozen=True, slots=True)
class Told:
    """What a client was told about a command, from when to when."""

    topic: str
    submission: Submission[Any]
    sent_s: float
    answered_s: float
    answer: Answer | None


class Callers:
    """Everybody who sends commands from outside."""

    def __init__(self, fleet: Fleet, random: Random) -> None:
        self.told: list[Told] = []
        self.journal: list[Entry] = []
        self.open = 0
        self._echoes: list[asyncio.Task[object]] = []
        self._fleet = fleet
        self._random = random
        self._ids = 0

    def new_id(self, clock_s: float = 0.0) -> str:
        """Return a UUIDv7 of this moment, by a clock that is wrong by `clock_s`."""
        self._ids += 1
        at_ms = int((START.timestamp() + asyncio.get_running_loop().time() + clock_s) * 1000)
        return str(UUID(int=(at_ms << 80) | (0x7 << 76) | (self._ids >> 20 << 64) | (0b10 << 62) | self._ids))

    async def call(self, topic: str, submission: Submission[Any], *, give_up_s: float = GIVE_UP_S) -> Answer | None:
        """Send until answered for good; None when the client gave up and knows nothing."""
        loop = asyncio.get_running_loop()
        sent_s, kind = loop.time(), type(submission.command).__name__
        self.journal.append(Entry(EntryState.SENT, submission.command_id, kind))
        self.open += 1
        answer = await self._until_answered(topic, submission, sent_s + give_up_s)
        self.open -= 1
        self.told.append(Told(topic, submission, sent_s, loop.time(), answer))
        if isinstance(answer, Committed):
            self.journal.append(Entry(EntryState.ACKED, submission.command_id, kind, events=len(answer.events)))
        elif answer is not None and not isinstance(answer, Expired):
            self.journal.append(Entry(EntryState.REFUSED, submission.command_id, kind))
        return answer

    def echo(self, topic: str, submission: Submission[Any], delay_s: float) -> None:
        """Send it once more after a while, as a network may that repeats and delays."""
        self.open += 1
        self._echoes.append(asyncio.create_task(self._echo(topic, submission, delay_s), name="echo"))

    async def _echo(self, topic: str, submission: Submission[Any], delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        await self.call(topic, submission)
        self.open -= 1

    async def _until_answered(self, topic: str, submission: Submission[Any], until_s: float) -> Answer | None:
        loop = asyncio.get_running_loop()
        instance = self._any()
        while loop.time() < until_s:
            answer = await self._attempt(instance, topic, submission)
            if answer is not None and not (isinstance(answer, TrunklineError) and answer.retryable):
                return answer
            instance = self._next(answer)
            if not isinstance(answer, NotOwner) or answer.owner is None:
                await asyncio.sleep(AGAIN_S + self._random.random() * AGAIN_S)
        return None

    async def _attempt(self, instance: Instance, topic: str, submission: Submission[Any]) -> Answer | None:
        cluster = self._fleet.cluster
        await asyncio.sleep(cluster.delay_s())
        waiter: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if not self._fleet.ask(instance, topic, submission, lambda answer: _settle(waiter, answer)):
            return None
        try:
            async with asyncio.timeout(ANSWER_S):
                return await waiter
        except TimeoutError:
            return None

    def _any(self) -> Instance:
        return self._random.choice(list(self._fleet.instances.values()))

    def _next(self, answer: Answer | None) -> Instance:
        owner = answer.owner if isinstance(answer, NotOwner) else None
        return self._any() if owner is None else self._fleet.instances[owner.instance_id]


def outside_submission(command: Any, key: str, command_id: str, tenant: str, actor: str) -> Submission[Any]:
    """Return a command from outside, with its hash (ledger rule 12)."""
    hashed = hashlib.sha256(repr(command).encode()).digest()
    return Submission(command=command, key=key, command_id=command_id, tenant=tenant, actor=actor, payload_hash=hashed)


def _settle(waiter: "asyncio.Future[Answer]", answer: Answer) -> None:
    if not waiter.done():
        waiter.set_result(answer)
