"""`trunkline ledger tail`: what a ledger says, record by record, as JSON lines. Sealed texts stay sealed.

Owns: how a record looks to a person, and that secrets are masked. Must not: open a text; an operator has no business
in it.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError, Message
from trunkline.ledger.v1 import ledger_types_pb2 as wire
from trunkline.options.v1.options_pb2 import Sensitivity, sensitivity
from trunkline_core.errors import Misconfigured, TrunklineError
from trunkline_ledger.core.epochs import EpochFilter, Verdict
from trunkline_ledger.core.records import OWN_TYPES, Record
from trunkline_ledger.kafka.history import ClusterHistory
from trunkline_ledger.kafka.tail import Tail
from trunkline_ledger.service import LedgerService
from trunkline_platform.wire import EventWire

from trunkline_operator.ledgers import LEDGERS, chosen

MASK: Final = "***"
UNPRINTABLE: Final = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters that JSON may hold as they are, and those that turn the direction of writing."""
OWN_MESSAGES: dict[str | None, type[Message]] = {
    name: getattr(wire, name.rpartition(".")[2]) for name in sorted(OWN_TYPES)
}


async def tail(kafka: str, topic: str, partition: int | None, first: int, *, follow: bool) -> None:
    """Print the records of a ledger from the offset `first` of each partition on; with `follow` also what comes."""
    chosen([topic])
    async with ClusterHistory(kafka, [topic]) as history:
        ends = await history.ends(topic)
        if partition is not None and partition not in ends:
            raise Misconfigured(f"{topic} has the partitions 0 to {len(ends) - 1}.")
        wanted = [partition] if partition is not None else list(ends)
        filters = {number: EpochFilter() for number in wanted}
        for number in wanted:
            async for records in history.records(topic, number):
                for stored in records:
                    _print(topic, stored.read(number), filters[number], first)
    if follow:
        async for record in _following(kafka, topic, {number: ends[number] for number in wanted}):
            _print(topic, record, filters[record.partition], first)


async def _following(kafka: str, topic: str, offsets: dict[int, int]) -> AsyncIterator[Record]:
    """Yield what comes in these partitions."""
    client = Tail(topic, kafka, "trunkline-operator")
    try:
        await client.start(offsets, only=offsets)
        while True:
            for record in await client.next_records(1.0):
                yield record
    finally:
        await asyncio.shield(client.stop())


def _print(topic: str, record: Record, epochs: EpochFilter, first: int) -> None:
    """Every record goes through the filter, so that the first one shown is judged by the epoch in force there."""
    verdict = epochs.admit(record)
    if record.offset >= first:
        print(line_of(shown(topic, record, verdict)), flush=True)


def line_of(content: dict[str, Any]) -> str:
    """Return JSON that people can read and a terminal does not obey: customers and senders chose some of the texts."""
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(content, ensure_ascii=False))


def shown(topic: str, record: Record, verdict: Verdict) -> dict[str, Any]:
    """Return a record as a JSON object: its place, whether it takes effect, and what it says."""
    return {
        "topic": topic,
        "partition": record.partition,
        "offset": record.offset,
        "append_time": record.append_time.isoformat(),
        "epoch": record.epoch,
        "verdict": verdict.name.lower(),
        "type": record.type,
        "key": record.key.decode("utf-8", "replace"),
        "content": _content(LEDGERS[topic], record),
    }


def _content(service: LedgerService[Any, Any, Any], record: Record) -> Any:
    try:
        if record.type in OWN_MESSAGES:
            return _plain(OWN_MESSAGES[record.type].FromString(record.value))
        return _event(service, record)
    except (DecodeError, TrunklineError, ValueError):
        return {"undecodable": f"{len(record.value)} bytes"}


def _event(service: LedgerService[Any, Any, Any], record: Record) -> Any:
    """The event as it stands on the wire, its command decoded as well."""
    codec = service.codec
    assert isinstance(codec, EventWire), "tail shows protobuf messages"
    message: Any = codec.event_message.FromString(record.value)
    command_bytes = message.metadata.command
    message.metadata.ClearField("command")
    content = _plain(message)
    if command_bytes:
        command = wire.CommandRecord.FromString(command_bytes)
        payload = codec.command_message.FromString(command.payload)
        content["command"] = _plain(command) | {"payload": _plain(payload)}
    return content


def _plain(message: Message) -> dict[str, Any]:
    _mask(message)
    return MessageToDict(message, preserving_proto_field_name=True)


def _mask(message: Message) -> None:
    """What is marked as a secret, such as the hash of a password, is shown to nobody."""
    for found, value in message.ListFields():
        if found.GetOptions().Extensions[sensitivity] == Sensitivity.SENSITIVITY_SECRET:
            setattr(message, found.name, MASK)
        elif found.message_type is not None:
            for inner in _messages_in(value):
                _mask(inner)


def _messages_in(value: Any) -> Iterable[Message]:
    if isinstance(value, Message):
        return [value]
    each = value.values() if isinstance(value, Mapping) else value
    return [one for one in each if isinstance(one, Message)]
