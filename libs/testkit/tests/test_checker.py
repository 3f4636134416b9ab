import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from hypothesis import given
from hypothesis import strategies as st
from trunkline.acd.v1.acd_events_pb2 import AcdEvent
from trunkline.acd.v1.acd_types_pb2 import AgentRow
from trunkline.contact.v1.contact_events_pb2 import ContactEvent
from trunkline.ivr.v1.ivr_events_pb2 import IvrEvent
from trunkline.ledger.v1.ledger_types_pb2 import (
    CommandRecord,
    ManagerInputSkipped,
    ManagerSource,
    Marker,
    RecordSkipped,
)
from trunkline_ledger.core.epochs import EpochFilter, Verdict
from trunkline_ledger.core.records import Record
from trunkline_testkit.checker import (
    ClientJournal,
    Entry,
    LedgerLog,
    LogRecord,
    SourcedRow,
    check,
    check_times,
    compare,
    contradictions,
    stale_rows,
)
from trunkline_testkit.checker.agents import agent_times
from trunkline_testkit.checker.journal import EntryState, read_journal
from trunkline_testkit.checker.log import read_records
from trunkline_testkit.checker.orphans import left_over_work, orphans, outlived_consoles, outlived_peers
from trunkline_testkit.checker.outages import Death, failovers_ms
from trunkline_testkit.checker.timers import lateness_ms

ENVELOPES = {"contact.events.v1": ContactEvent, "acd.events.v1": AcdEvent, "ivr.events.v1": IvrEvent}


class Ledger:
    """Writes the records of one partition as an owner would, and as it never should."""

    def __init__(self, topic="contact.events.v1", partition=0):
        self.topic, self.partition = topic, partition
        self.records = []
        self.versions = {}
        self.now_ms = 0

    def at(self, now_ms):
        """What follows is appended at that time."""
        self.now_ms = now_ms
        return self

    def put(self, value, epoch, kind):
        record = LogRecord(self.topic, self.partition, len(self.records), value, epoch, kind, self.now_ms)
        self.records.append(record)
        return self

    def mark(self, epoch, header=None, instance_id="acd-1"):
        value = Marker(epoch=epoch, boot_id=f"b{epoch}", instance_id=instance_id).SerializeToString()
        return self.put(value, header or epoch, "trunkline.ledger.v1.Marker")

    def command(self, command_id, *events, epoch=1, version=None, count=None, source=None, payload_hash=b"h"):
        record = CommandRecord(
            command_id=command_id, principal="p", payload_hash=payload_hash, event_count=count or len(events)
        )
        if source:
            record.source.CopyFrom(source)
        for ordinal, (name, fields) in enumerate(events):
            self._event(record, ordinal, name, fields, epoch, version)
        return self

    def _event(self, record, ordinal, name, fields, epoch, version):
        envelope = ENVELOPES[self.topic]()
        event = getattr(envelope, name)
        event.SetInParent()
        for field, value in fields.items():
            if field == "agents":
                event.agents.extend(value)
            else:
                setattr(event, field, value)
        stream = fields.get("contact_id") or fields.get("agent_id") or "rows"
        next_version = version or self.versions.get(stream, 0) + 1
        if version is None:
            self.versions[stream] = next_version
        metadata = envelope.metadata
        metadata.event_id = f"{epoch}/{record.command_id}/{ordinal}/{self.partition}/{self.topic}"
        metadata.stream_id, metadata.stream_version = stream, next_version
        metadata.writer_epoch, metadata.tenant_id = epoch, "tn_1"
        if ordinal == 0:
            metadata.command = record.SerializeToString()
        self.put(envelope.SerializeToString(), epoch, event.DESCRIPTOR.full_name)


def opened(contact_id="ct_1"):
    return ("contact_opened", {"contact_id": contact_id})


def closed(contact_id="ct_1"):
    return ("contact_closed", {"contact_id": contact_id})


def connected(agent_id, contact_id="ct_1", offer_no=1):
    return (
        "contact_connected",
        {"contact_id": contact_id, "agent_id": agent_id, "segment_no": 1, "offer_no": offer_no},
    )


