"""Snapshots without Kafka: what is in one, what is not read, and the digest (ledger rule 16)."""

from collections import namedtuple
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import pytest
from accounts import Bank, Book, Closed, CloseLater, Command, Event, bank_service
from hypothesis import given
from hypothesis import strategies as st
from log import NOON, Log, Replica, uuid7
from trunkline.ledger.v1.ledger_types_pb2 import SnapshotManifest
from trunkline_core.tables import Family, Journal, Table
from trunkline_core.timers import Timers
from trunkline_ledger.core.commands import NOTHING
from trunkline_ledger.core.contents import Contents, NoTable
from trunkline_ledger.core.fold import Fold
from trunkline_ledger.core.rows import Classes, Packing, Unpacking, Unreadable, class_name, decode, encode, field_names
from trunkline_ledger.core.snapshots import (
    CHUNK_BYTES,
    body_of,
    check_manifest,
    chunks_of,
    classes_of,
    manifest_of,
    record_hash,
    restored,
)
from trunkline_ledger.core.versions import ENDED_LIFE, Versions
from trunkline_ledger.service import LedgerService
from trunkline_ledger.submission import ManagerSource
from trunkline_testkit.contracts.snapshots import answers_of, check_snapshot, live

BankFold = Fold[Bank, Command, Event]
SERVICE = bank_service()
SOURCE = ManagerSource("m", "other.events.v1", 0, 7, 1)


class Colour(Enum):
    RED = "r"
    BLUE = "b"


Place = namedtuple("Place", ["rank", "name"])


@dataclass(frozen=True, slots=True)
class Row:
    text: str
    colour: Colour
    place: Place
    since: datetime
    life: timedelta
    names: frozenset[str] = frozenset()
    more: dict[str, Any] = field(default_factory=dict)
    inner: "Row | None" = None
    data: bytes = b""
    rate: float = 0.0


@dataclass
class Loose:
    text: str


CLASSES = Classes([__name__])


def through_bytes(value: Any, classes: Classes = CLASSES, **options: Any) -> Any:
    announced: list[type] = []

    def number_of(kind: type) -> int:
        announced.append(kind)
        return len(announced) - 1

    packed = encode(Packing(number_of).pack(value))
    unpacking = Unpacking(classes, **options)
    for kind in announced:
        unpacking.learn(class_name(kind), list(field_names(kind)))
    return unpacking.unpack(decode(packed))


rows = st.recursive(
    st.builds(
        Row,
        st.text(),
        st.sampled_from(Colour),
        st.builds(Place, st.integers(-(2**63), 2**63 - 1), st.text()),
        st.datetimes(timezones=st.just(UTC)),
        st.timedeltas(timedelta(days=-10_000), timedelta(days=10_000)),
        st.frozensets(st.text(max_size=3), max_size=3),
        st.dictionaries(st.text(max_size=3), st.tuples(st.integers(0, 9), st.none() | st.booleans()), max_size=3),
        st.none(),
        st.binary(),
        st.floats(allow_nan=False),
    ),
    lambda inner: st.builds(replace, inner, inner=inner),
    max_leaves=4,
)


@given(rows)
def test_a_row_comes_back_as_it_was(row: Row) -> None:
    assert through_bytes(row) == row


def test_a_class_that_is_not_on_the_list_is_never_made_or_imported() -> None:
    unpacking = Unpacking(CLASSES)
    for name in (
        "os:system",
        "subprocess:Popen",
        "this:d",
        f"{__name__}:CLASSES",
        f"{__name__}:Loose",
        "builtins:eval",
    ):
        with pytest.raises(Unreadable, match="no class of this version's rows"):
            unpacking.learn(name, [])
    with pytest.raises(TypeError):
        class_name(Loose)


def test_only_the_domain_of_the_service_and_the_ledger_are_on_its_list() -> None:
    classes = classes_of(SERVICE)
    assert classes.find("accounts:Closed") is Closed
    assert classes.find("trunkline_core.timers:Timer")
    for name in ("trunkline_platform.logs:Logger", "accountsx:Closed", f"{__name__}:Row"):
        with pytest.raises(Unreadable):
            classes.find(name)


def test_a_field_that_is_not_known_any_more_makes_a_row_unreadable() -> None:
    with pytest.raises(Unreadable, match="Row has no field colours"):
        Unpacking(CLASSES, is_older=True).learn(f"{__name__}:Row", [*field_names(Row), "colours"])


