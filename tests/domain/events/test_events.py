"""Shared signals on paper: subjects, tokens, and what each type of event ends."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.domain.errors import Refused
from remit.domain.events.kinds import CAEP, RISC, EventEffect, EventType, effect_on_agent, effect_on_person, known_type, short_name
from remit.domain.events.parties import READ, Receiver, SubjectFormat
from remit.domain.events.records import Delivery, EventStream, OutgoingEvent, ReceivedEvent, StreamStatus
from remit.domain.events.security_event import LEEWAY_MS, OLDEST_MS, SetRefused, own_claims, verify_header, verify_set
from remit.domain.events.subjects import MAX_SUBJECT, matches, subject_text, verify_subject
from remit.domain.identity.jws import UnverifiedJws
from remit.domain.records import Link
from remit.domain.values import Instant, decode_json

NOW = Instant(1_790_000_000_000)
ANNA = {"format": "iss_sub", "iss": "https://login.example", "sub": "s-anna"}
RIGHT: dict[str, Any] = {
    "iss": "https://login.example",
    "aud": ["x", "https://desk.example"],
    "iat": NOW // 1000,
    "jti": "j1",
    "txn": "t1",
    "sub_id": ANNA,
    "events": {f"{CAEP}session-revoked": {"event_timestamp": 1}},
}


def verified(**changed: Any) -> Any:
    claims = {name: value for name, value in {**RIGHT, **changed}.items() if value is not None}
    return verify_set(claims, issuer="https://login.example", audience="https://desk.example", now=NOW)


def test_a_right_event_is_read() -> None:
    event = verified()
    assert (event.type, event.jti, event.txn, event.issued_at) == (f"{CAEP}session-revoked", "j1", "t1", NOW)
    assert event.subject.of("", "user") == (ANNA,)
    assert verified(aud="https://desk.example", txn=None).txn == ""


WRONG = [
    ({"iss": "https://login.example/"}, "invalid_issuer"),
    ({"aud": []}, "invalid_audience"),
    ({"aud": ["https://desk.example"] * 33}, "invalid_audience"),
    ({"aud": 7}, "invalid_audience"),
    ({"exp": None, "sub": "s-anna"}, "invalid_request"),
    ({"exp": 1}, "invalid_request"),
    ({"iat": "1"}, "invalid_request"),
    ({"iat": True}, "invalid_request"),
    ({"iat": -1}, "invalid_request"),
    ({"iat": (NOW + LEEWAY_MS) // 1000 + 1}, "invalid_request"),
    ({"iat": (NOW - OLDEST_MS) // 1000 - 1}, "invalid_request"),
    ({"events": {}}, "invalid_request"),
    ({"events": []}, "invalid_request"),
    ({"events": {"a": {}, "b": {}}}, "invalid_request"),
    ({"events": {"a": 1}}, "invalid_request"),
    ({"events": {"a" * 257: {}}}, "invalid_request"),
    ({"jti": ""}, "invalid_request"),
    ({"jti": "x" * 257}, "invalid_request"),
    ({"txn": 1}, "invalid_request"),
    ({"sub_id": None}, "invalid_request"),
    ({"sub_id": "s-anna"}, "invalid_request"),
]


@pytest.mark.parametrize(("changed", "err"), WRONG, ids=str)
def test_a_wrong_claim_is_refused_with_its_name(changed: dict[str, Any], err: str) -> None:
    with pytest.raises(SetRefused) as refused:
        verified(**changed)
    assert refused.value.err == err


@pytest.mark.parametrize(
    "header", [{}, {"typ": "JWT", "alg": "RS256"}, {"typ": "secevent+jwt"}, {"typ": "secevent+jwt", "alg": "none"}, {"typ": 1}]
)
def test_another_type_or_algorithm_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(SetRefused):
        verify_header(UnverifiedJws(header=header, claims={}, signature=b"", signing_input=b""), algorithms=frozenset({"RS256"}))


def test_the_type_may_be_written_as_a_media_type() -> None:
    token = UnverifiedJws(header={"typ": "application/SecEvent+JWT", "alg": "RS256"}, claims={}, signature=b"", signing_input=b"")
    assert verify_header(token, algorithms=frozenset({"RS256"})) == "RS256"


def test_own_claims_are_what_a_receiver_takes() -> None:
    event = {"event_timestamp": 1}
    for txn in ("t1", ""):
        made = own_claims(
            issuer="https://login.example",
            audience="https://desk.example",
            jti="j1",
            at=NOW,
            kind=f"{CAEP}session-revoked",
            event=event,
            subject=ANNA,
            txn=txn,
        )
        assert verify_set(made, issuer="https://login.example", audience="https://desk.example", now=NOW).txn == txn


BAD = [
    None,
    [],
    {},
    {"format": 1},
    {"format": "complex"},
    {"format": "complex", "user": "x"},
    {"format": "complex", "user": {"format": "complex", "user": ANNA}},
    {"format": "complex", **{f"m{number}": ANNA for number in range(17)}},
    {"format": "iss_sub", "iss": "x"},
    {"format": "iss_sub", "iss": "x", "sub": ""},
    {"format": "opaque", "id": "x" * 2049},
    {"format": "opaque", "id": "x", "more": "y" * MAX_SUBJECT},
    {"format": "aliases"},
    {"format": "aliases", "identifiers": []},
    {"format": "aliases", "identifiers": ["x"]},
    {"format": "aliases", "identifiers": [{"format": "aliases", "identifiers": [ANNA]}]},
    {"format": "aliases", "identifiers": [ANNA] * 17},
]


@pytest.mark.parametrize("subject", BAD, ids=lambda one: str(one)[:60])
def test_a_malformed_subject_is_refused(subject: Any) -> None:
    with pytest.raises(Refused):
        verify_subject(subject)


def test_aliases_are_all_of_one_subject_and_unknown_formats_match_nothing() -> None:
    other = {"format": "catalog_item", "catalog_id": "c1"}
    aliases = {"format": "aliases", "identifiers": [ANNA, {"format": "email", "email": "a@x.example"}]}
    assert len(verify_subject(aliases).of("")) == 2
    assert verify_subject(other).of("user") == ()
    assert verify_subject({"format": "complex", "user": aliases, "device": other}).of("device") == (other,)


def test_a_removed_subject_is_one_of_an_event_or_equal_where_both_speak() -> None:
    device = {"format": "opaque", "id": "d1"}
    event = {"format": "complex", "user": ANNA, "device": device}
    assert matches(ANNA, ANNA)
    assert matches(ANNA, event)
    assert matches({"format": "complex", "user": ANNA}, event)
    assert not matches({"format": "complex", "user": ANNA, "session": device}, event)
    assert not matches({"format": "complex", "user": device}, event)
    assert not matches(device, ANNA)
    assert json.loads(subject_text(event)) == event


_TEXT = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(_TEXT, max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(_TEXT, max_size=8) | st.sampled_from(["format", "user", "id", "iss", "sub"]), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(_JSON)
def test_any_subject_is_read_or_refused(value: Any) -> None:
    decoded = decode_json(json.dumps(value).encode())
    try:
        found = verify_subject(decoded)
    except Refused:
        return
    assert all(one.get("format") for _, one in found.members)


@given(st.dictionaries(st.sampled_from([*RIGHT, "exp", "sub"]), _JSON, max_size=4))
def test_any_claims_are_read_or_refused_by_a_registered_name(changed: dict[str, Any]) -> None:
    claims = decode_json(json.dumps({**RIGHT, **changed}).encode())
    assert isinstance(claims, dict)
    err = ""
    try:
        verify_set(claims, issuer="https://login.example", audience="https://desk.example", now=NOW)
    except SetRefused as refused:
        err = refused.err
    assert err in {"", "invalid_request", "invalid_issuer", "invalid_audience"}


PERSON = [
    (EventType.SESSION_REVOKED, {}, EventEffect.TASKS),
    (EventType.CREDENTIAL_CHANGE, {"change_type": "revoke"}, EventEffect.GRANTS),
    (EventType.CREDENTIAL_CHANGE, {"change_type": "create"}, EventEffect.NONE),
    (EventType.CREDENTIAL_CHANGE, {"change_type": 1}, EventEffect.NONE),
    (EventType.RISK_LEVEL_CHANGE, {"current_level": "HIGH"}, EventEffect.GRANTS),
    (EventType.RISK_LEVEL_CHANGE, {"current_level": "LOW"}, EventEffect.NONE),
    (EventType.ASSURANCE_LEVEL_CHANGE, {"change_direction": "decrease"}, EventEffect.SESSIONS),
    (EventType.ASSURANCE_LEVEL_CHANGE, {}, EventEffect.NONE),
    (EventType.DEVICE_COMPLIANCE_CHANGE, {"current_status": "not-compliant"}, EventEffect.SESSIONS),
    (EventType.DEVICE_COMPLIANCE_CHANGE, {"current_status": "compliant"}, EventEffect.NONE),
    (EventType.TOKEN_CLAIMS_CHANGE, {}, EventEffect.SESSIONS),
    (EventType.ACCOUNT_DISABLED, {}, EventEffect.GRANTS),
    (EventType.VERIFICATION, {}, EventEffect.NONE),
    *((EventType.CREDENTIAL_CHANGE, {"change_type": odd}, EventEffect.NONE) for odd in ([], ["revoke"], {}, None, 1)),
]


@pytest.mark.parametrize(("kind", "event", "effect"), PERSON)
def test_effects_on_a_person(kind: EventType, event: dict[str, Any], effect: EventEffect) -> None:
    assert effect_on_person(kind, event, revoked_session=EventEffect.TASKS) is effect


AGENT = [
    (EventType.SESSION_REVOKED, {}, EventEffect.TASKS),
    (EventType.CREDENTIAL_CHANGE, {"change_type": "revoke"}, EventEffect.SUSPEND),
    (EventType.CREDENTIAL_CHANGE, {"change_type": "update"}, EventEffect.NONE),
    (EventType.RISK_LEVEL_CHANGE, {"current_level": "HIGH"}, EventEffect.SUSPEND),
    (EventType.CREDENTIAL_COMPROMISE, {}, EventEffect.SUSPEND),
    (EventType.TOKEN_CLAIMS_CHANGE, {}, EventEffect.NONE),
    *((EventType.CREDENTIAL_CHANGE, {"change_type": odd}, EventEffect.NONE) for odd in ([], ["revoke"], {}, None, 1)),
]


@pytest.mark.parametrize(("kind", "event", "effect"), AGENT)
def test_effects_on_an_agent(kind: EventType, event: dict[str, Any], effect: EventEffect) -> None:
    assert effect_on_agent(kind, event) is effect


def test_names_of_types() -> None:
    assert known_type(f"{RISC}account-disabled") is EventType.ACCOUNT_DISABLED
    assert known_type("https://elsewhere.example/x") is None
    assert short_name(EventType.SESSION_REVOKED) == "session-revoked"


def test_records_are_found_by_stream_and_by_time() -> None:
    waits = OutgoingEvent(id="j", stream="s", number=3, claims="{}", at=NOW)
    assert waits.links() == (Link("event_set.stream", "s", 3),)
    begun = ReceivedEvent(id="r", transmitter="login", type="session-revoked", effect="grants", targets=("customer:anna",), at=NOW)
    assert begun.links() == (Link("due.received_event", "", NOW),)
    stream = EventStream(
        id="s",
        receiver="siem",
        delivery=Delivery.POLL,
        endpoint="",
        header="",
        requested=(),
        description="",
        status=StreamStatus.ENABLED,
        reason="",
        at=NOW,
        cursor=0,
    )
    assert stream.links() == ()
    siem = Receiver(name="siem", audience="x", scope=READ, events=(), operator="", subject=SubjectFormat.OPAQUE, private_network=False)
    assert not siem.may_manage
