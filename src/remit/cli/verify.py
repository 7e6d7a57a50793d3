"""`remit verify` and `remit verify-log`: verify receipts and a whole log with public keys alone; no desk is asked."""

import argparse
import sys
import time
from functools import partial
from pathlib import Path
from typing import Final

from remit.cli.output import AdvisedError, CommandOutput, ExitCode, exit_code, system_error
from remit.cli.shared import CONFIG, common_options, own_high_water, settings_of
from remit.domain.errors import Code, Fault, Refused
from remit.domain.transcript.verification import verify_checkpoint, verify_vkey
from remit.domain.values import Instant, instant_text
from remit.proof.checkpoint import b64
from remit.proof.receipt import VerifiedReceipt
from remit.usecases.transcript.verify import LogReport, verify_log, verify_receipt_bytes
from remit.wiring import StoreLocation, log_key, open_published_log, open_stored_log, store_location, verify_ed25519

_MOST: Final = 16 * 1024 * 1024
_FETCH_AGAIN: Final = "Fetch it again; if it stays so, keep what you have as evidence and tell the desk."
_TELL_THE_DESK: Final = (
    "Keep the file as evidence and tell the desk whose it is; `remit recover` is for that desk's own people."
)


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    verify = sub.add_parser("verify", parents=[common_options()], help="Verify receipts offline")
    verify.add_argument(
        "receipts", nargs="+", metavar="RECEIPT", help="A receipt, as JSON or tlog-proof; - reads standard input"
    )
    verify.add_argument(
        "--key", action="append", metavar="VKEY|FILE", help="The log's public key (name+hash+base64); repeatable"
    )
    verify.add_argument("--config", default=CONFIG, metavar="FILE", help="The desk whose key to use, without --key")
    verify.set_defaults(run=_verify)
    whole = sub.add_parser("verify-log", parents=[common_options()], help="Verify a whole log, entry by entry")
    source = whole.add_mutually_exclusive_group()
    source.add_argument(
        "--log", type=_where, metavar="DIR|URL", help="A published or exported log, such as https://support.example/log"
    )
    source.add_argument("--store", metavar="FILE", help="A store's SQLite file, with its records")
    whole.add_argument(
        "--config", default=CONFIG, metavar="FILE", help="The desk whose log to verify, without --log and --store"
    )
    whole.add_argument("--key", metavar="VKEY|FILE", help="The log's public key")
    whole.add_argument(
        "--high-water", metavar="FILE", help="The newest checkpoint known from elsewhere: the log must reach it"
    )
    whole.add_argument(
        "--earlier",
        action="append",
        default=[],
        metavar="FILE",
        help="An earlier checkpoint: the log must continue it; repeatable",
    )
    whole.set_defaults(run=_verify_log)


def _where(text: str) -> str:
    """Parse a folder or an address; any other kind is a usage error, and says nothing about a log."""
    if "://" in text and not text.startswith(("https://", "http://")):
        raise argparse.ArgumentTypeError(f"{text} is neither a folder nor an http(s) address")
    return text


def _verify(args: argparse.Namespace, out: CommandOutput) -> int:
    keys = "\n".join(_key(one) for one in args.key or [_own_key(args)])
    worst, rows, lines = ExitCode.OK, [], []
    for name in args.receipts:
        try:
            found = verify_receipt_bytes(_receipt(name), vkeys=keys, verify_ed25519=verify_ed25519)
        except Refused as refused:
            if refused.code is not Code.RECEIPT_INVALID:
                raise
            worst = exit_code(refused)
            rows.append({"receipt": name, "verified": False, "why": refused.detail})
            lines.append(f"{name}: does NOT verify: {refused.detail}")
            continue
        rows.append({"receipt": name, "verified": True, **_body(found)})
        lines.extend(_lines(name, found))
    out.tell({"receipts": rows, "ok": worst == ExitCode.OK}, *lines)
    return worst


def _own_key(args: argparse.Namespace) -> str:
    """Return the key of the desk in this folder, by which its own staff verify."""
    try:
        return log_key(settings_of(args))
    except AdvisedError as advised:
        raise AdvisedError(
            Refused(Code.SETTINGS_INVALID, f"--key is missing, and {advised.error.detail}"),
            "Give the log's public key, which you got on another way than the receipt; or --config, for the desk's own.",
        ) from None


def _body(found: VerifiedReceipt) -> dict[str, object]:
    return {
        "log": found.checkpoint.origin,
        "size": found.checkpoint.size,
        "entries": [
            {"entry": one.index, "kind": one.kind, "at": instant_text(Instant(one.at)), "sections": dict(one.sections)}
            for one in found.entries
        ],
    }


def _lines(name: str, found: VerifiedReceipt) -> list[str]:
    head = f"{name}: verified, in the log {found.checkpoint.origin} of {found.checkpoint.size} entries"
    return [head, *(f"  entry {one.index}  {instant_text(Instant(one.at))}  {one.kind}" for one in found.entries)]


