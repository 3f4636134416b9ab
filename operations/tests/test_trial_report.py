"""`trunkline policy trial report`: the blocks of a trial compared pair by pair, from the ledgers alone."""

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from policy_cases import queue
from stored_ledgers import StoredLedgers
from trunkline_acd.bootstrap import TOPIC as ACD
from trunkline_acd.domain import events as acd
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.words import CallbackOutcome, SegmentOutcome
from trunkline_analytics.domain.segments import Outcome, QueueSegment
from trunkline_console.domain import events as directory
from trunkline_console.domain.trials import plays_candidate
from trunkline_core.errors import Misconfigured
from trunkline_operator.trial_history import DIRECTORY, Contacts, PlayedBlock, Trial
from trunkline_operator.trial_report import compare, report

T0 = datetime(2026, 1, 5, 9, tzinfo=UTC)
TENANT, SECOND, HOUR = "tn_1", timedelta(seconds=1), timedelta(hours=1)


def no_trial() -> StoredLedgers:
    ledgers = StoredLedgers()
    for topic in (DIRECTORY, ACD):
        ledgers.begin_epoch(topic, 1, T0)
    return ledgers


def started(pairs: int, tenant: str = TENANT) -> directory.PolicyTrialStarted:
    return directory.PolicyTrialStarted(1, 2, (queue("qu_a"), queue("qu_b")), HOUR, pairs, T0, "calmer")


def trial_of(source: StoredLedgers, pairs: int, *, ended_after: timedelta | None = None, tenant: str = TENANT) -> None:
    """Write the trial; it was ended after so long, else played to its end."""
    source.write(DIRECTORY, started(pairs), T0 - SECOND, tenant)
    over = T0 + (ended_after or 2 * pairs * HOUR)
    for number in range(1, 2 * pairs + 1):
        begin = T0 + (number - 1) * HOUR
        if begin < over:
            begun = directory.PolicyTrialBlockBegun(1, number, candidate_at(begin), 3, begin + HOUR)
            source.write(DIRECTORY, begun, begin, tenant)
    source.write(DIRECTORY, directory.PolicyTrialEnded(1, ended_after is None), over, tenant)


