"""Run by path as a program: `leash.py PARENT_PID PROGRAM ARG…` turns into PROGRAM, killed when its parent dies.

Linux only (prctl(2), PR_SET_PDEATHSIG, which survives execve); elsewhere the program simply runs.
Uses the standard library alone: it runs isolated, without site packages.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)
    try:
        os.execv(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
