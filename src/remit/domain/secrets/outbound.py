"""Withheld parts of an officer's text to an agent: secrets, links, and customer values that are not covered.

The use case decides which values are covered; here texts are only compared with values.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, Final, TypeAlias

from remit.domain.secrets.attribute_labels import LabelRules, Sentences
from remit.domain.secrets.contacts import find_contacts
from remit.domain.secrets.derived_facts import derived_facts
from remit.domain.secrets.derived_texts import first_letters
from remit.domain.secrets.fact_text import FactReader, FactText
from remit.domain.secrets.find import find_secrets, replace_spans
from remit.domain.secrets.obfuscation import DecodedText, deobfuscated_readings, encoded_spans, reversed_reading
from remit.domain.secrets.stated_values import (
    StatedPlaces,
    StatedValues,
    confirmed_statements,
    repeated_places,
    repeats,
    told_amounts,
)
from remit.domain.secrets.value_tokens import Span, TokenText, spoken_places, token_text
from remit.domain.structs import replace, struct
from remit.domain.text.normalize import FoldedText, fold_text
from remit.domain.text.spellings import spelling_patterns
from remit.domain.values import Json, deep_equal, leaves

_NEAR: Final = 60
"""Characters before or behind a label within which its code may stand."""
_ENDS: Final = re.compile(r"[!?\n]|\.(?=\s|$)")
_SAYS: Final = re.compile(
    r"(?<!\w)(?:(?P<of>[^\W\d_]{2,20})[ -])?(?P<word>(?:one[ -]?time[ -]?)?(?:pass)?code|otp|pin|tan|passwo?rt|password|passphrase|"
    r"(?:einmal|bestätigungs|sicherheits|anmelde|zugangs|prüf)(?:code|passwort|kennwort|nummer)|kennwort)(?!\w)",
    re.IGNORECASE,
)
_HARMLESS_WORDS: Final = (
    "area article bar booking colour color country coupon dial discount error fault gift item order post postal "
    "product promo promotion qr reason reservation return sort source status swift tax tracking voucher zip "
    "artikel fehler gutschein rabatt versand"
)
_HARMLESS: Final = frozenset(_HARMLESS_WORDS.split())
"""Things whose code grants no access."""
_USE: Final = r"(?<!\w)(?:use|enter|type|with|using|try|give|quote|mit|nutzen|verwenden|geben|nutze|verwende)(?!\w)"
_IN: Final = r"(?<!\w)(?:log(?:ging)?[ -]?in|sign(?:ing)?[ -]?in|verify|unlock|authenticate|reset(?:ting)?|anmelden|einloggen|freischalten|entsperren)(?!\w)"
_LETS_IN: Final = re.compile(rf"{_USE}[^.!?\n]{{0,{_NEAR}}}?{_IN}|{_IN}[^.!?\n]{{0,{_NEAR}}}?{_USE}", re.IGNORECASE)
_CODE: Final = re.compile(
    r"(?<![\w.,$€£#/-])(?:[A-Z]{1,2}-)?(?:\d(?:[ -]?\d){3,8}|(?=[A-Z]{0,9}\d)(?=\d{0,9}[A-Z])[A-Z0-9]{5,10}|[A-Z0-9]{3,5}-[A-Z0-9]{3,5})(?![\w/-]|[.,:]\d|\s?(?:EUR|USD|GBP|CHF|€|\$|£|%))"
)
_IS: Final = re.compile(r"(?:is|are|was|:|=|lautet|ist|war)\s{0,2}[\"'(]?$", re.IGNORECASE)
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_RECORD: Final = re.compile(
    r"(?<!\w)(?:order|invoice|case|ticket|customer|reference|ref|number|no|nr|bestellung|rechnung|kunde|vorgang|nummer)\.?\s{0,2}(?:number|no|nr|nummer)?\.?\s{0,2}[:#]?\s{0,2}$",
    re.IGNORECASE,
)
_MIN_PHONE_LENGTH: Final = 7
_VALUES: Final = 4
"""Stated values that are looked for in the time in which a text is read."""


def find_codes(text: str) -> Iterator[tuple[int, int]]:
    """Yield where an access code stands, by its label in the same sentence.

    Source: docs/model/model.md#outbound.
    """
    for label in _SAYS.finditer(text):
        if (label["of"] or "").lower() not in _HARMLESS:
            yield from _codes_near(text, *label.span("word"))
    for login in _LETS_IN.finditer(text):
        yield from _codes_near(text, *login.span())


def _codes_near(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    low, high = max(0, start - _NEAR), end + _NEAR
    for stop in _ENDS.finditer(text, low, start):
        low = stop.end()
    last = _ENDS.search(text, end, high)
    window = text[low : high if last is None else last.start()]
    for code in _CODE.finditer(window):
        before = window[: code.start()]
        if not _RECORD.search(before[-30:]) and (not _YEAR.fullmatch(code[0]) or _IS.search(before[-12:])):
            yield low + code.start(), low + code.end()


def same_contact(said: str, known: Collection[str]) -> bool:
    """Return whether an address or number is among the known ones, however spelled."""
    return any(_same(said, contact) for contact in known)


def _same(said: str, known: str) -> bool:
    if "@" in said or "@" in known:
        # A known contact that begins with the sign stands for every address of its host.
        there = known.startswith("@") and "." in known and said.lower().endswith(known.lower())
        return there or said.strip().lower() == known.strip().lower()
    if "://" in known:
        return False
    ours, theirs = _digits(said), _digits(known)
    return min(len(ours), len(theirs)) >= _MIN_PHONE_LENGTH and (ours.endswith(theirs) or theirs.endswith(ours))


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit()).lstrip("0")


_LINK: Final = re.compile(
    r"(?:[a-z][a-z0-9+.-]{1,20}://|www\.)\S+"
    r"|(?<![\w-])(?:[\w-]{1,63}\.(?:[\w-]{1,63}\.){0,11}[^\W\d_][\w-]{1,62}|\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5}(?:[/?#]\S*)?|/\S*|[?#][\w%]\S*)"
    r"|\b(?:mailto|javascript|data):\S+",
    re.IGNORECASE,
)


@struct(frozen=True, kw_only=True, order=True)
class WithheldSpan:
    """Span of a text to withhold: character offsets, the reason, and the attribute or kind of secret.

    `why` is `secret`, `code` (an access code), `link`, `attribute`, `other` (another customer's), `contact` (an address
    or number not known to be this customer's or the desk's own), `hidden` (encoded) or `confirms` (a sentence that says
    yes or no to what the agent stated).
    """

    start: int
    end: int
    why: str
    name: str = ""


@struct(frozen=True, kw_only=True)
class OtherCustomersData:
    """Data of other customers: their names in the text itself, by kind, and their known `values`."""

    named: Mapping[str, str] = field(default_factory=dict)
    values: Sequence[Json] = ()


_NOBODY: Final = OtherCustomersData()


@struct(frozen=True, kw_only=True)
class Undisclosable:
    """Actual `values` by attribute, data of `others`, and the `contacts` that may be disclosed nevertheless."""

    values: Mapping[str, Json]
    others: OtherCustomersData = _NOBODY
    contacts: Collection[str] = ()
    everyday: Collection[str] = ()
    """Attributes of records that are not sensitive: a word of theirs counts only beside its label."""
    about: Collection[str] = ()
    """Attributes of the records that the case is about: what follows from everyday ones of these counts."""
    rules: LabelRules = field(default_factory=LabelRules)
    """The words that name each attribute, and which are sensitive."""
    stated: StatedValues = field(default_factory=StatedValues)
    """Values that the agent stated itself, or may know."""
    received: Collection[str] = ()
    """Attributes that the mandate receives. Of another sensitive one no part is told of what the agent stated itself."""
    facts: FactReader | None = None
    """How facts that follow from a value are read."""
    earlier: str = ""
    """What officers told this agent before, in the same case: what it begins, the text may not end."""


def reading_cost(text: str, untold: Undisclosable) -> int:
    """Return how many letters it is like to read for a text: with the earlier ones, once more for some stated values.

    ⚔ An agent chooses how many values it states, and how often it reads what was told before.
    """
    stated = untold.stated
    values = {*stated.asked, *stated.known, *stated.statements, *stated.repeated}
    return (len(text) + len(untold.earlier)) * (1 + len(values) // _VALUES) + sum(map(len, values))


def find_withheld(text: str, values: Mapping[str, Json], **more: Any) -> tuple[WithheldSpan, ...]:  # noqa: ANN401  # members of `Undisclosable`
    """Find the parts of a text to withhold, in order and without overlap: those of `find_all_withheld`."""
    return without_overlap(find_all_withheld(text, Undisclosable(values=values, **more)))


def find_all_withheld(text: str, untold: Undisclosable) -> tuple[WithheldSpan, ...]:
    """Find each part of a text to withhold: secrets, codes, links, the given values, other customers' data.

    Values are found in the spellings of `spelling_patterns`, with full-width and look-alike letters folded, and through
    spacing, line breaks, reversal and encoding; in words, as numbers, dates and rare parts (`spoken_places`), and by
    what follows from them (`derived_facts`). Words said of many things count only where the name of their attribute
    stands. Of what the agent stated itself an officer may repeat what tells nothing.

    ⚔ Encoded words are withheld for that alone: no officer writes to an agent like this.

    Source: docs/model/model.md#outbound.
    """
    found = [
        WithheldSpan(start=secret.start, end=secret.end, why=_CODES.get(secret.kind, "secret"), name=secret.kind)
        for secret in find_secrets(text)
    ]
    patterns = [*_patterns(untold)]
    plain = fold_text(text)
    before = f"{fold_text(untold.earlier).text}\n" if untold.earlier else ""
    whole = before + _without_own(plain.text, untold.contacts)
    size = len(before)
    for (start, end), why, name in _in_whole(whole, patterns, untold):
        if end > size:
            found.append(_withheld(plain, (max(0, start - size), end - size), why, name))
    for name, words in _small_words(untold).items():
        patterns += [("attribute", name, _beside_label(untold.rules.of(name), word)) for word in words]
    return (*found, *_apart_from_values(text, plain, patterns, untold.contacts))


_Found: TypeAlias = tuple[Span, str, str]


def _in_whole(
    whole: str, patterns: Sequence[tuple[str, str, re.Pattern[str]]], untold: Undisclosable
) -> Iterator[_Found]:
    """Yield the places of values in a text, read behind the earlier ones."""
    read = token_text(whole)
    sentences, small = Sentences(read, untold.rules.words), _small_words(untold)
    places = [*_matches(whole, patterns), *_spoken(read, untold)]
    if untold.facts is not None:
        told = untold.facts.read(read)
        places += [*_following(told, untold.facts, untold), *_by_letters(told, small)]
    places += _beside_labels(whole, small, sentences, untold.rules)
    stated, sensitive = untold.stated, untold.rules.sensitive
    where = StatedPlaces(read)
    own = repeated_places(where, (*stated.asked, *stated.repeated))
    known = repeated_places(where, stated.known)
    for span, why, name in places:
        # ⚔ Of a sensitive attribute nothing is told but a whole value of the agent's own, which says nothing: a part, out
        # of many that it stated, would say which was right. What the mandate lets it know is no word about another one.
        guarded = name in sensitive and name not in untold.received
        told_itself = repeats(read, span, own, whole=guarded) or (
            name not in sensitive and repeats(read, span, known, whole=False)
        )
        if why != "attribute" or not told_itself:
            yield span, why, name
    asked = where.of((*stated.asked, *stated.known))
    yield from ((span, "attribute", name) for span, name in told_amounts(stated, sentences, asked))
    yield from ((span, "confirms", "") for span in confirmed_statements(stated, sentences, where))


def _apart_from_values(
    text: str, plain: FoldedText, patterns: Sequence[tuple[str, str, re.Pattern[str]]], contacts: Collection[str]
) -> Iterator[WithheldSpan]:
    """Yield values in disguise, codes, links, encoded text and foreign contacts."""
    for number, reading in enumerate(deobfuscated_readings(text)):
        seen = reading if number else reversed_reading(reading)
        yield from (_withheld(seen, *match) for match in _matches(seen.text, patterns))
    yield from (_withheld(plain, span, "code", "code") for span in find_codes(plain.text))
    for match in _LINK.finditer(plain.text):
        # ⚔ As it was written: a host of look-alike letters is another one.
        said = text[slice(*plain.span(*match.span()))]
        if not any(_is_own_link(said, known) for known in contacts):
            yield _withheld(plain, match.span(), "link", "")
    for hiding in encoded_spans(plain.text):
        start = plain.text.find(hiding)
        yield _withheld(plain, (start, start + len(hiding)), "hidden", "")
    yield from (_withheld(plain, match.span(), "hidden", "") for match in _SPELLED.finditer(plain.text))
    for start, end, kind in find_contacts(plain.text):
        if not same_contact(text[slice(*plain.span(start, end))], contacts):
            yield _withheld(plain, (start, end), "contact", kind)


def _spoken(read: TokenText, untold: Undisclosable) -> Iterator[_Found]:
    """Yield the places of values told in other words."""
    for name, value in untold.values.items():
        yield from ((span, "attribute", name) for span in spoken_places(read, name, value))
    for value in untold.others.values:
        yield from ((span, "other", "") for span in spoken_places(read, "", value))


def _following(told: FactText, facts: FactReader, untold: Undisclosable) -> Iterator[_Found]:
    """Yield the places of conclusions from values."""
    for name, value in untold.values.items():
        everyday = name in untold.everyday
        if name in facts.quiet or (everyday and name not in untold.about):
            continue
        found = derived_facts(told, name, value, everyday=everyday, sensitive=name in facts.sensitive)
        yield from ((span, "attribute", name) for span in found)
    for value in untold.others.values:
        yield from ((span, "other", "") for span in derived_facts(told, "", value))


def _by_letters(told: FactText, small: Mapping[str, Collection[str]]) -> Iterator[_Found]:
    """Yield small values told by the first letters of lines, sentences or words: no one writes them so by chance."""
    for name, words in small.items():
        for word in words:
            yield from ((span, "attribute", name) for span in first_letters(told, word))


def _beside_labels(
    whole: str, small: Mapping[str, Collection[str]], sentences: Sentences, rules: LabelRules
) -> Iterator[_Found]:
    """Yield small values whose sentence names their attribute."""
    for name, words in small.items():
        for word in words:
            for match in _literal(word).finditer(whole):
                if sentences.has_label(match.span(), rules.of(name), anywhere=name in rules.sensitive):
                    yield match.span(), "attribute", name


def _without_own(text: str, contacts: Collection[str]) -> str:
    """Return a text with the desk's own numbers and links blank: figures of theirs are no customer's."""
    if not contacts:
        return text
    own = [(start, end) for start, end, _ in find_contacts(text) if same_contact(text[start:end], contacts)]
    links = [match for match in _LINK.finditer(text) if any(_is_own_link(match[0], known) for known in contacts)]
    own += [(link.start(), link.start() + len(link[0].rstrip(_AFTER_LINK))) for link in links]
    for start, end in own:
        text = f"{text[:start]}{' ' * (end - start)}{text[end:]}"
    return text


def _is_own_link(said: str, known: str) -> bool:
    """Return whether a link is one of the desk's own: letter by letter, or the front page of its own host."""
    if "://" in known:
        plain = said.rstrip(_AFTER_LINK).rstrip("/")
        return plain in {known.rstrip("/"), known.removeprefix("https://").rstrip("/")}
    if "@" in known or not _HOST.fullmatch(known):
        return False
    front = _FRONT.fullmatch(said.rstrip(_AFTER_LINK))
    return front is not None and front["host"].lower() == known.lower()


