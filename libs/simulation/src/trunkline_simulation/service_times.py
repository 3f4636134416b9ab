"""How long a conversation takes: the lengths that were recorded, by type of question.

Owns: the draw. Nothing is fitted: a draw is one of the recorded lengths, each as likely as it was. Whole seconds.
"""

from collections import defaultdict
from collections.abc import Iterable
from random import Random


class ServiceTimes:
    """Recorded lengths by type."""

    def __init__(self, recorded: Iterable[tuple[str, int]]) -> None:
        """Take over (type, seconds); a length of 0 is none, it says that nothing was recorded."""
        by_type: dict[str, list[int]] = defaultdict(list)
        for kind, seconds in recorded:
            if seconds > 0:
                by_type[kind].append(seconds)
        self._by_type = dict(by_type)
        self._all = [seconds for found in by_type.values() for seconds in found]

    def draw(self, kind: str, random: Random) -> int:
        """Return the length of a call of that type, of any call where that type has none.

        Raises: ValueError when nothing at all was recorded.
        """
        if not self._all:
            raise ValueError("no call has a length")
        return random.choice(self._by_type.get(kind) or self._all)
