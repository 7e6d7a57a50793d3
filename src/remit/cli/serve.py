"""`remit serve` and `remit migrate`: one process that serves a desk until it is told to stop."""

import argparse
import asyncio
import contextlib
import errno
import logging
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Final

import uvicorn

from remit.cli.logging import LEVELS, start_logs
from remit.cli.output import AdvisedError, CommandOutput, ExitCode
from remit.cli.ports import keep_port, next_free
from remit.cli.shared import (
    LAST_PORT,
    desk_options,
    open_desk,
    rules_to_serve,
    settings_of,
    verify_desk_exists,
    whole_number,
)
from remit.cli.workers import WorkerArguments, WorkerPool, read_worker_arguments, worker_command
from remit.domain.errors import Code, Fault, Refused
from remit.entrypoints.http.server_protocol import bounded_protocol, tune_garbage_collector
from remit.settings import Settings, rebind_address
from remit.usecases.policy.adopt import RulesInForce, verify_rules
from remit.wiring import Desk, describe_words_model, migrate_shared_store, node_name, store_location

_GRACE_S: Final = 35
"""Maximum wait, in seconds, for running requests at a stop: longer than a desk's act, or a long-poll."""
_BACKLOG: Final = 2048
_MAX_WORKERS: Final = 64
_MAX_DRAIN_S: Final = 600


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    description = "Start the server. It runs until SIGTERM or Ctrl-C."
    serve = sub.add_parser("serve", parents=[desk_options()], help="Start the server", description=description)
    serve.add_argument("--host", help="Listen on this host (default: server.host)")
    serve.add_argument(
        "--port",
        type=whole_number(0, LAST_PORT),
        metavar="N",
        help="Listen on this port (default: server.port); 0 takes a free one",
    )
    serve.add_argument(
        "--workers",
        type=whole_number(1, _MAX_WORKERS),
        default=1,
        metavar="N",
        help="The number of processes (SQLite: 1)",
    )
    serve.add_argument("--worker", default="", help=argparse.SUPPRESS)  # passed by a parent to a worker
    serve.add_argument(
        "--drain",
        type=whole_number(0, _MAX_DRAIN_S),
        default=0,
        metavar="SECONDS",
        help="On a stop, keep answering this long while /readyz says no, so that a proxy sends nothing more",
    )
    serve.add_argument(
        "--log-level",
        default="warning",
        choices=LEVELS,
        help="The lowest level to log, on standard error (default: warning)",
    )
    serve.set_defaults(run=_serve)
    migrate = sub.add_parser("migrate", parents=[desk_options()], help="Bring the store's schema up to date")
    migrate.set_defaults(run=_migrate)


class _Server(uvicorn.Server):
    """Uvicorn that announces when it serves, and answers waiting long-polls before it stops."""

    def __init__(self, config: uvicorn.Config, desk: Desk, told: Callable[[], None], *, drain_s: int) -> None:
        super().__init__(config)
        self._desk = desk
        self._told = told
        self._drain_s = drain_s
        self._hurried = asyncio.Event()
        self.forced = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal: from the first on, `/readyz` says that this process is about to stop."""
        self._desk.stopping()
        super().handle_exit(sig, frame)
        if self.force_exit:
            self._hurried.set()  # waiters look again when the loop goes on, which a signal makes it do

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then announce it."""
        await super().startup(sockets)
        self._told()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Go on answering while drained, wake long-polls, then finish running requests."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._drain_s):
                await self._hurried.wait()
        await self._desk.drain()
        await super().shutdown(sockets)
        self.forced = self.force_exit  # kept now: uvicorn takes its own repeating of the signal for a second one
        if self.forced:
            logging.getLogger("uvicorn.error").setLevel(
                logging.CRITICAL
            )  # it would show a traceback for each cut request


def _serve(args: argparse.Namespace, out: CommandOutput) -> int:
    start_logs(args.log_level, node=node_name())
    configured = settings_of(args)
    settings = rebind_address(configured, host=args.host, port=args.port)
    if args.worker:
        return _work(read_worker_arguments(args.worker), settings, out, drain_s=args.drain)
    if args.workers != 1 and not store_location(settings).shared:
        raise AdvisedError(
            Refused(Code.SETTINGS_INVALID, f"--workers {args.workers}: a SQLite store is served by one process"),
            "Leave --workers out; one process serves many connections at once.",
        )
    verify_desk_exists(settings)
    listener, settings = _listen(settings)
    with contextlib.closing(listener), contextlib.ExitStack() as ending:
        if args.port == 0:  # taken for this start alone: later links lead to server.port again
            ending.callback(keep_port, configured, configured.port)
        if args.workers > 1:
            return _several(args, settings, listener, out, configured=configured)
        desk = open_desk(settings)
        if desk.settings.loopback:
            keep_port(configured, settings.port)
        model = desk.context.rules_outline.words_model
        return _run(
            desk,
            listener,
            out,
            lambda rules: _tell(out, desk.settings, rules, model=model, configured=configured),
            drain_s=args.drain,
        )


def _several(
    args: argparse.Namespace, settings: Settings, listener: socket.socket, out: CommandOutput, *, configured: Settings
) -> int:
    """Serve with several processes behind one address."""
    if settings.loopback:
        keep_port(configured, settings.port)
    command = worker_command(args.config, args.log_level, args.host, settings.port, args.drain)
    model = rules_to_serve(settings).words_model
    announce = lambda: _tell(out, settings, None, model=model, workers=args.workers, configured=configured)  # noqa: E731  # printed once
    workers = WorkerPool(command, listener, args.workers, out, announce, drain_s=args.drain)
    code = asyncio.run(workers.run())
    out.note(
        "remit: stopped; every request was answered."
        if code == ExitCode.OK
        else "remit: stopped; some workers were ended at once."
    )
    return code


