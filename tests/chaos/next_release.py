"""A later release of a service: the same rules under another version, which its markers name.

`python -m chaos.next_release NUMBER MODULE` runs the module so. Must not: change what the service does.
"""

import importlib.metadata
import runpy
import sys


def main() -> None:
    """Run the module of the command line."""
    number, module = sys.argv[1:]
    as_released = importlib.metadata.version

    def version(name: str) -> str:
        return f"{as_released(name)}+chaos.{number}" if name.startswith("trunkline") else as_released(name)

    importlib.metadata.version = version
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