def released(contact_id="ct_1"):
    return ("contact_released", {"contact_id": contact_id})


def rules(*ledgers, entries=(), **options):
    log = LedgerLog.of([record for ledger in ledgers for record in ledger.records])
    return [violation.rule for violation in [*check(log, entries, **options), *check_times(log)]]


def acked(command_id, contact_id="", events=1):
    return Entry(EntryState.ACKED, command_id, "Open", contact_id, events)


def test_a_sound_log_has_no_violations():
    ledger = Ledger().mark(1).command("c1", opened(), connected("ag_1")).mark(2).command("c2", closed(), epoch=2)
    assert rules(ledger, entries=[acked("c1", "ct_1", 2), acked("c2")], is_final=True) == []


def test_an_acknowledged_command_without_effective_events_is_lost():
    assert rules(Ledger().mark(1), entries=[acked("c1")]) == ["AcknowledgedCommandLost"]


def test_an_answer_that_named_more_events_than_took_effect_is_found():
    ledger = Ledger().mark(1).command("c1", opened())
    assert rules(ledger, entries=[acked("c1", events=2)]) == ["AnswerWithoutEffect"]


def test_a_connection_to_an_offer_that_nobody_accepted_is_found():
    offer = {"contact_id": "ct_1", "agent_id": "ag_1", "segment_no": 1, "offer_no": 1}
    enqueued, accepted = ("contact_enqueued", {"contact_id": "ct_1"}), ("offer_accepted", offer)
    channels = Ledger().mark(1).command("c1", opened(), connected("ag_1", offer_no=1))
    acd = Ledger("acd.events.v1").mark(1).command("a1", enqueued)
    assert rules(channels, acd) == ["ConnectedWithoutOffer"]
    assert rules(channels, acd.command("a2", accepted)) == []
    late = Ledger().mark(1).command("c1", opened(), connected("ag_1", offer_no=2))
    assert rules(late, acd) == ["ConnectedWithoutOffer"]


def rings(agent_id, offer_no, ring_all=True):
    fields = {"contact_id": "ct_1", "agent_id": agent_id, "segment_no": 1, "offer_no": offer_no, "ring_all": ring_all}
    return ("contact_offered", fields)


def of_offer(name, agent_id, offer_no):
    return (name, {"contact_id": "ct_1", "agent_id": agent_id, "segment_no": 1, "offer_no": offer_no})


def test_a_contact_that_rings_at_several_is_found_where_it_must_ring_at_one():
    at_two = Ledger("acd.events.v1").mark(1).command("c1", rings("ag_1", 1, False), rings("ag_2", 2, False))
    assert rules(at_two) == ["OfferedTwice"]
    twice_at_one = Ledger("acd.events.v1").mark(1).command("c1", rings("ag_1", 1), rings("ag_1", 2))
    assert rules(twice_at_one) == ["OfferedTwice"]
    to_all = Ledger("acd.events.v1").mark(1).command("c1", rings("ag_1", 1), rings("ag_2", 2))
    assert rules(to_all) == []


def test_an_accept_that_leaves_other_offers_live_is_found():
    def ledger():
        return Ledger("acd.events.v1").mark(1).command("c1", rings("ag_1", 1), rings("ag_2", 2))

    accepted, ended = of_offer("offer_accepted", "ag_2", 2), of_offer("offer_ended", "ag_1", 1)
    assert rules(ledger().command("c2", accepted)) == ["AcceptedBesideOffers"]
    assert rules(ledger().command("c2", ended, accepted)) == []
    late = ledger().command("c2", ended, accepted).command("c3", rings("ag_3", 3))
    assert rules(late) == ["OfferedTwice"], "whoever accepted has it alone"


def test_an_acknowledged_command_whose_events_are_of_an_old_epoch_is_lost():
    ledger = Ledger().mark(1).mark(2).command("c1", opened(), epoch=1)
    assert rules(ledger, entries=[acked("c1")]) == ["AcknowledgedCommandLost"]


def test_a_command_that_was_only_sent_or_acknowledged_without_events_may_leave_no_trace():
    entries = [acked("c1", events=0), Entry(EntryState.SENT, "c2")]
    assert rules(Ledger().mark(1), entries=entries) == []


