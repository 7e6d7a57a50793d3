"""Somebody who does a task on the pages: finds each control by its name, and counts what it takes.

A control is looked for as a person does: it is reached by scrolling, and a folded part is opened first; both count. Names are those of the
source (English), old ones and new; on a German page they are looked up in the catalogue of texts.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Error, Locator, Page

from remit.adapters.files.translations import load_translations
from remit.domain.i18n import ENGLISH

WAIT_S = 20.0
_MOST_SCROLLS = 60
_ROWS = "li, article, tr, [role=row], [data-card], [data-row]"
_PLACE = """(one) => {
  const box = one.getBoundingClientRect();
  const [x, y] = [box.left + box.width / 2, box.top + Math.min(box.height, innerHeight) / 2];
  const over = document.elementFromPoint(x, y);
  const free = over !== null && (over === one || one.contains(over) || over.contains(one) || (one.labels ?? []).length > 0);
  return [box.top, box.bottom, innerHeight, free];
}"""
_FOLDED = """(one) => {
  let outer = null;
  for (let fold = one.closest('details:not([open])'); fold; fold = fold.parentElement?.closest('details:not([open])')) {
    if (one.closest('summary')?.parentElement !== fold) outer = fold;
  }
  return outer?.querySelector(':scope > summary') ?? null;
}"""
_SECONDS = {"clicks": 1.2, "keys": 0.2, "letters": 0.2, "scrolls": 0.8, "thinks": 1.35}
"""Seconds of a practised person, by the keystroke-level model (Card, Moran and Newell 1980), with a wheel's turn as a scroll."""


class NotFoundError(Exception):
    """A control, or the end of a task, that the page does not show."""


