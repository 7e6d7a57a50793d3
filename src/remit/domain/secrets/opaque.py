"""Secrets in opaque ids that an agent chooses: idempotency keys, `state`. Such an id is stored as it is and never read."""

import re
from typing import Final

from remit.domain.secrets.find import find_secrets
from remit.domain.secrets.kinds import SecretClass
from remit.domain.secrets.tokens import find_issuer_tokens

_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
_LONGEST_NUMBER: Final = 11
_BY_DESIGN: Final = "token"
"""The kind of a value that is random: an id should be."""
_STATE: Final = re.compile(r"[\x20-\x7e]{0,2048}", re.ASCII)


def is_opaque_state(text: str) -> bool:
    """Return whether a text may be kept and sent back as an OAuth `state`: visible ASCII, not too long, no secret.

    Source: RFC 6749 appendix A.5; docs/model/model.md#opaque.
    """
    return _STATE.fullmatch(text) is not None and not holds_secret(text)


def holds_secret(opaque: str) -> bool:
    """Return whether an opaque id carries a secret: a known issuer's token, a labelled value, a card's number.

    A random id is none, so honest clients are never refused.

    Source: docs/model/model.md#opaque.
    """
    if _PLAIN.fullmatch(opaque) and not (opaque.isdigit() and len(opaque) > _LONGEST_NUMBER):
        return next(find_issuer_tokens(opaque, 0), None) is not None
    return any(
        found.kind != _BY_DESIGN and (found.group is not SecretClass.PERSONAL or opaque.isdigit())
        for found in find_secrets(opaque)
    )
