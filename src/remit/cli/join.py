"""`remit join`: prepare a new node of a desk with a shared store from its published log."""

import argparse
from pathlib import Path

from remit.cli.output import AdvisedError, CommandOutput, ExitCode
from remit.cli.shared import desk_options, settings_of, verify_desk_exists
from remit.domain.errors import Code, Refused
from remit.usecases.transcript.verify import verify_continues
from remit.wiring import (
    inspect_high_water,
    keep_high_water,
    log_key,
    open_published_log,
    open_stored_log,
    store_location,
    verify_ed25519,
)


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    join = sub.add_parser(
        "join",
        parents=[desk_options()],
        help="Prepare a new node for a shared store",
        description="Take the published log as this node's high water, after checking that the store continues it.",
    )
    join.add_argument(
        "--from",
        dest="source",
        required=True,
        metavar="WHERE",
        help="The log of a running node (https://…/log), or a folder with one",
    )
    join.set_defaults(run=_join)


def _join(args: argparse.Namespace, out: CommandOutput) -> int:
    settings = settings_of(args)
    verify_desk_exists(settings)
    if not store_location(settings).shared:
        cure = "Leave it out: a store in a file is served by one process, which keeps its own high water."
        raise AdvisedError(Refused(Code.SETTINGS_INVALID, "a new node joins a desk whose store is shared"), cure)
    key = log_key(settings)
    if inspect_high_water(settings.high_water, key, verify_ed25519) is not None:
        detail = f"log.high_water: {settings.high_water} has what this node has seen already"
        raise AdvisedError(Refused(Code.SETTINGS_INVALID, detail), "Start it with `remit serve`.")
    if "://" not in args.source and not Path(args.source).is_dir():
        raise AdvisedError(
            Refused(Code.SETTINGS_INVALID, f"there is no folder {args.source}"),
            "Name a node's log: its https address with /log.",
        )
    # ⚔ Published first, then the store: what is published meanwhile is in the store, and no log seems too old.
    with open_published_log(args.source) as published:
        note = published.checkpoint()
    with open_stored_log(store_location(settings)) as log:
        verify_continues(log, log.checkpoint(), note, vkey=key, verify_ed25519=verify_ed25519)
    keep_high_water(settings, note)
    size = inspect_high_water(settings.high_water, key, verify_ed25519)
    entries = 0 if size is None else size.checkpoint.size
    body = {"entries": entries}
    out.tell(body, f"This node continues after {entries:,} published entries. Start it with `remit serve`.")
    return ExitCode.OK
