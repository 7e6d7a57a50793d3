"""What `remit check` and `remit doctor` find in settings and rules that is valid, and still may not be what was meant."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from remit.domain.catalogue import Catalogue
from remit.domain.waivers import owns
from remit.settings import Settings
from remit.wiring import Loaded, pack_names, rules_of, store_at

_CURRENCY: Final = re.compile(r'\bcurrency\s*[!=]=\s*"([A-Z]{3})"')
_MONEY: Final = re.compile(r"[0-9.]+ [A-Z]{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at: `state` is ok, look or wrong."""

    name: str
    state: str
    says: str
    cure: str = ""


def oddities(settings: Settings, loaded: Loaded) -> Iterator[Finding]:
    """What is allowed, and worth a look."""
    if settings.pack and settings.pack not in pack_names():
        says = f"desk.pack is {settings.pack}, and there is no such pack."
        yield Finding(name="pack", state="look", says=says, cure=f"Write one of {', '.join(pack_names())}, or take the key out.")
    parts = urlsplit(settings.issuer)
    if settings.loopback and parts.scheme == "http" and settings.port and (parts.port or 80) != settings.port:
        yield Finding(
            name="issuer",
            state="look",
            says=f"{settings.issuer} is not where the desk listens (port {settings.port}): the links it prints lead elsewhere.",
            cure="Let server.issuer name server.port, unless something on this machine passes requests on.",
        )
    store = store_at(settings)
    officers = store.look().officers if store.there() else None
    for waiver in loaded.catalogue.waivers if officers is not None else ():
        if not owns(waiver.owner, (*(officers or ()), *_roles(loaded.catalogue))):
            says = f"the owner of the waiver for {waiver.action} is {waiver.owner}, who is neither an officer here nor a role."
            yield Finding(name="waiver", state="look", says=says, cure="Name the officer who answers for it, or officer:<role>.")
    own, meant = loaded.catalogue.currency, _currencies(settings, loaded.catalogue)
    if meant and own not in meant:
        says = f"the desk's currency is {own}, and its waivers, offers and policies speak of {', '.join(sorted(meant))} alone."
        yield Finding(name="currency", state="look", says=says, cure="Write them, and the policy cases, in the desk's own currency.")


def _currencies(settings: Settings, catalogue: Catalogue) -> frozenset[str]:
    """What the amounts in the rules are in."""
    offered = (one for role in catalogue.roles.values() for one in (role.offers or {}).values() if one is not None)
    waived = (value for waiver in catalogue.waivers for tests in waiver.limit.values() for value in tests.values())
    compared = (found for _, text in rules_of(settings).policies for found in _CURRENCY.findall(text))
    return frozenset([one.currency for one in offered] + [str(one)[-3:] for one in waived if _MONEY.fullmatch(str(one))] + [*compared])


def _roles(catalogue: Catalogue) -> Sequence[str]:
    return [name for role in catalogue.roles.values() for name in (role.name, f"officer:{role.name}", role.title)]
