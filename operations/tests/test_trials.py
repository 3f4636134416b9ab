"""`trunkline policy trial report`: the blocks of a trial compared pair by pair, from the ledgers alone."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from policy_cases import queue
from trunkline.ledger.v1.ledger_types_pb2 import Marker
from trunkline_acd.domain import events as acd
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.words import SegmentOutcome
from trunkline_analytics.domain.segments import Outcome, QueueSegment
from trunkline_console.domain import events as directory
from trunkline_console.domain.trials import plays_candidate
from trunkline_core.errors import Misconfigured
from trunkline_ledger.core.metadata import Metadata
from trunkline_ledger.core.records import MARKER_TYPE, Record
from trunkline_operator.ledgers import LEDGERS
from trunkline_operator.trials import ACD, DIRECTORY, Block, Trial, compare, report

T0 = datetime(2026, 1, 5, 9, tzinfo=UTC)
TENANT, SECOND, HOUR = "tn_1", timedelta(seconds=1), timedelta(hours=1)


class Stored:
    """One record of a played ledger."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def read(self, partition: int) -> Record:
        return self._record


class Source:
    """The ledgers of the directory and of acd, under one epoch."""

    def __init__(self) -> None:
        marker = Marker(epoch=1, boot_id="b", instance_id="i", address="127.0.0.1:1", min_reader=1).SerializeToString()
        self._records = {topic: [Record(0, 0, b"*", marker, T0, 1, MARKER_TYPE)] for topic in (DIRECTORY, ACD)}

    def add(self, topic: str, event: Any, time: datetime, tenant: str = TENANT) -> None:
        records, codec = self._records[topic], LEDGERS[topic].codec
        metadata = Metadata(f"e{len(records)}", "s", len(records), time, tenant, "system", "", "", 1, False, b"")
        value = codec.encode_event(event, metadata)
        records.append(Record(0, len(records), b"k", value, time, 1, codec.event_type(event)))

    async def ends(self, topic: str) -> dict[int, int]:
        return {0: len(self._records[topic])}

    async def records(self, topic: str, partition: int) -> AsyncIterator[list[Stored]]:
        yield [Stored(record) for record in self._records[topic]]


def started(pairs: int, tenant: str = TENANT) -> directory.PolicyTrialStarted:
    return directory.PolicyTrialStarted(1, 2, (queue("qu_a"), queue("qu_b")), HOUR, pairs, T0, "calmer")


def trial_of(source: Source, pairs: int, *, ended_after: timedelta | None = None, tenant: str = TENANT) -> None:
    """Write the trial; it was ended after so long, else played to its end."""
    source.add(DIRECTORY, started(pairs), T0 - SECOND, tenant)
    over = T0 + (ended_after or 2 * pairs * HOUR)
    for number in range(1, 2 * pairs + 1):
        begin = T0 + (number - 1) * HOUR
        if begin < over:
            begun = directory.PolicyTrialBlockBegun(1, number, candidate_at(begin), 3, begin + HOUR)
            source.add(DIRECTORY, begun, begin, tenant)
    source.add(DIRECTORY, directory.PolicyTrialEnded(1, ended_after is None), over, tenant)


