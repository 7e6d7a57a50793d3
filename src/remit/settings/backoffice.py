"""The backoffice at an address of its own: the table `backoffice` of `remit.toml`."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta

from remit.domain.structs import struct
from remit.settings.decode import InvalidSetting, Table
from remit.settings.values import LOOPBACK, Text, file_of, optional_file, post_address

File = Annotated[str, Meta(min_length=1, description="the name of a file")]
_MAX_KEYS = 4
_MAPPED = ("mapping", "document", "read_token_file", "act_token_file")
_DIRECTORY = ("directory", "read_account", "read_password_file", "act_account", "act_password_file")


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
    directory: File | None = None
    read_account: Text | None = None
    read_password_file: File | None = None
    act_account: Text | None = None
    act_password_file: File | None = None


@struct(frozen=True, kw_only=True)
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


@struct(frozen=True, kw_only=True)
class MappedSettings:
    """A system's own API, asked by its OpenAPI document and a mapping. The tokens are read when it is opened."""

    url: str
    mapping: Path
    document: Path
    read_token: Path
    act_token: Path
    ca: Path | None = None


@struct(frozen=True, kw_only=True)
class DirectorySettings:
    """A company's directory, by LDAP: its rules, and two accounts. The passwords are read when it is opened."""

    url: str
    rules: Path
    read_account: str
    read_password: Path
    act_account: str
    act_password: Path
    ca: Path | None = None


def directory_of(table: BackofficeTable, base: Path, *, used: bool) -> DirectorySettings | None:
    """Return the directory of the table, None where the desk has another backoffice; relative files start at `base`.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    if not used:
        _verify_unused(table, _DIRECTORY, "directory")
        return None
    _verify_no_proof(table, "a directory knows accounts alone")
    rules, read_password, act_password = (
        getattr(table, name) for name in ("directory", "read_password_file", "act_password_file")
    )
    missing = next((name for name in ("url", *_DIRECTORY) if not getattr(table, name)), None)
    if missing is not None or table.read_account is None or table.act_account is None:
        raise _invalid(missing or "read_account", "is missing; docs/directory.md has the table")
    if table.read_account == table.act_account or read_password == act_password:
        raise _invalid("act_account", "must be another than read_account: one that only reads, and one that acts")
    return DirectorySettings(
        url=_ldap_address(table.url),
        rules=file_of(rules, "backoffice.directory", base),
        read_account=table.read_account,
        read_password=base / read_password,
        act_account=table.act_account,
        act_password=base / act_password,
        ca=optional_file(table.ca_file, "backoffice.ca_file", base),
    )


def _ldap_address(text: str) -> str:
    """Parse the address of a directory. ⚔ Without TLS, only one on this machine: binds carry passwords.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _invalid("url", "is no address") from None
    if parts.scheme != "ldaps" and not (parts.scheme == "ldap" and parts.hostname in LOOPBACK):
        raise _invalid("url", 'must be "ldaps://HOST" (ldap:// on this machine alone)')
    if not parts.hostname or port == 0 or parts.username or parts.path.strip("/") or parts.query or parts.fragment:
        raise _invalid("url", 'must be a server and nothing else, such as "ldaps://dc1.corp.example"')
    return text.rstrip("/")


def _verify_no_proof(table: BackofficeTable, instead: str) -> None:
    if table.answer_keys or table.proof != "signature" or table.certificate_file or table.private_key_file:
        raise _invalid("proof", f'is for desk.backoffice = "http"; {instead}: take it out')


def _verify_unused(table: BackofficeTable, names: tuple[str, ...], backoffice: str) -> None:
    given = [name for name in names if getattr(table, name) is not None]
    if given:
        raise _invalid(given[0], f'is for desk.backoffice = "{backoffice}"; set that, or take it out')


def mapped_of(table: BackofficeTable, base: Path, *, used: bool) -> MappedSettings | None:
    """Return the mapped backoffice of the table, None where the desk has another; relative files start at `base`.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    if not used:
        _verify_unused(table, _MAPPED, "mapped")
        return None
    _verify_no_proof(table, "a mapped system knows tokens alone")
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
        ca=optional_file(table.ca_file, "backoffice.ca_file", base),
    )


def backoffice_of(table: BackofficeTable, base: Path, *, used: bool, other: bool) -> BackofficeSettings | None:
    """Return the backoffice of the table, None where the desk has another; relative files start at `base`.

    `other` says that the table is for a system that is no service of the company's own.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    if not used:
        if table != BackofficeTable() and not other:
            raise _invalid(
                "url",
                'is set, but desk.backoffice is none of "http", "mapped" and "directory"; set that, or take '
                "[backoffice] out",
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
        ca=optional_file(table.ca_file, "backoffice.ca_file", base),
        certificate=optional_file(table.certificate_file, "backoffice.certificate_file", base),
        private_key=optional_file(table.private_key_file, "backoffice.private_key_file", base),
    )


def _invalid(key: str, problem: str) -> InvalidSetting:
    return InvalidSetting(f"backoffice.{key}", problem)
