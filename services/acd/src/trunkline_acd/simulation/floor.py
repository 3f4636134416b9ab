"""The room in which callers and agents meet: acd's decider in virtual time, addressed in seconds from the beginning."""

from collections.abc import Callable
from datetime import datetime, timedelta

from trunkline_core.errors import TrunklineError
from trunkline_simulation.partition import Action, Partition

from trunkline_acd.domain.commands import Command
from trunkline_acd.domain.decider import AcdDecider
from trunkline_acd.domain.events import Event
from trunkline_acd.domain.state import AcdState, Domain

TENANT = "tn_simulation"
_SECOND = timedelta(seconds=1)


class Floor:
    """One routing domain."""

    def __init__(self, start: datetime, react: Callable[[Command, list[Event] | TrunklineError], None]) -> None:
        self._start = start
        self._partition: Partition[AcdState, Command, Event] = Partition(AcdDecider(), AcdState(), TENANT, start, react)

    @property
    def domain(self) -> Domain:
        """The queues, agents and contacts as they are."""
        return self._partition.state.domain(TENANT)

    @property
    def now(self) -> datetime:
        """Virtual log time."""
        return self._partition.now

    @property
    def now_s(self) -> float:
        """Seconds since the beginning."""
        return (self._partition.now - self._start) / _SECOND

    def next_step(self, contact_id: str) -> int:
        """Return the number of the next thing that happens to that contact. Raises: NotFound."""
        return self.domain.contact(contact_id).step_no + 1

    def submit(self, command: Command, actor: str = "system") -> None:
        """Have a command carried out at this moment, after those that were submitted before."""
        self._partition.submit(command, actor)

    def at(self, second: float, action: Action) -> None:
        """Do something at that second."""
        self._partition.at(self._start + timedelta(seconds=second), action)

    def after(self, seconds: float, action: Action) -> None:
        """Do something in so many seconds."""
        self._partition.at(self._partition.now + timedelta(seconds=seconds), action)

    def run(self, until_s: float) -> None:
        """Let everything happen up to that second."""
        self._partition.run(self._start + timedelta(seconds=until_s))
