"""`remit init` and `remit check`: making a desk, and finding settings and rules that are valid but suspicious."""

import argparse
import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from remit import wiring
from remit.cli.connections import Connections, add_options, connections_of
from remit.cli.output import AdvisedError, CommandOutput, ExitCode, command_line, sentence
from remit.cli.ports import USUAL_PORT, enrol_link, port_for_new
from remit.cli.shared import (
    CONFIG,
    LAST_PORT,
    common_options,
    desk_options,
    rules_to_serve,
    settings_of,
    uninterrupted,
    whole_number,
    with_desk,
)
from remit.domain.catalogue.model import Catalogue
from remit.domain.catalogue.patterns import MAX_SEPARATED
from remit.domain.errors import Code, Refused
from remit.domain.policy.cases import CaseResult, read_policy_cases
from remit.domain.policy.confirmers import Enrolment
from remit.domain.policy.waivers import is_waiver_owner
from remit.domain.records import PersonRecord
from remit.domain.structs import struct
from remit.domain.text.nearest import nearest
from remit.domain.values import Instant, instant_text
from remit.settings import Settings, carries_password, is_postgres_url, load_settings
from remit.usecases.people.admit import Admitted, admit, issue_invitation
from remit.usecases.policy.adopt import verify_rules
from remit.usecases.policy.run_cases import run_policy_cases
from remit.wiring import (
    Desk,
    LoadedRules,
    create_keys,
    describe_words_model,
    log_key,
    pack_files,
    pack_languages,
    pack_names,
    read_pack,
    read_text,
    rules_of,
    store_location,
    verify_words_model,
)
from remit.wiring.events import build_signals
from remit.wiring.notify import verify_carriers
from remit.wiring.observe import verify_telemetry

_CURRENCY: Final = re.compile(r'\bcurrency\s*[!=]=\s*"([A-Z]{3})"')
_MONEY: Final = re.compile(r"[0-9.]+ [A-Z]{3}")


@struct(frozen=True)
class CheckFinding:
    """The result of one check: `state` is ok, look or wrong."""

    name: str
    state: str
    says: str
    cure: str = ""

    @property
    def text(self) -> str:
        """The finding for people, with its cure."""
        return f"{sentence(self.says)} Cure: {self.cure}" if self.cure else self.says


def suspicious_settings(settings: Settings, loaded: LoadedRules) -> Iterator[CheckFinding]:
    """Yield settings that are allowed but suspicious."""
    if settings.pack and settings.pack not in pack_names():
        says = f"desk.pack is {settings.pack}, and there is no such pack."
        yield CheckFinding("pack", "look", says, f"Write one of {', '.join(pack_names())}, or take the key out.")
    parts = urlsplit(settings.issuer)
    if settings.loopback and parts.scheme == "http" and settings.port and (parts.port or 80) != settings.port:
        yield CheckFinding(
            "issuer",
            "look",
            f"{settings.issuer} is not where the desk listens (port {settings.port}): the links it prints lead elsewhere.",
            "Let server.issuer name server.port, unless something on this machine passes requests on.",
        )
    store = store_location(settings)
    officers = store.inspect().officers if store.exists() else None
    for waiver in loaded.catalogue.waivers if officers is not None else ():
        if not is_waiver_owner(waiver.owner, (*(officers or ()), *_roles(loaded.catalogue))):
            says = f"the owner of the waiver for {waiver.action} is {waiver.owner}, who is neither an officer here nor a role."
            yield CheckFinding("waiver", "look", says, "Name the officer who answers for it, or officer:<role>.")
    own, meant = loaded.catalogue.currency, _currencies(settings, loaded.catalogue)
    if meant and own not in meant:
        says = (
            f"the desk's currency is {own}, and its waivers, offers and policies name {', '.join(sorted(meant))} only."
        )
        yield CheckFinding("currency", "look", says, "Write them, and the policy cases, in the desk's own currency.")


_TIGHTER: Final = (
    "where it is no address or sentence, say what it is: enum, x-resource, a format, or an anchored pattern without "
    f"blanks and of at most {MAX_SEPARATED} letters"
)


def _open_texts(catalogue: Catalogue) -> list[tuple[str, str]]:
    """Return action and path of each param in which any text fits: its values are read like words."""
    return [(action.name, str(path)) for action in catalogue.actions.values() for path in action.open_texts]


