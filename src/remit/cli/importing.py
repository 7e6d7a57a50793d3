"""`remit import openapi`: drafting rules from a system's OpenAPI document."""

import argparse
from pathlib import Path

from remit import wiring
from remit.cli.output import AdvisedError, CommandOutput, ExitCode, command_line
from remit.cli.shared import common_options
from remit.domain.errors import Code, Refused

_CURRENCY_LETTERS = 3


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    group = sub.add_parser(
        "import", parents=[common_options()], help="Draft rules from an API description"
    ).add_subparsers(dest="what", metavar="openapi", required=True)
    parser = group.add_parser(
        "openapi",
        parents=[common_options()],
        help="Draft catalogue, mapping and policies from an OpenAPI document",
        description="Draft catalogue, mapping and policies from an OpenAPI 3 document, for people to finish, with a "
        "report of every guess. Nothing is in force: every action needs the customer and an officer until you edit it.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="The OpenAPI document, in YAML or JSON")
    parser.add_argument(
        "--into", type=Path, metavar="DIR", help="A new or empty folder (default: draft-<name of FILE>)"
    )
    parser.add_argument("--currency", default="EUR", metavar="CODE", help="The currency (default: EUR)")
    parser.set_defaults(run=_import)


def _import(args: argparse.Namespace, out: CommandOutput) -> int:
    currency = str(args.currency)
    if len(currency) != _CURRENCY_LETTERS or not currency.isascii() or not currency.isupper():
        refused = Refused(Code.SETTINGS_INVALID, f"{currency!r} is no currency")
        raise AdvisedError(refused, "Write three capital letters, such as EUR, with --currency.")
    folder = args.into or Path(f"draft-{args.file.stem}")
    made = wiring.import_openapi(args.file, folder, currency=currency)
    draft = made.draft
    body = {
        "folder": str(folder),
        "files": list(made.files),
        "actions": draft.actions,
        "writes": draft.writes,
        "kinds": draft.kinds,
        "guesses": draft.guesses,
    }
    out.tell(
        body,
        f"Drafted {draft.actions} actions ({draft.writes} write) on {draft.kinds} kinds of record into {folder}.",
        f"{draft.guesses} guesses are listed in {folder / 'REPORT.md'}: read it first. Nothing is in force.",
        "",
        f"Next: {command_line('check', '--config', folder / 'remit.toml')}",
    )
    return ExitCode.OK