def _work(mine: WorkerArguments, settings: Settings, out: CommandOutput, *, drain_s: int) -> int:
    """Serve as one of several workers."""
    with contextlib.closing(socket.socket(fileno=mine.listener)) as listener:
        desk = open_desk(settings)
        return _run(desk, listener, out, lambda _: mine.told(), drain_s=drain_s, life=mine.life)


def _run(
    desk: Desk,
    listener: socket.socket,
    out: CommandOutput,
    serving: Callable[[RulesInForce], None],
    *,
    drain_s: int,
    life: int | None = None,
) -> int:
    desk.connections.fit_descriptors(backlog=_BACKLOG)
    config = uvicorn.Config(
        desk.app,
        loop="uvloop",
        http=bounded_protocol(desk.connections),
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_GRACE_S,
    )
    rules: list[RulesInForce] = []
    server = _Server(config, desk, lambda: serving(rules[0]), drain_s=drain_s)

    async def run() -> None:
        if life is not None:  # a parent that dies without a word takes its workers with it
            asyncio.get_running_loop().add_reader(life, _orphaned, server, life)
        try:
            desk.load_model()
            rules.append(await verify_rules(desk.context, by="remit serve"))
            tune_garbage_collector()
            await server.serve(sockets=[listener])
        finally:
            await desk.stop()

    # From here on, so that a stop during the start is not lost. Uvicorn raises these again at its end; by then
    # everything is finished and the same handler has nothing more to do.
    before = {one: signal.signal(one, server.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(run())
    except SystemExit:
        cure = "The log line above says why."
        raise AdvisedError(Fault(Code.FAULT_INTERNAL, "the desk could not start"), cure) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if server.forced:
        out.note(
            "remit: stopped at once; running requests were cut off. What was recorded stays, and queued acts go on at the next start."
        )
        return ExitCode.INTERRUPTED
    if life is None:
        out.note("remit: stopped; every request was answered.")
    return ExitCode.OK


def _orphaned(server: _Server, life: int) -> None:
    """Stop once the parent is gone; the pipe is then watched no more."""
    asyncio.get_running_loop().remove_reader(life)
    server.handle_exit(signal.SIGTERM, None)


def _listen(settings: Settings) -> tuple[socket.socket, Settings]:
    """Bind the address before anything else is opened, so that a busy port changes nothing."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as problem:
        detail = f"server.host: {settings.host}: {problem.strerror}"
        raise AdvisedError(Refused(Code.SETTINGS_INVALID, detail), "Name an address of this machine.") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as problem:
        listener.close()
        busy = problem.errno == errno.EADDRINUSE
        why = "another program listens there" if busy else str(problem.strerror)
        raise AdvisedError(
            Refused(Code.SETTINGS_INVALID, f"{settings.host} port {settings.port} cannot be used: {why}"),
            f"Stop the other program, or take another port: `remit serve --port {next_free(settings.port)}`."
            if busy
            else "Choose another --host or --port.",
        ) from None
    port: int = listener.getsockname()[1]
    return listener, settings if port == settings.port else rebind_address(settings, host=None, port=port)


def _tell(
    out: CommandOutput,
    settings: Settings,
    rules: RulesInForce | None,
    *,
    model: str,
    configured: Settings,
    workers: int = 1,
) -> None:
    digest = store_location(settings).inspect().rules if rules is None else rules.digest
    new = rules is not None and rules.changed
    judged, cure = describe_words_model(settings, model)
    where = {
        "issuer": settings.issuer,
        "host": settings.host,
        "port": settings.port,
        "data": str(settings.data),
        "rules": digest,
        "workers": workers,
        "words_model": model,
    }
    pages = [f"{settings.issuer}{path}" for path in ("/me", "/desk", "/security", "/audit")]
    out.tell(
        {**where, "pages": pages},
        f"Remit serves {settings.issuer} (listening on {settings.host} port {settings.port}).",
        f"  customers  {pages[0]}",
        f"  officers   {pages[1]}",
        f"  security   {pages[2]}",
        f"  audit      {pages[3]}",
        f"  agents     {settings.issuer}/v1/catalogue, {settings.issuer}/.well-known/oauth-authorization-server",
        f"  data       {settings.data}",
        f"  rules      {digest}" + (" (new: recorded as policy.changed)" if new else ""),
        f"  words      judged {judged}",
        *([f"             Cure: {cure}"] if cure else []),
        *([f"  workers    {workers}; SIGHUP replaces them one by one"] if workers > 1 else []),
        *(["  sandbox    on: anyone on this machine can add people and agents"] if settings.sandbox else []),
        *(
            [f"  links      of earlier invitations name port {configured.port}: write {settings.port} instead"]
            if settings.issuer != configured.issuer
            else []
        ),
        "Ctrl-C stops it.",
    )


def _migrate(args: argparse.Namespace, out: CommandOutput) -> int:
    settings = settings_of(args)
    verify_desk_exists(settings)
    store = store_location(settings)
    moved = migrate_shared_store(settings)
    if moved is None:
        before = store.inspect().version if store.exists() else 0
        asyncio.run(open_desk(settings).stop())
        moved = before, store.inspect().version
    before, after = moved
    done = f"schema {before} is now {after}" if before != after else f"schema {after} is the newest"
    out.tell({"before": before, "after": after}, f"{store.name}: {done}; nothing else to do.")
    return ExitCode.OK
