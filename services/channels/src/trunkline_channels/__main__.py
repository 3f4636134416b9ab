"""Run one replica of channels: `python -m trunkline_channels`."""

from trunkline_platform.lifecycle import run_service

from trunkline_channels.bootstrap import bootstrap

if __name__ == "__main__":
    run_service("channels", bootstrap)
