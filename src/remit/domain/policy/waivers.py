"""Waivers, the only way to lower a floor (`floors`): reading them, and finding the one that applies to an ask."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

from remit.domain.catalogue.model import Action, Catalogue, Waiver
from remit.domain.catalogue.tables import catalogue_error, closed_table, day, plain_object, text
from remit.domain.errors import Refused
from remit.domain.mandate.conditions import condition_holds
from remit.domain.mandate.parse_where import read_where
from remit.domain.text.nearest import did_you_mean
from remit.domain.values import JsonObject

_BETWEEN: Final = re.compile(r"[,;/&|()\[\]]|\band\b")


def read_waiver(value: object, actions: Mapping[str, Action], *, key: str, today: date | None) -> Waiver:
    """Read one waiver. It needs a limit: a floor is never lowered for everything.

    Raises:
        Refused: `catalogue.invalid`.

    Source: docs/model/model.md#waivers.
    """
    found = closed_table(value, key, required=("action", "limit", "reason", "owner", "ends"))
    name = text(found["action"], f"{key}.action")
    if name not in actions or actions[name].builtin:
        raise catalogue_error(
            f"{key}.action", f"no action {name!r} is declared{did_you_mean(name, actions)}", "name one action exactly"
        )
    limit = plain_object(found["limit"], f"{key}.limit")
    if not limit:
        raise catalogue_error(f"{key}.limit", "is empty", "say within which limit the floor is lowered")
    try:
        tests = read_where(limit, f"{key}.limit", listed=[actions[name]], possible=(), negative=False)
    except Refused as refused:
        raise catalogue_error(f"{key}.limit", refused.detail, "correct the test") from refused
    ends = day(found["ends"], f"{key}.ends")
    if today is not None and ends < today:
        raise catalogue_error(f"{key}.ends", "has passed", "remove the waiver or renew it")
    owner = text(found["owner"], f"{key}.owner")
    if not _meant(owner):
        raise catalogue_error(
            f"{key}.owner", "names no one", "write the id or name of the person who answers for it, or officer:<role>"
        )
    return Waiver(
        action=name,
        limit={path: dict(ops) if isinstance(ops, Mapping) else {} for path, ops in limit.items()},
        reason=text(found["reason"], f"{key}.reason"),
        owner=owner,
        ends=ends,
        within=lambda params: all(condition_holds(test, params) for test in tests),
    )


def find_waiver(catalogue: Catalogue, action: Action, params: JsonObject, *, day: date) -> int | None:
    """Return the place of the first waiver that applies to the ask on that day, the last day included."""
    for place, waiver in enumerate(catalogue.waivers):
        if waiver.action == action.name and day <= waiver.ends and waiver.within is not None and waiver.within(params):
            return place
    return None


def is_waiver_owner(owner: str, names: Iterable[str]) -> bool:
    """Return whether a person with these names (ids, mail addresses, roles, titles) is the owner, or one of several.

    ⚔ Case, spaces, dashes and other names in the text make nobody another person: only letters and digits count.

    Source: docs/model/model.md#waivers.
    """
    return not _meant(owner).isdisjoint(folded for name in names if (folded := _folded(name)))


def _meant(owner: str) -> frozenset[str]:
    """Return all names in an owner's text: the whole, and each part."""
    parts = (owner, *_BETWEEN.split(owner.casefold()))
    return frozenset(folded for part in parts if (folded := _folded(part)))


def _folded(name: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKC", name).casefold() if letter.isalnum())
