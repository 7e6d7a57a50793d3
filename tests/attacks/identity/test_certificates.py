"""An agent by X.509-SVID: its certificate counts from the desk's own TLS front alone, and by its own trust domain's bundle alone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from attacks.arena import SEND_BACK, SHOP, Arena, code_of, mandate, open_arena
from attacks.arrivals import FRONT, ArrivingAgent, Named, presenting
from contracts.certificate_minting import Certified, authority, bundle, certified, svid
from contracts.identity_minting import write_json
from remit.sandbox.workloads import REDIRECT

OURS = authority()


@pytest.fixture
def at() -> Iterator[Arena]:
    with open_arena(settings=FRONT) as one:
        yield one


def agent(at: Arena, folder: Path, *chain: Certified, trusts: tuple[Certified, ...] = (OURS,), client_id: str = SHOP) -> ArrivingAgent:
    """An agent of helper.example that presents this chain."""
    file = write_json(folder / "bundle.json", bundle(*trusts))
    keys = {"bundle_file": str(file), "trust_domain": "helper.example"}
    return ArrivingAgent(at.room, client_id, method="spiffe_x509", keys=keys, identity=Named(client_id), dress=presenting(*chain))


def pushed(at: Arena, client_id: str, headers: dict[str, str], **form: str) -> httpx.Response:
    """A request for a mandate, by hand."""
    fields = {"client_id": client_id, "response_type": "code", "redirect_uri": REDIRECT, **form}
    return at.form("/oauth/par", fields, headers=headers)


def refused(at: Arena, one: ArrivingAgent, code: str) -> None:
    """Nothing is pushed."""
    answer = pushed(at, one.client_id, header(one))
    assert code_of(answer) == code, answer.json()
    assert answer.json()["error"] == "invalid_client"


def header(one: ArrivingAgent) -> dict[str, str]:
    request = httpx.Request("POST", "http://localhost/")
    one.dress(request)
    return {name: value for name, value in request.headers.items() if name.startswith("client-cert")}


@pytest.mark.proves("X509-SVID")
def test_an_agent_by_its_certificate_goes_the_whole_way(at: Arena, tmp_path: Path) -> None:
    shop = agent(at, tmp_path, svid(OURS))
    task = shop.open(at.anna.grant(shop, mandate()))
    done = at.anna.confirm(task.ask("order.return", SEND_BACK))
    assert done.outcome == "done"
    assert at.recorded("task.opened")["envelope"]["agent"] == SHOP


@pytest.mark.proves("X509-SVID")
def test_after_the_end_the_certificate_still_asks_for_the_outcome_and_another_one_does_not(at: Arena, tmp_path: Path) -> None:
    shop = agent(at, tmp_path, svid(OURS))
    task = shop.open(at.anna.grant(shop, mandate()))
    reply = task.ask("order.read", {"order_id": "W1"})
    task.complete()
    path = f"/v1/asks/{reply.ask}"

    def outcome(certificate: Certified) -> httpx.Response:
        headers = {"client-id": SHOP, "client-cert": certificate.field, "dpop": at.proof(shop, "GET", path)}
        return at.room.raw("GET", path, headers=headers, check=False)

    assert outcome(svid(OURS)).json()["outcome"] == "done"
    assert code_of(outcome(svid(authority()))) == "credential.wrong_key"


@pytest.mark.proves("X509-SVID")
def test_a_certificate_below_an_intermediate_that_the_front_hands_on_counts(at: Arena, tmp_path: Path) -> None:
    between = authority(by=OURS)
    shop = agent(at, tmp_path, svid(between), between)
    assert shop.push(mandate())
    shop.dress = presenting(svid(between))
    refused(at, shop, "credential.wrong_key")


@pytest.mark.proves("X509-SVID")
def test_a_header_that_a_client_writes_itself_is_nothing(tmp_path: Path) -> None:
    """Without a front, and from another address than the front's, the same header proves nobody."""
    for settings in ({}, {"mtls": {"proxies": ["10.9.8.7"]}}):
        with open_arena(settings=settings) as at:
            refused(at, agent(at, tmp_path, svid(OURS)), "credential.missing")


@pytest.mark.proves("X509-SVID")
def test_two_certificates_of_one_caller_are_refused(at: Arena, tmp_path: Path) -> None:
    shop = agent(at, tmp_path, svid(OURS))
    own = [("content-type", "application/x-www-form-urlencoded"), ("client-cert", svid(OURS).field), ("client-cert", svid(OURS).field)]
    answer = at.pairs("POST", "/oauth/par", own, f"client_id={shop.client_id}".encode())
    assert answer.status_code == 401
    assert b"credential.malformed" in at.run(answer.aread())


