"""Messages with planted secrets, changed by lot in every way this file knows: for the fuzz of redaction.

What is planted is drawn by lot here and is of nobody. Each is sought whole, without the signs that a disguise puts between.
"""

import base64
import random
import re
import string
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from remit.domain.secrets.national_ids import is_card

_SMALL: Final = string.ascii_lowercase + string.digits
_MIXED: Final = string.ascii_letters + string.digits
_SAYINGS: Final = (
    "Hello, {} is what she gave me. Please help.",
    "On behalf of my customer: {}",
    "I tried it twice.\n\n{}\n\nWhat should I do?",
    "Bitte helfen Sie: {} danke",
    '{{"note": "{}"}}',
    "<p>{}</p>",
    "- first\n- {}\n- last",
    "{} (do not share it)",
    "order W1, 39.90 EUR, kettle; {}; thank you",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A message, and the secret in it as it was before it was disguised, and as it stands there."""

    text: str
    secret: str
    shown: str
    kind: str
    disguise: str


def _lot(lot: random.Random, letters: str, size: int) -> str:
    return "".join(lot.choice(letters) for _ in range(size))


def _card(lot: random.Random) -> str:
    while True:
        number = lot.choice(("4", "51", "55")) + _lot(lot, string.digits, 20)
        for last in string.digits:
            if is_card(number[:15] + last):
                return number[:15] + last


def _pass(lot: random.Random) -> str:
    return _lot(lot, string.ascii_letters, 6) + lot.choice("!#%&*") + _lot(lot, string.digits, 4)


KINDS: Final[dict[str, Callable[[random.Random], tuple[str, str]]]] = {
    "password": lambda lot: (lot.choice(("my password is ", "Passwort: ", "pw=", "password for the shop is ")), _pass(lot)),
    "pin": lambda lot: (lot.choice(("my PIN is ", "PIN: ", "meine PIN lautet ")), _lot(lot, string.digits, 6)),
    "code": lambda lot: (lot.choice(("verification code: ", "my one-time code is ", "TAN: ")), _lot(lot, string.digits, 6)),
    "card": lambda lot: (lot.choice(("my card number is ", "card: ", "charge card ")), _card(lot)),
    "known token": lambda lot: ("", lot.choice(("ghp_", "sk_live_", "glpat-", "xoxb-", "npm_")) + _lot(lot, _MIXED, 36)),
    "unknown token": lambda lot: (f"{_lot(lot, string.ascii_lowercase, 7)}_key=", _lot(lot, _SMALL, 32)),
    "bearer": lambda lot: ("Authorization: Bearer ", _lot(lot, _MIXED, 40)),
    "session": lambda lot: ("Cookie: session_id=", _lot(lot, "0123456789abcdef", 32)),
    "connection": lambda lot: ("postgres://app:", _lot(lot, _MIXED, 14)),
    "link": lambda lot: ("https://shop.example/reset?token=", _lot(lot, _MIXED, 32)),
}
_BEHIND: Final = {"connection": "@db.internal:5432/shop"}


def _broken(text: str, lot: random.Random) -> str:
    at = lot.randrange(1, len(text))
    return f"{text[:at]}\n{text[at:]}"


DISGUISES: Final[dict[str, Callable[[str, random.Random], str]]] = {
    "plain": lambda text, _: text,
    "zero width": lambda text, lot: lot.choice("\u200b\u200d\u2060\ufeff\u00ad").join(text),
    "full width": lambda text, _: "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text),
    "spaced": lambda text, _: " ".join(text),
    "base64": lambda text, _: base64.b64encode(text.encode()).decode(),
    "base64 twice": lambda text, _: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "hex": lambda text, _: text.encode().hex(),
    "percent": lambda text, _: "".join(f"%{one:02X}" for one in text.encode()),
    "html": lambda text, _: "".join(f"&#{ord(one)};" for one in text),
    "json": lambda text, _: "".join(f"\\u{ord(one):04x}" for one in text),
    "broken": _broken,
}
_PLAIN_ONLY: Final = {"connection"}
_TURNED: Final = ("upper label", "space", "comma", "tail", "head", "emoji", "crlf", "nothing")


def planted(seed: int, number: int) -> Iterator[Planted]:
    """So many messages, drawn by lot from a seed."""
    lot = random.Random(seed)
    for _ in range(number):
        kind = lot.choice(tuple(KINDS))
        label, secret = KINDS[kind](lot)
        disguise = "plain" if kind in _PLAIN_ONLY else lot.choice(tuple(DISGUISES))
        shown = DISGUISES[disguise](secret, lot)
        text = lot.choice(_SAYINGS).format(label + shown + _BEHIND.get(kind, ""))
        yield Planted(text=_turned(text, lot), secret=secret, shown=shown, kind=kind, disguise=disguise)


def _turned(text: str, lot: random.Random) -> str:
    """The message changed around what is planted in it."""
    how = lot.choice(_TURNED)
    noise = "".join(lot.choice("aeiou {}[]<>\"'\\&%=+-_.,;:!?\n\t\u00e9\u4f60\U0001f600") for _ in range(lot.randrange(1, 40)))
    return {
        "upper label": text,
        "space": text.replace(": ", ":  "),
        "comma": f"{text}, {noise}",
        "tail": f"{text}\n{noise}",
        "head": f"{noise}\n{text}",
        "emoji": f"\U0001f600 {text} \U0001f680",
        "crlf": text.replace("\n", "\r\n"),
        "nothing": text,
    }[how]


_LEAST: Final = 8


def leaks(kept: str, one: Planted) -> bool:
    """Whether what was planted, as it was or as it was shown, stands in a text: whole, or eight of its letters and digits in a row."""
    left = _letters(kept)
    for whole in {_letters(one.secret), _letters(one.shown)}:
        least = min(_LEAST, len(whole))
        if any(whole[at : at + least] in left for at in range(len(whole) - least + 1)):
            return True
    return False


def leaks_among(kept: str, sent: Iterable[Planted]) -> list[tuple[str, str, str]]:
    """Of which messages the secret stands in much text, whole: in so much a few letters in a row may be of something else."""
    views = (_letters(kept), _letters(_ESCAPED.sub("", kept)))
    found = []
    for one in sent:
        short = len(one.secret) <= _SHORT
        alone = re.search(rf"(?<![\w.]){re.escape(one.secret)}(?![\w.])", kept) is not None if short else False
        whole = {_letters(value) for value in (one.secret, one.shown) if len(_letters(value)) > _SHORT}
        if alone or any(value in view for value in whole for view in views):
            found.append((one.kind, one.disguise, one.text))
    return found


_SHORT: Final = 6
_ESCAPED: Final = re.compile(r"\\+(?:u[0-9a-f]{4}|U[0-9a-f]{8}|x[0-9a-f]{2}|[ntr])")


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text)))
