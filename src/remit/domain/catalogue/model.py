"""The catalogue's values: the actions and attributes of a desk, and its approved purposes.

`policy/rulebook` reads them from the desk's TOML files.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from remit.domain.catalogue.texts import ParamText, SchemaPlace, open_paths
from remit.domain.errors import Code, Refused
from remit.domain.i18n import ENGLISH, ENGLISH_NAME, Translator
from remit.domain.param_paths import ParamPath
from remit.domain.structs import struct
from remit.domain.values import JsonObject, Money


class Area(StrEnum):
    """The subject an action touches; it sets the floor of confirmers."""

    COMMITMENT = "commitment"
    DISCLOSURE = "disclosure"
    IDENTITY = "identity"
    PAYMENT = "payment"
    ROUTINE = "routine"
    SECURITY = "security"


class Effect(StrEnum):
    """Reading or changing."""

    READ = "read"
    WRITE = "write"


class PowerKind(StrEnum):
    """The five speech acts a customer can grant."""

    ACCEPT = "accept"
    DISCLOSE = "disclose"
    RECEIVE = "receive"
    REPRESENT = "represent"
    REQUEST = "request"


class MarkKind(StrEnum):
    """The meaning of a parameter, by its `x-` annotation."""

    ATTRIBUTE = "x-attribute"
    FREE_TEXT = "x-free-text"
    MONEY = "x-money"
    PART = "x-part-of"
    RECIPIENT = "x-recipient"
    RESOURCE = "x-resource"


OFFER_DIGEST: Final = "digest"
OFFER_PARAMS: Final = frozenset({"offer_id", OFFER_DIGEST})
"""The params that name an offer."""
CUSTOMER: Final = "customer"
"""The confirmer word for the represented person; officers are `officer:<role>`."""


@struct(frozen=True, kw_only=True)
class ParamMark:
    """One annotated parameter: path, meaning, and its kind or attribute (`of`; for a part, the param of its record).

    `public`: a record without an owner, which nothing looks up before the act.
    """

    path: ParamPath
    kind: MarkKind
    of: str = ""
    public: bool = False

    @property
    def explains(self) -> bool:
        """Whether it says what a text there is: free text, money, or a record that is looked up."""
        return self.kind in {MarkKind.FREE_TEXT, MarkKind.MONEY} or (self.kind is MarkKind.RESOURCE and not self.public)


@struct(frozen=True, kw_only=True)
class Attribute:
    """A fact that can be told, `area.name`.

    `values` are all it can be, where the desk lists them; `link`: its value is an address of the web.
    """

    name: str
    title: str
    sensitive: bool
    values: frozenset[str] = frozenset()
    link: bool = False


@struct(frozen=True, kw_only=True)
class Resource:
    """A kind of record. Public kinds have no owner."""

    kind: str
    title: str
    public: bool


@struct(frozen=True, kw_only=True)
class Role:
    """An officer's role. `offers` maps an action to the largest single offer (None: any); None: no limits.

    `may_override`: its officers may send a text although this customer's own plain values were marked in it.
    """

    name: str
    title: str
    offers: Mapping[str, Money | None] | None = None
    may_override: bool = False


_NO_TEXT: Final = frozenset({"number", "integer", "boolean"})


def _leaves_nothing_open(node: object) -> bool:
    """Return whether no value of this schema is free text. ⚔ A pattern alone may leave room for one."""
    return isinstance(node, Mapping) and (
        "enum" in node or "const" in node or MarkKind.MONEY in node or str(node.get("type")) in _NO_TEXT
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A capability of the desk, `area.verb`.

    `schema` is the closed JSON Schema (2020-12) of its params, `declared` all its parameter paths as texts, `short`
    its name before any param is known. `offer_required` are the terms every offer needs, `offer_required_for` those
    a term's value needs besides. `digest` is over all a signer relies on: schema, effect, area, titles, power, returns.
    """

    name: str
    title: str
    power: PowerKind
    area: Area
    effect: Effect
    reversible: bool
    returns: tuple[str, ...]
    schema: JsonObject
    marks: tuple[ParamMark, ...]
    declared: frozenset[str]
    builtin: bool
    digest: str
    short: str = ""
    offer_required: tuple[str, ...] = ()
    offer_required_for: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    speaks: bool = field(init=False, repr=False, compare=False)
    """Whether a param is free text."""
    discloses: bool = field(init=False, repr=False, compare=False)
    """Whether a param discloses an attribute."""
    pays: bool = field(init=False, repr=False, compare=False)
    """Whether a param is money."""
    named: frozenset[str] = field(init=False, repr=False, compare=False)
    """The names of its params."""
    closed: frozenset[str] = field(init=False, repr=False, compare=False)
    """The params without room for free text: an enumeration, a number or an amount."""
    explained: frozenset[ParamPath] = field(init=False, repr=False, compare=False)
    """The paths of texts whose meaning an annotation says; an offer's id and digest are compared."""
    open_texts: tuple[ParamPath, ...] = field(init=False, repr=False, compare=False)
    """The paths at which any other text fits: read like words, whatever they are called."""
    open_params: frozenset[str] = field(init=False, repr=False, compare=False)
    """The params in which such texts, or free texts, may stand."""
    marks_of: Mapping[MarkKind, tuple[ParamMark, ...]] = field(init=False, repr=False, compare=False)
    """Its marks by their kind."""
    place: SchemaPlace = field(init=False, repr=False, compare=False)
    """Its schema, as texts stand in it."""

    def __post_init__(self) -> None:
        """Compute once the facts that every ask needs."""
        marks: dict[MarkKind, tuple[ParamMark, ...]] = {}
        for mark in self.marks:
            marks[mark.kind] = (*marks.get(mark.kind, ()), mark)
        object.__setattr__(self, "marks_of", marks)
        properties = self.schema.get("properties")
        params = properties if isinstance(properties, Mapping) else {}
        object.__setattr__(self, "named", frozenset(params))
        object.__setattr__(
            self, "closed", frozenset([name for name, node in params.items() if _leaves_nothing_open(node)])
        )
        explained = frozenset([mark.path for mark in self.marks if mark.explains])
        if self.takes_offer:
            explained |= {ParamPath((name,)) for name in OFFER_PARAMS}
        found = open_paths(self.schema, explained)
        free = [mark.path for mark in self.marked(MarkKind.FREE_TEXT)]
        object.__setattr__(self, "explained", explained)
        object.__setattr__(self, "open_texts", found)
        object.__setattr__(self, "place", SchemaPlace(self.schema, explained))
        object.__setattr__(self, "open_params", frozenset([str(path.steps[0]) for path in (*found, *free)]))
        for name, kind in (("speaks", MarkKind.FREE_TEXT), ("discloses", MarkKind.ATTRIBUTE), ("pays", MarkKind.MONEY)):
            object.__setattr__(self, name, bool(self.marked(kind)))

    @property
    def takes_offer(self) -> bool:
        """Return whether agents accept offers by it; the params besides id and digest are then the terms."""
        return self.power is PowerKind.ACCEPT and self.declared >= OFFER_PARAMS

    @property
    def names_recipient(self) -> bool:
        """Return whether it changes where money, goods, access or data go: a write with a recipient among its params."""
        return self.effect is Effect.WRITE and bool(self.marked(MarkKind.RECIPIENT))

    def param_texts(self, params: JsonObject) -> Sequence[ParamText]:
        """Return the texts among the params whose meaning nothing says.

        Source: docs/model/model.md#declared-texts.
        """
        return self.place.texts(params) if self.open_texts else ()

    def marked(self, kind: MarkKind) -> tuple[ParamMark, ...]:
        """Return the marks of one kind, in the order of the schema."""
        return self.marks_of.get(kind, ())


