"""Every event type has a golden record that today's code decodes to exactly what it once meant."""

import importlib.util
from pathlib import Path

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from trunkline.topics import TOPICS
from trunkline_testkit.checker.log import LEDGERS

PROTOS = Path(__file__).resolve().parents[2] / "protos"
spec = importlib.util.spec_from_file_location("examples", PROTOS / "examples.py")
assert spec is not None
assert spec.loader is not None
examples = importlib.util.module_from_spec(spec)
spec.loader.exec_module(examples)

KINDS: dict[str, type[Message]] = {**examples.ENVELOPES, **examples.ROWS}
RECORDS = sorted((PROTOS / "examples").glob("*/*.bin"))


def test_every_event_type_has_a_golden_record():
    wanted = {
        f"{topic}/{examples.pascal_case(case.name)}"
        for topic, envelope in examples.ENVELOPES.items()
        for case in envelope.DESCRIPTOR.oneofs_by_name["event"].fields
    } | {f"{topic}/{row.DESCRIPTOR.name}" for topic, row in examples.ROWS.items()}
    assert {f"{record.parent.name}/{record.stem}" for record in RECORDS} == wanted


def test_every_topic_of_the_catalogue_has_a_kind_of_record_and_every_ledger_a_judge():
    kept = (".dlq.v1", ".snapshots.v1")  # copies of records, and chunks of a state: no kind of their own
    written = {topic for topic in TOPICS if not topic.endswith(kept)}
    assert set(KINDS) == written
    assert set(LEDGERS) == {topic for topic in written if topic.endswith(".events.v1")}


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: f"{record.parent.name}/{record.stem}")
def test_a_golden_record_still_means_what_it_meant(record: Path):
    kind = KINDS[record.parent.name]
    decoded = kind.FromString(record.read_bytes())
    assert decoded == json_format.Parse(record.with_suffix(".json").read_text(), kind())
    assert decoded.SerializeToString(deterministic=True) == record.read_bytes()
