"""Where a run writes, and an environment without somebody's own centre. Must not: know what is written."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

KEPT = "TRUNKLINE_TOOLCHAIN"
FOLDER = "CHAOS_FOLDER"


def clean_environment() -> None:
    """Forget settings of a centre: they would win over the run's own."""
    for name in [name for name in os.environ if name.startswith("TRUNKLINE_") and name != KEPT]:
        del os.environ[name]


@contextlib.contextmanager
def run_folder() -> Iterator[Path]:
    """A folder that is removed afterwards, or the one that CHAOS_FOLDER names, kept."""
    if kept := os.environ.get(FOLDER):
        Path(kept).mkdir(parents=True, exist_ok=True)
        yield Path(kept).absolute()
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
