"""What happened in one ledger since the process started: plain numbers, which a metrics adapter elsewhere reads."""

from dataclasses import dataclass


@dataclass(slots=True)
class LedgerStats:
    """Counters.

    Attributes:
        folded: records read from the log.
        void_records: records read that took no effect: of an old epoch, or without a valid one (alert on these).
        batches, appended: group commits, and the records in them that became effective.
        decided, rejected, overloaded: commands carried out or refused, by why.
        defects: commands that failed by a defect of the rules (alert).
        displaced_batches: batches that found another's records before them.
        unknown_outcomes: appends whose fate the caller was not told.
        takeovers, losses: epochs begun here, and ended.
        rebuilds: partitions dropped and read again because the log lost its tail (alert).
        poisoned: partitions stopped by a record that cannot be applied (alert).
        skipped: records passed over because an operator let them go.
        stuck_timers: timers whose command led to no event that replaces them (a defect of the rules).
        watcher_failures: watchers that raised.
        manager_failures: attempts of process managers that a record or a defect stopped; they are repeated (alert).
        reconnects: clients built anew.
        snapshots_read: partitions that began from a snapshot.
        snapshots_refused: snapshots that were not used, because they were damaged, of another log or too new (alert).
        snapshots_made: snapshots written for partitions owned here.
        snapshots_failed: attempts at one that came to nothing; they are repeated (alert).
    """

    folded: int = 0
    void_records: int = 0
    batches: int = 0
    appended: int = 0
    decided: int = 0
    rejected: int = 0
    overloaded: int = 0
    defects: int = 0
    displaced_batches: int = 0
    unknown_outcomes: int = 0
    takeovers: int = 0
    losses: int = 0
    rebuilds: int = 0
    poisoned: int = 0
    skipped: int = 0
    stuck_timers: int = 0
    watcher_failures: int = 0
    manager_failures: int = 0
    reconnects: int = 0
    snapshots_read: int = 0
    snapshots_refused: int = 0
    snapshots_made: int = 0
    snapshots_failed: int = 0
