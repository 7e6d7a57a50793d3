"""`remit desk`: serve the built-in backoffice to other nodes, and show key and contract of backoffices."""

import argparse
import contextlib
import json
import signal
import socket
import ssl
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import uvicorn

from remit import wiring
from remit.cli.logging import LEVELS, start_logs
from remit.cli.output import AdvisedError, CommandOutput, ExitCode
from remit.cli.shared import LAST_PORT, common_options, desk_options, settings_of, verify_desk_exists, whole_number
from remit.domain.errors import Code, Refused
from remit.settings import Settings
from remit.wiring import node_name

_KEEP_ALIVE_S: Final = 75
_GRACE_S: Final = 15


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    desk = sub.add_parser(
        "desk", parents=[common_options()], help="The built-in backoffice: serve, move; and the contract: key, openapi"
    )
    commands = desk.add_subparsers(dest="desk_command", metavar="COMMAND", required=True)
    serve = commands.add_parser(
        "serve",
        parents=[desk_options()],
        help="Start the built-in backoffice at backoffice.url",
        description="Start the built-in backoffice. It answers the HTTP contract of docs/backoffice.md until SIGTERM or Ctrl-C.",
    )
    serve.add_argument("--host", help="Listen on this host (default: that of backoffice.url)")
    serve.add_argument(
        "--port",
        type=whole_number(1, LAST_PORT),
        metavar="N",
        help="Listen on this port (default: that of backoffice.url)",
    )
    serve.add_argument("--certificate-file", metavar="FILE", help="Serve https with this certificate, in PEM")
    serve.add_argument("--private-key-file", metavar="FILE", help="The private key of that certificate, in PEM")
    serve.add_argument(
        "--log-level",
        default="warning",
        choices=LEVELS,
        help="The lowest level to log, on standard error (default: warning)",
    )
    serve.set_defaults(run=_serve)
    move = commands.add_parser(
        "move",
        parents=[desk_options()],
        help="Move the records of an earlier version from PostgreSQL into a file",
        description="Move the built-in backoffice's records from the database in desk.database into desk.sqlite in "
        "server.data, with all nodes stopped. Cases stay where they are.",
    )
    move.set_defaults(run=_move)
    key = commands.add_parser(
        "key",
        parents=[desk_options()],
        help="Print the public key that verifies Remit's requests",
        description="Print the public Ed25519 key, in PEM, with which a backoffice verifies Remit's requests.",
    )
    key.set_defaults(run=_key)
    document = commands.add_parser(
        "openapi",
        parents=[common_options()],
        help="Print the OpenAPI document of the contract",
        description="Print the OpenAPI document of the contract that your own backoffice has to answer.",
    )
    document.set_defaults(run=_openapi)


class _Server(uvicorn.Server):
    """Uvicorn that announces when it serves."""

    def __init__(self, config: uvicorn.Config, told: Callable[[], None]) -> None:
        super().__init__(config)
        self._told = told

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then announce it."""
        await super().startup(sockets)
        self._told()


def _serve(args: argparse.Namespace, out: CommandOutput) -> int:
    start_logs(args.log_level, node=node_name())
    settings = settings_of(args)
    verify_desk_exists(settings)
    certificate = _certificate(args)
    host, port = _address(settings, args.host, args.port, proxied=certificate is None)
    with contextlib.closing(wiring.backoffice_server(settings)) as service:
        config = uvicorn.Config(
            service.app,
            host=host,
            port=port,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_GRACE_S,
            ssl_certfile=certificate,
            ssl_keyfile=args.private_key_file,
        )
        says = f"Remit serves the built-in backoffice at {service.url} (listening on {host} port {port})."
        where = {"url": service.url, "host": host, "port": port}
        server = _Server(config, lambda: out.tell(where, says, "Ctrl-C stops it."))
        # Uvicorn raises its signal again once all is finished: the same handler then has nothing more to do.
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, server.handle_exit)
        try:
            server.run()
        except SystemExit:
            detail = f"{host} port {port} cannot be used"
            cure = "The log line above says why; choose another with --host or --port."
            raise AdvisedError(Refused(Code.SETTINGS_INVALID, detail), cure) from None
    out.note("remit: stopped; every request was answered.")
    return ExitCode.OK


def _certificate(args: argparse.Namespace) -> str | None:
    """Return the file of the certificate, once it and its key are known to work."""
    certificate, key = args.certificate_file, args.private_key_file
    if certificate is None and key is None:
        return None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate or "", key)
    except (OSError, ssl.SSLError) as broken:
        detail = f"{certificate} and {key} cannot be used: {type(broken).__name__}"
        cure = "Name a certificate and its private key, both in PEM and readable, with --certificate-file and --private-key-file."
        raise AdvisedError(Refused(Code.SETTINGS_INVALID, detail), cure) from None
    return str(certificate)


def _address(settings: Settings, host: str | None, port: int | None, *, proxied: bool) -> tuple[str, int]:
    """Return where to listen: as named, else the host and port of the contract's own address."""
    wanted = settings.http_backoffice
    if wanted is None:
        cure = 'Set desk.backoffice = "http" and backoffice.url to the address at which the nodes reach this service.'
        raise AdvisedError(Refused(Code.SETTINGS_INVALID, "this desk has its backoffice in process"), cure)
    parts = urlsplit(wanted.url)
    if parts.scheme == "https" and proxied and (host is None or port is None):
        cure = "Name --host and --port of this machine, to which your proxy hands the requests, or --certificate-file."
        raise AdvisedError(Refused(Code.SETTINGS_INVALID, f"{wanted.url} is https, which a proxy ends"), cure)
    return host or parts.hostname or "127.0.0.1", port or parts.port or (443 if parts.scheme == "https" else 80)


def _move(args: argparse.Namespace, out: CommandOutput) -> int:
    settings = settings_of(args)
    verify_desk_exists(settings)
    moved = wiring.move_desk_records(settings)
    rows = ", ".join(f"{count:,} {table}" for table, count in moved.items())
    out.tell(
        {"file": str(settings.desk_database), "rows": dict(moved)},
        f"Moved into {settings.desk_database}: {rows}.",
        "From now on this file is backed up with the store.",
    )
    return ExitCode.OK


def _key(args: argparse.Namespace, out: CommandOutput) -> int:
    settings = settings_of(args)
    verify_desk_exists(settings)
    name, pem = wiring.request_key_pem(settings)
    out.tell({"keyid": name, "pem": pem}, pem.rstrip(), f"keyid {name}")
    return ExitCode.OK


def _openapi(_args: argparse.Namespace, out: CommandOutput) -> int:
    document = wiring.contract_document()
    out.tell(document, json.dumps(document, indent=2, ensure_ascii=False))
    return ExitCode.OK
