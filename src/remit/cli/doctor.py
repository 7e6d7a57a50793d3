"""`remit doctor`: what an operator should look at, checked without disturbing a desk that is being served."""

import argparse
import shutil
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from remit.cli.doctor_login import look_at_login
from remit.cli.doctor_running import RUNNING_CHECKS
from remit.cli.findings import Finding, oddities
from remit.cli.opening import configured, rules_to_serve, settings_of
from remit.cli.telling import Exit, Out, cure_of, exit_code, of_system, sentence
from remit.domain.errors import Code, Fault, Refused
from remit.settings import Settings
from remit.usecases.verify_log import verify_continues, verify_log
from remit.wiring import (
    Look,
    content_keys_place,
    desk_place,
    keys_are_beside_the_store,
    log_key,
    look_at_content_keys,
    look_at_high_water,
    look_at_kept_desk,
    store_at,
    stored_log,
    verify_ed25519,
)

_OTHERS: Final = 0o077
_GIB: Final = 1024**3
_LEAST_FREE: Final = 100 * 1024**2
_WHOLE: Final = 300_000
_SOON: Final = timedelta(days=30)
_FIRST_YEAR: Final = 2026
_ADMINS: Final = 2


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    doctor = sub.add_parser("doctor", parents=[configured()], help="what an operator should look at; also while it is served")
    doctor.set_defaults(run=_doctor)


def _doctor(args: argparse.Namespace, out: Out) -> int:
    settings = settings_of(args)
    worst = Exit.OK
    found = [Finding(name="settings", state="ok", says=f"{args.config} is valid")]
    for name, check in _CHECKS.items():
        try:
            found.extend(check(settings))
        except (Refused, Fault, OSError) as problem:
            error = of_system(problem) if isinstance(problem, OSError) else problem
            worst = max(worst, exit_code(error))
            about = "log" if error.code in {Code.LOG_DAMAGED, Code.LOG_OLDER} else name
            found.append(Finding(name=about, state="wrong", says=error.detail, cure=cure_of(error)))
    wrong = [one for one in found if one.state == "wrong"]
    wide = max(len(one.name) for one in found)
    out.tell(
        {"ok": not wrong, "findings": [{"name": one.name, "state": one.state, "says": one.says, "cure": one.cure} for one in found]},
        *(f"{one.state:5}  {one.name.ljust(wide)}  {f'{sentence(one.says)} Cure: {one.cure}' if one.cure else one.says}" for one in found),
    )
    return max(worst, Exit.REFUSED) if wrong else Exit.OK


def _rules(settings: Settings) -> Iterator[Finding]:
    loaded = rules_to_serve(settings)
    yield Finding(name="rules", state="ok", says=f"{loaded.digest} is valid")
    yield from oddities(settings, loaded)
    today = datetime.now(tz=UTC).date()
    for waiver in loaded.catalogue.waivers:
        if waiver.ends - today <= _SOON:
            yield Finding(
                name="waiver",
                state="look",
                says=f"for {waiver.action} ends on {waiver.ends} and then stops the start.",
                cure=f"Renew it or take it out; {waiver.owner} answers for it.",
            )


def _modes(settings: Settings) -> Iterator[Finding]:
    private = [settings.data, settings.keys, settings.content_keys]
    if settings.store_is_file:
        private.append(settings.store_path)
    if not settings.desk_url:
        private.append(settings.desk_database)
    if settings.keys.is_dir():
        private.extend(sorted(settings.keys.iterdir()))
    open_ones = [path for path in private if path.exists() and stat.S_IMODE(path.stat().st_mode) & _OTHERS]
    for path in open_ones:
        yield Finding(name="files", state="wrong", says=f"{path} is open to others.", cure=f"chmod go= {path}")
    if not open_ones:
        yield Finding(name="files", state="ok", says=f"keys and records in {settings.data} are open to their owner alone")


def _disk(settings: Settings) -> Iterator[Finding]:
    store = (settings.store_path.parent,) if settings.store_is_file else ()
    desk = () if settings.desk_url else (settings.desk_database.parent,)
    folders = (settings.data, *store, *desk, settings.high_water.parent)
    for path in dict.fromkeys(folders):
        if not path.is_dir():
            yield Finding(name="disk", state="wrong", says=f"there is no {path}.", cure="Make the folder, or mount it there.")
            continue
        free = shutil.disk_usage(path).free
        state = "wrong" if free < _LEAST_FREE else "look" if free < _GIB else "ok"
        cure = "" if state == "ok" else "Free some space: a full disk stops the desk, it loses nothing."
        yield Finding(name="disk", state=state, says=f"{path} has {free / _GIB:.1f} GiB left", cure=cure)
    if _disk_of(settings.data) == _disk_of(settings.high_water.parent):
        says = "the high-water checkpoint is on the same disk as the store: one restored backup takes both back."
        where = f"{settings.high_water.name} and {settings.high_water.name}.latest"
        cure = f"Stop the desk, move {where} to a folder on another disk, set log.high_water to the first of them, then start."
        yield Finding(name="disk", state="look", says=says, cure=cure)


def _disk_of(path: Path) -> int:
    return path.stat().st_dev if path.exists() else -1