def candidate_at(time: datetime) -> bool:
    return plays_candidate(TENANT, 1, (time - T0) // HOUR + 1)


def call(source: Source, number: int, time: datetime, wait_s: float, tenant: str = TENANT, to: str = "qu_a") -> None:
    """A call is answered after so many seconds; one that would wait for two minutes hangs up then."""
    contact_id, waited = f"ct_{tenant}_{number}", min(wait_s, 120.0) * SECOND
    source.add(ACD, acd.ContactEnqueued(contact_id, 1, to, 1, Channel.VOICE, 0, 0, ()), time, tenant)
    answered = acd.ContactConnected(contact_id, 2, to, 1, 1, "ag_1", waited)
    hung_up = acd.SegmentEnded(contact_id, to, 1, SegmentOutcome.ABANDONED, waited)
    source.add(ACD, answered if wait_s < 120 else hung_up, time + waited, tenant)


def calls(source: Source, hours: int, gain_s: float, tenant: str = TENANT) -> None:
    """Write a call a minute: all day long waits grow by 2 s an hour, and chance spreads them by 5 s."""
    random = Random(7)
    for number in range(60 * hours):
        time = T0 + number * 60 * SECOND
        wait_s = 30 + number / 30 + random.gauss(0, 5) - gain_s * candidate_at(time)
        call(source, number, time, wait_s, tenant)


async def told(capsys: Any, source: Source, tenant: str = "", washout: timedelta | None = None) -> Any:
    await report(source, 1, tenant, washout, only_json=True)
    return json.loads(capsys.readouterr().out)


async def test_an_effect_is_found_although_the_day_itself_changes_more(capsys: Any) -> None:
    source = Source()
    trial_of(source, 6)
    calls(source, 12, gain_s=6)
    found = await told(capsys, source)
    assert (found["pairs_played"], found["is_over"], found["left_out_s"]) == (6, True, 360)
    wait = found["groups"]["qu_a"]["mean_wait_s"]
    assert (wait["pairs"], wait["verdict"]) == (6, "differs")
    assert abs(wait["change"]["mean"] + 6) < wait["change"]["half_width_95"] < 6
    assert "mean_wait_s" not in found["groups"]["qu_b"]  # nobody came


async def test_what_changes_nothing_is_not_said_to_differ(capsys: Any) -> None:
    source = Source()
    trial_of(source, 6)
    calls(source, 12, gain_s=0)
    groups = (await told(capsys, source))["groups"]
    assert {each["verdict"] for each in groups["all queues"].values()} == {"may be chance"}


async def test_of_a_trial_that_was_ended_only_whole_pairs_count(capsys: Any) -> None:
    source = Source()
    trial_of(source, 6, ended_after=3.5 * HOUR)
    calls(source, 5, gain_s=6)
    found = await told(capsys, source)
    assert (found["pairs_played"], found["pairs"]) == (1, 6)
    wait = found["groups"]["all queues"]["mean_wait_s"]
    assert (wait["verdict"], wait["change"]["half_width_95"]) == ("one pair has no spread", None)
    assert found["groups"]["all queues"]["offered"]["a"] == 54  # of 60 calls, without the first six minutes


async def test_the_table_says_what_is_compared(capsys: Any) -> None:
    source = Source()
    trial_of(source, 2)
    calls(source, 4, gain_s=6)
    await report(source, 1, "", 10 * 60 * SECOND, only_json=False)
    said = capsys.readouterr().out
    assert said.startswith("Trial 1, over: 2 of 2 pairs. calmer\n")
    assert "blocks of 60 min; whoever came in the first 10 min of a block is left out" in said
    assert all(word in said for word in ("all queues", "qu_b", "A, as before", "mean wait of the answered, s"))


async def test_tenants_are_not_mixed(capsys: Any) -> None:
    source = Source()
    trial_of(source, 2)
    calls(source, 4, gain_s=0)
    calls(source, 4, gain_s=0, tenant="tn_2")
    assert (await told(capsys, source))["groups"]["all queues"]["offered"]["a"] == 54
    trial_of(source, 2, tenant="tn_2")
    with pytest.raises(Misconfigured, match="say --tenant tn_1 or tn_2"):
        await report(source, 1, "", None, only_json=True)
    assert (await told(capsys, source, "tn_2"))["pairs_played"] == 2


async def test_what_cannot_be_told_is_one_sentence() -> None:
    source = Source()
    with pytest.raises(Misconfigured, match="has no trial 1"):
        await report(source, 1, "", None, only_json=True)
    trial_of(source, 2, ended_after=1.5 * HOUR)
    with pytest.raises(Misconfigured, match="no pair of blocks that was played whole"):
        await report(source, 1, "", None, only_json=True)
    with pytest.raises(Misconfigured, match="Nothing is left of a block"):
        await report(source, 1, "", HOUR, only_json=True)


def test_a_figure_is_compared_only_where_both_blocks_have_it() -> None:
    before, candidate = Block(1, False, T0, T0 + HOUR), Block(2, True, T0 + HOUR, T0 + 2 * HOUR)
    left = QueueSegment("ct_1", 1, "qu_a", T0 + SECOND, Outcome.ABANDONED, T0 + 60 * SECOND)
    answered = QueueSegment("ct_2", 1, "qu_a", T0 + HOUR, Outcome.ANSWERED, T0 + HOUR + SECOND)
    found = {each.figure.key for each in compare([(before, candidate)], [left, answered], 0 * SECOND, "")}
    assert found == {"offered", "answer_rate", "service_level", "abandon_rate"}


def test_the_pairs_have_the_policy_from_before_first_whichever_was_played_first() -> None:
    trial = Trial(TENANT, started(2))
    for number, is_candidate in enumerate((True, False, False, True), start=1):
        begun = directory.PolicyTrialBlockBegun(1, number, is_candidate, 3, T0)
        trial.begin_block(begun, T0 + number * HOUR)
    trial.end(directory.PolicyTrialEnded(1, True), T0 + 5 * HOUR)
    assert [(first.block_no, second.block_no) for first, second in trial.pairs()] == [(2, 1), (3, 4)]


async def test_a_pair_in_which_somebody_still_waits_is_not_compared_yet(capsys: Any) -> None:
    source = Source()
    trial_of(source, 2)
    calls(source, 4, gain_s=0)
    waiting = acd.ContactEnqueued("ct_waits", 1, "qu_a", 1, Channel.VOICE, 0, 0, ())
    source.add(ACD, waiting, T0 + 3.9 * HOUR)
    assert (await told(capsys, source))["pairs_played"] == 1


@pytest.mark.parametrize(("unread", "left"), [(1, [(3, 4)]), (2, [(3, 4)]), (3, []), (4, [(1, 2)])])
def test_a_block_that_cannot_be_read_is_in_no_pair_and_lengthens_no_other(
    unread: int, left: list[tuple[int, int]]
) -> None:
    trial = Trial(TENANT, started(2))
    for number, is_candidate in ((1, False), (2, True), (3, False), (4, True)):
        begun = directory.PolicyTrialBlockBegun(1, number, is_candidate, 3, T0)
        if number != unread:
            trial.begin_block(begun, T0 + number * HOUR)
    trial.end(directory.PolicyTrialEnded(1, True), T0 + 5 * HOUR)
    assert [(first.block_no, second.block_no) for first, second in trial.pairs()] == left
