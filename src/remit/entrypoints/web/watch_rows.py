"""What security people read of decisions and changes: each entry as a sentence, with its risk or with who did it."""

from collections.abc import Mapping
from typing import Final

from remit.domain.catalogue import Catalogue
from remit.domain.speech import marked
from remit.domain.values import Json, JsonObject
from remit.entrypoints.web.plain_words import SIGNS, TIERS
from remit.entrypoints.web.telling import told

_HIGH: Final = 40
"""From here on a risk is shown as one to act on."""


def decision_row(row: Mapping[str, Json], catalogue: Catalogue) -> dict[str, object]:
    """A decision: `sentence`, `look`, `agent`, `operator`, `risk` of 100 and whether that is `high`, `signs` in words, `case`."""
    envelope, content = _object(row["envelope"]), _object(row["content"])
    risk, signs = envelope.get("risk"), content.get("signs")
    level = risk if isinstance(risk, int) else 0
    return {
        **told(row, catalogue, own=False),
        "agent": str(envelope.get("agent", "")),
        "operator": str(envelope.get("operator", "")),
        "case": str(envelope.get("case", "")),
        "risk": level,
        "high": level >= _HIGH,
        "signs": [
            catalogue.say(SIGNS[one]) for one in (signs if isinstance(signs, list | tuple) else ()) if isinstance(one, str) and one in SIGNS
        ],
    }


def change_row(row: Mapping[str, Json], catalogue: Catalogue) -> dict[str, object]:
    """A change: `sentence`, `about` whom or what, `before` and `now` where it has them, `by` whom, and the `reason` they gave."""
    envelope, content = _object(row["envelope"]), _object(row["content"])
    by = content.get("by")
    return {
        **told(row, catalogue, own=False),
        "about": str(content.get("person") or envelope.get("agent") or envelope.get("name") or ""),
        "before": _tier(envelope.get("from"), catalogue),
        "now": _tier(envelope.get("to"), catalogue),
        "by": ", ".join(map(str, by)) if isinstance(by, list | tuple) else str(by or ""),
        "reason": str(content.get("reason", "")),
    }


def _tier(value: Json | None, catalogue: Catalogue) -> str:
    return catalogue.say(TIERS.get(str(value), marked("not said")), desk=catalogue.desk) if value else ""


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, Mapping) else {}
