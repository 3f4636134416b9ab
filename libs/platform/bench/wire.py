"""Measures the mapper: events a second through encode and decode, for an event of acd.

    python libs/platform/bench/wire.py

Prints one JSON line a case; times are of this process's CPU.
"""

import argparse
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

from trunkline.acd.v1 import acd_events_pb2
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import ContactEnqueued
from trunkline_core.routing import SkillRequirement
from trunkline_ledger.core.metadata import Metadata
from trunkline_platform.wire import Mapper, metadata_from_message, metadata_to_message

ROUNDS = 50_000


MAPPER = Mapper(ContactEnqueued, acd_events_pb2.ContactEnqueued)
EVENT = ContactEnqueued("ct_0123456789abcdef", 3, "qu_1", 1, Channel.CHAT, 500, 200, (SkillRequirement("billing", 2),))
METADATA = Metadata("ev_" + "0" * 32, "ct_1", 7, datetime.now(UTC), "tn_1", "system", "ct_1", "c", 3, False, b"x" * 200)


def encode() -> bytes:
    message = acd_events_pb2.AcdEvent(contact_enqueued=MAPPER.to_message(EVENT), metadata=metadata_to_message(METADATA))
    return message.SerializeToString(deterministic=True)


ENCODED = encode()


def decode() -> tuple[ContactEnqueued, Metadata]:
    message = acd_events_pb2.AcdEvent.FromString(ENCODED)
    return MAPPER.from_message(message.contact_enqueued), metadata_from_message(message.metadata)


def measure(name: str, work: Callable[[], object]) -> None:
    started = time.process_time()
    for _ in range(ROUNDS):
        work()
    print(json.dumps({"case": name, "events_per_s": round(ROUNDS / (time.process_time() - started))}))


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    measure("encode", encode)
    measure("decode", decode)
