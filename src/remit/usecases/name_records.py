"""What the desk calls the records, and the parts of records, that people are shown.

⚔ Only the customer's own records and public ones are named. Whose a record is, is decided in `weigh`, not here.
"""

import asyncio
from collections.abc import Collection, Coroutine, Iterable
from types import MappingProxyType
from typing import Final, TypeAlias

from remit.domain.catalogue import Action, MarkKind
from remit.domain.decision import Facts
from remit.domain.errors import Code, Fault
from remit.domain.mandate import Mandate
from remit.domain.paths import values_at
from remit.domain.rendering_mandate import records_tested
from remit.domain.rendering_values import Names, part_kind, records_with_parts
from remit.domain.values import JsonObject
from remit.usecases.look_up import told_facts
from remit.usecases.parts import Parts

_Places: TypeAlias = dict[tuple[str, str], None]

_NONE: Final[Names] = MappingProxyType({})


async def names_of(parts: Parts, customer: str, asks: Iterable[tuple[Action, JsonObject]], known: Names) -> Names:
    """The names of everything the params of asks speak of; `known` are those that were found out already.

    Raises:
        Fault: `fault.backoffice`.
    """
    records: _Places = {}
    whole: _Places = {}
    for action, params in asks:
        whole |= dict.fromkeys(records_with_parts(action, params))
        for mark in action.marked(MarkKind.RESOURCE):
            records |= {(mark.of, one): None for value in values_at(params, mark.path) for one in _texts(value)}
    missing = [one for one in records if one not in known]
    return {**known, **await _asked(parts, customer, missing, list(whole))}


async def names_in_mandate(parts: Parts, customer: str, mandate: Mandate, known: Names = _NONE) -> Names:
    """The names of the records a mandate is about, of those its limits name, and of what the former consist of.

    `known` are those that were found out already.

    Raises:
        Fault: `fault.backoffice`.
    """
    targets = [(kind, one) for kind, ids in mandate.objective.target.items() for one in ids]
    tested = records_tested(mandate, parts.catalogue)
    missing = [one for one in dict.fromkeys([*targets, *tested]) if one not in known]
    return {**known, **await _asked(parts, customer, missing, targets)}


async def names_if_reachable(asked: Coroutine[None, None, Names]) -> Names:
    """The names for a page that only tells; none of them while the desk's records cannot be reached."""
    try:
        return await asked
    except Fault:
        return {}


async def _asked(parts: Parts, customer: str, records: Collection[tuple[str, str]], whole: Collection[tuple[str, str]]) -> Names:
    names: dict[tuple[str, str], str] = {}
    try:
        async with asyncio.timeout(parts.terms.facts_timeout_s):
            facts = await told_facts(parts, list(records), customer=customer) if records else ()
            contents = await parts.backoffice.contents(list(whole), customer=customer) if whole else ()
    except TimeoutError:
        raise Fault(Code.FAULT_BACKOFFICE, "names took too long") from None
    if not isinstance(contents, list | tuple) or len(contents) != len(whole):
        raise Fault(Code.FAULT_BACKOFFICE, "the desk's answer about what records consist of is none")
    for place, fact in zip(records, facts, strict=True):
        if fact is not None and _is_seen(parts, customer, place, fact):
            names[place] = fact.name or place[1]
    for (kind, record_id), found in zip(whole, contents, strict=True):
        names |= {(part_kind(kind, record_id), part): name for part, name in found.items()}
    return names


def _is_seen(parts: Parts, customer: str, place: tuple[str, str], fact: Facts) -> bool:
    """Whether this is the very record that was asked for, and the customer's own or everybody's."""
    resource = parts.catalogue.resources.get(place[0])
    return fact.id == place[1] and (customer in fact.owners or (resource is not None and resource.public))


def _texts(value: object) -> Iterable[str]:
    found: Iterable[object] = value if isinstance(value, list | tuple) else (value,)
    return [one for one in found if isinstance(one, str)]
