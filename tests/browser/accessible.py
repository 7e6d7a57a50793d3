"""What axe-core finds on a page, and whether anything of it is cut off at the side."""

from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import Page

_AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
_RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}


def check_usable(page: Page, width: int, what: str = "") -> None:
    """The page as it stands can be used by everybody, and is as wide as its window and no wider."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_AXE)  # by the debugger's own way in: the page's policy lets no such script run
    found: dict[str, Any] = page.evaluate("(rules) => axe.run(document, rules)", _RULES)
    wrong = [
        f"{one['impact']} {one['id']}: {node['target']} {node['failureSummary']}" for one in found["violations"] for node in one["nodes"]
    ]
    assert wrong == [], f"{what}: {wrong}"
    assert len(found["passes"]) > 10, what
    check_width(page, width, what)


def check_width(page: Page, width: int, what: str = "") -> None:
    """Nothing of the page is cut off at the side."""
    assert page.evaluate("document.documentElement.scrollWidth") == width, f"{what} is cut off at the side"
