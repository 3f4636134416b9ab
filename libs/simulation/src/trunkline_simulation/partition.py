"""One partition of a service in virtual time: its decider, its state with timers, and what is about to happen.

Owns: the order of things. Commands are carried out in the order in which they were submitted, a timer before whatever
is due at the same moment; nothing takes time. Must not: know a service's words, draw numbers or read a clock.
"""

import heapq
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from trunkline_core.decider import C, Context, Decider, E, State, execute
from trunkline_core.errors import TrunklineError
from trunkline_core.timers import Timers

Action = Callable[[], None]


class TimedState(State, Protocol):
    """State that holds timers."""

    @property
    def timers(self) -> Timers[Any]: ...


S = TypeVar("S", bound=TimedState)


class Partition(Generic[S, C, E]):
    """What a ledger's owner does with commands, without a ledger: every batch has one command and takes effect.

    Attributes:
        state: to be read, not to be changed.
        now: virtual log time, aware UTC.
        commands: how many were carried out.
    """

    def __init__(
        self,
        decider: Decider[S, C, E],
        state: S,
        tenant: str,
        start: datetime,
        react: Callable[[C, list[E] | TrunklineError], None],
    ) -> None:
        """Begin at `start`. `react` is told of each command's events, or of its refusal, once they are final."""
        self.state = state
        self.now = start
        self.commands = 0
        self._decider = decider
        self._tenant = tenant
        self._react = react
        self._submitted: deque[tuple[C, str]] = deque()
        self._agenda: list[tuple[datetime, int, Action]] = []
        self._entries = 0

    def submit(self, command: C, actor: str = "system") -> None:
        """Have a command carried out at this moment, after those that were submitted before."""
        self._submitted.append((command, actor))

    def at(self, when: datetime, action: Action) -> None:
        """Do something later; what is already past is done now. Ties: in the order of these calls."""
        self._entries += 1
        heapq.heappush(self._agenda, (max(when, self.now), self._entries, action))

    def run(self, until: datetime) -> None:
        """Let everything happen that is due up to and at `until`, which is then the time."""
        self._carry_out_submitted()
        while self._is_next_a_timer(until) or self._is_next_an_action(until):
            if self._is_next_a_timer(until):
                self._fire_timer()
            else:
                self.now, _, action = heapq.heappop(self._agenda)
                action()
            self._carry_out_submitted()
        self.now = until

    def _is_next_an_action(self, until: datetime) -> bool:
        return bool(self._agenda) and self._agenda[0][0] <= until

    def _is_next_a_timer(self, until: datetime) -> bool:
        due = self.state.timers.next_due()
        return due is not None and due <= (min(until, self._agenda[0][0]) if self._agenda else until)

    def _fire_timer(self) -> None:
        due = self.state.timers.next_due()
        assert due is not None
        self.now = max(self.now, due)
        (timer,) = self.state.timers.due(self.now, at_most=1)
        self._carry_out(timer.command, "system", timer.tenant)
        if self.state.timers.get(timer.key) == timer:
            raise AssertionError(f"the timer {timer.key} would fire for ever")

    def _carry_out_submitted(self) -> None:
        while self._submitted:
            command, actor = self._submitted.popleft()
            self._carry_out(command, actor, self._tenant)

    def _carry_out(self, command: C, actor: str, tenant: str) -> None:
        self.commands += 1
        context = Context(self.now, tenant, actor, f"c{self.commands}")
        answer: list[E] | TrunklineError
        try:
            answer = execute(self._decider, self.state, command, context)
        except TrunklineError as refusal:
            answer = refusal
        self.state.journal.commit()
        self._react(command, answer)
