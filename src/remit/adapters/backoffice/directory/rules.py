"""`directory.toml`: which entries of a directory are records and customers, what of them leaves, and what acts change.

Source: docs/directory.md.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from remit.adapters.backoffice.rules_file import invalid_rule, read_rules_file
from remit.domain.catalogue.model import Action, Catalogue, Effect, MarkKind
from remit.domain.structs import struct
from remit.domain.values import is_list

_MAX_BYTES: Final = 1024 * 1024
_CURE: Final = "docs/directory.md explains every key."
_SECRETS: Final = frozenset(
    {
        "authpassword",
        "dbcspwd",
        "ipanthash",
        "krbprincipalkey",
        "lmpwdhistory",
        "ms-mcs-admpwd",
        "msds-managedpassword",
        "msfve-recoverypassword",
        "mslaps-encrypteddsrmpassword",
        "mslaps-encrypteddsrmpasswordhistory",
        "mslaps-encryptedpassword",
        "mslaps-encryptedpasswordhistory",
        "mslaps-password",
        "mssfu30password",
        "ntpwdhistory",
        "oathsecret",
        "pwdhistory",
        "sambacleartextpassword",
        "sambalmpassword",
        "sambantpassword",
        "sambapasswordhistory",
        "supplementalcredentials",
        "trustauthincoming",
        "trustauthoutgoing",
        "unicodepwd",
        "unixuserpassword",
        "userpassword",
        "userpkcs12",
    }
)
"""Attributes that no rule may tell."""
# ⚔ Names alone: an option or an object identifier would be another spelling of a secret one.
Attribute = Annotated[str, Meta(pattern=r"\A[A-Za-z][A-Za-z0-9-]{0,63}\Z", description="the name of an attribute")]
Name = Annotated[str, Meta(min_length=3, max_length=500, description="a distinguished name")]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the rules: no unknown keys."""


class Shown(Part, frozen=True, kw_only=True):
    """Form in which an attribute of an entry leaves: its text, its day, one text for each value, or whether it is there.

    `texts` are by the value; `present` and `absent` are told where no text is. `holds` asks whether the customer's own
    name is among the values, without reading them.
    """

    attribute: Attribute
    as_: Literal["text", "day"] = msgspec.field(name="as", default="text")
    texts: dict[str, str] = {}
    present: str | None = None
    absent: str | None = None
    holds: Literal["", "customer"] = ""


Values = dict[str, Attribute | Shown]


class Entries(Part, frozen=True, kw_only=True):
    """A place in the directory: the entries of one class below `base`, each by the one value of its attribute `id`."""

    base: Name
    class_: Attribute = msgspec.field(name="class")
    id: Attribute
    values: Values = {}


class Kind(Entries, frozen=True, kw_only=True):
    """`[kind.X]`. The owner is the customer in `owner`, or the one whose entry `owner_entry` names."""

    name: Attribute | None = None
    owner: Attribute | None = None
    owner_entry: Attribute | None = None


class Customer(Entries, frozen=True, kw_only=True):
    """`[customer]`: where customers are, each by the id that the desk knows them by."""


class AttributeChange(Part, frozen=True, kw_only=True):
    """One change: a fixed text, nothing any more, a new password, or the customer's own name among the values."""

    attribute: Attribute
    set: str | None = None
    clear: bool = False
    password: Literal["text", "utf-16"] | None = None
    add: Literal["customer"] | None = None
    remove: Literal["customer"] | None = None


class Hindrance(Part, frozen=True, kw_only=True):
    """A state of the record in which the act is not done: a value, a bit of a number, or no value at all."""

    attribute: Attribute
    is_: str | None = msgspec.field(name="is", default=None)
    bit: Annotated[int, Meta(ge=1)] | None = None
    absent: bool = False
    reason: Annotated[str, Meta(min_length=1, max_length=300)]


class ActionRule(Part, frozen=True, kw_only=True):
    """`[action."area.verb"]`: the record that a write changes, and what is then told."""

    kind: str
    param: str
    change: list[AttributeChange]
    unless: list[Hindrance] = []
    values: dict[str, str] = {}


class TransactionRule(Part, frozen=True, kw_only=True):
    """`[transaction]`: acts are entries of their own below `acts`, of the object class `class`."""

    acts: Name
    class_: Attribute = msgspec.field(name="class", default="remitAct")
    version: Attribute = "entryCSN"


class MarkerRule(Part, frozen=True, kw_only=True):
    """`[marker]`: the attribute of each changed entry that Remit has for itself."""

    attribute: Attribute
    version: Attribute = "uSNChanged"


class DirectoryFile(Part, frozen=True, kw_only=True):
    """`directory.toml`. `pad_ms` is the least time that reading facts takes, whatever is found."""

    version: Literal[1]
    pad_ms: Annotated[int, Meta(ge=0, le=1000)] = 50
    transaction: TransactionRule | None = None
    marker: MarkerRule | None = None
    customer: Customer
    kind: dict[str, Kind] = {}
    action: dict[str, ActionRule] = {}

    @property
    def version_attribute(self) -> str:
        """The attribute that changes with every change of an entry."""
        once = self.transaction or self.marker
        return once.version if once is not None else ""