def test_a_refused_command_must_not_take_effect_unless_a_repeat_of_it_was_acknowledged():
    ledger = Ledger().mark(1).command("c1", opened())
    refused = Entry(EntryState.REFUSED, "c1")
    assert rules(ledger, entries=[refused]) == ["RefusedCommandEffective"]
    assert rules(ledger, entries=[refused, acked("c1")]) == []


def test_a_command_from_outside_that_takes_effect_twice_is_found():
    ledger = Ledger().mark(1).command("c1", opened()).mark(2).command("c1", closed(), epoch=2)
    assert rules(ledger) == ["CommandEffectiveTwice"]


def test_an_internal_command_may_come_again():
    ledger = Ledger().mark(1).command("c1", opened(), payload_hash=b"")
    assert rules(ledger.mark(2).command("c1", closed(), epoch=2, payload_hash=b"")) == []


def test_a_process_managers_input_that_takes_effect_twice_is_found():
    source = ManagerSource(manager="m", topic="acd.events.v1", partition=0, offset=7, epoch=1)
    ledger = Ledger().mark(1).command("m1", opened(), source=source).command("m2", closed(), source=source)
    assert rules(ledger) == ["CommandEffectiveTwice"]


def test_one_input_may_be_applied_once_on_each_partition():
    source = ManagerSource(manager="m", topic="directory.events.v1", partition=0, offset=7, epoch=1)
    ledgers = [Ledger(partition=number).mark(1).command("m1", opened(), source=source) for number in range(2)]
    assert rules(*ledgers) == []


@pytest.mark.parametrize("count", [1, 3])
def test_a_command_with_fewer_or_more_events_than_it_says_is_split(count):
    ledger = Ledger().mark(1).command("c1", opened(), closed(), count=count)
    assert rules(ledger) == ["CommandSplit"]


def test_a_command_with_a_foreign_record_between_its_events_is_split():
    ledger = Ledger().mark(1).command("c1", opened(), closed())
    ledger.records.insert(2, LogRecord(ledger.topic, 0, 2, b"", 9, "zombie"))
    ledger.records = [
        LogRecord(record.topic, record.partition, offset, record.value, record.epoch, record.type)
        for offset, record in enumerate(ledger.records)
    ]
    assert rules(ledger) == ["CommandSplit"]


@pytest.mark.parametrize(("version", "rule"), [(3, "VersionGap"), (1, "VersionInversion")])
def test_a_version_that_is_not_the_next_one_of_its_stream_is_found(version, rule):
    ledger = Ledger().mark(1).command("c1", opened()).command("c2", connected("ag_1"), version=version)
    assert rules(ledger) == [rule]


def test_versions_of_void_events_leave_no_gap():
    ledger = Ledger().mark(1).command("c1", opened()).mark(2).command("z", closed(), epoch=1, version=2)
    assert rules(ledger.command("c2", closed(), epoch=2)) == []


def test_a_repeated_event_id_is_found():
    ledger = Ledger().mark(1)
    ledger.command("c1", opened("ct_1"), payload_hash=b"").command("c1", opened("ct_2"), payload_hash=b"")
    assert rules(ledger) == ["RepeatedEventId"]


def test_a_contact_with_two_ends_is_found():
    ledger = Ledger().mark(1).command("c1", opened()).command("c2", closed()).command("c3", closed())
    assert rules(ledger) == ["ContactWithoutExactlyOneEnd"]


def test_a_contact_without_an_end_is_found_when_the_run_is_over():
    ledger = Ledger().mark(1).command("c1", opened())
    assert rules(ledger) == []
    assert rules(ledger, is_final=True) == ["ContactWithoutExactlyOneEnd"]


@pytest.mark.parametrize(("topic", "end"), [("contact.events.v1", closed), ("acd.events.v1", released)])
def test_a_contact_that_is_connected_again_before_its_connection_ended_is_found(topic, end):
    def ledger():
        return Ledger(topic).mark(1).command("c1", connected("ag_1"))

    assert "ConnectedTwice" in rules(ledger().command("c2", connected("ag_2", offer_no=2)))
    assert "ConnectedTwice" in rules(ledger().command("c2", connected("ag_1")))
    assert "ConnectedTwice" not in rules(ledger().command("c2", end()).command("c3", connected("ag_2", offer_no=2)))


