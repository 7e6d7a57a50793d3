"""A small directory that speaks LDAP as real ones do, loose comparison included, and breaks on demand."""

import asyncio
import re
import ssl
import tomllib
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from contracts.desk_plugs import StandingWorld
from contracts.http_desk import LoopThread
from remit.adapters.backoffice.directory import ber
from remit.adapters.backoffice.directory.client import DirectoryBackoffice
from remit.adapters.backoffice.directory.connection import Account, Directory
from remit.adapters.backoffice.directory.rules import DirectoryRules, read_directory_rules
from remit.adapters.builtin_desk.database import DeskDatabase
from remit.domain.catalogue.model import Catalogue
from remit.domain.policy.rulebook import read_catalogue
from remit.domain.values import Json
from remit.ports.backoffice import Act

EXAMPLES = Path(__file__).parents[2] / "examples" / "directory"
READER, ACTOR = ("reader", "reads"), ("actor", "acts")
SUCCESS, NO_ATTRIBUTE, EXISTS, NO_OBJECT, BAD_PASSWORD, ALREADY, ASSERTION = 0, 16, 20, 32, 49, 68, 122
VERSIONS = {"openldap": "entrycsn", "active-directory": "usnchanged"}
MARK = "admindescription"


def loose(value: bytes) -> str:
    """A value as directories compare it."""
    return " ".join(unicodedata.normalize("NFKC", value.decode(errors="replace")).casefold().split())


