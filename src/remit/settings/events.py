"""Shared signals: the table `[events]` of `remit.toml`, with its receivers and transmitters."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

from msgspec import Meta, field

from remit.domain.events.kinds import CAEP, TRANSMITTED, EventEffect
from remit.domain.events.parties import Receiver, SubjectFormat, Transmitter
from remit.domain.identity.oidc_login import ALGORITHMS
from remit.domain.ids import is_word
from remit.domain.structs import struct
from remit.settings.decode import InvalidSetting, Table, nth_table
from remit.settings.values import Text, file_of, optional_file, post_address

MOST: Final = 32
_NAME: Final = 'a plain name such as "siem"'
_TOKENS: Final = "a list of 1 to 3 files, each with one token"
_KINDS: Final = ", ".join(kind.removeprefix(CAEP) for kind in TRANSMITTED)
_KEY: Final = "is missing; make one by openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out secrets/events.pem, then chmod 600 (the folder 700)"
Name = Annotated[str, Meta(max_length=40, description=_NAME)]
Line = Annotated[str, Meta(min_length=1, max_length=400)]
File = Annotated[str, Meta(min_length=1, description="the name of a file")]
TokenFiles = Annotated[tuple[File, ...], Meta(min_length=1, max_length=3, description=_TOKENS)]


class ReceiverTable(Table, frozen=True):
    """One `[[events.receivers]]`."""

    name: Name
    audience: Line
    token_files: TokenFiles | None = None
    jwks_file: File | None = None
    jwks_url: Line | None = None
    scope: Literal["ssf.manage", "ssf.read"] = "ssf.manage"
    events: tuple[Text, ...] = ()
    operator: str = ""
    subject: SubjectFormat = SubjectFormat.OPAQUE
    push_url: Line | None = None
    push_token_file: File | None = None
    private_network: bool = False


class TransmitterTable(Table, frozen=True):
    """One `[[events.transmitters]]`."""

    name: Name
    issuer: Line
    audience: Line | None = None
    jwks_file: File | None = None
    jwks_url: Line | None = None
    algorithms: Annotated[tuple[Text, ...], Meta(min_length=1)] = ("RS256",)
    customers: bool = False
    operator: str = ""
    session_revoked: Literal["sessions", "tasks", "grants"] = "grants"
    push_token_files: TokenFiles | None = None
    poll_url: Line | None = None
    poll_token_file: File | None = None
    manage_token_file: File | None = None
    poll_s: Annotated[int, Meta(ge=1, le=3600)] = 10
    private_network: bool = False


class EventsTable(Table, frozen=True):
    """`[events]`."""

    key_files: Annotated[tuple[File, ...], Meta(max_length=3)] = ()
    verification_interval_s: Annotated[int, Meta(ge=0, le=3600)] = 5
    receivers: Annotated[tuple[ReceiverTable, ...], Meta(max_length=MOST)] = field(default=())
    transmitters: Annotated[tuple[TransmitterTable, ...], Meta(max_length=MOST)] = field(default=())


@struct(frozen=True, kw_only=True)
class ReceiverSettings:
    """A receiver, its keys for OAuth tokens, and the files of its static tokens and of ours for it."""

    receiver: Receiver
    token_files: tuple[Path, ...]
    jwks_file: Path | None
    jwks_url: str
    push_token_file: Path | None


@struct(frozen=True, kw_only=True)
class TransmitterSettings:
    """A transmitter, the source of its keys, and the files of its tokens and of ours for it."""

    transmitter: Transmitter
    jwks_file: Path | None
    jwks_url: str
    push_token_files: tuple[Path, ...]
    poll_token_file: Path | None
    manage_token_file: Path | None


@struct(frozen=True, kw_only=True)
class EventsSettings:
    """Shared signals as set; the first key signs, the others are only published."""

    key_files: tuple[Path, ...]
    verification_interval_s: int
    receivers: tuple[ReceiverSettings, ...]
    transmitters: tuple[TransmitterSettings, ...]


def events_of(table: EventsTable, base: Path, *, provider: bool) -> EventsSettings | None:
    """Return shared signals; None where neither side is set. `provider`: people sign in at the company's provider.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    if not table.receivers and not table.transmitters:
        return None
    if table.receivers and not table.key_files:
        raise InvalidSetting("events.key_files", _KEY)
    for kind, named in (("receivers", table.receivers), ("transmitters", table.transmitters)):
        _verify_names(f"events.{kind}.name", [one.name for one in named])
    _verify_issuers(table.transmitters)
    return EventsSettings(
        key_files=tuple(file_of(name, "events.key_files", base) for name in table.key_files),
        verification_interval_s=table.verification_interval_s,
        receivers=tuple(
            _receiver(one, base, nth_table(number, len(table.receivers)))
            for number, one in enumerate(table.receivers, start=1)
        ),
        transmitters=tuple(
            _transmitter(one, base, nth_table(number, len(table.transmitters)), provider=provider)
            for number, one in enumerate(table.transmitters, start=1)
        ),
    )


