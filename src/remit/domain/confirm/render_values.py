"""The look of single values: quoted, dated, with their records' names."""

import re
from collections.abc import Container, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, TypeAlias

from remit.domain.catalogue.model import OFFER_DIGEST, VALUE_TITLES, Action, MarkKind
from remit.domain.confirm.distinct_names import names_alone
from remit.domain.errors import Refused
from remit.domain.i18n import ENGLISH, OUR_YES_AND_NO, Translator, marked
from remit.domain.param_paths import ParamPath
from remit.domain.text.confusables import deceptive_letters
from remit.domain.text.normalize import make_visible
from remit.domain.values import Instant, Json, JsonObject, is_list, minor_digits, verify_instant

Names: TypeAlias = Mapping[tuple[str, str], str]
"""The names of records by (kind, id), and of the parts of a record by (`part_kind`, id)."""

_PLAIN: Final = re.compile(r"[#A-Za-z0-9](?:[A-Za-z0-9_#@+/-]|[.:](?=[A-Za-z0-9]))*", re.ASCII)
_MONEY: Final = re.compile(r"[0-9]+(\.[0-9]+)? [A-Z]{3}", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9.:/-]+", re.ASCII)
_KEY: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_MARK: Final = marked(".")
_GROUP: Final = marked(",")
_WITH_SYMBOL: Final = marked("{symbol}{amount}")
_SYMBOLS: Final[Mapping[str, str]] = {"EUR": "€", "GBP": "£", "JPY": "¥", "USD": "$"}
"""Currencies whose symbol names no other currency here; every other one keeps its ISO 4217 code."""
_LIKE_THOUSANDS: Final = re.compile(r"(?<=[0-9])\.(?=[0-9]{3}(?![0-9]))", re.ASCII)
_PLACEHOLDER: Final = re.compile(r"\{([^{}]+)\}")
_BRACKETS: Final = re.compile(r" ?\([^()]*\)")
_MONTHS: Final = (
    marked("January"), marked("February"), marked("March"), marked("April"), marked("May"), marked("June"),
    marked("July"), marked("August"), marked("September"), marked("October"), marked("November"), marked("December"),
)  # fmt: skip


_QUOTED: Final = marked("“{text}”")
QUOTE_MARKS: Final = "“”„‟«»\u2039\u203a❝❞❛❜〝〞〟⹂\u02ba\u2033\u2036\uff02\U0001f676\U0001f677\U0001f678"
"""Every mark that begins or ends a quotation in some language, or looks as if it did."""
_DOUBLED: Final = re.compile(r"[´\u02b9\u02bb\u02bc\u02bd\u2018\u2019\u201a\u201b\u2032\u2035\uff07]{2,}")  # noqa: RUF001  # these marks are the point
"""Single marks side by side, which look like a double one."""
_WITHOUT_MARKS: Final = {ord(mark): f"⟨U+{ord(mark):04X}⟩" for mark in QUOTE_MARKS}


def quoted_text(text: str, say: Translator) -> str:
    """Quote a foreign text, so that it can neither end its quotation nor pass for our own words.

    One plain word or one amount stands bare; a text of digits does not, so that it never looks like a number.
    """
    word = _PLAIN.fullmatch(text) and not _NUMBER.fullmatch(text) and text not in OUR_YES_AND_NO
    return text if word or _MONEY.fullmatch(text) else in_quotes(text, say)


def in_quotes(text: str, say: Translator) -> str:
    """Quote a foreign text in the reader's language, also one plain word. ⚔ No mark in it ends the quotation."""
    apart = _DOUBLED.sub(lambda found: "".join(f"⟨U+{ord(mark):04X}⟩" for mark in found[0]), make_visible(text))
    return say(_QUOTED, text=apart.translate(_WITHOUT_MARKS))


def day_and_time(instant: Instant, say: Translator) -> str:
    """Return an instant as people write it, in UTC."""
    moment = datetime.fromtimestamp(instant / 1000, tz=UTC)
    month = say(_MONTHS[moment.month - 1])
    time = moment.strftime("%H:%M")
    return say("{day} {month} {year}, {time} UTC", day=moment.day, month=month, year=moment.year, time=time)


