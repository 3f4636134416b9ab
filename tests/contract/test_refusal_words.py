"""Whatever refuses an agent has words in both languages, and no words stand there that nothing says.

acd's README has one sentence for each of its rules.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from trunkline_acd.domain.words import Trigger
from trunkline_core.errors import Conflict, Erased, Invalid, NotFound, Overloaded, Transient
from trunkline_ledger.submission import Defect, Expired, NotOwner, OutcomeUnknown
from trunkline_platform.credentials import Forbidden, Unauthenticated

SERVICES = Path(__file__).resolve().parents[2] / "services"
WEB = SERVICES / "console" / "web" / "src" / "i18n"

# What the page itself says, without a server.
OF_THE_PAGE = {"prefix", "Timeout", "Unreachable"}
# What channels calls a refusal of acd that has no rule.
OF_A_STEP = {"UnknownAgent", "UnknownQueue"}
# A refusal without a rule goes by its kind, over the socket as over REST.
KINDS = {
    kind.__name__
    for kind in (
        NotFound, Erased, Conflict, Invalid, Overloaded, Transient, NotOwner, OutcomeUnknown, Defect, Unauthenticated,
        Forbidden,
    )
}  # fmt: skip
# Only services, gateways and definitions hear these; the desk has no command that they refuse.
NOT_AT_A_DESK = {
    "CallbackAlreadyOpen", "CallbackNotOffered", "CallbackNotPossible",
    "NoCallback", "TooManyCallbacks",
    "ConnectNotAwaited", "ContactAlreadyQueued", "EntryPointTaken", "InputNotAwaited",
    "StaleStep", "WrapUpNotExtendable",
    "ContactAlreadyParked", "ContactNotParked", "CustomerAlreadyWaits", "ParkingOff", "TooManyParked",
    "ChoiceUnderWay", "InThatQueue", "RingsAlready", "TooManyChoices",
}  # fmt: skip


def raised_rules() -> set[str]:
    return {rule for service in ("acd", "channels", "crm", "ticketing") for rule in rules_of(service)}


def rules_of(service: str) -> set[str]:
    domain = SERVICES / service / f"src/trunkline_{service}/domain"
    return {rule for path in domain.rglob("*.py") for rule in rules_in(path)}


def rules_in(path: Path) -> Iterator[str]:
    """A rule is given to `Rejection`, or to `contact_for`, which passes it on: as a text in the source in any case."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Name("Rejection"), args=[ast.Name("rule_when_over")]):
                continue
            case ast.Call(func=ast.Name("Rejection"), args=[ast.Constant(str(rule)), _]):  # with what stands in the way
                yield rule
            case ast.Call(func=ast.Name("Rejection" | "contact_for"), args=[*_, ast.Constant(str(rule))]):
                yield rule
            case ast.Call(func=ast.Name("Rejection" | "contact_for")):
                raise AssertionError(f"{path}:{node.lineno} names no rule")


def worded(language: str) -> set[str]:
    text = (WEB / f"{language}.ts").read_text(encoding="utf-8")
    block = re.search(r"^  refusal: \{\n(.*?)^  \},$", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    return set(re.findall(r"^    (\w+):", block[1], re.MULTILINE))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_refusal_that_a_desk_can_meet_has_words_and_no_words_are_left_over(language: str) -> None:
    said = (raised_rules() - NOT_AT_A_DESK) | {Expired().rule} | KINDS | OF_THE_PAGE | OF_A_STEP
    assert sorted(worded(language)) == sorted(said)


def test_what_is_said_not_to_reach_a_desk_is_still_raised() -> None:
    assert sorted(NOT_AT_A_DESK - raised_rules()) == []


def test_the_readme_of_acd_says_of_each_refusal_what_it_means() -> None:
    readme = (SERVICES / "acd/README.md").read_text(encoding="utf-8")
    table = readme.split("| rule | says |")[1].split("\n\n")[0]
    explained = re.findall(r"^\| `(\w+)` \| \S.* \|$", table, re.MULTILINE)
    assert sorted(explained) == sorted(rules_of("acd"))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_trigger_of_an_offer_has_words(language: str) -> None:
    text = (WEB / f"{language}.ts").read_text(encoding="utf-8")
    block = re.search(r"^    trigger: \{\n(.*?)^    \},$", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    assert set(re.findall(r"^      (\w+):", block[1], re.MULTILINE)) == set(Trigger)
