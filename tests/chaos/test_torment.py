"""Which fault strikes when, without a centre."""

import random
from types import SimpleNamespace
from typing import Any

import pytest

from chaos.faults import FAULTS
from chaos.orders import Orders, read_orders
from chaos.torment import Torment, deck


def torment(tmp_path: Any, **orders: Any) -> Torment:
    scene: Any = SimpleNamespace(orders=Orders(seed=7, **orders), clock=SimpleNamespace(is_there=False))
    return Torment(scene, tmp_path / "faults.jsonl")


def test_names_of_faults_are_told_apart() -> None:
    names = [fault.name for fault in FAULTS]
    assert sorted(set(names)) == sorted(names)


def test_the_same_seed_draws_the_same_order() -> None:
    assert deck(random.Random(3), FAULTS) == deck(random.Random(3), FAULTS) != deck(random.Random(4), FAULTS)


def test_a_fault_is_not_drawn_while_another_one_has_broken_the_same_thing(tmp_path: Any) -> None:
    drawing = torment(tmp_path)
    running = [fault for fault in FAULTS if fault.name == "all-brokers-down"]
    drawn = [fault for _ in range(40) if (fault := drawing._next(running))]
    assert drawn and not any("brokers" in fault.touches for fault in drawn)


def test_every_fault_that_can_strike_does_before_one_comes_again(tmp_path: Any) -> None:
    drawing = torment(tmp_path)
    drawn = [drawing._next([]) for _ in range(len(FAULTS) - 1)]
    assert {fault.name for fault in drawn if fault} == {fault.name for fault in FAULTS} - {"step-clock"}


def test_only_the_wanted_faults_are_drawn(tmp_path: Any) -> None:
    drawing = torment(tmp_path, faults=("kill-single",))
    assert [fault.name for _ in range(3) if (fault := drawing._next([]))] == ["kill-single"] * 3


@pytest.mark.parametrize("wrong", [{"CHAOS_BROKERS": "2"}, {"CHAOS_MINUTES": "ten"}, {"CHAOS_RATE": "0"}])
def test_a_wrong_order_is_refused_in_one_sentence_that_names_it(wrong: dict[str, str]) -> None:
    with pytest.raises(SystemExit, match=next(iter(wrong))):
        read_orders(wrong)


def test_a_fault_that_cannot_strike_is_refused(tmp_path: Any) -> None:
    with pytest.raises(SystemExit, match="CHAOS_FAULTS names step-clock"):
        torment(tmp_path, faults=("step-clock", "kill-single"))
