"""What the tools print: a table for people, and at the end one JSON object for programs."""

import json
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from trunkline_ledger.audit.problems import Problem

WIDTH = 160  # also where the output goes into a file


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under headings, numbers to the right."""
    table = Table(box=None, pad_edge=False, header_style="")
    found = [list(row) for row in rows]
    for place, name in enumerate(columns):
        is_number = all(isinstance(row[place], int) for row in found)
        table.add_column(name, justify="right" if is_number else "left", no_wrap=True)
    for row in found:
        table.add_row(*map(str, row))
    console = Console(width=WIDTH, file=sys.stdout, markup=False, highlight=False, emoji=False)
    console.print(table)


def print_problems(problems: Iterable[Problem]) -> None:
    """Print one line each."""
    for problem in problems:
        print(f"{problem.rule} at {problem.place}: {problem.detail}")


def print_json(**values: object) -> None:
    """Print the last line."""
    print(json.dumps(values), flush=True)
