"""A tenant's routing policy, as an administrator sees and changes it from the command line.

Owns: the talk with console's REST and what is printed. Must not: decide what a policy may be; console does.
"""

import getpass
import json
import os
from collections.abc import Iterable, Mapping
from http.client import HTTPException
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

import yaml
from trunkline_core.errors import Misconfigured
from trunkline_platform.commands import new_command_id

POLICY: Final = "/api/v1/routing-policy"
TIMEOUT_S: Final = 30.0
PASSWORD: Final = "TRUNKLINE_PASSWORD"
SIDES: Final = {"A": "A, the baseline", "B": "B, the candidate"}
_ONLY_FOR_WHAT_IF: Final = "agents"


class PolicyClient:
    """One administrator's session with console."""

    def __init__(self, url: str, login: str, password: str, opener: OpenerDirector | None = None) -> None:
        """Raises: Misconfigured when nobody answers, or login or password is wrong."""
        self._url = url.rstrip("/")
        self._opener = opener or build_opener(HTTPCookieProcessor(CookieJar()))
        self._ask("POST", "/api/login", {"login": login, "password": password})

    def get(self, path: str = "") -> Any:
        """Return what stands below the policy. Raises: Misconfigured, one sentence."""
        return self._ask("GET", POLICY + path)

    def check(self, wanted: Mapping[str, Any]) -> Any:
        """Return what would change. Raises: Misconfigured, naming the field."""
        return self._ask("POST", f"{POLICY}/check", wanted)

    def publish(self, wanted: Mapping[str, Any], note: str, based_on: int) -> Any:
        """Return the new version. Raises: Misconfigured, naming the field, or what changed meanwhile."""
        body = {**wanted, "note": note, "command_id": new_command_id()}
        return self._ask("PUT", POLICY, body, based_on)

    def roll_back(self, version: int, note: str, based_on: int) -> Any:
        """Return the new version. Raises: Misconfigured."""
        body = {"to_version": version, "note": note, "command_id": new_command_id()}
        return self._ask("POST", f"{POLICY}/rollback", body, based_on)

    def start_trial(self, wanted: Mapping[str, Any], note: str, based_on: int) -> Any:
        """Return the trial's number, its begin and its end. Raises: as publish."""
        body = {**wanted, "note": note, "command_id": new_command_id()}
        return self._ask("POST", f"{POLICY}/trials", body, based_on)

    def end_trial(self, trial_no: int) -> Any:
        """Return whether it was running. Raises: Misconfigured."""
        return self._ask("POST", f"{POLICY}/trials/{trial_no}/end", {"command_id": new_command_id()})

    def _ask(self, method: str, path: str, body: Any = None, based_on: int | None = None) -> Any:
        headers = {"content-type": "application/json", "x-trunkline": "1"}
        if based_on is not None:
            headers["if-match"] = f'"{based_on}"'
        data = None if body is None else json.dumps(body).encode()
        request = Request(self._url + path, data, headers, method=method)
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                return json.load(answer)
        except HTTPError as refused:
            raise Misconfigured(_refusal(refused)) from None
        except (URLError, OSError, HTTPException, ValueError) as error:
            raise Misconfigured(f"Console does not answer at {self._url}: {error}.") from None


def _refusal(refused: HTTPError) -> str:
    try:
        document = json.load(refused)
        lines = [f"{document.get('detail') or document.get('title')}."]
    except (ValueError, AttributeError):
        return f"Console answers {refused.code}."
    if refused.code == 412 and document.get("queues"):
        lines += ["Since then:", *difference_lines(document["queues"])]
    return "\n".join(lines)


def log_in(url: str, login: str) -> PolicyClient:
    """Return a session; the password is that of the environment, or asked for. Raises: Misconfigured."""
    return PolicyClient(url, login, os.environ.get(PASSWORD) or getpass.getpass(f"password of {login}: "))


def read_policy_file(path: Path) -> dict[str, Any]:
    """Return the policy of a file as what-if reads it, without its agents. Raises: Misconfigured."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Misconfigured(f"The policy {path.name} cannot be read: {' '.join(str(error).split())}.") from None
    if not isinstance(content, dict):
        raise Misconfigured(f"The policy {path.name} is wrong in its first line: must be fields with values.")
    return {str(name): rows for name, rows in content.items() if name != _ONLY_FOR_WHAT_IF and rows is not None}


def difference_lines(queues: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a line for each queue that differs and each of its fields."""
    lines = []
    for queue in queues:
        lines.append(f"{queue['queue_id']} {queue['change']}")
        lines += [f"  {each['field']}: {_short(each['from'])} -> {_short(each['to'])}" for each in queue["fields"]]
    return lines or ["nothing differs"]


def version_lines(versions: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a line for each version."""
    return [
        "  ".join(
            str(part)
            for part in (
                version["version"],
                version["published_time"],
                version["actor"],
                ", ".join(version["changed_queues"]),
                f"as in {version['rolled_back_to']}" if version["rolled_back_to"] else "",
                version["note"],
            )
            if part
        )
        for version in versions
    ]


def trial_lines(trials: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a line for each trial, and below it one for each block that began."""
    lines = []
    for trial in trials:
        queues = ", ".join(queue["queue_id"] for queue in trial["queues"])
        plan = f"{trial['pairs']} pairs of {trial['block_duration']}, {trial['start_time']} to {trial['end_time']}"
        parts = (trial["trial_no"], trial["phase"], plan, trial["actor"], queues, trial["note"])
        lines.append("  ".join(str(part) for part in parts if part))
        for block in trial["blocks"]:
            span = f"{block['begin_time']} - {block['end_time']}"
            lines.append(f"  {block['block']} {block['policy']}  {span}  version {block['version']}")
    return lines or ["no trial"]


def policy_text(policy: Mapping[str, Any]) -> str:
    """Return the policy as a file that can be published again; whether a trial put it in force is said in a comment."""
    queues = yaml.safe_dump({"queues": policy["queues"]}, allow_unicode=True, sort_keys=False)
    turn = f"# {turn_line(policy['trial'])}\n" if policy["trial"] else ""
    return f"# version {policy['version']}\n{turn}{queues}"


def turn_line(trial: Mapping[str, Any]) -> str:
    """Return whose turn it is in a trial that runs."""
    if trial["block"] is None:
        return f"trial {trial['trial_no']} waits for its first block at {trial['next_time']}"
    place = f"trial {trial['trial_no']}, block {trial['block']} of {trial['blocks']}"
    return f"{place}: {SIDES[trial['policy']]}, is in force until {trial['next_time']}"


def started_lines(started: Mapping[str, Any], based_on: int, changes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what is compared with what, and when."""
    return [
        f"trial {started['trial_no']}, {started['start_time']} to {started['end_time']}",
        f"{SIDES['A']}: version {based_on}",
        f"{SIDES['B']}:",
        *(f"  {line}" for line in difference_lines(changes)),
    ]


def outcome_line(outcome: Mapping[str, Any]) -> str:
    """Return what a change led to."""
    return f"version {outcome['version']}" + ("" if outcome["changed"] else " stays: nothing changes")


def _short(value: Any) -> str:
    return "unset" if value is None else json.dumps(value, ensure_ascii=False)
