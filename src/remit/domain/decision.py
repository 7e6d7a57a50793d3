"""A decision and everything that goes into it: who must confirm, why, what is withheld."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from remit.domain.errors import Code
from remit.domain.mandate import Charge


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """Go ahead; `charges` are reserved with the record."""

    charges: tuple[Charge, ...]
    waiver: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsHuman:
    """These must all confirm first: `customer` and/or `officer:<role>`."""

    who: frozenset[str]
    charges: tuple[Charge, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """No: one public code, a detail for the desk, a sentence for the asker, policy ids for the desk only."""

    code: Code
    detail: str
    public: str | None = None
    policies: tuple[str, ...] = ()


Decision: TypeAlias = Permit | NeedsHuman | Refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the desk's policies say to one question: allowed or not, by which policies, with which evaluation errors.

    `wanted` is whether a denial depends on who has confirmed (so climbing the ladder can help).
    """

    allowed: bool
    policies: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    annotations: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the backoffice says of one record, fresh. `version` is the precondition the act carries."""

    id: str
    owners: frozenset[str]
    relation: str
    as_of: int
    version: str
    name: str = ""
