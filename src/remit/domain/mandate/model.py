"""The mandate a customer grants to an agent: powers, tests, limits, negatives, and the signed grant around them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from remit.domain.catalogue.model import PowerKind
from remit.domain.ids import CustomerId, MandateId, OperatorId
from remit.domain.param_paths import ParamPath
from remit.domain.structs import struct
from remit.domain.values import Instant, Json


class ConditionOp(StrEnum):
    """The tests a `where` can make on a parameter path."""

    AFTER = "after"
    BEFORE = "before"
    EQUALS = "equals"
    MAX = "max"
    MAX_SUM = "max_sum"
    MIN = "min"
    ONE_OF = "one_of"
    SUBSET_OF = "subset_of"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One test at one path. `value` is the JSON value as granted, `check` its compiled form (`conditions`)."""

    __test__ = False  # not a pytest class

    path: ParamPath
    op: ConditionOp
    value: Json
    check: Callable[[Json], bool] | None = field(default=None, compare=False, repr=False)
    texts: frozenset[str] | None = field(default=None, compare=False, repr=False)
    """The texts that a power's test of one param lets pass and no other value, where it is such a list."""


@struct(frozen=True, kw_only=True)
class Total:
    """A running limit over all charged asks: the sum of the money or numbers at `path`."""

    path: ParamPath
    limit: Json


@struct(frozen=True, kw_only=True)
class Power:
    """One power (or, in `never`, one negative).

    `actions` and `attributes` are as written, globs included, until signing expands them. None means "not named":
    a `receive` may name either or both. `uses` None is unlimited.
    """

    power: PowerKind
    actions: tuple[str, ...] | None = None
    attributes: tuple[str, ...] | None = None
    where: tuple[Condition, ...] = ()
    uses: int | None = None
    totals: tuple[Total, ...] = ()
    preapproved: bool = False


@struct(frozen=True, kw_only=True)
class MandateObjective:
    """The mandate's objective and its records. `summary` is the agent's own words, never authority."""

    type: str
    target: Mapping[str, tuple[str, ...]]
    summary: str


@struct(frozen=True, kw_only=True)
class Mandate:
    """The content of a grant. `expires_at` in ms; `max_tasks` and `chain` as in docs/model/model.md#mandate.

    `chain_operators` are the operators whose agents may be given a narrower part of it.
    """

    objective: MandateObjective
    powers: tuple[Power, ...]
    never: tuple[Power, ...]
    expires_at: Instant
    max_tasks: int
    chain: int
    chain_operators: tuple[str, ...] = ()


class MandateState(StrEnum):
    """The life of a mandate. Only `active` permits anything."""

    ACTIVE = "active"
    DECLINED = "declined"
    EXHAUSTED = "exhausted"
    EXPIRED = "expired"
    REQUESTED = "requested"
    REVOKED = "revoked"


@struct(frozen=True, kw_only=True)
class Grant:
    """The hashed and signed form: the mandate bound to its desk, customer, agent, key and rendering.

    `wire` is the `remit_mandate` object as granted; `action_digests` are the digests of every action a power covers at
    signing time; `hash` is `sha-256:…` over the canonical form of the whole.

    Source: docs/model/model.md#grant.
    """

    id: MandateId
    iss: str
    sub: CustomerId
    client_id: str
    actor: str
    operator: OperatorId
    jkt: str
    mandate: Mandate
    wire: Mapping[str, Json]
    action_digests: Mapping[str, str]
    catalogue_digest: str
    rendering_hash: str
    nonce: str
    hash: str


@struct(frozen=True, kw_only=True)
class Charge:
    """The charge of an ask on a power: uses, and an amount of each total.

    `power` is the place of the power in the root grant. `counter` is the key of its uses. `uses_room` None is unlimited.
    """

    power: int
    action: str
    counter: str
    uses_room: int | None
    totals: tuple["TotalCharge", ...]


@struct(frozen=True, kw_only=True)
class TotalCharge:
    """An amount (in millionths of a unit, exact) to add to a total at `path`, and the limit it may not pass.

    `counter` is the key of the total.
    """

    path: str
    counter: str
    amount_micro: int
    limit_micro: int
    currency: str
