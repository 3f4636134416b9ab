"""`trunkline policy` over console's REST, which is played here."""

import json
from collections.abc import Iterator
from email.message import Message
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request

import pytest
from trunkline_core.errors import Misconfigured
from trunkline_operator import commands, policies_by_rest
from trunkline_operator.installation import Installation
from trunkline_operator.policies_by_rest import POLICY, PolicyClient, read_policy_file

CHANGE = {"queue_id": "qu_a", "change": "changed", "fields": [{"field": "max_misses", "from": None, "to": 3}]}
DONE = {"version": 8, "changed": True}
VERSION = {
    "version": 7,
    "published_time": "2026-01-05T09:00:00+00:00",
    "actor": "admin:us_1",
    "note": "calmer",
    "rolled_back_to": 5,
    "changed_queues": ["qu_a", "qu_b"],
}
ANSWERS: dict[str, Any] = {
    "/api/login": {},
    "/api/v1/routing-policy": {"version": 7, "queues": [{"queue_id": "qu_a", "max_misses": 3}], "trial": None},
    "/api/v1/routing-policy/versions": {"versions": [VERSION]},
    "/api/v1/routing-policy/check": {"version": 7, "queues": [CHANGE]},
    "/api/v1/routing-policy/compare?from=6&to=7": {"queues": []},
    "/api/v1/routing-policy/rollback": DONE,
    "/api/v1/routing-policy/trials": {
        "trial_no": 3,
        "start_time": "2026-01-05T09:00:00+00:00",
        "end_time": "2026-01-05T21:00:00+00:00",
    },
}


class Console:
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None, Any]] = []
        self.refusal: tuple[int, dict[str, Any]] | None = None

    def open(self, request: Request, timeout: float) -> BytesIO:
        path = request.full_url.removeprefix("http://console")
        body = json.loads(request.data) if isinstance(request.data, bytes) else None
        self.asked.append((path, request.get_header("If-match"), body))
        assert request.get_header("X-trunkline") == "1"
        if self.refusal and request.get_method() != "GET" and path != "/api/login":
            status, document = self.refusal
            raise HTTPError(request.full_url, status, "refused", Message(), BytesIO(json.dumps(document).encode()))
        return BytesIO(json.dumps(DONE if request.get_method() == "PUT" else ANSWERS[path]).encode())


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    played = Console()
    monkeypatch.setenv(policies_by_rest.PASSWORD, "a password")
    monkeypatch.setattr(policies_by_rest, "build_opener", lambda *_: played)
    yield played


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text("queues:\n- {queue_id: qu_a, max_misses: 3}\nagents: [{agent_id: ag_1}]\nevery_queue:\n")
    return path


def run(*arguments: str) -> int:
    installation = Installation("nowhere:1", "mongodb://nowhere", "none", Path("nowhere"), None, "http://console")
    return commands.carry_out(["policy", *arguments], installation)


