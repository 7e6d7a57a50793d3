"""Drafting a desk's rules from an OpenAPI document: files in a new folder, none of them in force."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from remit.adapters.backoffice.mapped.mapping import read_mapping
from remit.adapters.files.catalogue import load_catalogue
from remit.adapters.openapi.document import document_json, read_document
from remit.adapters.openapi.draft import Draft, draft_rules
from remit.domain.errors import Code, Refused
from remit.domain.structs import struct

DOCUMENT: Final = "openapi.json"
MAPPING: Final = "mapping.toml"
REPORT: Final = "REPORT.md"
_SETTINGS: Final = """\
# A draft by `remit import openapi`: enough for `remit check`. docs/mapping.md says how it becomes a working installation.

[server]
issuer = "http://localhost:8080"
host = "127.0.0.1"
port = 8080
data = "data"

[store]
url = "sqlite:///data/store.sqlite"

[log]
name = "{name}.remit.invalid"
high_water = "high-water/checkpoint"

[catalogue]
files = ["catalogue/*.toml"]

[policies]
files = ["policies/*.cedar"]

[desk]
database = "data/desk.sqlite"        # the journal of acts, and tickets
backoffice = "mapped"

[backoffice]
url = "https://api.invalid"          # the address of the system; those in its document are never used
mapping = "mapping.toml"
document = "openapi.json"
read_token_file = "secrets/read"     # two accounts: one that can only read,
act_token_file = "secrets/act"       # and one that can do what the mapping says, and no more

[words]
languages = ["en"]
secrets = "refuse"
beyond = "refuse"
"""


@struct(frozen=True, kw_only=True)
class Imported:
    """The folder that was made, its files, and the draft's numbers."""

    folder: Path
    files: tuple[str, ...]
    draft: Draft


def import_openapi(file: Path, folder: Path, *, currency: str) -> Imported:
    """Draft catalogue, mapping, policy, settings and a report into a new or empty folder.

    Raises:
        Refused: `settings.invalid` for a document that cannot be read or a folder that is not empty; nothing in it is
            touched. `catalogue.invalid` for a draft that is not valid, which is a mistake in Remit.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused(
            Code.SETTINGS_INVALID,
            f"{folder} is not empty; nothing in it was touched",
            cure="Name a new or empty folder with --into: drafts never replace rules.",
        )
    document = read_document(file)
    name = re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-") or "desk"
    draft = draft_rules(document, name=name, currency=currency)
    texts: Mapping[str, bytes] = {
        "catalogue/draft.toml": draft.catalogue.encode(),
        "policies/draft.cedar": draft.policy.encode(),
        MAPPING: draft.mapping.encode(),
        DOCUMENT: document_json(document),
        "remit.toml": _SETTINGS.format(name=name).encode(),
        REPORT: draft.report.encode(),
    }
    for path, raw in texts.items():
        where = folder / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(raw)
    catalogue = load_catalogue((folder / "catalogue/draft.toml",), today=None)
    read_mapping(folder / MAPPING, folder / DOCUMENT, catalogue)
    return Imported(folder=folder, files=tuple(texts), draft=draft)
