"""Settings that a person exported reach no centre of a test."""

import os
import subprocess
import sys

EXPORTED = {"TRUNKLINE_KAFKA_BOOTSTRAP": "kafka.example:9092", "TRUNKLINE_TOOLCHAIN": "/a/folder"}


def test_nothing_but_the_toolchain_is_known_here():
    assert {name for name in os.environ if name.startswith("TRUNKLINE_")} <= {"TRUNKLINE_TOOLCHAIN"}


def test_what_is_exported_does_not_reach_a_test():
    one = f"{__file__}::{test_nothing_but_the_toolchain_is_known_here.__name__}"
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", one]
    run = subprocess.run(argv, env=os.environ | EXPORTED, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout
