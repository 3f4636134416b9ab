"""A contact centre in the room: acd's real rules on the whole runtime.

Owns: how actors hear of events and how their commands get to a replica.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from acd_actors import Actors, Deed
from acd_rules import AcdHistory, cut_leases
from trunkline_acd.adapters.wire import CODEC, is_ignorable
from trunkline_acd.bootstrap import ledger_service
from trunkline_acd.domain import commands, events
from trunkline_acd.domain.state import routing_domain_id
from trunkline_ledger.core.metadata import Metadata
from trunkline_ledger.core.records import MARKER_TYPE, Record
from trunkline_ledger.service import LedgerService
from trunkline_ledger.submission import Committed
from trunkline_testkit.checker.log import LedgerLog
from trunkline_testkit.checker.rules import Violation
from trunkline_testkit.simulation.callers import outside_submission
from trunkline_testkit.simulation.fleet import Hosting
from trunkline_testkit.simulation.room import Folds, Room
from trunkline_testkit.virtual_time import START

TOPIC = "acd.events.v1"


class RememberingCodec:
    """acd's codec; every replica of one room reads the same bytes, and decoding is pure."""

    def __init__(self) -> None:
        self._decoded: dict[bytes, tuple[Any, Metadata]] = {}
        self.encode_command = CODEC.encode_command
        self.decode_command = CODEC.decode_command
        self.encode_event = CODEC.encode_event
        self.event_type = CODEC.event_type

    def decode_event(self, value: bytes) -> tuple[Any, Metadata]:
        found = self._decoded.get(value)
        if found is None:
            found = self._decoded[value] = CODEC.decode_event(value)
        return found


class AcdWorld:
    """Two tenants, ten agents, and as many contacts as the plan says."""

    def __init__(self) -> None:
        self._service: LedgerService[Any, Any, Any] = replace(ledger_service(), codec=RememberingCodec())
        self._open = 0

    def hostings(self) -> Sequence[Hosting]:
        return (Hosting(self._service),)

    async def play(self, room: Room) -> None:
        actors = Actors(room.random)
        async with asyncio.TaskGroup() as tasks:
            for deed in actors.opening():
                await self._do(room, deed)
            hearing = tasks.create_task(self._hear(room, actors, tasks))
            over_s = 20.0 + room.plan.size
            deeds = [*actors.arrivals(room.plan.size, over_s), *actors.disturbances(over_s)]
            async with asyncio.TaskGroup() as arrivals:
                for deed in deeds:
                    arrivals.create_task(self._do(room, deed))
            await asyncio.sleep(15.0)
            contacts = {(deed.tenant, deed.command.contact_id) for deed in deeds if hasattr(deed.command, "contact_id")}
            async with asyncio.TaskGroup() as ends:
                for deed in actors.ends(sorted(contacts)):
                    ends.create_task(self._do(room, deed))
            hearing.cancel()

    async def _hear(self, room: Room, actors: Actors, tasks: asyncio.TaskGroup) -> None:
        """Let actors react to what takes effect, as soon as it stands on the log."""
        ears = [_Ear(partition.records) for partition in room.cluster.topics[TOPIC]]
        while True:
            for ear in ears:
                for record in ear.hear():
                    event, metadata = self._service.codec.decode_event(record.value)
                    for deed in actors.react(metadata.tenant_id, event):
                        tasks.create_task(self._do(room, deed))
            await room.cluster.arrival(5.0)

    async def _do(self, room: Room, deed: Deed) -> None:
        await asyncio.sleep(deed.after_s)
        command_id = room.callers.new_id(room.random.uniform(-5.0, 5.0))
        key = routing_domain_id(deed.tenant)
        submission = outside_submission(deed.command, key, command_id, deed.tenant, deed.actor)
        if room.random.randrange(100) < 10:
            room.callers.echo(TOPIC, submission, room.random.choice((0.0, 0.5, 8.0, 30.0)))
        await room.callers.call(TOPIC, submission)

    def is_quiet(self, room: Room) -> bool:
        return not room.callers.open

    def judge(self, room: Room, log: LedgerLog, folds: Folds) -> list[Violation]:
        history = history_of(log)
        return [
            *history.violations,
            *cut_leases(_with_epochs(room, log)),
            *_stuck(history, folds),
            *_answers(room, log),
        ]

    def count(self, log: LedgerLog) -> int:
        return sum(isinstance(event.event, events.ContactOffered) for event in log.events)


@dataclass(slots=True)
class _Ear:
    """Reads one partition and believes what carries the current epoch."""

    records: Sequence[Record]
    position: int = 0
    epoch: int = 0

    def hear(self) -> Iterator[Record]:
        while self.position < len(self.records):
            record = self.records[self.position]
            self.position += 1
            if record.type == MARKER_TYPE:
                self.epoch = max(self.epoch, record.epoch or 0)
            elif record.epoch == self.epoch:
                yield record


def history_of(log: LedgerLog) -> AcdHistory:
    history = AcdHistory()
    for event in log.events:
        if not is_ignorable(event.event):
            history.add(event.event, event.metadata.tenant_id)
    return history


def _with_epochs(room: Room, log: LedgerLog) -> Iterator[tuple[Any, datetime, datetime]]:
    began = {
        (record.partition, record.epoch): record.append_time
        for record in reversed(room.records(TOPIC))
        if record.type == MARKER_TYPE
    }
    for event in log.events:
        metadata: Any = event.metadata
        yield event.event, metadata.event_time, began[event.record.partition, event.record.epoch]


def _stuck(history: AcdHistory, folds: Folds) -> Iterator[Violation]:
    """Once every contact was ended and everything is quiet, nobody has anything at hand."""
    for contact_id in history.open_contacts:
        yield Violation("ContactNeverEnded", contact_id, "")
    for fold in folds.values():
        for domain in fold.state.domains():
            for agent in domain.agents.values():
                if agent.work:
                    yield Violation("AgentStuck", agent.agent_id, f"{len(agent.work)} pieces of work")


def _answers(room: Room, log: LedgerLog) -> Iterator[Violation]:
    """What was reported of one offer connects no other, and who was told that it is over comes into no queue."""
    enqueued = {
        event.event.contact_id: room.cluster.topics[TOPIC][event.record.partition]
        .records[event.record.offset]
        .append_time
        for event in log.events
        if isinstance(event.event, events.ContactEnqueued)
    }
    for told in room.callers.told:
        command = told.submission.command
        if not isinstance(told.answer, Committed):
            continue
        if isinstance(command, commands.ReportConnected):
            connected = (one.event for one in told.answer.events if isinstance(one.event, events.ContactConnected))
            offers = {event.offer_no for event in connected}
            if offers - {command.offer_no}:
                yield Violation("ConnectedByAnotherOffer", command.contact_id, f"{offers} by {command.offer_no}")
        elif isinstance(command, commands.EndContact):
            entered = enqueued.get(command.contact_id, START)
            if entered > START + timedelta(seconds=told.answered_s):
                yield Violation("EnqueuedAfterItsEnd", command.contact_id, f"told at {told.answered_s:.3f} s")
