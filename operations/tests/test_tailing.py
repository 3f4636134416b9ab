"""What a person sees of a record."""

import json
from datetime import UTC, datetime

from trunkline.common.v1.common_types_pb2 import EventMetadata
from trunkline.directory.v1.directory_events_pb2 import DirectoryEvent, UserDefined
from trunkline.directory.v1.directory_types_pb2 import UserDefinition
from trunkline_ledger.core.epochs import Verdict
from trunkline_ledger.core.records import Record
from trunkline_operator.tailing import MASK, line_of, shown


def test_a_text_that_somebody_else_chose_does_not_steer_the_terminal():
    content = {"chinese": "你好", "colour": "\x9b31m", "escape": "\x1b[2J", "backwards": "\u202eexe.txt"}
    line = line_of(content)
    assert json.loads(line) == content
    assert "你好" in line
    assert line.isprintable()


def test_the_hash_of_a_password_is_shown_to_nobody():
    user = UserDefinition(user_id="us_1", password_hash="$argon2id$v=19$secret")
    event = DirectoryEvent(metadata=EventMetadata(tenant_id="tn_1"), user_defined=UserDefined(user=user))
    record = Record(0, 7, b"*", event.SerializeToString(), datetime(2026, 1, 5, tzinfo=UTC), 1, "UserDefined")
    content = shown("directory.events.v1", record, Verdict.EFFECTIVE)["content"]
    assert content["user_defined"]["user"] == {"user_id": "us_1", "password_hash": MASK}
