"""The data that benches read in place: under REMIT_SHARED, else `shared` beside this checkout. None of it is part of Remit."""

import json
import os
from pathlib import Path
from typing import Any, Final

_DATA: Final = Path(os.environ.get("REMIT_SHARED", Path(__file__).parents[2] / "shared")) / "data"


def shared(name: str) -> Any:  # JSON
    """One file of it, decoded; without it the bench ends with one line."""
    try:
        return json.loads((_DATA / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        message = f"there is no {_DATA / name}; set REMIT_SHARED to the folder that holds data/"
        raise SystemExit(message) from None
