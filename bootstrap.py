"""Sets up the project's own virtual environment: pinned tools and every package of this checkout, editable.

Runs on the standard library alone. Does nothing when no pin and no package file has changed.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "installed.sha256"
PARTS = ("libs/*", "services/*", "demo", "launcher")


def main() -> None:
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        found = sys.version.split()[0]
        sys.exit(f"Trunkline needs Python 3.11, 3.12 or 3.13 and this is {found}: try make PYTHON=python3.12.")
    packages = sorted(path.parent for part in PARTS for path in ROOT.glob(f"{part}/pyproject.toml"))
    wanted = fingerprint([ROOT / "constraints.txt", ROOT / "pyproject.toml", *(p / "pyproject.toml" for p in packages)])
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    install(packages)
    STAMP.write_text(wanted)


def fingerprint(files: list[Path]) -> str:
    """Hash the Python version and the given files."""
    digest = hashlib.sha256(sys.version.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def install(packages: list[Path]) -> None:
    """Create the environment and install tools and packages. Exits with pip's code when pip fails."""
    import tomllib  # not at the top: an older Python must reach the sentence in main()

    if not (VENV / "bin" / "python").exists():
        run(sys.executable, "-m", "venv", str(VENV))
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt")]
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["dev"]
    run(*pip, "hatchling", "editables", *tools)  # editables: hatchling asks for it only when isolated
    run(*pip, "--no-build-isolation", *(part for package in packages for part in ("-e", str(package))))


def run(*command: str) -> None:
    print("setup:", " ".join(Path(part).name for part in command[:4]), "…", flush=True)
    code = subprocess.run(command).returncode
    if code:
        sys.exit(code)


main()
