"""The allow-list of federated workloads, on paper; the doors have the rest."""

from typing import Any

import pytest

from contracts.identity_minting import ISSUER, NOW, NOW_S, mint
from remit.domain.errors import Code, Refused
from remit.domain.identity.federation import FederationRule, federated_agent, verify_federated_claims
from remit.domain.identity.jws import read

RULE = FederationRule(issuer="https://ci.example", subject="shop", agent="shop", claims={"live": True})
OWN = FederationRule(issuer="https://ci.example", subject="bank", agent="bank", audience="urn:desk")
RULES = (RULE, OWN)


def claims(**changed: Any) -> dict[str, Any]:
    return {"iss": "https://ci.example", "sub": "shop", "aud": ISSUER, "exp": NOW_S + 300, "live": True, **changed}


def verified(client_id: str = "shop", typ: Any = "JWT", **changed: Any) -> FederationRule:
    header = {"alg": "ES256", **({} if typ is None else {"typ": typ})}
    return verify_federated_claims(read(mint(header, claims(**changed))), RULES, client_id=client_id, issuer=ISSUER, now=NOW)[0]


def test_a_subject_is_its_agent_and_an_audience_of_its_own_counts() -> None:
    assert federated_agent(claims(), RULES) == "shop"
    assert federated_agent(claims(iss="https://other.example"), RULES) is None
    for typ in ("JWT", "jwt", "at+jwt", "application/at+jwt", None):
        assert verified(typ=typ) is RULE
    assert verified("bank", sub="bank", aud=["urn:desk"]) is OWN


@pytest.mark.parametrize(
    ("client_id", "typ", "changed", "code"),
    [
        ("shop", "dpop+jwt", {}, Code.CREDENTIAL_MALFORMED),
        ("shop", 1, {}, Code.CREDENTIAL_MALFORMED),
        ("bank", "JWT", {}, Code.AGENT_UNKNOWN),
        ("bank", "JWT", {"sub": "bank"}, Code.CREDENTIAL_WRONG_AUDIENCE),
        ("shop", "JWT", {"live": 1}, Code.AGENT_UNKNOWN),
        ("shop", "JWT", {"sub": "shops"}, Code.AGENT_UNKNOWN),
        ("shop", "JWT", {"exp": NOW_S}, Code.CREDENTIAL_EXPIRED),
        ("shop", "JWT", {"exp": NOW_S + 7300}, Code.CREDENTIAL_MALFORMED),
    ],
)
def test_anything_else_is_refused(client_id: str, typ: Any, changed: dict[str, Any], code: Code) -> None:
    with pytest.raises(Refused) as caught:
        verified(client_id, typ, **changed)
    assert caught.value.code is code
