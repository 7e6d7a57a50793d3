"""The token that goes to a backoffice with each act, beside those that the transaction tokens draft prints."""

import json
import re
from typing import Any

from attacks.arena import ISSUER, SEND_BACK, open_arena
from conformance.harness import vector_set
from contracts.identity_minting import without
from remit.ports.backoffice import Act
from remit.proof.canonical import unb64url
from remit.wiring.backoffice import sign_act_token

TOKENS = vector_set("transaction-tokens")
EXAMPLES = TOKENS.read()["examples"]
BOOKS = "https://books.acme.example/records"
ACT = Act(
    key="act-1",
    action="order.return",
    params=SEND_BACK,
    customer="anna",
    case="case_1",
    versions={},
    confirmed_by=("customer",),
    decision="permit",
)


def printed(number: int) -> dict[str, Any]:
    """Give an example without its comments."""
    found: dict[str, Any] = json.loads(re.sub(r"//.*", "", EXAMPLES[number]["text"]))
    return found


@TOKENS.each([f"{number} {one['section']}" for number, one in enumerate(EXAMPLES)])
def test_our_token_has_the_members_of_the_printed_one(check: str) -> None:
    with open_arena() as arena:
        signed = sign_act_token(arena.context.signer, arena.context.world, ISSUER, BOOKS, ACT)
    header, claims = (json.loads(unb64url(part)) for part in signed.split(".")[:2])
    match check.partition(" ")[0]:
        case "0":
            assert (header["typ"], header.keys()) == (printed(0)["typ"], printed(0).keys())
        case "2":
            assert {"decision", "params"} <= claims["tctx"].keys()
            assert printed(2).keys() <= claims.keys()
        case _:
            assert without(printed(3), "rctx").keys() <= claims.keys()
            assert (claims["aud"], claims["txn"], claims["sub"], claims["scope"]) == (BOOKS, "act-1", "anna", "order.return")
            assert 0 < claims["exp"] - claims["iat"] <= printed(3)["exp"] - printed(3)["iat"]
