"""What `remit check` and `remit doctor` find in settings and rules that is valid, and still may not be what was meant."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from remit.domain.catalogue import Catalogue
from remit.domain.waivers import owns
from remit.settings import Settings
from remit.wiring import Loaded, look, pack_names


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
    officers = look(settings.store_path).officers if settings.store_path.is_file() else None
    for waiver in loaded.catalogue.waivers if officers is not None else ():
        if not owns(waiver.owner, (*(officers or ()), *_roles(loaded.catalogue))):
            says = f"the owner of the waiver for {waiver.action} is {waiver.owner}, who is neither an officer here nor a role."
            yield Finding(name="waiver", state="look", says=says, cure="Name the officer who answers for it, or officer:<role>.")


def _roles(catalogue: Catalogue) -> Sequence[str]:
    return [name for role in catalogue.roles.values() for name in (role.name, f"officer:{role.name}", role.title)]
