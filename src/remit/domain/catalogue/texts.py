"""Texts among an ask's params: every string that neither schema nor record says the meaning of, wherever it stands.

⚔ A plain string is text, whatever its name: it is read like words. `engine/redact` and `engine/words/check` read it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from remit.domain.catalogue.patterns import is_tight
from remit.domain.param_paths import ROOT, ParamPath
from remit.domain.structs import struct
from remit.domain.values import Json, JsonObject, is_list

_ANYTHING: Final[JsonObject] = {}
_CHOICES: Final = ("anyOf", "oneOf")
_CONDITIONAL: Final = ("then", "else")
_MAX_NODES: Final = 20_000
"""⚔ Schemas looked at for one action; a catalogue nested beyond that counts as open."""


@struct(frozen=True)
class ParamText:
    """A text among the params: the path it stands at, and whether it is a member's name instead of a value."""

    path: ParamPath
    text: str
    is_name: bool = False

    @property
    def where(self) -> str:
        """Its place, as it is shown. ⚔ Never with a name that an agent chose."""
        return str(self.path)


class SchemaPlace:
    """A place of a schema, with all that is known of texts at it; places below it are made when first met.

    Source: docs/model/model.md#declared-texts.
    """

    __slots__ = (
        "_declared",
        "_element",
        "_listed",
        "_members",
        "_names_open",
        "_node",
        "_other",
        "_said",
        "_speaks",
        "path",
    )

    def __init__(self, node: Json, said: Collection[ParamPath], path: ParamPath = ROOT) -> None:
        """Take a schema and the paths that an annotation says the meaning of."""
        self._node, self._said, self.path = node, said, path
        self._speaks = path not in said and not _is_closed(node)
        self._listed = _is_listed(node)
        self._names_open = _names_open(node)
        self._declared = frozenset(_names(node))
        self._members: dict[str, SchemaPlace] = {}
        self._element: SchemaPlace | None = None
        self._other: SchemaPlace | None = None

    def texts(self, value: Json) -> list[ParamText]:
        """Return each text in a value that fits the schema, unless something says its meaning."""
        found: list[ParamText] = []
        self.collect(value, found)
        return found

    def collect(self, value: Json, found: list[ParamText]) -> None:
        """Append each text in a value that stands at this place."""
        if isinstance(value, str):
            if self._speaks:
                found.append(ParamText(self.path, value))
        elif self._listed or value is None:
            return
        elif isinstance(value, Mapping):
            for name, member in value.items():
                place = self._members.get(name) or self._member(name)
                if place is self._other and self._names_open:
                    found.append(ParamText(place.path, name, is_name=True))
                place.collect(member, found)
        elif is_list(value):
            if self._element is None:
                self._element = SchemaPlace(_element(self._node), self._said, self.path.child(None))
            for item in value:
                self._element.collect(item, found)

    def _member(self, name: str) -> "SchemaPlace":
        """Return the place of a member. ⚔ Only declared names are kept: an agent may choose any number of others."""
        schema = _child(self._node, name)
        if schema is None:
            if self._other is None:
                self._other = SchemaPlace(_ANYTHING, self._said, self.path.child(OPEN_NAME))
            return self._other
        place = SchemaPlace(schema, self._said, self.path.child(name))
        if name in self._declared:
            self._members[name] = place
        return place


OPEN_NAME: Final = "*"
"""Step of a path in place of a name that the schema does not declare."""


def open_paths(schema: JsonObject, said: Collection[ParamPath]) -> tuple[ParamPath, ...]:
    """Return the paths at which a schema leaves room for text, each once, in the schema's order."""
    found = _open(schema, ROOT, frozenset(said), [_MAX_NODES])
    return tuple(dict.fromkeys(path if path.steps else path.child(OPEN_NAME) for path in found))


def _open(node: Json, path: ParamPath, said: Collection[ParamPath], left: list[int]) -> Iterator[ParamPath]:
    left[0] -= 1
    if node is False or _is_listed(node):
        return
    if left[0] < 0 or not node or not isinstance(node, Mapping):
        yield path
        return
    kinds = _types(node)
    if _has(kinds, "string") and path not in said and not _is_closed(node):
        yield path
    if _has(kinds, "array") and node.get("maxItems") != 0:
        yield from _open(_element(node), path.child(None), said, left)
    if _has(kinds, "object"):
        for name in _names(node):
            child = _child(node, name)
            yield from _open(_ANYTHING if child is None else child, path.child(name), said, left)
        if _names_open(node):
            yield path.child(OPEN_NAME)


def _has(kinds: frozenset[str] | None, kind: str) -> bool:
    return kinds is None or kind in kinds


def _branches(node: JsonObject, word: str) -> Sequence[Json]:
    found = node.get(word)
    return found if is_list(found) else ()


def _is_listed(node: Json) -> bool:
    """Return whether a value is one that the desk lists itself."""
    if not isinstance(node, Mapping):
        return node is False
    return (
        "enum" in node
        or "const" in node
        or any(map(_is_listed, _branches(node, "allOf")))
        or any(_branches(node, word) and all(map(_is_listed, _branches(node, word))) for word in _CHOICES)
    )


