"""A YAML file becomes the policy of a recorded day.

Owns: the file's form, of which `policies/demo-day.yaml` is the example. What a definition may be is decided by the
checks of routing. Must not: play a day.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from google.protobuf import json_format
from google.protobuf.message import Message
from trunkline.directory.v1 import directory_types_pb2 as types
from trunkline_acd.domain.definitions import check_agent, check_queue
from trunkline_acd.simulation.days import Policy
from trunkline_core.errors import Invalid, Misconfigured
from trunkline_core.routing import AgentDefinition, QueueDefinition
from trunkline_platform.wire import Mapper
from trunkline_simulation.day.staff import Agent

DEFAULT: Final = Path(__file__).parent / "policies" / "demo-day.yaml"
LEVEL: Final = 3

_QUEUE: Mapper[QueueDefinition] = Mapper(QueueDefinition, types.QueueDefinition)
_AGENT: Mapper[AgentDefinition] = Mapper(AgentDefinition, types.AgentDefinition)
_SECTIONS: Final = ("every_queue", "queues", "agents")

Row = Mapping[str, Any]


def read_policy(path: Path, kinds: Iterable[str], agents: Sequence[Agent]) -> Policy:
    """Return what routing obeys on a day with these types and agents; what the file does not name stays as in DEFAULT.

    Raises: Misconfigured, naming the place and the field; OSError.
    """
    content = _content(path)
    every_queue = _content(DEFAULT)["every_queue"] | _row(path, "every_queue", content.get("every_queue") or {})
    queues = _Rows(path, "queues", "queue_id", content.get("queues") or [])
    people = _Rows(path, "agents", "agent_id", content.get("agents") or [])
    policy = Policy(
        queues={kind: _queue(path, _own_queue(kind) | every_queue, queues) for kind in kinds},
        agents={agent.name: _agent(path, _own_agent(agent), people) for agent in agents},
    )
    queues.check_all_used()
    people.check_all_used()
    return policy


class _Rows:
    """One section: rows by their id, each to be used."""

    def __init__(self, path: Path, section: str, key: str, rows: Any) -> None:
        self._path, self._section = path, section
        if not isinstance(rows, list):
            raise _wrong(path, section, "must be a list")
        self._rows: dict[str, tuple[str, Row]] = {}
        for number, found in enumerate(rows):
            place = f"{section}[{number}]"
            row = _row(path, place, found)
            row_id = str(row.get(key) or "")
            if not row_id or row_id in self._rows:
                raise _wrong(path, f"{place}.{key}", "is missing" if not row_id else "was named before")
            self._rows[row_id] = place, row
        self._used: set[str] = set()

    def of(self, row_id: str) -> tuple[str, Row]:
        """Return the place and the row of that id; without one, an empty row at the section's place."""
        self._used.add(row_id)
        return self._rows.get(row_id, (f"every_queue, for {row_id}", {}))

    def check_all_used(self) -> None:
        """Raises: Misconfigured for an id that the day does not have."""
        for row_id, (place, _) in self._rows.items():
            if row_id not in self._used:
                raise _wrong(self._path, place, f"the day has no {row_id}, but {', '.join(sorted(self._used))}")


def _content(path: Path) -> Row:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise Misconfigured(f"The policy {path.name} cannot be read: {' '.join(str(error).split())}.") from None
    content = _row(path, "its first line", content)
    for section in content:
        if section not in _SECTIONS:
            raise _wrong(path, str(section), f"is none of {', '.join(_SECTIONS)}")
    return content


def _row(path: Path, place: str, found: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise _wrong(path, place, "must be fields with values")
    return found


def _own_queue(kind: str) -> dict[str, Any]:
    return {
        "queue_id": f"qu_{kind.lower()}",
        "name": {"zh": kind, "en": kind},
        "requirements": [{"skill": kind, "min_level": 1}],
    }


def _own_agent(agent: Agent) -> dict[str, Any]:
    skills = [{"skill": skill, "level": LEVEL} for skill in sorted(agent.skills)]
    return {"agent_id": f"ag_{agent.name.lower()}", "skills": skills, "chat_capacity": 1}


def _queue(path: Path, own: dict[str, Any], rows: _Rows) -> QueueDefinition:
    place, row = rows.of(own["queue_id"])
    definition = _QUEUE.from_message(_message(path, place, own | dict(row), types.QueueDefinition()))
    try:
        return check_queue(definition)
    except Invalid as error:
        raise _wrong(path, f"{place}, {error.field.removeprefix('queue.')}", error.reason) from None


def _agent(path: Path, own: dict[str, Any], rows: _Rows) -> AgentDefinition:
    place, row = rows.of(own["agent_id"])
    definition = _AGENT.from_message(_message(path, place, own | dict(row), types.AgentDefinition()))
    try:
        return check_agent(definition)
    except Invalid as error:
        raise _wrong(path, f"{place}, {error.field.removeprefix('agent.')}", error.reason) from None


def _message(path: Path, place: str, row: Row, message: Message) -> Any:
    for field in row:
        if field not in message.DESCRIPTOR.fields_by_name:
            raise _wrong(path, f"{place}, {field}", f"is none of {', '.join(message.DESCRIPTOR.fields_by_name)}")
    try:
        return json_format.ParseDict(dict(row), message)
    except json_format.ParseError as error:
        raise _wrong(path, place, " ".join(str(error).split()).rstrip(".")) from None


def _wrong(path: Path, place: str, reason: str) -> Misconfigured:
    return Misconfigured(f"The policy {path.name} is wrong in {place}: {reason}.")