def _verify_names(key: str, names: Sequence[str]) -> None:
    if not all(is_word(name) for name in names):
        raise InvalidSetting(key, f"must be {_NAME}")
    if len(set(names)) != len(names):
        raise InvalidSetting(key, "must be another one in each table")


def _verify_issuers(tables: Sequence[TransmitterTable]) -> None:
    """⚔ Refuse one issuer in two tables: a token of the one would count for the other, which may speak of others."""
    issuers = [(one.issuer, one.audience) for one in tables]
    if len(set(issuers)) != len(issuers):
        raise InvalidSetting(
            "events.transmitters.issuer", "must differ in each table, or events.transmitters.audience must"
        )


def _receiver(table: ReceiverTable, base: Path, note: str) -> ReceiverSettings:
    def wrong(key: str, problem: str) -> InvalidSetting:
        return InvalidSetting(f"events.receivers.{key}", problem, note=note)

    kinds = {kind.removeprefix(CAEP): kind.value for kind in TRANSMITTED}
    if not set(table.events) <= set(kinds):
        raise wrong("events", f"must be out of {_KINDS}")
    if table.operator and table.subject is SubjectFormat.EMAIL:
        raise wrong("subject", 'must be "opaque" or "iss_sub" for an operator, which knows no customer\'s address')
    if table.jwks_file is not None and table.jwks_url is not None:
        raise wrong("jwks_url", "is set beside jwks_file; remove one of them")
    if table.jwks_url is not None:
        post_address(table.jwks_url, "events.receivers.jwks_url", note=note)
    proved = table.token_files or table.jwks_file or table.jwks_url
    if table.push_url is None and not proved:
        raise wrong(
            "token_files", "is missing: the receiver proves itself by such a token, or by keys; or set push_url"
        )
    if table.push_token_file is not None and table.push_url is None:
        raise wrong("push_token_file", "belongs to push_url; a receiver's own stream brings its header along")
    url = "" if table.push_url is None else post_address(table.push_url, "events.receivers.push_url", note=note)
    key = "events.receivers.token_files"
    return ReceiverSettings(
        receiver=Receiver(
            name=table.name,
            audience=table.audience,
            scope=table.scope,
            events=tuple(kind for name, kind in kinds.items() if not table.events or name in table.events),
            operator=table.operator,
            subject=table.subject,
            private_network=table.private_network,
            push_url=url,
        ),
        token_files=tuple(file_of(name, key, base, note=note) for name in table.token_files or ()),
        jwks_file=optional_file(table.jwks_file, "events.receivers.jwks_file", base, note=note),
        jwks_url=table.jwks_url or "",
        push_token_file=optional_file(table.push_token_file, "events.receivers.push_token_file", base, note=note),
    )


def _transmitter(table: TransmitterTable, base: Path, note: str, *, provider: bool) -> TransmitterSettings:
    def wrong(key: str, problem: str) -> InvalidSetting:
        return InvalidSetting(f"events.transmitters.{key}", problem, note=note)

    if table.customers == bool(table.operator):
        raise wrong("customers", "or events.transmitters.operator must be set, and not both: whom it may speak of")
    if table.customers and not provider:
        raise wrong("customers", "needs [people.oidc]: its events name people as the company's provider does")
    if not set(table.algorithms) <= ALGORITHMS:
        raise wrong("algorithms", f"must be out of {', '.join(sorted(ALGORITHMS))}")
    if table.jwks_file is not None and table.jwks_url is not None:
        raise wrong("jwks_url", "is set beside jwks_file; remove one of them, or both to discover the keys")
    if (table.push_token_files is None) == (table.poll_url is None):
        raise wrong("push_token_files", "or events.transmitters.poll_url must be there, and not both")
    if table.poll_token_file is not None and table.poll_url is None:
        raise wrong("poll_token_file", "belongs to poll_url")
    post_address(table.issuer, "events.transmitters.issuer", note=note)
    for key, url in (("jwks_url", table.jwks_url), ("poll_url", table.poll_url)):
        if url is not None:
            post_address(url, f"events.transmitters.{key}", note=note)
    key = "events.transmitters.push_token_files"
    return TransmitterSettings(
        transmitter=Transmitter(
            name=table.name,
            issuer=table.issuer,
            audience=table.audience or "",
            algorithms=frozenset(table.algorithms),
            customers=table.customers,
            operator=table.operator,
            revoked_session=EventEffect(table.session_revoked),
            private_network=table.private_network,
            poll_url=table.poll_url or "",
            poll_s=table.poll_s,
        ),
        jwks_file=optional_file(table.jwks_file, "events.transmitters.jwks_file", base, note=note),
        jwks_url=table.jwks_url or "",
        push_token_files=tuple(file_of(name, key, base, note=note) for name in table.push_token_files or ()),
        poll_token_file=optional_file(table.poll_token_file, "events.transmitters.poll_token_file", base, note=note),
        manage_token_file=optional_file(
            table.manage_token_file, "events.transmitters.manage_token_file", base, note=note
        ),
    )
