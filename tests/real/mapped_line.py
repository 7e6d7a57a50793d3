"""The mapped backoffice of an example before its live system, with connections that break at will."""

import asyncio
import tomllib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from contracts.desk_plugs import StandingWorld
from real.cut import Cut
from real.systems import Line
from remit.adapters.backoffice.mapped.client import MappedBackoffice
from remit.adapters.backoffice.mapped.mapping import read_mapping
from remit.adapters.backoffice.mapped.wire import Wire
from remit.adapters.builtin_desk.database import DeskDatabase
from remit.domain.errors import Code
from remit.domain.policy.rulebook import read_catalogue

EXAMPLES = Path(__file__).parents[2] / "examples"


@asynccontextmanager
async def mapped_line(
    folder: Path, example: str, base: str, *, reading: Mapping[str, str], acting: Mapping[str, str]
) -> AsyncIterator[Line]:
    """A connector by the rules of an example; two on one folder share its journal."""
    rules = EXAMPLES / example
    catalogue = read_catalogue(tomllib.loads((rules / "catalogue.toml").read_text()), today=None)
    mapping = read_mapping(rules / "mapping.toml", rules / "openapi.yaml", catalogue)
    world, cuts = StandingWorld(), dict[str, str]()
    database = DeskDatabase(folder / "desk.db")
    fixed = mapping.file.headers
    wire = Wire(Cut(base, cuts, fault=Code.FAULT_BACKOFFICE), world, reading={**fixed, **reading}, acting={**fixed, **acting})
    backoffice = MappedBackoffice(wire, world, mapping, catalogue, database)

    def later() -> None:
        world.at += 40_000

    try:
        yield Line(backoffice=backoffice, cuts=cuts, later=later)
    finally:
        backoffice.close()
        await asyncio.sleep(0)  # the loop has to see that the connections are closed
        database.close()
