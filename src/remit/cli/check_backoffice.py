"""`remit check-backoffice`: the promises of the backoffice contract, tried against a company's own service."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from remit import wiring
from remit.cli.output import AdvisedError, CommandOutput, ExitCode, sentence
from remit.cli.shared import desk_options, settings_of, verify_desk_exists
from remit.domain.errors import Code, Refused

_WORDS: Final = {"kept": "kept", "broken": "NOT KEPT", "untried": "not tried"}
"""Words for states of promises."""


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = sub.add_parser(
        "check-backoffice",
        parents=[desk_options()],
        help="Test your backoffice against the contract",
        description="Try every promise of docs/backoffice.md over HTTP against a company's own backoffice, within a "
        "minute. Use a test system: with a probe that has [write], acts are done.",
    )
    parser.add_argument(
        "url", nargs="?", default="", metavar="URL", help="The address of your service (default: backoffice.url)"
    )
    parser.add_argument("--probe", type=Path, metavar="FILE", help="A file with test data: docs/backoffice.md#probe")
    parser.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        help="Sign requests with this private Ed25519 key in PEM, without a desk",
    )
    parser.add_argument(
        "--answer-key",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="Verify answers with this public key in PEM (default: backoffice.answer_keys)",
    )
    parser.add_argument(
        "--remember",
        type=Path,
        metavar="FILE",
        help="Keep this run's keys in a file and check those of the last run; restart your service in between",
    )
    parser.set_defaults(run=_check)


def _check(args: argparse.Namespace, out: CommandOutput) -> int:
    if args.key is not None and not args.url:
        raise AdvisedError(Refused(Code.REQUEST_MALFORMED, "no address is named"), "Name the URL before --key.")
    probe = None if args.probe is None else wiring.read_probe(args.probe)
    if args.key is not None:
        tested = wiring.tested_by_key(args.key, args.url, args.answer_key)
    else:
        settings = settings_of(args)
        verify_desk_exists(settings)
        tested = wiring.tested_by_desk(settings, args.url, args.answer_key)
    verdicts = wiring.check_backoffice(tested, probe, remember=args.remember, on_step=out.step)
    broken = [one for one in verdicts if one.state is wiring.PromiseState.BROKEN]
    body = {"ok": not broken, "url": tested.settings.url, "promises": [_told(one) for one in verdicts]}
    out.tell(body, *_lines(verdicts), _sum(verdicts))
    return ExitCode.REFUSED if broken else ExitCode.OK


def _told(verdict: "wiring.PromiseVerdict") -> dict[str, str]:
    promise = verdict.promise
    told = {"id": promise.id, "state": verdict.state.value, "promise": promise.text, "detail": verdict.detail}
    return told | ({"cure": promise.cure} if verdict.state is wiring.PromiseState.BROKEN else {})


def _lines(verdicts: "Sequence[wiring.PromiseVerdict]") -> list[str]:
    wide = max(len(one.promise.id) for one in verdicts)
    lines = []
    for one in verdicts:
        line = f"{_WORDS[one.state]:9}  {one.promise.id.ljust(wide)}  {one.promise.text}"
        match one.state:
            case wiring.PromiseState.KEPT if one.detail:
                line += f" ({one.detail})"
            case wiring.PromiseState.BROKEN:
                line += f" Seen: {sentence(one.detail)} Cure: {one.promise.cure}"
            case wiring.PromiseState.UNTRIED:
                line += f" Why: {sentence(one.detail)}"
            case _:
                pass
        lines.append(line)
    return lines


def _sum(verdicts: "Sequence[wiring.PromiseVerdict]") -> str:
    found = [one.state for one in verdicts]
    kept, broken = found.count(wiring.PromiseState.KEPT), found.count(wiring.PromiseState.BROKEN)
    return f"{kept} of {len(found)} promises are kept, {broken} are not, {len(found) - kept - broken} were not tried."
