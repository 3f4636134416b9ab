"""One run at a time in a data folder. Owns the file `running` in it.

The kernel holds the lock for as long as the process lives, so the file of a killed run refuses nobody.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from trunkline_core.errors import Misconfigured

NAME: Final = "running"


@contextmanager
def only_one(data: Path, otherwise: str) -> Iterator[None]:
    """Hold the data folder, made if new, for this process alone.

    Args:
        data: the folder.
        otherwise: what the user should do when somebody else holds it.

    Raises:
        Misconfigured: another process holds the folder, or it cannot be written.
    """
    try:
        data.mkdir(parents=True, exist_ok=True)
        file = (data / NAME).open("a+")
    except OSError as error:
        raise Misconfigured(
            f"The data folder {data} cannot be written ({error.strerror}): make it writable or set TRUNKLINE_DATA."
        ) from error
    with file:
        _hold(file, data, otherwise)
        try:
            yield
        finally:
            file.truncate(0)


def _hold(file: IO[str], data: Path, otherwise: str) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = f" as process {pid}" if (pid := file.read().strip()) else ""
        raise Misconfigured(f"A centre runs already{holder} on the data of {data}: {otherwise}.") from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
