"""npm `oidc-provider` as the federated issuer: its discovery, its keys and its tokens, for one workload and not for the other."""

import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from attacks.arena import ISSUER, SEND_BACK, Arena, code_of, mandate, open_arena
from attacks.arrivals import ArrivingAgent, Named
from conformance.identity_peers import PEERS
from provider.real import MISSING, MODULES, THERE, free_port

pytestmark = pytest.mark.skipif(not THERE, reason=f"remit: NOT RUN: {MISSING}")
AGENT = "build"


class Platform(Named):
    """A workload that asks its platform for a token whenever it needs one."""

    def __init__(self, issuer: str, workload: str = "build-live", resource: str = ISSUER) -> None:
        super().__init__(AGENT)
        self.issuer, self.workload, self.resource = issuer, workload, resource

    def credentials(self, **_: Any) -> dict[str, str]:
        form = {"grant_type": "client_credentials", "resource": self.resource}
        answer = httpx.post(f"{self.issuer}/token", data=form, auth=(self.workload, "of a test alone"))
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        return {"client_id": AGENT, "client_assertion_type": kind, "client_assertion": answer.json()["access_token"]}


@pytest.fixture
def issuer() -> Iterator[str]:
    port = free_port()
    command = [str(shutil.which("node")), str(PEERS / "federated_issuer.mjs"), str(MODULES), str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


@pytest.fixture
def at(issuer: str) -> Iterator[Arena]:
    rule = {"issuer": issuer, "subject": "build-live", "agent": AGENT, "claims": {"environment": "live"}}
    with open_arena(settings={"federation": [rule]}) as one:
        yield one


def test_a_workload_of_the_platform_goes_the_whole_way(at: Arena, issuer: str) -> None:
    keys, identity = {"federated_issuer": issuer}, Platform(issuer)
    build = ArrivingAgent(at.room, AGENT, method="federated_jwt", keys=keys, identity=identity, dress=lambda _: None)
    task = build.open(at.anna.grant(build, mandate()))
    assert at.anna.confirm(task.ask("order.return", SEND_BACK)).outcome == "done"
    for other, code in (
        (Platform(issuer, "build-test"), "agent.unknown"),
        (Platform(issuer, resource="https://other.example"), "credential.wrong_audience"),
    ):
        answer = at.form("/oauth/introspect", {**other.credentials(), "token": "x"})
        assert code_of(answer) == code, answer.json()