@struct(frozen=True, kw_only=True)
class DirectoryRules:
    """Valid rules, and their digest."""

    file: DirectoryFile
    digest: str


def read_directory_rules(file: Path, catalogue: Catalogue) -> DirectoryRules:
    """Read the rules and verify them against the catalogue.

    Raises:
        Refused: `settings.invalid`, naming the file, the key and the cure.
    """
    found, raw = read_rules_file(file, DirectoryFile, max_bytes=_MAX_BYTES, cure=_CURE)
    for key, problem in _problems(found, catalogue):
        raise invalid_rule(file, key, problem, cure=_CURE)
    return DirectoryRules(file=found, digest=f"sha256:{hashlib.sha256(raw).hexdigest()}")


def _problems(found: DirectoryFile, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """Yield each wrong key with its problem."""
    if (found.transaction is None) == (found.marker is None):
        yield "transaction", "and marker: exactly one of them says how an act is done once"
    yield from _place_problems("customer", found.customer, (found.customer.id,), catalogue)
    for name, kind in found.kind.items():
        key = f"kind.{name}"
        if name not in catalogue.resources:
            yield key, "is no resource of the catalogue"
        elif catalogue.resources[name].public == bool(kind.owner or kind.owner_entry):
            yield f"{key}.owner", "belongs to a kind that is not public, and to no other"
        if kind.owner is not None and kind.owner_entry is not None:
            yield f"{key}.owner", "and owner_entry exclude each other"
        yield from _place_problems(key, kind, (kind.id, kind.name, kind.owner, kind.owner_entry), catalogue)
    for name, action in catalogue.actions.items():
        if action.effect is Effect.WRITE and not action.builtin and name not in found.action:
            yield f'action."{name}"', "is missing: a write of the catalogue that nothing here does"
    for name, rule in found.action.items():
        yield from _action_problems(f'action."{name}"', rule, catalogue.actions.get(name), found)


def _place_problems(
    key: str, place: Entries, more: Sequence[Attribute | None], catalogue: Catalogue
) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a place; its ids, title and owners leave the directory too."""
    told = [shown if isinstance(shown, str) else shown.attribute for shown in place.values.values()]
    for attribute in (*told, *(one for one in more if one is not None)):
        if attribute.lower() in _SECRETS:
            # ⚔ What a directory would tell of a password leads to the password.
            yield key, f"would tell {attribute}: a secret never leaves the directory"
    for name in place.values:
        if name not in catalogue.attributes:
            yield f'{key}.values."{name}"', "is no attribute of the catalogue"


def _action_problems(
    key: str, rule: ActionRule, action: Action | None, found: DirectoryFile
) -> Iterator[tuple[str, str]]:
    if action is None or action.builtin or action.effect is not Effect.WRITE:
        yield key, "is no write of the catalogue that a backoffice does"
        return
    if rule.kind not in found.kind:
        yield f"{key}.kind", f"is {rule.kind!r}, which [kind] does not have"
    yield from _param_problems(key, rule, action)
    for change in rule.change:
        yield from _change_problems(f"{key}.change.{change.attribute}", change, found)
    for hindrance in rule.unless:
        if sum((hindrance.is_ is not None, hindrance.bit is not None, hindrance.absent)) != 1:
            yield f"{key}.unless.{hindrance.attribute}", "needs one of is, bit and absent"
    for name in rule.values:
        if name not in action.returns:
            yield f'{key}.values."{name}"', "is not among the returns of the action"


def _param_problems(key: str, rule: ActionRule, action: Action) -> Iterator[tuple[str, str]]:
    named = {str(mark.path) for mark in action.marked(MarkKind.RESOURCE) if mark.of == rule.kind}
    required = action.schema.get("required")
    if rule.param not in named or not is_list(required) or rule.param not in required:
        # ⚔ A record that is no declared resource would have no owner checked and no version held.
        yield f"{key}.param", f"must be a required param with x-resource = {rule.kind!r}"
    if not rule.change:
        yield f"{key}.change", "is empty: a write that changes nothing"


def _change_problems(key: str, change: AttributeChange, found: DirectoryFile) -> Iterator[tuple[str, str]]:
    ways = (change.set is not None, change.clear, change.password is not None, bool(change.add or change.remove))
    if sum(ways) != 1 or (change.add and change.remove):
        yield key, "needs one of set, clear, password, add and remove"
    if found.marker is not None and change.attribute.lower() == found.marker.attribute.lower():
        yield key, "is the marker, which Remit has for itself"


def told_attributes(values: Mapping[str, Attribute | Shown]) -> set[str]:
    """Return the attributes that are read to tell these values."""
    return {
        shown if isinstance(shown, str) else shown.attribute
        for shown in values.values()
        if isinstance(shown, str) or not shown.holds
    }
