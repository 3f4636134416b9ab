"""Sets up the project's own virtual environment: pinned tools and every package of this checkout, editable.

Runs on the standard library alone. Does nothing when no pin and no package file has changed. Everything that a user can
cause ends in one sentence, also on a Python too old for the rest of the project: so no newer syntax here.
"""

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "installed.sha256"
LOCK = ROOT / ".trunkline" / "setup.lock"
LOG = VENV / "pip.log"
PARTS = ("libs/*", "services/*", "demo", "launcher", "operations")
REPORT_EVERY_S = 3.0


def main() -> None:
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        found = sys.version.split()[0]
        sys.exit(f"Trunkline needs Python 3.11, 3.12 or 3.13 and this is {found}: try make PYTHON=python3.12.")
    try:
        set_up()
    except OSError as error:
        sys.exit(f"setup: {error.filename} cannot be written ({error.strerror}): make it writable or make room.")
    except KeyboardInterrupt:
        sys.exit(130)


def set_up() -> None:
    """Install what is missing; a second process waits for the first."""
    import fcntl  # not at the top: there is none on Windows, where the sentence about Python should still come

    packages = sorted(path.parent for part in PARTS for path in ROOT.glob(f"{part}/pyproject.toml"))
    wanted = fingerprint([ROOT / "constraints.txt", ROOT / "pyproject.toml", *(p / "pyproject.toml" for p in packages)])
    if is_installed(wanted):
        return
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_installed(wanted):
            install(packages)
            STAMP.write_text(wanted)


def is_installed(wanted: str) -> bool:
    return STAMP.exists() and STAMP.read_text() == wanted


def fingerprint(files: "list[Path]") -> str:
    """Hash the Python version and the given files."""
    digest = hashlib.sha256(sys.version.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def install(packages: "list[Path]") -> None:
    """Create the environment and install tools and packages."""
    import tomllib  # not at the top: an older Python must reach the sentence in main()

    make_environment()
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["dev"]
    pip("tools", "hatchling", "editables", *tools)  # editables: hatchling asks for it only when isolated
    pip("packages", "--no-build-isolation", *(part for package in packages for part in ("-e", str(package))))


def make_environment() -> None:
    """Make .venv, again when it is half made or of another Python."""
    wanted = "{}.{}".format(*sys.version_info[:2])
    if (VENV / "lib" / f"python{wanted}" / "site-packages" / "pip").is_dir():
        return
    print(f"setup: making .venv with Python {wanted} …", flush=True)
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if "ensurepip is not" in done.stdout:
        sys.exit(f"setup: this Python cannot make virtual environments: install the package python{wanted}-venv.")
    if done.returncode:
        reason = (done.stdout.strip().splitlines() or ["no reason given"])[-1]
        sys.exit(f"setup: .venv could not be made ({reason}): make {ROOT} writable or make room.")


def pip(what: str, *arguments: str) -> None:
    """Run pip install and say now and then how far it is. Its own words go to the log."""
    command = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--progress-bar", "off"]
    command += ["--disable-pip-version-check", "--no-input", "-c", str(ROOT / "constraints.txt"), *arguments]
    print(f"setup: installing {what} …", flush=True)
    with LOG.open("a") as log:
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            words = follow(running, log, what)
        except BaseException:
            running.kill()  # also at Ctrl-C
            raise
    if running.wait():
        sys.exit(failure(what, words))


def follow(running: "subprocess.Popen[str]", log, what: str) -> str:  # type: ignore[no-untyped-def]
    """Return what pip said."""
    said, spoken, found = [], time.monotonic(), 0
    for line in running.stdout or ():
        log.write(line)
        said.append(line)
        found += line.startswith(("Collecting", "Obtaining"))
        if line.startswith("Installing collected"):
            print(f"setup: {what}: unpacking {line.count(',') + 1} …", flush=True)
        elif found and time.monotonic() - spoken >= REPORT_EVERY_S:
            spoken = time.monotonic()
            print(f"setup: {what}: {found} found, now {' '.join(line.split()[:2])}", flush=True)
    return "".join(said)


def failure(what: str, words: str) -> str:
    """Return one sentence about why pip failed."""
    where = os.path.relpath(LOG)
    if "No space left" in words:
        return f"setup: the disk of {VENV} is full: make room and run the command again (pip's words are in {where})."
    if "connection" in words.lower() or "Temporary failure in name resolution" in words:
        return f"setup: {what} could not be downloaded: check the network (pip's words are in {where})."
    reasons = [line.strip() for line in words.splitlines() if line.startswith("ERROR:")]
    reason = reasons[0][len("ERROR: ") :] if reasons else "no reason given"
    return f"setup: pip could not install the {what} ({reason}): its words are in {where}."


if __name__ == "__main__":
    main()
