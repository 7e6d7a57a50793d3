"""A desk with a provider, for each test; `changed` lays settings over it."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import FACTS, Arena, open_arena
from attacks.people.company import Company, oidc
from provider.loopback import loopback_provider


@pytest.fixture
def changed() -> dict[str, Any]:
    return {}


@pytest.fixture
def company(tmp_path: Path, changed: dict[str, Any]) -> Iterator[Company]:
    held: list[Arena] = []
    with loopback_provider(lambda: held[0].clock.now() // 1000) as provider:
        people = {"oidc": oidc(provider, tmp_path, **changed.pop("oidc", {})), **changed.pop("people", {})}
        with open_arena(settings={"people": people, **changed}, facts=deepcopy(FACTS)) as arena:
            held.append(arena)
            yield Company(arena, provider)
