"""Service level variants, waits, the tenant's answer rate, agents' time, definitions: hand-counted examples."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trunkline_analytics.domain.agent_time import AgentSeconds, AgentSpell, agent_seconds, total
from trunkline_analytics.domain.contacts import contact_waits, contacts_as_segments, tenant_answer_rate
from trunkline_analytics.domain.definitions import CURRENT, DEFINITIONS, ServiceLevelVariant
from trunkline_analytics.domain.intervals import Interval, cut_evenly
from trunkline_analytics.domain.segments import Outcome, QueueSegment
from trunkline_analytics.domain.service_level import QueueWaits, queue_waits, service_levels
from trunkline_analytics.domain.waits import find_quantile

T0 = datetime(2026, 1, 5, 9, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def stay(
    contact: str, outcome: Outcome | None, wait_s: float = 10, segment_no: int = 1, start_s: float = 0
) -> QueueSegment:
    ended = None if outcome is None else at(start_s + wait_s)
    return QueueSegment(contact, segment_no, "qu_a", at(start_s), outcome, ended)


# waits


def test_nearest_rank_is_not_moved_by_the_rounding_of_a_product():
    assert find_quantile(list(range(1, 101)), 0.07) == 7


@given(st.lists(st.integers(), min_size=1), st.integers(0, 100))
def test_a_quantile_is_one_of_the_values_and_reached_by_its_share(values, percent):
    found = find_quantile(values, percent / 100)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert sum(value < found for value in values) * 100 < max(percent * len(values), 1)


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_outside_nought_to_one_is_refused(share):
    with pytest.raises(ValueError, match="between 0 and 1"):
        find_quantile([1], share)


def test_waits_of_answered_and_abandoned_are_apart_and_short_ones_are_left_out():
    segments = [stay(f"a{wait_s}", Outcome.ANSWERED, wait_s) for wait_s in (10, 20, 30, 40, 100)]
    segments += [stay("b", Outcome.ABANDONED, 50), stay("s", Outcome.SHORT_ABANDONED, 2), stay("w", None)]
    assert queue_waits(segments) == QueueWaits(asa_s=40, p50_s=30, p80_s=40, p95_s=100, mean_abandoned_s=50)
    assert queue_waits([]) == QueueWaits(None, None, None, None, None)


# service level


def test_the_three_variants_differ_on_the_same_segments_and_are_asked_for_by_name():
    segments = [
        stay("quick", Outcome.ANSWERED, 20), stay("slow", Outcome.ANSWERED, 21),
        stay("left soon", Outcome.ABANDONED, 20), stay("left late", Outcome.ABANDONED, 60),
        stay("short", Outcome.SHORT_ABANDONED, 1), stay("moved", Outcome.FLOWED_OUT, 90),
        stay("stuck", None), stay("fresh", None, start_s=90),
    ]  # fmt: skip
    levels = service_levels(segments, timedelta(seconds=20), at(100))
    assert levels.named(ServiceLevelVariant.SL1) == 1 / 5  # 1 of A 2 + B 2 + M 1
    assert levels.named(ServiceLevelVariant.SL2) == 1 / 5  # 1 of E 8 - Bs 1 - F 1 - fresh 1
    assert levels.named(ServiceLevelVariant.SL3) == 2 / 5
    callback = [*segments, stay("callback", Outcome.CALLBACK, 30)]
    assert service_levels(callback, timedelta(seconds=20), at(100)).sl2 == 1 / 6


# contacts


def test_the_tenants_answer_rate_counts_a_contact_once_and_leaves_short_abandons_and_waiting_ones_out():
    segments = [
        stay("transferred", Outcome.ANSWERED), stay("transferred", Outcome.ABANDONED, segment_no=2, start_s=60),
        stay("moved", Outcome.FLOWED_OUT), stay("moved", Outcome.ANSWERED, segment_no=2, start_s=10),
        stay("left", Outcome.ABANDONED), stay("closed", Outcome.CLOSED_BY_SYSTEM),
        stay("short", Outcome.SHORT_ABANDONED), stay("waiting", None),
        stay("called back", Outcome.CALLBACK), stay("not yet", Outcome.CALLBACK),
    ]  # fmt: skip
    assert tenant_answer_rate(segments, reached_by_callback={"called back"}) == 3 / 6
    assert tenant_answer_rate([stay("waiting", None)]) is None


def test_a_contacts_wait_is_the_sum_of_its_stays_before_the_first_connection():
    segments = [
        stay("moved", Outcome.ANSWERED, 5, segment_no=2, start_s=30), stay("moved", Outcome.FLOWED_OUT, 30),
        stay("moved", Outcome.ANSWERED, 99, segment_no=3, start_s=300), stay("left", Outcome.ABANDONED, 7),
    ]  # fmt: skip
    assert contact_waits(segments) == {"moved": timedelta(seconds=35)}


def test_a_contact_is_one_segment_from_its_first_entry_to_its_first_answer_or_its_end():
    segments = [
        stay("moved", Outcome.FLOWED_OUT, 30), stay("moved", Outcome.ANSWERED, 5, segment_no=2, start_s=30),
        stay("given on", Outcome.ANSWERED, 5), stay("given on", Outcome.ABANDONED, 60, segment_no=2, start_s=200),
        stay("waits on", Outcome.FLOWED_OUT, 30), stay("waits on", None, segment_no=2, start_s=30),
    ]  # fmt: skip
    assert contacts_as_segments(segments, timedelta(seconds=5)) == [
        stay("moved", Outcome.ANSWERED, 35),
        stay("given on", Outcome.ANSWERED, 5),
        stay("waits on", None),
    ]


def test_whether_a_contact_left_soon_is_said_by_its_whole_wait_and_not_by_its_last_queue():
    segments = [
        stay("soon", Outcome.ABANDONED, 4), stay("late", Outcome.SHORT_ABANDONED, 5),
        stay("moved", Outcome.FLOWED_OUT, 30), stay("moved", Outcome.SHORT_ABANDONED, 2, segment_no=2, start_s=30),
    ]  # fmt: skip
    contacts = contacts_as_segments(segments, timedelta(seconds=5))
    assert [contact.outcome for contact in contacts] == [
        Outcome.SHORT_ABANDONED,
        Outcome.ABANDONED,
        Outcome.ABANDONED,
    ]


# agents' time


def spell(start_s: float, end_s: float, busy: int = 0, ringing: int = 0, **more: object) -> AgentSpell:
    fields = {"is_available": True, "total_units": 4} | more
    return AgentSpell("ag_1", at(start_s), at(end_s), busy_units=busy, ringing_units=ringing, **fields)  # type: ignore[arg-type]


HOUR = Interval(T0, at(3_600))


def test_seconds_are_shared_out_by_units_and_ringing_is_a_class_of_its_own():
    found = agent_seconds([spell(0, 100), spell(100, 200, busy=1, ringing=2), spell(200, 300, busy=4)], HOUR)
    assert found == {"ag_1": AgentSeconds(busy_s=125, ringing_s=50, idle_s=125, away_s=0)}
    assert (found["ag_1"].occupancy, found["ag_1"].utilisation) == (0.5, 125 / 300)


def test_exclusive_work_takes_the_whole_agent():
    found = agent_seconds([spell(0, 10, ringing=1, is_exclusive=True), spell(10, 70, busy=1, is_exclusive=True)], HOUR)
    assert found["ag_1"] == AgentSeconds(busy_s=60, ringing_s=10)
    assert found["ag_1"].occupancy == 1


def test_a_break_lowers_utilisation_but_not_occupancy():
    found = agent_seconds([spell(0, 60, busy=4), spell(60, 120), spell(120, 240, is_available=False)], HOUR)
    assert (found["ag_1"].occupancy, found["ag_1"].utilisation) == (0.5, 0.25)
    assert AgentSeconds().occupancy is None
    assert AgentSeconds().utilisation is None


def test_forced_work_above_capacity_is_no_more_than_the_whole_agent():
    assert agent_seconds([spell(0, 60, busy=6)], HOUR)["ag_1"] == AgentSeconds(busy_s=60)


@pytest.mark.parametrize(("end_s", "more"), [(-1, {}), (1, {"total_units": 0}), (1, {"busy": -1})])
def test_an_impossible_spell_is_refused(end_s, more):
    with pytest.raises(ValueError, match=r"spell|units"):
        spell(0, end_s, **more)


SPELLS = st.lists(
    st.builds(
        lambda start, length, busy, ringing, available, exclusive: spell(
            start, start + length, busy, ringing, is_available=available, is_exclusive=exclusive
        ),
        st.integers(0, 5_000), st.integers(0, 5_000), st.integers(0, 6), st.integers(0, 6),
        st.booleans(), st.booleans(),
    ),
    max_size=20,
)  # fmt: skip


@given(SPELLS, st.integers(60, 3_000))
def test_cutting_time_loses_no_second_and_every_second_has_one_kind(spells, length_s):
    intervals = cut_evenly(T0, at(10_001), timedelta(seconds=length_s))
    cut = total([seconds for interval in intervals for seconds in agent_seconds(spells, interval).values()])
    whole = total(list(agent_seconds(spells, Interval(T0, at(20_000))).values()))
    assert cut.signed_in_s == pytest.approx(sum((spell.end - spell.start).total_seconds() for spell in spells))
    assert (cut.busy_s, cut.ringing_s, cut.idle_s, cut.away_s) == pytest.approx(
        (whole.busy_s, whole.ringing_s, whole.idle_s, whole.away_s)
    )


# definitions


def test_versions_count_from_one_and_the_newest_is_current():
    assert [definition.version for definition in DEFINITIONS.values()] == list(DEFINITIONS) == [1]
    assert CURRENT is DEFINITIONS[1]


def test_version_one_never_changes():
    assert (CURRENT.short_abandon_below, CURRENT.service_level_within) == (timedelta(seconds=5), timedelta(seconds=20))
    assert (CURRENT.service_level_variant, CURRENT.interval_minutes) == (ServiceLevelVariant.SL1, (15, 30))