MOVES = pytest.mark.parametrize("move", ["consultation_completed", "contact_taken_over"])


def moved(move, agent_id, contact_id="ct_1", offer_no=2):
    return (move, {"contact_id": contact_id, "agent_id": agent_id, "segment_no": 1, "offer_no": offer_no})


@MOVES
def test_acd_gives_a_contact_to_another_agent_only_once_its_agent_was_released(move):
    def ledger(*between):
        ledger = Ledger("acd.events.v1").mark(1).command("c1", connected("ag_1"))
        return ledger.command("c2", *between, moved(move, "ag_2"))

    assert "ConnectedTwice" in rules(ledger())
    assert "ConnectedTwice" not in rules(ledger(released()))
    assert "ConnectedTwice" in rules(ledger(released()).command("c3", connected("ag_3", offer_no=3)))


@pytest.mark.parametrize(
    ("move", "booked"),
    [("consultation_completed", "consultation_accepted"), ("contact_taken_over", "contact_taken_over")],
)
def test_channels_gives_a_contact_to_another_agent_in_one_event_whom_acd_must_know(move, booked):
    ledger = Ledger().mark(1).command("c1", opened(), connected("ag_1")).command("c2", moved(move, "ag_2"))
    acd = Ledger("acd.events.v1").mark(1).command("c3", connected("ag_1"), released())
    assert rules(ledger) == []
    assert "AgentsDisagree" in rules(ledger, acd.command("c4", moved(booked, "ag_3")))


def test_ledgers_that_name_two_agents_for_one_offer_are_found():
    ledgers = [Ledger().mark(1).command("c1", opened(), connected("ag_1"))]
    ledgers.append(Ledger("acd.events.v1").mark(1).command("c2", connected("ag_2")))
    assert rules(*ledgers) == ["AgentsDisagree"]


def timer(due_ms, key="offer/tn_1/ct_1"):
    return f"timer/{key}/{datetime.fromtimestamp(due_ms / 1000, UTC).isoformat()}"


def expired(contact_id="ct_1"):
    return ("offer_ended", {"contact_id": contact_id, "agent_id": "ag_1"})


def offered(contact_id="ct_1"):
    return ("contact_offered", {"contact_id": contact_id, "agent_id": "ag_1"})


def test_a_timer_that_fires_before_it_is_due_is_found():
    def ledger(at_ms):
        begun = Ledger("acd.events.v1").mark(1).command("c1", offered())
        return begun.at(at_ms).command(timer(20_000), expired(), payload_hash=b"")

    assert rules(ledger(20_000)) == []
    assert rules(ledger(19_998)) == ["TimerEarly"]


def test_a_lease_that_is_not_extended_by_a_new_epoch_is_found():
    def ledger(expired_ms):
        begun = Ledger("acd.events.v1").mark(1).command("c1", offered()).at(18_000).mark(2)
        return begun.at(expired_ms).command(timer(20_000), expired(), epoch=2, payload_hash=b"")

    assert rules(ledger(28_000)) == []
    assert rules(ledger(20_000)) == ["LeaseNotExtended"]


def test_lateness_of_a_timer_leaves_out_the_time_without_an_owner():
    ledger = Ledger("acd.events.v1").at(1_000).mark(1).command("c1", offered())
    ledger.at(4_000).mark(2).at(5_000).command(timer(2_000), expired(), epoch=2, payload_hash=b"")
    assert lateness_ms(LedgerLog.of(ledger.records)) == [1_000]


def test_a_fail_over_lasts_from_the_kill_of_the_owner_to_the_next_marker():
    ledgers = [Ledger("acd.events.v1", number).at(1_000) for number in range(2)]
    ledgers[0].mark(1, instance_id="acd-1").at(5_500).mark(2, instance_id="acd-2")
    ledgers[1].mark(1, instance_id="acd-2").at(9_000).mark(2, instance_id="acd-3")
    log = LedgerLog.of([record for ledger in ledgers for record in ledger.records])
    assert failovers_ms(log, [Death("acd.events.v1", "acd-1", 3_000)]) == [2_500]


