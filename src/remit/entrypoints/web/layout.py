"""Page rendering: templates, their filters, and the static files. The content of a page is in its own module."""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from remit.domain.brand import Brand, accent_style
from remit.domain.confirm.render_values import amount, day_and_time, lookalike_warning, quoted_text
from remit.domain.errors import Code, Refused
from remit.domain.i18n import Translator
from remit.domain.records import PersonRecord
from remit.domain.structs import struct
from remit.domain.text.normalize import make_visible
from remit.domain.values import Instant
from remit.engine.context import DeskContext
from remit.entrypoints.http.cookies import NAMES
from remit.entrypoints.http.replies import HttpResponse, encode_json
from remit.entrypoints.web.phrases import IN_FORMS, OFFERS, RESUMES, SENTENCES, STOPPABLE, TRUST, split_marked

HTML: Final = b"text/html; charset=utf-8"
_TYPES: Final[Mapping[str, bytes]] = {
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
}
_SCRIPT_TEXT: Final = re.compile(r"\b(?:_|marked|plural)\(\s*'((?:[^'\\]|\\.)*)'")
_ESCAPES: Final = ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026"), (b"'", b"\\u0027"))


@struct(frozen=True)
class StaticFile:
    """One static file, kept in memory, with its digest."""

    name: str
    body: bytes
    media_type: bytes
    digest: str


@cache
def static_files() -> Mapping[str, StaticFile]:
    """Return every static file by name."""
    found: dict[str, StaticFile] = {}
    for file in files("remit.entrypoints.web").joinpath("static").iterdir():
        kind = _TYPES.get(file.name[file.name.rfind(".") :])
        if kind is not None:
            body = file.read_bytes()
            found[file.name] = StaticFile(file.name, body, kind, hashlib.sha256(body).hexdigest()[:16])
    return found


def static_answer(name: str, known: str) -> HttpResponse:
    """GET /static/{name}. `known` is the browser's If-None-Match; always revalidated, so that no page mixes versions.

    Raises:
        Refused: `request.not_found`.
    """
    file = static_files().get(name)
    if file is None:
        raise Refused(Code.REQUEST_NOT_FOUND, f"no file {name!r}")
    tag = f'"{file.digest}"'
    headers = ((b"cache-control", b"no-cache"), (b"etag", tag.encode()))
    if known == tag:
        return HttpResponse(304, b"", file.media_type, headers)
    return HttpResponse(200, file.body, file.media_type, headers)


