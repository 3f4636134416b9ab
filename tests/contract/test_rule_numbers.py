"""Every rule that code cites by number stands in docs/rules under that number, and every rule is cited."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("libs", "services", "demo", "launcher", "operations", "tests")
CITED = re.compile(r"\b(?:(ledger|routing) )?rules? (\d+(?:(?:, | and | to |–)\d+)*)", re.IGNORECASE)
AT_HOME = {"libs/ledger": "ledger", "services/acd": "routing"}
"""Where "rule 4" needs no first name."""
KEPT_IN = {"ledger": ("libs/ledger/src", "libs/platform/src"), "routing": ("services/acd/src",)}
SHOWN_IN = {"ledger": ("libs/ledger/tests", "libs/platform/tests"), "routing": ("services/acd/tests",)}
ELSEWHERE = {("routing", 17): ("libs/core", "services/ivr"), ("routing", 18): ("services/channels",)}
"""Not kept by acd: opening hours by `trunkline_core.hours` and the flows; what plays in a queue by channels."""


def written(page: str) -> list[int]:
    text = (ROOT / "docs/rules" / f"{page}.md").read_text(encoding="utf-8")
    return [int(number) for number in re.findall(r"^### (\d+)\. ", text, re.MULTILINE)]


def kept(page: str) -> list[int]:
    """The rules of which something is built: their text begins with it, and not with *Not built*."""
    text = (ROOT / "docs/rules" / f"{page}.md").read_text(encoding="utf-8")
    rules = re.findall(r"^### (\d+)\. .*\n(?!\*Not built)", text, re.MULTILINE)
    return [int(number) for number in rules if (page, int(number)) not in ELSEWHERE]


def home_of(path: Path) -> str | None:
    return next((page for folder, page in AT_HOME.items() if path.is_relative_to(ROOT / folder)), None)


def cited_in(text: str, home: str | None) -> Iterator[tuple[str | None, int]]:
    """Each cited rule as (page, number); the page is None where nobody could tell."""
    for page, numbers in CITED.findall(text):
        for stretch in re.split(", | and ", numbers):
            first, *last = (int(number) for number in re.split("–| to ", stretch))
            yield from ((page.lower() or home, number) for number in range(first, (last or [first])[0] + 1))


def sources() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from (path for path in (ROOT / folder).rglob("*.py") if not path.is_relative_to(ROOT / "libs/protos"))


@pytest.mark.parametrize("page", ["ledger", "routing"])
def test_rules_are_numbered_without_a_gap(page):
    numbers = written(page)
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 20


def test_every_cited_rule_is_written():
    known = {(page, number) for page in ("ledger", "routing") for number in written(page)}
    cited = {
        (str(path.relative_to(ROOT)), rule)
        for path in sources()
        if path != Path(__file__).resolve()
        for rule in cited_in(path.read_text(encoding="utf-8"), home_of(path))
    }
    assert len(cited) > 50
    assert [each for each in sorted(cited, key=str) if each[1] not in known] == []


@pytest.mark.parametrize("folders", [KEPT_IN, SHOWN_IN], ids=["kept by a module", "shown by a test"])
@pytest.mark.parametrize("page", ["ledger", "routing"])
def test_every_rule_that_is_built_is_cited(page, folders):
    cited = cited_below(*folders[page])
    assert len(kept(page)) > 10
    assert [number for number in kept(page) if (page, number) not in cited] == []


@pytest.mark.parametrize("part", ["src", "tests"])
@pytest.mark.parametrize(
    ("rule", "home"), [(rule, home) for rule, homes in ELSEWHERE.items() for home in homes], ids=str
)
def test_rule_that_acd_does_not_keep_is_cited_where_it_is_kept_and_shown(rule, home, part):
    assert rule in cited_below(f"{home}/{part}")


def cited_below(*folders: str) -> set[tuple[str | None, int]]:
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return {rule for path in paths for rule in cited_in(path.read_text(encoding="utf-8"), home_of(path))}


def test_ranges_and_lists_of_rules_are_taken_apart():
    assert list(cited_in("(ledger rules 1–3, 5 and 9)", None)) == [("ledger", number) for number in (1, 2, 3, 5, 9)]
    assert list(cited_in("rule 21", "routing")) == [("routing", 21)]
    assert list(cited_in("rule 21", None)) == [(None, 21)]
