"""When a chaos run has failed, and what its last line says; no centre is needed."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from planted_bugs import BUGS
from trunkline_testkit.checker import Violation

from chaos.judgement import Judgement, Patience, last_line, what_is_wrong
from chaos.orders import Orders
from chaos.runs import Outcome
from chaos.selftest import SOUGHT, verdict

ORDERS = Orders(minutes=1.0, seed=7, contacts_per_s=10.0)
SCENE: Any = SimpleNamespace(orders=ORDERS)
TORMENT: Any = SimpleNamespace(struck=[None, None])


def found(*violations: Violation, connected: int = 500) -> Judgement:
    return Judgement(violations, 2_000, connected, 9_000, 3, 12, [3_100, 2_900, 3_500], [1.0, 2.0])


def test_a_run_without_violations_that_carried_load_is_good() -> None:
    assert list(what_is_wrong(SCENE, found())) == []


def test_a_run_that_carried_no_load_has_failed() -> None:
    assert list(what_is_wrong(SCENE, found(connected=59))) == ["no load: 59 conversations, fewer than 60"]


def test_each_broken_rule_is_told_with_an_example() -> None:
    lost = [Violation("AcknowledgedCommandLost", f"c{number}", "Open") for number in range(2)]
    assert list(what_is_wrong(SCENE, found(*lost))) == ["2 × AcknowledgedCommandLost, for example c0: Open"]


def test_an_upgrade_that_showed_nothing_has_failed() -> None:
    shown = replace(found(), stood_aside={"acd": 2, "channels": 1}, new_events={"acd": 30, "channels": 7})
    assert list(what_is_wrong(SCENE, shown)) == []
    unseen = replace(shown, stood_aside={"acd": 0, "channels": 1}, new_events={"acd": 30, "channels": 0})
    assert list(what_is_wrong(SCENE, unseen)) == [
        "no old replica of acd stood aside for the new event type",
        "no event of the new type of channels took effect",
    ]


def test_the_last_line_has_the_figures_of_the_run() -> None:
    broken = [
        Violation(rule, "x", "") for rule in ("AcknowledgedCommandLost", "ConnectedTwice", "Orphan", "VersionGap")
    ]
    assert last_line(SCENE, TORMENT, found(*broken)) == {
        "seed": 7,
        "minutes": 1.0,
        "faults": 2,
        "acked": 2_000,
        "lost": 1,
        "double": 1,
        "violations": 4,
        "settled_s": 0,
        "failover_ms_p50": 3_100,
        "failover_ms_max": 3_500,
        "orphans": 1,
    }


def test_a_centre_may_take_long_to_settle_but_not_stand_still() -> None:
    patience = Patience(90.0, 0.0)
    assert not any(patience.is_over(900 - 5 * step, 60.0 * step) for step in range(10)), "ever less"
    assert not patience.is_over(855, 630.0 - 31.0)
    assert patience.is_over(854, 601.0), "but not for ever"


def test_a_centre_that_stands_still_is_given_up() -> None:
    patience = Patience(90.0, 0.0)
    assert not patience.is_over(7, 5.0)
    assert not patience.is_over(7, 95.0)
    assert not patience.is_over(8, 95.0), "more is no progress"
    assert patience.is_over(7, 96.0)


def test_a_planted_bug_counts_as_found_only_by_its_own_rule() -> None:
    def said(rule: str) -> tuple[bool, str]:
        outcome = Outcome(found(Violation(rule, "x", "")), {"seed": 7}, ["wrong"])
        return verdict("reply_before_append", SOUGHT["reply_before_append"], outcome)

    assert said("AcknowledgedCommandLost") == (True, "reply_before_append: found by AcknowledgedCommandLost, seed 7")
    assert said("TableDiffers") == (False, "reply_before_append: NOT FOUND, seed 7")


def test_every_bug_that_the_selftest_seeks_is_planted_somewhere() -> None:
    assert set(SOUGHT) <= set(BUGS)