def _currencies(settings: Settings, catalogue: Catalogue) -> frozenset[str]:
    """Return the currencies of the amounts in the rules."""
    offered = (one for role in catalogue.roles.values() for one in (role.offers or {}).values() if one is not None)
    waived = (value for waiver in catalogue.waivers for tests in waiver.limit.values() for value in tests.values())
    compared = (found for _, text in rules_of(settings).policies for found in _CURRENCY.findall(text))
    return frozenset(
        [one.currency for one in offered]
        + [str(one)[-3:] for one in waived if _MONEY.fullmatch(str(one))]
        + [*compared]
    )


def _roles(catalogue: Catalogue) -> Sequence[str]:
    return [name for role in catalogue.roles.values() for name in (role.name, f"officer:{role.name}", role.title)]


FIRST_CODE_S: Final = 15 * 60
_ROLES: Final = ("admin", "security", "audit")
_TOML: Final = """\
# Settings of this desk. `remit check` validates them. Paths are relative to this file's folder.

[server]
issuer = "http://localhost:{port}"   # the address people and agents use; https unless it is this machine
host = "127.0.0.1"                   # where the process listens
port = {port}
data = "data"                        # keys and content keys; private

[store]
url = "{store}"
{keys}
[log]
name = "{name}"                      # the log's name; never change it
high_water = "high-water/checkpoint" # better on another disk than the store: it reveals an old copy of the store

[catalogue]
files = ["catalogue/*.toml"]

[policies]
files = ["policies/*.cedar"]
cases = ["policy_cases/*.toml"]

[desk]
{desk}database = "{database}"        # the built-in desk: cases, and in a file the records too

[words]
languages = {languages}                   # the languages of messages Remit reads: en, de; others are unreadable
secrets = "refuse"                   # a message with a secret in it: refuse or redact
# contacts = ["+49 40 123456"]       # your own addresses, numbers, links and domains, which officers may tell agents
beyond = "refuse"                    # a message that asks for more than the request: refuse, hold (for an officer with the role in `officer`) or strip

[notify]
kind = "log"                         # how people are notified: log, smtp (mail) or webhook; docs/operating.md

[dpop]
nonce = false                        # true: no proof can be made in advance; costs an agent one more request at its start

[sandbox]
enabled = false                      # true: anyone on this machine can add people and agents, to try things

[visitors]
enabled = false                      # true: assistants without a key can ask; docs/visitors.md
{tables}"""
_README: Final = """\
# A desk with Remit

| here | what it is |
|---|---|
| `remit.toml` | settings |
| `catalogue/`, `policies/`, `policy_cases/` | the desk's actions, its rules, and test cases for the rules |
| `examples/`, `seed.json` | mandates to try, and the sample customers of the built-in desk |
| `data/` | store, keys, content keys: keep it private, back up `data/store.sqlite` and `data/keys` apart from each other |
| `high-water/` | the newest published checkpoint; keep it on another disk than `data/` |

    remit check      # validate settings, catalogue and policies, and run the policy cases
    remit serve      # start the server
    remit doctor     # check the desk

Put this folder under version control without `data/` and `high-water/` (`.gitignore` says so).

"""
_IGNORE: Final = "# Keys, records and the log: never in version control.\n/data/\n/high-water/\n"


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    init = sub.add_parser("init", parents=[common_options()], help="Create a desk in a folder")
    init.add_argument("dir", metavar="DIR", help="A new or empty folder")
    init.add_argument(
        "--pack",
        default="consumer",
        metavar="PACK",
        help=f"The starter pack: {', '.join(pack_names())} (default: consumer)",
    )
    init.add_argument(
        "--language",
        action="append",
        default=[],
        metavar="LANGUAGE",
        help="A further language of the pages, such as de; repeatable (default: English only)",
    )
    # No free port (0): links and passkeys need an address known before the first start.
    init.add_argument(
        "--port",
        type=whole_number(1, LAST_PORT),
        metavar="N",
        help=f"The port to listen on (default: {USUAL_PORT}, or the next free one)",
    )
    init.add_argument("--admin", default="admin", metavar="ID", help="The id of the first admin (default: admin)")
    init.add_argument("--empty", action="store_true", help="Leave out the pack's sample customers and records")
    init.add_argument(
        "--rules",
        metavar="FOLDER",
        help="Take catalogue.toml, policies and policy_cases from a folder, instead of a pack; no sample records",
    )
    add_options(init)
    init.set_defaults(run=_init)
    check = sub.add_parser(
        "check", parents=[desk_options()], help="Validate settings, catalogue and policies, and run the policy cases"
    )
    check.set_defaults(run=_check)


