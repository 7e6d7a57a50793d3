"""The facts beside a decision, in the reader's own words."""

from pathlib import Path

import pytest

from remit import packs
from remit.adapters.files.catalogue import load_catalogue
from remit.domain.values import Json
from remit.entrypoints.web.decide_page import fact_text

CATALOGUE = load_catalogue(Path(str(packs.__path__[0])) / "consumer", today=None)
KETTLE: Json = {"id": "i1", "product": "p_kettle", "title": "Kettle", "price": "49.90 EUR", "state": "returning"}


@pytest.mark.parametrize(
    ("name", "value", "english", "german"),
    [
        ("order.status", "delivered", "delivered", "zugestellt"),
        ("order.total", "1299.00 EUR", "€1,299.00", "1.299,00 €"),
        ("order.delivered_on", "2026-11-24", "24 November 2026", "24. November 2026"),
        ("order.items", [KETTLE], "“Kettle” (€49.90, returning)", "„Kettle“ (49,90 €, Rücksendung angekündigt)"),
        ("order.items", [], "(empty)", "(leer)"),
        ("booking.changeable", True, "yes", "ja"),
    ],
)
def test_a_fact_is_told_in_the_readers_language(name: str, value: Json, english: str, german: str) -> None:
    for language, told in (("en", english), ("de", german)):
        catalogue = CATALOGUE.in_language(language)
        assert fact_text(value, catalogue.say, catalogue.attributes[name].value_titles) == told
