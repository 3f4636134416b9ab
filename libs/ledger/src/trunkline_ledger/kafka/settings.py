"""How a ledger uses Kafka. Durations in seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """Bounds and time-outs of one replica.

    Attributes:
        session_timeout_s: after this silence another replica takes over: the outage after a SIGKILL. The broker must
            allow it (`group.min.session.timeout.ms`); where it does not, `fallback_session_timeout_s` is used.
        append_timeout_s: longer than the broker's session, so that a broker's death is a delay, not an unknown
            outcome (rule 10).
        stalled_after_s: an append that takes longer makes new commands be refused at once instead of queued.
        command_timeout_s: how long a command may wait when its caller names no deadline.
        partitions: of a topic that is not in the catalogue when it is created; tests have such topics.
        replication_factor: of the topic when it is created.
        join_lag: records behind the end beyond which a replica does not ask for partitions (rule 1).
        membership_poll_s: a member that does not poll leaves the group silently.
        fetch_max_wait_ms: how long the broker may hold a fetch that has nothing to return.
        snapshot_every: records of a partition after which its owner has a snapshot made (rule 16).
        freezes_memory: whether the process lives for this ledger: then no collection need look again at what recovery
            left; false where replicas come and go in one process, as in a simulation.
    """

    session_timeout_s: float = 3.0
    fallback_session_timeout_s: float = 6.0
    append_timeout_s: float = 8.0
    stalled_after_s: float = 2.0
    command_timeout_s: float = 10.0
    partitions: int = 4
    replication_factor: int = 1
    join_lag: int = 1_000
    membership_poll_s: float = 0.2
    fetch_max_wait_ms: int = 500
    snapshot_every: int = 50_000
    freezes_memory: bool = True