def plain_value(value: Json, say: Translator) -> str:
    """Return one JSON value in plain words, complete."""
    if value is None:
        return say("(nothing)")
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    if isinstance(value, int | Decimal):
        return number(f"{value:f}", say) if isinstance(value, Decimal) else str(value)
    if isinstance(value, str):
        return _text(value, say)
    if isinstance(value, Mapping):
        return ", ".join(f"{_key(key, say)}: {plain_value(item, say)}" for key, item in value.items()) or say(
            "(no details)"
        )
    return ", ".join(plain_value(item, say) for item in value) or say("(empty)")


def number(text: str, say: Translator) -> str:
    """Localise a number. ⚔ Three decimals need the reader's own mark: 1.500 is fifteen hundred to a German."""
    return _LIKE_THOUSANDS.sub(say(_MARK), text)


def amount(text: str, say: Translator) -> str:
    """Return money as its reader writes it: `€1,500.00`, `1.500,00 €`, `20.00 CAD`; a plain number as `number`.

    ⚔ Decimals are filled up to those of the currency, so that a group of three digits is never a fraction.
    """
    figure, _, unit = text.partition(" ")
    if not unit:
        return number(text, say)
    whole, _, fraction = figure.partition(".")
    digits = minor_digits(unit)
    grouped = say(_GROUP).join(_thousands(whole))
    written = f"{grouped}{say(_MARK)}{fraction:0<{digits}}" if digits or fraction else grouped
    symbol = _SYMBOLS.get(unit)
    return f"{written} {unit}" if symbol is None else say(_WITH_SYMBOL, symbol=symbol, amount=written)


def _thousands(figure: str) -> Iterator[str]:
    first = len(figure) % 3
    if first:
        yield figure[:first]
    for at in range(first, len(figure), 3):
        yield figure[at : at + 3]


def _text(text: str, say: Translator) -> str:
    if _MONEY.fullmatch(text):
        return amount(text, say)
    try:
        instant = verify_instant(text)
    except Refused:
        return quoted_text(text, say)
    return f"{day_and_time(instant, say)} ({text})"


_MAX_UNLIKE: Final = 10
_NOT_GIVEN: Final = "—"
"""Stands in a title for an absent param. No value looks like it: a given dash is quoted."""


def action_label(action: Action) -> str:
    """Return an action's name before its params are known: its short title, else its title with `…` as placeholders."""
    return make_visible(action.short) or _PLACEHOLDER.sub("…", make_visible(action.title))


def fill_title(action: Action, params: JsonObject, names: Names, say: Translator, *, with_ids: bool = False) -> str:
    """Fill the action's title, each value quoted and each record named: by its name alone where that tells it apart.

    `with_ids` names the id of each record too, where no line of the params does. Brackets around absent params alone disappear, so that signers read no row of dashes.
    """
    given = _given(action, params, names, say, with_ids=with_ids)
    return _PLACEHOLDER.sub(
        lambda match: given.get(match[1], _NOT_GIVEN), _without_empty_brackets(make_visible(action.title), given)
    )


def _without_empty_brackets(title: str, given: Mapping[str, str]) -> str:
    """Drop brackets of absent params. ⚔ This precedes filling, so that no value opens or closes a bracket of ours."""

    def kept(match: re.Match[str]) -> str:
        inside = _PLACEHOLDER.findall(match[0])
        return match[0] if not inside or any(path in given for path in inside) else ""

    return _BRACKETS.sub(kept, title)


def past_title(action: Action, params: JsonObject, names: Names, say: Translator) -> str:
    """Fill a title for later reading: absent params disappear with the words before them. Never signed."""
    given = _given(action, params, names, say)
    if not given:
        return action_label(action)
    pieces = _PLACEHOLDER.split(_without_empty_brackets(make_visible(action.title), given))
    text, lead = "", pieces[0]
    for path, after in zip(pieces[1::2], pieces[2::2], strict=True):
        if path in given:
            text, lead = f"{text}{lead}{given[path]}", after
        elif not lead.endswith("("):  # else the bracket waits for its next piece
            text, lead = f"{text}{')' if lead.startswith(')') else ''}" or f"{lead}…", after
    return f"{text}{lead}" if pieces[-1] else text


