"""Content of an entry, line by line, in words: each member under a title, values in readable form.

Customers see no digests or internal numbers, which stand in the receipt. Auditors see everything.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from remit.domain.catalogue.model import Catalogue
from remit.domain.confirm.case_phrases import ENDINGS
from remit.domain.confirm.explain_words import explain_reason
from remit.domain.confirm.render_values import Names, list_params, plain_value, titled_value
from remit.domain.i18n import Translator, marked
from remit.domain.structs import struct
from remit.domain.text.normalize import make_visible
from remit.domain.values import Json, JsonObject
from remit.entrypoints.web.entry_parties import NO_PARTIES, EntryParties
from remit.entrypoints.web.offer_form import terms_text

_TITLES: Final[Mapping[str, str]] = {
    "agent": marked("Agent"),
    "answer": marked("Answer"),
    "as": marked("Answered as"),
    "by": marked("By"),
    "canary": marked("Canary"),
    "attachments": marked("Files"),
    "case": marked("Case"),
    "change": marked("Change"),
    "digest": marked("Digest"),
    "expires_at": marked("Valid until"),
    "files": marked("Attachments"),
    "from": marked("Before"),
    "how": marked("How"),
    "label": marked("Passkey name"),
    "note": marked("Note"),
    "objective": marked("Purpose"),
    "offer_id": marked("Offer"),
    "operator": marked("Run by"),
    "place": marked("Location"),
    "reason": marked("Reason"),
    "seen_at": marked("Detected"),
    "sent_by": marked("Sent by"),
    "sent_in": marked("In task"),
    "session_ended": marked("Session ended"),
    "terms": marked("Terms"),
    "text": marked("Text"),
    "to": marked("Now"),
    "words": marked("Agent's message"),
}
_MORE: Final = marked("Goes beyond the request")
_APART: Final = frozenset({"attributes", "evidence", "rendering", "signed", "mandate"})
"""Signatures and renderings belong in the receipt; attributes are named in the sentence."""
_NOT_FOR_OWN: Final = frozenset({"as", "asked", "change", "digest", "hash", "how", "note", "offer_id"})
"""Members without meaning to a customer, or already in the sentence."""
_IDS: Final = frozenset({"id", "product"})
_OWN_WORDS: Final[Mapping[str, str]] = {
    "not the customer's": "not yours",
    "acting for the customer": "acting for you",
    "The customer ": "You ",
    "the customer ": "you ",
    "mandate": "permission",
}
"""Phrases about the customer and the mandate, as the customer's pages put them."""
_OTHERS_WORDS: Final[Mapping[str, str]] = {
    "your own sign-in": "a person's own sign-in",
    " act for you: ": " act for them: ",
    "who you are": "who they are",
    "permission you gave it": "permission they gave it",
}
"""Phrases addressed to the customer, as other readers see them; `You` at the beginning is `The customer`."""


_AGENT_OF: Final = ("agent", "ask", "task", "mandate")
"""Members of an envelope that tell its agent."""


@struct(frozen=True)
class EntryContext:
    """The context of an entry's text: catalogue, names of records and parties, and whether the reader is the customer."""

    catalogue: Catalogue
    names: Names
    own: bool = True
    parties: EntryParties = NO_PARTIES

    def agent(self, envelope: JsonObject) -> str:
        """Return the name of an entry's agent for a sentence, already quoted; "" where nothing tells it."""
        known = self.parties.agents
        return next((known[one] for name in _AGENT_OF if (one := str(envelope.get(name, ""))) in known), "")

    def said(self, sentence: str, /, **values: object) -> str:
        """Return a sentence addressed to the customer, for its reader. ⚔ Only the sentence is turned, no value."""
        return self.catalogue.say(sentence if self.own else to_others(sentence), **values)


def to_reader(sentence: str, known: EntryContext) -> str:
    """Turn a sentence of ours about the customer towards its reader, translated. ⚔ Never a foreign text."""
    return known.catalogue.say(to_customer(sentence) if known.own else to_staff(sentence))


def to_staff(sentence: str) -> str:
    """Turn a developer's sentence into one for the desk's staff, with permissions for mandates."""
    return sentence.replace("mandate", "permission")


def to_customer(sentence: str) -> str:
    """Turn a sentence about the customer into one addressed to them."""
    for ours, theirs in _OWN_WORDS.items():
        sentence = sentence.replace(ours, theirs)
    return sentence


def to_others(sentence: str) -> str:
    """Turn a sentence addressed to the customer into one about them."""
    if sentence.startswith("You "):
        sentence = f"The customer {sentence.removeprefix('You ')}"
    for ours, theirs in _OTHERS_WORDS.items():
        sentence = sentence.replace(ours, theirs, 1)
    return sentence


