"""Words by which a draft guesses: areas, money, recipients, free text and values that never leave.

Every guess made by them is listed in the report; on doubt the stricter one is taken.
"""

import re
from typing import Final

AREAS: Final = (
    (
        "security",
        (
            r"password|passwd|mfa|2fa|otp|totp|token|session|login|logout|(un)?lock|(un)?block|credential|role|permission"
            r"|secret|api.?key|webhook|user|group|invite|scope|certificate"
        ),
    ),
    (
        "payment",
        (
            r"refund|payment|charge|transfer|payout|invoice|credit|debit|cancel|return|exchange|dispute|claim|capture"
            r"|price|gift.?card|balance|order|fee|discount|promotion|tax|store.?value|checkout|donation"
        ),
    ),
    ("identity", r"address|e.?mail|phone|customer|contact|profile|person|kyc|birth|company|account|name"),
    ("disclosure", r"export|statement|document|download|send|message|conversation|note|report"),
    ("commitment", r"subscription|contract|booking|reservation|plan|quote|offer"),
)
"""Areas from the strictest on: the first one whose words occur is taken."""
UNKNOWN_AREA: Final = "security"

_MONEY: Final = re.compile(r"amount|price|total|balance|fee|value", re.IGNORECASE)
_RECIPIENT: Final = re.compile(
    r"address|e.?mail|phone|iban|account.?number|account.?holder|recipient|destination|postal|^to$|redirect|url$",
    re.IGNORECASE,
)
_FREE_TEXT: Final = re.compile(r"note|comment|reason|message|description|text|body|title|subject|label", re.IGNORECASE)
_NEVER: Final = re.compile(
    r"password|passwd|secret|token|otp|seed|api.?key|private|credential|cvc|cvv|pin$|hash|salt|card.?number|^number$",
    re.IGNORECASE,
)
_OWNER: Final = re.compile(
    r"(customer|user|owner|account_?holder|contact|party|member|shopper|person)(_?(id|reference))?", re.IGNORECASE
)
_VERSION: Final = re.compile(
    r"version|revision|etag|updated_?at|last_?modified|modified_?at|update_?time", re.IGNORECASE
)
_NAME: Final = re.compile(r"display_?id|name|title|subject|number|code|reference", re.IGNORECASE)
_PLUMBING: Final = frozenset({"admin", "api", "v1", "v2", "v3", "v4", "store", "rest", "private", "public"})


def area_of(text: str) -> tuple[str, bool]:
    """Return the area of an operation by its words, and whether any was found."""
    plain = words_of(text)
    for area, pattern in AREAS:
        if re.search(pattern, plain):
            return area, True
    return UNKNOWN_AREA, False


def is_money(name: str) -> bool:
    """Return whether a number of this name may be money."""
    return _MONEY.search(name) is not None


def is_recipient(name: str) -> bool:
    """Return whether a value of this name may say where something goes."""
    return _RECIPIENT.search(name) is not None


def is_free_text(name: str) -> bool:
    """Return whether a text of this name is written for people."""
    return _FREE_TEXT.search(name) is not None


def never_leaves(name: str) -> bool:
    """⚔ Return whether a value of this name may be a secret: it is never drafted as an attribute."""
    return _NEVER.search(name) is not None


def is_owner(name: str) -> bool:
    """Return whether a value of this name may name the customer."""
    return _OWNER.fullmatch(name) is not None


def is_version(name: str) -> bool:
    """Return whether a value of this name may move when its record changes."""
    return _VERSION.fullmatch(name) is not None


def is_name(name: str) -> bool:
    """Return whether a value of this name may be a short name for people."""
    return _NAME.fullmatch(name) is not None


def words_of(text: str) -> str:
    """Return a text in small letters, camel case cut into words."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).lower()


def word_of(text: str) -> str:
    """Return a text as one word of the catalogue: small letters, digits and underscores."""
    found = re.sub(r"[^a-z0-9]+", "_", words_of(text)).strip("_")[:40].strip("_")
    return found if found[:1].isalpha() else f"n_{found}" if found else "thing"


def singular(word: str) -> str:
    """Return the singular of an English noun, roughly."""
    for ending, instead in (("sses", "ss"), ("ies", "y"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")):
        if word.endswith(ending):
            return word.removesuffix(ending) + instead
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def is_plumbing(segment: str) -> bool:
    """Return whether a segment of a path says nothing of its subject."""
    return segment.lower() in _PLUMBING or re.fullmatch(r"v?\d+(\.\d+)*", segment.lower()) is not None
