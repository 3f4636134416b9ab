"""The ledger checker: an outside judge that reads only Kafka and what clients wrote down.

Owns: its own epoch logic, on purpose not the ledger's, so that it can find bugs there.
Must not: import anything of trunkline_ledger, or ask a service.
"""

from trunkline_testkit.checker.journal import ClientJournal, Entry, read_journal
from trunkline_testkit.checker.log import LedgerLog, LogRecord
from trunkline_testkit.checker.rules import SourcedRow, check, check_times, compare, contradictions, stale_rows
from trunkline_testkit.checker.violation import Violation

__all__ = [
    "ClientJournal",
    "Entry",
    "LedgerLog",
    "LogRecord",
    "SourcedRow",
    "Violation",
    "check",
    "check_times",
    "compare",
    "contradictions",
    "read_journal",
    "stale_rows",
]