def _patterns(untold: Undisclosable) -> Iterator[tuple[str, str, re.Pattern[str]]]:
    """Yield reason, name and pattern of each spelling of the values to withhold, but of words said of many things."""
    for name, value in untold.values.items():
        for single in leaves(value):
            if not (isinstance(single, str) and _is_small(single, name, untold)):
                yield from (("attribute", name, pattern) for pattern in spelling_patterns(single))
    for part in (part for value in untold.others.values for part in identifying_parts(value)):
        yield from (("other", "", pattern) for pattern in spelling_patterns(part))
    yield from (("other", kind, _literal(what)) for what, kind in untold.others.named.items())


def _small_words(untold: Undisclosable) -> Mapping[str, tuple[str, ...]]:
    """Return the words of the values that are said of many things, each once, by attribute."""
    return {
        name: tuple(
            dict.fromkeys(one for one in leaves(value) if isinstance(one, str) and one and _is_small(one, name, untold))
        )
        for name, value in untold.values.items()
    }


def _is_small(value: str, name: str, untold: Undisclosable) -> bool:
    """Return whether a value is one of a few words that are said of many things.

    ⚔ No number and no address is one, and of a sensitive attribute only what has a few letters.
    """
    if "@" in value or any(letter.isdigit() for letter in value):
        return False
    if len(value) <= _FEW_LETTERS:
        return True
    if name in untold.rules.sensitive and name not in untold.rules.apart:
        return False
    if value in untold.rules.listed.get(name, ()) or (value.islower() and len(value) <= _ENUM_LENGTH):
        return True
    return name in untold.everyday and name not in untold.rules.sensitive


