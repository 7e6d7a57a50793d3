"""`remit recover` and `remit rotate-keys`: make a restored store safe again, and make new token keys."""

import argparse
from dataclasses import asdict

from remit.cli.output import CommandOutput, ExitCode
from remit.cli.shared import command_seat, desk_options, settings_of, verify_desk_exists, verify_not_served, with_desk
from remit.usecases.transcript.recover import RecoveryResult, recover_desk
from remit.wiring import Desk, rotate_keys, verify_ed25519


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    recover = sub.add_parser(
        "recover", parents=[desk_options()], help="make a store that is older than its log safe to serve"
    )
    recover.set_defaults(run=_recover)
    keys = sub.add_parser("rotate-keys", parents=[desk_options()], help="make a new token key")
    keys.add_argument("--at-once", action="store_true", help="let every token die now, instead of when it expires")
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
            ["  the log had gone on otherwise: the published checkpoint is kept in the log.recovered entry as evidence"]
            if done.forked
            else []
        ),
        f"  {done.mandates} mandates revoked, {done.tasks} tasks ended, {done.confirmations} confirmations void",
        f"  {done.acts_unknown} acts are unknown now: the desk is asked about them once it serves",
        "  every token, session, one-time link and proposal from before is dead",
        "Look at suspensions, passkeys and roles before you serve: what the lost entries changed in them is not known here.",
    )
    return ExitCode.OK


def _rotate(args: argparse.Namespace, out: CommandOutput) -> int:
    settings = settings_of(args)
    verify_desk_exists(settings)
    verify_not_served(settings)
    kid = rotate_keys(settings, keep_old=not args.at_once)
    old = "every token from before is dead" if args.at_once else "tokens from before live until they expire"
    out.tell({"kid": kid, "kept_old": not args.at_once}, f"The new token key is {kid}; {old}.")
    return ExitCode.OK
