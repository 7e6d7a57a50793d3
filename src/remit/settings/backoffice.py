"""The backoffice at an address of its own: the table `backoffice` of `remit.toml`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from remit.settings.decode import InvalidSetting, Table
from remit.settings.values import file_of, post_address

File = Annotated[str, Meta(min_length=1, description="the name of a file")]
_MAX_KEYS = 4
_MAPPED = ("mapping", "document", "read_token_file", "act_token_file")


class BackofficeTable(Table, frozen=True):
    """`[backoffice]`: its address, and how both sides prove themselves."""

    url: Annotated[str, Meta(description='its address, such as "https://shop.example/remit"')] = ""
    proof: Annotated[Literal["signature", "mtls"], Meta(description='"signature" or "mtls"')] = "signature"
    answer_keys: Annotated[
        tuple[File, ...],
        Meta(max_length=_MAX_KEYS, description='files with its public Ed25519 keys, such as ["shop.pem"]'),
    ] = ()
    ca_file: File | None = None
    certificate_file: File | None = None
    private_key_file: File | None = None
    mapping: File | None = None
    document: File | None = None
    read_token_file: File | None = None
    act_token_file: File | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackofficeSettings:
    """A backoffice over HTTP.

    Without `answer_keys` its answers are signed by `remit desk serve` with this desk's own keys. `certificate` and
    `private_key` are Remit's own for mutual TLS; without `ca` the machine's authorities are trusted.
    """

    url: str
    signed: bool
    answer_keys: tuple[Path, ...] = ()
    ca: Path | None = None
    certificate: Path | None = None
    private_key: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedSettings:
    """A system's own API, asked by its OpenAPI document and a mapping. The tokens are read when it is opened."""

    url: str
    mapping: Path
    document: Path
    read_token: Path
    act_token: Path
    ca: Path | None = None


def mapped_of(table: BackofficeTable, base: Path, *, used: bool) -> MappedSettings | None:
    """Return the mapped backoffice of the table, None where the desk has another; relative files start at `base`.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    if not used:
        given = [name for name in _MAPPED if getattr(table, name) is not None]
        if given:
            raise _invalid(given[0], 'is for desk.backoffice = "mapped"; set that, or take it out')
        return None
    if table.answer_keys or table.proof != "signature" or table.certificate_file or table.private_key_file:
        raise _invalid("proof", 'is for desk.backoffice = "http"; a mapped system knows tokens alone: take it out')
    files = {name: getattr(table, name) for name in _MAPPED}
    missing = next((name for name, value in files.items() if value is None), None)
    if missing is not None or not table.url:
        raise _invalid(missing or "url", "is missing; docs/mapping.md has the table")
    if files["read_token_file"] == files["act_token_file"]:
        raise _invalid(
            "act_token_file", "must be another than read_token_file: an account that only reads, and one that acts"
        )
    url = post_address(table.url, "backoffice.url").rstrip("/")
    if "?" in url:
        raise _invalid("url", "must be an address without a query")
    return MappedSettings(
        url=url,
        mapping=file_of(files["mapping"], "backoffice.mapping", base),
        document=file_of(files["document"], "backoffice.document", base),
        read_token=base / files["read_token_file"],
        act_token=base / files["act_token_file"],
        ca=_file(table.ca_file, "ca_file", base),
    )


def backoffice_of(table: BackofficeTable, base: Path, *, used: bool, mapped: bool) -> BackofficeSettings | None:
    """Return the backoffice of the table, None where the desk has another; relative files start at `base`.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    if not used:
        if table != BackofficeTable() and not mapped:
            raise _invalid(
                "url", 'is set, but desk.backoffice is neither "http" nor "mapped"; set that, or take [backoffice] out'
            )
        return None
    if not table.url:
        raise _invalid("url", 'is missing; write its address, such as "https://shop.example/remit"')
    url = post_address(table.url, "backoffice.url").rstrip("/")
    if "?" in url:
        raise _invalid("url", "must be an address without a query")
    signed = table.proof == "signature"
    mutual = (table.certificate_file, table.private_key_file)
    if not signed and None in mutual:
        raise _invalid("certificate_file", 'and private_key_file are needed for proof = "mtls"')
    if signed and mutual != (None, None):
        raise _invalid("certificate_file", 'is for proof = "mtls"; set that, or take it out')
    if not signed and table.answer_keys:
        raise _invalid("answer_keys", 'are for proof = "signature"; set that, or take them out')
    return BackofficeSettings(
        url=url,
        signed=signed,
        answer_keys=tuple(file_of(name, "backoffice.answer_keys", base) for name in table.answer_keys),
        ca=_file(table.ca_file, "ca_file", base),
        certificate=_file(table.certificate_file, "certificate_file", base),
        private_key=_file(table.private_key_file, "private_key_file", base),
    )


def _file(name: str | None, key: str, base: Path) -> Path | None:
    return None if name is None else file_of(name, f"backoffice.{key}", base)


def _invalid(key: str, problem: str) -> InvalidSetting:
    return InvalidSetting(f"backoffice.{key}", problem)
