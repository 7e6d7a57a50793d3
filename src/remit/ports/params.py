"""The port to the JSON Schema validator."""

from collections.abc import Mapping
from typing import Protocol

from remit.domain.values import Json


class ParamsValidator(Protocol):
    """Validates the params of actions against their schemas, compiled once per catalogue.

    Promises: JSON Schema 2020-12, exact decimals, no network, no coercion; fast enough for every ask (microseconds).
    """

    def verify(self, action: str, params: Mapping[str, Json]) -> None:
        """Verify params.

        Raises:
            Refused: `params.invalid` with the failing member in `public`, never its value.
        """
