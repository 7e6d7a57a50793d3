"""Turning data into pages: templates, their filters, and the static files. What a page says is in its own module."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from remit.domain.errors import Code, Refused
from remit.domain.plain import visible
from remit.domain.records import Person
from remit.domain.rendering_values import day_and_time, quoted
from remit.domain.values import Instant
from remit.entrypoints.replies import Answer, encode
from remit.entrypoints.web.plain_words import IN_FORMS, SENTENCES
from remit.entrypoints.web.sent import NOTHING, Sent
from remit.usecases.parts import Parts

HTML: Final = b"text/html; charset=utf-8"
_TYPES: Final[Mapping[str, bytes]] = {
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
}
_ESCAPES: Final = ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026"), (b"'", b"\\u0027"))


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file of ours, kept in memory, with its digest."""

    name: str
    body: bytes
    media_type: bytes
    digest: str


@cache
def static_files() -> Mapping[str, StaticFile]:
    """Every static file by name."""
    found: dict[str, StaticFile] = {}
    for one in files("remit.entrypoints.web").joinpath("static").iterdir():
        kind = _TYPES.get(one.name[one.name.rfind(".") :])
        if kind is not None:
            body = one.read_bytes()
            found[one.name] = StaticFile(one.name, body, kind, hashlib.sha256(body).hexdigest()[:16])
    return found


def static_answer(name: str, known: str) -> Answer:
    """GET /static/{name}. `known` is the browser's If-None-Match; asked every time, so that no page mixes two versions.

    Raises:
        Refused: `request.not_found`.
    """
    one = static_files().get(name)
    if one is None:
        raise Refused(Code.REQUEST_NOT_FOUND, f"no file {name!r}")
    tag = f'"{one.digest}"'
    headers = ((b"cache-control", b"no-cache"), (b"etag", tag.encode()))
    return Answer(304, b"", one.media_type, headers) if known == tag else Answer(200, one.body, one.media_type, headers)


def page(parts: Parts, name: str, person: Person | None, *, status: int = 200, sent: Sent = NOTHING, **shown: object) -> Answer:
    """A page, kept by nobody on the way. `person` is who is signed in, `sent` the form that came back to it, or was done."""
    text = (
        _environment()
        .get_template(name)
        .render(desk=parts.catalogue.desk, person=person, desk_roles=("admin", *parts.catalogue.roles), sent=sent, **shown)
    )
    return Answer(sent.status if sent.title else status, text.encode(), HTML, ((b"cache-control", b"no-store"),))


@cache
def _environment() -> Environment:
    sources = {one.name: one.read_text(encoding="utf-8") for one in files("remit.entrypoints.web").joinpath("templates").iterdir()}
    made = Environment(loader=DictLoader(sources), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["data"] = _data
    made.filters["json"] = _json
    made.filters["when"] = _when
    made.filters["moment"] = _moment
    made.filters["quoted"] = quoted
    made.filters["visible"] = visible
    made.globals["static"] = _static
    made.globals["modules"] = sorted(name for name in static_files() if name.endswith(".js"))
    made.globals["sentences"] = {
        **{code.value: list(words) for code, words in SENTENCES.items()},
        **{f"{form} {code.value}": list(words) for (form, code), words in IN_FORMS.items()},
    }
    return made


def _static(name: str) -> str:
    return f"/static/{static_files()[name].name}"


def _data(value: object) -> Markup:
    """JSON for a script element that runs nothing. ⚔ Nothing in it can end the element or begin another."""
    raw = encode(value)
    for letter, escape in _ESCAPES:
        raw = raw.replace(letter, escape)
    return Markup(raw.decode())  # noqa: S704  # every character that means something in HTML is escaped above


def _json(value: object) -> str:
    """JSON for an attribute; the template escapes it like any text."""
    return encode(value).decode()


def _when(instant: int) -> Markup:
    """A time people can read; the page turns it into their own zone."""
    text = datetime.fromtimestamp(instant / 1000, tz=UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Markup('<time datetime="{}">{}</time>').format(text, day_and_time(Instant(instant)))


def _moment(text: str) -> Markup:
    """As `when`, from an RFC 3339 text."""
    return _when(round(datetime.fromisoformat(text).timestamp() * 1000))
