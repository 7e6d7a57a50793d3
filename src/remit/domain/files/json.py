"""JSON, JSON lines and recorded web sessions (HAR): every value redacted, the format kept.

Member names are the labels of their values; in a recorded request, credentials are removed whatever they look like.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from math import isfinite
from typing import Any, Final
from urllib.parse import quote_plus, unquote_plus

from remit.domain.files.detect import FileHeld, FileKind, HoldReason
from remit.domain.files.scrub import FileScrubber, always_secret, is_secret_header
from remit.domain.secrets.own_credentials import flatten_text

_DEEPEST: Final = 64
"""⚔ Honest documents nest less, and each level costs every reader."""
_DEEPEST_TEXT: Final = 3
"""Nesting of documents in text form within values."""
_MAX_LETTERS_NAME: Final = 200
_SMALL: Final = 100  # a number below it is no code
_LARGE: Final = 10**40  # and one above it neither
_SHORT: Final = 8
_REQUEST: Final = frozenset({"headers", "cookies", "querystring", "params"})
_PARAMETERS: Final = _REQUEST - {"cookies"}
_PAIR: Final = re.compile(r"[^&=\s]{1,200}=[^&\s]*(?:&[^&=\s]{1,200}=[^&\s]*)*&?")
_TYPES: Final = frozenset({"Accept", "Content-Type", "accept", "content-type", "mimeType"})
_TYPE: Final = re.compile(
    r"(?:application|audio|font|image|message|multipart|text|video)/[a-z0-9.+-]{1,60}(?:; ?charset=[A-Za-z0-9-]{1,20})?"
)
"""Values by which a recorded session states a media type: no secrets, whatever they look like."""
_BEGINS: Final = ("{", "[")
_ENCODED: Final = "encoding"
_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")


class _DuplicateName(Exception):  # noqa: N818  # it names what is
    """Name repeated in one object: two readers would read two documents."""


def read_json(text: str) -> Any:  # noqa: ANN401  # any JSON
    """Parse a document, with numbers as exact decimals.

    Raises:
        ValueError: invalid JSON.
        FileHeld: `two_formats` for a repeated name, `too_much` for deep nesting, `unreadable` for a lone surrogate.
    """
    try:
        found = json.loads(text, object_pairs_hook=_unique_names, parse_float=Decimal, parse_constant=_no_number)
    except _DuplicateName:
        raise FileHeld(HoldReason.TWO_FORMATS) from None
    except RecursionError:
        raise FileHeld(HoldReason.TOO_MUCH) from None
    if _HALF.search(text):
        _verify_letters(flatten_text(found))
    return found


def _verify_letters(text: str) -> None:
    """⚔ Verify that there is no lone surrogate, such as D800: JSON can express it, but it cannot be stored or shown."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise FileHeld(HoldReason.UNREADABLE) from None


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DuplicateName
    return found


def _no_number(word: str) -> None:
    raise ValueError(word)


def json_kind(text: str) -> tuple[FileKind, list[Any]] | None:
    """Return the kind and the documents of a JSON text, None for other text.

    Raises:
        FileHeld: as `read_json`.
    """
    if text.lstrip(" \t\r\n")[:1] not in _BEGINS:
        return None
    try:
        found = read_json(text)
    except ValueError:
        return _lines(text)
    log = found.get("log") if isinstance(found, dict) else None
    har = isinstance(log, dict) and isinstance(log.get("entries"), list)
    return (FileKind.HAR if har else FileKind.JSON), [found]


def _lines(text: str) -> tuple[FileKind, list[Any]] | None:
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or not all(line.lstrip().startswith(_BEGINS) for line in lines):  # noqa: PLR2004  # one line is a document
        return None
    try:
        return FileKind.NDJSON, [read_json(line) for line in lines]
    except ValueError:
        return None


