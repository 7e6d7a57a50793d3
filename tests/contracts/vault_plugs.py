"""The vaults that the contract suites run over."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from postgres_tests import postgres_url, rows_of
from remit.adapters.vault.file import FileVault
from remit.adapters.vault.postgres.vault import PostgresVault
from remit.adapters.world.system import SystemWorld


def postgres_vault(folder: Path, **changed: Any) -> PostgresVault:
    """A node's vault; each folder is a desk of its own in one database, where no store is."""
    return PostgresVault(postgres_url("keys"), rows_of(folder), SystemWorld(), **changed)


VAULTS: dict[str, Callable[[Path], Any]] = {
    "file": lambda folder: FileVault(folder / "keys.sqlite", SystemWorld()),
    "postgres": postgres_vault,
}
