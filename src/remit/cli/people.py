"""`remit person add|invite|recover|contact|unlink|list`: customers and officers, and their one-time enrolment links."""

import argparse
from collections.abc import Sequence
from urllib.parse import urlsplit

from remit.cli.output import AdvisedError, CommandOutput, ExitCode, table
from remit.cli.ports import enrol_link
from remit.cli.shared import LAST_PORT, command_seat, common_options, desk_options, settings_of, whole_number, with_desk
from remit.domain.errors import Code, Refused
from remit.domain.policy.confirmers import Enrolment
from remit.domain.records import PersonRecord
from remit.domain.values import instant_text
from remit.settings import Settings
from remit.usecases.people.admit import Admitted, admit, issue_invitation
from remit.usecases.people.company_login import unlink_login
from remit.usecases.people.contact import change_contact
from remit.usecases.people.recover import start_recovery
from remit.usecases.policy.adopt import ADMIN, NEEDED
from remit.wiring import Desk

_MOST = 10_000


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    group = sub.add_parser(
        "person", parents=[common_options()], help="Customers and officers: add, invite, recover, contact, unlink, list"
    ).add_subparsers(dest="what", metavar="add|invite|recover|contact|unlink|list", required=True)
    add = group.add_parser("add", parents=[desk_options()], help="Add a person and print their one-time link")
    add.add_argument("id", metavar="ID", help="The customer's id in your systems, or the officer's id")
    add.add_argument("--kind", required=True, choices=("customer", "officer"), help="A customer or an officer")
    add.add_argument("--name", default="", metavar="TEXT", help="The name people see (default: the id)")
    add.add_argument("--email", default="", metavar="ADDRESS", help="Their e-mail address")
    add.add_argument(
        "--role",
        action="append",
        default=[],
        metavar="ROLE",
        help="A role of the catalogue, or admin, security, audit; repeatable",
    )
    add.add_argument(
        "--person-key", default="", metavar="KEY", help="The same key for all accounts of one human (default: the id)"
    )
    _invitation(add)
    add.set_defaults(run=_add)
    again = group.add_parser("invite", parents=[desk_options()], help="Print a new one-time link")
    again.add_argument("id", metavar="ID", help="The id of the person")
    _invitation(again)
    again.set_defaults(run=_invite)
    recover = group.add_parser(
        "recover", parents=[desk_options()], help="Print a one-time link for a person who lost every passkey"
    )
    recover.add_argument("id", metavar="ID", help="The id of the person")
    _minutes(recover)
    recover.set_defaults(run=_recover)
    contact = group.add_parser("contact", parents=[desk_options()], help="Change a person's e-mail address")
    contact.add_argument("id", metavar="ID", help="The id of the person")
    contact.add_argument("--email", required=True, metavar="ADDRESS", help="The new e-mail address")
    contact.add_argument("--reason", default="", metavar="TEXT", help="The reason, for the audit log")
    contact.set_defaults(run=_contact)
    unlink = group.add_parser("unlink", parents=[desk_options()], help="Detach an account from the company login")
    unlink.add_argument("id", metavar="ID", help="The id of the person")
    unlink.set_defaults(run=_unlink)
    listing = group.add_parser("list", parents=[desk_options()], help="List all people")
    listing.set_defaults(run=_list)


def _minutes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--minutes",
        type=whole_number(1, 1440),
        default=15,
        metavar="N",
        help="How long the link works (default: 15, at most 1440)",
    )
    parser.add_argument(
        "--port",
        type=whole_number(1, LAST_PORT),
        metavar="N",
        help="The port in the link, on loopback (default: the port of the last start)",
    )


def _invitation(parser: argparse.ArgumentParser) -> None:
    _minutes(parser)
    parser.add_argument(
        "--by-link",
        action="store_true",
        help="The link travels by mail: for 72 hours, its passkey confirms only routine requests",
    )


def _add(args: argparse.Namespace, out: CommandOutput) -> int:
    settings = settings_of(args)

    async def work(desk: Desk) -> Admitted:
        await _verify_roles(settings, desk, args.role)
        person = PersonRecord(
            id=args.id,
            kind=args.kind,
            key=args.person_key or args.id,
            name=args.name or args.id,
            email=args.email,
            roles=tuple(args.role),
            created_at=desk.context.world.now(),
        )
        if person.kind == "customer" and person.roles:
            cure = "Leave --role out, or add an officer."
            raise AdvisedError(Refused(Code.REQUEST_MALFORMED, "a customer has no roles"), cure)
        await admit(desk.context, person, by=command_seat())
        return await _invited(desk, args)

    admitted = with_desk(settings, work, on_page=True)
    _tell(out, settings, admitted, args.port)
    return ExitCode.OK


def _invite(args: argparse.Namespace, out: CommandOutput) -> int:
    settings = settings_of(args)
    admitted = with_desk(settings, lambda desk: _invited(desk, args), on_page=True)
    _tell(out, settings, admitted, args.port)
    return ExitCode.OK


