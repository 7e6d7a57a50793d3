"""Refresh tokens of visitors: `<family>.<number>.<MAC>`. Nothing in the store gives one out; every earlier one is known.

Source: docs/model/visitors.md#tokens.
"""

import hmac

from remit.domain.ids import is_id
from remit.domain.secrets.own_credentials import REFRESH_TOKEN
from remit.engine.context import DeskContext
from remit.proof.canonical import b64url


def refresh_token(desk: DeskContext, family: str, number: int) -> str:
    """Return the refresh token of a family with this number."""
    mac = b64url(desk.signer.keyed("refresh token", f"{family}.{number}".encode()))
    return f"{family}.{number}.{mac}"


def read_refresh_token(desk: DeskContext, unverified_token: str) -> tuple[str, int] | None:
    """Return the family and number of a refresh token of this desk, the newest or an earlier one; None for another text."""
    if REFRESH_TOKEN.fullmatch(unverified_token) is None:
        return None
    family, number, _ = unverified_token.split(".")
    if not is_id(family, "fam"):
        return None
    if not hmac.compare_digest(unverified_token, refresh_token(desk, family, int(number))):
        return None
    return family, int(number)
