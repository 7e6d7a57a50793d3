"""npm `web-bot-auth` as a stranger: it asks for a mandate, Anna grants it, it opens a case by its signatures alone."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from attacks.arena import ISSUER, Arena, code_of, mandate, open_arena
from attacks.arrivals import ArrivingAgent, Named
from attacks.strangers import ON
from conformance.identity_peers import NO_BOT, PEERS, SIGNERS
from contracts.message_signing import digest
from remit.client import calls, responses

pytestmark = pytest.mark.skipif(bool(NO_BOT), reason=NO_BOT)
FORM = "application/x-www-form-urlencoded"


class Bot:
    """The running peer."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        said = self._line()
        self.origin, self.keyid = str(said["origin"]), str(said["keyid"])

    def _line(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def sign(self, method: str, url: str, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers with which the peer signs a request."""
        assert self._process.stdin is not None
        print(json.dumps({"method": method, "url": url, "headers": dict(headers)}), file=self._process.stdin, flush=True)
        return {name.lower(): value for name, value in self._line().items()}

    def dress(self, request: httpx.Request) -> None:
        """Sign a request of our own client."""
        request.headers.pop("dpop", None)
        request.headers["signature-agent"] = f'"{self.origin}"'
        if request.content:
            request.headers["content-digest"] = digest(request.content)
        given = {name.lower(): value for name, value in request.headers.items()}
        request.headers.update(self.sign(request.method, str(request.url), given))


@pytest.fixture
def bot() -> Iterator[Bot]:
    node = str(shutil.which("node"))
    command = [node, str(PEERS / "web_bot_auth.mjs"), str(SIGNERS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Bot(process)
        finally:
            process.kill()


class Met(ArrivingAgent):
    """A stranger by the peer's signatures, which may send another redirect address than a registered agent."""

    def __init__(self, arena: Arena, bot: Bot) -> None:
        identity = Named(bot.origin)
        super().__init__(arena.room, bot.origin, method="web_bot_auth", keys={}, identity=identity, dress=bot.dress, register=False)
        self.bot = bot

    def push(self, wanted: Mapping[str, Any]) -> tuple[str, str]:
        answered = self.call(
            lambda desk: calls.pushed_request(
                desk,
                details=json.dumps([dict(wanted)]),
                redirect_uri=f"{self.bot.origin}/done",
                state="s",
                challenge=CHALLENGE,
                jkt=self.bot.keyid,
            )
        )
        return responses.read_pushed(answered).request_uri, "s"

    def redeem(self, redirect: str, state: str) -> Mapping[str, Any]:
        assert state == "s"
        code = str(httpx.URL(redirect).params["code"])
        answered = self.call(lambda desk: calls.code_grant(desk, code=code, redirect_uri=f"{self.bot.origin}/done", verifier=VERIFIER))
        body: Mapping[str, Any] = answered.json()  # type: ignore[assignment]  # the desk's own JSON
        return body


VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
"""The pair of RFC 7636 appendix B."""


def test_web_bot_auth_goes_as_far_as_a_stranger_may(bot: Bot) -> None:
    with open_arena(settings=ON) as at:
        agent = Met(at, bot)
        task = agent.open(at.anna.grant(agent, mandate()))
        assert at.recorded("agent.registered")["envelope"]["agent"] == bot.origin
        assert task.ask("case.open", {"subject": "The kettle", "text": "I would like to send back the kettle."}).outcome == "done"
        assert task.ask("order.read", {"order_id": "W1"}).codes == ["agent.untrusted"]


def test_the_peers_default_signature_covers_too_little_for_this_desk(bot: Bot) -> None:
    """`@authority` and `signature-agent` say who calls, and nothing about what is asked: the answer names what is missing."""
    with open_arena(settings=ON) as at:
        body = b"response_type=code"
        headers = {"content-type": FORM, "signature-agent": f'"{bot.origin}"'}
        signed = bot.sign("POST", f"{ISSUER}/oauth/par", headers)
        answer = at.room.raw("POST", "/oauth/par", headers={**headers, **signed}, content=body, check=False)
        assert code_of(answer) == "credential.malformed"
        assert "Content-Digest" in answer.json()["error_description"]