def _beside_label(labels: Collection[str], value: str) -> re.Pattern[str]:
    """Return the pattern of a value beside a word that names its attribute."""
    label = rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(labels)))})\w{{0,2}}"
    words, between = _literal(value).pattern, r"\W{1,4}(?:\w{1,20}\W{1,3}){0,3}"
    return re.compile(rf"{label}{between}{words}|{words}{between}{label}", re.IGNORECASE)


def _matches(
    text: str, patterns: Iterable[tuple[str, str, re.Pattern[str]]]
) -> Iterator[tuple[tuple[int, int], str, str]]:
    return ((match.span(), why, name) for why, name, pattern in patterns for match in pattern.finditer(text))


def _literal(what: str) -> re.Pattern[str]:
    spaced = re.escape(what).replace("\\ ", r"\s{1,4}")
    return re.compile(rf"(?<!\w){spaced}(?!\w)", re.IGNORECASE)


_AFTER_LINK: Final = ".,;:!?)\"'"
_HOST: Final = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,4}", re.IGNORECASE)
_FRONT: Final = re.compile(r"(?:https://)?(?:www\.)?(?P<host>[a-z0-9.-]{3,253})/?", re.IGNORECASE)
_SPELLED: Final = re.compile(r"(?<!\S)(?:\S[ \t]{1,3}){7,4000}\S(?!\S)")
"""Text written letter by letter."""
_DATA: Final = frozenset({"attribute", "confirms", "contact", "other"})
_CODES: Final[Mapping[str, str]] = {"one_time_code": "code", "pin": "code"}
_RECORD_LIKE: Final = re.compile(
    r"(?<![\w.,:/-])[A-Za-z]{0,12}[_-]?(?=[A-Za-z_-]{0,12}\d)[A-Za-z0-9][A-Za-z0-9_-]{0,39}(?![\w]|[.,]\d)"
)
_GAP: Final = r"[^\S\n]"
_TITLED: Final = re.compile(
    r"(?<!\w)(?:(?:(?:Mrs?|MRS?(?=\.)|Ms|Mx)\.?|Miss|Mister|Herrn?|HERRN?|Frau|FRAU|Madame|Monsieur|Se\u00f1ora?)(?P<particles>)|Kolleg(?:e|in|en))"
    rf"(?:(?<=\.){_GAP}{{0,3}}|{_GAP}{{1,4}}|(?(particles){_GAP}{{0,3}}\n{_GAP}{{0,3}}|(?!)))(?:(?:Dr|Prof)\.?{_GAP}{{1,4}})?"
    rf"(?P<name>(?:(?(particles)(?i:de|van|von|der|den|la|le|di|da|dos|el|al|zu|ter)|(?!))(?:\n|{_GAP}{{1,4}})){{0,3}}[A-Z\u00c0-\u00dd][\w'-]{{1,40}}"
    rf"(?:(?:\n|{_GAP}{{1,4}})(?=[\w'-]{{0,40}}[a-z\u00df-\u00ff])[A-Z\u00c0-\u00dd][\w'-]{{1,40}})?)"
)
"""Name behind a title, over a line's end but not into the next paragraph. `MR` without a dot is also an abbreviation of other things."""
_MAX_NAMED: Final = 48
_FEW_LETTERS: Final = 4
_ENUM_LENGTH: Final = 24
_FAMILY_FIRST: Final = re.compile(
    r"(?P<family>(?:[^\W\d_][\w'-]{0,40}\s){0,2}[^\W\d_][\w'-]{1,40}),\s{1,2}(?P<given>[^\W\d_][\w'-]{1,40})"
)
_NAME: Final = re.compile(r"[^\W\d_][\w'-]{0,40}")
_MAX_SMALL: Final = 60
_MAX_PEOPLE: Final = 300


