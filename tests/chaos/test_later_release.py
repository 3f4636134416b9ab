"""The release that an upgrade brings: what it writes, what today's release makes of it, and what the judge says."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest
from trunkline.ledger.v1.ledger_types_pb2 import Marker
from trunkline_acd import bootstrap as acd_today
from trunkline_acd.domain import commands as acd_commands
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import WrapUpFinished
from trunkline_acd.domain.words import Intent
from trunkline_analytics.adapters.journals import Journal
from trunkline_analytics.adapters.live import LiveRows
from trunkline_analytics.adapters.segments import segment_write
from trunkline_channels import bootstrap as channels_today
from trunkline_channels.adapters.facts import facts_of_acd
from trunkline_channels.domain import commands as contact_commands
from trunkline_channels.domain.events import ContactClosed
from trunkline_channels.domain.words import Channel as ContactChannel
from trunkline_channels.domain.words import CloseReason, EntryPointDefinition
from trunkline_core.errors import Poison
from trunkline_core.routing import AgentDefinition, QueueDefinition, WrapUpMode
from trunkline_core.sealed import Sealed
from trunkline_core.texts import LocalizedText
from trunkline_crm.adapters.contacts import ContactProjection
from trunkline_ledger.core.fold import Fold
from trunkline_ledger.core.partition import Partition
from trunkline_ledger.core.records import MARKER_TYPE, Record
from trunkline_ledger.core.skips import TooNew
from trunkline_ledger.kafka.reader import EffectiveRecord, Position
from trunkline_ledger.service import LedgerService
from trunkline_ledger.snapshot_maker import service_at
from trunkline_ledger.stats import LedgerStats
from trunkline_testkit.checker import LedgerLog, LogRecord
from trunkline_testkit.contracts.snapshots import TENANT, check_snapshot, ledger_of, live
from trunkline_testkit.twins.store import MemoryStore

from chaos.faults.replicas import STANDS_ASIDE
from chaos.later import acd, channels
from chaos.later.checks import tallied, wrong_upgrades
from chaos.later.events import FIELD_NUMBER, NAME, Tallied, decode
from chaos.later.rules import SCHEMA

AnyService = LedgerService[Any, Any, Any]
TOPICS = {"acd": "acd.events.v1", "contact": "contact.events.v1"}
CONTACTS = [f"ct_0123456789abcdef_{number}" for number in range(4)]
QUEUE = QueueDefinition(
    queue_id="qu_sales",
    name=LocalizedText("销售", "Sales"),
    requirements=(),
    target_wait_duration=timedelta(seconds=20),
    value_weight_permille=1000,
    urgency_weight_permille=1000,
    voice_lease_duration=timedelta(seconds=20),
    chat_lease_duration=timedelta(seconds=30),
    miss_exclusion_duration=timedelta(seconds=30),
    max_misses=2,
    wrap_up_mode=WrapUpMode.UNTIMED,
    wrap_up_duration=timedelta(seconds=30),
    short_abandon_duration=timedelta(seconds=5),
    max_waiting=100,
)


def served(contact_id: str) -> list[Any]:
    """Return the moves of a contact from acd's queue to the end of its wrap-up."""
    return [
        acd_commands.EnqueueContact(contact_id, 1, "qu_sales", Channel.VOICE, 0, 0, ()),
        acd_commands.AcceptOffer("ag_1", contact_id, 1),
        acd_commands.ReportConnected(contact_id, 2, 1, 1),
        acd_commands.EndContact(contact_id, 3, "agent_ended"),
        acd_commands.FinishWrapUp("ag_1", contact_id, ""),
    ]


def opened_and_closed(contact_id: str) -> list[Any]:
    token = contact_id.split("_")[1].ljust(32, "0")
    address = Sealed("ky_1", b"n" * 12, b"c" * 32)
    return [
        contact_commands.OpenContact("ep_1", token, address, {}, "en", "chat:a", contact_id),
        contact_commands.CloseContact(contact_id, CloseReason.CUSTOMER_LEFT, ""),
    ]


ACD_MOVES = [
    acd_commands.PutQueue(QUEUE),
    acd_commands.PutAgent(AgentDefinition("ag_1", (), 1)),
    acd_commands.OpenAgentSession("ag_1", "pe_1", "se_1"),
    acd_commands.SetIntent("ag_1", Intent.AVAILABLE, ""),
    *(move for contact_id in CONTACTS for move in served(contact_id)),
]
CONTACT_MOVES = [
    contact_commands.PutEntryPoint(EntryPointDefinition("ep_1", "Shop", ContactChannel.CHAT, "fl_1")),
    *(move for contact_id in CONTACTS for move in opened_and_closed(contact_id)),
]
MOVES = {acd: ACD_MOVES, channels: CONTACT_MOVES}
AREA = {acd: "acd", channels: "contact"}
TODAY: dict[ModuleType, AnyService] = {acd: acd_today.ledger_service(), channels: channels_today.SERVICE}
both = pytest.mark.parametrize("release", [acd, channels], ids=["acd", "channels"])


def records_of(release: Any) -> list[Record]:
    """Return the log of a later release from its first marker on."""
    service = release.ledger_service()
    records = ledger_of(service, live(service, MOVES[release]))
    return [_by(record, "1.0+chaos.1") if record.type == MARKER_TYPE else record for record in records]


