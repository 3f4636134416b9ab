"""What a service exports stands in its README, and what tests share in theirs."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ROOT / "services"
METRIC = r'(?:Gauge|Counter|Histogram|Family|_gauge|_counter)\(\s*f?"(?:trunkline_{service}_|{{PREFIX}}_)?(\w+)"'


def declared_metrics(service: str) -> set[str]:
    text = (SERVICES / service / f"src/trunkline_{service}/metrics.py").read_text(encoding="utf-8")
    found = re.findall(METRIC.format(service=service), text)
    return {name.removesuffix("_total") for name in found}


@pytest.mark.parametrize("service", sorted(path.parent.name for path in SERVICES.glob("*/README.md")))
def test_a_readme_names_every_metric_of_its_service(service):
    readme = (SERVICES / service / "README.md").read_text(encoding="utf-8")
    listed = {word.removeprefix(f"trunkline_{service}").strip("_") for word in re.findall(r"\w+", readme)}
    declared = declared_metrics(service)
    assert len(declared) > 1
    assert sorted(declared - {word.removesuffix("_total") for word in listed}) == []


def test_the_platforms_readme_names_the_metrics_of_every_service():
    metrics = (ROOT / "libs/platform/src/trunkline_platform/metrics.py").read_text(encoding="utf-8")
    readme = (ROOT / "libs/platform/README.md").read_text(encoding="utf-8")
    declared = set(re.findall(r'"(trunkline_\w+)"', metrics))
    assert len(declared) > 5
    assert sorted(name for name in declared if f"`{name}`" not in readme and f"`{name}_total`" not in readme) == []


def test_the_readme_of_the_tests_lists_exactly_the_modules_they_share():
    readme = (ROOT / "tests/README.md").read_text(encoding="utf-8")
    rows = [line.split(" | ")[0] for line in readme.splitlines() if line.startswith("| `") and "/`" not in line]
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(
        path.stem for path in ROOT.glob("tests/support/*.py")
    )