class SmallDirectory:
    """Entries in memory: people and groups of the example, by DN in small letters."""

    def __init__(self, system: str) -> None:
        base = "dc=corp,dc=example" if system == "openldap" else "dc=ad,dc=corp,dc=example"
        self.version = VERSIONS[system]
        name, person, group = ("uid", "inetOrgPerson", "groupOfNames") if system == "openldap" else ("sAMAccountName", "user", "group")
        self.people, self.groups, self.acts = f"ou=people,{base}", f"ou=groups,{base}", f"ou=acts,{base}"
        self.entries: dict[str, dict[str, list[bytes]]] = {}
        self.moves = 0
        self.breaks: list[str] = []
        self.writes: list[tuple[str, str]] = []
        self.binds: list[tuple[str, str, bool]] = []
        self.answers: list[bytes] = []
        self.surplus = 0
        for one in ("alice", "bob"):
            self.put(
                f"cn={one},{self.people}",
                objectclass=person, mail=f"{one}@corp.example", employeenumber="1001", cn=f"{one.title()} Lee",
                displayname=f"{one.title()} Lee", userpassword="s3cret", unicodepwd="s3cret", useraccountcontrol="512", **{name.lower(): one},
            )  # fmt: skip
        for one, owner in (("payroll-readers", "bob"), ("newsletter", "alice")):
            owned = {"owner": f"cn={owner},{self.people}", "managedby": f"cn={owner},{self.people}"}
            self.put(f"cn={one},{self.groups}", objectclass=group, cn=one, samaccountname=one, description=one.title(), **owned)

    def put(self, dn: str, **values: str) -> None:
        """Write an entry beside Remit."""
        held = self.entries.setdefault(dn.lower(), {})
        held |= {attribute: [value.encode()] for attribute, value in values.items()}
        self.move(dn)

    def move(self, dn: str) -> None:
        self.moves += 1
        self.entries[dn.lower()][self.version] = [str(self.moves).encode()]

    def person(self, name: str) -> dict[str, list[bytes]]:
        return self.entries[f"cn={name},{self.people}"]

    def group(self, name: str) -> dict[str, list[bytes]]:
        return self.entries[f"cn={name},{self.groups}"]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        bound, queued = "", list[tuple[int, bytes]]()
        try:
            while True:
                head = await reader.readexactly(2)
                head += await reader.readexactly(head[1] & 0x7F if head[1] & 0x80 else 0)
                number, (tag, content), *controls = ber.elements(await reader.readexactly(ber.measure(head)[1]))
                number = ber.decode_number(number[1])
                asserted = self._asserted(controls[0][1]) if controls else None
                in_transaction = bool(controls) and b"1.3.6.1.1.21.2" in controls[0][1]
                if self.answers:
                    writer.write(self.answers.pop(0))
                elif tag == 0x60:
                    bound, code = self._bind(content)
                    self._answer(writer, number, 0x61, code)
                elif tag == 0x63:
                    self._search(writer, number, content)
                elif tag == 0x77:
                    name = next(ber.elements(content))[1]
                    if name == b"1.3.6.1.1.21.1":
                        self._answer(writer, number, 0x78, SUCCESS, ber.octets(b"", 0x8B))
                    else:
                        await self._write(writer, number, 0x78, queued, bound)
                        queued = []
                elif tag in {0x66, 0x68}:
                    if in_transaction:
                        queued.append((tag, content if asserted is None else content + asserted))
                        self._answer(writer, number, tag + 1, SUCCESS)
                    else:
                        await self._write(writer, number, tag + 1, [(tag, content)], bound)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _asserted(self, controls: bytes) -> bytes | None:
        for _, control in ber.elements(controls):
            parts = list(ber.elements(control))
            if parts[0][1] == b"1.3.6.1.1.12":
                return parts[-1][1]
        return None

    def _answer(self, writer: asyncio.StreamWriter, number: int, tag: int, code: int, more: bytes = b"") -> None:
        result = ber.element(tag, ber.number(code, ber.ENUMERATED), ber.octets(""), ber.octets("what a server says"), more)
        writer.write(ber.element(ber.SEQUENCE, ber.number(number), result))

    def _bind(self, content: bytes) -> tuple[str, int]:
        _, name, password = (value for _, value in ber.elements(content))
        account = (name.decode(), password.decode())
        self.binds.append((*account, account in {READER, ACTOR}))
        return account[0], SUCCESS if account in {READER, ACTOR} else BAD_PASSWORD

    def _search(self, writer: asyncio.StreamWriter, number: int, content: bytes) -> None:
        base, scope, _, most, _, _, where, wanted = ber.elements(content)
        place, names = base[1].decode().lower(), [value.decode() for _, value in ber.elements(wanted[1])]
        found = [
            (dn, held)
            for dn, held in sorted(self.entries.items())
            if (dn == place if ber.decode_number(scope[1]) == 0 else dn.endswith(place)) and self._fits(held, *where)
        ]
        for dn, held in found[: ber.decode_number(most[1]) + self.surplus]:
            given = [
                ber.element(ber.SEQUENCE, ber.octets(name), ber.element(ber.SET, *map(ber.octets, held[name.lower()])))
                for name in names
                if name.lower() in held
            ]
            entry = ber.element(0x64, ber.octets(dn), ber.element(ber.SEQUENCE, *given))
            writer.write(ber.element(ber.SEQUENCE, ber.number(number), entry))
        self._answer(writer, number, 0x65, SUCCESS)

    def _fits(self, held: dict[str, list[bytes]], tag: int, content: bytes) -> bool:
        if tag == 0xA0:
            return all(self._fits(held, *one) for one in ber.elements(content))
        if tag == 0x87:
            return content.decode().lower() in held
        assert tag == 0xA3, f"a filter of another kind: {tag:x}"
        (_, attribute), (_, value) = ber.elements(content)
        return loose(value) in map(loose, held.get(attribute.decode().lower(), ()))

    async def _write(self, writer: asyncio.StreamWriter, number: int, tag: int, writes: list[tuple[int, bytes]], bound: str) -> None:
        broken = self.breaks.pop(0) if self.breaks else ""
        if broken == "before":
            raise ConnectionResetError
        if broken.startswith("code "):
            self._answer(writer, number, tag, int(broken.removeprefix("code ")))
            return
        code = self._apply(writes, bound)
        if broken == "after":
            raise ConnectionResetError
        self._answer(writer, number, tag, code)

    def _apply(self, writes: list[tuple[int, bytes]], bound: str) -> int:
        kept = {dn: {name: list(values) for name, values in held.items()} for dn, held in self.entries.items()}
        for tag, content in writes:
            code = self._add(content, bound) if tag == 0x68 else self._modify(content, bound)
            if code != SUCCESS:
                self.entries = kept
                return code
        return SUCCESS

    def _add(self, content: bytes, bound: str) -> int:
        (_, dn), (_, attributes) = ber.elements(content)
        if dn.decode().lower() in self.entries:
            return ALREADY
        held = self.entries[dn.decode().lower()] = {}
        for _, one in ber.elements(attributes):
            (_, name), (_, values) = ber.elements(one)
            held[name.decode().lower()] = [value for _, value in ber.elements(values)]
        self.move(dn.decode())
        self.writes.append((bound, "add"))
        return SUCCESS

    def _modify(self, content: bytes, bound: str) -> int:
        (_, name), (_, changes), *asserted = ber.elements(content)
        held = self.entries.get(name.decode().lower())
        if held is None:
            return NO_OBJECT
        if asserted and not self._fits(held, *asserted[0]):
            return ASSERTION
        for _, change in ber.elements(changes):
            code = self._change(held, change)
            if code != SUCCESS:
                return code
            self.writes.append((bound, next(value for tag, value in ber.elements(list(ber.elements(change))[1][1])).decode()))
        self.move(name.decode())
        return SUCCESS

    def _change(self, held: dict[str, list[bytes]], change: bytes) -> int:
        (_, operation), (_, described) = ber.elements(change)
        (_, raw), (_, given) = ber.elements(described)
        name, values = raw.decode().lower(), [value for _, value in ber.elements(given)]
        there = held.get(name, [])
        match ber.decode_number(operation):
            case 0:
                if set(there) & set(values) or (name == MARK and there):
                    return EXISTS
                there = there + values
            case 1:
                if not there or not set(values) <= set(there):
                    return NO_ATTRIBUTE
                there = [value for value in there if values and value not in values]
            case _:
                there = values
        held.pop(name, None)
        if there:
            held[name] = there
        return SUCCESS


