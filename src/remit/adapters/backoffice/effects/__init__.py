"""Effects of the built-in desk for each action of the starter packs."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from remit.adapters.backoffice.books import Books
from remit.adapters.backoffice.effects import consumer, offers, regulated, service_desk, travel
from remit.domain.values import Json, JsonObject

Effect: TypeAlias = Callable[[Books, JsonObject], Mapping[str, Json]]

_BY_PACK: Final = (consumer.EFFECTS, offers.EFFECTS, travel.EFFECTS, service_desk.EFFECTS, regulated.EFFECTS)

EFFECTS: Final[Mapping[str, Effect]] = {name: effect for effects in _BY_PACK for name, effect in effects.items()}
"""By action name; no name has two meanings in two packs (a test counts them)."""
