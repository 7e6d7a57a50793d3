"""Refresh tokens of visitors: `<family>.<number>.<MAC>`. Nothing in the store gives one out; every earlier one is known.

Source: docs/model/visitors.md#tokens.
"""

import hmac
import re
from typing import Final

from remit.domain.ids import is_id
from remit.engine.context import DeskContext
from remit.proof.canonical import b64url

_TOKEN: Final = re.compile(r"(fam_[a-z2-7]{26})\.([1-9][0-9]{0,8})\.([A-Za-z0-9_-]{43})", re.ASCII)


def refresh_token(desk: DeskContext, family: str, number: int) -> str:
    """Return the refresh token of a family with this number."""
    mac = b64url(desk.signer.keyed("refresh token", f"{family}.{number}".encode()))
    return f"{family}.{number}.{mac}"


def read_refresh_token(desk: DeskContext, unverified_token: str) -> tuple[str, int] | None:
    """Return the family and number of a refresh token of this desk, the newest or an earlier one; None for another text."""
    found = _TOKEN.fullmatch(unverified_token)
    if found is None or not is_id(found[1], "fam"):
        return None
    number = int(found[2])
    if not hmac.compare_digest(found[0], refresh_token(desk, found[1], number)):
        return None
    return found[1], number