def test_show_prints_a_file_that_can_be_published_again(
    console: Console, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run("show") == 0
    (tmp_path / "shown.yaml").write_text(shown := capsys.readouterr().out)
    assert shown.startswith("# version 7")
    assert read_policy_file(tmp_path / "shown.yaml") == {"queues": ANSWERS["/api/v1/routing-policy"]["queues"]}


def test_versions_and_differences_are_lines_to_read(console: Console, capsys: pytest.CaptureFixture[str]) -> None:
    assert (run("versions"), run("diff", "6", "7")) == (0, 0)
    told = "7  2026-01-05T09:00:00+00:00  admin:us_1  qu_a, qu_b  as in 5  calmer"
    assert capsys.readouterr().out.splitlines() == [told, "nothing differs"]


def test_a_file_for_what_if_is_checked_and_published_without_its_agents(
    console: Console, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (run("check", str(file)), run("publish", str(file), "--note", "why")) == (0, 0)
    assert capsys.readouterr().out.splitlines() == ["qu_a changed", "  max_misses: unset -> 3", "version 8"]
    path, if_match, body = console.asked[-1]
    assert (path, if_match, body.pop("command_id") != "") == ("/api/v1/routing-policy", '"7"', True)
    assert body == {"queues": [{"queue_id": "qu_a", "max_misses": 3}], "note": "why"}


@pytest.mark.parametrize(
    ("turn", "said"),
    [
        ({"block": 3, "policy": "B"}, "trial 1, block 3 of 12: B, the candidate, is in force until noon"),
        ({"block": 4, "policy": "A"}, "trial 1, block 4 of 12: A, the baseline, is in force until noon"),
        ({"block": None, "policy": None}, "trial 1 waits for its first block at noon"),
    ],
)
def test_show_says_that_a_trial_put_the_policy_in_force(
    console: Console, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], turn: Any, said: str
) -> None:
    shown = ANSWERS[POLICY] | {"trial": {"trial_no": 1, "blocks": 12, "next_time": "noon", **turn}}
    monkeypatch.setitem(ANSWERS, POLICY, shown)
    assert run("show") == 0
    assert capsys.readouterr().out.splitlines()[:3] == ["# version 7", f"# {said}", "queues:"]


def test_whoever_starts_a_trial_is_told_its_number_its_times_and_what_it_compares(
    console: Console, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("trial", "start", str(file), "--block", "1h", "--note", "why") == 0
    assert capsys.readouterr().out.splitlines() == [
        "trial 3, 2026-01-05T09:00:00+00:00 to 2026-01-05T21:00:00+00:00",
        "A, the baseline: version 7",
        "B, the candidate:",
        "  qu_a changed",
        "    max_misses: unset -> 3",
    ]
    path, if_match, body = console.asked[-1]
    assert (path, if_match, body.pop("command_id") != "") == (f"{POLICY}/trials", '"7"', True)
    assert body == {
        "queues": [{"queue_id": "qu_a", "max_misses": 3}],
        "block_duration": "3600s",
        "pairs": 6,
        "note": "why",
    }


def test_a_roll_back_is_based_on_the_version_that_the_operator_looked_at(console: Console) -> None:
    assert run("rollback", "5", "--based-on", "6") == 0
    path, if_match, body = console.asked[-1]
    assert (path, if_match, body["to_version"]) == ("/api/v1/routing-policy/rollback", '"6"', 5)


def test_a_policy_that_changed_meanwhile_is_told_with_what_changed(console: Console, file: Path) -> None:
    console.refusal = 412, {"detail": "PolicyChangedMeanwhile: the current version is 8", "queues": [CHANGE]}
    with pytest.raises(Misconfigured) as told:
        run("publish", str(file))
    assert str(told.value).splitlines() == [
        "PolicyChangedMeanwhile: the current version is 8.",
        "Since then:",
        "qu_a changed",
        "  max_misses: unset -> 3",
    ]


def test_a_mistake_is_the_sentence_of_console_that_names_the_field(console: Console, file: Path) -> None:
    console.refusal = 422, {"detail": "queues[0].max_misses: must be 1 to 100", "field": "queues[0].max_misses"}
    with pytest.raises(Misconfigured, match=r"^queues\[0\].max_misses: must be 1 to 100\.$"):
        run("check", str(file))


def test_a_console_that_does_not_answer_is_one_sentence() -> None:
    class Away:
        def open(self, request: Request, timeout: float) -> BytesIO:
            raise URLError("refused")

    opener: Any = Away()
    with pytest.raises(Misconfigured, match=r"^Console does not answer at http://console: "):
        PolicyClient("http://console", "admin", "a password", opener)


@pytest.mark.parametrize("text", ["queues: [", "- 1"])
def test_a_file_of_the_wrong_form_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(Misconfigured, match=r"^The policy p.yaml (cannot be read|is wrong in its first line)"):
        read_policy_file(tmp_path / "p.yaml")
