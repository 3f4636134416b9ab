"""A plain queue, and the directory's rules at the beginning of a history."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from trunkline_console.domain.commands import Command
from trunkline_console.domain.decider import DirectoryDecider
from trunkline_console.domain.events import Event
from trunkline_console.domain.state import Directory
from trunkline_core.decider import Context
from trunkline_core.routing import QueueDefinition, SkillRequirement, WrapUpMode
from trunkline_core.spec import Spec
from trunkline_core.texts import LocalizedText

TENANT = "tn_1"
START = datetime(2026, 1, 5, tzinfo=UTC)
NOTHING, MINUTE = timedelta(0), timedelta(minutes=1)

DirectorySpec = Spec[Directory, Command, Event]


def queue(queue_id: str = "qu_a", /, **changed: Any) -> QueueDefinition:
    plain = QueueDefinition(
        queue_id=queue_id,
        name=LocalizedText("队列", "queue"),
        requirements=(SkillRequirement("billing", 1),),
        target_wait_duration=timedelta(seconds=20),
        value_weight_permille=0,
        urgency_weight_permille=0,
        voice_lease_duration=timedelta(seconds=20),
        chat_lease_duration=timedelta(seconds=30),
        miss_exclusion_duration=timedelta(seconds=30),
        max_misses=2,
        wrap_up_mode=WrapUpMode.NONE,
        wrap_up_duration=NOTHING,
        short_abandon_duration=timedelta(seconds=5),
        max_waiting=100,
    )
    return replace(plain, **changed)


def new_spec() -> DirectorySpec:
    context = Context(START, TENANT, "admin:us_1", "c0")
    return Spec(DirectoryDecider(), Directory, context)