def session(name, **fields):
    return (name, {"agent_id": "ag_1", **fields})


def row(**fields):
    return ("rows_changed", {"agents": [AgentRow(agent_id="ag_1", **fields)]})


def test_an_agents_seconds_by_state_are_its_signed_in_seconds():
    ledger = Ledger("acd.events.v1").mark(1)
    ledger.at(1_000).command("c1", session("agent_session_opened"), row(connectivity=1, intent=1))
    ledger.at(3_000).command("c2", row(connectivity=1, intent=1, connected=1))
    ledger.at(7_000).command("c3", session("agent_disconnected"), row(connectivity=3))
    (time,) = agent_times(LedgerLog.of(ledger.records)).values()
    assert (time.signed_in_ms, dict(time.state_ms)) == (6_000, {"idle": 2_000, "connected": 4_000})
    assert rules(ledger) == []


def test_a_row_that_says_signed_in_after_the_agent_is_gone_is_found():
    ledger = Ledger("acd.events.v1").mark(1)
    ledger.at(1_000).command("c1", session("agent_session_opened"), row(connectivity=1, intent=1))
    ledger.at(7_000).command("c2", session("agent_disconnected")).at(9_000).command("c3", released())
    assert rules(ledger) == ["AgentSecondsDiffer"]


def enqueued(contact_id="ct_1"):
    return ("contact_enqueued", {"contact_id": contact_id})


def forgotten(contact_id="ct_1"):
    return ("contact_forgotten", {"contact_id": contact_id})


def test_a_contact_that_acd_holds_for_more_than_60_s_after_its_end_is_an_orphan():
    def found(ledger, until_ms=200_000):
        contact = Ledger().mark(1).command("c1", opened()).at(10_000).command("c2", closed())
        log = LedgerLog.of([*contact.records, *ledger.records])
        return [violation.rule for violation in orphans(log, until_ms=until_ms)]

    def acd():
        return Ledger("acd.events.v1").mark(1).command("a1", enqueued())

    assert found(acd().at(60_000).command("a2", forgotten())) == []
    assert found(acd().at(80_000).command("a2", forgotten())) == ["Orphan"]
    assert found(acd()) == ["Orphan"]
    assert found(acd(), until_ms=60_000) == []
    without_owner = acd().at(10_000).put(b"", 1, "trunkline.ledger.v1.ManagerInputSkipped").at(40_000).mark(2)
    assert found(without_owner.at(80_000).command("a2", forgotten(), epoch=2)) == []


def test_a_contact_that_outlives_its_gateway_for_more_than_60_s_is_an_orphan():
    def found(closed_ms):
        ledger = Ledger().mark(1).command("c1", opened()).at(closed_ms).command("c2", closed())
        return list(outlived_peers(LedgerLog.of(ledger.records), {"ct_1": 5_000, "ct_2": 5_000}, until_ms=99_000))

    assert found(60_000) == []
    assert [violation.subject for violation in found(66_000)] == ["ct_1"]


def test_an_agent_whose_desk_outlives_its_console_for_more_than_60_s_is_an_orphan():
    def desk(peer_id):
        return ("agent_session_opened", {"agent_id": "ag_1", "peer_id": peer_id})

    def found(now_ms, *events):
        ledger = Ledger("acd.events.v1").mark(1).at(1_000).command("c1", desk("console-1-a"))
        for event in events:
            ledger.at(now_ms).command(f"c{now_ms}", event)
        log = LedgerLog.of(ledger.records)
        return [each.subject for each in outlived_consoles(log, {"console-1-": 5_000}, until_ms=99_000)]

    signed_out = ("agent_disconnected", {"agent_id": "ag_1"})
    assert found(0) == ["ag_1"]
    assert found(65_000, signed_out) == found(64_000, desk("console-12-b")) == []
    assert found(66_000, signed_out) == found(66_000, desk("console-2-b")) == ["ag_1"]


