import pytest
from trunkline_core.errors import Misconfigured
from trunkline_embedded import browser


def test_without_rights_a_missing_browser_is_one_sentence_that_names_both_packages(monkeypatch, tmp_path):
    monkeypatch.setattr(browser, "CHROMIUM", tmp_path / "chromium")
    monkeypatch.setattr(browser.os, "geteuid", lambda: 1000)
    with pytest.raises(Misconfigured, match="chromium and fonts-noto-cjk"):
        browser.require_chromium(pytest.fail)


def test_a_missing_font_counts_as_missing(monkeypatch, tmp_path):
    (tmp_path / "chromium").touch()
    monkeypatch.setattr(browser, "CHROMIUM", tmp_path / "chromium")
    monkeypatch.setattr(browser, "FONTS", tmp_path)
    monkeypatch.setattr(browser.os, "geteuid", lambda: 1000)
    with pytest.raises(Misconfigured):
        browser.require_chromium(pytest.fail)
