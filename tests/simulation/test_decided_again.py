"""Logs of simulated days with take-overs, zombies, lost answers and timers: sound, and decided again byte for byte.

Ledger rules 2, 6, 11 and 13, by the same checks as `trunkline ledger verify` and `replay`; and a candidate policy that
is asked on them.
"""

from dataclasses import replace

import pytest
from simulate import WORLDS, play
from trunkline_acd.bootstrap import ledger_service
from trunkline_acd.simulation.shadow import Shadow
from trunkline_ledger.audit.replay import PartitionReplay, ReplayReport
from trunkline_ledger.audit.verification import PartitionAudit, PartitionReport
from trunkline_testkit.simulation.log import SimulatedPartition
from trunkline_testkit.simulation.room import Outcome


def acd_partitions(outcome: Outcome) -> list[SimulatedPartition]:
    return outcome.room.cluster.topics["acd.events.v1"]


def looked_at(partitions: list[SimulatedPartition]) -> list[tuple[PartitionReport, ReplayReport]]:
    return [_looked_at(partition, len(partitions)) for partition in partitions]


def _looked_at(partition: SimulatedPartition, count: int) -> tuple[PartitionReport, ReplayReport]:
    audit = PartitionAudit(ledger_service(), partition.number, count)
    replay = PartitionReplay(ledger_service(), partition.number)
    for record in partition.records:
        audit.read(record)
        replay.read(record)
    return audit.report(), replay.report()


@pytest.mark.parametrize("seed", [3, 4])
def test_days_with_faults_are_sound_and_decided_again(seed):
    assert "acd" in WORLDS
    reports = looked_at(acd_partitions(play("acd", seed)))
    assert sum(replay.commands for _, replay in reports) > 100
    for audit, replay in reports:
        assert (audit.problems.first, replay.problems.first, replay.first_difference) == ([], [], "")


def test_a_candidate_like_the_policy_in_force_decides_as_it_did_and_another_one_does_not():
    same = Shadow(lambda in_force: [])
    other = Shadow(lambda in_force: [replace(queue, max_waiting=1) for queue in in_force.values()])
    for partition in acd_partitions(play("acd", 3)):
        for shadow in (same, other):
            replay = PartitionReplay(ledger_service(), partition.number, watch=shadow.ask)
            for record in partition.records:
                replay.read(record)
            assert replay.report().first_difference == "", "whoever watches leaves the state as it is"
    assert same.differences == []
    assert same.offers == same.agreed > 50
    assert other.differences != []
    assert other.offers == same.offers