async def _invited(desk: Desk, args: argparse.Namespace) -> Admitted:
    how = Enrolment.LINK if args.by_link else Enrolment.VOUCHED
    return await issue_invitation(desk.context, args.id, how=how, ttl_s=_ttl_s(args), by=command_seat())


def _ttl_s(args: argparse.Namespace) -> int:
    return int(args.minutes) * 60


def _recover(args: argparse.Namespace, out: CommandOutput) -> int:
    settings = settings_of(args)
    made = with_desk(
        settings,
        lambda desk: start_recovery(desk.context, args.id, by=command_seat(), ttl_s=_ttl_s(args)),
        on_page=True,
    )
    page = enrol_link(settings, made.code, port=args.port)
    out.tell(
        {"person": made.person.id, "code": made.code, "enrol": page, "expires_at": instant_text(made.expires_at)},
        f"{made.person.id} makes a new passkey with this link, once, until {instant_text(made.expires_at)}:",
        f"  {page}",
        *_start(settings, page),
        "Using it ends all their other passkeys and sign-ins, and pauses their permissions for agents.",
        "The new passkey waits 72 hours; two officers who verified the person can end the wait on the /security page.",
    )
    return ExitCode.OK


def _contact(args: argparse.Namespace, out: CommandOutput) -> int:
    changed = with_desk(
        settings_of(args),
        lambda desk: change_contact(desk.context, args.id, args.email, by=command_seat(), reason=args.reason),
        on_page=True,
    )
    out.tell(
        {"person": changed.id, "email": changed.email},
        f"{changed.id}'s address is {changed.email} from now on.",
        "This desk sends no mail: tell them about the change yourself, at the old and the new address.",
        "For 72 hours their passkeys confirm only routine requests.",
    )
    return ExitCode.OK


def _unlink(args: argparse.Namespace, out: CommandOutput) -> int:
    free = with_desk(
        settings_of(args), lambda desk: unlink_login(desk.context, args.id, by=command_seat()), on_page=False
    )
    out.tell(
        {"person": free.id, "login": ""},
        f"{free.id} is detached from the company login and signed out everywhere.",
        "The next login whose claims name this id is connected to the account.",
    )
    return ExitCode.OK


def _start(settings: Settings, page: str) -> Sequence[str]:
    """Return how to start the server at a link's port, where that is not server.port."""
    port = urlsplit(page).port
    moved = settings.loopback and port is not None and port != (urlsplit(settings.issuer).port or 80)
    return [f"It works while the desk is served on that port: `remit serve --port {port}`."] if moved else []


async def _verify_roles(settings: Settings, desk: Desk, roles: Sequence[str]) -> None:
    """Verify that roles take two people wherever the desk is reachable from outside, as soon as there are two.

    Source: docs/model/model.md#two-people.
    """
    if not roles or settings.loopback:
        return
    admins = {
        kept.record.key for kept in await desk.context.store.find(PersonRecord, "person.role", ADMIN, limit=_MOST)
    }
    if len(admins) >= NEEDED:
        cure = "Add the officer without roles, then give the role on the /security page, where a second person approves it."
        raise AdvisedError(Refused(Code.PERSON_NOT_ALLOWED, "one person can't give roles"), cure)


def _tell(out: CommandOutput, settings: Settings, admitted: Admitted, port: int | None) -> None:
    page = enrol_link(settings, admitted.code, port=port)
    person = admitted.person
    young = (
        "For 72 hours the passkey confirms only routine requests, unless two officers confirm the person's identity on /security.",
    )
    out.tell(
        {
            "person": person.id,
            "kind": person.kind,
            "roles": list(person.roles),
            "code": admitted.code,
            "enrol": page,
            "expires_at": instant_text(admitted.expires_at),
        },
        f"{person.id} ({', '.join((person.kind, *person.roles))}) enrols a passkey with this link, once, until {instant_text(admitted.expires_at)}:",
        f"  {page}",
        *_start(settings, page),
        "Hand it over in person: the first one to open it becomes this person.",
        *(young if admitted.how is Enrolment.LINK else ()),
    )


def _list(args: argparse.Namespace, out: CommandOutput) -> int:
    async def work(desk: Desk) -> list[PersonRecord]:
        store = desk.context.store
        return [
            kept.record
            for kind in ("officer", "customer")
            for kept in await store.find(PersonRecord, "person.kind", kind, limit=_MOST)
        ]

    people = with_desk(settings_of(args), work, on_page=True)
    rows = [(one.id, one.kind, ", ".join(one.roles), "paused" if one.paused else "") for one in people]
    body = {
        "people": [{"id": one.id, "kind": one.kind, "roles": list(one.roles), "paused": one.paused} for one in people]
    }
    out.tell(body, *table(("id", "kind", "roles", ""), rows))
    return ExitCode.OK