def test_an_agent_who_still_has_work_when_the_run_is_over_is_found():
    ledger = Ledger("acd.events.v1").mark(1).command("c1", row(connected=1))
    (violation,) = left_over_work(LedgerLog.of(ledger.records))
    assert (violation.rule, violation.detail) == ("Orphan", "has 1 connected at the end")
    assert list(left_over_work(LedgerLog.of(ledger.command("c2", row()).records))) == []


@pytest.mark.parametrize("again", [acked("c1", events=2), Entry(EntryState.REFUSED, "c1")])
def test_a_repetition_that_is_answered_otherwise_than_the_first_time_is_found(again):
    ledger = Ledger().mark(1).command("c1", opened())
    assert rules(ledger, entries=[acked("c1"), acked("c1")]) == []
    assert rules(ledger, entries=[acked("c1"), again]) == ["RepetitionAnsweredOtherwise"]
    assert rules(ledger, entries=[Entry(EntryState.REFUSED, "c1"), acked("c1")]) == []


def test_an_effective_record_that_cannot_be_decoded_is_found():
    ledger = Ledger().mark(1).put(b"\xff\xff", 1, "trunkline.contact.v1.ContactOpened")
    assert rules(ledger.put(b"", 1, "trunkline.contact.v1.Unknown")) == ["Undecodable"] * 2


def test_the_runtimes_own_records_are_no_events():
    skipped = ManagerInputSkipped(rule="Nothing").SerializeToString()
    ledger = Ledger().mark(1).put(skipped, 1, "trunkline.ledger.v1.ManagerInputSkipped")
    log = LedgerLog.of(ledger.records)
    assert (log.events, log.undecodable, len(log.effective_places)) == ([], [], 1)


def skip(ledger, offset, following=0, epoch=1):
    value = RecordSkipped(offset=offset, following_count=following).SerializeToString()
    return ledger.put(value, epoch, "trunkline.ledger.v1.RecordSkipped")


def test_a_record_that_an_operator_let_go_is_as_if_it_had_never_been():
    """Ledger rule 21: neither its bytes nor its version count."""
    ledger = Ledger().mark(1).command("c1", opened()).put(b"\xff\xff", 1, "trunkline.contact.v1.ContactOpened")
    assert rules(skip(ledger, 2).command("c2", closed())) == []
    assert ("contact.events.v1", 0, 2) not in LedgerLog.of(ledger.records).effective_places
    ledger = Ledger().mark(1).command("c1", opened()).command("c2", closed())
    assert rules(skip(ledger, 2).command("c3", closed(), version=2)) == []


def test_a_command_of_which_an_event_was_let_go_is_not_split():
    ledger = Ledger().mark(1).command("c1", opened(), closed())
    assert rules(skip(ledger, 2)) == []
    assert rules(skip(Ledger().mark(1).command("c1", opened(), closed(), count=3), 2)) == ["CommandSplit"]


@pytest.mark.parametrize(
    ("offset", "following", "epoch"),
    [(1, 0, 1), (0, 2, 1), (2, 1, 1), (2, 0, 0)],
    ids=["older", "marker", "n", "epoch"],
)
def test_a_skip_that_names_anything_else_lets_nothing_go(offset, following, epoch):
    ledger = Ledger().mark(1).command("c1", opened()).command("c2", closed())
    assert LedgerLog.of(skip(ledger, offset, following, epoch).records).let_go == set()


def test_a_skip_may_count_what_stands_behind_the_record():
    ledger = Ledger().mark(1).put(b"\xff", 1, "x").command("c1", opened()).mark(2)
    assert rules(skip(ledger, 1, following=2, epoch=2)) == []


@pytest.mark.parametrize(
    ("write", "void"),
    [
        (lambda ledger: ledger.mark(1), 1),
        (lambda ledger: ledger.mark(2).mark(2), 1),
        (lambda ledger: ledger.mark(2).mark(1), 1),
        (lambda ledger: ledger.mark(2, header=3), 1),
        (lambda ledger: ledger.put(b"\xff", 2, "trunkline.ledger.v1.Marker"), 1),
        (lambda ledger: ledger.put(b"", None, "x"), 1),
        (lambda ledger: ledger.put(b"", 1, None), 1),
        (lambda ledger: ledger.put(b"", 2, "x"), 1),
        (lambda ledger: ledger.mark(2).put(b"", 1, "x"), 1),
    ],
)
def test_records_out_of_epoch_are_void(write, void):
    assert LedgerLog.of(write(Ledger().mark(1)).records).void_records == void