def _is_closed(node: Json) -> bool:
    """Return whether no text of this schema is a sentence."""
    if not isinstance(node, Mapping):
        return node is False
    kinds = _own_types(node)
    return (
        _is_listed(node)
        or not _has(kinds, "string")
        or is_tight(node)
        or any(map(_is_closed, _branches(node, "allOf")))
        or any(_branches(node, word) and all(map(_is_closed, _branches(node, word))) for word in _CHOICES)
    )


def _own_types(node: JsonObject) -> frozenset[str] | None:
    kind = node.get("type")
    if isinstance(kind, str):
        return frozenset({kind})
    return frozenset(map(str, kind)) if is_list(kind) else None


def _types(node: Json) -> frozenset[str] | None:
    """Return the JSON types that a value may have; None for any."""
    if not isinstance(node, Mapping):
        return None if node is not False else frozenset()
    found = [_own_types(node), *map(_types, _branches(node, "allOf"))]
    for word in _CHOICES:
        every = [_types(branch) for branch in _branches(node, word)]
        known = [kinds for kinds in every if kinds is not None]
        if every and len(known) == len(every):
            found.append(frozenset().union(*known))
    limits = [kinds for kinds in found if kinds is not None]
    return frozenset.intersection(*limits) if limits else None


def _conditional(node: JsonObject) -> Iterator[Json]:
    """Yield the schemas that hold for some values."""
    for word in _CONDITIONAL:
        if word in node:
            yield node[word]
    dependent = node.get("dependentSchemas")
    if isinstance(dependent, Mapping):
        yield from dependent.values()


def _joined(word: str, parts: Sequence[Json]) -> Json:
    return parts[0] if len(parts) == 1 else {word: [*parts]}


def _child(node: Json, name: str) -> Json | None:
    """Return the schema of a member, None where nothing describes it."""
    if not isinstance(node, Mapping):
        return None
    properties, more = node.get("properties"), node.get("additionalProperties")
    found: list[Json] = []
    if isinstance(properties, Mapping) and name in properties:
        found.append(properties[name])
    for branch in _branches(node, "allOf"):
        schema = _child(branch, name)
        if schema is not None:
            found.append(schema)
    for word in _CHOICES:
        every = [_child(branch, name) for branch in _branches(node, word) if not _excludes(branch, name)]
        known = [schema for schema in every if schema is not None]
        if known and len(known) == len(every):
            found.append(_joined("anyOf", known))
    if not found and isinstance(more, Mapping) and "patternProperties" not in node and _tight_names(node):
        found.append(more)
    if not found and not _names_open(node):
        known = [schema for branch in _conditional(node) if (schema := _child(branch, name)) is not None]
        if known:
            found.append(_joined("anyOf", known))
    return _joined("allOf", found) if found else None


def _excludes(branch: Json, name: str) -> bool:
    """Return whether no object with this member fits a branch."""
    if not isinstance(branch, Mapping):
        return branch is False
    return not _has(_types(branch), "object") or (not _names_open(branch) and name not in _names(branch))


def _names(node: Json) -> tuple[str, ...]:
    """Return every declared name of a schema's members."""
    if not isinstance(node, Mapping):
        return ()
    properties = node.get("properties")
    found = dict.fromkeys(properties if isinstance(properties, Mapping) else ())
    for word in ("allOf", *_CHOICES):
        for branch in _branches(node, word):
            found |= dict.fromkeys(_names(branch))
    for branch in _conditional(node):
        found |= dict.fromkeys(_names(branch))
    return tuple(found)


def _tight_names(node: JsonObject) -> bool:
    names = node.get("propertyNames")
    return isinstance(names, Mapping) and _is_closed({"type": "string", **names})


def _names_open(node: Json) -> bool:
    """Return whether members may have a name that is not declared. ⚔ A name can be a sentence, too."""
    if not isinstance(node, Mapping):
        return node is not False
    if not _has(_types(node), "object"):
        return False
    if "patternProperties" not in node and (
        node.get("additionalProperties") is False or node.get("unevaluatedProperties") is False
    ):
        return False
    return not (
        any(not _names_open(branch) for branch in _branches(node, "allOf"))
        or any(
            _branches(node, word) and all(not _names_open(branch) for branch in _branches(node, word))
            for word in _CHOICES
        )
    )


def _element(node: Json) -> Json:
    """Return the schema of an array's elements."""
    if not isinstance(node, Mapping):
        return _ANYTHING
    found: list[Json] = []
    first = _branches(node, "prefixItems")
    if first:
        found.append({"anyOf": [*first, node.get("items", True)]})
    elif "items" in node:
        found.append(node["items"])
    found.extend(_element(branch) for branch in _branches(node, "allOf"))
    for word in _CHOICES:
        every = [_element(branch) for branch in _branches(node, word) if _has(_types(branch), "array")]
        if every:
            found.append(_joined("anyOf", every))
    return _joined("allOf", found) if found else _ANYTHING
