"""Runs analytics: `python -m trunkline_analytics`."""

from trunkline_platform.lifecycle import run_service

from trunkline_analytics.bootstrap import bootstrap

if __name__ == "__main__":
    run_service("analytics", bootstrap)
