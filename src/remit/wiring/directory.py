"""A company's directory as the backoffice: its accounts, connections and rules."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from remit.adapters.backoffice.directory.client import DirectoryBackoffice
from remit.adapters.backoffice.directory.connection import Account, Directory
from remit.adapters.backoffice.directory.probe import probe
from remit.adapters.builtin_desk.jobs import DeskJobs
from remit.adapters.world.system import SystemWorld
from remit.ports.world import World
from remit.settings import DirectorySettings, InvalidSetting, Settings
from remit.wiring.credentials import tls_context
from remit.wiring.rules import LoadedRules, load_rules, rules_of


def open_directory_backoffice(
    wanted: DirectorySettings, loaded: LoadedRules, database: DeskJobs, world: World, *, loopback: bool
) -> DirectoryBackoffice:
    """Build the backoffice at a directory. Nothing is contacted.

    Raises:
        Refused: `settings.invalid` when a file cannot be used.
    """
    if loaded.directory is None:
        raise InvalidSetting("backoffice.directory", "was not loaded with the rules")
    directory = open_directory(wanted, world, loopback=loopback)
    return DirectoryBackoffice(directory, world, loaded.directory, loaded.catalogue, database)


def probe_directory(settings: Settings) -> Sequence[str]:
    """Look at the directory with both accounts, writing nothing, and return what is wrong there.

    Raises:
        Fault: `fault.backoffice` when it does not answer, or does not accept an account.
        Refused: `settings.invalid`, `catalogue.invalid`, `policy.invalid`.
    """
    wanted = settings.directory_backoffice
    if wanted is None:
        raise InvalidSetting("desk.backoffice", 'must be "directory"')
    world = SystemWorld()
    rules = load_rules(settings, rules_of(settings), world=world).directory
    if rules is None:
        raise InvalidSetting("backoffice.directory", "was not loaded with the rules")
    directory = open_directory(wanted, world, loopback=settings.loopback)
    return asyncio.run(probe(directory, rules.file))


def open_directory(wanted: DirectorySettings, world: World, *, loopback: bool) -> Directory:
    """Build the connections of the two accounts.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    tls = tls_context(wanted.ca, "backoffice.ca_file")
    reading = _password(wanted.read_password, "backoffice.read_password_file")
    acting = _password(wanted.act_password, "backoffice.act_password_file")
    return Directory(
        wanted.url,
        tls=tls,
        world=world,
        reading=Account(wanted.read_account, reading),
        acting=Account(wanted.act_account, acting),
        allow_loopback=loopback,
    )


def _password(file: Path, key: str) -> str:
    """Read a password. ⚔ An empty one would be an anonymous bind, which a directory accepts.

    Raises:
        InvalidSetting: `settings.invalid`.

    Source: RFC 4513 §5.1.2.
    """
    try:
        password = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as broken:
        raise InvalidSetting(key, f"{file} cannot be read: {type(broken).__name__}") from None
    if not password or not password.isprintable():
        raise InvalidSetting(key, f"{file} holds no password")
    return password
