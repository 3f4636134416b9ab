"""A slot whose chunks do not have the manifest's hash is named (ledger rule 16)."""

import hashlib

import pytest
from trunkline.ledger.v1.ledger_types_pb2 import SnapshotManifest
from trunkline_ledger.log_client import SnapshotSlot
from trunkline_operator.snapshots import problem_of

TOPIC = "ticket.events.v1"


def slot(chunks: dict[int, bytes], **fields: object) -> SnapshotSlot:
    body = b"one" + b"two"
    manifest = SnapshotManifest(number=3, chunk_count=2, size_bytes=6, topic_id="t", schema_version=1)
    manifest.sha256 = hashlib.sha256(body).digest()
    for name, value in fields.items():
        setattr(manifest, name, value)
    return SnapshotSlot(manifest, chunks)


def test_a_whole_slot_is_no_problem():
    assert problem_of(TOPIC, 0, slot({0: b"one", 1: b"two"}), "t") is None


@pytest.mark.parametrize(
    ("damaged", "words"),
    [
        (slot({0: b"one", 1: b"twp"}), "do not have the hash"),
        (slot({0: b"one"}), "chunk 1 of 2 is missing"),
        (slot({0: b"one", 1: b"two"}, topic_id="another"), "another topic id"),
        (slot({0: b"one", 1: b"two"}, schema_version=99), "is newer than"),
    ],
)
def test_a_slot_that_cannot_be_used_is_named(damaged, words):
    problem = problem_of(TOPIC, 2, damaged, "t")
    assert problem is not None and words in problem.detail
    assert (problem.rule, problem.place) == ("SnapshotUnreadable", "ticket.snapshots.v1/2, number 3")
