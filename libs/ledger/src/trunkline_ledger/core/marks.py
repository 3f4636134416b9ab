"""How far each process manager has been answered here, for ever (ledger rule 13). Must not: know what managers do."""

from dataclasses import dataclass

from trunkline_core.tables import Journal, Table

from trunkline_ledger.submission import ManagerSource


@dataclass(frozen=True, slots=True)
class Mark:
    """The highest input applied: everything up to (offset, ordinal) is done; `epoch` is that record's."""

    offset: int
    ordinal: int
    epoch: int


class Marks:
    """Marks of one partition by manager, source topic and source partition."""

    def __init__(self, journal: Journal) -> None:
        self._marks: Table[tuple[str, str, int], Mark] = Table(journal)

    def get(self, manager: str, topic: str, partition: int) -> Mark | None:
        """Return the mark, None when this manager's input never reached this partition."""
        return self._marks.get((manager, topic, partition))

    def is_applied(self, source: ManagerSource) -> bool:
        """Tell whether this input, or a later one, was applied already."""
        mark = self.get(source.manager, source.topic, source.partition)
        return mark is not None and (source.offset, source.ordinal) <= (mark.offset, mark.ordinal)

    def advance(self, source: ManagerSource) -> None:
        """Remember the input as applied."""
        key = (source.manager, source.topic, source.partition)
        self._marks.put(key, Mark(source.offset, source.ordinal, source.epoch))
