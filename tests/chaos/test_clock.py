"""When `make chaos` installs libfaketime, and what it says where no clock can be set."""

from typing import Any

import pytest
from trunkline_core.errors import Misconfigured
from trunkline_embedded import apt

from chaos import clock


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> list[str]:
    """Where the library is looked for, there is none; whoever may install may."""
    monkeypatch.setattr(clock, "LIBRARIES", (str(tmp_path / "libfaketimeMT.so.1"),))
    monkeypatch.setenv("TRUNKLINE_TOOLCHAIN", str(tmp_path / "toolchain"))
    monkeypatch.setattr(apt.os, "geteuid", lambda: 0)
    monkeypatch.setattr(apt.shutil, "which", lambda _: "/usr/bin/apt-get")
    return []


def test_the_library_is_installed_where_that_is_allowed(
    said: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    installed: list[Any] = []

    def install(packages: Any) -> None:
        installed.append(packages)
        (tmp_path / "libfaketimeMT.so.1").touch()

    monkeypatch.setattr(apt, "install", install)
    clock.install_library(said.append)
    assert (installed, said) == ([["faketime"]], ["clock: installing faketime …"])
    assert clock.Clock(tmp_path / "clock").is_there


def test_without_rights_one_sentence_says_that_no_clock_is_set(
    said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apt.os, "geteuid", lambda: 1000)
    clock.install_library(said.append)
    assert said == ["No clock is set in this run: install the package faketime with apt-get."]


def test_an_installation_that_fails_is_no_end_of_the_run(said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(packages: Any) -> None:
        raise Misconfigured("apt-get update failed for faketime: no route to host")

    monkeypatch.setattr(apt, "install", fail)
    clock.install_library(said.append)
    assert said[-1] == "No clock is set in this run: apt-get update failed for faketime: no route to host."