@struct(frozen=True, kw_only=True)
class Objective:
    """An approved support purpose.

    `visitors` are the powers that an agent without a key may ask for (`policy/visitors`); None: none, it is closed to
    them. `after` maps an action to its prerequisites; all of `done_when` together reach the objective. The built-in
    `case.*` actions are part of every objective and listed in `actions` too.
    """

    name: str
    title: str
    target: str | None
    actions: frozenset[str]
    after: Mapping[str, tuple[str, ...]]
    done_when: tuple[str, ...]
    examples: tuple[str, ...]
    visitors: JsonObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """An exception that lowers a floor: one action, within `limit` (a `where`), with reason and last day (inclusive).

    `within` is the compiled limit (`policy/waivers`).
    """

    action: str
    limit: "Mapping[str, Mapping[str, object]]"
    reason: str
    owner: str
    ends: date
    within: Callable[[JsonObject], bool] | None = field(default=None, compare=False, repr=False)


@struct(frozen=True, kw_only=True)
class EscalationStep:
    """The roles that must answer, and the milliseconds they have for it."""

    roles: tuple[str, ...]
    due_ms: int


@struct(frozen=True, kw_only=True)
class Escalation:
    """A rule that adds confirmers. `actions` are all it can match; `at_least` None matches any amount and none.

    The first of `steps` is asked, at each deadline the next, and after the last the ask is refused. `instead` replaces
    officers that only a policy asked for. In a further language, `meant` is the `reason` in the desk's first one.
    """

    name: str
    reason: str
    actions: frozenset[str]
    tiers: frozenset[str]
    at_least: Money | None
    risk: int
    instead: bool
    steps: tuple[EscalationStep, ...]
    meant: str = ""

    @property
    def total_ms(self) -> int:
        """Return the total time before it is refused."""
        return sum(step.due_ms for step in self.steps)