def text_readings(text: str) -> tuple[str, ...]:
    """Return a text in every reading that could name a person: as read, reversed, and out of each disguise."""
    found: dict[str, None] = {}
    for number, reading in enumerate(deobfuscated_readings(text)):
        found[reading.text] = None
        if not number:
            found[reading.text[::-1]] = None
    return tuple(found)


def record_ids_in(seen: Iterable[str]) -> tuple[str, ...]:
    """Return possible record numbers in the readings of a text, each once, up to a limit."""
    return tuple(dict.fromkeys(match[0] for text in seen for match in _RECORD_LIKE.finditer(text)))[:_MAX_NAMED]


def person_names_in(seen: Iterable[str]) -> tuple[str, ...]:
    """Return possible full names in the readings of a text, in small letters, each once, up to a limit.

    In a long text only capitalised words count as names. A name with the family's first is returned as it stands, with
    its comma (`in_order`).
    """
    found: dict[str, None] = {}
    for text in seen:
        for match in _FAMILY_FIRST.finditer(text):
            family = match["family"].split()
            for size in range(1, len(family) + 1):
                found[" ".join([*family[-size:-1], f"{family[-1]},", match["given"]]).casefold()] = None
        words = [name.removesuffix("'s") for name in _NAME.findall(text)]
        for size in (2, 3):
            for at in range(len(words) - size + 1):
                name = words[at : at + size]
                if len(words) <= _MAX_SMALL or all(word[0].isupper() for word in name):
                    found[" ".join(name).casefold()] = None
    return tuple(found)[:_MAX_PEOPLE]


