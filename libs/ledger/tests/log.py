"""A log in memory: what the broker would do, without a broker."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from accounts import Bank, Book, Command, Event, bank_service
from trunkline.ledger.v1.ledger_types_pb2 import Marker
from trunkline_core.errors import TrunklineError
from trunkline_ledger.core.batch import Batch, Reply, Ticket
from trunkline_ledger.core.partition import Outputs, Partition
from trunkline_ledger.core.records import MARKER_TYPE, Draft, Record
from trunkline_ledger.stats import LedgerStats
from trunkline_ledger.submission import Committed, Submission

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def uuid7(milliseconds_after_noon: int = 0, number: int = 1) -> str:
    at = int(NOON.timestamp() * 1000) + milliseconds_after_noon
    return str(UUID(int=(at << 80) | (0x7 << 76) | (0b10 << 62) | number))


class Log:
    """One partition's log; its append time runs with `monotonic_s`."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.monotonic_s = 0.0

    def append(self, drafts: list[Draft]) -> int:
        first = len(self.records)
        at = NOON + timedelta(seconds=self.monotonic_s)
        for offset, draft in enumerate(drafts, first):
            self.records.append(Record(0, offset, draft.key, draft.value, at, draft.epoch, draft.type))
        return first


class Replica:
    """A partition core with the log it reads; keeps the replies by command id."""

    def __init__(self, log: Log, name: str, boot: str = "1", *, schema: int = 1, written: int = 1) -> None:
        self.log = log
        self.boot_id = f"{name}-{boot}"
        self.instance_id = name
        self.stats = LedgerStats()
        service = bank_service(schema_version=schema, written_version=written)
        self.core: Partition[Bank, Command, Event] = Partition(service, 0, name, self.boot_id, self.stats)
        self.read = 0
        self.replies: dict[str, Reply] = {}
        self.outputs: list[Outputs[Event]] = []

    def catch_up(self) -> "Replica":
        while self.read < len(self.log.records):
            record = self.log.records[self.read]
            self.read += 1
            self.keep(self.core.take_in([record], self.log.monotonic_s))
        return self

    def keep(self, outputs: Outputs[Event]) -> None:
        self.outputs.append(outputs)
        for ticket, reply in outputs.replies:
            ticket.reply(reply)
        if outputs.read_again:
            self.read = self.core.next_offset

    def marker(self, epoch: int | None = None) -> Draft:
        announced = self.core.announce()
        marker = Marker(
            epoch=epoch or announced,
            boot_id=self.boot_id,
            instance_id=self.instance_id,
            address=f"{self.instance_id}:1",
            min_reader=self.core.min_reader,
        )
        return Draft(b"*", marker.SerializeToString(), marker.epoch, MARKER_TYPE)

    def take_over(self) -> "Replica":
        self.catch_up()
        self.log.append([self.marker()])
        return self.catch_up()

    def submit(self, command: Command, command_id: str | None = None, **more: object) -> str:
        chosen = command_id or uuid7(int(self.log.monotonic_s * 1000), len(self.replies) + 1000)
        fields: dict[str, object] = {"payload_hash": b"hash", "key": "a", "tenant": "tn_1", "actor": "customer"}
        submission: Submission[Command] = Submission(command=command, command_id=chosen, **(fields | more))  # type: ignore[arg-type]
        deadline = self.log.monotonic_s + 10
        self.core.submit(
            Ticket(submission, self.log.monotonic_s, deadline, lambda reply: self.replies.__setitem__(chosen, reply))
        )
        return chosen

    def decide(self) -> Batch[Event]:
        batch = self.core.next_batch(self.log.monotonic_s)
        assert batch is not None
        return batch

    def commit(self) -> None:
        batch = self.decide()
        self.keep(self.core.acknowledged(self.log.append(batch.drafts), self.log.monotonic_s))
        self.catch_up()

    def book(self, account: str, amount: int, command_id: str | None = None, **more: object) -> Reply:
        chosen = self.submit(Book(account, amount), command_id, **more)
        self.commit()
        return self.replies[chosen]

    def balance(self, account: str) -> int | None:
        return self.core.fold.state.balances.get(account)


def events_of(reply: Reply) -> list[Event]:
    assert isinstance(reply, Committed), reply
    return [recorded.event for recorded in reply.events]


def refusal_of(reply: Reply) -> TrunklineError:
    assert isinstance(reply, TrunklineError), reply
    return reply
