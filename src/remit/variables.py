"""Which `REMIT_*` variables a desk knows. One that it does not know is said, never silently without effect."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from remit.domain.errors import Code, Refused
from remit.settings_notify import VARIABLES

_PREFIX: Final = "REMIT_"
_KNOWN: Final = (
    *("REMIT_DATA", "REMIT_DESK_DATABASE", "REMIT_HOST", "REMIT_ISSUER", "REMIT_KEYS_CONTENT", "REMIT_PORT", "REMIT_STOP_AT"),
    "REMIT_STORE_URL",
    *VARIABLES,
)
_OTHERS: Final[Mapping[str, str]] = {
    "REMIT_SHARED": "tests and benches of this source read their data there",
    r"REMIT_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)": "Kubernetes sets them in every container beside a service named remit",
    r"REMIT_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?": "so it does these",
}
"""Names (patterns of them) that other programs use, with the reason: they are no settings of a desk, and no mistake."""


def verify_variables(names: Iterable[str]) -> None:
    """A mistyped variable, or a setting that is none over the environment, must not look as if it were in force.

    Raises:
        Refused: `settings.invalid` naming the first one.
    """
    for name in sorted(names):
        if name.startswith(_PREFIX) and name not in _KNOWN and not any(re.fullmatch(one, name, re.ASCII) for one in _OTHERS):
            raise Refused(
                Code.SETTINGS_INVALID,
                f"{name} is an unknown variable; known are {', '.join(_KNOWN)}. Unset it, and write other settings into remit.toml",
            )
