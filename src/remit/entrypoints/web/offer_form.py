"""The form of an offer: an action's terms for an officer, their maximum, and the look of made terms.

Whether an offer may be made is decided by its use case.
"""

from collections.abc import Iterator, Mapping, Sequence

from remit.domain.catalogue.model import OFFER_PARAMS, VALUE_TITLES, Action, Catalogue, MarkKind
from remit.domain.confirm.offers import offer_limit, widest_limit
from remit.domain.confirm.render_values import action_label, amount, plain_value
from remit.domain.errors import Refused
from remit.domain.i18n import Translator
from remit.domain.structs import struct
from remit.domain.text.normalize import make_visible
from remit.domain.values import Json, JsonObject, Money, minor_digits
from remit.entrypoints.web.edit_form import readable_path


@struct(frozen=True, kw_only=True)
class OfferTerm:
    """One term. `kind`: choice, money, number, list or text. `choices`: values with words; `digits`: decimals."""

    name: str
    title: str
    kind: str
    choices: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    digits: int = 0
    required: bool = False


@struct(frozen=True, kw_only=True)
class OfferForm:
    """One kind of offer. `unit` is its currency, `most` the maximum of the officer's roles ("" without a limit)."""

    name: str
    title: str
    terms: tuple[OfferTerm, ...]
    unit: str
    most: str


def offer_forms(catalogue: Catalogue, roles: Sequence[str]) -> list[OfferForm]:
    """Return the offers an officer with these roles may make."""
    made: list[OfferForm] = []
    for action in catalogue.actions.values():
        if not action.takes_offer:
            continue
        try:
            limits = offer_limit(catalogue, roles, action)
        except Refused:
            continue
        most = widest_limit(limits or ())
        title = make_visible(action.short) or action_label(action).partition("…")[0].rstrip(" (,:“")
        unit, say = _unit(catalogue, most), catalogue.say
        terms = tuple(_terms(action, unit, say))
        made.append(
            OfferForm(
                name=action.name,
                title=title,
                terms=terms,
                unit=unit,
                most=say(" or ").join(amount(str(one), say) for one in most),
            )
        )
    return made


def terms_text(action: Action | None, terms: JsonObject, say: Translator) -> str:
    """Return the terms of an offer in a line: names, and values in words."""
    properties = action.schema.get("properties") if action is not None else None
    known = properties if isinstance(properties, Mapping) else {}
    return ", ".join(
        f"{_title(name, known.get(name))}: {_words(value, known.get(name), say)}" for name, value in terms.items()
    )


def _unit(catalogue: Catalogue, most: Sequence[Money]) -> str:
    """Return the currency of an offer: the desk's own, unless the officer has limits only in others."""
    own = {one.currency for one in most}
    return catalogue.currency if not own or catalogue.currency in own else most[0].currency


def _terms(action: Action, unit: str, say: Translator) -> Iterator[OfferTerm]:
    properties = action.schema.get("properties")
    money = {str(mark.path) for mark in action.marked(MarkKind.MONEY)}
    for name, schema in sorted(properties.items()) if isinstance(properties, Mapping) else ():
        if name in OFFER_PARAMS or not isinstance(schema, Mapping):
            continue
        choices = schema.get("enum")
        values = [one for one in choices if isinstance(one, str)] if isinstance(choices, list | tuple) else []
        yield OfferTerm(
            name=name,
            title=_title(name, schema),
            kind="money" if name in money else "choice" if values else _kind(schema.get("type")),
            choices=tuple((one, _words(one, schema, say)) for one in values),
            unit=unit if name in money else "",
            digits=minor_digits(unit) if name in money else 0,
            required=name in action.offer_required,
        )


def _kind(kind: Json) -> str:
    if isinstance(kind, str):
        return {"array": "list", "integer": "number", "number": "number"}.get(kind, "text")
    return "text"


def _title(name: str, schema: Json) -> str:
    title = schema.get("title") if isinstance(schema, Mapping) else None
    return make_visible(title) if isinstance(title, str) else readable_path(name)


def _words(value: Json, schema: Json, say: Translator) -> str:
    """Return a value; the catalogue's own words in readable form."""
    if isinstance(value, str) and isinstance(schema, Mapping) and "enum" in schema:
        titles = schema.get(VALUE_TITLES)
        if isinstance(titles, Mapping) and value in titles:
            return make_visible(str(titles[value]))
        words = make_visible(value).replace("_", " ")
        return words[:1].upper() + words[1:]
    return plain_value(value, say)
