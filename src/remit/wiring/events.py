"""Assembly of shared signals, and a desk's stream at a transmitter."""

import asyncio
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from remit.adapters.events.posts import HttpEventPosts
from remit.adapters.events.signer import RsaEventSigner, event_key
from remit.adapters.events.tokens import StaticTokens
from remit.adapters.events.transmitter_api import ACTIONS, TransmitterApi, wanted_stream
from remit.adapters.events.verifier import SetVerifier
from remit.adapters.identity.fetching import Fetcher
from remit.adapters.signer.key_files import read_key_file
from remit.domain.errors import Code, Refused
from remit.domain.events.kinds import RECEIVED
from remit.domain.events.parties import Receiver, Transmitter
from remit.domain.ids import OperatorId
from remit.domain.structs import replace
from remit.domain.values import JsonObject
from remit.engine.events.parties import SharedSignals
from remit.ports.identity import ClientMethod, KeyFile, KeySource, KeyUrl, Registration
from remit.settings import EventsSettings, InvalidSetting, ReceiverSettings, Settings, TransmitterSettings
from remit.wiring.credentials import read_secret

_LEAST: Final = 24
"""The shortest token, in characters: shorter ones can be guessed."""


def build_signals(settings: Settings) -> SharedSignals | None:
    """Build shared signals; None where neither side is set. Nothing is contacted.

    Raises:
        Refused: `settings.invalid` when a file they need cannot be used.
    """
    wanted = settings.events
    if wanted is None:
        return None
    tls = ssl.create_default_context()
    receivers = [(one, _receiver(one)) for one in wanted.receivers]
    transmitters = [(one, _transmitter(one, settings.issuer)) for one in wanted.transmitters]
    tokens = StaticTokens(
        [
            (token, party)
            for one, party in receivers
            for token in _tokens(one.token_files, "events.receivers.token_files")
        ],
        [
            (token, party)
            for one, party in transmitters
            for token in _tokens(one.push_token_files, "events.transmitters.push_token_files")
        ],
    )
    fetchers = {
        private: Fetcher(allow_loopback=settings.loopback, tls=tls, allow_private=private) for private in (False, True)
    }
    return SharedSignals(
        receivers={party.name: party for _, party in receivers},
        transmitters={party.name: party for _, party in transmitters},
        tokens=tokens,
        posts=HttpEventPosts(fetchers),
        verifier=SetVerifier(fetchers, _sources(wanted)),
        signer=RsaEventSigner([_event_key(path) for path in wanted.key_files]) if receivers else None,
        clients=_clients(wanted),
        verification_interval_s=wanted.verification_interval_s,
    )


STREAM_ACTIONS: Final = ACTIONS
"""The actions of `manage_stream`."""


def manage_stream(settings: Settings, name: str, action: str, *, state: str) -> JsonObject:
    """Carry out an action on this desk's stream at a transmitter, with the token of its settings.

    Raises:
        Refused: `request.not_found` for an unknown transmitter or without a stream there, `settings.invalid` without a
            token.
        Fault: `fault.identity` with the transmitter's answer.
    """
    known = () if settings.events is None else settings.events.transmitters
    found = next((one for one in known if one.transmitter.name == name), None)
    if found is None:
        cure = "Name one of [[events.transmitters]]."
        raise Refused(Code.REQUEST_NOT_FOUND, f"the settings name no transmitter {name}", cure=cure)
    if found.manage_token_file is None:
        raise InvalidSetting(
            "events.transmitters.manage_token_file", "is missing: the token by which it knows this server"
        )
    party = _transmitter(found, settings.issuer)
    key = "events.transmitters.push_token_files"
    push = _tokens(found.push_token_files, key)[0] if found.push_token_files else ""
    api = TransmitterApi(
        transmitter=party,
        fetcher=Fetcher(
            allow_loopback=settings.loopback, tls=ssl.create_default_context(), allow_private=party.private_network
        ),
        header=_bearer(found.manage_token_file, "events.transmitters.manage_token_file"),
        wanted=wanted_stream(party, issuer=settings.issuer, push_token=push, types=RECEIVED),
    )
    return asyncio.run(api.run(action, state=state))


def _sources(wanted: EventsSettings) -> Mapping[str, KeySource]:
    found = {one.transmitter.name: _key_source(one) for one in wanted.transmitters}
    return {name: source for name, source in found.items() if source is not None}


def _key_source(party: ReceiverSettings | TransmitterSettings) -> KeySource | None:
    """Return the keys that the settings name; None without any."""
    if party.jwks_file is not None:
        return KeyFile(path=str(party.jwks_file))
    return KeyUrl(url=party.jwks_url) if party.jwks_url else None


def _clients(wanted: EventsSettings) -> Mapping[str, Registration]:
    """Register the receivers with keys: their client id is their name."""
    found: dict[str, Registration] = {}
    for one in wanted.receivers:
        source = _key_source(one)
        if source is not None:
            name = one.receiver.name
            found[name] = Registration(
                client_id=name,
                actor=name,
                operator=OperatorId(name),
                method=ClientMethod.PRIVATE_KEY_JWT,
                keys=source,
            )
    return found


def _receiver(one: ReceiverSettings) -> Receiver:
    if one.push_token_file is None:
        return one.receiver
    return replace(one.receiver, push_header=_bearer(one.push_token_file, "events.receivers.push_token_file"))


def _transmitter(one: TransmitterSettings, issuer: str) -> Transmitter:
    made = replace(one.transmitter, audience=one.transmitter.audience or issuer)
    if one.poll_token_file is None:
        return made
    return replace(made, poll_header=_bearer(one.poll_token_file, "events.transmitters.poll_token_file"))


def _event_key(path: Path) -> RSAPrivateKey:
    """Load a key of events; a wrong one is named by its setting."""
    try:
        return event_key(read_key_file(path.parent, path.name))
    except Refused as refused:
        raise InvalidSetting("events.key_files", f"names {path}, which {refused.detail}") from None


def _bearer(path: Path, key: str) -> str:
    return f"Bearer {_token(path, key)}"


def _tokens(files: tuple[Path, ...], key: str) -> list[str]:
    """⚔ Read tokens by which others prove themselves here: long enough that none is guessed."""
    found = [_token(path, key) for path in files]
    if any(len(token) < _LEAST for token in found):
        raise InvalidSetting(key, f"must hold tokens of {_LEAST} characters or more: openssl rand -base64 32")
    return found


def _token(path: Path, key: str) -> str:
    token = read_secret(path, key)
    if not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidSetting(key, f"names {path}, which holds no token")
    return token
