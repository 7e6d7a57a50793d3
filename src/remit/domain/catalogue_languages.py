"""The catalogue in further languages: each title, short title, name of a param and reason once more, and nothing else.

A language is whole or it is refused: nobody reads, or signs, a page in two languages.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeVar

from remit.domain.catalogue import Action, Attribute, Catalogue, Escalation, Objective, Resource, Role
from remit.domain.catalogue_tables import Table, closed, quoted, table, text, wrong
from remit.domain.speech import ENGLISH_NAME, Speech
from remit.domain.values import Json, JsonObject
from remit.proof.canonical import digest

_PARTS: Final = ("action", "attribute", "escalation", "objective", "resource", "role")
_PLACEHOLDER: Final = re.compile(r"\{[^{}]*\}")
_Plain = TypeVar("_Plain", Attribute, Objective, Resource, Role)
_Titled = TypeVar("_Titled", Action, Attribute, Escalation, Objective, Resource, Role)


def read_languages(value: object, catalogue: Catalogue, speeches: Mapping[str, Speech] | None) -> Mapping[str, Catalogue]:
    """The catalogue in each further language of `[language.…]`.

    `speeches` are the languages our own texts are in; None where nobody is spoken to (the texts stay English).

    Raises:
        Refused: `catalogue.invalid` for a language we do not speak, for anything that is missing or not there to be translated,
            and for a title that does not show the same params.
    """
    found: dict[str, Catalogue] = {}
    for name, given in table(value, "language").items():
        if name == ENGLISH_NAME or (speeches is not None and name not in speeches):
            others = ", ".join(sorted(speeches or ()))
            raise wrong(f"language.{name}", "is not one of the further languages Remit speaks", f"write one of {others}, or remove it")
        speech = Speech(language=name) if speeches is None else speeches[name]
        found[name] = _in(speech, closed(given, f"language.{name}", optional=_PARTS), catalogue)
    return found


def _in(speech: Speech, given: Table, catalogue: Catalogue) -> Catalogue:
    key = f"language.{speech.language}"
    named = {one.name: one for one in catalogue.escalations}
    reasons = _translated(given, key, "escalation", named, _reason)
    own_actions, own_attributes = (
        {name: one for name, one in catalogue.actions.items() if not one.builtin},
        {name: one for name, one in catalogue.attributes.items() if not name.startswith("case.")},
    )
    ours = {name: replace(one, title=speech(one.title)) for name, one in catalogue.attributes.items() if name not in own_attributes}
    built_in = {name: replace(one, title=speech(one.title)) for name, one in catalogue.actions.items() if one.builtin}
    return replace(
        catalogue,
        say=speech,
        actions={
            **built_in,
            **_translated(given, key, "action", own_actions, lambda one, where, said: _action(one, where, said, speech.language)),
        },
        attributes={**ours, **_translated(given, key, "attribute", own_attributes, _title)},
        escalations=tuple(reasons[one.name] for one in catalogue.escalations),
        objectives=_translated(given, key, "objective", catalogue.objectives, _title),
        resources=_translated(given, key, "resource", catalogue.resources, _title),
        roles=_translated(given, key, "role", catalogue.roles, _title),
    )


def _translated(
    given: Table, key: str, part: str, known: Mapping[str, _Titled], read: Callable[[_Titled, str, object], _Titled]
) -> dict[str, _Titled]:
    """Everything of one kind, in the order of the catalogue."""
    said = table(given.get(part, {}), f"{key}.{part}")
    for name in said:
        if name not in known:
            raise wrong(quoted(f"{key}.{part}", name), f"no such {part} is declared", "correct the name or remove it")
    missing = next((name for name in known if name not in said), None)
    if missing is not None:
        cure = f"translate it, or remove {key}: a language is whole, or it is not there"
        raise wrong(quoted(f"{key}.{part}", missing), "is missing", cure)
    return {name: read(one, quoted(f"{key}.{part}", name), said[name]) for name, one in known.items()}


def _title(one: _Plain, key: str, said: object) -> _Plain:
    return replace(one, title=text(said, key))


def _reason(one: Escalation, key: str, said: object) -> Escalation:
    return replace(one, reason=text(said, key), meant=one.reason)


def _action(one: Action, key: str, said: object, language: str) -> Action:
    """⚔ Its title shows the same params: whoever signs in another language sees the same money, records and recipients."""
    params = dict(_titled_params(one.schema))
    required = ("title", *(("short",) if one.short else ()), *(("params",) if params else ()))
    found = closed(said, key, required=required)
    title = text(found["title"], f"{key}.title")
    shown, wanted = (Counter(_PLACEHOLDER.findall(each)) for each in (title, one.title))
    if shown != wanted or set("{}") & set(_PLACEHOLDER.sub("", title)):
        raise wrong(f"{key}.title", "does not show the same params", f"use exactly {', '.join(sorted(wanted)) or 'no placeholders'}")
    short = text(found["short"], f"{key}.short") if one.short else ""
    if "{" in short or "}" in short:
        raise wrong(f"{key}.short", "stands where no param is known", "write it without placeholders")
    names = closed(found.get("params", {}), f"{key}.params", required=tuple(params))
    titles = {name: text(names[name], f"{key}.params.{name}") for name in params}
    relied_on: JsonObject = {"digest": one.digest, "language": language, "title": title, "short": short, "params": dict(titles)}
    return replace(one, title=title, short=short, schema=_with_titles(one.schema, titles), digest=digest(relied_on))


def _titled_params(schema: JsonObject) -> Iterator[tuple[str, str]]:
    members = schema.get("properties")
    for name, one in members.items() if isinstance(members, Mapping) else ():
        if isinstance(one, Mapping) and isinstance(title := one.get("title"), str):
            yield name, title


def _with_titles(schema: JsonObject, titles: Mapping[str, str]) -> JsonObject:
    members = schema.get("properties")
    if not isinstance(members, Mapping):
        return schema
    said: dict[str, Json] = {
        name: {**one, "title": titles[name]} if name in titles and isinstance(one, Mapping) else one for name, one in members.items()
    }
    return {**schema, "properties": said}


def languages_digested(spoken: Mapping[str, Catalogue]) -> JsonObject:
    """What the languages say, for the digest of the whole: rules that say something else in German are other rules."""
    return {
        name: {
            "actions": {each: one.digest for each, one in said.actions.items() if not one.builtin},
            "attributes": {each: one.title for each, one in said.attributes.items()},
            "escalations": [one.reason for one in said.escalations],
            "objectives": {each: one.title for each, one in said.objectives.items()},
            "resources": {each: one.title for each, one in said.resources.items()},
            "roles": {each: one.title for each, one in said.roles.items()},
        }
        for name, said in spoken.items()
    }
