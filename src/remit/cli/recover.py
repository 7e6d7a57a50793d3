"""`remit recover` and `remit rotate-keys`: make a restored store safe again, and make new token keys."""

import argparse
from dataclasses import asdict
from typing import Final

from remit.cli.output import AdvisedError, CommandOutput, ExitCode
from remit.cli.shared import (
    command_seat,
    desk_options,
    settings_of,
    verify_desk_exists,
    verify_not_served,
    whole_number,
    with_desk,
)
from remit.domain.errors import Code, Refused
from remit.domain.values import instant_text
from remit.settings import Settings
from remit.usecases.transcript.recover import RecoveryResult, recover_desk
from remit.wiring import Desk, plan_keys, rotate_keys, verify_ed25519

_LEAST_AHEAD_S: Final = 60
"""Every process reads the folder of keys many times meanwhile."""
_MOST_AHEAD_S: Final = 30 * 86_400


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    recover = sub.add_parser(
        "recover", parents=[desk_options()], help="Make a store restored from a backup safe to serve"
    )
    recover.set_defaults(run=_recover)
    keys = sub.add_parser("rotate-keys", parents=[desk_options()], help="Make a new token key")
    keys.add_argument("--at-once", action="store_true", help="End every token now, instead of letting it expire")
    keys.add_argument(
        "--ahead",
        type=whole_number(_LEAST_AHEAD_S, _MOST_AHEAD_S),
        metavar="SECONDS",
        help="Publish the new key now and use it after this time; works while the desk runs",
    )
    keys.set_defaults(run=_rotate)


def _recover(args: argparse.Namespace, out: CommandOutput) -> int:
    settings = settings_of(args)

    async def work(desk: Desk) -> RecoveryResult:
        def rotate() -> str:
            return rotate_keys(settings, keep_old=False)

        return await recover_desk(
            desk.context, desk.outside, by=command_seat(), rotate=rotate, verify_ed25519=verify_ed25519
        )

    done = with_desk(settings, work, recovering=True)
    lost = "" if done.published is None or done.forked else f" of {done.published:,} published ones"
    out.tell(
        asdict(done),
        f"Recovered: the store keeps {done.kept:,} entries{lost}.",
        *(
            [
                "  the log had continued differently: the published checkpoint is kept in the log.recovered entry as evidence"
            ]
            if done.forked
            else []
        ),
        f"  {done.mandates} mandates revoked, {done.tasks} tasks ended, {done.confirmations} confirmations void",
        f"  {done.acts_unknown} acts have an unknown outcome: Remit asks about them once the server runs",
        "  every earlier token, session, one-time link and proposal is dead",
        "Check suspensions, passkeys and roles before you start the server: changes in the lost entries are unknown.",
    )
    return ExitCode.OK


def _plan(args: argparse.Namespace, settings: Settings, out: CommandOutput) -> int:
    if args.at_once:
        raise AdvisedError(
            Refused(Code.SETTINGS_INVALID, "--ahead and --at-once exclude each other"), "Give one of the two."
        )
    kid, at = plan_keys(settings, ahead_s=args.ahead)
    when = instant_text(at)
    out.tell(
        {"kid": kid, "from": when},
        f"The next token key is {kid}. It is published now and used from {when} on; earlier tokens work until they expire.",
        "If machines have separate key folders, copy it to all of them before then.",
    )
    return ExitCode.OK


def _rotate(args: argparse.Namespace, out: CommandOutput) -> int:
    settings = settings_of(args)
    verify_desk_exists(settings)
    if args.ahead is not None:
        return _plan(args, settings, out)
    verify_not_served(settings)
    kid = rotate_keys(settings, keep_old=not args.at_once)
    old = "every earlier token is dead" if args.at_once else "earlier tokens work until they expire"
    out.tell({"kid": kid, "kept_old": not args.at_once}, f"The new token key is {kid}; {old}.")
    return ExitCode.OK
