"""Sealed texts as they stand in the ledgers and in the public journals, those inside of commands included.

Owns: finding them in every record, effective or not. Must not: open them; the test does, with the key store.
"""

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import DecodeError, Message
from trunkline.acd.v1.acd_commands_pb2 import AcdCommand
from trunkline.common.v1.common_types_pb2 import Sealed as SealedMessage
from trunkline.contact.v1.contact_commands_pb2 import ContactCommand
from trunkline.customer.v1.customer_commands_pb2 import CustomerCommand
from trunkline.directory.v1.directory_commands_pb2 import DirectoryCommand
from trunkline.ivr.v1.ivr_commands_pb2 import IvrCommand
from trunkline.ledger.v1.ledger_types_pb2 import CommandRecord
from trunkline.ticket.v1.ticket_commands_pb2 import TicketCommand
from trunkline_analytics.adapters.journals import JOURNAL_OF
from trunkline_core.sealed import Sealed
from trunkline_testkit.checker.log import AREAS, LEDGERS, read_records

COMMANDS: dict[str, type[Message]] = {
    "acd": AcdCommand,
    "contact": ContactCommand,
    "customer": CustomerCommand,
    "directory": DirectoryCommand,
    "ivr": IvrCommand,
    "ticket": TicketCommand,
}
JOURNALS: dict[str, type[Any]] = {kind.topic: kind.message for kind in JOURNAL_OF.values()}


async def sealed_texts(bootstrap_servers: str) -> dict[Sealed, str]:
    """Return each sealed text and the stream, such as a contact, that holds it."""
    found: dict[Sealed, str] = {}
    for record in await read_records(bootstrap_servers, [*LEDGERS, *JOURNALS]):
        for stream_id, message in _messages(record.topic, record.value):
            for sealed in sealed_in(message):
                found.setdefault(sealed, stream_id)
    return found


def sealed_in(message: Any) -> Iterator[Sealed]:
    """Yield the sealed texts of a message and of every message inside it."""
    if isinstance(message, SealedMessage):
        yield Sealed(message.key_id, message.nonce, message.ciphertext)
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            inner = [one for one in value.values() if isinstance(one, Message)]
        else:
            inner = value if field.is_repeated else [value]
        for one in inner:
            yield from sealed_in(one)


def _messages(topic: str, value: bytes) -> Iterator[tuple[str, Message]]:
    """Yield the event and its command with their stream; what is neither, such as a marker, holds no text."""
    if topic in JOURNALS:
        journalled = JOURNALS[topic].FromString(value)
        yield journalled.metadata.stream_id, journalled
        return
    area = LEDGERS[topic]
    try:
        event: Any = AREAS[area].FromString(value)
        command = CommandRecord.FromString(event.metadata.command)
        yield event.metadata.stream_id, event
        yield event.metadata.stream_id, COMMANDS[area].FromString(command.payload)
    except DecodeError:
        return
