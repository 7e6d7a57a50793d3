"""`remit codes`: every refusal and fault with its status, title and cure; docs/codes.md is this table."""

import argparse

from remit.cli.output import AdvisedError, CommandOutput, ExitCode
from remit.cli.shared import common_options
from remit.domain.errors import MEANINGS, Code, Refused
from remit.entrypoints.http.replies import STATUS

_HEAD = """\
# Codes

Every refusal and every fault Remit answers with is one of these; the list is closed and part of the contract. A problem's `type` is
`urn:remit:problem:<code>`. OAuth endpoints answer with OAuth's own errors and carry the code beside them. An answer may give a cure
that is closer to what happened than the one here. A token that is good, but for something else, is `credential.wrong_audience` with
403 `insufficient_scope`. This page is made by `remit codes --markdown`.

| code | status | what it says | cure |
|---|---|---|---|
"""


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    codes = sub.add_parser("codes", parents=[common_options()], help="List every error code with its status and cure")
    codes.add_argument("code", nargs="?", metavar="CODE", help="Show this code only")
    codes.add_argument("--markdown", action="store_true", help="Print the page docs/codes.md")
    codes.set_defaults(run=_codes)


def codes_page() -> str:
    """Render the page docs/codes.md."""
    rows = (
        f"| `{code}` | {STATUS[code]} | {_cell(MEANINGS[code].title)} | {_cell(MEANINGS[code].cure)} |" for code in Code
    )
    return _HEAD + "\n".join(rows) + "\n"


def _codes(args: argparse.Namespace, out: CommandOutput) -> int:
    wanted = [code for code in Code if args.code in {None, code.value}]
    if not wanted:
        cure = "`remit codes` lists all of them."
        raise AdvisedError(Refused(Code.REQUEST_NOT_FOUND, f"there is no code {args.code}"), cure)
    body = {
        code.value: {"status": STATUS[code], "title": MEANINGS[code].title, "cure": MEANINGS[code].cure}
        for code in wanted
    }
    if args.markdown:
        out.tell({"page": codes_page()}, codes_page().rstrip())
    else:
        out.tell(
            body, *(f"{code.value} ({STATUS[code]}): {MEANINGS[code].title}. {MEANINGS[code].cure}" for code in wanted)
        )
    return ExitCode.OK


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
