"""The sandbox desk: built in this process from a catalogue, policies and facts, or a server that runs elsewhere."""

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Any, Self

import uvloop

from remit.client.errors import Miswritten
from remit.client.sync import LoopThread
from remit.sandbox.arguments import (
    not_made,
    one_of,
    texts,
    verify_functions,
    verify_rules,
    verify_store,
    verify_tables,
    verify_texts,
)
from remit.sandbox.backend import Room
from remit.sandbox.params import plain_object
from remit.sandbox.people import SandboxCustomer, SandboxPerson
from remit.sandbox.remote_server import RunningServerTransport, issuer_at
from remit.sandbox.rules import catalogue_given, policies_given
from remit.sandbox.transcript import TranscriptReader
from remit.sandbox.transport import DirectTransport
from remit.sandbox.workloads import SandboxAgent
from remit.settings import Settings, make_settings
from remit.wiring import STOPS, Desk, RulesSource, SandboxDesk, build_desk, forget_desk

# These notices have no reader and no server log: a script without logging set up prints none.
logging.getLogger("remit.notices").addHandler(logging.NullHandler())

_ISSUER = "http://localhost"
_SQLITE = "sqlite:///"
_STORE = f"{_SQLITE}store.sqlite"
_POSTGRES = ("postgresql://", "postgres://")
_MEMORY = "/dev/shm"  # noqa: S108  # mkdtemp makes a folder of our own in it
_PLENTY_BYTES = 2**30


