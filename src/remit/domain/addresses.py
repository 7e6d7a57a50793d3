"""E-mail addresses: one rule for what somebody is added with and what they change it to."""

import re
from typing import Final

from remit.domain.errors import Code, Refused

_ADDRESS: Final = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,190}", re.ASCII)


def verify_address(unverified: str) -> str:
    """Return the text if it can be an e-mail address.

    Raises:
        Refused: `request.malformed`.
    """
    if _ADDRESS.fullmatch(unverified) is None:
        cure = "Give one e-mail address, such as anna@mail.example."
        raise Refused(Code.REQUEST_MALFORMED, f"{unverified[:200]} is not an e-mail address", public=cure, cure=cure)
    return unverified
