"""`trunkline ledger skip`: a record that stopped a partition is let go, for good and for every reader (ledger rule 21).

Must not: judge whether the record is poison: the operator looked at it, with `tail` and the log of the service.
"""

from trunkline_core.errors import Misconfigured
from trunkline_ledger.skipping import RecordsFollow, append_skip

from trunkline_operator.ledgers import chosen
from trunkline_operator.report import print_json


async def skip(
    kafka: str, topic: str, partition: int, offset: int, reason: str, operator: str, *, following_count: int
) -> None:
    """Let the record at `offset` go. Raises: Misconfigured when nothing was written; Invalid, Conflict, Transient."""
    chosen([topic])
    try:
        done = await append_skip(kafka, topic, partition, offset, reason, operator, following_count=following_count)
    except RecordsFollow as found:
        raise Misconfigured(
            f"{found.count} records that take effect follow it, and stay as they are: look at them with ledger tail, "
            f"then say --following {found.count}."
        ) from None
    print_json(topic=topic, partition=partition, let_go=offset, skip_at=done.offset, epoch=done.epoch)