class Sandbox:
    """A desk for tests: `with Sandbox(catalogue=…, policies=…, facts=…) as desk: …`.

    `catalogue` is a path, several, or a table; `policies` a path, a text, or None for one policy that permits
    everything (in the sandbox only: floors still hold). `facts` assign records to customers. `settings` are tables of
    remit.toml over the sandbox's own. `perform(action, params, customer)` answers writes.

    `store` is a folder for the data, or `sqlite:///FILE`, whose other files are then in the folder `FILE.desk` beside
    it. With `postgresql://…` the data is in that database, as a desk of its own that is deleted at the end. `base_url`
    drives a running server, with its own catalogue and policies.
    """

    def __init__(  # the contract's signature
        self,
        catalogue: str | Path | Sequence[str | Path] | Mapping[str, Any],
        policies: str | Path | Sequence[str | Path] | None = None,
        facts: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        perform: Callable[[str, Mapping[str, Any], str], Mapping[str, Any]] | None = None,
        base_url: str | None = None,
        store: str | Path | None = None,
        on_point: Callable[[str], None] | None = None,
    ) -> None:
        """Prepare the sandbox; nothing is opened yet.

        Raises:
            Miswritten: `settings.invalid` for a part of the wrong kind.
        """
        if base_url is None:  # a running server has its own rules
            verify_rules(catalogue, policies)
        self._facts = {} if facts is None else facts
        self._settings = {} if settings is None else settings
        verify_tables(self._facts, self._settings)
        verify_functions(perform=perform, on_point=on_point)
        verify_store(store)
        self._catalogue = catalogue
        self._policies = policies
        self._perform = perform
        self._base_url = base_url
        self._store = store
        self._on_point = on_point
        self._own: Path | None = None
        self._shared: Settings | None = None
        self._thread: LoopThread | None = None
        self._customers: dict[str, SandboxCustomer] = {}
        self._officers: dict[str, SandboxPerson] = {}
        self._agents: dict[str, SandboxAgent] = {}
        self._log: TranscriptReader | None = None
        self._room: Room | None = None
        self.desk: Desk | None = None

    def __repr__(self) -> str:
        return f"Sandbox({'not entered' if self._thread is None or self._room is None else self._room.issuer})"

    def __enter__(self) -> Self:
        """Open the desk. Entered again after it was left, it is a new one, unless it has a `store` or a `base_url`.

        Raises:
            Miswritten: `catalogue.invalid`, `policy.invalid`, `settings.invalid` for unusable parts.
            Refused: `log.older`, `log.damaged` for a `store` that was restored or changed.
            Unavailable: `desk.unavailable` when nothing answers at `base_url`, `fault.store` and the like.
            RuntimeError: when it is open already.
        """
        if self._thread is not None:
            message = "the sandbox is open already; make another one beside it"
            raise RuntimeError(message)
        self._customers, self._officers, self._agents = {}, {}, {}
        self._log = self._room = self.desk = self._own = None
        self._thread = LoopThread(uvloop.new_event_loop)  # the loop that a server runs on, and the faster one
        try:
            if self._base_url is not None:
                issuer = self._thread.run(issuer_at(self._base_url))
                self._room = Room(issuer=issuer, thread=self._thread, transport=RunningServerTransport(self._base_url))
                if self._facts:
                    self.replace_facts(self._facts)
            else:
                self._start(self._thread)
            self._log = TranscriptReader(self.room)
        except STOPS as stop:
            self._close()
            raise not_made(stop) from None
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    @property
    def room(self) -> Room:
        """The connection for requests.

        Raises:
            RuntimeError: before the sandbox is entered.
        """
        if self._room is None:
            message = "the sandbox is not entered: with Sandbox(…) as desk"
            raise RuntimeError(message)
        return self._room

    @property
    def requests(self) -> int:
        """The number of HTTP requests that have passed the ASGI boundary (in process only)."""
        transport = self.room.transport
        return transport.requests if isinstance(transport, DirectTransport) else 0

    def customer(self, customer_id: str, *, email: str = "", name: str = "", how: str = "vouched") -> SandboxCustomer:
        """Return a customer with a software passkey; the same one on every call.

        Raises:
            Miswritten: `request.malformed` for an argument that is no text.
            Refused: as the desk refused it.
        """
        verify_texts(customer_id=customer_id, email=email, name=name, how=how)
        known = self._customers.get(customer_id)
        if known is None:
            known = self._customers[customer_id] = SandboxCustomer(
                self.room, customer_id, kind="customer", email=email, name=name, roles=(), how=how
            )
        return known

    def officer(self, officer_id: str, roles: Sequence[str] = (), *, email: str = "", name: str = "") -> SandboxPerson:
        """Return an officer with roles and a software passkey; the same one on every call.

        Raises:
            Miswritten: `request.conflict` for the same officer with other roles, which are given once;
                `request.malformed` for an argument of the wrong kind.
            Refused: as the desk refused it.
        """
        verify_texts(officer_id=officer_id, email=email, name=name)
        given = texts(roles, "roles")
        known = self._officers.get(officer_id)
        if known is None:
            known = self._officers[officer_id] = SandboxPerson(
                self.room, officer_id, kind="officer", email=email, name=name, roles=given
            )
        if given and set(given) != set(known.roles):
            detail = f"{officer_id} is an officer for {', '.join(known.roles) or 'nothing'} here."
            raise Miswritten("request.conflict", detail=detail, cure="Take another id for other roles.")
        return known

    def agent(
        self, client_id: str, tier: str | None = None, *, operator: str | None = None, name: str = ""
    ) -> SandboxAgent:
        """Return a registered agent with its own keys; the same one on every call.

        Its tier is `known` by default. Its operator is the trust domain of its SPIFFE ID, or its own id without one.

        Raises:
            Miswritten: `request.conflict` for the same agent with another tier or operator, which are given once;
                `request.malformed` for an argument that is no text.
            Refused: as the desk refused it.
        """
        given = {"tier": tier, "operator": operator}
        verify_texts(client_id=client_id, name=name, **{what: text for what, text in given.items() if text is not None})
        known = self._agents.get(client_id)
        if known is None:
            if operator is None:
                operator = (
                    client_id.removeprefix("spiffe://").partition("/")[0]
                    if client_id.startswith("spiffe://")
                    else client_id
                )
            tier = "known" if tier is None else tier
            known = self._agents[client_id] = SandboxAgent(
                self.room, client_id, tier=tier, operator=operator, name=name or client_id
            )
        if tier not in {None, known.tier} or operator not in {None, known.operator}:
            detail = f"{client_id} is a {known.tier} agent of {known.operator} here."
            raise Miswritten("request.conflict", detail=detail, cure="Take another id for another tier or operator.")
        return known

    def suspend(
        self,
        *,
        agent: SandboxAgent | str | None = None,
        operator: str | None = None,
        customer: SandboxCustomer | str | None = None,
        objective: str | None = None,
        reason: str = "sandbox",
    ) -> Any:  # noqa: ANN401  # JSON
        """Suspend an agent, operator, customer or objective at once. Operator and customer may be unknown to the desk.

        Raises:
            Miswritten: `request.malformed` unless it is exactly one, of the right kind.
            Refused: as the desk refused it: `agent.unknown`, `objective.unknown`.
        """
        what, whom = one_of(agent=agent, operator=operator, customer=customer, objective=objective)
        name = (
            agent.client_id
            if isinstance(agent, SandboxAgent)
            else customer.id
            if isinstance(customer, SandboxCustomer)
            else whom
        )
        verify_texts(**{what: name, "reason": reason})
        return self.room.control("POST", "/sandbox/v1/suspend", {"what": what, "name": name, "reason": reason})

    def sweep(self) -> int:
        """Run one round of the jobs at once."""
        return int(self.room.control("POST", "/sandbox/v1/sweep", {})["done"])

    def replace_facts(self, facts: Mapping[str, Any]) -> None:
        """Replace all facts. Past acts stay done.

        Raises:
            Miswritten: `settings.invalid` when they are not JSON.
            Refused: as the desk refused them.
        """
        self.room.control("PUT", "/sandbox/v1/facts", plain_object(facts, "facts", "settings.invalid"))

    def transcript(self) -> list[dict[str, Any]]:
        """Return every entry of the log in order, opened: index, kind, at, envelope, agent, customer, desk.

        All of it is verified with the client's own verifier first: each entry leads to the checkpoint signed by the
        log's key, none is missing, and no entry read before has changed.

        Raises:
            ReceiptInvalid: when any of it does not hold.
        """
        log = self._log or TranscriptReader(self.room)
        return log.read()

    def _start(self, thread: LoopThread) -> None:
        folder, url = self._place()
        raw: dict[str, Any] = {
            "server": {"issuer": _ISSUER, "host": "127.0.0.1", "port": 0, "data": "."},
            "store": {"url": url},
            "log": {"name": _name(url), "high_water": "high-water/checkpoint"},
            "desk": {"database": "desk.sqlite"},
            "words": {"secrets": "refuse", "model": "none"},
            "sandbox": {"enabled": True},
        }
        for table, values in self._settings.items():
            raw[table] = values if isinstance(values, list) else {**raw.get(table, {}), **values}
        settings = make_settings(raw, base=folder, environment={}, rules=False)
        settings.high_water.parent.mkdir(parents=True, exist_ok=True)
        catalogue = catalogue_given(self._catalogue)
        rules = RulesSource(catalogue=catalogue, policies=policies_given(self._policies), allow_unnamed=True)
        sandbox = SandboxDesk(facts=self._facts, perform=self._perform)
        self.desk = build_desk(settings, rules, sandbox=sandbox, on_point=self._on_point)
        self._shared = settings if url.startswith(_POSTGRES) else None
        self._room = Room(issuer=settings.issuer, thread=thread, transport=DirectTransport(self.desk.app))
        thread.run(self.desk.start())

    def _place(self) -> tuple[Path, str]:
        """Yield the folder of this sandbox's data, and the URL of its store; a temporary folder is deleted at the end.

        Keys are in a folder beside the SQLite file, named after it: a store is not opened without them.
        """
        given = "" if self._store is None else str(self._store)
        if given.startswith(_SQLITE):
            file = Path(given.removeprefix(_SQLITE)).absolute()
            return file.with_name(f"{file.name}.desk"), f"{_SQLITE}{file}"
        if given and "://" not in given:
            return Path(given).absolute(), _STORE
        self._own = Path(tempfile.mkdtemp(prefix="remit-sandbox-", dir=_fast_folder()))
        return self._own, given or _STORE

    def _close(self) -> None:
        if self._thread is None:
            return
        try:
            if self._room is not None:
                self._room.close(one.client for one in self._agents.values())
            if self.desk is not None:
                self._thread.run(self.desk.stop())
        finally:
            self._thread.close()
            self._thread = None
            if self._own is not None:
                shutil.rmtree(self._own, ignore_errors=True)
            if self._shared is not None:
                forget_desk(self._shared)
                self._shared = None


def _name(url: str) -> str:
    """Return the log's name: a unique one in a database shared with other desks."""
    return f"sandbox-{token_hex(8)}.remit.invalid" if url.startswith(_POSTGRES) else "sandbox.remit.invalid"


def _fast_folder() -> str | None:
    """Return the folder for files of a throwaway desk: in memory where there is plenty, else the usual temporary one.

    Its files need not survive a power cut, and waiting for a disk is half of an ask's time.
    """
    plenty = Path(_MEMORY).is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _PLENTY_BYTES
    return _MEMORY if plenty else None