def entry_lines(content: JsonObject, known: EntryContext) -> Iterator[tuple[str, str]]:
    """Return the content of an entry, flat."""
    for key, value in content.items():
        if key in _APART or _is_empty(value):
            continue
        if key == "ask" and isinstance(value, Mapping):
            yield from _asked(value, known)
        elif key == "words" and isinstance(value, Mapping):
            yield known.said(_MORE), "; ".join(_whys(value, known))
        elif key == "offer" and isinstance(value, Mapping):
            yield known.said(_TITLES["terms"]), offer_terms_text(value, known)
            yield from _flat({name: one for name, one in value.items() if name not in {"action", "terms"}}, known)
        elif isinstance(value, Mapping):
            yield from _flat(value, known)
        else:
            yield from _flat({key: value}, known)


def _whys(judged: JsonObject, known: EntryContext) -> Iterator[str]:
    """Return the reasons why words say more than their ask, each once."""
    found = judged.get("marked")
    rows = found if isinstance(found, list | tuple) else ()
    yield from dict.fromkeys(
        explain_reason(str(one.get("why", "")), known.catalogue) for one in rows if isinstance(one, Mapping)
    )


def offer_terms_text(offer: JsonObject, known: EntryContext) -> str:
    """Return the terms of an offer in a line."""
    terms = offer.get("terms")
    action = known.catalogue.actions.get(str(offer.get("action", "")))
    return terms_text(action, terms if isinstance(terms, Mapping) else {}, known.catalogue.say)


def settled_file(envelope: JsonObject, _content: JsonObject, known: EntryContext) -> tuple[str, str]:
    """Describe the decision on a held file: a sentence, and its look."""
    if envelope.get("outcome") == "released":
        return known.said("Someone from support released a file from the agent."), ""
    return known.said("A file from the agent was discarded and deleted."), "no"


def envelope_lines(envelope: Json, say: Translator) -> list[tuple[str, str]]:
    """Return an envelope, line by line, for verification: under the signed names, with values in words."""
    if not isinstance(envelope, Mapping):
        return []
    lines = ((key, one) for key, one in envelope.items() if key not in {"at", "kind"} and not _is_empty(one))
    return [(key, _plain(one, say)) for key, one in lines if not (key == "waiver" and one == -1)]


def _plain(value: Json, say: Translator) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{make_visible(key)}: {_plain(one, say)}" for key, one in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_plain(one, say) for one in value)
    return make_visible(value) if isinstance(value, str) else plain_value(value, say)


def _flat(members: JsonObject, known: EntryContext) -> Iterator[tuple[str, str]]:
    for name, member in members.items():
        if not _is_empty(member) and not (known.own and name in _NOT_FOR_OWN):
            yield _title(name, known), _value(name, member, known)


def _title(name: str, known: EntryContext) -> str:
    attribute = known.catalogue.attributes.get(name)
    if attribute is not None:
        title = make_visible(attribute.title)
        return title[:1].upper() + title[1:]
    return known.said(_TITLES[name]) if name in _TITLES else make_visible(name)


def _value(name: str, value: Json, known: EntryContext) -> str:
    if name == "attachments" and isinstance(value, Sequence):
        return "; ".join(_attached(one, known) for one in value if isinstance(one, Mapping))
    if name == "reason" and isinstance(value, str) and value in ENDINGS:
        return to_reader(ENDINGS[value], known)
    if name == "objective" and isinstance(value, str) and value in known.catalogue.objectives:
        return make_visible(known.catalogue.objectives[value].title)
    attribute = known.catalogue.attributes.get(name)
    titles = attribute.value_titles if attribute is not None else {}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "; ".join(titled_value(one, titles) or _record(one, known) for one in value)
    return titled_value(value, titles) or _record(value, known)


def _record(value: Json, known: EntryContext) -> str:
    """Return one value; a customer sees its own title without ids."""
    if not isinstance(value, Mapping) or not known.own or not isinstance(value.get("title"), str):
        return plain_value(value, known.catalogue.say)
    rest = {key: one for key, one in value.items() if key != "title" and key not in _IDS}
    title, say = plain_value(value["title"], known.catalogue.say), known.catalogue.say
    return f"{title} ({plain_value(rest, say)})" if rest else title


def _attached(file: JsonObject, known: EntryContext) -> str:
    """Describe an attachment: its name, the removed parts, and whether it was held."""
    name, removed = make_visible(str(file.get("name", ""))), file.get("removed")
    count = sum(one for one in removed.values() if isinstance(one, int)) if isinstance(removed, Mapping) else 0
    if "held" in file:
        return known.said("{name} (on hold for review)", name=name)
    return known.said("{name} (secrets removed: {count})", name=name, count=count) if count else name


def _asked(ask: JsonObject, known: EntryContext) -> Iterator[tuple[str, str]]:
    """Return an ask with its params one by one, as its confirmers saw them."""
    action = known.catalogue.actions.get(str(ask.get("action", "")))
    if action is None:
        yield from _flat(ask, known)
        return
    params = ask.get("params")
    for text, _ in list_params(action, params if isinstance(params, Mapping) else {}, known.names, known.catalogue.say):
        name, _, value = text.partition(": ")
        yield name, value
    yield from _flat({name: one for name, one in ask.items() if name not in {"action", "params", "salt"}}, known)


def _is_empty(value: Json) -> bool:
    return value is None or (isinstance(value, str | Mapping | Sequence) and not value)
