"""Offers of officers, within the amounts that the catalogue gives their roles.

Source: docs/model/model.md#offers.
"""

from collections.abc import Collection, Sequence
from decimal import Decimal

from remit.domain.catalogue.model import Action, Catalogue, MarkKind, Role
from remit.domain.confirm.render_values import param_title
from remit.domain.errors import Code, Refused
from remit.domain.i18n import said
from remit.domain.param_paths import parse_path, values_at
from remit.domain.records import OfferRecord
from remit.domain.values import JsonObject, Money, verify_money


def offer_limit(catalogue: Catalogue, roles: Collection[str], action: Action) -> Sequence[Money] | None:
    """Return the largest total an officer with these roles may offer for an action, as alternatives; None: no limit.

    Raises:
        Refused: `person.not_allowed` when none of the roles makes such offers.
    """
    own = [role for name, role in catalogue.roles.items() if name in roles]
    # A catalogue that limits roles gives nothing to officers without one of its roles, such as an admin.
    found = [_limit(role, action) for role in own or catalogue.roles.values()]
    if not own and not all(limit == () for limit in found):
        raise _not_allowed("the officer has no role of the desk", said("Your roles don't include making offers."))
    given = [limit for limit in found if limit is not None]
    if found and not given:
        raise _not_allowed(
            f"none of the officer's roles offers {action.name}", said("Your role can't make this offer.")
        )
    return None if () in given or not given else [amount for limit in given for amount in limit]


def verify_offer_allowed(
    catalogue: Catalogue,
    roles: Collection[str],
    action: Action,
    terms: JsonObject,
    *,
    beside: Collection[JsonObject] = (),
) -> None:
    """Verify that an officer may offer these terms: all amounts together, and those of the offers `beside` it.

    ⚔ Ten offers of one case would otherwise be ten times the limit.

    Raises:
        Refused: `person.not_allowed` with the limit.
    """
    limits = offer_limit(catalogue, roles, action)
    if limits is None:
        return
    amounts = [amount for one in (terms, *beside) for amount in _amounts(action, one)]
    if not any(_within(amounts, limit) for limit in limits):
        most = " or ".join(str(limit) for limit in widest_limit(limits))
        raise _not_allowed(
            f"more than {most} offered",
            said("Your role can offer up to {most} in one case. Ask someone whose role can offer more.", most=most),
        )


def single_use_scope(offer: OfferRecord) -> str:
    """Return the scope of the counter that lets one of an offer and its alternatives be accepted, once."""
    return f"offer {offer.choice or offer.id}"


def largest_terms(action: Action, alternatives: Sequence[JsonObject]) -> Sequence[JsonObject]:
    """Return the terms that cost the most of alternatives of which one can be accepted; all where nothing tells which."""
    sums: list[Decimal] = []
    currencies: set[str] = set()
    for terms in alternatives:
        amounts = _amounts(action, terms)
        currencies.update(amount.currency for amount in amounts)
        sums.append(sum((amount.amount for amount in amounts), Decimal(0)))
    return [alternatives[sums.index(max(sums))]] if sums and len(currencies) <= 1 else alternatives


def _amounts(action: Action, terms: JsonObject) -> list[Money]:
    return [
        verify_money(value)
        for mark in action.marked(MarkKind.MONEY)
        for value in values_at(terms, mark.path)
        if isinstance(value, str)
    ]


def verify_terms_complete(action: Action, terms: JsonObject) -> None:
    """Verify that an offer has the terms without which it could not be carried out once signed.

    Raises:
        Refused: `params.invalid` naming the missing terms.
    """
    wanted = list(action.offer_required)
    for name, by_value in action.offer_required_for.items():
        wanted += by_value.get(str(terms.get(name, "")), ())
    missing = [name for name in dict.fromkeys(wanted) if name not in terms]
    if missing:
        called = ", ".join(f"'{param_title(action.schema, parse_path(name)) or name}'" for name in missing)
        raise Refused(
            Code.PARAMS_INVALID,
            f"an offer for {action.name} without {', '.join(missing)}",
            public=f"An offer of this kind also needs {called}.",
        )


def widest_limit(limits: Sequence[Money]) -> Sequence[Money]:
    """Return the largest of these limits in each currency."""
    most: dict[str, Money] = {}
    for limit in limits:
        before = most.get(limit.currency)
        most[limit.currency] = limit if before is None or limit.amount > before.amount else before
    return tuple(most.values())


def _limit(role: Role, action: Action) -> tuple[Money, ...] | None:
    """Return a role's limit for an action: None where it makes no such offers, () where it has no limit."""
    if role.offers is None:
        return ()
    if action.name not in role.offers:
        return None
    limit = role.offers[action.name]
    return () if limit is None else (limit,)


def _within(amounts: Sequence[Money], limit: Money) -> bool:
    """Return whether the sum is within the limit. ⚔ Another currency never is: its worth is unknown here."""
    return all(one.currency == limit.currency for one in amounts) and sum(one.amount for one in amounts) <= limit.amount


def _not_allowed(detail: str, public: str) -> Refused:
    return Refused(Code.PERSON_NOT_ALLOWED, detail, public=public)
