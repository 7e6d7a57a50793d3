"""`remit policy test|schema|propose|approve|tighten`: policy tests without a server, and dual control of new rules."""

import argparse
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from remit.cli.init import run_cases
from remit.cli.output import CommandOutput, ExitCode, command_line
from remit.cli.shared import CONFIG, command_seat, common_options, desk_options, settings_of, with_desk
from remit.domain.records import Proposal
from remit.usecases.policy.adopt import RulesInForce, approve_rules, propose_rules, tighten_rules
from remit.wiring import Desk, load_rules, rules_of


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    group = sub.add_parser(
        "policy", parents=[common_options()], help="Policies: test, schema, propose, approve, tighten"
    ).add_subparsers(dest="what", metavar="test|schema|propose|approve|tighten", required=True)
    test = group.add_parser("test", parents=[desk_options()], help="Run policy cases")
    test.add_argument(
        "files", nargs="*", metavar="FILE", help="Files with cases (default: policies.cases of remit.toml)"
    )
    test.set_defaults(run=_test)
    schema = group.add_parser("schema", parents=[desk_options()], help="Print the Cedar schema of the catalogue")
    schema.set_defaults(run=_schema)
    propose = group.add_parser("propose", parents=[desk_options()], help="Propose the rules in the files")
    approve = group.add_parser(
        "approve", parents=[desk_options()], help="Approve another admin's proposal and put it into force"
    )
    tighten = group.add_parser(
        "tighten", parents=[desk_options()], help="Put rules into force that only tighten the present ones"
    )
    for parser, run in (
        (propose, _propose),
        (approve, partial(_into_force, adopt=approve_rules)),
        (tighten, partial(_into_force, adopt=tighten_rules)),
    ):
        parser.add_argument("--as", dest="admin", required=True, metavar="ID", help="The admin who decides")
        parser.set_defaults(run=run)


def _test(args: argparse.Namespace, out: CommandOutput) -> int:
    settings = settings_of(args)
    results = run_cases(
        load_rules(settings, rules_of(settings)), tuple(Path(one) for one in args.files) or settings.cases
    )
    failed = [one for one in results if not one.passed]
    out.tell(
        {
            "ok": not failed,
            "cases": [
                {"file": one.case.file, "title": one.case.title, "passed": one.passed, "difference": one.difference}
                for one in results
            ],
        },
        *(f"FAILED  {one.case.file}: {one.case.title}: {one.difference}" for one in failed),
        f"{len(results) - len(failed)} of {len(results)} cases pass.",
    )
    return ExitCode.REFUSED if failed else ExitCode.OK


def _schema(args: argparse.Namespace, out: CommandOutput) -> int:
    settings = settings_of(args)
    loaded = load_rules(settings, rules_of(settings))
    text = loaded.policy.schema_text(loaded.catalogue)
    out.tell({"schema": text}, text)
    return ExitCode.OK


def _propose(args: argparse.Namespace, out: CommandOutput) -> int:
    async def work(desk: Desk) -> tuple[Proposal, str]:
        return await propose_rules(desk.context, admin=args.admin, seat=command_seat()), desk.context.rules_digest

    proposal, digest = with_desk(settings_of(args), work)
    out.tell(
        {"proposal": proposal.id, "rules": digest, "by": proposal.by},
        f"{proposal.by} proposes the rules {digest}.",
        f"Another admin approves exactly these within a day: {_approving(args.config)}",
    )
    return ExitCode.OK


def _approving(config: str) -> str:
    where = () if config == CONFIG else ("--config", config)
    return command_line("policy", "approve", "--as", "OTHER-ID", *where)


def _into_force(args: argparse.Namespace, out: CommandOutput, *, adopt: Callable[..., Awaitable[RulesInForce]]) -> int:
    async def work(desk: Desk) -> RulesInForce:
        return await adopt(desk.context, admin=args.admin, seat=command_seat())

    rules = with_desk(settings_of(args), work)
    body = {"rules": rules.digest, "before": rules.before}
    out.tell(body, f"The rules {rules.digest} are in force; recorded as policy.changed.")
    return ExitCode.OK
