"""Runs acd: `python -m trunkline_acd`."""

from trunkline_platform.lifecycle import run_service

from trunkline_acd.bootstrap import bootstrap

if __name__ == "__main__":
    run_service("acd", bootstrap)
