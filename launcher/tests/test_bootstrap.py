"""`make setup` on machines that lack something: one sentence each, seen in a copy of the script in its own folder."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from trunkline_launcher.layout import ROOT

SCRIPT = ROOT / "bootstrap.py"
EMULATE = """
import builtins, runpy, sys
class OldList(list):  # before Python 3.9 list[int] was an error
    def __class_getitem__(cls, item):
        raise TypeError("'type' object is not subscriptable")
if {version} < (3, 9):
    builtins.list = OldList
sys.version_info = {version} + ("final", 0)
sys.version = "{text} (emulated)"
runpy.run_path({script!r}, run_name="__main__")
"""


def copy_to(folder: Path) -> Path:
    shutil.copy(SCRIPT, folder)
    (folder / "constraints.txt").touch()
    (folder / "pyproject.toml").write_text("[dependency-groups]\ndev = []\n")
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return copy_to(tmp_path)


@pytest.fixture(scope="module")
def half_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose first setup was killed early; one for several tests, an environment takes seconds to make."""
    folder = copy_to(tmp_path_factory.mktemp("half-made"))
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    return folder


def set_up(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "1", "PIP_CONFIG_FILE": "/dev/null"}
    return subprocess.run(
        [sys.executable, "bootstrap.py"],
        cwd=checkout,
        env={"PATH": "/usr/bin:/bin", "HOME": str(checkout)} | nowhere | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("version", [(3, 6, 9), (3, 8, 10), (3, 10, 12), (3, 14, 0)])
def test_another_python_is_one_sentence(version, checkout):
    text = ".".join(map(str, version))
    script = EMULATE.format(version=version, text=text, script=str(checkout / "bootstrap.py"))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"Trunkline needs Python 3.11, 3.12 or 3.13 and this is {text}: try make PYTHON=python3.12.\n"
    )
    assert not (checkout / ".venv").exists()


def test_an_old_python_can_read_the_script():
    ast.parse(SCRIPT.read_text(), feature_version=(3, 6))


def test_a_half_made_environment_is_made_again_and_without_network_there_is_one_sentence(half_made):
    done = set_up(half_made)
    assert done.returncode == 1
    making, installing = done.stdout.splitlines()
    assert making.startswith("setup: making .venv with Python 3.")
    assert installing == "setup: installing tools …"
    assert done.stderr == (
        "setup: tools could not be downloaded: check the network (pip's words are in .venv/pip.log).\n"
    )
    assert "Connection refused" in (half_made / ".venv" / "pip.log").read_text()
    assert not (half_made / ".venv" / "installed.sha256").exists()


def test_the_next_try_goes_on_and_names_a_tool_that_does_not_exist(half_made, tmp_path):
    done = set_up(half_made, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tmp_path))
    assert done.stdout == "setup: installing tools …\n"
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(
        "setup: pip could not install the tools (Could not find a version that satisfies the requirement hatchling"
    )


def test_what_is_installed_is_left_alone(half_made):
    script = (
        "import bootstrap as b; b.STAMP.write_text(b.fingerprint([b.ROOT/'constraints.txt', b.ROOT/'pyproject.toml']))"
    )
    subprocess.run([sys.executable, "-c", script], cwd=half_made, check=True, timeout=60)
    done = set_up(half_made)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_folder_that_cannot_be_written_is_one_sentence(checkout):
    (checkout / ".trunkline").touch()
    done = set_up(checkout)
    assert (done.returncode, done.stdout) == (1, "")
    folder = checkout / ".trunkline"
    assert done.stderr == f"setup: {folder} cannot be written (File exists): make it writable or make room.\n"


def test_an_environment_that_cannot_be_made_is_one_sentence(checkout):
    (checkout / ".venv").touch()
    done = set_up(checkout)
    (line,) = done.stderr.splitlines()
    assert line.startswith("setup: .venv could not be made (")
