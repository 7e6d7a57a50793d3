"""`remit agent add|list|suspend`: the workloads known to this desk."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from remit.cli.output import AdvisedError, CommandOutput, ExitCode, table
from remit.cli.shared import command_seat, common_options, desk_options, settings_of, with_desk
from remit.domain.errors import Code, Refused
from remit.domain.records import KEYED_TIERS, AgentRecord, Tier
from remit.domain.values import Json, decode_json, instant_text
from remit.engine.mandates.revoke import RevocationResult, suspend
from remit.ports.identity import PUBLIC_CLIENT, ClientMethod
from remit.ports.store import Versioned
from remit.settings import Settings
from remit.usecases.agents.register import NewAgent, register_agent
from remit.wiring import Desk

_MOST: Final = 10_000
_SPIFFE: Final = "spiffe://"


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    group = sub.add_parser("agent", parents=[common_options()], help="Agents: add, list, suspend").add_subparsers(
        dest="what", metavar="add|list|suspend", required=True
    )
    add = group.add_parser("add", parents=[desk_options()], help="Register an agent")
    add.add_argument("--client-id", required=True, metavar="ID", help="The agent's OAuth client id or SPIFFE ID")
    add.add_argument(
        "--operator", metavar="NAME", help="The organisation that runs it (default: the trust domain of a SPIFFE ID)"
    )
    add.add_argument("--name", metavar="TEXT", help="The name people see (default: the client id)")
    choices = [one.value for one in KEYED_TIERS]
    add.add_argument("--tier", default=Tier.KNOWN.value, choices=choices, help="The trust tier (default: known)")
    keys = add.add_mutually_exclusive_group(required=True)
    keys.add_argument("--jwks", metavar="FILE", help="A file with its public keys, a JWK set; copied in")
    keys.add_argument("--jwks-url", metavar="URL", help="The https address of its public keys")
    keys.add_argument(
        "--bundle", metavar="FILE", help="The SPIFFE bundle of its trust domain; read again as it rotates"
    )
    keys.add_argument("--bundle-url", metavar="URL", help="The https address of its trust domain's bundle")
    keys.add_argument("--public", action="store_true", help="Register an app without a key, as a visitor")
    keys.add_argument(
        "--workload-api", action="store_true", help="Take the bundle from the server's SPIFFE Workload API"
    )
    keys.add_argument(
        "--federated-issuer", metavar="URL", help="Accept tokens of this issuer, mapped by a [[federation]]"
    )
    add.add_argument(
        "--proof",
        choices=["assertion", "certificate", "signature"],
        default="assertion",
        help="How it authenticates: a client assertion, a TLS certificate (SPIFFE) or signed requests (RFC 9421)",
    )
    add.add_argument(
        "--trust-domain",
        metavar="NAME",
        help="The trust domain, with a bundle or the Workload API (default: that of the client id)",
    )
    add.add_argument(
        "--redirect-uri",
        action="append",
        default=[],
        metavar="URI",
        help="An address that consent may return to; repeatable",
    )
    add.add_argument(
        "--notification-uri",
        default="",
        metavar="URI",
        help="The address to ping when a backchannel request is answered",
    )
    add.set_defaults(run=_add)
    listing = group.add_parser("list", parents=[desk_options()], help="List all agents")
    listing.set_defaults(run=_list)
    stop = group.add_parser("suspend", parents=[desk_options()], help="Suspend an agent and end its tasks")
    stop.add_argument("client_id", metavar="CLIENT-ID", help="The agent's client id")
    stop.add_argument("--reason", required=True, metavar="TEXT", help="The reason, for the audit log")
    stop.set_defaults(run=_suspend)


def _add(args: argparse.Namespace, out: CommandOutput) -> int:
    settings = settings_of(args)
    _verify_tier(settings, args.tier)
    operator = args.operator or (_domain(args.client_id) if args.client_id.startswith(_SPIFFE) else "")
    if not operator:
        cure = "Say with --operator which organisation runs the agent."
        raise AdvisedError(Refused(Code.REQUEST_MALFORMED, "--operator is missing"), cure)
    new = NewAgent(
        client_id=args.client_id,
        actor=args.client_id,
        operator=operator,
        name=args.name or args.client_id,
        tier=Tier(args.tier),
        method=PUBLIC_CLIENT if args.public else _method(args).value,
        keys=_keys(args),
        redirect_uris=tuple(args.redirect_uri),
        notification_uri=args.notification_uri,
    )

    async def work(desk: Desk) -> AgentRecord:
        return await register_agent(desk.context, new, by=command_seat())

    record = with_desk(settings, work, on_page=True)
    out.tell(_body(record), f"{record.id} of {record.operator} is registered ({record.tier.value}, {record.method}).")
    return ExitCode.OK


def _verify_tier(settings: Settings, tier: str) -> None:
    """Verify that a trust tier takes two people on a desk reachable from outside (docs/model/model.md#two-people)."""
    if tier == Tier.TRUSTED and not settings.loopback:
        cure = "Register it as known, then raise its tier on the /security page, where a second person approves it."
        raise AdvisedError(Refused(Code.PERSON_NOT_ALLOWED, "one person can't make an agent trusted"), cure)


def _method(args: argparse.Namespace) -> ClientMethod:
    """Return the method of the given keys and proof."""
    spiffe = bool(args.bundle or args.bundle_url or args.workload_api)
    kind = "federated" if args.federated_issuer else "spiffe" if spiffe else "own"
    found = {
        ("federated", "assertion"): ClientMethod.FEDERATED_JWT,
        ("own", "assertion"): ClientMethod.PRIVATE_KEY_JWT,
        ("own", "signature"): ClientMethod.HTTP_SIGNATURE,
        ("spiffe", "assertion"): ClientMethod.SPIFFE_JWT,
        ("spiffe", "certificate"): ClientMethod.SPIFFE_X509,
    }.get((kind, args.proof))
    if found is None:
        cure = "A certificate needs a SPIFFE bundle or --workload-api, a signature needs --jwks or --jwks-url."
        raise AdvisedError(Refused(Code.REQUEST_MALFORMED, f"--proof {args.proof} does not fit these keys"), cure)
    return found


def _keys(args: argparse.Namespace) -> Mapping[str, Json]:
    if args.public:
        return {}
    if args.jwks:
        return {"jwks": _jwks(Path(args.jwks))}
    if args.jwks_url:
        return {"jwks_url": str(args.jwks_url)}
    if args.federated_issuer:
        return {"federated_issuer": str(args.federated_issuer)}
    domain = args.trust_domain or _domain(args.client_id)
    if not domain:
        cure = "Name the trust domain the bundle belongs to."
        raise AdvisedError(Refused(Code.REQUEST_MALFORMED, "--trust-domain is missing"), cure)
    return {**_bundle(args), "trust_domain": domain}


def _bundle(args: argparse.Namespace) -> Mapping[str, Json]:
    if args.workload_api:
        return {"workload_api": True}
    if args.bundle:
        return {"bundle_file": str(Path(args.bundle).absolute())}
    return {"bundle_url": str(args.bundle_url)}


def _jwks(path: Path) -> Json:
    try:
        found = decode_json(path.read_bytes())
    except (OSError, Refused) as problem:
        why = problem.strerror if isinstance(problem, OSError) else problem.detail
        cure = 'Name a file with a JWK set: {"keys": […]}.'
        raise AdvisedError(Refused(Code.REQUEST_MALFORMED, f"{path}: {why}"), cure) from None
    if isinstance(found, Mapping) and "keys" not in found and "kty" in found:
        found = {"keys": [found]}
    keys = found.get("keys") if isinstance(found, Mapping) else None
    listed = keys if isinstance(keys, Sequence) and not isinstance(keys, str) else ()
    if any(isinstance(key, Mapping) and ({"d", "k"} & key.keys()) for key in listed):
        cure = "Give the public keys only, and replace that key: it was in the wrong place."
        raise AdvisedError(Refused(Code.REQUEST_MALFORMED, f"{path} has a private key in it; nothing was saved"), cure)
    return found


def _domain(client_id: str) -> str:
    return client_id.removeprefix(_SPIFFE).partition("/")[0] if client_id.startswith(_SPIFFE) else ""


def _list(args: argparse.Namespace, out: CommandOutput) -> int:
    async def work(desk: Desk) -> Sequence[Versioned[AgentRecord]]:
        return await desk.context.store.find(AgentRecord, "agent.all", "", limit=_MOST)

    found = [kept.record for kept in with_desk(settings_of(args), work, on_page=True)]
    rows = [
        (
            agent.id,
            agent.operator,
            agent.tier.value,
            agent.method,
            f"suspended: {agent.suspended}" if agent.suspended else "active",
        )
        for agent in found
    ]
    lines = (
        table(("client id", "operator", "tier", "method", "state"), rows)
        if rows
        else ["No agent is registered yet: `remit agent add`."]
    )
    out.tell({"agents": [_body(one) for one in found]}, *lines)
    return ExitCode.OK


def _suspend(args: argparse.Namespace, out: CommandOutput) -> int:
    async def work(desk: Desk) -> RevocationResult:
        return await suspend(desk.context, what="agent", name=args.client_id, reason=args.reason, by=command_seat())

    stopped = with_desk(settings_of(args), work, on_page=True)
    out.tell(
        {"suspended": args.client_id, "tasks": [one.task for one in stopped.tasks], "took_ms": stopped.took_ms},
        f"{args.client_id} is suspended; {len(stopped.tasks)} open tasks ended in {stopped.took_ms} ms. Two people can resume it.",
    )
    return ExitCode.OK


def _body(record: AgentRecord) -> dict[str, object]:
    return {
        "client_id": record.id,
        "operator": record.operator,
        "name": record.name,
        "tier": record.tier.value,
        "method": record.method,
        "redirect_uris": list(record.redirect_uris),
        **({"notification_uri": record.notification_uri} if record.notification_uri else {}),
        "registered_at": instant_text(record.created_at),
        "suspended": record.suspended,
    }
