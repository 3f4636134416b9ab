"""acd's rules without a runtime: the same actors, a clock that jumps, and the rules' own checks.

Owns: that taking back and deciding again changes nothing, and that another replica folds to the same state.
"""

import heapq
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from acd_actors import Actors, Deed
from acd_rules import AcdHistory
from trunkline_acd.domain.decider import AcdDecider
from trunkline_acd.domain.events import Event, RowsChanged
from trunkline_acd.domain.state import AcdState
from trunkline_core.decider import Context, execute
from trunkline_core.errors import TrunklineError
from trunkline_ledger.core.contents import Contents
from trunkline_testkit.checker.rules import Violation
from trunkline_testkit.simulation.checks import picture
from trunkline_testkit.virtual_time import START

PORTION = 200
PORTION_S = 160.0
ACCEPT_PERCENT = 40
"""Less than with the runtime: what comes back into the line is where routing is hard."""
TAKEN_BACK_EVERY = 997
REPLAYED_EVERY = 3


@dataclass(slots=True)
class Centre:
    """One partition, its actors, and what they are about to do."""

    seed: int
    actors: Actors = field(init=False)
    state: AcdState = field(default_factory=AcdState)
    decider: AcdDecider = field(default_factory=AcdDecider)
    history: AcdHistory = field(default_factory=AcdHistory)
    log: list[tuple[Event, Context]] = field(default_factory=list)
    now_s: float = 0.0
    commands: int = 0
    _due: list[tuple[float, int, Deed]] = field(default_factory=list)
    _number: int = 0
    _telephones: Random = field(init=False)

    def __post_init__(self) -> None:
        self._telephones = Random(f"telephones {self.seed}")
        self.actors = Actors(Random(f"decider {self.seed}"), accept_percent=ACCEPT_PERCENT)
        for deed in self.actors.opening():
            self._carry_out(deed)

    def play(self, offers: int) -> None:
        """Go on until there were so many offers; then everybody leaves."""
        first = 0
        while self.history.offers < offers and not self.history.violations:
            self._expect(list(self.actors.arrivals(PORTION, PORTION_S, first)))
            self._expect(list(self.actors.disturbances(PORTION_S)))
            self._expect(list(self.actors.telephones(PORTION_S, self._telephones)))
            first += PORTION
            self._until(self.now_s + PORTION_S)
        contacts = sorted((tenant, contact_id) for contact_id, tenant in self.history.open_contacts.items())
        self._due.clear()
        self._expect(list(self.actors.ends(contacts)))
        self._until(self.now_s + 60.0)

    def check_end(self) -> None:
        """Everybody left."""
        for contact_id in self.history.open_contacts:
            self._wrong("ContactNeverEnded", contact_id, "")

    def check_replay(self) -> None:
        """Another replica comes to the same state by the events alone."""
        replayed = AcdState()
        for event, context in self.log:
            self.decider.evolve(replayed, event, context)
        if _picture(replayed) != _picture(self.state):
            self._wrong("FoldDiffers", f"seed {self.seed}", "a replay comes to another state")

    def _wrong(self, rule: str, subject: str, detail: str) -> None:
        self.history.violations.append(Violation(rule, subject, detail))

    def _expect(self, deeds: list[Deed]) -> None:
        for deed in deeds:
            self._number += 1
            heapq.heappush(self._due, (self.now_s + deed.after_s, self._number, deed))

    def _until(self, end_s: float) -> None:
        while True:
            deed_s = self._due[0][0] if self._due else end_s
            timer_due = self.state.timers.next_due()
            timer_s = end_s if timer_due is None else (timer_due - START) / timedelta(seconds=1)
            if min(deed_s, timer_s) >= end_s:
                self.now_s = end_s
                return
            if timer_s <= deed_s:
                self.now_s = max(self.now_s, timer_s)
                self._fire()
            else:
                self.now_s = deed_s
                self._carry_out(heapq.heappop(self._due)[2])

    def _fire(self) -> None:
        for timer in self.state.timers.due(self._now()):
            self._carry_out(Deed(0.0, timer.tenant, "system", timer.command))

    def _now(self) -> datetime:
        return START + timedelta(seconds=self.now_s)

    def _carry_out(self, deed: Deed) -> None:
        self.commands += 1
        context = Context(self._now(), deed.tenant, deed.actor, f"c{self.commands}")
        if self.commands % TAKEN_BACK_EVERY == 0:
            self._check_taking_back(deed, context)
        found = self._execute(deed, context)
        self.state.journal.commit()
        for event in found if isinstance(found, list) else ():
            if not isinstance(event, RowsChanged):
                self.log.append((event, context))
                self.history.add(event, deed.tenant)
                self._expect(list(self.actors.react(deed.tenant, event)))

    def _execute(self, deed: Deed, context: Context) -> Any:
        try:
            return execute(self.decider, self.state, deed.command, context)
        except TrunklineError as refusal:
            return repr(refusal)

    def _check_taking_back(self, deed: Deed, context: Context) -> None:
        before = _picture(self.state)
        first = self._execute(deed, context)
        self.state.journal.rollback()
        if _picture(self.state) != before:
            self._wrong("NotTakenBack", context.command_id, repr(deed.command))
        second = self._execute(deed, context)
        self.state.journal.rollback()
        if first != second:
            self._wrong("DecidedDifferently", context.command_id, repr(deed.command))


def _picture(state: AcdState) -> Any:
    return picture(Contents(state))


def play_alone(seed: int, offers: int) -> tuple[int, list[Violation]]:
    """Return how many offers there were, and what was wrong."""
    centre = Centre(seed)
    centre.play(offers)
    centre.check_end()
    if seed % REPLAYED_EVERY == 0:
        centre.check_replay()
    return centre.history.offers, centre.history.violations