LOGO: Final = "/brand/logo"
ACCENT: Final = "/brand/accent.css"
_STILL: Final = (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; sandbox")
"""⚔ Opened by itself, a logo runs and loads nothing, whatever it holds."""


def brand_answer(brand: Brand, path: str, known: str) -> HttpResponse:
    """GET /brand/logo and /brand/accent.css: the company's own, from our own address.

    Raises:
        Refused: `request.not_found` where none is set.
    """
    own: tuple[tuple[bytes, bytes], ...] = ()
    if path == LOGO:
        body, kind, own = brand.logo, brand.media_type.encode(), (_STILL,)
    else:
        body, kind = accent_style(brand).encode(), _TYPES[".css"]
    if not body:
        raise Refused(Code.REQUEST_NOT_FOUND, f"no {path} is set")
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = ((b"cache-control", b"no-cache"), (b"etag", tag.encode()), *own)
    return HttpResponse(304, b"", kind, headers) if known == tag else HttpResponse(200, body, kind, headers)


def render_page(
    desk: DeskContext, name: str, person: PersonRecord | None, *, status: int = 200, **shown: object
) -> HttpResponse:
    """Render a page, never cached on the way, in the language of the desk's catalogue, for signed-in `person`."""
    catalogue = desk.catalogue
    languages = [(one, NAMES.get(one, one)) for one in catalogue.languages]
    text = (
        _environment(catalogue.say)
        .get_template(name)
        .render(
            desk=catalogue.desk,
            person=person,
            desk_roles=("admin", *catalogue.roles),
            languages=languages,
            logo=LOGO if desk.terms.brand.logo else "",
            accent=ACCENT if desk.terms.brand.accent else "",
            **shown,
        )
    )
    language = catalogue.say.language.encode()
    headers = ((b"cache-control", b"no-store"), (b"content-language", language))
    return HttpResponse(status, text.encode(), HTML, headers)


_ENVIRONMENTS: Final[dict[int, tuple[Translator, Environment]]] = {}
"""Environments by id of speech; the speech is kept too, so that its id is not reused."""


def _environment(say: Translator) -> Environment:
    found = _ENVIRONMENTS.get(id(say))
    if found is None:
        found = _ENVIRONMENTS[id(say)] = (say, _made(say))
    return found[1]


def _made(say: Translator) -> Environment:
    sources = {
        template.name: template.read_text(encoding="utf-8")
        for template in files("remit.entrypoints.web").joinpath("templates").iterdir()
    }
    made = Environment(
        loader=DictLoader(sources), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["data"] = _data
    made.filters["json"] = _json
    made.filters["when"] = lambda instant: _when(instant, say)
    made.filters["moment"] = lambda text: _when(_instant(text), say)
    made.filters["ago"] = lambda text: _when(_instant(text), say, "relative")
    made.filters["due"] = lambda text: _when(_instant(text), say, "due")
    made.filters["money"] = lambda text: amount(make_visible(text), say)
    made.filters["quoted"] = quoted_text
    made.filters["visible"] = make_visible
    made.filters["lookalike"] = lambda text: lookalike_warning(text, say)
    made.filters["cut_up"] = split_marked
    made.globals["static"] = _static
    made.globals["modules"] = sorted(name for name in static_files() if name.endswith(".js"))
    made.globals["language"] = say.language
    made.globals["_"], made.globals["plural"] = _texts(say)
    made.filters["say"] = lambda word, words: words.get(word, word)
    for name, words in (("offer_states", OFFERS), ("tiers", TRUST), ("whats", STOPPABLE)):
        made.globals[name] = {one: say(word) for one, word in words.items()}
    made.globals["resumes"] = RESUMES
    made.globals["sentences"] = {
        **{code.value: [say(one) for one in words] for code, words in SENTENCES.items()},
        **{f"{form} {code.value}": [say(one) for one in words] for (form, code), words in IN_FORMS.items()},
    }
    made.globals["texts"] = {text: list(say.texts[text]) for text in script_texts() if text in say.texts}
    return made


def _texts(say: Translator) -> tuple[Callable[..., Markup], Callable[..., Markup]]:
    """Return the template functions for a text, and for a text with a number."""

    def text(text: str, /, **values: object) -> Markup:
        return _filled(say(text), values)

    def plural(one: str, many: str, count: int, /, **values: object) -> Markup:
        return _filled(say.form_for(one, many, count), {"count": count, **values})

    return text, plural


def _filled(text: str, values: Mapping[str, object]) -> Markup:
    """Fill values into one of our own texts. ⚔ The values are escaped; the text is ours."""
    template = Markup(text)  # noqa: S704  # from our own list of texts
    return template.format_map(values) if values else template


@cache
def script_texts() -> frozenset[str]:
    """Return the texts of our browser programs: every `_('…')`, `marked('…')` and `plural('…', …)`."""
    programs = (one.body.decode() for one in static_files().values() if one.name.endswith(".js"))
    return frozenset(match[1].replace("\\'", "'") for program in programs for match in _SCRIPT_TEXT.finditer(program))


def _static(name: str) -> str:
    return f"/static/{static_files()[name].name}"


def _data(value: object) -> Markup:
    """Encode JSON for an inert script element. ⚔ Nothing in it can end the element or begin another."""
    raw = encode_json(value)
    for letter, escape in _ESCAPES:
        raw = raw.replace(letter, escape)
    return Markup(raw.decode())  # noqa: S704  # every character that means something in HTML is escaped above


def _json(value: object) -> str:
    """Encode JSON for an attribute; the template escapes it like any text."""
    return encode_json(value).decode()


def _instant(time: str | int) -> int:
    """Return a time of a page in milliseconds: an RFC 3339 text, or milliseconds already."""
    return time if isinstance(time, int) else round(datetime.fromisoformat(time).timestamp() * 1000)


def _when(instant: int, say: Translator, look: str = "") -> Markup:
    """Format a time for people. The page converts it to their own zone and to its `look` (static/time.js)."""
    text = datetime.fromtimestamp(instant / 1000, tz=UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    shape = Markup(' data-look="{}"').format(look) if look else ""
    return Markup('<time datetime="{}"{}>{}</time>').format(text, shape, day_and_time(Instant(instant), say))