def _reach(settings: Settings) -> Iterator[Finding]:
    if settings.sandbox:
        says = "is on: anybody on this machine may add people and agents."
        yield Finding(name="sandbox", state="look", says=says, cure="Set [sandbox] enabled = false for a real desk.")
    if not settings.loopback and not settings.issuer.startswith("https:"):
        yield Finding(name="reach", state="wrong", says=f"{settings.issuer} is not https.", cure="Put TLS in front and set server.issuer.")
    if not settings.loopback and not settings.peer_header:
        says = "callers behind a proxy cannot be told from one another: what proves nothing is limited for all of them together."
        yield Finding(name="limits", state="look", says=says, cure="Let the proxy set a header and name it in limits.peer_header.")
    where = "this machine alone" if settings.loopback else "from outside"
    yield Finding(name="reach", state="ok", says=f"{settings.issuer} on {settings.host} port {settings.port}: {where}")


def _store(settings: Settings) -> Iterator[Finding]:
    seen = store_at(settings).look()
    newer = seen.version > seen.newest
    yield Finding(
        name="store",
        state="wrong" if newer else "look" if seen.version < seen.newest else "ok",
        says=f"schema {seen.version} (this program: {seen.newest}), {seen.entries:,} entries",
        cure="Upgrade Remit." if newer else "Run `remit migrate`." if seen.version < seen.newest else "",
    )
    yield _clock(seen)
    if not settings.loopback and seen.admins < _ADMINS:
        yield Finding(
            name="admins",
            state="wrong",
            says=f"there are {seen.admins} of two.",
            cure="Add one: `remit person add ID --kind officer --role admin`.",
        )
    yield from _log(settings)


def _content_keys(settings: Settings) -> Iterator[Finding]:
    """Without its content keys, nothing that a store has recorded about anybody opens."""
    looked = look_at_content_keys(settings, store_at(settings).sealings())
    says = "belong to the store" if looked else "are in use by the desk that is served, which looked at them when it began"
    yield Finding(name="content keys", state="ok", says=f"{content_keys_place(settings)} {says}")
    if keys_are_beside_the_store(settings):
        says = "are on the store's server: a backup of that server holds both, and put back it brings back what was erased."
        cure = "Move them to another server, and name it in keys.content."
        yield Finding(name="content keys", state="look", says=f"{content_keys_place(settings)} {says}", cure=cure)


def _desk_file(settings: Settings) -> Iterator[Finding]:
    if settings.backoffice == "builtin":
        look_at_kept_desk(settings)
        yield Finding(name="desk", state="ok", says=f"{desk_place(settings)} can be read")


def _clock(seen: Look) -> Finding:
    now = time.time()
    ahead_s = seen.last_at / 1000 - now
    if ahead_s > 0 or datetime.fromtimestamp(now, tz=UTC).year < _FIRST_YEAR:
        return Finding(
            name="clock",
            state="wrong",
            says=f"stands {max(ahead_s, 0):,.1f} s before the last entry of the log.",
            cure="Set the clock (NTP) here, and where that entry was written, then restart.",
        )
    newest = f"; the newest entry of the log is {-ahead_s:,.0f} s old" if seen.entries else ""
    return Finding(name="clock", state="ok", says=f"{datetime.fromtimestamp(now, tz=UTC).isoformat(timespec='seconds')}{newest}")


def _log(settings: Settings) -> Iterator[Finding]:
    key = log_key(settings)
    kept = look_at_high_water(settings.high_water, key, verify_ed25519)
    if kept is None:
        cure = "Put the file back, or run `remit recover`."
        yield Finding(name="log", state="wrong", says=f"there is no {settings.high_water}.", cure=cure)
        return
    seen = store_at(settings).look()  # again: a desk that is served may have gone on before the high water was read
    outside = kept.checkpoint.size
    if seen.entries < outside:
        says = f"the store has {seen.entries:,} entries, but {outside:,} were published: an old copy, or its end was cut off"
        raise Refused(Code.LOG_OLDER, says)
    yield Finding(name="high water", state="ok", says=f"{outside:,} entries, written {time.time() - kept.at:,.0f} s ago")
    if seen.entries > _WHOLE:
        with stored_log(store_at(settings)) as log:
            verify_continues(log, log.checkpoint(), kept.note, vkey=key, verify_ed25519=verify_ed25519)
        yield Finding(
            name="log", state="look", says=f"{seen.entries:,} entries are not verified here.", cure="Run `remit verify-log` now and then."
        )
        return
    if not seen.entries:
        yield Finding(name="log", state="ok", says="is empty")
        return
    with stored_log(store_at(settings)) as log:
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
    yield Finding(name="log", state="ok", says=f"all {report.entries:,} entries verify and reach the high water")


def _quiet(_done: int, _total: int) -> None:
    """Nobody watches."""


_CHECKS: Final[Mapping[str, Callable[[Settings], Iterator[Finding]]]] = {
    "rules": _rules,
    "files": _modes,
    "disk": _disk,
    "reach": _reach,
    "store": _store,
    "content keys": _content_keys,
    "desk": _desk_file,
    "login": look_at_login,
    **RUNNING_CHECKS,
}