def scrub_json(documents: list[Any], kind: FileKind, scrub: FileScrubber) -> str:
    """Return the documents without secrets, as text.

    Raises:
        FileHeld: `too_much`.
    """
    reader = _Reader(scrub, recorded=kind is FileKind.HAR)
    clean = [reader.value(document, "", "", 0) for document in documents]
    return "\n".join(map(_written, clean)) if scrub.writes else ""


def _written(value: Any) -> str:  # noqa: ANN401  # any JSON
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class _Reader:
    """Redacting reader of documents."""

    def __init__(self, scrub: FileScrubber, *, recorded: bool) -> None:
        self._scrub = scrub
        self._recorded = recorded
        self._harmless: set[str] = set()
        """Member names without findings."""
        self._dropped: dict[tuple[str, str], bool] = {}
        self._always: dict[str, bool] = {}

    def value(self, value: Any, label: str, inside: str, depth: int, *, text_depth: int = 0) -> Any:  # noqa: ANN401  # any JSON
        """Return a value without its secrets; `label` is its name, `inside` that of the list or object around it."""
        kind = type(value)  # a document has no other types
        if kind is str:
            return self._text(value, label, inside, depth, text_depth)
        if kind is bool or value is None:
            return value
        if kind is int or kind is Decimal:
            return self._number(value, label)
        if depth >= _DEEPEST:
            raise FileHeld(HoldReason.TOO_MUCH)
        if kind is list:
            return self._list(value, label, inside, depth, text_depth)
        return self._object(value, label, inside, depth, text_depth)

    def _number(self, value: int | Decimal, label: str) -> int | float | str:
        """Redact a number by its integer part: a time's fraction looks like a code. ⚔ Never write out huge ones."""
        plain = value if isinstance(value, int) else float(value)
        if isinstance(plain, float) and not isfinite(plain):
            return self._scrub.labelled(label, str(value))
        if abs(plain) < _SMALL or abs(plain) > _LARGE:
            return plain
        text = str(int(value))
        cleaned = self._scrub.labelled(label, text)
        return plain if cleaned == text else cleaned

    def _list(self, value: list[Any], label: str, inside: str, depth: int, text_depth: int) -> list[Any]:
        around = label or inside
        out = [self.value(item, label, around, depth + 1, text_depth=text_depth) for item in value]
        if 1 < len(out) <= _DEEPEST and all(
            isinstance(item, str | int) and not isinstance(item, bool) for item in value
        ):
            texts = [str(item) for item in out]
            cleaned = self._scrub.scrub_adjacent(texts, label)
            if cleaned != texts:
                return [item if after == text else after for item, text, after in zip(out, texts, cleaned, strict=True)]
        return out

    def _object(self, value: dict[str, Any], label: str, inside: str, depth: int, text_depth: int) -> dict[str, Any]:
        named = value.get("name", value.get("key")) if "value" in value else None
        decoded = self._body(value, depth) if self._recorded and value.get(_ENCODED) == "base64" else None
        out: dict[str, Any] = {}
        for key, member in value.items():
            name = key if len(key) < _SHORT or key in self._harmless else self._name(key)
            name = f"{name} {len(out)}" if name in out else name
            if decoded is not None and key in decoded:
                out[name] = decoded[key]
            elif key == "value" and isinstance(named, str):
                out[name] = self._pair(named, member, (inside or label).lower(), depth, text_depth)
            elif self._is_dropped(key, member, label):
                out[name] = self._scrub.drop("header" if is_secret_header(key) else "cookie", key[-_MAX_LETTERS_NAME:])
            else:
                out[name] = self.value(member, key, label, depth + 1, text_depth=text_depth)
        return out

    def _is_dropped(self, key: str, value: Any, label: str) -> bool:  # noqa: ANN401  # any JSON
        """Return whether a member is removed unseen: a header with credentials, or anything of a recorded cookie."""
        going = self._dropped.get((key, label))
        if going is None:
            going = is_secret_header(key) or (self._recorded and label.lower() in _PARAMETERS and always_secret(key))
            self._dropped[key, label] = going
        if not going or not value:
            return False
        number = isinstance(value, int) and not isinstance(value, bool)
        return isinstance(value, str) or (number and is_secret_header(key))

    def _is_always_dropped(self, name: str) -> bool:
        always = self._always.get(name)
        if always is None:
            always = self._always[name] = always_secret(name)
        return always

    def _name(self, key: str) -> str:
        name = self._scrub.labelled("", key, "a name")
        if name == key:
            self._harmless.add(key)
        return name

    def _pair(self, name: str, value: Any, part: str, depth: int, text_depth: int) -> Any:  # noqa: ANN401  # any JSON
        if self._recorded and part == "cookies":
            return self._scrub.drop("cookie", name)
        if is_secret_header(name) or (self._recorded and part in _REQUEST and self._is_always_dropped(name)):
            return self._scrub.drop("header" if part == "headers" else "parameter", name)
        return self.value(value, name, part, depth + 1, text_depth=text_depth)

    def _body(self, value: Mapping[str, Any], depth: int) -> dict[str, Any]:
        """Redact a recorded base64 body as the text it encodes. ⚔ Undecodable ones are removed."""
        kept = value.get("text")
        if not isinstance(kept, str) or not kept:
            return {}
        try:
            plain = base64.b64decode(re.sub(r"\s", "", kept), validate=True).decode()
        except (binascii.Error, ValueError):
            return {"text": self._scrub.drop_unreadable("unreadable_body"), _ENCODED: ""}
        cleaned = self._text(self._scrub.note_decoded(plain), "text", "content", depth, 0)
        return {"text": kept if cleaned == plain else base64.b64encode(cleaned.encode()).decode()}

    def _text(self, text: str, label: str, inside: str, depth: int, text_depth: int) -> str:
        if len(text) < 2:  # noqa: PLR2004  # one letter is no secret
            return text
        if text[0] in _BEGINS and text_depth < _DEEPEST_TEXT:
            document = self._document(text, label, depth, text_depth)
            if document is not None:
                return document
        if self._recorded:
            if label in _TYPES and _TYPE.fullmatch(text):
                return text
            head, behind = self._address(text, label)
            return self._scrub.labelled(label, head, f"{inside} {label}".strip()) + behind
        return self._scrub.labelled(label, text, f"{inside} {label}".strip())

    def _document(self, text: str, label: str, depth: int, text_depth: int) -> str | None:
        """Return the redacted form of a document in text form; None for other text."""
        found = self._scrub.documents.get(text, self)
        if found is self:
            try:
                found = read_json(text)
            except ValueError:
                found = None
            else:
                self._scrub.note_decoded(flatten_text(found))
            self._scrub.documents[text] = found
        if found is None:
            return None
        before = sum(self._scrub.counts.values())
        cleaned = self.value(found, label, "", depth + 1, text_depth=text_depth + 1)
        return text if sum(self._scrub.counts.values()) == before else _written(cleaned)

    def _address(self, text: str, label: str) -> tuple[str, str]:
        """Split an address or form of a recorded request into the text still to be read and its redacted parameters."""
        if "://" in text[:12] or text[0] == "/":
            head, mark, query = text.partition("?")
            query, anchor, behind = query.partition("#")
            behind = self._query(behind) if "=" in behind else self._scrub.labelled("", behind)
            return (head, f"{mark}{self._query(query)}{anchor}{behind}") if mark else (text, "")
        return ("", self._query(text)) if label == "text" and _PAIR.fullmatch(text) else (text, "")

    def _query(self, query: str) -> str:
        return "&".join(map(self._parameter, query.split("&")))

    def _parameter(self, parameter: str) -> str:
        name, equals, value = parameter.partition("=")
        if not equals or not value:
            return parameter
        plain_name, plain = unquote_plus(name), unquote_plus(value)
        if self._is_always_dropped(plain_name):
            return f"{name}={quote_plus(self._scrub.drop('parameter', plain_name))}"
        cleaned = self._scrub.labelled(plain_name, plain)
        return parameter if cleaned == plain else f"{name}={quote_plus(cleaned)}"
