"""What the tools print: a table for people, how a figure stands in it, and at the end one JSON object for programs.

An empty figure, of which nothing can be said, is None, and a dash in a table: 0 would be a figure.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from trunkline_ledger.audit.problems import Problem
from trunkline_simulation.estimates import Estimate

WIDTH = 160  # also where the output goes into a file
EMPTY = "–"


@dataclass(frozen=True, slots=True)
class Figure:
    """How a figure is shown: a share 0–1 as per cent, others as they are."""

    key: str
    words: str
    is_share: bool = False
    decimals: int = 1


def written(figure: Figure, value: float | None, *, is_signed: bool = False) -> str:
    """Return the value as a table shows it."""
    if value is None:
        return EMPTY
    sign = "+" if is_signed else ""
    return f"{100 * value:{sign}.1f} %" if figure.is_share else f"{value:{sign}.{figure.decimals}f}"


def written_estimate(figure: Figure, found: Estimate | None, *, is_signed: bool = False) -> str:
    """Return the mean and the half width of its interval; of a lone value there is none."""
    if found is None:
        return EMPTY
    mean = written(figure, found.mean, is_signed=is_signed)
    return mean if found.half_width is None else f"{mean} ± {written(figure, found.half_width)}"


def estimate_json(found: Estimate | None) -> dict[str, float | None]:
    """Return what the last line says of a figure."""
    if found is None:
        return {"mean": None, "half_width_95": None, "spread": None}
    return {"mean": found.mean, "half_width_95": found.half_width, "spread": found.spread}


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