def in_order(name: str) -> str:
    """Return a name with the given name first: of "de vos, bram", "bram de vos"."""
    family, comma, given = name.partition(", ")
    return f"{given} {family}" if comma else name


def titled_names_in(seen: Iterable[str]) -> tuple[str, ...]:
    """Return the names behind a title ("Mr de Wit", "Kollegin Sato") in the readings of a text, in small letters."""
    return tuple(
        dict.fromkeys(" ".join(match["name"].casefold().split()) for text in seen for match in _TITLED.finditer(text))
    )[:_MAX_NAMED]


def contacts_in(seen: Iterable[str]) -> tuple[str, ...]:
    """Return the e-mail addresses and phone numbers in the readings of a text, each once, up to a limit."""
    return tuple(dict.fromkeys(text[start:end] for text in seen for start, end, _ in find_contacts(text)))[:_MAX_NAMED]


def withheld_kinds(held: Collection[WithheldSpan]) -> tuple[str, ...]:
    """Return the kinds of withheld data to disclose, each once. ⚔ Never a name, a place or a number of them."""
    return tuple(sorted({"data" if span.why in _DATA else span.why for span in held}))


def attribute_values(rows: Iterable[tuple[str, str, Json]], beside: Mapping[str, Collection[str]]) -> list[Json]:
    """Return the values of one attribute in records, each row a kind, an id and a value.

    Of the kinds in `beside`, only values of other records than those, unless those share them.

    Source: docs/model/model.md#outbound, #target.
    """
    known = list(rows)
    if not beside:
        return [value for _, _, value in known]
    listed: list[Json] = []
    others: list[Json] = []
    for kind, record_id, value in known:
        (listed if record_id in beside.get(kind, ()) else others).extend(leaves(value))
    return [value for value in others if not any(deep_equal(value, own) for own in listed)]


