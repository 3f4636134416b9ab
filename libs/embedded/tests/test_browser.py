import threading
import time

import pytest
from trunkline_core.errors import Misconfigured
from trunkline_embedded import apt, browser


def test_without_rights_a_missing_browser_is_one_sentence_that_names_both_packages(monkeypatch, tmp_path):
    monkeypatch.setattr(browser, "BROWSERS", [tmp_path / "chromium"])
    monkeypatch.setattr(apt.os, "geteuid", lambda: 1000)
    with pytest.raises(Misconfigured, match="chromium-headless-shell and fonts-noto-cjk"):
        browser.require_chromium(pytest.fail)


def test_a_missing_font_counts_as_missing(monkeypatch, tmp_path):
    (tmp_path / "chromium").touch()
    monkeypatch.setattr(browser, "BROWSERS", [tmp_path / "chromium"])
    monkeypatch.setattr(browser, "FONTS", tmp_path)
    monkeypatch.setattr(apt.os, "geteuid", lambda: 1000)
    with pytest.raises(Misconfigured):
        browser.require_chromium(pytest.fail)


def test_processes_that_ask_at_the_same_time_install_once(monkeypatch, tmp_path):
    chromium, installed = tmp_path / "chromium", []

    def install(packages):
        installed.append(packages)
        time.sleep(0.2)  # long enough for the other to come
        chromium.touch()

    monkeypatch.setenv("TRUNKLINE_TOOLCHAIN", str(tmp_path / "toolchain"))
    monkeypatch.setattr(browser, "_missing", lambda: [] if chromium.exists() else ["chromium"])
    monkeypatch.setattr(apt, "install", install)
    monkeypatch.setattr(browser, "BROWSERS", [tmp_path / "no-such-shell", chromium])
    monkeypatch.setattr(apt.os, "geteuid", lambda: 0)
    monkeypatch.setattr(apt.shutil, "which", lambda _: "/usr/bin/apt-get")
    found = []
    asking = [threading.Thread(target=lambda: found.append(browser.require_chromium(lambda _: None))) for _ in range(3)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert found == [chromium] * 3
    assert installed == [["chromium"]]
