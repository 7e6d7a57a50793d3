"""Events of hosted helpdesks as they send them: bodies of the vendors' references, signed with openssl beside Remit.

Source: docs/model/model.md#helpdesk-events.
"""

import json
from collections.abc import Mapping

import httpx
import pytest

from attacks.arena import Arena
from remit.domain.errors import Code, Refused
from remit.domain.identity.event_signatures import EVENT_SCHEMES, event_ticket, verify_event
from remit.domain.values import Instant

SECRET = b"a secret of the helpdesk"
AT = Instant(1_764_439_200_000)
STAMP = "2025-11-29T18:00:00Z"
INTERCOM = (
    '{"type":"notification_event","app_id":"ly2cg1p9","data":{"type":"notification_event_data","item":{"type":"ticket","id":"631",'
    '"ticket_id":"38","open":false}},"links":{},"id":"notif_8c12a3f0-2b57-11f0-9a3b-2f1f5f3d6f0e","topic":"ticket.closed",'
    '"delivery_status":"pending","delivery_attempts":1,"delivered_at":0,"first_sent_at":1764439200,"created_at":1764439200,"self":null}'
)
JIRA = (
    '{"timestamp":1764439200123,"webhookEvent":"comment_created","comment":{"id":"10042","jsdPublic":true},'
    '"issue":{"id":"10017","key":"SUP-17","fields":{"summary":"Kettle"}}}'
)
BY_TEMPLATE = '{"ticket": "35436"}'
GOLDEN: dict[str, tuple[str, dict[str, str], str]] = {
    "intercom": (INTERCOM, {"x-hub-signature": "sha1=ad92f7374668da76e1c17982868d7eb3a602aa6e"}, "631"),
    "zendesk": (
        BY_TEMPLATE,
        {
            "x-zendesk-webhook-signature": "1socHV5q7VRMYmSrTlP+7B159qO4YoghJF7YbBXCgEs=",
            "x-zendesk-webhook-signature-timestamp": STAMP,
        },
        "35436",
    ),
    "freshdesk": (BY_TEMPLATE, {"x-remit-secret": SECRET.decode()}, "35436"),
    "jira": (
        JIRA,
        {"x-hub-signature": "sha256=d2f00d65798df8d81132112a35567796ba91fe8833de6baef5eddca4f895c3de"},
        "10017",
    ),
}


def verify(product: str, body: str, headers: Mapping[str, str], *, at_ms: int = AT) -> None:
    verify_event(EVENT_SCHEMES[product], SECRET, lambda name: headers.get(name, ""), body.encode(), Instant(at_ms))


def code(product: str, body: str, headers: Mapping[str, str], *, at_ms: int = AT) -> Code:
    with pytest.raises(Refused) as refused:
        verify(product, body, headers, at_ms=at_ms)
    return refused.value.code


@pytest.mark.proves("HELPDESK-EVENT")
@pytest.mark.parametrize("product", GOLDEN)
def test_an_event_as_the_product_signs_it_names_its_ticket(product: str) -> None:
    body, headers, ticket = GOLDEN[product]
    verify(product, body, headers)
    assert event_ticket(EVENT_SCHEMES[product], json.loads(body)) == ticket


@pytest.mark.proves("HELPDESK-EVENT")
@pytest.mark.parametrize("product", GOLDEN)
def test_an_event_of_a_hosted_product_that_is_not_signed_as_agreed_is_refused(product: str) -> None:
    """⚔ Without the header, with another product's, with a letter changed, and where one is signed for another body."""
    body, headers, _ = GOLDEN[product]
    (name, *_), (value, *_) = headers, headers.values()
    assert code(product, body, {}) is Code.CREDENTIAL_MISSING
    assert code(product, body, {**headers, name: value[:-2] + "00"}) is Code.CREDENTIAL_WRONG_KEY
    assert code(product, body, {**headers, name: f"{value} "}) is Code.CREDENTIAL_WRONG_KEY
    if EVENT_SCHEMES[product].algorithm:
        assert code(product, body.replace("4", "5", 1), headers) is Code.CREDENTIAL_WRONG_KEY
        assert code(product, body, {**headers, name: SECRET.decode()}) is Code.CREDENTIAL_WRONG_KEY


@pytest.mark.proves("HELPDESK-EVENT")
def test_an_old_event_of_zendesk_and_one_of_no_time_are_refused() -> None:
    """⚔ Zendesk signs a date and time: a copy is refused after five minutes, and no time that was not signed counts."""
    body, headers, _ = GOLDEN["zendesk"]
    name = "x-zendesk-webhook-signature-timestamp"
    verify("zendesk", body, headers, at_ms=AT + 290_000)
    assert code("zendesk", body, headers, at_ms=AT + 310_000) is Code.CREDENTIAL_EXPIRED
    assert code("zendesk", body, headers, at_ms=AT - 310_000) is Code.CREDENTIAL_EXPIRED
    assert code("zendesk", body, {**headers, name: "2025-11-29T18:00:01Z"}) is Code.CREDENTIAL_WRONG_KEY
    for none in ("", "now", "1764439200x", "2025-11-29T18:00:00", "٢٠٢٥-11-29T18:00:00Z", "2" * 50):
        assert code("zendesk", body, {**headers, name: none}) is Code.CREDENTIAL_MISSING


@pytest.mark.proves("HELPDESK-EVENT")
def test_an_event_of_intercom_wakes_at_the_door(arena: Arena) -> None:
    """The whole way: the case's own ticket is read, and the task that it ends is over."""
    object.__setattr__(arena.context, "event_scheme", EVENT_SCHEMES["intercom"])
    object.__setattr__(arena.context, "event_secret", SECRET)
    task = arena.task()
    arena.run(arena.helpdesk.close_natively(task.case))
    body, headers, _ = GOLDEN["intercom"]

    def send(signed: Mapping[str, str]) -> httpx.Response:
        given = {"content-type": "application/json", **signed}
        return arena.room.raw("POST", "/helpdesk/v1/events", headers=given, content=body.encode(), check=False)

    assert send({"x-hub-signature": "sha1=" + "0" * 40}).status_code == 401
    assert arena.context.woken_tickets.take(10) == ()
    assert send(headers).status_code == 202
    assert arena.context.woken_tickets.take(10) == ("631",)