def test_a_missing_field_has_its_default_in_an_older_snapshot_and_makes_one_of_this_version_unreadable() -> None:
    names = [name for name in field_names(Row) if name != "rate"]
    row = Row("a", Colour.RED, Place(1, "b"), NOON, timedelta(1), rate=3.0)
    packed = Packing(lambda kind: {Row: 0, Colour: 1, Place: 2}[kind]).pack(row)[:-1]
    older = Unpacking(CLASSES, is_older=True)
    older.learn(f"{__name__}:Row", names)
    older.learn(f"{__name__}:Colour", [])
    older.learn(f"{__name__}:Place", ["rank", "name"])
    assert older.unpack(packed) == replace(row, rate=0.0)
    with pytest.raises(Unreadable, match="without rate"):
        Unpacking(CLASSES).learn(f"{__name__}:Row", names)
    with pytest.raises(Unreadable, match="without text"):
        Unpacking(CLASSES, is_older=True).learn(f"{__name__}:Row", names[1:])


class Corner:
    def __init__(self, journal: Journal) -> None:
        self.rows: Table[str, int] = Table(journal)


class Room:
    def __init__(self) -> None:
        self.journal = Journal()
        self.timers: Timers[Any] = Timers(self.journal)
        self.corners: Family[Corner] = Family(lambda _: Corner(self.journal))


def test_a_state_with_something_that_a_snapshot_would_forget_is_refused() -> None:
    room = Room()
    assert len(list(Contents(room).tables())) == 2
    room.counts = {"a": 1}  # type: ignore[attr-defined]
    with pytest.raises(NoTable, match=r"Room\.counts"):
        list(Contents(room).tables())


def test_a_group_of_tables_without_rows_is_no_state() -> None:
    room = Room()
    room.corners.of("looked at")
    assert len(list(Contents(room).tables())) == 2
    room.corners.of("used").rows.put("a", 1)
    paths = [path for path, _ in Contents(room).tables()]
    assert ("corners", "used", "rows") in paths and len(paths) == 3


# a whole fold


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def owner(log: Log) -> Replica:
    """An owner with balances, a timer, a mark, a window and void and marker records behind it."""
    owner = Replica(log, "r1").take_over()
    owner.book("a", 5, uuid7(1))
    owner.book("b", 1, uuid7(2))
    owner.submit(CloseLater("b", 60_000), uuid7(3))
    owner.submit(Book("a", 1), "input", payload_hash=b"", source=SOURCE)
    owner.submit(Book("a", -100), uuid7(4))
    owner.commit()
    return owner


def stored(fold: BankFold, log: Log, service: LedgerService[Any, Any, Any] = SERVICE) -> tuple[SnapshotManifest, Any]:
    body = body_of(fold.contents)
    manifest = manifest_of(fold, body, log.records[fold.next_offset - 1])
    manifest.number, manifest.topic_id, manifest.schema_version = 1, "t1", service.schema_version
    return manifest, dict(enumerate(chunks_of(body)))


def folded(log: Log) -> BankFold:
    fold: BankFold = Fold(SERVICE, 0)
    for record in log.records:
        fold.take_in(record, [])
    return fold


def test_a_restored_fold_has_tables_timers_window_marks_versions_epoch_and_log_time(log: Log, owner: Replica) -> None:
    fold = restored(SERVICE, 0, *stored(folded(log), log))
    assert dict(fold.state.balances.items()) == {"a": 6, "b": 1}
    assert fold.state.timers.next_due() == NOON + timedelta(seconds=60)
    known = fold.window.first_answer(("tn_1", "customer", uuid7(1)), b"hash")
    assert known == owner.core.fold.window.first_answer(("tn_1", "customer", uuid7(1)), b"hash") and known
    assert fold.marks.is_applied(SOURCE)
    assert fold.versions.of("a", NOON) == 2
    assert fold.epochs.owner == owner.core.fold.epochs.owner
    assert fold.clock.last_event_time == owner.core.fold.clock.last_event_time
    assert fold.next_offset == len(log.records)


