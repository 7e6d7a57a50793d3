"""Questions to the decision point as the AuthZEN Authorization API 1.0 writes them.

Unknown members are ignored, known ones are never coerced.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Final, NoReturn

from remit.domain.errors import Code, Refused
from remit.domain.structs import struct
from remit.domain.values import Json, JsonObject

MAX_EVALUATIONS: Final = 250
"""⚔ Evaluations in one request: a longer batch would keep every other caller waiting."""
MAX_PAGE: Final = 1000
"""Results of a search in one answer."""
_MAX_NAME_LENGTH: Final = 2048
_NOTHING: Final[JsonObject] = {}


@struct(frozen=True)
class Entity:
    """A subject or a resource: its type and id (its id is "" in a search for it), and the properties sent."""

    type: str
    id: str
    properties: JsonObject = field(default_factory=dict)


@struct(frozen=True)
class NamedAction:
    """An action, and the properties sent."""

    name: str
    properties: JsonObject = field(default_factory=dict)


@struct(frozen=True)
class Question:
    """A question: may this subject do this action on this resource."""

    subject: Entity
    action: NamedAction
    resource: Entity
    context: JsonObject = field(default_factory=dict)

    def as_json(self) -> JsonObject:
        """Return the members that a denial is bound to."""
        return {
            "subject": _entity_json(self.subject),
            "action": {"name": self.action.name, **_properties_json(self.action.properties)},
            "resource": _entity_json(self.resource),
            "context": self.context,
        }


class Semantic(StrEnum):
    """Conditions that stop a batch; later answers are left out."""

    DENY = "deny_on_first_deny"
    EXECUTE_ALL = "execute_all"
    PERMIT = "permit_on_first_permit"

    def stops_at(self, *, allowed: bool) -> bool:
        """Return whether an answer is the last one."""
        return self is (Semantic.PERMIT if allowed else Semantic.DENY)


@struct(frozen=True)
class Batch:
    """The evaluations of one request; one that cannot be read is None, and denied."""

    questions: tuple[Question | None, ...]
    semantic: Semantic


class SearchKind(StrEnum):
    """The member of a question that a search looks for."""

    ACTION = "action"
    RESOURCE = "resource"
    SUBJECT = "subject"


@struct(frozen=True)
class Search:
    """A search: the question without the member of its kind, and the page wanted (`paged`: one was asked for)."""

    kind: SearchKind
    question: Question
    limit: int = MAX_PAGE
    token: str = ""
    paged: bool = False


def parse_question(body: JsonObject) -> Question:
    """Read one evaluation.

    Raises:
        Refused: `request.malformed` naming the member.

    Source: AuthZEN Authorization API 1.0 §5, §6.1.
    """
    return Question(
        _entity(body.get("subject"), "subject"),
        _action(body.get("action")),
        _entity(body.get("resource"), "resource"),
        _object(body.get("context", _NOTHING), "context"),
    )


def parse_batch(body: JsonObject) -> Batch | Question:
    """Read a batch; without evaluations it is a single one.

    A member of an evaluation replaces the default of that name as a whole. Only where it lacks its type, id or name,
    and would say nothing at all, that one is taken from the default: properties are never mixed.

    Raises:
        Refused: `request.malformed`; `request.too_large` for more than `MAX_EVALUATIONS`.

    Source: AuthZEN Authorization API 1.0 §7.1, §7.1.2.
    """
    semantic = _semantic(body.get("options", _NOTHING))
    items = body.get("evaluations", ())
    if not isinstance(items, list | tuple):
        _refuse("evaluations", "a list")
    if not items:
        return parse_question(body)
    if len(items) > MAX_EVALUATIONS:
        public = f"At most {MAX_EVALUATIONS} evaluations are answered at once."
        raise Refused(Code.REQUEST_TOO_LARGE, f"{len(items)} evaluations", public=public)
    defaults = {name: _object(body[name], name) for name in _MEMBERS if name in body}
    return Batch(tuple(_item(one, defaults) for one in items), semantic)


def parse_search(kind: SearchKind, body: JsonObject) -> Search:
    """Read a search; an id of the member of its kind is ignored.

    Raises:
        Refused: `request.malformed` naming the member.

    Source: AuthZEN Authorization API 1.0 §8.
    """
    question = Question(
        _entity(body.get("subject"), "subject", searched=kind is SearchKind.SUBJECT),
        NamedAction("") if kind is SearchKind.ACTION else _action(body.get("action")),
        _entity(body.get("resource"), "resource", searched=kind is SearchKind.RESOURCE),
        _object(body.get("context", _NOTHING), "context"),
    )
    if "page" not in body:
        return Search(kind, question)
    page = _object(body["page"], "page")
    limit = page.get("limit", MAX_PAGE)
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        _refuse("page.limit", "a number from 1 up")
    token = page.get("token", "")
    return Search(kind, question, min(limit, MAX_PAGE), _text(token, "page.token", empty=True), paged=True)


_MEMBERS: Final = ("subject", "action", "resource", "context")
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "subject": ("type", "id"),
    "action": ("name",),
    "resource": ("type", "id"),
}


def _item(item: Json, defaults: Mapping[str, JsonObject]) -> Question | None:
    """Read one evaluation of a batch; None where it is broken, which is no error of the whole request."""
    if not isinstance(item, dict):
        return None
    whole = {**defaults, **item}
    for name, needed in _NEEDED.items():
        given, default = whole.get(name), defaults.get(name)
        if default and isinstance(given, dict) and given is not default:
            whole[name] = {**{one: default[one] for one in needed if one in default}, **given}
    try:
        return parse_question(whole)
    except Refused:
        return None


def _semantic(options: Json) -> Semantic:
    wanted = _object(options, "options").get("evaluations_semantic", Semantic.EXECUTE_ALL.value)
    try:
        return Semantic(_text(wanted, "options.evaluations_semantic"))
    except ValueError:
        _refuse("options.evaluations_semantic", f"one of {', '.join(Semantic)}")


def _entity(given: Json, where: str, *, searched: bool = False) -> Entity:
    members = _object(given, where)
    return Entity(
        _text(members.get("type"), f"{where}.type"),
        "" if searched else _text(members.get("id"), f"{where}.id"),
        _object(members.get("properties", _NOTHING), f"{where}.properties"),
    )


def _action(given: Json) -> NamedAction:
    members = _object(given, "action")
    return NamedAction(
        _text(members.get("name"), "action.name"), _object(members.get("properties", _NOTHING), "action.properties")
    )


def _object(given: Json, where: str) -> JsonObject:
    if not isinstance(given, dict):
        _refuse(where, "an object")
    return given


def _text(given: Json, where: str, *, empty: bool = False) -> str:
    if not isinstance(given, str) or not (given or empty) or len(given) > _MAX_NAME_LENGTH:
        _refuse(where, f"a text of 1 to {_MAX_NAME_LENGTH} characters")
    return given


def _refuse(where: str, wanted: str) -> NoReturn:
    raise Refused(Code.REQUEST_MALFORMED, f"{where} is not {wanted}", public=f"{where} must be {wanted}.")


def _entity_json(entity: Entity) -> JsonObject:
    return {"type": entity.type, "id": entity.id, **_properties_json(entity.properties)}


def _properties_json(properties: JsonObject) -> JsonObject:
    return {"properties": properties} if properties else {}
