"""`trunkline ledger replay`: do today's rules decide the recorded commands as they were decided then?"""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any

from trunkline_core.decider import Context
from trunkline_ledger.audit.letting_go import let_go
from trunkline_ledger.audit.replay import PartitionReplay, ReplayReport
from trunkline_ledger.audit.stored import RecordSource
from trunkline_ledger.service import LedgerService

from trunkline_operator.ledgers import chosen
from trunkline_operator.report import print_json, print_problems, print_table

COLUMNS = ("topic", "partition", "records", "commands", "different", "problems", "state hash")


async def replay(source: RecordSource, topics: Sequence[str], until: datetime | None = None) -> int:
    """Decide the ledgers again, print what differs and the hash of each partition's state; return the problems.

    Args:
        source: where they are.
        topics: which; all when empty.
        until: log time; what was decided later is left out.
    """
    reports = [report async for report in _reports(source, chosen(topics), until)]
    print_table(COLUMNS, map(_row, reports))
    for report in reports:
        if report.first_difference:
            print(f"{report.topic}/{report.partition}: {report.first_difference}")
    print_problems(problem for report in reports for problem in report.problems.first)
    count = sum(report.problems.count for report in reports)
    print_json(
        ledgers=len(chosen(topics)),
        commands=sum(report.commands for report in reports),
        different=sum(report.different for report in reports),
        problems=count,
        states={f"{report.topic}/{report.partition}": report.digest for report in reports},
    )
    return count


async def _reports(
    source: RecordSource, services: dict[str, LedgerService[Any, Any, Any]], until: datetime | None
) -> AsyncIterator[ReplayReport]:
    for service in services.values():
        async for report in replays(source, service, until):
            yield report


async def replays(
    source: RecordSource,
    service: LedgerService[Any, Any, Any],
    until: datetime | None = None,
    watch: Callable[[Any, Any, Context, Sequence[Any]], None] | None = None,
) -> AsyncIterator[ReplayReport]:
    """Decide one ledger again and yield what came of each partition; `until` and `watch` are those of the replay."""
    for partition in await source.ends(service.topic):
        gone = await let_go(source, service.topic, partition)
        one: PartitionReplay[Any, Any, Any] = PartitionReplay(service, partition, until, gone, watch)
        async for records in source.records(service.topic, partition):
            for record in records:
                one.read(record.read(partition))
            if one.is_over:
                break
        yield one.report()


def _row(report: ReplayReport) -> tuple[object, ...]:
    return (
        report.topic,
        report.partition,
        report.records,
        report.commands,
        report.different,
        report.problems.count,
        report.digest,
    )
