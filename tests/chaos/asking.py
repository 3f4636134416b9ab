"""Clients who do not let go: a command is repeated under its id until it is done or refused for good.

Owns: the journal of what was sent and answered, and a bad network's habits, repetitions that nobody asked for.
Must not: know what is asked.
"""

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from trunkline_core.errors import TrunklineError
from trunkline_platform.commands import new_command_id
from trunkline_testkit.checker import ClientJournal

GIVE_UP_S = 90.0
BETWEEN_S = 0.2
STRAY_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True)
class Done:
    """A command was carried out. `events`: how many the answer named, None where it names none."""

    contact_id: str = ""
    events: int | None = None


Send = Callable[[str], Awaitable[Done]]
"""Sends a command once under an id. Raises: TrunklineError, TimeoutError."""


class Asking:
    """All clients of one process."""

    def __init__(self, journal: ClientJournal, chance: random.Random) -> None:
        self.acked = self.refused = self.gave_up = self.strays = 0
        self._journal = journal
        self._chance = chance
        self._is_network_bad = False
        self._straying: set[asyncio.Task[None]] = set()

    def obey_signals(self) -> None:
        """SIGUSR1: from now on commands arrive several times and late; SIGUSR2: no more."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, self._set_network, True)
        loop.add_signal_handler(signal.SIGUSR2, self._set_network, False)

    def _set_network(self, is_bad: bool) -> None:
        self._is_network_bad = is_bad

    async def ask(self, kind: str, contact_id: str, send: Send) -> Done | None:
        """Return what was done, None when it was refused or nobody answered within 90 s."""
        command_id, deadline = new_command_id(), time.monotonic() + GIVE_UP_S
        self._journal.sent(command_id, kind, contact_id, at_ms=now_ms())
        if self._is_network_bad and self._chance.random() < 0.3:
            self._stray(command_id, kind, contact_id, send)
        while time.monotonic() < deadline:
            try:
                done = await send(command_id)
            except TrunklineError as error:
                if not error.retryable:
                    return self._note_refusal(command_id, kind, contact_id, error)
                await asyncio.sleep(min(getattr(error, "retry_after_s", BETWEEN_S), 1.0))
            except TimeoutError:
                continue
            else:
                return self._note(done, command_id, kind, contact_id)
        self.gave_up += 1
        return None

    def _note(self, done: Done, command_id: str, kind: str, contact_id: str) -> Done:
        self.acked += 1
        self._journal.acked(command_id, kind, done.contact_id or contact_id, events=done.events, at_ms=now_ms())
        return done

    def _note_refusal(self, command_id: str, kind: str, contact_id: str, error: TrunklineError) -> None:
        self.refused += 1
        self._journal.refused(command_id, kind, contact_id, why=f"{type(error).__name__} {error}", at_ms=now_ms())

    def _stray(self, command_id: str, kind: str, contact_id: str, send: Send) -> None:
        delay_s = self._chance.choice((0.0, self._chance.uniform(0.0, STRAY_WITHIN_S)))
        task = asyncio.create_task(self._send_again(delay_s, command_id, kind, contact_id, send), name="stray")
        self._straying.add(task)
        task.add_done_callback(self._straying.discard)

    async def _send_again(self, delay_s: float, command_id: str, kind: str, contact_id: str, send: Send) -> None:
        """What the repetition is answered counts too: it must be what the first one was answered."""
        await asyncio.sleep(delay_s)
        self.strays += 1
        try:
            done = await send(command_id)
        except TimeoutError:
            return
        except TrunklineError as error:
            if not error.retryable:
                self._note_refusal(command_id, kind, contact_id, error)
            return
        self._note(done, command_id, kind, contact_id)

    def counts(self) -> dict[str, Any]:
        """Return what was asked so far."""
        return {"acked": self.acked, "refused": self.refused, "gave_up": self.gave_up, "strays": self.strays}


def now_ms() -> int:
    """Return the brokers' clock, which is this machine's."""
    return time.time_ns() // 1_000_000