def test_an_owner_and_a_standby_have_the_same_digest_after_refusals_and_what_led_to_nothing(
    log: Log, owner: Replica
) -> None:
    standby = Replica(log, "r2").catch_up()
    log.monotonic_s += 200
    owner.book("a", -1_000)
    owner.book("a", 0)
    assert owner.core.fold.digest() == standby.catch_up().core.fold.digest()
    owner.submit(NOTHING, "skipped", payload_hash=b"", source=replace(SOURCE, offset=8))  # type: ignore[arg-type]
    owner.commit()
    log.monotonic_s += 200  # the first entries of the window are over
    owner.book("a", 0)
    assert owner.core.fold.digest() == standby.catch_up().core.fold.digest()
    owner.book("c", 1)
    assert owner.core.fold.digest() == standby.catch_up().core.fold.digest() == folded(log).digest()
    assert len(owner.core.fold.window) == len(standby.core.fold.window) == 1


def test_the_digest_does_not_depend_on_the_order_of_rows_and_does_on_everything_else(log: Log, owner: Replica) -> None:
    fold, other = folded(log), folded(log)
    other.state.balances.load(reversed(list(other.state.balances.items())))
    assert fold.digest() == other.digest()
    other.state.timers.grant_grace(NOON)
    assert fold.digest() != other.digest()


def test_the_digest_of_this_history_is_this_one_on_every_python(log: Log, owner: Replica) -> None:
    assert owner.core.fold.digest() == "96e5f1127a8fbf8e4a986936f5b5868a3b631e958037e4d577e3a9e58645885a"


def test_a_snapshot_is_the_same_bytes_wherever_it_is_made(log: Log, owner: Replica) -> None:
    assert body_of(folded(log).contents) == body_of(folded(log).contents)


def test_whoever_gives_a_fold_something_to_remember_must_think_of_snapshots() -> None:
    fold: BankFold = Fold(SERVICE, 0)
    in_tables, in_the_manifest = {"state", "versions", "window", "marks"}, {"epochs", "clock", "next_offset"}
    no_state = {"_service", "_number", "journal", "_reading", "let_go"}
    assert set(vars(fold)) == in_tables | in_the_manifest | no_state
    assert set(vars(fold.epochs)) | set(vars(fold.clock)) == {"epoch", "marker", "last_event_time", "_base"}


def test_a_half_read_command_is_no_state(log: Log, owner: Replica) -> None:
    fold = folded(log)
    fold._reading = object()  # type: ignore[assignment]
    with pytest.raises(AssertionError, match="half-read"):
        manifest_of(fold, b"", log.records[-1])


@given(
    st.lists(
        st.one_of(
            st.builds(Book, st.sampled_from("abc"), st.integers(-2, 5)),
            st.builds(CloseLater, st.sampled_from("abc"), st.integers(0, 90_000)),
            st.integers(1, 400),
        ),
        max_size=30,
    ),
    st.integers(1, 40),
)
def test_any_history_goes_through_a_snapshot(moves: list[Any], cut: int) -> None:
    check_snapshot(SERVICE, live(SERVICE, moves), cut)


