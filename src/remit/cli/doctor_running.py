"""What `remit doctor` looks at of a desk at work: what waits, whether its process does well, and what runs out by itself."""

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

import httpx
from cryptography import x509

from remit.cli.findings import Finding
from remit.entrypoints.health import RECENT_S
from remit.settings import Settings
from remit.wiring import look_at_carriers, look_at_owners, store_at, token_key_made, verify_telemetry

_PATIENCE_S: Final = 3.0
_LONG_S: Final = 60
_TOO_LONG_S: Final = 3600
_DAY_S: Final = 86_400
_OLD_KEY_DAYS: Final = 365
_SOON_DAYS, _AT_ONCE_DAYS = 30, 7
_HTTPS: Final = 443
_OK: Final = 200
_ANYWHERE: Final[Mapping[str, str]] = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  # where it listens, not where we do
_ROUND: Final = re.compile(r'^remit_job_last_success_timestamp_seconds\{round="(?P<job>[a-z]+)"\} (?P<at>\S+)$', re.MULTILINE)


def _outbox(settings: Settings) -> Iterator[Finding]:
    """What waits to be done at the desk, and what was sent and nobody knows the outcome of."""
    seen, now = store_at(settings).outbox(), time.time()
    queued_s, sent_s = (max(0.0, now - at / 1000) if at else 0.0 for at in (seen.queued_at, seen.sent_at))
    if seen.queued and queued_s > _LONG_S:
        yield Finding(
            name="outbox",
            state="look",
            says=f"{seen.queued:,} acts wait to be sent, the oldest for {queued_s:,.0f} s.",
            cure="See that the desk's systems answer and that the desk is served: what waits is sent by itself then.",
        )
    if seen.sent and sent_s > _LONG_S:
        yield Finding(
            name="outbox",
            state="wrong" if sent_s > _TOO_LONG_S else "look",
            says=f"the outcome of {seen.sent:,} acts is not known, of the oldest for {sent_s:,.0f} s.",
            cure="See that the desk's systems answer about acts: each is asked after by itself until it is known.",
        )
    if max(queued_s, sent_s) <= _LONG_S:
        yield Finding(name="outbox", state="ok", says=f"{seen.queued + seen.sent:,} acts are under way, none for long")


def _process(settings: Settings) -> Iterator[Finding]:
    """Whether the process that serves the desk says that it does well, and when its rounds last went well."""
    if not store_at(settings).served():
        yield Finding(name="process", state="ok", says="the desk is not served: nothing expires, and nothing is sent")
        return
    host = _ANYWHERE.get(settings.host, settings.host)
    where = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    try:
        with httpx.Client(base_url=where, timeout=_PATIENCE_S, trust_env=False, follow_redirects=False) as http:
            ready, metrics = http.get("/readyz"), http.get("/metrics")
            rounds = {found["job"]: float(found["at"]) for found in _ROUND.finditer(metrics.text)}
            said = {} if ready.status_code == _OK else ready.json()
    except (httpx.HTTPError, ValueError):
        yield Finding(
            name="process",
            state="look",
            says=f"the desk is served, and nothing that is a desk answers at {where}.",
            cure="Where it was started with --host or --port, ask /readyz there; else read its log, and restart it.",
        )
        return
    if ready.status_code != _OK:
        yield Finding(
            name="process",
            state="wrong",
            says=f"is not ready: {said.get('code', ready.status_code)}: {said.get('detail', 'it does not say why')}",
            cure=str(said.get("cure", "Read its log.")),
        )
    else:
        yield Finding(name="process", state="ok", says=f"{where} is ready")
    yield from _rounds(rounds)


def _rounds(rounds: Mapping[str, float]) -> Iterator[Finding]:
    now = time.time()
    ages = {job: max(0.0, now - at) for job, at in rounds.items()}
    late = {job: age for job, age in ages.items() if age > RECENT_S.get(job, _TOO_LONG_S)}
    for job, age in late.items():
        yield Finding(
            name="jobs",
            state="wrong",
            says=f"the round of {job} last went well {age:,.0f} s ago.",
            cure="Read the process's log for `round.failed`: it says what is in the way.",
        )
    if not late:
        told = ", ".join(f"{job} {age:,.0f} s ago" for job, age in sorted(ages.items()))
        yield Finding(name="jobs", state="ok", says=f"rounds went well: {told}" if told else "the first rounds are under way")


