"""The smallest service with a rule: accounts that must not be overdrawn, and a timer that closes them.

It has two schemas: the second knows Frozen (ledger rule 21).
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from trunkline_core.decider import Context
from trunkline_core.errors import Poison, Rejection
from trunkline_core.tables import Journal, Table
from trunkline_core.timers import Timer, Timers
from trunkline_ledger.core.metadata import Metadata
from trunkline_ledger.service import LedgerService


@dataclass(frozen=True, slots=True)
class Book:
    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class CloseLater:
    account: str
    after_ms: int


@dataclass(frozen=True, slots=True)
class Close:
    account: str


@dataclass(frozen=True, slots=True)
class Freeze:
    account: str


@dataclass(frozen=True, slots=True)
class Booked:
    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class CloseScheduled:
    account: str
    after_ms: int


@dataclass(frozen=True, slots=True)
class Closed:
    account: str


@dataclass(frozen=True, slots=True)
class Frozen:
    account: str


Command = Book | CloseLater | Close | Freeze
Event = Booked | CloseScheduled | Closed | Frozen
OLD = {kind.__name__: kind for kind in (Book, CloseLater, Close, Freeze, Booked, CloseScheduled, Closed)}
KINDS = OLD | {"Frozen": Frozen}
FROZEN = -2


class Bank:
    def __init__(self) -> None:
        self.journal = Journal()
        self.timers: Timers[Command] = Timers(self.journal)
        self.balances: Table[str, int] = Table(self.journal)


class Rules:
    def __init__(self, written_version: int = 1) -> None:
        self.written_version = written_version

    def decide(self, state: Bank, command: Command, context: Context) -> Iterator[Event]:
        match command:
            case Book(account, amount):
                if (state.balances.get(account) or 0) + amount < 0:
                    raise Rejection("Overdrawn")
                if amount:
                    yield Booked(account, amount)
            case CloseLater(account, after_ms):
                yield CloseScheduled(account, after_ms)
            case Close(account):
                yield Closed(account)
            case Freeze(account):
                if self.written_version < 2:
                    raise Rejection("NotYet")
                yield Frozen(account)

    def evolve(self, state: Bank, event: Event, context: Context) -> None:
        match event:
            case Booked(account, amount):
                state.balances.put(account, (state.balances.get(account) or 0) + amount)
            case CloseScheduled(account, after_ms):
                due = context.now + timedelta(milliseconds=after_ms)
                state.timers.set(Timer(f"close/{account}", due, context.tenant, Close(account)))
            case Closed(account):
                state.timers.cancel(f"close/{account}")
                state.balances.put(account, -1)
            case Frozen(account):
                state.balances.put(account, FROZEN)


class JsonCodec:
    def __init__(self, schema_version: int = 2) -> None:
        self.kinds = KINDS if schema_version > 1 else OLD

    def encode_command(self, command: Command) -> bytes:
        return json.dumps([type(command).__name__, asdict(command)], sort_keys=True).encode()

    def decode_command(self, payload: bytes) -> Command:
        kind, fields = json.loads(payload)
        return KINDS[kind](**fields)

    def encode_event(self, event: Event, metadata: Metadata) -> bytes:
        envelope = asdict(metadata) | {
            "event_time": metadata.event_time.isoformat(),
            "command": metadata.command.hex(),
        }
        return json.dumps([type(event).__name__, asdict(event), envelope]).encode()

    def decode_event(self, value: bytes) -> tuple[Event, Metadata]:
        try:
            kind, fields, envelope = json.loads(value)
            metadata = Metadata(**envelope)
            known = self.kinds[kind]
        except (ValueError, TypeError, KeyError) as error:
            raise Poison("not an event") from error
        return known(**fields), replace(
            metadata,
            event_time=datetime.fromisoformat(envelope["event_time"]),
            command=bytes.fromhex(envelope["command"]),
        )

    def event_type(self, event: Event) -> str:
        return f"test.{type(event).__name__}"


def bank_service(
    topic: str = "bank.events.v1", schema_version: int = 1, written_version: int = 1
) -> LedgerService[Bank, Command, Event]:
    return LedgerService(
        "bank",
        topic,
        Rules(written_version),
        Bank,
        JsonCodec(schema_version),
        "1",
        stream_of=lambda event: event.account,
        schema_version=schema_version,
        written_version=written_version,
    )