def _given(
    action: Action, params: JsonObject, names: Names, say: Translator, *, with_ids: bool = False
) -> Mapping[str, str]:
    """Return the value of each placeholder that has one."""
    alone = frozenset[tuple[str, str]]() if with_ids else names_alone(names)
    kinds = {str(path): kind for path, kind in _kinds(action, params).items()}
    values = {path: _at(params, path) for path in _PLACEHOLDER.findall(make_visible(action.title))}
    return {
        path: titled_value(value, value_titles(action.schema, ParamPath((path,))))
        or _in_title(value, kinds.get(path) or kinds.get(f"{path}[*]") or "", names, alone, say)
        for path, value in values.items()
        if value is not None
    }


def part_kind(kind: str, record_id: str) -> str:
    """Return the kind under which the names of one record's parts are listed."""
    return f"{kind}/{record_id}"


def records_with_parts(action: Action, params: JsonObject) -> Iterator[tuple[str, str]]:
    """Yield the records (kind, id) whose parts the params name."""
    of = {str(mark.path): mark.of for mark in action.marked(MarkKind.RESOURCE)}
    for mark in action.marked(MarkKind.PART):
        record_id = _at(params, mark.of)
        if isinstance(record_id, str) and mark.of in of:
            yield of[mark.of], record_id


def _kinds(action: Action, params: JsonObject) -> Mapping[ParamPath, str]:
    """Return the naming kind of the value at each path."""
    of = {str(mark.path): mark.of for mark in action.marked(MarkKind.RESOURCE)}
    parts = {
        mark.path: part_kind(of.get(mark.of, ""), str(_at(params, mark.of))) for mark in action.marked(MarkKind.PART)
    }
    return {**{mark.path: mark.of for mark in action.marked(MarkKind.RESOURCE)}, **parts}


def _at(params: JsonObject, path: str) -> Json:
    value: Json = params
    for step in path.removesuffix("[*]").split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


def _in_title(value: Json, kind: str, names: Names, alone: Container[tuple[str, str]], say: Translator) -> str:
    """Return a value as a title names it. ⚔ Records whose names are or look alike keep their ids."""
    if is_list(value):
        return ", ".join(_in_title(item, kind, names, alone, say) for item in value) or say("(empty)")
    if isinstance(value, str) and (kind, value) in alone:
        return in_quotes(names[kind, value], say)
    return _named(value, kind, names, say)


def _named(value: Json, kind: str, names: Names, say: Translator) -> str:
    if is_list(value):
        return ", ".join(_named(item, kind, names, say) for item in value) or say("(empty)")
    name = names.get((kind, value), "") if kind and isinstance(value, str) else ""
    return (
        f"{plain_value(value, say)} ({quoted_text(name, say)})" if name and name != value else plain_value(value, say)
    )


