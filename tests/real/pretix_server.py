"""pretix from PyPI with PostgreSQL, started and killed at will. As a command it makes the database's schema once, which takes minutes."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).parents[1]))

from real.live_server import LiveServer, free_port  # as a command it is run by its path
from real.postgres_cluster import PostgresCluster

ROOT = Path(__file__).parents[2]
INSTALLED = ROOT / ".bench" / "real" / "pretix"
KIT = Path(__file__).parent / "pretix"


class PretixServer(LiveServer):
    """One pretix with the organizer air, the event berlis, and the customers alice and bob."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.database = PostgresCluster()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/api/v1"
        self.seed: dict[str, Any] = {}
        self.customers: dict[str, str] = {}
        settings = (KIT / "pretix.cfg").read_text().replace("@HOME@", str(home)).replace("@DATABASE@", str(self.database.folder))
        (home / "pretix.cfg").write_text(settings)
        (home / "data").mkdir()
        self.environment = {**os.environ, "PRETIX_CONFIG_FILE": str(home / "pretix.cfg")}

    def make_schema(self) -> None:
        """Make the database's schema."""
        self.database.make()
        self.database.start()
        self.database.create("pretix")
        self._python("-m", "pretix", "migrate", "-v0")

    def command(self) -> Sequence[str | Path]:
        """The command that starts it in its folder."""
        return [INSTALLED / "v" / "bin" / "python", "-m", "pretix", "runserver", "--noreload", f"127.0.0.1:{self.port}"]

    def answers(self) -> bool:
        """Ask for its version."""
        return bool(self.call("GET", "/version"))

    def close(self) -> None:
        """Kill all of it."""
        self.stop()
        self.database.remove()

    def open(self) -> None:
        """Start it with customers on the schema that was made once."""
        self.database.load(INSTALLED / "database")
        self.database.start()
        self.seed = json.loads(self._python(str(KIT / "seed.py")).splitlines()[-1])
        self.start()
        for who in ("alice", "bob"):
            account = {"email": f"{who}@mail.test", "name_parts": {"_scheme": "full", "full_name": who}, "is_active": True}
            self.customers[who] = self.call("POST", "/organizers/air/customers/", account)["identifier"]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call as the company's staff."""
        headers = {"authorization": f"Token {self.seed['staff']}"}
        answer = httpx.request(method, self.url + path, headers=headers, json=body, timeout=60, trust_env=False)
        if answer.status_code >= httpx.codes.BAD_REQUEST:
            raise httpx.HTTPStatusError(answer.text, request=answer.request, response=answer)
        return answer.json()

    def booking(self, who: str = "alice") -> str:
        """A new booking of 120.00 EUR that is paid."""
        seat = {"positionid": 1, "item": self.seed["item"], "price": "120.00", "attendee_name_parts": {"full_name": who}}
        wanted = {
            "email": f"{who}@mail.test",
            "locale": "en",
            "customer": self.customers[who],
            "sales_channel": "web",
            "payment_provider": "manual",
            "status": "n",
            "positions": [seat],
        }
        code = str(self.call("POST", "/organizers/air/events/berlis/orders/", wanted)["code"])
        self.call("POST", f"/organizers/air/events/berlis/orders/{code}/mark_paid/", {"send_email": False})
        return code

    def order(self, code: str) -> Any:
        """A booking as pretix has it."""
        return self.call("GET", f"/organizers/air/events/berlis/orders/{code}/")

    def refund(self, code: str, amount: str) -> None:
        """Pay back beside Remit, as an officer does in pretix."""
        wanted = {"state": "created", "source": "admin", "amount": amount, "provider": "manual"}
        self.call("POST", f"/organizers/air/events/berlis/orders/{code}/refunds/", wanted)

    def giftcard(self, code: str) -> str:
        """A new gift card of a booking, with 10.00 EUR on it."""
        ticket = self.order(code)["positions"][0]["id"]
        card = {"secret": secrets.token_hex(6).upper(), "value": "10.00", "currency": "EUR", "owner_ticket": ticket}
        return str(self.call("POST", "/organizers/air/giftcards/", card)["id"])

    def transactions(self, card: str) -> int:
        """Count the changes of a gift card, its first value included."""
        return len(self.call("GET", f"/organizers/air/giftcards/{card}/transactions/")["results"])

    def _python(self, *given: str) -> str:
        done = subprocess.run(
            [INSTALLED / "v" / "bin" / "python", *given],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout


def main(home: Path) -> None:
    """Make the schema, for every later run."""
    home.mkdir()
    server = PretixServer(home)
    try:
        server.make_schema()
        server.database.save(INSTALLED / "database")
    finally:
        server.close()


if __name__ == "__main__":
    main(INSTALLED / "making")
