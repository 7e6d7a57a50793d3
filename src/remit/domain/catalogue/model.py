"""The catalogue: what the desk can do and tell, and for which purposes.

Only the values live here. `catalogue_reading` builds and validates them from the desk's TOML files.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.i18n import ENGLISH, ENGLISH_NAME, Translator
from remit.domain.param_paths import ParamPath
from remit.domain.values import JsonObject, Money


class Area(StrEnum):
    """What an action touches; it sets the floor of who must confirm."""

    COMMITMENT = "commitment"
    DISCLOSURE = "disclosure"
    IDENTITY = "identity"
    PAYMENT = "payment"
    ROUTINE = "routine"
    SECURITY = "security"


class Effect(StrEnum):
    """Whether an action only reads or changes something."""

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
    """What a parameter means, by its `x-` annotation."""

    ATTRIBUTE = "x-attribute"
    FREE_TEXT = "x-free-text"
    MONEY = "x-money"
    PART = "x-part-of"
    RECIPIENT = "x-recipient"
    RESOURCE = "x-resource"


OFFER_DIGEST: Final = "digest"
OFFER_PARAMS: Final = frozenset({"offer_id", OFFER_DIGEST})
"""By which params an offer is accepted."""
CUSTOMER: Final = "customer"
"""The confirmer word for the represented person; officers are `officer:<role>`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamMark:
    """One annotated parameter: where it is, what it means, and of which kind or attribute (`of`). A part's `of` is the param that names its record."""

    path: ParamPath
    kind: MarkKind
    of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """Something that can be told, `area.name`."""

    name: str
    title: str
    sensitive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A kind of record. Public kinds have no owner."""

    kind: str
    title: str
    public: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role an officer of the desk can have.

    `offers` maps an action that accepts offers to the largest amount of one (None: any); as a whole None for a role without limits.
    """

    name: str
    title: str
    offers: Mapping[str, Money | None] | None = None


_NO_TEXT: Final = frozenset({"number", "integer", "boolean"})


def _leaves_nothing_open(node: object) -> bool:
    """Whether what fits this schema of a param is no text of a sender's own. ⚔ A pattern alone may leave room for one."""
    return isinstance(node, Mapping) and (
        "enum" in node or "const" in node or MarkKind.MONEY in node or str(node.get("type")) in _NO_TEXT
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something the desk can do, `area.verb`.

    `schema` is the closed JSON Schema (2020-12) of its params; `declared` are all parameter paths of it, as texts;
    `short` is what it is called before any of them is known; `offer_required` are the terms without which no offer for
    it is made, `offer_required_for` those that a term's value needs beside it. `digest` is over everything a signer relies on: schema, effect, area, titles, power and returns.
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
    """Whether a param of it is free text."""
    discloses: bool = field(init=False, repr=False, compare=False)
    """Whether a param of it says what an attribute is."""
    pays: bool = field(init=False, repr=False, compare=False)
    """Whether a param of it is money."""
    named: frozenset[str] = field(init=False, repr=False, compare=False)
    """The names of its params."""
    closed: frozenset[str] = field(init=False, repr=False, compare=False)
    """The params whose schema leaves no text open: a value that fits it is one of a list, a number or an amount."""

    def __post_init__(self) -> None:
        """Find out once what is asked of every ask."""
        properties = self.schema.get("properties")
        params = properties if isinstance(properties, Mapping) else {}
        object.__setattr__(self, "named", frozenset(params))
        object.__setattr__(
            self, "closed", frozenset([name for name, node in params.items() if _leaves_nothing_open(node)])
        )
        for name, kind in (("speaks", MarkKind.FREE_TEXT), ("discloses", MarkKind.ATTRIBUTE), ("pays", MarkKind.MONEY)):
            object.__setattr__(self, name, bool(self.marked(kind)))

    @property
    def takes_offer(self) -> bool:
        """Whether an agent accepts an offer by it: its params besides id and digest are the terms."""
        return self.power is PowerKind.ACCEPT and self.declared >= OFFER_PARAMS

    def marked(self, kind: MarkKind) -> tuple[ParamMark, ...]:
        """The marks of one kind, in the order of the schema."""
        return tuple([mark for mark in self.marks if mark.kind is kind])


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """An approved support purpose.

    `after` maps an action to the actions that must be done before it; `done_when` are the actions that, all done,
    reach it. The built-in `case.*` actions are part of every objective and stand in `actions` too.
    """

    name: str
    title: str
    target: str | None
    actions: frozenset[str]
    after: Mapping[str, tuple[str, ...]]
    done_when: tuple[str, ...]
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """The only way to lower a floor: for one action, within `limit` (a `where`), for a reason, until a day (inclusive).

    `within` is the limit made ready to run (`waivers`).
    """

    action: str
    limit: "Mapping[str, Mapping[str, object]]"
    reason: str
    owner: str
    ends: date
    within: Callable[[JsonObject], bool] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationStep:
    """Which officers must answer, as role names, and for how many milliseconds that may wait for them."""

    roles: tuple[str, ...]
    due_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """A rule of who must also answer. `actions` are all it can fit; `at_least` None fits any amount, also none.

    The first of `steps` is asked; where its time passes the next one is, and after the last the ask is refused. `instead` puts
    its officers in the place of others that only a policy asked for. In a further language, `meant` is what `reason` is in the desk's first one.
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
        """How long it may wait in all, before it is refused."""
        return sum(step.due_ms for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The desk's whole description of itself, valid, with one digest.

    `say` is how its people are spoken to: in English, or, for one of `spoken`, in its language with the desk's titles in it too.
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
    """Every language people can read, the desk's first one first."""

    def in_language(self, language: str) -> "Catalogue":
        """The same catalogue in another language; itself in one that is not there."""
        return self.spoken.get(language, self)

    def matches_signed_digest(self, action: str, signed: str | None) -> bool:
        """Whether the digest that somebody signed is of this action as it is now, in one of the languages."""
        mine = self.actions.get(action)
        if mine is not None and mine.digest == signed:
            return True
        return any(action in one.actions and one.actions[action].digest == signed for one in self.spoken.values())

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