def test_a_record_before_any_marker_is_void_also_with_epoch_zero():
    assert LedgerLog.of(Ledger().put(b"", 0, "x").put(b"", 1, "x").records).void_records == 2


def test_a_row_that_stems_from_a_void_record_is_found():
    ledger = Ledger().mark(1).command("c1", opened()).mark(2).command("z", closed(), epoch=1)
    log = LedgerLog.of(ledger.records)
    rows = [SourcedRow("live", "ct_1", ledger.topic, 0, offset) for offset in (1, 3)]
    (violation,) = stale_rows(log, rows)
    assert (violation.rule, violation.detail) == ("RowOfVoidRecord", "contact.events.v1/0/3")


def test_a_live_table_is_compared_with_the_fold():
    differences = compare({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4})
    assert [(violation.subject, violation.detail) for violation in differences] == [
        ("b", "live 2, log 3"),
        ("c", "live None, log 4"),
    ]


def test_a_journal_is_read_back_without_the_line_that_a_kill_cut(tmp_path):
    path = tmp_path / "client.jsonl"
    with ClientJournal(path) as journal:
        journal.sent("c1", "OpenContact", "ct_1", at=5)
        journal.acked("c1", "OpenContact", "ct_1", events=2)
        journal.refused("c2", "AcceptOffer")
    with path.open("a") as file:
        file.write('{"state": "acked", "comm')
    sent, acknowledged, refused = read_journal(path)
    assert (sent.state, sent.command_id, sent.contact_id, sent.more) == (EntryState.SENT, "c1", "ct_1", {"at": 5})
    assert (acknowledged.state, acknowledged.events) == (EntryState.ACKED, 2)
    assert refused.state is EntryState.REFUSED


def test_a_broken_line_inside_a_journal_is_an_error(tmp_path):
    (tmp_path / "client.jsonl").write_text('{"state": "ac\n{"state": "sent", "command_id": "c"}\n')
    with pytest.raises(ValueError, match="line 1"):
        read_journal(tmp_path / "client.jsonl")


@pytest.fixture
async def written(bootstrap_servers, unique_topic):
    """Put a ledger of two partitions on Kafka, in which one acknowledged command was lost to a zombie's epoch."""
    topic = unique_topic("contact")
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 2, 1)])
    await admin.close()
    ledgers = [Ledger(partition=number) for number in range(2)]
    ledgers[0].mark(1).command("c1", opened("ct_1"), closed("ct_1"))
    ledgers[1].mark(1).mark(2).command("lost", opened("ct_2"), epoch=1).put(b"", None, None)
    async with AIOKafkaProducer(bootstrap_servers=bootstrap_servers) as producer:
        for record in [record for ledger in ledgers for record in ledger.records]:
            headers = [] if record.epoch is None else [("tl-epoch", b"%d" % record.epoch)]
            headers += [] if record.type is None else [("tl-type", record.type.encode())]
            await producer.send_and_wait(topic, record.value, b"k", record.partition, headers=headers)
    return topic


async def test_records_are_read_from_kafka_with_their_headers(bootstrap_servers, written):
    records = await read_records(bootstrap_servers, [written])
    assert [(record.partition, record.offset, record.epoch) for record in records] == [
        (0, 0, 1),
        (0, 1, 1),
        (0, 2, 1),
        (1, 0, 1),
        (1, 1, 2),
        (1, 2, 1),
        (1, 3, None),
    ]


async def test_a_topic_that_does_not_exist_is_an_error(bootstrap_servers):
    with pytest.raises(ValueError, match="topic none does not exist"):
        await read_records(bootstrap_servers, ["none"])