def test_the_check_of_services_sees_a_window_or_marks_that_a_snapshot_forgot(
    log: Log, owner: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks the fold, so that it does not fail together with what it checks."""
    whole = folded(log)
    for name in ("window", "marks"):
        fold = restored(SERVICE, 0, *stored(whole, log))
        setattr(fold, name, getattr(Fold(SERVICE, 0), name))
        assert answers_of(SERVICE, fold, log.records) != answers_of(SERVICE, whole, log.records)


# what is not read


def refusal(manifest: SnapshotManifest, chunks: dict[int, bytes], service: LedgerService[Any, Any, Any]) -> str:
    with pytest.raises(Unreadable) as found:
        check_manifest(manifest, service, "t1")
        restored(service, 0, manifest, chunks)
    return str(found.value)


def test_a_flipped_bit_anywhere_is_noticed(log: Log, owner: Replica) -> None:
    manifest, chunks = stored(folded(log), log)
    for place in range(0, len(chunks[0]), 7):
        flipped = bytearray(chunks[0])
        flipped[place] ^= 1
        assert "hash" in refusal(manifest, {0: bytes(flipped)}, SERVICE)


def test_a_truncated_or_missing_chunk_is_noticed(log: Log, owner: Replica) -> None:
    manifest, chunks = stored(folded(log), log)
    assert "hash" in refusal(manifest, {0: chunks[0][:-1]}, SERVICE)
    assert refusal(manifest, {}, SERVICE) == "chunk 0 of 1 is missing"


def test_bytes_with_the_right_hash_that_are_no_rows_are_unreadable(log: Log, owner: Replica) -> None:
    for body in (b"\x00\x00\x00\x01\xc1", b"\x00\x00\x00\x04\x93\x01\x02\x03", b"\xff\xff"):
        manifest = manifest_of(folded(log), body, log.records[-1])
        manifest.topic_id, manifest.schema_version = "t1", 1
        assert "do not fit" in refusal(manifest, {0: body}, SERVICE)


def test_versions_that_are_too_new_or_too_old_and_another_topic_are_not_read(log: Log, owner: Replica) -> None:
    manifest, chunks = stored(folded(log), log)
    second = replace(SERVICE, schema_version=2)
    check_manifest(manifest, second, "t1")
    restored(second, 0, manifest, chunks)
    assert "older than 2" in refusal(manifest, chunks, replace(second, snapshots_since=2))
    manifest.schema_version = 2
    assert "newer than 1" in refusal(manifest, chunks, SERVICE)
    manifest.schema_version, manifest.topic_id = 1, "t0"
    assert "another topic id" in refusal(manifest, chunks, SERVICE)


class Larger(Bank):
    def __init__(self) -> None:
        super().__init__()
        self.limits: Table[str, int] = Table(self.journal)


def test_a_table_that_is_new_is_empty_in_an_older_snapshot_and_makes_one_of_this_version_unreadable(
    log: Log, owner: Replica
) -> None:
    manifest, chunks = stored(folded(log), log)
    grown: Any = replace(SERVICE, new_state=Larger)
    assert "without the table state.limits" in refusal(manifest, chunks, grown)
    assert len(restored(replace(grown, schema_version=2), 0, manifest, chunks).state.limits) == 0


def test_a_table_that_is_gone_makes_a_snapshot_unreadable(log: Log, owner: Replica) -> None:
    grown: Any = replace(SERVICE, new_state=Larger)
    fold: Any = Fold(grown, 0)
    for record in log.records:
        fold.take_in(record, [])
    manifest, chunks = stored(fold, log)
    assert "no table state.limits" in refusal(manifest, chunks, replace(SERVICE, schema_version=2))


def test_chunks_have_at_most_512_kib_and_their_order_gives_the_body() -> None:
    body = bytes(range(256)) * 6_000
    chunks = chunks_of(body)
    assert [len(chunk) for chunk in chunks] == [CHUNK_BYTES, CHUNK_BYTES, len(body) - 2 * CHUNK_BYTES]
    assert b"".join(chunks) == body


def test_a_log_is_known_again_by_every_part_of_its_last_record(log: Log, owner: Replica) -> None:
    last = log.records[-1]
    changes: list[dict[str, Any]] = [{"epoch": 9}, {"type": "x"}, {"key": b"x"}, {"value": b"x"}, {"offset": 0}]
    assert len({record_hash(replace(last, **change)) for change in [{}, *changes]}) == 6


# closed aggregates leave memory


def test_a_stream_that_is_over_leaves_memory_after_seven_days_and_not_before() -> None:
    versions = Versions(Journal())
    versions.advance("ct_1", 1, NOON, is_last=False)
    versions.advance("ct_1", 2, NOON, is_last=True)
    late = NOON + ENDED_LIFE - timedelta(seconds=1)
    assert versions.of("ct_1", late) == 2
    versions.advance("ct_1", 3, late, is_last=False)
    assert versions.of("ct_1", late + timedelta(days=1)) == 3, "something late: the days begin anew"
    for number in range(3):
        versions.advance(f"ct_x{number}", 1, late + ENDED_LIFE + timedelta(days=number), is_last=True)
    assert versions.of("ct_1", late + ENDED_LIFE) == 0
    assert len(versions) == 3


def test_a_stream_without_an_end_keeps_its_version_for_ever() -> None:
    versions = Versions(Journal())
    versions.advance("qu_1", 1, NOON, is_last=False)
    versions.advance("ct_1", 1, NOON + 10 * ENDED_LIFE, is_last=True)
    assert versions.of("qu_1", NOON + 20 * ENDED_LIFE) == 1
