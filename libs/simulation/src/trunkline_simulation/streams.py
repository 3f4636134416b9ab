"""Random streams: each use draws from its own, so that one more draw here changes nothing there.

Two runs with one seed differ only by what was changed on purpose; their difference has less noise than either (common
random numbers). Must not: share a stream between two uses.
"""

from random import Random


def stream(seed: int, *names: object) -> Random:
    """Return the stream of that use, for example `stream(1, "patience", row.line)`; the same on every machine."""
    return Random("/".join(map(str, (seed, *names))))