def candidate_at(time: datetime) -> bool:
    return plays_candidate(TENANT, 1, (time - T0) // HOUR + 1)


def call(
    source: StoredLedgers, number: int, time: datetime, wait_s: float, tenant: str = TENANT, to: str = "qu_a"
) -> None:
    """A call is answered after so many seconds; one that would wait for two minutes hangs up then."""
    contact_id, waited = f"ct_{tenant}_{number}", min(wait_s, 120.0) * SECOND
    source.write(ACD, acd.ContactEnqueued(contact_id, 1, to, 1, Channel.VOICE, 0, 0, ()), time, tenant)
    answered = acd.ContactConnected(contact_id, 2, to, 1, 1, "ag_1", waited)
    hung_up = acd.SegmentEnded(contact_id, to, 1, SegmentOutcome.ABANDONED, waited)
    source.write(ACD, answered if wait_s < 120 else hung_up, time + waited, tenant)


def calls(source: StoredLedgers, hours: int, gain_s: float, tenant: str = TENANT) -> None:
    """Write a call a minute: all day long waits grow by 2 s an hour, and chance spreads them by 5 s."""
    random = Random(7)
    for number in range(60 * hours):
        time = T0 + number * 60 * SECOND
        wait_s = 30 + number / 30 + random.gauss(0, 5) - gain_s * candidate_at(time)
        call(source, number, time, wait_s, tenant)


async def told(capsys: Any, source: StoredLedgers, tenant: str = "", washout: timedelta | None = None) -> Any:
    await report(source, 1, tenant, washout, only_json=True)
    return json.loads(capsys.readouterr().out)


async def test_an_effect_is_found_although_the_day_itself_changes_more(capsys: Any) -> None:
    source = no_trial()
    trial_of(source, 6)
    calls(source, 12, gain_s=6)
    found = await told(capsys, source)
    assert (found["pairs_compared"], found["is_over"], found["washout_s"]) == (6, True, 360)
    wait = found["groups"]["qu_a"]["mean_wait_s"]
    assert (wait["pairs"], wait["verdict"]) == (6, "differs")
    assert abs(wait["difference"]["mean"] + 6) < wait["difference"]["half_width_95"] < 6
    assert "mean_wait_s" not in found["groups"]["qu_b"]  # nobody came


async def test_what_changes_nothing_is_not_said_to_differ(capsys: Any) -> None:
    source = no_trial()
    trial_of(source, 6)
    calls(source, 12, gain_s=0)
    groups = (await told(capsys, source))["groups"]
    assert {each["verdict"] for each in groups["all queues"].values()} == {"may be chance"}


async def test_of_a_trial_that_was_ended_only_whole_pairs_count(capsys: Any) -> None:
    source = no_trial()
    trial_of(source, 6, ended_after=3.5 * HOUR)
    calls(source, 5, gain_s=6)
    found = await told(capsys, source)
    assert (found["pairs_compared"], found["pairs"]) == (1, 6)
    wait = found["groups"]["all queues"]["mean_wait_s"]
    assert (wait["verdict"], wait["difference"]["half_width_95"]) == ("one pair has no spread", None)
    assert (
        found["groups"]["all queues"]["offered"]["baseline"] == 48
    )  # of 60 calls, without the first and last six minutes


async def test_the_table_says_what_is_compared(capsys: Any) -> None:
    source = no_trial()
    trial_of(source, 2)
    calls(source, 4, gain_s=6)
    await report(source, 1, "", 10 * 60 * SECOND, only_json=False)
    said = capsys.readouterr().out
    assert said.startswith("Trial 1, over: 2 of 2 pairs compared. calmer\n")
    assert "blocks of 60 min." in said
    assert "in the first or last 10 min of a block is left out" in said
    assert all(word in said for word in ("all queues", "qu_b", "A, the baseline", "mean wait of the answered, s"))
    [heading, row] = [line.split() for line in said.splitlines() if line.startswith(("all queues", "contacts that"))][
        :2
    ]
    assert (heading[-1], row[-4]) == ("pairs", "2")


async def test_tenants_are_not_mixed(capsys: Any) -> None:
    source = no_trial()
    trial_of(source, 2)
    calls(source, 4, gain_s=0)
    calls(source, 4, gain_s=0, tenant="tn_2")
    assert (await told(capsys, source))["groups"]["all queues"]["offered"]["baseline"] == 48
    trial_of(source, 2, tenant="tn_2")
    with pytest.raises(Misconfigured, match="say --tenant tn_1 or tn_2"):
        await report(source, 1, "", None, only_json=True)
    assert (await told(capsys, source, "tn_2"))["pairs_compared"] == 2


async def test_what_cannot_be_told_is_one_sentence() -> None:
    source = no_trial()
    with pytest.raises(Misconfigured, match="has no trial 1"):
        await report(source, 1, "", None, only_json=True)
    trial_of(source, 2, ended_after=1.5 * HOUR)
    with pytest.raises(Misconfigured, match="no pair of blocks that was played whole"):
        await report(source, 1, "", None, only_json=True)
    with pytest.raises(Misconfigured, match="Nothing is left of a block"):
        await report(source, 1, "", HOUR / 2, only_json=True)


def test_a_figure_is_compared_only_where_both_blocks_have_it() -> None:
    baseline = PlayedBlock(1, False, T0, T0 + HOUR)
    candidate = PlayedBlock(2, True, T0 + HOUR, T0 + 2 * HOUR)
    left = QueueSegment("ct_1", 1, "qu_a", T0 + SECOND, Outcome.ABANDONED, T0 + 60 * SECOND)
    answered = QueueSegment("ct_2", 1, "qu_a", T0 + HOUR, Outcome.ANSWERED, T0 + HOUR + SECOND)
    found = {each.figure.key for each in compare([(baseline, candidate)], Contacts((left, answered)), 0 * SECOND, "")}
    assert found == {"offered", "answer_rate", "service_level", "abandon_rate"}


def test_the_pairs_have_the_baseline_first_whichever_was_played_first() -> None:
    trial = Trial(TENANT, started(2))
    for number, is_candidate in enumerate((True, False, False, True), start=1):
        begun = directory.PolicyTrialBlockBegun(1, number, is_candidate, 3, T0)
        trial.begin_block(begun, T0 + number * HOUR)
    trial.end(directory.PolicyTrialEnded(1, True), T0 + 5 * HOUR)
    assert [(first.block_no, second.block_no) for first, second in trial.pairs()] == [(2, 1), (3, 4)]


async def test_a_pair_in_which_somebody_still_waits_is_not_compared_yet(capsys: Any) -> None:
    source = no_trial()
    trial_of(source, 2)
    calls(source, 4, gain_s=0)
    waiting = acd.ContactEnqueued("ct_waits", 1, "qu_a", 1, Channel.VOICE, 0, 0, ())
    source.write(ACD, waiting, T0 + 3.5 * HOUR, TENANT)
    assert (await told(capsys, source))["pairs_compared"] == 1


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


# -- a contact counts once, whichever way it takes ------------------------------------------------------------------


def enter(source: StoredLedgers, contact_id: str, time: datetime, to: str = "qu_a", segment_no: int = 1) -> None:
    entered = acd.ContactEnqueued(contact_id, segment_no, to, segment_no, Channel.VOICE, 0, 0, ())
    source.write(ACD, entered, time, TENANT)


def answer(source: StoredLedgers, contact_id: str, time: datetime, segment_no: int = 1) -> None:
    connected = acd.ContactConnected(contact_id, 9, "qu_a", segment_no, 1, "ag_1", SECOND)
    source.write(ACD, connected, time, TENANT)


def leave(source: StoredLedgers, contact_id: str, time: datetime, outcome: SegmentOutcome, segment_no: int = 1) -> None:
    source.write(ACD, acd.SegmentEnded(contact_id, "qu_a", segment_no, outcome, SECOND), time, TENANT)


def ask_for_callback(source: StoredLedgers, contact_id: str, time: datetime) -> None:
    enter(source, contact_id, time)
    leave(source, contact_id, time + 60 * SECOND, SegmentOutcome.CONVERTED_TO_CALLBACK)
    opened = acd.ContactEnqueued(contact_id, 2, "qu_a", 2, Channel.VOICE, 0, 0, (), callback=True)
    source.write(ACD, opened, time + 60 * SECOND, TENANT)


def one_answered_in_each_block(blocks: int) -> StoredLedgers:
    """Somebody waits for 10 s in the middle of each block."""
    source = no_trial()
    trial_of(source, blocks // 2)
    for number in range(blocks):
        call(source, number, T0 + (number + 0.5) * HOUR, 10)
    return source


def candidates_block() -> datetime:
    """When the candidate's block of the first pair begins."""
    return next(T0 + number * HOUR for number in (0, 1) if candidate_at(T0 + number * HOUR))


async def test_who_flows_out_is_one_contact_whose_wait_is_all_of_it(capsys: Any) -> None:
    source, begin = one_answered_in_each_block(4), candidates_block() + 10 * 60 * SECOND
    enter(source, "ct_moved", begin)
    leave(source, "ct_moved", begin + 40 * SECOND, SegmentOutcome.FLOWED_OUT)
    enter(source, "ct_moved", begin + 40 * SECOND, "qu_b", segment_no=2)
    answer(source, "ct_moved", begin + 50 * SECOND, segment_no=2)
    groups = (await told(capsys, source))["groups"]
    assert groups["all queues"]["offered"]["candidate"] == 1.5
    assert groups["all queues"]["answer_rate"]["candidate"] == 1
    assert groups["all queues"]["mean_wait_s"]["candidate"] == ((10 + 50) / 2 + 10) / 2
    assert groups["qu_b"]["offered"]["candidate"] == 0  # it came to qu_a


async def test_who_is_given_on_later_belongs_to_the_block_in_which_it_came_and_was_answered(capsys: Any) -> None:
    source = one_answered_in_each_block(4)
    enter(source, "ct_given", T0 - HOUR)  # before the trial
    answer(source, "ct_given", T0 - HOUR + 9 * SECOND)
    enter(source, "ct_given", T0 + 0.5 * HOUR, "qu_b", segment_no=2)
    leave(source, "ct_given", T0 + 0.6 * HOUR, SegmentOutcome.ABANDONED, segment_no=2)
    enter(source, "ct_tn_1_0", T0 + 1.5 * HOUR, "qu_b", segment_no=2)  # answered in the first block
    leave(source, "ct_tn_1_0", T0 + 1.6 * HOUR, SegmentOutcome.ABANDONED, segment_no=2)
    everybody = (await told(capsys, source))["groups"]["all queues"]
    assert [everybody["offered"][side] for side in ("baseline", "candidate")] == [1, 1]
    assert [everybody["abandon_rate"][side] for side in ("baseline", "candidate")] == [0, 0]


async def test_what_a_queue_calls_a_short_abandon_changes_no_figure(capsys: Any) -> None:
    source, begin = one_answered_in_each_block(4), candidates_block() + 10 * 60 * SECOND
    for number, (wait_s, outcome) in enumerate(
        [(30, SegmentOutcome.SHORT_ABANDONED), (4, SegmentOutcome.ABANDONED)]  # as the candidate would have it
    ):
        enter(source, f"ct_{number}", begin)
        leave(source, f"ct_{number}", begin + wait_s * SECOND, outcome)
    everybody = (await told(capsys, source))["groups"]["all queues"]
    assert everybody["answer_rate"]["candidate"] == (1 / 2 + 1) / 2  # one left, after 30 s
    assert everybody["abandon_rate"]["candidate"] == (1 / 2 + 0) / 2


async def test_whom_a_limit_or_the_system_sent_away_was_not_joined(capsys: Any) -> None:
    source, begin = one_answered_in_each_block(4), candidates_block() + 10 * 60 * SECOND
    for outcome in (SegmentOutcome.LIMIT_REACHED, SegmentOutcome.CLOSED_BY_SYSTEM):
        enter(source, f"ct_{outcome}", begin)
        leave(source, f"ct_{outcome}", begin + 3 * SECOND, outcome)
    everybody = (await told(capsys, source))["groups"]["all queues"]
    assert everybody["answer_rate"]["candidate"] == (1 / 3 + 1) / 2
    assert everybody["abandon_rate"]["candidate"] == 0


async def test_whom_a_call_back_reaches_is_joined_and_its_wait_is_in_no_figure(capsys: Any) -> None:
    source, begin = one_answered_in_each_block(4), candidates_block() + 10 * 60 * SECOND
    for contact_id in ("ct_reached", "ct_not_reached"):
        ask_for_callback(source, contact_id, begin)
    assert (await told(capsys, source))["blocks_waited_in"] == [1 + (candidates_block() - T0) // HOUR]
    answer(source, "ct_reached", T0 + 5 * HOUR, segment_no=2)
    ended = acd.CallbackEnded("ct_not_reached", "qu_a", 2, CallbackOutcome.NO_ANSWER, "", HOUR, 3)
    source.write(ACD, ended, T0 + 5 * HOUR, TENANT)
    everybody = (found := await told(capsys, source))["groups"]["all queues"]
    assert found["blocks_waited_in"] == []
    assert everybody["answer_rate"]["candidate"] == (2 / 3 + 1) / 2
    assert everybody["mean_wait_s"]["candidate"] == 10


# -- which blocks count -----------------------------------------------------------------------------------------------


async def test_a_pair_with_a_block_that_lasted_longer_than_planned_is_left_out_and_told(capsys: Any) -> None:
    source = no_trial()
    source.write(DIRECTORY, started(2), T0 - SECOND, TENANT)
    begins = [T0, T0 + HOUR, T0 + 2.2 * HOUR, T0 + 3.3 * HOUR]  # the second: 12 minutes more, the third: 6
    for number, begin in enumerate(begins, start=1):
        begun = directory.PolicyTrialBlockBegun(1, number, plays_candidate(TENANT, 1, number), 3, begin + HOUR)
        source.write(DIRECTORY, begun, begin, TENANT)
    source.write(DIRECTORY, directory.PolicyTrialEnded(1, is_complete=True), T0 + 4.3 * HOUR, TENANT)
    calls(source, 5, gain_s=0)
    found = await told(capsys, source)
    assert (found["pairs_compared"], found["blocks_stretched"]) == (1, [2])
    await report(source, 1, "", None, only_json=False)
    assert "Left out is the pair of block 2, which lasted 72 min and not 60 min." in capsys.readouterr().out


async def test_where_every_pair_was_stretched_nothing_is_compared() -> None:
    source = no_trial()
    source.write(DIRECTORY, started(2), T0 - SECOND, TENANT)
    for number in range(1, 5):
        begun = directory.PolicyTrialBlockBegun(1, number, plays_candidate(TENANT, 1, number), 3, T0)
        source.write(DIRECTORY, begun, T0 + 2 * number * HOUR, TENANT)
    with pytest.raises(Misconfigured, match="lasted longer than planned"):
        await report(source, 1, "", None, only_json=True)


async def test_who_comes_shortly_before_the_end_is_served_by_the_other_policy_and_left_out(capsys: Any) -> None:
    source, begin = one_answered_in_each_block(4), candidates_block()
    for number, minute in enumerate((5.9, 6.1, 53.9, 54.1)):
        call(source, 100 + number, begin + minute * 60 * SECOND, 10)
    everybody = (await told(capsys, source))["groups"]["all queues"]
    assert everybody["offered"]["candidate"] == (1 + 2 + 1) / 2