DEFECTS: dict[str, dict[str, Any]] = {
    "a signing certificate": {"ca": True, "named": ("digital_signature",)},
    "may sign certificates": {"named": ("digital_signature", "key_cert_sign")},
    "may sign revocation lists": {"named": ("digital_signature", "crl_sign")},
    "may not sign": {"named": ("key_encipherment",)},
    "no key usage": {"named": None},
    "two names": {"uris": (SHOP, "spiffe://helper.example/bank")},
    "no name": {"uris": ()},
    "the trust domain itself": {"uris": ("spiffe://helper.example",)},
    "no SPIFFE ID": {"uris": ("https://helper.example/shop",)},
    "for servers alone": {"extended": certified("x", None).certificate.signature_algorithm_oid},
}


@pytest.mark.proves("X509-SVID")
@pytest.mark.parametrize("defect", DEFECTS)
def test_a_leaf_that_is_no_workloads_own_is_refused(at: Arena, tmp_path: Path, defect: str) -> None:
    refused(at, agent(at, tmp_path, svid(OURS, **DEFECTS[defect])), "credential.malformed")


@pytest.mark.proves("X509-SVID")
def test_the_authority_itself_cannot_authenticate(at: Arena, tmp_path: Path) -> None:
    refused(at, agent(at, tmp_path, OURS), "credential.malformed")


@pytest.mark.proves("X509-SVID")
def test_an_expired_certificate_is_refused(at: Arena, tmp_path: Path) -> None:
    old = svid(OURS, at=datetime.now(tz=UTC) - timedelta(hours=2))
    refused(at, agent(at, tmp_path, old), "credential.expired")


@pytest.mark.proves("X509-SVID")
def test_a_certificate_with_a_critical_part_that_is_not_understood_is_refused(at: Arena, tmp_path: Path) -> None:
    refused(at, agent(at, tmp_path, svid(OURS, odd=True)), "credential.wrong_key")


@pytest.mark.proves("X509-SVID")
def test_another_authority_of_the_same_name_is_refused(at: Arena, tmp_path: Path) -> None:
    refused(at, agent(at, tmp_path, svid(authority())), "credential.wrong_key")


@pytest.mark.proves("X509-SVID")
def test_a_foreign_trust_domain_speaks_for_nobody_here(at: Arena, tmp_path: Path) -> None:
    """Neither by its own authority, nor by a name of its own below ours, nor with a bundle that was mixed."""
    foreign = authority("other.example")
    refused(at, agent(at, tmp_path, svid(foreign)), "credential.wrong_key")
    other = svid(OURS, "spiffe://other.example/shop")
    refused(at, agent(at, tmp_path, other, client_id=SHOP), "agent.unknown")
    refused(at, agent(at, tmp_path, svid(OURS, "spiffe://helper.example/bank")), "agent.unknown")


@pytest.mark.proves("X509-SVID")
def test_an_authority_of_this_machine_proves_nothing(at: Arena, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system trusts for the web is not asked: only the bundle is."""
    public = certified("Public Authority", None, ca=True, named=("key_cert_sign", "crl_sign"))
    file = tmp_path / "system.pem"
    file.write_text(f"-----BEGIN CERTIFICATE-----\n{public.field.strip(':')}\n-----END CERTIFICATE-----\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    refused(at, agent(at, tmp_path, svid(public)), "credential.wrong_key")


@pytest.mark.proves("X509-SVID")
def test_an_intermediate_that_may_not_sign_breaks_the_chain(at: Arena, tmp_path: Path) -> None:
    for wrong in (svid(OURS, "spiffe://helper.example/between"), authority(by=OURS, named=("digital_signature",))):
        refused(at, agent(at, tmp_path, svid(wrong), wrong), "credential.malformed")


@pytest.mark.proves("X509-SVID")
def test_a_bundle_without_x509_authorities_lets_nobody_in(at: Arena, tmp_path: Path) -> None:
    shop = agent(at, tmp_path, svid(OURS))
    write_json(tmp_path / "bundle.json", bundle(jwt=True))
    at.clock.ahead_ms = 400_000
    refused(at, shop, "credential.wrong_key")


@pytest.mark.proves("X509-SVID")
def test_an_agent_registered_for_assertions_is_not_its_certificate(at: Arena) -> None:
    known = at.agent()
    answer = pushed(at, known.client_id, {"client-cert": svid(OURS).field})
    assert code_of(answer) == "credential.malformed"
    assert "private_key_jwt" in answer.json()["error_description"]