@struct(frozen=True, kw_only=True)
class _Plan:
    """A desk to be made: its rules, first admin and connections; `seeded`: with the pack's invented customers."""

    pack: str
    files: Mapping[str, bytes]
    seeded: bool
    admin: str
    connections: Connections
    toml: Mapping[str, str]
    """What `_TOML` is filled with."""


def _init(args: argparse.Namespace, out: CommandOutput) -> int:
    folder = Path(args.dir)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        cure = "Name a new or empty folder."
        raise AdvisedError(Refused(Code.SETTINGS_INVALID, f"{folder} is not empty; nothing in it was touched"), cure)
    plan = _planned(args, out, _log_name(folder))
    made_it = not folder.exists()
    try:
        admitted, key = _make(folder, plan)
        _tell(args, out, plan, admitted, key)
    except BaseException:
        with uninterrupted():
            _take_away(folder, whole=made_it)
        raise
    return ExitCode.OK


def _tell(args: argparse.Namespace, out: CommandOutput, plan: _Plan, admitted: Admitted, key: str) -> None:
    """Print the files made, and the next steps."""
    folder = Path(args.dir)
    settings = load_settings(folder / CONFIG)
    page = enrol_link(settings, admitted.code)
    people = sorted(read_pack(plan.pack).seed.get("customers", ())) if plan.seeded else []
    out.tell(
        {
            "desk": str(folder),
            "config": str(folder / CONFIG),
            "issuer": settings.issuer,
            "port": settings.port,
            "log_key": key,
            "admin": admitted.person.id,
            "code": admitted.code,
            "enrol": page,
            "expires_at": instant_text(admitted.expires_at),
            "customers": people,
        },
        f"Made a desk in {folder} with the {f'pack {plan.pack}' if plan.pack else f'rules of {args.rules}'}.",
        *(
            [f"  customers  {', '.join(people)} (samples with records to try; --empty leaves them out)"]
            if people
            else []
        ),
        f"  log key    {key}",
        "             Give it to auditors: it verifies receipts and the log.",
        "",
        f"First admin: {admitted.person.id}. This link enrols their passkey, once, within 15 minutes:",
        f"  {page}",
        f"  (later: {command_line('person', 'invite', admitted.person.id, '--config', folder)})",
        "",
        *(
            [f"Give your backoffice Remit's key: {command_line('desk', 'key', '--config', folder)}"]
            if plan.connections.signed
            else []
        ),
        *([f"Then see what is missing: {command_line('doctor', '--config', folder)}"] if plan.connections.far else []),
        *(
            [f"Serve its records: {command_line('desk', 'serve', '--config', folder / CONFIG)}"]
            if settings.records_served
            else []
        ),
        f"Next: {command_line('serve', '--config', folder / CONFIG)}",
    )


def _planned(args: argparse.Namespace, out: CommandOutput, name: str) -> _Plan:
    """Verify what was asked for, and read its files; nothing is written yet."""
    pack, files = ("", _rules_files(Path(args.rules), args.language)) if args.rules else (args.pack, _pack_files(args))
    connections = connections_of(args, out)
    kept = _kept(args.store, args.keys)
    toml = {
        **kept,
        "port": str(args.port or port_for_new(Path(args.dir))),
        "name": name,
        "languages": json.dumps(["en", *dict.fromkeys(args.language)]),
        "desk": (f'pack = "{pack}"\n' if pack else "") + connections.desk,
        "tables": connections.tables,
    }
    return _Plan(
        pack=pack,
        files=files,
        seeded=not (args.empty or not pack or connections.far),
        admin=args.admin,
        connections=connections,
        toml=toml,
    )


