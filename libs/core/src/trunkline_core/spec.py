"""The test language of business rules: given a history, when a command comes, then these events, or a refusal.

Spec(rules, new_state, context).given(ContactEnqueued(…)).when(AcceptOffer(…)).then(OfferAccepted(…))
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Generic, Self

from trunkline_core.decider import C, Context, Decider, E, S, execute
from trunkline_core.errors import Invalid, TrunklineError


class Spec(Generic[S, C, E]):
    """One history and the outcome of its last command. Each command gets an id of its own: c1, c2, …"""

    def __init__(self, decider: Decider[S, C, E], new_state: Callable[[], S], context: Context) -> None:
        self.state = new_state()
        self._decider = decider
        self._context = context
        self._commands = 0
        self._outcome: list[E] | TrunklineError | None = None

    @property
    def now(self) -> datetime:
        """The log time of the next command."""
        return self._context.now

    def given(self, *events: E) -> Self:
        """Apply events of the past; they are final."""
        for event in events:
            self._decider.evolve(self.state, event, self._context)
        self.state.journal.commit()
        return self

    def after(self, elapsed: timedelta) -> Self:
        """Let log time pass."""
        self._context = replace(self._context, now=self._context.now + elapsed)
        return self

    def when(self, command: C) -> Self:
        """Decide one command; its events are final, its refusal is kept for `then_refused`."""
        self._commands += 1
        context = replace(self._context, command_id=f"c{self._commands}")
        try:
            self._outcome = execute(self._decider, self.state, command, context)
        except TrunklineError as refusal:
            self._outcome = refusal
        self.state.journal.commit()
        return self

    def then(self, *events: E) -> Self:
        """Assert exactly these events; none means that the command changed nothing."""
        assert self._outcome == list(events), f"expected {list(events)}, got {self._outcome!r}"
        return self

    def then_refused(self, refusal: TrunklineError) -> Self:
        """Assert a refusal of this very type with the same words."""
        outcome = self._outcome
        assert type(outcome) is type(refusal), f"expected {refusal!r}, got {outcome!r}"
        assert str(outcome) == str(refusal), f"expected {refusal!r}, got {outcome!r}"
        return self

    def then_invalid(self, field: str, reason: str = "") -> Self:
        """Assert an input that is refused with this field, for a reason that says so."""
        outcome = self._outcome
        assert isinstance(outcome, Invalid), f"expected {field} to be refused, got {outcome!r}"
        assert outcome.field == field, f"expected {field} to be refused, got {outcome!r}"
        assert reason in outcome.reason, f"expected {reason!r}, got {outcome!r}"
        return self