class Directed:
    """The small directory, the adapter before it, and a loop for both."""

    def __init__(
        self, server: SmallDirectory, url: str, rules: DirectoryRules, catalogue: Catalogue, folder: Path, loop: LoopThread
    ) -> None:
        self.server, self.url, self.rules, self.catalogue = server, url, rules, catalogue
        self.world = StandingWorld()
        self._loop, self.folder = loop, folder
        self._open: list[DirectoryBackoffice] = []
        self.database = DeskDatabase(folder / "desk.db")
        self.backoffice = self.another()

    def directory(self, *, acting: tuple[str, str] = ACTOR, url: str = "", tls: ssl.SSLContext | None = None) -> Directory:
        return Directory(
            url or self.url,
            tls=tls or ssl.create_default_context(),
            world=self.world,
            reading=Account(*READER),
            acting=Account(*acting),
            allow_loopback=True,
        )

    def another(self, **rules: Any) -> DirectoryBackoffice:
        """A second adapter on the same journal, as another node has."""
        file = replace(self.rules, **rules)
        made = DirectoryBackoffice(self.directory(), self.world, file, self.catalogue, self.database)
        self._open.append(made)
        return made

    def run(self, work: Any) -> Any:
        return self._loop.submit(work).result(20)

    def all(self, *work: Any) -> Any:
        async def together() -> Any:
            return await asyncio.gather(*work, return_exceptions=True)

        return self.run(together())

    def act(self, action: str, record: str, *, customer: str = "alice", key: str = "act_1", **more: Json) -> Act:
        """An act on a record as it stands, or as `version` says."""
        kind = "group" if action.startswith("group.") else "account"
        (fact,) = self.run(self.backoffice.facts([(kind, record)], customer=customer))
        version = more.pop("version", fact.version if fact else "1")
        return Act(
            key=key,
            action=action,
            params={f"{kind}_id": record, **more},
            customer=customer,
            case="case_1",
            versions={(kind, record): str(version)},
            confirmed_by=("customer",),
            decision="ask_1",
        )

    def close(self) -> None:
        async def end() -> None:
            for one in self._open:
                one.close()

        self.run(end())
        self.database.close()


def directory_catalogue() -> Catalogue:
    return read_catalogue(tomllib.loads((EXAMPLES / "rules" / "catalogue.toml").read_text()), today=None)


def rules_text(system: str) -> str:
    return (EXAMPLES / system / "directory.toml").read_text()


def rules_in(folder: Path, text: str) -> DirectoryRules:
    (folder / "directory.toml").write_text(re.sub(r"(?m)^version = 1$", "version = 1\npad_ms = 0", text))
    return read_directory_rules(folder / "directory.toml", directory_catalogue())


@contextmanager
def small_directory(folder: Path, system: str, *, tls: ssl.SSLContext | None = None) -> Iterator[Directed]:
    server, loop = SmallDirectory(system), LoopThread()

    async def begin() -> asyncio.Server:
        return await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)

    listening = loop.submit(begin()).result(20)
    port = listening.sockets[0].getsockname()[1]
    rules = rules_in(folder, rules_text(system))
    made = Directed(server, f"{'ldap' if tls is None else 'ldaps'}://127.0.0.1:{port}", rules, directory_catalogue(), folder, loop)
    try:
        yield made
    finally:
        made.close()
        loop.loop.call_soon_threadsafe(listening.close)
        loop.close()
