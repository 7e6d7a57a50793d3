"""What an entry holds, line by line, in words: each member under a title, values as people write them.

Whoever is represented reads no digests and no numbers of ours; they stand in the receipt. Auditors read everything.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from remit.domain.catalogue import Catalogue
from remit.domain.plain import visible
from remit.domain.rendering_values import Names, listed, shown
from remit.domain.values import Json, JsonObject
from remit.entrypoints.web.offer_form import told_terms
from remit.entrypoints.web.plain_words import ENDINGS

_TITLES: Final[Mapping[str, str]] = {
    "agent": "Agent",
    "answer": "Answer",
    "as": "Answered as",
    "by": "By",
    "case": "Case",
    "change": "What changed",
    "digest": "Digest",
    "expires_at": "Stands until",
    "files": "Attached",
    "from": "Before",
    "how": "How",
    "label": "Name of the passkey",
    "note": "Note",
    "objective": "Purpose",
    "offer_id": "Offer",
    "operator": "Run by",
    "reason": "Reason",
    "session_ended": "Signed out there",
    "terms": "Terms",
    "text": "Text",
    "to": "Now",
    "words": "The agent wrote",
}
_APART: Final = frozenset({"evidence", "rendering", "signed", "mandate"})
"""Signatures and renderings are for the receipt, not for reading."""
_NOT_FOR_OWN: Final = frozenset({"as", "asked", "change", "digest", "hash", "how", "note", "offer_id"})
"""What says nothing to a customer, or what the sentence has said."""
_IDS: Final = frozenset({"id", "product"})
_OWN_WORDS: Final[Mapping[str, str]] = {
    "not the customer's": "not yours",
    "the customer's name": "your name",
    "The customer ": "You ",
    "the customer ": "you ",
    "mandate": "permission",
}
"""Words of our own sentences about the customer and the mandate, as the customer's pages say them."""


@dataclass(frozen=True, slots=True)
class Known:
    """By what an entry is told: the desk's catalogue, what its records are called, and whether the customer reads about themselves."""

    catalogue: Catalogue
    names: Names
    own: bool = True


def spoken(sentence: str, known: Known) -> str:
    """One of our own sentences, to whom it is said. ⚔ Never for what somebody else wrote."""
    for ours, theirs in _OWN_WORDS.items() if known.own else ():
        sentence = sentence.replace(ours, theirs)
    return sentence


def details(content: JsonObject, known: Known) -> Iterator[tuple[str, str]]:
    """The content of an entry, flat."""
    for key, value in content.items():
        if key in _APART or _is_empty(value):
            continue
        if key == "ask" and isinstance(value, Mapping):
            yield from _asked(value, known)
        elif key == "offer" and isinstance(value, Mapping):
            yield _TITLES["terms"], terms_of(value, known)
            yield from _flat({name: one for name, one in value.items() if name not in {"action", "terms"}}, known)
        elif isinstance(value, Mapping):
            yield from _flat(value, known)
        else:
            yield from _flat({key: value}, known)


def terms_of(offer: JsonObject, known: Known) -> str:
    """The terms of an offer in a line."""
    terms = offer.get("terms")
    return told_terms(known.catalogue.actions.get(str(offer.get("action", ""))), terms if isinstance(terms, Mapping) else {})


def envelope_lines(envelope: Json) -> list[tuple[str, str]]:
    """An envelope, line by line, for who checks it: under the names it is signed with, the values in words."""
    if not isinstance(envelope, Mapping):
        return []
    lines = ((key, one) for key, one in envelope.items() if key not in {"at", "kind"} and not _is_empty(one))
    return [(key, _plain(one)) for key, one in lines if not (key == "waiver" and one == -1)]


def _plain(value: Json) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{visible(key)}: {_plain(one)}" for key, one in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_plain(one) for one in value)
    return visible(value) if isinstance(value, str) else shown(value)


def _flat(members: JsonObject, known: Known) -> Iterator[tuple[str, str]]:
    for name, one in members.items():
        if not _is_empty(one) and not (known.own and name in _NOT_FOR_OWN):
            yield _title(name, known), _value(name, one, known)


def _title(name: str, known: Known) -> str:
    attribute = known.catalogue.attributes.get(name)
    if attribute is not None:
        title = visible(attribute.title)
        return title[:1].upper() + title[1:]
    return _TITLES.get(name, visible(name))


def _value(name: str, value: Json, known: Known) -> str:
    if name == "reason" and isinstance(value, str) and value in ENDINGS:
        return spoken(ENDINGS[value], known)
    if name == "objective" and isinstance(value, str) and value in known.catalogue.objectives:
        return visible(known.catalogue.objectives[value].title)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "; ".join(_record(one, known) for one in value)
    return _record(value, known)


def _record(value: Json, known: Known) -> str:
    """One value; what has a title of its own is called by it, to a customer without the ids beside it."""
    if not isinstance(value, Mapping) or not known.own or not isinstance(value.get("title"), str):
        return shown(value)
    rest = {key: one for key, one in value.items() if key != "title" and key not in _IDS}
    return f"{shown(value['title'])}{f' ({shown(rest)})' if rest else ''}"


def _asked(ask: JsonObject, known: Known) -> Iterator[tuple[str, str]]:
    """An ask with its params one by one, as whoever confirmed it saw them."""
    action = known.catalogue.actions.get(str(ask.get("action", "")))
    if action is None:
        yield from _flat(ask, known)
        return
    params = ask.get("params")
    for text, _ in listed(action, params if isinstance(params, Mapping) else {}, known.names):
        name, _, value = text.partition(": ")
        yield name, value
    yield from _flat({name: one for name, one in ask.items() if name not in {"action", "params", "salt"}}, known)


def _is_empty(value: Json) -> bool:
    return value is None or (isinstance(value, str | Mapping | Sequence) and not value)