def texts_in(value: Json) -> Iterator[str]:
    """Yield the texts of a value, from all its levels."""
    return (single.strip() for single in leaves(value) if isinstance(single, str) and single.strip())


def without_named(value: Json, named: Collection[str]) -> list[Json]:
    """Return the parts of a value but those that the agent named itself."""
    return [single for single in leaves(value) if not isinstance(single, str) or single.strip() not in named]


def identifying_parts(value: Json) -> list[Json]:
    """Return the parts of a value that identify a record alone: numbers, and texts of several words or with a digit.

    A lone word ("pending") fits many records, and tells nothing of one that is not named beside it.
    """
    return [single for single in leaves(value) if _identifies(single)]


def _identifies(value: Json) -> bool:
    if isinstance(value, str):
        return any(letter.isdigit() or letter.isspace() for letter in value.strip())
    return value is not None and not isinstance(value, bool)


def mask_spans(text: str, held: Sequence[WithheldSpan]) -> str:
    """Return the text with each withheld span replaced by a mark."""
    return replace_spans(text, ((span.start, span.end, "[withheld]") for span in sorted(held)))


def _withheld(seen: FoldedText | DecodedText, span: tuple[int, int], why: str, name: str) -> WithheldSpan:
    start, end = seen.span(*span)
    return WithheldSpan(start=start, end=end, why=why, name=name)


def without_overlap(found: Sequence[WithheldSpan]) -> tuple[WithheldSpan, ...]:
    """Order spans without overlap; the wider one wins."""
    out: list[WithheldSpan] = []
    for span in sorted(found, key=lambda held: (held.start, -held.end)):
        if not out or span.start >= out[-1].end:
            out.append(span)
        elif span.end > out[-1].end:
            out[-1] = replace(out[-1], end=span.end)
    return tuple(out)
