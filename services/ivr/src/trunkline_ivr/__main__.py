"""Run ivr: `python -m trunkline_ivr`."""

from trunkline_platform.lifecycle import run_service

from trunkline_ivr.bootstrap import bootstrap

if __name__ == "__main__":
    run_service("ivr", bootstrap)
