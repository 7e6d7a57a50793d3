"""A shop that lets visitors in, Anna, and a web server with clients' documents."""

from collections.abc import Iterator
from typing import Any

import pytest

from attacks.arena import Arena
from desks import shop
from remit.sandbox import Sandbox
from visiting import TERMS, Documents, Visitor, documents, opened

WAIVER = {
    "action": "order.return",
    "limit": {"order_id": {"equals": "W1001"}},
    "reason": "returns of this order are waived",
    "owner": "head of support",
    "ends": "2099-12-31",
}


@pytest.fixture
def docs() -> Iterator[Documents]:
    with documents() as served:
        yield served


def made(**changed: Any) -> Sandbox:
    """The shop, open to visitors."""
    given: dict[str, Any] = {"catalogue": opened({**shop.CATALOGUE, "waiver": [WAIVER]}), "facts": shop.FACTS, "settings": TERMS}
    return Sandbox(**(given | changed))


@pytest.fixture
def arena() -> Iterator[Arena]:
    with made() as desk:
        yield Arena(desk)


@pytest.fixture
def visitor(arena: Arena, docs: Documents) -> Visitor:
    """An app that Anna let in to send something back."""
    return Visitor(arena.room, docs.publish()).connect(arena.anna, "return-item", ["W1001"])