@struct(frozen=True, kw_only=True)
class Catalogue:
    """The desk's whole description of itself, valid, with one digest.

    `say` translates for its readers; each of `spoken` is the catalogue in a further language, with the desk's titles.
    """

    desk: str
    currency: str
    roles: Mapping[str, Role]
    floors: Mapping[Area, frozenset[str]]
    resources: Mapping[str, Resource]
    attributes: Mapping[str, Attribute]
    actions: Mapping[str, Action]
    objectives: Mapping[str, Objective]
    waivers: tuple[Waiver, ...]
    digest: str
    escalations: tuple[Escalation, ...] = ()
    say: Translator = ENGLISH
    spoken: "Mapping[str, Catalogue]" = field(default_factory=dict)
    languages: tuple[str, ...] = (ENGLISH_NAME,)
    """Every language of readers, the desk's first one first."""

    def in_language(self, language: str) -> "Catalogue":
        """Return the catalogue in another language; itself where that is missing."""
        return self.spoken.get(language, self)

    def matches_signed_digest(self, action: str, signed: str | None) -> bool:
        """Return whether a signed digest is of this action as it is now, in any language."""
        mine = self.actions.get(action)
        if mine is not None and mine.digest == signed:
            return True
        return any(action in other.actions and other.actions[action].digest == signed for other in self.spoken.values())

    def action(self, name: str) -> Action:
        """Find an action.

        Raises:
            Refused: `action.unknown`.
        """
        found = self.actions.get(name)
        if found is None:
            raise Refused(Code.ACTION_UNKNOWN, f"no action {name!r}", public=f"There is no action '{name[:80]}'.")
        return found

    def objective(self, name: str) -> Objective:
        """Find an objective.

        Raises:
            Refused: `objective.unknown`.
        """
        found = self.objectives.get(name)
        if found is None:
            raise Refused(
                Code.OBJECTIVE_UNKNOWN, f"no objective {name!r}", public=f"There is no objective '{name[:80]}'."
            )
        return found
