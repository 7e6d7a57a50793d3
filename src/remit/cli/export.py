"""`remit export`: a copy of the log in a folder for `remit verify-log --log` and every tlog-tiles reader."""

import argparse
import os
from pathlib import Path

from remit.cli.output import CommandOutput, ExitCode, command_line
from remit.cli.shared import desk_options, own_high_water, settings_of, verify_desk_exists
from remit.proof.checkpoint import MAX_NOTE
from remit.usecases.transcript.export import export_log
from remit.wiring import log_key, open_stored_log, store_location, verify_ed25519


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    export = sub.add_parser(
        "export",
        parents=[desk_options()],
        help="Copy the log into a folder, also while the desk runs",
    )
    export.add_argument("dir", metavar="DIR", help="The folder; an earlier copy is brought up to date")
    export.set_defaults(run=_export)


def _export(args: argparse.Namespace, out: CommandOutput) -> int:
    settings = settings_of(args)
    verify_desk_exists(settings)
    folder = Path(args.dir)

    def write(path: str, raw: bytes) -> None:
        where = folder / path
        where.parent.mkdir(parents=True, exist_ok=True)
        beside = where.with_name(f"{where.name}.new")
        try:
            with beside.open("wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(where)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise

    key = log_key(settings)
    high_water = own_high_water(settings, key)
    with open_stored_log(store_location(settings)) as log:
        done = export_log(
            log,
            vkey=key,
            high_water=high_water,
            copied=_copied(folder),
            verify_ed25519=verify_ed25519,
            has=lambda path: (folder / path).is_file(),
            write=write,
            progress=out.progress,
        )
    out.tell(
        {"log": done.origin, "entries": done.entries, "written": done.written, "dir": str(folder), "key": key},
        f"{done.origin}: {done.entries:,} entries are in {folder} ({done.written:,} files written).",
        f"Verify it anywhere: {command_line('verify-log', '--log', folder, '--key', key)}",
    )
    return ExitCode.OK


def _copied(folder: Path) -> str | None:
    """Return the checkpoint of an earlier copy, None where there is none."""
    try:
        with (folder / "checkpoint").open("rb") as file:
            # Invalid text does not verify either: verification refuses it.
            return file.read(MAX_NOTE + 1).decode("utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
