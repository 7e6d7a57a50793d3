"""A system's own API as the backoffice: its tokens, connections and mapping."""

from pathlib import Path

from remit.adapters.backoffice.mapped.client import MappedBackoffice
from remit.adapters.backoffice.mapped.mapping import MappingFile
from remit.adapters.backoffice.mapped.tokens import TokenHeader
from remit.adapters.backoffice.mapped.wire import Wire
from remit.adapters.builtin_desk.jobs import DeskJobs
from remit.adapters.http.connection import HttpConnections
from remit.ports.world import World
from remit.settings import InvalidSetting, MappedSettings
from remit.wiring.credentials import read_token, tls_context
from remit.wiring.rules import LoadedRules


def open_mapped_backoffice(
    wanted: MappedSettings, loaded: LoadedRules, database: DeskJobs, world: World, *, loopback: bool
) -> MappedBackoffice:
    """Build the mapped backoffice. Nothing is contacted.

    Raises:
        Refused: `settings.invalid` when a file cannot be used, `request.malformed` when the address cannot.
    """
    if loaded.mapping is None:
        raise InvalidSetting("backoffice.mapping", "was not loaded with the rules")
    tls = tls_context(wanted.ca, "backoffice.ca_file")
    file = loaded.mapping.file
    reading = _header(file, wanted.read_token, "backoffice.read_token_file")
    acting = _header(file, wanted.act_token, "backoffice.act_token_file")
    if dict(reading) == dict(acting):
        # ⚔ A token that acts would travel with every look-up.
        raise InvalidSetting(
            "backoffice.act_token_file", "holds the same token as read_token_file; make an account that only reads"
        )
    wire = Wire(HttpConnections(wanted.url, tls=tls, allow_loopback=loopback), world, reading=reading, acting=acting)
    return MappedBackoffice(wire, world, loaded.mapping, loaded.catalogue, database)


def _header(mapping: MappingFile, file: Path, key: str) -> TokenHeader:
    """Return the header that carries a token.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    read_token(file, key)
    return TokenHeader(mapping.auth, file, mapping.headers)