def _verify_log(args: argparse.Namespace, out: CommandOutput) -> int:
    check = partial(verify_log, verify_ed25519=verify_ed25519, ticks=time.monotonic, progress=out.progress)
    if args.log or args.store:
        if not args.key:
            cure = "Give the log's public key, which you got on another way than the log."
            raise AdvisedError(Refused(Code.SETTINGS_INVALID, "--key is missing"), cure)
        key = _key(args.key)
        check = partial(check, vkey=key, high_water=_known(args, key), earlier=_earlier(args, key))
        report = _published(args.log, check) if args.log else _stored(Path(args.store), check, own=False)
    else:
        settings = settings_of(args)
        key = _key(args.key) if args.key else log_key(settings)
        high_water = _known(args, key) or own_high_water(settings, key)
        report = _stored(
            store_location(settings),
            partial(check, vkey=key, high_water=high_water, earlier=_earlier(args, key)),
            own=True,
        )
    seconds = f"{report.seconds:.1f} s, {report.rate:,.0f} a second"
    out.tell(
        {
            "ok": True,
            "log": report.origin,
            "entries": report.entries,
            "records": report.records,
            "tiles": report.tiles,
            "root": b64(report.root),
            "continues": list(report.continues),
        },
        f"{report.origin}: {report.entries:,} entries verify ({seconds}); {report.tiles:,} tiles, {report.records:,} records.",
        *(
            [f"  it continues the checkpoints of {', '.join(f'{size:,}' for size in report.continues)} entries"]
            if report.continues
            else []
        ),
    )
    return ExitCode.OK


def _known(args: argparse.Namespace, key: str) -> str | None:
    return _checkpoint("--high-water", args.high_water, key) if args.high_water else None


def _earlier(args: argparse.Namespace, key: str) -> list[str]:
    return [_checkpoint("--earlier", one, key) for one in args.earlier]


def _checkpoint(option: str, name: str, key: str) -> str:
    """Read a checkpoint from a file. One not signed by this key says nothing about the verified log."""
    note = _note(name)
    try:
        verify_checkpoint(note, [verify_vkey(one) for one in key.splitlines()], verify_ed25519)
    except Refused as refused:
        raise AdvisedError(
            Refused(Code.SETTINGS_INVALID, f"{option}: {name} is no checkpoint of this log: {refused.detail}"),
            "Name a file with a checkpoint that this log's key signed; nothing was said about the log.",
        ) from None
    return note


def _published(where: str, check: partial[LogReport]) -> LogReport:
    if "://" not in where and not Path(where).is_dir():
        # A mistyped name is not a damaged log.
        cure = "Name the folder of a log, or its https address."
        raise AdvisedError(Refused(Code.SETTINGS_INVALID, f"there is no folder {where}"), cure)
    try:
        with open_published_log(where) as log:
            return check(log, records=None)
    except Fault as fault:
        raise Fault(fault.code, f"{where}: {fault.detail}") from None
    except Refused as refused:
        if refused.code is Code.LOG_DAMAGED and "://" in where and not where.rstrip("/").endswith("/log"):
            cure = f"A desk's log is at {where.rstrip('/')}/log. {_FETCH_AGAIN}"
            raise AdvisedError(_about(where, refused), cure) from None
        raise _about(where, refused, cure=_FETCH_AGAIN) from None


def _stored(where: StoreLocation | Path, check: partial[LogReport], *, own: bool) -> LogReport:
    try:
        with open_stored_log(where) as log:
            return check(log, records=log)
    except Refused as refused:
        cure = "" if own else _TELL_THE_DESK
        raise _about(str(where) if isinstance(where, Path) else where.address, refused, cure=cure) from None


def _about(where: str, refused: Refused, *, cure: str = "") -> Refused:
    """Locate a failed verification; without a desk here the cure is not to mend one."""
    if refused.code not in {Code.LOG_DAMAGED, Code.LOG_OLDER}:
        return refused
    named = refused.detail if where in refused.detail else f"{where}: {refused.detail}"
    return Refused(refused.code, named, cure=cure or refused.cure)


def _key(given: str) -> str:
    """Parse verifier keys, given or in a file, one a line, so that a wrong one fails before verification."""
    text = given if given.count("+") >= 2 and not Path(given).exists() else _note(given)  # noqa: PLR2004  # name+hash+base64
    keys = [line.strip() for line in text.splitlines() if line.strip()]
    try:
        return "\n".join(str(verify_vkey(one)) for one in keys or [""])
    except Refused as refused:
        raise AdvisedError(
            Refused(Code.SETTINGS_INVALID, f"--key: {given[:80]} is no log key: {refused.detail}"),
            "Give the key as the desk made it known: name+hash+base64, or a file with it.",
        ) from None


def _note(name: str) -> str:
    try:
        return _bytes(Path(name)).decode("utf-8")
    except UnicodeDecodeError:
        cure = "Name a file with a key or a checkpoint."
        raise AdvisedError(Refused(Code.SETTINGS_INVALID, f"{name} is not text"), cure) from None


def _receipt(name: str) -> bytes:
    return sys.stdin.buffer.read(_MOST) if name == "-" else _bytes(Path(name))


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MOST)
    except FileNotFoundError:
        cure = "Check the name of the file."
        raise AdvisedError(Refused(Code.SETTINGS_INVALID, f"there is no {path}"), cure) from None
    except OSError as problem:
        raise system_error(problem, str(path)) from None