@dataclass
class Walker:
    """One person's page, and the counts of one task."""

    page: Page
    language: str
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_SECONDS, 0))
    waited_s: float = 0.0
    first_view: bool | None = None
    row: re.Pattern[str] | None = None

    def __post_init__(self) -> None:
        self._say = load_translations()[self.language] if self.language != "en" else ENGLISH

    def seconds(self) -> float:
        """What the task takes a practised person, with the time the pages took."""
        return round(self.waited_s + sum(_SECONDS[name] * count for name, count in self.counts.items()), 1)

    # what somebody does

    def within(self, text: str) -> None:
        """From now on, prefer controls in the row or card that shows this; "" for the whole page."""
        self.row = re.compile(text) if text else None

    def click(self, *names: str, role: str = "button|link") -> None:
        """Press a button, or follow a link."""
        self.press_on(self.find(role, names))

    def press_on(self, control: Locator) -> None:
        """Press a control that was found."""
        self._reach(control)
        self._count("clicks")
        self._settled(control.click)

    def unfold(self, *names: str) -> None:
        """Open a folded part, a dialog or a page by its name."""
        found = self._first(self.page.locator("summary"), names) or self.find("button|link", names)
        self.press_on(found)

    def fill(self, label: str, text: str, *more: str) -> None:
        """Write into a field."""
        control = self._labelled((label, *more))
        self._reach(control)
        self._count("clicks")
        control.fill("")
        control.press_sequentially(text)
        self.counts["letters"] += len(text)

    def choose(self, label: str, value: str, *more: str) -> None:
        """Choose from a list: open it, pick."""
        control = self._labelled((label, *more))
        self._reach(control)
        self._count("clicks")
        self._count("clicks")
        self._settled(lambda: control.select_option(value))

    def keys(self, *keys: str) -> None:
        """Press keys."""
        for key in keys:
            self._count("keys", think=False)
            self._settled(lambda key=key: self.page.keyboard.press(key))  # type: ignore[misc]
        self.counts["thinks"] += 1

    def tab_to(self, *names: str, role: str = "button|link") -> None:
        """Go to a control with the tab key alone, and open folded parts on the way."""
        control = self.find(role, names) if role != "label" else self._labelled(names)
        for _ in range(400):
            if control.evaluate("(one) => one === document.activeElement"):
                self.counts["thinks"] += 1
                return
            self._count("keys", think=False)
            self.page.keyboard.press("Tab")
        raise NotFoundError(f"{names[0]!r} is not reached by the tab key")

    def back(self) -> None:
        """Go back by the browser's own key."""
        self._count("keys")
        self._settled(self.page.go_back)

    def type(self, text: str) -> None:
        """Write where the focus is."""
        self.page.keyboard.type(text)
        self.counts["letters"] += len(text)

    # what somebody sees

    def find(self, role: str, names: Sequence[str]) -> Locator:
        """The first control of a role (`a|b`: of either) with one of these names; visible, or in a folded part."""
        roles = role.split("|")
        for hidden in self._tries():
            for scope in self._scopes():
                for one in roles:
                    for name in self._patterns(names):
                        found = scope.get_by_role(one, name=name, include_hidden=hidden)  # type: ignore[arg-type]
                        if (control := self._usable(found, hidden)) is not None:
                            return control
        raise NotFoundError(f"no {role} {' | '.join(names)}")

    def see(self, *texts: str) -> Locator:
        """Wait for a text (a pattern), and scroll to it."""
        for _ in self._tries():
            for text in texts:
                for found in self.page.get_by_text(re.compile(text)).all():
                    if found.is_visible():
                        self._reach(found, first=False)
                        return found
        raise NotFoundError(f"nothing says {' | '.join(texts)}")

    def until(self, reached: Callable[[], Any], what: str) -> None:
        """Wait until the desk says that something was reached."""
        began = time.monotonic()
        while time.monotonic() - began < WAIT_S:
            if reached():
                self.waited_s += time.monotonic() - began
                return
            self.page.wait_for_timeout(40)
        raise NotFoundError(f"not reached: {what}")

    def shows(self, css: str) -> Locator:
        """Wait for an element with content, and scroll to it."""
        found = self.page.locator(css)
        for _ in self._tries():
            for one in found.all():
                if one.is_visible() and one.inner_text().strip():
                    self._reach(one, first=False)
                    return one
        raise NotFoundError(f"nothing at {css}")

    def has_shortcuts(self) -> bool:
        """Whether the page has keys of its own (`aria-keyshortcuts`)."""
        return self.page.locator("[aria-keyshortcuts]").count() > 0

    # how

    def _tries(self) -> Iterator[bool]:
        """Look again for a while: for what is visible, and every other time for what is folded away."""
        began = time.monotonic()
        for turn in range(10_000):
            yield turn % 4 == 3  # visible ones come first
            if time.monotonic() - began > WAIT_S:
                return
            self.page.wait_for_timeout(40)

    def _scopes(self) -> Iterator[Page | Locator]:
        if self.row is not None:
            rows = self.page.locator(_ROWS).filter(has_text=self.row)
            yield from reversed(rows.all())
        yield self.page

    def _patterns(self, names: Sequence[str]) -> list[re.Pattern[str]]:
        said = dict.fromkeys(text for name in names for text in (self._say(name), name))
        return [re.compile(rf"^\W*{_filled(one)}\W*$") for one in said]

    def _first(self, found: Locator, names: Sequence[str]) -> Locator | None:
        for name in self._patterns(names):
            for one in found.filter(has_text=name).all():
                if one.is_visible():
                    return one
        return None

    def _labelled(self, names: Sequence[str]) -> Locator:
        for hidden in self._tries():
            for scope in self._scopes():
                for text in dict.fromkeys(text for name in names for text in (self._say(name), name)):
                    found = scope.get_by_label(re.compile(rf"^\W*{_filled(text)}(?:\W|$)"))
                    if (control := self._usable(found, hidden)) is not None:
                        return control
        raise NotFoundError(f"no field {' | '.join(names)}")

    def _usable(self, found: Locator, hidden: bool) -> Locator | None:
        """The first that can be used; of folded ones the first that can be unfolded."""
        try:
            for one in found.all():
                if one.is_visible() and one.is_enabled():
                    return one
                if hidden and one.evaluate_handle(_FOLDED).as_element() is not None:
                    return one
        except Error:  # the page went on meanwhile
            return None
        return None

    def _reach(self, control: Locator, *, first: bool = True) -> None:
        """Unfold what hides a control, and scroll to it."""
        while (summary := control.evaluate_handle(_FOLDED).as_element()) is not None:
            self._scroll_to(summary)
            self._count("clicks")
            summary.click()
        scrolls = self._scroll_to(control)
        if first and self.first_view is None:
            self.first_view = scrolls == 0

    def _scroll_to(self, control: Any) -> int:
        for turn in range(_MOST_SCROLLS):
            top, bottom, height, free = control.evaluate(_PLACE)
            inside = top >= 0 and (bottom <= height or (bottom - top > height * 0.9 and top < height * 0.5))
            if inside and (free or turn):
                return turn
            step = 0.3 * height if inside else _step(top, bottom, height)  # inside: something fixed covers it
            before = self.page.evaluate("scrollY")
            self.page.evaluate("(step) => scrollBy({ top: step, behavior: 'instant' })", step)
            self.counts["scrolls"] += 1
            if self.page.evaluate("scrollY") == before:
                control.scroll_into_view_if_needed()
                return turn + 1
        return _MOST_SCROLLS

    def _settled(self, act: Callable[[], Any]) -> None:
        began = time.monotonic()
        act()
        self.page.wait_for_load_state("load")
        self.waited_s += time.monotonic() - began

    def _count(self, what: str, *, think: bool = True) -> None:
        self.counts[what] += 1
        if think:
            self.counts["thinks"] += 1


def _filled(text: str) -> str:
    """The pattern of a text whatever fills it."""
    return ".+".join(re.escape(piece) for piece in re.split(r"\{[^{}]*\}", text))


def _step(top: float, bottom: float, height: float) -> float:
    """How far a person scrolls for something at this place: no further than 85 % of the window, and not past it."""
    most = 0.85 * height
    if top < 0:
        return max(-most, top - 16)
    return min(most, top - 16 if bottom - top > height * 0.9 else bottom - height + 16)