def _token_key(settings: Settings) -> Iterator[Finding]:
    """How old the key is that tokens are signed with. The log's own is never changed: whoever kept it verifies by it."""
    days = (time.time() - token_key_made(settings)) / _DAY_S
    if days > _OLD_KEY_DAYS:
        cure = "Stop the server, run `remit rotate-keys`, start it: tokens of the old key live until they expire."
        yield Finding(name="keys", state="look", says=f"the key that tokens are signed with is {days:,.0f} days old.", cure=cure)
    else:
        yield Finding(name="keys", state="ok", says=f"the key that tokens are signed with is {days:,.0f} days old")


def _certificate(settings: Settings) -> Iterator[Finding]:
    """How long the certificate of the issuer is good, as whoever comes to it sees it."""
    issuer = urlsplit(settings.issuer)
    if issuer.scheme != "https" or issuer.hostname is None:
        return
    try:
        ends = certificate_ends(issuer.hostname, issuer.port or _HTTPS)
    except (OSError, ValueError) as problem:
        says = f"{settings.issuer} cannot be looked at from here: {problem}."
        yield Finding(
            name="certificate", state="look", says=says, cure="Let its name lead to your proxy, with a certificate that is good for it."
        )
        return
    days = (ends - datetime.now(tz=UTC)).total_seconds() / _DAY_S
    if days < _SOON_DAYS:
        state = "wrong" if days < _AT_ONCE_DAYS else "look"
        yield Finding(
            name="certificate", state=state, says=f"of {settings.issuer} ends on {ends:%Y-%m-%d}.", cure="Renew it at your proxy."
        )
    else:
        yield Finding(name="certificate", state="ok", says=f"of {settings.issuer} is good until {ends:%Y-%m-%d}")


def certificate_ends(host: str, port: int) -> datetime:
    """When the certificate that a server shows ends, if it is one that a client here would take.

    Raises:
        OSError: nothing answers, or with a certificate that is not good for this name.
        ValueError: it shows none that can be read.
    """
    with (
        socket.create_connection((host, port), timeout=_PATIENCE_S) as plain,
        ssl.create_default_context().wrap_socket(plain, server_hostname=host) as shown,
    ):
        return x509.load_der_x509_certificate(shown.getpeercert(binary_form=True) or b"").not_valid_after_utc


def _telemetry(settings: Settings) -> Iterator[Finding]:
    verify_telemetry(settings)
    if settings.telemetry.endpoint:
        says = f"traces of {settings.telemetry.sample_percent} requests in 100 go to {settings.telemetry.endpoint}"
        yield Finding(name="traces", state="ok", says=says)
    if settings.telemetry.trusts_callers:
        says = "whoever calls says which trace a request belongs to, and whether it is kept."
        cure = "Let the proxy write traceparent anew, never pass it on, or take telemetry.trust_traceparent out."
        yield Finding(name="traces", state="look", says=says, cure=cure)


def _notices(settings: Settings) -> Iterator[Finding]:
    """Whether what sends notices answers and lets us in. Nothing is sent."""
    seen = look_at_carriers(settings)
    for name, says, answers in seen:
        if answers:
            yield Finding(name="notices", state="ok", says=f"{name}: {says}")
        else:
            cure = f"See that it answers from here, and what notify.{name}_… says: people are told nothing until it does."
            yield Finding(name="notices", state="wrong", says=f"{name}: {says}.", cure=cure)
    if not seen and not settings.loopback:
        cure = "Set notify.kind, or have what reads the log pass lines of the logger remit.notices on."
        yield Finding(name="notices", state="look", says="are lines of the log alone; this desk sends none.", cure=cure)
    elif not seen:
        yield Finding(name="notices", state="ok", says="are lines of the log alone")


def _leaks(settings: Settings) -> Iterator[Finding]:
    """Whether the owners of others' credentials answer. Nothing is sent."""
    for name, says, answers in look_at_owners(settings):
        if answers:
            yield Finding(name="leaks", state="ok", says=f"{name}: {says}")
        else:
            cure = "See that it answers from here, and what its table [[leak]] says: nobody there is told until it does."
            yield Finding(name="leaks", state="wrong", says=f"{name}: {says}.", cure=cure)


RUNNING_CHECKS: Final[Mapping[str, Callable[[Settings], Iterator[Finding]]]] = {
    "outbox": _outbox,
    "process": _process,
    "keys": _token_key,
    "certificate": _certificate,
    "traces": _telemetry,
    "notices": _notices,
    "leaks": _leaks,
}
