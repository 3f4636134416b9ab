"""Everything that may fail in a chaos run, each by a name."""

from chaos.faults.brokers import AllBrokersDown, KillLeader, StoreAway
from chaos.faults.clients import KillConsole, KillGateway, RepeatCommands
from chaos.faults.clocks import NAME as STEP_CLOCK
from chaos.faults.clocks import StepClock
from chaos.faults.fault import Fault
from chaos.faults.networks import CutReplica, ForgeAnswers, LoseAnswers
from chaos.faults.replicas import (
    FreezeOwner,
    KillOwner,
    KillRandom,
    KillSingle,
    RollingRestart,
    RollingUpgrade,
)

FAULTS: tuple[Fault, ...] = (
    KillOwner("acd"),
    KillOwner("channels"),
    KillRandom(),
    KillRandom(burst=3),
    KillSingle(),
    FreezeOwner("acd"),
    FreezeOwner("channels"),
    RollingRestart(),
    RollingUpgrade(),
    KillLeader(),
    AllBrokersDown(),
    StoreAway(),
    CutReplica(),
    LoseAnswers(),
    ForgeAnswers(),
    RepeatCommands(),
    KillGateway(),
    KillConsole(),
    StepClock(),
)

__all__ = ["FAULTS", "STEP_CLOCK", "Fault"]
