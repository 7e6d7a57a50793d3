"""Tryton from PyPI with PostgreSQL, started and killed at will. As a command it makes the database once."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).parents[1]))

from real.live_server import LiveServer, free_port
from real.postgres_cluster import PostgresCluster

INSTALLED = Path(__file__).parents[2] / ".bench" / "real" / "tryton"
KIT = Path(__file__).parent / "tryton"


class TrytonServer(LiveServer):
    """One Tryton with a ledger in which alice and bob owe 84.00 EUR each."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.database = PostgresCluster()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/tryton/rest"
        self.seed: dict[str, Any] = {}
        self._conf = home / "trytond.conf"
        wanted = {"@DATABASE@": str(self.database.folder), "@HOME@": str(home), "@PORT@": str(self.port)}
        settings = (KIT / "trytond.conf").read_text()
        for name, value in wanted.items():
            settings = settings.replace(name, value)
        self._conf.write_text(settings)
        (home / "data").mkdir()
        (home / "password").write_text("admin-pass-1")
        self.environment = {**os.environ, "TRYTONPASSFILE": str(home / "password")}

    def make_database(self) -> None:
        """Make the database and its seed."""
        self.database.make()
        self.database.start()
        self.database.create("tryton")
        wanted = ("--all", "--email", "admin@corp.test", "-u", "account", "party", "--activate-dependencies")
        self._python("trytond-admin", "-c", self._conf, "-d", "tryton", *wanted)
        uri = f"postgresql://remit@/tryton?host={self.database.folder}"
        seed = self._python("python", KIT / "seed.py", uri, self._conf).splitlines()[-1]
        for account in ("read", "act", "staff"):
            self.seed = json.loads(seed)
            change = f"""update res_user_application set state = 'validated', "user" = {self.seed[f"{account}_user"]} where key = '{self.seed[account]}'"""
            self.database.ask("tryton", change)
        (INSTALLED / "seed.json").write_text(seed)

    def command(self) -> Sequence[str | Path]:
        """The command that starts it in its folder."""
        return [INSTALLED / "v" / "bin" / "trytond", "-c", self._conf]

    def answers(self) -> bool:
        """Ask for a party."""
        return bool(self.call("GET", f"/model/party.party/{self.seed['alice']}?f=name"))

    def close(self) -> None:
        """Kill all of it."""
        self.stop()
        self.database.remove()

    def open(self) -> None:
        """Start it on what was made once."""
        self.database.load(INSTALLED / "database")
        self.database.start()
        self.seed = json.loads((INSTALLED / "seed.json").read_text())
        self.start()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call as the company's staff."""
        context = base64.urlsafe_b64encode(json.dumps({"company": self.seed["company"]}).encode()).decode()
        headers = {"authorization": f"Bearer {self.seed['staff']}", "x-tryton-context": context}
        answer = httpx.request(method, self.url + path, headers=headers, json=body, timeout=60, trust_env=False)
        if answer.status_code >= httpx.codes.BAD_REQUEST:
            raise httpx.HTTPStatusError(answer.text, request=answer.request, response=answer)
        return answer.json() if answer.content else None

    def search(self, model: str, domain: Any, *fields: str) -> Any:
        """The records of a model that fit a domain."""
        wanted = base64.urlsafe_b64encode(json.dumps(domain).encode()).decode()
        return self.call("GET", f"/model/{model}?d={wanted}" + "".join(f"&f={one}" for one in fields))

    def charge(self, who: str, amount: str) -> str:
        """Post a charge beside Remit, and give the id of its entry."""
        money, seed = {"__class__": "Decimal", "decimal": amount}, self.seed
        lines = [
            {"account": seed["receivable"], "party": seed[who], "debit": money},
            {"account": seed["revenue"], "credit": money},
        ]
        entry = {"company": seed["company"], "journal": seed["journal"], "lines": [["create", lines]]}
        made = str(self.call("POST", "/model/account.move", entry)["id"])
        self.call("POST", f"/model/account.move/{made}/post", {})
        return made

    def posted(self, who: str) -> int:
        """Count the posted credits on a customer's account."""
        domain = [["party", "=", self.seed[who]], ["move.state", "=", "posted"], ["credit", ">", 0]]
        return len(self.search("account.move.line", domain, "id"))

    def taken_back(self, entry: str) -> list[str]:
        """The amounts that were taken back of an entry, and posted."""
        domain = [["move.origin", "=", f"account.move,{entry}"], ["move.state", "=", "posted"], ["party", "!=", None]]
        return sorted(one["credit"]["decimal"] for one in self.search("account.move.line", domain, "credit"))

    def drafts(self) -> list[str]:
        """The keys of drafts."""
        return [str(one["description"]) for one in self.search("account.move", [["state", "=", "draft"]], "description")]

    def _python(self, program: str, *given: object) -> str:
        done = subprocess.run(
            [INSTALLED / "v" / "bin" / program, *map(str, given)], env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout


def main(home: Path) -> None:
    """Make the database, for every later run."""
    home.mkdir()
    server = TrytonServer(home)
    try:
        server.make_database()
        server.database.save(INSTALLED / "database")
    finally:
        server.close()


if __name__ == "__main__":
    main(INSTALLED / "making")
