"""Every rule that a judge may name is explained where an operator looks, and the figures count rules that exist."""

import re
from pathlib import Path

from chaos import judgement

ROOT = Path(__file__).parents[2]
JUDGES = [ROOT / "libs/testkit/src", ROOT / "tests/chaos", ROOT / "tests/simulation", ROOT / "tests/support"]
NAMED = re.compile(r'(?:Violation|_wrong)\(\s*"([A-Z][A-Za-z]+)"')
READMES = ("libs/testkit/README.md", "tests/README.md")


def rules() -> set[str]:
    """Return the names that stand in the judges' sources."""
    sources = [path for folder in JUDGES for path in folder.rglob("*.py") if not path.name.startswith("test_")]
    return {name for path in sources for name in NAMED.findall(path.read_text(encoding="utf-8"))}


def test_every_rule_is_explained() -> None:
    explained = " ".join((ROOT / readme).read_text(encoding="utf-8") for readme in READMES)
    assert len(rules()) > 30
    assert {name for name in rules() if f"`{name}`" not in explained} == set()


def test_what_the_last_line_of_a_chaos_run_counts_are_rules() -> None:
    assert rules() >= judgement.LOST | judgement.DOUBLE | judgement.ORPHANS
