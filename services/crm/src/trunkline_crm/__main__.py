"""Run crm: `python -m trunkline_crm`."""

from trunkline_platform.lifecycle import run_service

from trunkline_crm.bootstrap import bootstrap

if __name__ == "__main__":
    run_service("crm", bootstrap)
