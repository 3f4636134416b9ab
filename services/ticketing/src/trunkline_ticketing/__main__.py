"""Run ticketing: `python -m trunkline_ticketing`."""

from trunkline_platform.lifecycle import run_service

from trunkline_ticketing.bootstrap import bootstrap

if __name__ == "__main__":
    run_service("ticketing", bootstrap)