def _by(record: Record, version: str) -> Record:
    marker = Marker.FromString(record.value)
    marker.min_reader, marker.decider_version = SCHEMA, version
    return replace(record, value=marker.SerializeToString())


def new_ones(records: Sequence[Record]) -> list[Record]:
    found = [record for record in records if (record.type or "").endswith(NAME)]
    assert len(found) == len(CONTACTS)
    return found


def log_of(release: Any, records: Sequence[Record]) -> LedgerLog:
    topic = TOPICS[AREA[release]]
    logged = [LogRecord(topic, 0, each.offset, each.value, each.epoch, each.type) for each in records]
    return LedgerLog.of(logged, decode=decode)


def rules_broken(release: Any, records: Sequence[Record]) -> list[str]:
    return [violation.rule for violation in wrong_upgrades(log_of(release, records))]


@both
def test_each_event_that_counts_is_followed_by_the_new_one_in_its_command(release: Any) -> None:
    history = live(release.ledger_service(), MOVES[release])
    followed = {
        (event.count, event.subject_id): (type(before), first.command_id == second.command_id)
        for (before, first), (event, second) in pairwise(history)
        if isinstance(event, Tallied)
    }
    counted, subject = {acd: (WrapUpFinished, "ag_1"), channels: (ContactClosed, TENANT)}[release]
    assert followed == {(number, subject): (counted, True) for number in (1, 2, 3, 4)}


@both
def test_what_todays_rules_decide_stays_as_it_is(release: Any) -> None:
    later = [event for event, _ in live(release.ledger_service(), MOVES[release]) if not isinstance(event, Tallied)]
    assert later == [event for event, _ in live(TODAY[release], MOVES[release])]


@both
@pytest.mark.parametrize("cut", [5, 15, 25])
def test_a_snapshot_holds_tallies_and_answers_of_the_new_type(release: Any, cut: int) -> None:
    service = service_at(release.ledger_service().import_path)
    check_snapshot(service, live(service, MOVES[release]), cut)


@both
def test_todays_release_cannot_apply_the_new_type(release: Any) -> None:
    fold: Any = Fold(TODAY[release], 0)
    with pytest.raises(Poison):
        for record in records_of(release):
            fold.take_in(record, [])
    assert fold.next_offset == new_ones(records_of(release))[0].offset


@both
def test_todays_release_stands_aside_at_the_first_marker_in_the_words_that_the_fault_waits_for(release: Any) -> None:
    today: Any = Partition(TODAY[release], 0, "old", "1", LedgerStats())
    today.take_in(records_of(release), 0.0)
    assert isinstance(today.poison, TooNew) and STANDS_ASIDE in str(today.poison)


@both
def test_todays_callers_are_answered_with_a_field_that_they_do_not_know(release: Any) -> None:
    wire = release.WIRE
    event, metadata = wire.decode_event(new_ones(records_of(release))[0].value)
    message = wire.event_to_message(event, metadata)
    assert message.WhichOneof("event") is None
    assert wire.decode_event(message.SerializeToString()) == (event, metadata)


@both
def test_no_event_of_today_has_the_number_of_the_new_type(release: Any) -> None:
    descriptor = release.WIRE.event_message.DESCRIPTOR
    assert FIELD_NUMBER not in descriptor.fields_by_number
    assert NAME not in {field.message_type.name for field in descriptor.fields}


@both
async def test_readers_of_today_go_on_past_the_new_type(release: Any) -> None:
    def nothing(*_: object) -> None:
        raise AssertionError("told of what it cannot know")

    for record in new_ones(records_of(release)):
        effective = EffectiveRecord(record, Position(record.offset + 1, record.epoch or 0))
        event = release.WIRE.event_message.FromString(record.value)
        Journal(AREA[release], nothing).take(event, effective, TOPICS[AREA[release]])
        if release is acd:
            assert (facts_of_acd(effective), segment_write(effective)) == ([], None)
            LiveRows(None, None, nothing).take(event, effective)  # type: ignore[arg-type]
        else:
            await ContactProjection(MemoryStore()).apply([effective])


@both
def test_a_log_on_which_the_later_release_took_over_is_good(release: Any) -> None:
    log = log_of(release, records_of(release))
    assert list(wrong_upgrades(log)) == []
    assert (tallied(log), log.undecodable) == ({AREA[release]: len(CONTACTS)}, [])


@both
def test_before_the_first_marker_of_the_later_release_nothing_is_tallied(release: Any) -> None:
    history = live(TODAY[release], MOVES[release])
    assert rules_broken(release, ledger_of(TODAY[release], history)) == []


@both
def test_an_event_without_its_tally_is_found(release: Any) -> None:
    records = records_of(release)
    last = new_ones(records)[-1]
    assert rules_broken(release, [record for record in records if record is not last]) == ["NotTallied"]


@both
def test_a_tally_that_was_forgotten_and_begins_again_is_found(release: Any) -> None:
    records = records_of(release)
    again, last = new_ones(records)[0], new_ones(records)[-1]
    forgotten = [replace(record, value=again.value) if record is last else record for record in records]
    assert rules_broken(release, forgotten) == ["WrongTally"]


@both
def test_an_old_replica_that_owns_after_the_later_release_is_found(release: Any) -> None:
    first, *rest = records_of(release)
    old = [_by(record, "1.0") if record.type == MARKER_TYPE else record for record in rest]
    assert set(rules_broken(release, [first, *old])) == {"OldOwner"}
