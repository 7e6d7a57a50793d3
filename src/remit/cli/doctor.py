"""`remit doctor`: checks for an operator that do not disturb a served desk."""

import argparse
import asyncio
import re
import shutil
import socket
import ssl
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
from cryptography import x509

from remit import wiring
from remit.cli.init import CheckFinding, suspicious_settings
from remit.cli.output import CommandOutput, ExitCode, cure_of, exit_code, system_error
from remit.cli.shared import desk_options, rules_to_serve, settings_of
from remit.domain.errors import Code, Fault, Refused
from remit.domain.values import Instant
from remit.entrypoints.ops.health import RECENT_S
from remit.ports.store import FORGED_ROWS_CURE
from remit.settings import Settings
from remit.usecases.transcript.verify import verify_continues, verify_log
from remit.wiring import (
    StoreSummary,
    content_keys_place,
    describe_words_model,
    desk_place,
    inspect_built_in_desk,
    inspect_content_keys,
    inspect_high_water,
    inspect_rows,
    inspect_states,
    keys_share_store_server,
    log_key,
    open_stored_log,
    store_location,
    token_key_made,
    verify_ed25519,
    verify_telemetry,
)


def check_login(settings: Settings) -> Iterator[CheckFinding]:
    """Check the provider's metadata and keys, read as a sign-in reads them; nothing without a provider.

    Raises:
        Refused: `settings.invalid` when the client's secret or key cannot be used.
    """
    provider = wiring.build_provider(settings)
    if provider is None:
        return
    try:
        reached = asyncio.run(provider.refresh(now=Instant(time.time_ns() // 1_000_000)))
    except Fault as fault:
        cure = "See that it answers, and that people.oidc.issuer is written exactly as it calls itself."
        yield CheckFinding("login", "wrong", f"{fault.detail}: no one can sign in there.", cure)
        return
    yield CheckFinding("login", "ok", f"{reached.issuer} answers, with {reached.keys} keys")
    if not reached.says_iss:
        says = "the provider does not name itself in its answers (RFC 9207)."
        cure = "Turn that on there, above all where this desk ever used another provider."
        yield CheckFinding("login", "look", says, cure)
    if not reached.back_channel:
        cure = f"Turn it on there, for {settings.issuer}/oidc/back-channel-logout; else keep terms.session_ttl_s short."
        says = "the provider does not say that it tells of sign-outs (back-channel logout)."
        yield CheckFinding("login", "look", says, cure)
    if reached.key:
        yield CheckFinding("login", "ok", f"this desk's public key there is {reached.key}")


_PATIENCE_S: Final = 3.0
_LONG_S: Final = 60
_TOO_LONG_S: Final = 3600
_DAY_S: Final = 86_400
_OLD_KEY_DAYS: Final = 365
_SOON_DAYS, _AT_ONCE_DAYS = 30, 7
_HTTPS: Final = 443
_OK: Final = 200
_ANYWHERE: Final[Mapping[str, str]] = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  # where it listens, not where we do
_ROUND: Final = re.compile(
    r'^remit_job_last_success_timestamp_seconds\{round="(?P<job>[a-z]+)"\} (?P<at>\S+)$', re.MULTILINE
)


def _outbox(settings: Settings) -> Iterator[CheckFinding]:
    """Check acts that wait for the desk, and sent ones with unknown outcome."""
    seen, now = store_location(settings).outbox(), time.time()
    queued_s, sent_s = (max(0.0, now - at / 1000) if at else 0.0 for at in (seen.queued_at, seen.sent_at))
    if seen.queued and queued_s > _LONG_S:
        cure = "Check that your systems answer and the server runs: queued acts are then sent by themselves."
        says = f"{seen.queued:,} acts are queued, the oldest for {queued_s:,.0f} s."
        yield CheckFinding("outbox", "look", says, cure)
    if seen.sent and sent_s > _LONG_S:
        yield CheckFinding(
            "outbox",
            "wrong" if sent_s > _TOO_LONG_S else "look",
            f"the outcome of {seen.sent:,} acts is not known, of the oldest for {sent_s:,.0f} s.",
            "See that the desk's systems answer about acts: each is asked after by itself until it is known.",
        )
    if max(queued_s, sent_s) <= _LONG_S:
        yield CheckFinding("outbox", "ok", f"{seen.queued + seen.sent:,} acts are under way, none for long")


def _process(settings: Settings) -> Iterator[CheckFinding]:
    """Check whether the serving process reports good health, and when its rounds last succeeded."""
    if not store_location(settings).is_served():
        yield CheckFinding("process", "ok", "the desk is not served: nothing expires, and nothing is sent")
        return
    host = _ANYWHERE.get(settings.host, settings.host)
    where = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    try:
        with httpx.Client(base_url=where, timeout=_PATIENCE_S, trust_env=False, follow_redirects=False) as http:
            ready, metrics = http.get("/readyz"), http.get("/metrics")
            rounds = {found["job"]: float(found["at"]) for found in _ROUND.finditer(metrics.text)}
            answer = {} if ready.status_code == _OK else ready.json()
    except (httpx.HTTPError, ValueError):
        cure = "Where it was started with --host or --port, ask /readyz there; else read its log, and restart it."
        says = f"the desk is served, and nothing that is a desk answers at {where}."
        yield CheckFinding("process", "look", says, cure)
        return
    if ready.status_code != _OK:
        says = f"is not ready: {answer.get('code', ready.status_code)}: {answer.get('detail', 'it does not say why')}"
        yield CheckFinding("process", "wrong", says, str(answer.get("cure", "Read its log.")))
    else:
        yield CheckFinding("process", "ok", f"{where} is ready")
    yield from _rounds(rounds)


def _rounds(rounds: Mapping[str, float]) -> Iterator[CheckFinding]:
    now = time.time()
    ages = {job: max(0.0, now - at) for job, at in rounds.items()}
    late = {job: age for job, age in ages.items() if age > RECENT_S.get(job, _TOO_LONG_S)}
    for job, age in late.items():
        says = f"the round of {job} last went well {age:,.0f} s ago."
        cure = "Read the process's log for `round.failed`: it says what is in the way."
        yield CheckFinding("jobs", "wrong", says, cure)
    if not late:
        times = ", ".join(f"{job} {age:,.0f} s ago" for job, age in sorted(ages.items()))
        yield CheckFinding("jobs", "ok", f"rounds went well: {times}" if times else "the first rounds are under way")


def _token_key(settings: Settings) -> Iterator[CheckFinding]:
    """Check the age of the token key. The log's own key never changes: kept copies verify by it."""
    days = (time.time() - token_key_made(settings)) / _DAY_S
    if days > _OLD_KEY_DAYS:
        cure = "Stop the server, run `remit rotate-keys`, start it: tokens of the old key live until they expire."
        yield CheckFinding("keys", "look", f"the key that tokens are signed with is {days:,.0f} days old.", cure)
    else:
        yield CheckFinding("keys", "ok", f"the key that tokens are signed with is {days:,.0f} days old")


def _certificate(settings: Settings) -> Iterator[CheckFinding]:
    """Check the remaining life of the issuer's certificate, as a visitor sees it."""
    issuer = urlsplit(settings.issuer)
    if issuer.scheme != "https" or issuer.hostname is None:
        return
    try:
        ends = certificate_expiry(issuer.hostname, issuer.port or _HTTPS)
    except (OSError, ValueError) as problem:
        says = f"{settings.issuer} can't be checked from here: {problem}."
        cure = "Let its name lead to your proxy, with a certificate that is good for it."
        yield CheckFinding("certificate", "look", says, cure)
        return
    days = (ends - datetime.now(tz=UTC)).total_seconds() / _DAY_S
    if days < _SOON_DAYS:
        state = "wrong" if days < _AT_ONCE_DAYS else "look"
        yield CheckFinding(
            "certificate", state, f"of {settings.issuer} ends on {ends:%Y-%m-%d}.", "Renew it at your proxy."
        )
    else:
        yield CheckFinding("certificate", "ok", f"of {settings.issuer} is good until {ends:%Y-%m-%d}")


def certificate_expiry(host: str, port: int) -> datetime:
    """Return the expiry of a server's certificate, if a client here would accept it.

    Raises:
        OSError: nothing answers, or with a certificate that is not good for this name.
        ValueError: it shows none that can be read.
    """
    with (
        socket.create_connection((host, port), timeout=_PATIENCE_S) as plain,
        ssl.create_default_context().wrap_socket(plain, server_hostname=host) as shown,
    ):
        return x509.load_der_x509_certificate(shown.getpeercert(binary_form=True) or b"").not_valid_after_utc


def _telemetry(settings: Settings) -> Iterator[CheckFinding]:
    verify_telemetry(settings)
    if settings.telemetry.endpoint:
        says = f"traces of {settings.telemetry.sample_percent} requests in 100 go to {settings.telemetry.endpoint}"
        yield CheckFinding("traces", "ok", says)
    if settings.telemetry.trusts_callers:
        says = "callers decide which trace a request belongs to, and whether it is kept."
        cure = "Let the proxy write traceparent anew, never pass it on, or take telemetry.trust_traceparent out."
        yield CheckFinding("traces", "look", says, cure)


def _notices(settings: Settings) -> Iterator[CheckFinding]:
    """Check that the carriers of notices answer and let us in. Nothing is sent."""
    seen = wiring.probe_carriers(settings)
    for name, says, answers in seen:
        if answers:
            yield CheckFinding("notices", "ok", f"{name}: {says}")
        else:
            cure = f"See that it answers from here, and what notify.{name}_… says: no notice is sent until it does."
            yield CheckFinding("notices", "wrong", f"{name}: {says}.", cure)
    if not seen and not settings.loopback:
        cure = "Set notify.kind, or have what reads the log pass lines of the logger remit.notices on."
        yield CheckFinding("notices", "look", "go to the log only; this desk sends no notices.", cure)
    elif not seen:
        yield CheckFinding("notices", "ok", "go to the log only")


def _leaks(settings: Settings) -> Iterator[CheckFinding]:
    """Check that the issuers of others' credentials answer. Nothing is sent."""
    for name, says, answers in wiring.probe_issuers(settings):
        if answers:
            yield CheckFinding("leaks", "ok", f"{name}: {says}")
        else:
            cure = (
                "See that it answers from here, and what its table [[leak]] says: no owner is notified until it does."
            )
            yield CheckFinding("leaks", "wrong", f"{name}: {says}.", cure)


def _deliveries(settings: Settings) -> Iterator[CheckFinding]:
    """Check that the receivers of messages about incidents can be reached. Nothing is sent."""
    for name, says, answers in wiring.probe_receivers(settings):
        if answers:
            yield CheckFinding("deliveries", "ok", f"{name}: {says}")
        else:
            cure = "See what its table [[deliveries]] says: it learns of no incident until then."
            yield CheckFinding("deliveries", "wrong", f"{name}: {says}.", cure)


def _backoffice(settings: Settings) -> Iterator[CheckFinding]:
    """Check that a backoffice over HTTP answers, signed, and knows all that the catalogue asks of it."""
    if settings.directory_backoffice is not None:
        yield from _directory(settings, settings.directory_backoffice.url)
    if settings.http_backoffice is None:
        return
    url = settings.http_backoffice.url
    try:
        seen = wiring.probe_backoffice(settings)
    except Fault as fault:
        cure = "See that it runs and answers from here, with the keys of [backoffice]; `remit desk key` shows ours."
        yield CheckFinding("backoffice", "wrong", f"{url}: {fault.detail}.", cure)
        return
    if seen.contract != seen.expected:
        says = f"{url} speaks version {seen.contract} of the contract, this program {seen.expected}."
        yield CheckFinding("backoffice", "wrong", says, "Bring the older of the two up to date.")
        return
    if seen.missing:
        says = f"{url} does not know {', '.join(seen.missing)}."
        cure = "Add them there, or take them out of the catalogue: what needs them ends as a fault."
        yield CheckFinding("backoffice", "wrong", says, cure)
        return
    yield CheckFinding("backoffice", "ok", f"{url} answers, signed, and knows the whole catalogue")


def _directory(settings: Settings, url: str) -> Iterator[CheckFinding]:
    """Check that the directory accepts both accounts, and offers what its rules rely on. Nothing is written."""
    try:
        problems = wiring.probe_directory(settings)
    except Fault as fault:
        cure = "See that it answers from here over TLS, and that names and passwords in [backoffice] are those of its accounts."
        yield CheckFinding("backoffice", "wrong", f"{url}: {fault.detail}.", cure)
        return
    for problem in problems:
        cure = "Give the account the rights of docs/directory.md, or bring directory.toml and the directory together."
        yield CheckFinding("backoffice", "wrong", f"{url}: {problem}.", cure)
    if not problems:
        yield CheckFinding("backoffice", "ok", f"{url} accepts both accounts, and has what directory.toml relies on")


def _helpdesk(settings: Settings) -> Iterator[CheckFinding]:
    """Check that the company's own helpdesk answers, and has what Remit writes into."""
    if settings.remote_helpdesk is None:
        return
    url = settings.remote_helpdesk.url
    try:
        missing = wiring.probe_helpdesk(settings)
    except Fault as fault:
        cure = fault.cure or "See that it answers from here, and what [helpdesk] says."
        yield CheckFinding("helpdesk", "wrong", f"{url}: {fault.detail}.", cure)
        return
    yield CheckFinding("helpdesk", "ok", f"{url} answers, and has what Remit writes into")
    if missing:
        says = f"it has no custom field {' and no '.join(map(repr, missing))}: tickets show less at a glance."
        cure = "Create them there, for one line of text each, as docs/helpdesk.md says."
        yield CheckFinding("helpdesk", "look", says, cure)


RUNNING_CHECKS: Final[Mapping[str, Callable[[Settings], Iterator[CheckFinding]]]] = {
    "outbox": _outbox,
    "backoffice": _backoffice,
    "helpdesk": _helpdesk,
    "process": _process,
    "keys": _token_key,
    "certificate": _certificate,
    "traces": _telemetry,
    "notices": _notices,
    "deliveries": _deliveries,
    "leaks": _leaks,
}


_OTHERS: Final = 0o077
_GIB: Final = 1024**3
_LEAST_FREE: Final = 100 * 1024**2
_WHOLE: Final = 300_000
_SOON: Final = timedelta(days=30)
_FIRST_YEAR: Final = 2026
_ADMINS: Final = 2
_LINES: Final = 20


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    doctor = sub.add_parser("doctor", parents=[desk_options()], help="Check a desk, also while it runs")
    doctor.set_defaults(run=_doctor)


def _doctor(args: argparse.Namespace, out: CommandOutput) -> int:
    settings = settings_of(args)
    worst = ExitCode.OK
    found = [CheckFinding("settings", "ok", f"{args.config} is valid")]
    for name, check in _CHECKS.items():
        try:
            found.extend(check(settings))
        except (Refused, Fault, OSError) as problem:
            error = system_error(problem) if isinstance(problem, OSError) else problem
            worst = max(worst, exit_code(error))
            about = "log" if error.code in {Code.LOG_DAMAGED, Code.LOG_OLDER} else name
            found.append(CheckFinding(about, "wrong", error.detail, cure_of(error)))
    wrong = [one for one in found if one.state == "wrong"]
    wide = max(len(one.name) for one in found)
    lines = (f"{finding.state:5}  {finding.name.ljust(wide)}  {finding.text}" for finding in found)
    out.tell({"ok": not wrong, "findings": [asdict(finding) for finding in found]}, *lines)
    return max(worst, ExitCode.REFUSED) if wrong else ExitCode.OK


def _rules(settings: Settings) -> Iterator[CheckFinding]:
    loaded = rules_to_serve(settings)
    yield CheckFinding("rules", "ok", f"{loaded.digest} is valid")
    judged, cure = describe_words_model(settings, loaded.words_model)
    yield CheckFinding("words", "look" if cure else "ok", f"messages are judged {judged}", cure)
    yield from suspicious_settings(settings, loaded)
    today = datetime.now(tz=UTC).date()
    for waiver in loaded.catalogue.waivers:
        if waiver.ends - today <= _SOON:
            says = f"for {waiver.action} ends on {waiver.ends} and then stops the start."
            yield CheckFinding("waiver", "look", says, f"Renew it or take it out; {waiver.owner} answers for it.")


def _modes(settings: Settings) -> Iterator[CheckFinding]:
    private = [settings.data, settings.keys, settings.content_keys, settings.desk_database]
    if settings.store_is_file:
        private.append(settings.store_path)
    if settings.keys.is_dir():
        private.extend(sorted(settings.keys.iterdir()))
    if settings.remote_helpdesk is not None:
        private.append(settings.remote_helpdesk.token_file)
        if settings.remote_helpdesk.events_secret is not None:
            private.append(settings.remote_helpdesk.events_secret)
    if settings.directory_backoffice is not None:
        private += [settings.directory_backoffice.read_password, settings.directory_backoffice.act_password]
    if settings.people is not None:
        private.append(settings.people.credential)
    open_ones = [path for path in private if path.exists() and stat.S_IMODE(path.stat().st_mode) & _OTHERS]
    for path in open_ones:
        yield CheckFinding("files", "wrong", f"{path} is open to others.", f"chmod go= {path}")
    if not open_ones:
        yield CheckFinding("files", "ok", f"keys and records in {settings.data} are readable by their owner only")


def _disk(settings: Settings) -> Iterator[CheckFinding]:
    store = (settings.store_path.parent,) if settings.store_is_file else ()
    folders = (settings.data, *store, settings.desk_database.parent, settings.high_water.parent)
    for path in dict.fromkeys(folders):
        if not path.is_dir():
            yield CheckFinding("disk", "wrong", f"there is no {path}.", "Make the folder, or mount it there.")
            continue
        free = shutil.disk_usage(path).free
        state = "wrong" if free < _LEAST_FREE else "look" if free < _GIB else "ok"
        cure = "" if state == "ok" else "Free some space: a full disk stops the desk, it loses nothing."
        yield CheckFinding("disk", state, f"{path} has {free / _GIB:.1f} GiB left", cure)
    if _disk_of(settings.data) == _disk_of(settings.high_water.parent):
        says = "the high-water checkpoint is on the same disk as the store: one restored backup takes both back."
        where = f"{settings.high_water.name} and {settings.high_water.name}.latest"
        cure = f"Stop the desk, move {where} to a folder on another disk, set log.high_water to the first of them, then start."
        yield CheckFinding("disk", "look", says, cure)


def _disk_of(path: Path) -> int:
    return path.stat().st_dev if path.exists() else -1


def _reach(settings: Settings) -> Iterator[CheckFinding]:
    if settings.sandbox:
        says = "is on: anyone on this machine can add people and agents."
        yield CheckFinding("sandbox", "look", says, "Set [sandbox] enabled = false for a real desk.")
    if not settings.loopback and not settings.issuer.startswith("https:"):
        cure = "Put TLS in front and set server.issuer."
        yield CheckFinding("reach", "wrong", f"{settings.issuer} is not https.", cure)
    if not settings.loopback and not settings.peer_header:
        says = "Remit can't tell callers behind a proxy apart: unauthenticated requests share one limit."
        yield CheckFinding("limits", "look", says, "Let the proxy set a header and name it in limits.peer_header.")
    where = "this machine only" if settings.loopback else "from outside"
    yield CheckFinding("reach", "ok", f"{settings.issuer} on {settings.host} port {settings.port}: {where}")


def _store(settings: Settings) -> Iterator[CheckFinding]:
    seen = store_location(settings).inspect()
    newer = seen.version > seen.newest
    yield CheckFinding(
        "store",
        "wrong" if newer else "look" if seen.version < seen.newest else "ok",
        f"schema {seen.version} (this program: {seen.newest}), {seen.entries:,} entries",
        "Upgrade Remit." if newer else "Run `remit migrate`." if seen.version < seen.newest else "",
    )
    yield _clock(seen)
    if not settings.loopback and seen.admins < _ADMINS:
        says = f"there are {seen.admins} of two."
        yield CheckFinding("admins", "wrong", says, "Add one: `remit person add ID --kind officer --role admin`.")
    yield from _log(settings)
    rows = inspect_rows(settings)
    if rows is None:
        says = "have no MACs yet: the next start adds them, once."
        yield CheckFinding("rows", "look", says, "Start the desk.")
    else:
        yield CheckFinding("rows", "ok", f"all {rows:,} are those that this desk wrote")


def _states(settings: Settings) -> Iterator[CheckFinding]:
    """Compare each row with the last entry about it."""
    found = inspect_states(settings)
    for line in found[:_LINES]:
        yield CheckFinding("states", "wrong", f"{line}.", FORGED_ROWS_CURE)
    if len(found) > _LINES:
        yield CheckFinding("states", "wrong", f"so are {len(found) - _LINES:,} more rows.", FORGED_ROWS_CURE)
    if not found:
        yield CheckFinding("states", "ok", "rows are as the log last said")


def _content_keys(settings: Settings) -> Iterator[CheckFinding]:
    """Check the content keys: without them no personal content in a store opens."""
    read = inspect_content_keys(settings, store_location(settings).sealings())
    says = "belong to the store" if read else "are in use by the running server, which checked them at its start"
    yield CheckFinding("content keys", "ok", f"{content_keys_place(settings)} {says}")
    if keys_share_store_server(settings):
        says = (
            "are on the store's server: a backup of that server has both, and restoring it brings erased content back."
        )
        cure = "Move them to another server, and name it in keys.content."
        yield CheckFinding("content keys", "look", f"{content_keys_place(settings)} {says}", cure)


def _desk_file(settings: Settings) -> Iterator[CheckFinding]:
    if settings.backoffice != "facts":
        inspect_built_in_desk(settings)
        yield CheckFinding("desk", "ok", f"{desk_place(settings)} can be read")


def _clock(seen: StoreSummary) -> CheckFinding:
    now = time.time()
    ahead_s = seen.last_at / 1000 - now
    if ahead_s > 0 or datetime.fromtimestamp(now, tz=UTC).year < _FIRST_YEAR:
        says = f"stands {max(ahead_s, 0):,.1f} s behind the last entry of the log."
        cure = "Set the clock (NTP) here, and where that entry was written, then restart."
        return CheckFinding("clock", "wrong", says, cure)
    newest = f"; the newest entry of the log is {-ahead_s:,.0f} s old" if seen.entries else ""
    return CheckFinding("clock", "ok", f"{datetime.fromtimestamp(now, tz=UTC).isoformat(timespec='seconds')}{newest}")


def _log(settings: Settings) -> Iterator[CheckFinding]:
    key = log_key(settings)
    kept = inspect_high_water(settings.high_water, key, verify_ed25519)
    if kept is None:
        cure = "Put the file back, or run `remit recover`."
        yield CheckFinding("log", "wrong", f"there is no {settings.high_water}.", cure)
        return
    seen = store_location(settings).inspect()  # again: a served desk may have advanced before the high water was read
    outside = kept.checkpoint.size
    if seen.entries < outside:
        says = f"the store has {seen.entries:,} entries, but {outside:,} were published: an old copy, or its end was cut off"
        raise Refused(Code.LOG_OLDER, says)
    yield CheckFinding("high water", "ok", f"{outside:,} entries, written {time.time() - kept.at:,.0f} s ago")
    if seen.entries > _WHOLE:
        with open_stored_log(store_location(settings)) as log:
            verify_continues(log, log.checkpoint(), kept.note, vkey=key, verify_ed25519=verify_ed25519)
        yield CheckFinding(
            "log", "look", f"{seen.entries:,} entries are not verified here.", "Run `remit verify-log` now and then."
        )
        return
    if not seen.entries:
        yield CheckFinding("log", "ok", "is empty")
        return
    with open_stored_log(store_location(settings)) as log:
        report = verify_log(
            log,
            records=log,
            vkey=key,
            high_water=kept.note,
            earlier=(),
            verify_ed25519=verify_ed25519,
            ticks=time.monotonic,
            progress=_quiet,
        )
    yield CheckFinding("log", "ok", f"all {report.entries:,} entries verify and reach the high water")


def _quiet(_done: int, _total: int) -> None:
    """Ignore progress."""


_CHECKS: Final[Mapping[str, Callable[[Settings], Iterator[CheckFinding]]]] = {
    "rules": _rules,
    "files": _modes,
    "disk": _disk,
    "reach": _reach,
    "store": _store,
    "states": _states,
    "content keys": _content_keys,
    "desk": _desk_file,
    "login": check_login,
    **RUNNING_CHECKS,
}