def _pack_files(args: argparse.Namespace) -> Mapping[str, bytes]:
    """Return the files of the pack in the languages asked for."""
    if args.pack not in pack_names():
        cure = f"Name one of {', '.join(pack_names())} with --pack."
        near = nearest(args.pack, pack_names())
        cure = f"Did you mean {near}? {cure}" if near else cure
        raise AdvisedError(Refused(Code.SETTINGS_INVALID, f"there is no pack {args.pack!r}"), cure)
    languages = pack_languages(args.pack)
    for language in args.language:
        if language not in languages:
            raise AdvisedError(
                Refused(Code.SETTINGS_INVALID, f"the pack {args.pack} is not translated to {language!r}"),
                f"Name one of {', '.join(languages)} with --language."
                if languages
                else "Leave --language out; the pages are then in English.",
            )
    return pack_files(args.pack, tuple(dict.fromkeys(args.language)))


_RULES: Final = ("catalogue.toml", "policies/*.cedar", "policy_cases/*.toml")


def _rules_files(root: Path, languages: Sequence[str]) -> Mapping[str, bytes]:
    """Return the rules of a company's own folder; translations of the named languages alone."""
    wanted = (*_RULES, *(f"catalogue.{language}.toml" for language in languages))
    files: dict[str, bytes] = {}
    for pattern in wanted:
        found = {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.glob(pattern))}
        if not found and pattern != _RULES[-1]:
            detail = f"--rules {root} has no {pattern}"
            raise AdvisedError(
                Refused(Code.SETTINGS_INVALID, detail), "Name a folder that is laid out like a desk's own."
            )
        files |= found
    return files


def _kept(store: str | None, keys: str | None) -> Mapping[str, str]:
    """Return where a new desk keeps its data: in files of its folder, or in named databases."""
    if not store and not keys:
        return {"store": "sqlite:///data/store.sqlite", "keys": "", "database": "data/desk.sqlite"}
    if not store or not keys or not is_postgres_url(store) or not is_postgres_url(keys):
        raise AdvisedError(
            Refused(Code.SETTINGS_INVALID, "--store and --keys are two databases: postgresql://USER@HOST/DATABASE"),
            "Name both; content keys are kept apart from what they seal, so that no backup holds both.",
        )
    if carries_password(store) or carries_password(keys):
        # ⚔ Every account of the machine reads command lines, and the settings are no place for a secret either.
        raise AdvisedError(
            Refused(Code.SETTINGS_INVALID, "--store or --keys carries a password"),
            "Change it, since it was on a command line. Leave it out here: put it into ~/.pgpass (mode 0600), into PGPASSWORD,"
            " or the complete address into REMIT_STORE_URL.",
        )
    line = f'\n[keys]\ncontent = "{keys}"   # content keys alone: never in one backup with the store\n'
    return {"store": store, "keys": line, "database": store}


def _make(folder: Path, plan: _Plan) -> tuple[Admitted, str]:
    for name, raw in {"README.md": b"", **plan.files}.items():
        where = folder / (f"catalogue/{name}" if name.startswith("catalogue.") else name)
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(
            _README.encode() + raw.replace(b"`catalogue.toml`", b"`catalogue/catalogue.toml`")
            if name == "README.md"
            else raw
        )
    (folder / ".gitignore").write_text(_IGNORE, encoding="utf-8")
    (folder / "data").mkdir(mode=0o700)
    plan.connections.write(folder, folder / "data")
    (folder / CONFIG).write_text(_TOML.format(**plan.toml), encoding="utf-8")
    settings = load_settings(folder / CONFIG)
    for private in (settings.data, settings.high_water.parent):
        private.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = create_keys(settings)
    seed = read_pack(plan.pack).seed if plan.seeded else {}

    async def work(desk: Desk) -> Admitted:
        await verify_rules(desk.context, by="remit init")
        if settings.records_served:
            await wiring.seed_records(settings, desk.context.catalogue, seed)
        elif seed:
            await desk.seed(seed)
        for customer, about in seed.get("customers", {}).items():
            email = str(about.get("attributes", {}).get("contact.email", ""))
            await admit(
                desk.context, _person(desk, customer, "customer", str(about["name"]), email, ()), by="remit init"
            )
        await admit(desk.context, _person(desk, plan.admin, "officer", plan.admin, "", _ROLES), by="remit init")
        return await issue_invitation(
            desk.context, plan.admin, how=Enrolment.VOUCHED, ttl_s=FIRST_CODE_S, by="remit init"
        )

    return with_desk(settings, work), key


