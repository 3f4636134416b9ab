"""Writes libs/protos from protos/: messages, stubs, type hints, and the topic catalogue as Python.

`--check` generates into a temporary folder and fails when the committed code differs.
"""

import argparse
import filecmp
import os
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

import yaml
from grpc_tools import protoc

PROTOS = Path(__file__).resolve().parent
COMMITTED = PROTOS.parent / "libs" / "protos" / "src" / "trunkline"
BY_HAND = {"py.typed", "__init__.py"}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="only compare, write nothing")
    if arguments.parse_args().check:
        with tempfile.TemporaryDirectory() as folder:
            generate(Path(folder))
            stale = differences(Path(folder) / "trunkline", COMMITTED)
        if stale:
            sys.exit("libs/protos is stale, run make protos: " + ", ".join(sorted(stale)))
        return
    generate(COMMITTED.parent)


def generate(target: Path) -> None:
    """Write everything below `target`/trunkline."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # protoc looks for its plugins there
    sources = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.glob("trunkline/**/*.proto"))
    outputs = [f"--{kind}_out={target}" for kind in ("python", "grpc_python", "mypy")]
    includes = [f"-I{PROTOS}", f"-I{files('grpc_tools') / '_proto'}"]
    if protoc.main(["protoc", *includes, *outputs, f"--mypy_grpc_out={target}", *sources]):
        sys.exit(1)
    for stub in target.glob("trunkline/**/*_pb2_grpc.py*"):
        if not stub.name.removesuffix("i").removesuffix(".py").startswith(service_stems(sources)):
            stub.unlink()
    (target / "trunkline" / "topics.py").write_text(catalogue_module())


def service_stems(sources: list[str]) -> tuple[str, ...]:
    """Return the stems of files that declare a service; the other gRPC stubs are empty."""
    return tuple(Path(source).stem for source in sources if source.endswith("_service.proto"))


def catalogue_module() -> str:
    """Render protos/topics/*.yaml as a Python module."""
    topics = [yaml.safe_load(path.read_text()) for path in sorted((PROTOS / "topics").glob("*.yaml"))]
    rows = [render_topic(topic) for topic in topics]
    return TOPICS_HEAD + "TOPICS: dict[str, Topic] = {\n" + "".join(rows) + "}\n"


def render_topic(topic: dict[str, object]) -> str:
    fields = ("name", "owner", "key", "partitions", "cleanup", "retention_ms", "public")
    arguments = "".join(f"        {field}={topic[field]!r},\n" for field in fields).replace("'", '"')
    return f'    "{topic["name"]}": Topic(\n{arguments}    ),\n'


TOPICS_HEAD = '''"""The topic catalogue, generated from protos/topics, from which topics are created."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    Attributes:
        name: with its version.
        owner: the only service that writes it.
        key: what the record key is.
        partitions: when it is created; it never changes, because keys would move.
        cleanup: `delete` or `compact`.
        retention_ms: -1 keeps for ever.
        public: whether systems outside Trunkline may subscribe.
    """

    name: str
    owner: str
    key: str
    partitions: int
    cleanup: str
    retention_ms: int
    public: bool


'''


def differences(fresh: Path, committed: Path) -> set[str]:
    """Return the relative paths that differ or exist on one side only."""
    names = {
        str(path.relative_to(folder))
        for folder in (fresh, committed)
        for path in folder.rglob("*")
        if is_generated(path)
    }
    return {name for name in names if not same(fresh / name, committed / name)}


def is_generated(path: Path) -> bool:
    return path.is_file() and path.name not in BY_HAND and path.suffix in {".py", ".pyi"}


def same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and filecmp.cmp(one, other, shallow=False)


if __name__ == "__main__":
    main()
