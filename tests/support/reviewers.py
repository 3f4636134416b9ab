"""Reads a page as a reviewer would: rules of accessibility, and texts in the wrong language.

Owns: what counts as a finding. Must not: know one page from another.
"""

import re
from collections.abc import Collection
from typing import Any, Final

from playwright.sync_api import Page
from trunkline_launcher.layout import WEB

AXE: Final = WEB / "node_modules" / "axe-core" / "axe.min.js"
GRAVE: Final = ("serious", "critical")
LANGUAGES: Final = {"zh": "zh-CN", "en": "en"}

# Shown texts, labels and hints below every element, also in shadow roots; marked parts of another language are not.
TEXTS: Final = """() => {
  const found = [];
  const named = ["aria-label", "title", "placeholder", "alt"];
  const page = document.documentElement;
  const isOther = (node) => node.lang && node !== page && node.lang !== page.lang;
  const read = (node) => {
    if (node instanceof Text) found.push(node.data);
    if (node instanceof Element) {
      if (isOther(node) || /^(SCRIPT|STYLE)$/.test(node.tagName)) return;
      if (getComputedStyle(node).display === "none") return;
      for (const name of named) if (node.hasAttribute(name)) found.push(node.getAttribute(name));
      if (node.shadowRoot) node.shadowRoot.childNodes.forEach(read);
    }
    node.childNodes.forEach(read);
  };
  read(document.body);
  return found.map((text) => text.trim()).filter(Boolean);
}"""
# What only the other language writes: a Chinese character, two Latin words in a row.
FOREIGN: Final = {"en": re.compile(r"[\u3400-\u9fff]"), "zh": re.compile(r"[A-Za-z]{2,}[ ,.?!]+[A-Za-z]{2,}")}


def grave_violations(page: Page) -> list[str]:
    """Return what axe-core finds serious or critical."""
    page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = page.evaluate("async () => (await axe.run()).violations")
    return [
        f"{violation['id']}: {node['html'][:200]}"
        for violation in found
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    ]


def foreign_texts(page: Page, language: str, names: Collection[str]) -> list[str]:
    """Return shown texts of the other language, apart from `names` of people and things that have only one."""
    texts: list[str] = page.evaluate(TEXTS)
    assert len(texts) > 3, f"nothing to read on {page.url}"
    return [text for text in texts if FOREIGN[language].search(_without(names, text))]


def _without(names: Collection[str], text: str) -> str:
    for name in names:
        text = text.replace(name, "")
    return text