def list_params(
    action: Action, params: JsonObject, names: Names, say: Translator
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield every value of the params: its labelled line and the notes on its meaning.

    The digest of an offer is left out; its terms are listed.
    """
    marks = {mark.path: mark.kind for mark in action.marks}
    kinds = _kinds(action, params)
    read = {name: value for name, value in params.items() if not (action.takes_offer and name == OFFER_DIGEST)}
    for path, place, value in _leaves(read, ParamPath(()), "", say) if read else ():
        text = titled_value(value, value_titles(action.schema, path)) or _named(value, kinds.get(path, ""), names, say)
        yield (
            f"{_label(action.schema, path, place, say)}: {text}",
            _meaning(marks.get(path), value, say),
        )


def value_titles(schema: JsonObject, path: ParamPath) -> Mapping[str, str]:
    """Return the titles read in place of a param's listed values; none for nested params."""
    members = schema.get("properties")
    member = members.get(str(path.steps[0])) if isinstance(members, Mapping) and len(path.steps) == 1 else None
    titles = member.get(VALUE_TITLES) if isinstance(member, Mapping) else None
    return {name: str(title) for name, title in titles.items()} if isinstance(titles, Mapping) else {}


def titled_value(value: Json, titles: Mapping[str, str]) -> str:
    """Return the title of a listed value; "" where it has none."""
    return make_visible(titles[value]) if isinstance(value, str) and value in titles else ""


def param_meanings(action: Action, params: JsonObject) -> tuple[tuple[MarkKind | None, bool], ...]:
    """Return for each line of `list_params`, in its order, its meaning and whether the action's title shows it."""
    marks = {mark.path: mark.kind for mark in action.marks}
    read = {name: value for name, value in params.items() if not (action.takes_offer and name == OFFER_DIGEST)}
    leaves = _leaves(read, ParamPath(()), "", ENGLISH) if read else ()
    titled = {path.removesuffix("[*]") for path in _PLACEHOLDER.findall(action.title)}
    return tuple((marks.get(path), str(path).removesuffix("[*]") in titled) for path, _, _ in leaves)


def named_value(action: Action, params: JsonObject, names: Names, path: ParamPath, value: Json, say: Translator) -> str:
    """Return one value of the params with its record's name, as a form shows it."""
    titled = titled_value(value, value_titles(action.schema, path))
    return titled or _named(value, _kinds(action, params).get(path, ""), names, say)


def _meaning(kind: MarkKind | None, value: Json, say: Translator) -> tuple[str, ...]:
    match kind:
        case MarkKind.RECIPIENT:
            return (say("This is the recipient."), *lookalike_warning(value, say))
        case MarkKind.FREE_TEXT:
            return (say("The agent wrote this."),)
        case MarkKind.ATTRIBUTE:
            return (say("This gives support information about the customer."),)
        case MarkKind.MONEY | MarkKind.PART | MarkKind.RESOURCE | None:
            return ()


def lookalike_warning(value: Json, say: Translator) -> tuple[str, ...]:
    """Warn of every look-alike letter. ⚔ A recipient that only looks like a known address is another one."""
    texts = value if isinstance(value, list | tuple) else (value,)
    found = "".join(dict.fromkeys("".join(deceptive_letters(text) for text in texts if isinstance(text, str))))
    if not found:
        return ()
    names = ", ".join(f"{letter} (U+{ord(letter):04X})" for letter in found[:_MAX_UNLIKE])
    return (say("Careful, some letters aren't what they look like: {letters}.", letters=names),)


def _leaves(value: Json, path: ParamPath, place: str, say: Translator) -> Iterator[tuple[ParamPath, str, Json]]:
    if isinstance(value, Mapping) and value:
        for key in sorted(value):
            label = _key(key, say)
            yield from _leaves(value[key], path.child(key), f"{place}.{label}" if place else label, say)
    elif is_list(value) and value:
        for index, item in enumerate(value, start=1):
            yield from _leaves(item, path.child(None), f"{place} {index}", say)
    else:
        yield path, place, value


def _key(key: str, say: Translator) -> str:
    """Return a member's name, quoted where it could pass for a path or a sentence."""
    return key if _KEY.fullmatch(key) else in_quotes(key, say)


def _label(schema: JsonObject, path: ParamPath, place: str, say: Translator) -> str:
    """Return a parameter's title, else its place: `Items 2`, or `item_ids 2` without a title."""
    word = param_title(schema, path)
    # Only the first step has a title: the rest tells elements apart.
    return place if word is None else f"{word}{place.removeprefix(_key(str(path.steps[0]), say))}"


def param_title(schema: JsonObject, path: ParamPath) -> str | None:
    """Return the catalogue's title of a parameter or of an array's elements.

    ⚔ None where another parameter could pass for it: two of them must never look alike to a confirmer.
    """
    members = schema.get("properties")
    name = path.steps[0] if path.steps else None
    if not isinstance(members, Mapping) or name is None or path.steps[1:] not in {(), (None,)}:
        return None
    titles = {key: _title(member) for key, member in members.items()}
    word = titles.pop(name, "")
    taken = {text.casefold() for text in (*titles, *titles.values())}
    return word if word and not any(text.startswith(word.casefold()) for text in taken) else None


def _title(schema: Json) -> str:
    title = schema.get("title") if isinstance(schema, Mapping) else None
    return make_visible(title) if isinstance(title, str) else ""