def _person(desk: Desk, person_id: str, kind: str, name: str, email: str, roles: tuple[str, ...]) -> PersonRecord:
    now = Instant(desk.context.world.now())
    return PersonRecord(id=person_id, kind=kind, key=person_id, name=name, email=email, roles=roles, created_at=now)


def _take_away(folder: Path, *, whole: bool) -> None:
    """Remove a desk that could not be made; an empty folder from before stays."""
    for path in [folder] if whole else list(folder.iterdir()):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _log_name(folder: Path) -> str:
    """Derive the transcript's name from the folder's; signed notes allow no spaces or plus signs in it."""
    plain = re.sub(r"[^a-z0-9-]+", "-", folder.absolute().name.lower()).strip("-")
    return f"{plain or 'desk'}.remit.invalid"


def _check(args: argparse.Namespace, out: CommandOutput) -> int:
    settings = settings_of(args)
    verify_telemetry(settings)
    verify_carriers(settings)
    build_signals(settings)
    loaded = rules_to_serve(settings)
    verify_words_model(loaded.words_model)
    judged, cure = describe_words_model(settings, loaded.words_model)
    results = run_cases(loaded, settings.cases)
    failed = [one for one in results if not one.passed]
    if settings.keys.is_dir():
        log_key(settings)  # settings of another log than the keys' would stop the start
    force = _in_force(settings, loaded)
    odd = list(suspicious_settings(settings, loaded))
    catalogue = loaded.catalogue
    texts = _open_texts(catalogue)
    body = {
        "ok": not failed,
        "rules": loaded.digest,
        "in_force": force,
        "words_model": loaded.words_model,
        "actions": len(catalogue.actions),
        "objectives": len(catalogue.objectives),
        "waivers": len(catalogue.waivers),
        "escalations": len(catalogue.escalations),
        "cases": len(results),
        "failed": [{"file": one.case.file, "title": one.case.title, "difference": one.difference} for one in failed],
        "texts": [{"action": action, "param": path, "cure": sentence(_TIGHTER)} for action, path in texts],
        "look": [{"name": one.name, "says": one.says, "cure": one.cure} for one in odd],
    }
    out.tell(
        body,
        f"settings   {args.config}: valid",
        f"catalogue  {len(catalogue.actions)} actions, {len(catalogue.objectives)} objectives, {_waivers(len(catalogue.waivers))}: valid",
        *(
            [f"escalation {', '.join(one.name for one in catalogue.escalations)}: valid"]
            if catalogue.escalations
            else ()
        ),
        f"policies   {len(settings.policies)} file{'' if len(settings.policies) == 1 else 's'}: valid",
        f"cases      {len(results) - len(failed)} of {len(results)} pass",
        *(f"  {one.case.file}: {one.case.title}: {one.difference}" for one in failed),
        f"rules      {loaded.digest}: {force}",
        f"words      judged {judged}",
        *([f"           Cure: {cure}"] if cure else ()),
        *(f"text       {action}: {path} takes any text, which is read like words" for action, path in texts),
        *([f"           {_TIGHTER}"] if texts else ()),
        *(f"look       {one.says} Cure: {one.cure}" for one in odd),
    )
    return ExitCode.REFUSED if failed else ExitCode.OK


def _waivers(number: int) -> str:
    return f"{number} waiver{'' if number == 1 else 's'}"


def run_cases(loaded: LoadedRules, files: tuple[Path, ...]) -> tuple[CaseResult, ...]:
    """Run the policy cases of these files.

    Raises:
        Refused: `policy.invalid` for a file without cases.
    """
    cases = [one for file in files for one in read_policy_cases(file.name, read_text(file), loaded.catalogue)]
    return run_policy_cases(cases, policy=loaded.policy, params=loaded.params, catalogue=loaded.catalogue)


def _in_force(settings: Settings, loaded: LoadedRules) -> str:
    """Return whether these rules are the last recorded ones, as far as there is a store to ask."""
    store = store_location(settings)
    if not store.exists():
        return "not yet recorded; there is no store"
    recorded = store.inspect().rules
    if recorded == loaded.digest:
        return "in force"
    if settings.loopback:
        return "not yet recorded; the next `remit serve` records them"
    return "not in force; two admins must approve them (`remit policy propose`, `remit policy approve`)"
