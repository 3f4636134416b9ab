"""A later release of acd or channels: another version, which its markers name, and an event type that is new.

`python -m chaos.next_release NUMBER MODULE` runs the module so. Every number writes the same new type: the first
upgrade of a service brings it, those after it keep it. Must not: change what today's rules decide.
"""

import importlib
import importlib.metadata
import runpy
import sys

from chaos.later.checks import VERSION_MARK


def main() -> None:
    """Run the module of the command line."""
    number, module = sys.argv[1:]
    as_released = importlib.metadata.version

    def version(name: str) -> str:
        return f"{as_released(name)}{VERSION_MARK}{number}" if name.startswith("trunkline") else as_released(name)

    importlib.metadata.version = version  # before the service is imported: it takes the function by name
    importlib.import_module(f"chaos.later.{module.removeprefix('trunkline_')}").install()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
