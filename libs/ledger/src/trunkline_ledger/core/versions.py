"""Stream versions: 1, 2, 3, … per aggregate without gaps. Must not: know what an aggregate is."""

from trunkline_core.tables import Journal, Table


class Versions:
    """The newest version of each stream of one partition."""

    def __init__(self, journal: Journal) -> None:
        self._newest: Table[str, int] = Table(journal)

    def of(self, stream_id: str) -> int:
        """Return the newest version, 0 for a stream without events."""
        return self._newest.get(stream_id) or 0

    def advance(self, stream_id: str, version: int) -> None:
        """Record an event of the stream."""
        self._newest.put(stream_id, version)
