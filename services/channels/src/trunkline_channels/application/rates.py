"""How often something happened lately, and when it is too often.

Owns: that what is remembered is bounded: by the limit for each key, and by giving up the key not seen for longest.
"""

from collections import OrderedDict, deque
from collections.abc import Callable

from trunkline_core.errors import Overloaded

MAX_KEYS = 50_000


class Rate:
    """At most `at_most` times in `span_s` seconds for each key. `what`: as the refusal names it."""

    def __init__(self, what: str, at_most: int, span_s: float, monotonic: Callable[[], float]) -> None:
        self._what = what
        self._at_most = at_most
        self._span_s = span_s
        self._monotonic = monotonic
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def count(self, key: str) -> None:
        """Raises: Overloaded when it was too often; a refused time does not count."""
        times, now = self._times_of(key), self._monotonic()
        while times and times[0] <= now - self._span_s:
            times.popleft()
        if len(times) >= self._at_most:
            raise Overloaded(self._what, max(0.1, times[0] + self._span_s - now))
        times.append(now)

    def _times_of(self, key: str) -> deque[float]:
        times = self._times.setdefault(key, deque())
        self._times.move_to_end(key)
        while len(self._times) > MAX_KEYS:
            self._times.popitem(last=False)
        return times
