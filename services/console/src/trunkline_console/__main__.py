"""Runs console: `python -m trunkline_console`."""

from trunkline_platform.lifecycle import run_service

from trunkline_console.bootstrap import bootstrap

if __name__ == "__main__":
    run_service("console", bootstrap)