async def test_the_program_prints_violations_and_counts_and_fails(bootstrap_servers, written, tmp_path):
    with ClientJournal(tmp_path / "client.jsonl") as journal:
        journal.acked("c1", "OpenContact", "ct_1", events=2)
        journal.acked("lost", "OpenContact", "ct_2", events=1)
    command = [sys.executable, "-m", "trunkline_testkit.checker", "--bootstrap", bootstrap_servers]
    command += ["--topic", f"{written}=contact", "--final"]
    judged = subprocess.run([*command, "--journal", tmp_path / "client.jsonl"], capture_output=True, text=True)
    *violations, counts = [json.loads(line) for line in judged.stdout.splitlines()]
    assert judged.returncode == 1, judged.stderr
    assert [(found["rule"], found["subject"]) for found in violations] == [
        ("AcknowledgedCommandLost", "lost"),
        ("ContactWithoutExactlyOneEnd", "ct_2"),
    ]
    assert counts == {
        "records": 7,
        "events": 2,
        "markers": 3,
        "void_records": 2,
        "let_go": 0,
        "journal_entries": 2,
        "violations": 2,
    }
    assert subprocess.run(command, capture_output=True).returncode == 0


def kind(name, **fields):
    return (name, {"contact_id": "ct_1", **fields})


def strays(*, contact=(), acd=(), ivr=()):
    written = {"contact.events.v1": contact, "acd.events.v1": acd, "ivr.events.v1": ivr}
    ledgers = [Ledger(topic).mark(1).command("c1", *events) for topic, events in written.items() if events]
    log = LedgerLog.of([record for ledger in ledgers for record in ledger.records])
    return [violation.rule for violation in contradictions(log)]


def test_a_contact_that_all_ledgers_agree_on_is_no_orphan():
    queued, ended = [opened(), kind("contact_queued")], [opened(), kind("contact_queued"), closed()]
    enqueued, wanted = [kind("contact_enqueued")], [kind("session_started"), kind("person_requested")]
    assert strays(contact=queued, acd=enqueued, ivr=wanted) == []
    assert strays(contact=ended, acd=[*enqueued, kind("contact_forgotten")], ivr=wanted) == []
    assert strays(contact=[opened()], ivr=[kind("session_started")]) == []


def test_what_acd_or_ivr_have_of_a_contact_that_is_over_or_unknown_is_an_orphan():
    assert strays(acd=[kind("contact_enqueued")]) == ["OrphanAtAcd"]
    assert strays(contact=[opened(), closed()], acd=[kind("contact_enqueued")]) == ["OrphanAtAcd"]
    assert strays(contact=[opened(), closed()], ivr=[kind("session_started")]) == ["OrphanAtIvr"]


def test_a_queued_contact_that_acd_forgot_is_found():
    forgotten = [kind("contact_enqueued"), kind("contact_forgotten")]
    assert strays(contact=[opened(), kind("contact_queued")], acd=forgotten) == ["UnknownAtAcd"]


def test_a_contact_whose_agent_is_gone_must_end():
    lost = [kind("contact_enqueued"), kind("contact_released", desk_lost=True)]
    assert strays(contact=[opened(), kind("contact_queued")], acd=lost) == ["LostByAcd"]


RECORDS = st.lists(
    st.tuples(
        st.sampled_from(["marker", "event", "marker with another header", "marker of bytes", "no epoch", "no type"]),
        st.integers(0, 4),
    ),
    max_size=12,
)


@given(RECORDS)
def test_checker_and_ledger_agree_on_every_sequence_of_records(steps):
    ledger, epochs = Ledger(), EpochFilter()
    for kind, epoch in steps:
        match kind:
            case "marker":
                ledger.mark(epoch)
            case "marker with another header":
                ledger.mark(epoch, header=epoch + 1)
            case "marker of bytes":
                ledger.put(b"\xff", epoch, "trunkline.ledger.v1.Marker")
            case "event":
                ledger.put(b"", epoch, "x")
            case "no epoch":
                ledger.put(b"", None, "x")
            case "no type":
                ledger.put(b"", epoch, None)
    effective = {
        (record.topic, record.partition, record.offset)
        for record in ledger.records
        if epochs.admit(as_ledger_record(record)) is Verdict.EFFECTIVE
    }
    assert LedgerLog.of(ledger.records).effective_places == effective


def as_ledger_record(record):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Record(record.partition, record.offset, b"k", record.value, now, record.epoch, record.type)
