"""`trunkline ledger verify`: is every ledger what the rules promise?"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from trunkline.topics import TOPICS
from trunkline_core.errors import Misconfigured
from trunkline_ledger.audit.letting_go import let_go
from trunkline_ledger.audit.problems import Problem
from trunkline_ledger.audit.stored import RecordSource
from trunkline_ledger.audit.verification import PartitionAudit, PartitionReport
from trunkline_ledger.kafka.topics import verify_topics
from trunkline_ledger.service import LedgerService

from trunkline_operator.ledgers import chosen
from trunkline_operator.report import print_json, print_problems, print_table
from trunkline_operator.snapshots import damaged_snapshots

COLUMNS = ("topic", "partition", "records", "effective", "void", "epochs", "commands", "streams", "problems")


async def verify(source: RecordSource, topics: Sequence[str], settings_of: str = "") -> int:
    """Read the ledgers from their beginning, print what they hold and what is wrong; return the number of problems.

    Args:
        source: where they are.
        topics: which; all when empty.
        settings_of: the cluster whose topic settings and snapshots are checked too; empty where the source is none.
    """
    reports = [report async for report in _reports(source, chosen(topics))]
    beside = await _wrong_settings(settings_of, list(chosen(topics)))
    beside += [wrong for topic in chosen(topics) for wrong in await damaged_snapshots(settings_of, topic)]
    print_table(COLUMNS, map(_row, reports))
    print_problems([*beside, *(problem for report in reports for problem in report.problems.first)])
    count = sum(report.problems.count for report in reports) + len(beside)
    print_json(
        ledgers=len(chosen(topics)),
        records=sum(report.records for report in reports),
        effective=sum(report.effective for report in reports),
        void=sum(report.void for report in reports),
        problems=count,
    )
    return count


async def _reports(
    source: RecordSource, services: dict[str, LedgerService[Any, Any, Any]]
) -> AsyncIterator[PartitionReport]:
    for topic, service in services.items():
        ends = await source.ends(topic)
        for partition in ends:
            audit = PartitionAudit(service, partition, len(ends), await let_go(source, topic, partition))
            async for records in source.records(topic, partition):
                for record in records:
                    audit.read(record.read(partition))
            yield audit.report()


async def _wrong_settings(bootstrap_servers: str, topics: Sequence[str]) -> list[Problem]:
    """Settings that may lose or move records (ledger rule 22)."""
    found: list[Problem] = []
    for topic in topics if bootstrap_servers else ():
        try:
            await verify_topics(bootstrap_servers, [TOPICS[topic]])
        except Misconfigured as error:
            found.append(Problem("TopicSettings", topic, str(error)))
    return found


def _row(report: PartitionReport) -> tuple[object, ...]:
    return (
        report.topic,
        report.partition,
        report.records,
        report.effective,
        report.void,
        report.epochs,
        report.commands,
        report.streams,
        report.problems.count,
    )
