"""Secrets that can be guessed leave nothing to guess them from: no text, no digest, no keyed fingerprint.

Source: docs/model/model.md#inbound.
"""

import hashlib
import logging
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import pytest

from attacks.arena import SEND_BACK, Arena, mandate, open_arena
from remit.client.errors import Refused
from remit.domain.confirm.confirmation import ask_digest
from remit.domain.records import AskRecord, IdempotencyRecord, MandateRecord
from remit.domain.values import decode_json
from remit.engine.transcript.record import keyed_digest
from remit.proof.canonical import b64url, canonical, digest
from remit.sandbox import SandboxTask

GUESSED = {
    "pin": ("My PIN is {}", "471193", "902284"),
    "card_code": ("The CVV is {}", "7372", "9126"),
    "one_time_code": ("My one-time code is {}", "493817", "220964"),
    "card_number": ("Charge my card {}", "4111111111111111", "5555555555554444"),
    "national_id": ("My SSN is {}", "536-22-8145", "449-81-2206"),
    "password": ("My password is {}", "hunter2!winter-is-near", "Tulip-Basket9-in-May"),
    "token": ("My token is {}", "abc12def", "qrs34tuv"),
}
API_KEY = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
_BEGINNING = 8
PURPOSES = ("fingerprint", "compared", "pseudonym", "code", "session", "sign-in", "enrolment", "")

PLACES: dict[str, Callable[[Arena, SandboxTask, str, str], httpx.Response]] = {
    "words": lambda arena, task, text, key: _ask(arena, task, key, "order.return", SEND_BACK, words=text),
    "free text": lambda arena, task, text, key: _ask(arena, task, key, "case.comment", {"text": text}),
    "an undeclared param": lambda arena, task, text, key: _ask(arena, task, key, "order.read", {"order_id": "W1", "note": text}),
    "an undeclared name": lambda arena, task, text, key: _ask(arena, task, key, "order.read", {"order_id": "W1", text: 1}),
    "deep in an undeclared param": lambda arena, task, text, key: _ask(
        arena, task, key, "order.read", {"order_id": "W1", "a": {"b": [text]}}
    ),
    "a record's id": lambda arena, task, text, key: _ask(arena, task, key, "order.read", {"order_id": text}),
    "somebody's record's id": lambda arena, task, text, key: _ask(arena, task, key, "payment_method.read", {"payment_method_id": text}),
    "a list of ids": lambda arena, task, text, key: _ask(arena, task, key, "order.return", {"order_id": "W1", "item_ids": [text]}),
    "an unknown action": lambda arena, task, text, key: _ask(arena, task, key, "order.sing", {"song": text}),
    "an action's name": lambda arena, task, text, key: _ask(arena, task, key, text, {}),
    "a file": lambda arena, task, text, key: _ask(arena, task, key, "order.read", {"order_id": "W1"}, attachments=[_file(text)]),
    "a file's name": lambda arena, task, text, key: _ask(
        arena, task, key, "order.read", {"order_id": "W1"}, attachments=[_file("x", text)]
    ),
}

TOO_LONG = "a file's name"
"""Beyond what a name may be: it is not even read."""

FREELY = {
    "words",
    "free text",
    "an undeclared param",
    "an undeclared name",
    "deep in an undeclared param",
    "an unknown action",
    "an action's name",
}


def _file(text: str, name: str = "log.txt") -> dict[str, str]:
    return {"name": name, "media_type": "text/plain", "data_b64": b64encode(text.encode()).decode()}


def _ask(arena: Arena, task: SandboxTask, key: str, action: str, params: Any, **more: Any) -> httpx.Response:
    body = {"action": action, "params": params, **more}
    return arena.send(task, f"/v1/tasks/{task.id}/asks", body, headers={"idempotency-key": key})


def _granting(arena: Arena, name: str) -> SandboxTask:
    powers = [*mandate()["powers"], {"power": "receive", "actions": ["payment_method.read"]}]
    return arena.task(mandate(powers=powers), agent=arena.agent(f"spiffe://{name}.example/x"))


def _derived(arena: Arena, secret: str, text: str, response: httpx.Response) -> Iterator[bytes]:
    """The secret, what it was sent in, and every digest of them that somebody with the desk's keys could compute."""
    yield text.encode()
    body = response.request.content
    for value in (secret, text, f"order:{text}", f"payment_method:{text}"):
        yield digest(value)[8:20].encode()
    raws = (
        secret.encode(),
        text.encode(),
        canonical(secret),
        canonical(text),
        f"order:{text}".encode(),
        body,
        canonical(decode_json(body)),
    )
    for raw in raws:
        hashes = [hashlib.sha256(raw).digest(), *(arena.context.signer.keyed(purpose, raw) for purpose in PURPOSES)]
        yield keyed_digest(arena.context, b64url(hashes[0])).encode()
        for one in hashes:
            short = one[:16]
            yield from (one, one.hex().encode(), b64url(one).encode(), urlsafe_b64encode(one), b64encode(one))
            yield from (short, short.hex().encode(), b64url(short).encode())


def _kept(arena: Arena, folder: Path) -> bytes:
    """Everything that is kept anywhere: the store's files, the opened entries, the desk's cases and acts, what people were told."""
    files = b"".join(one.read_bytes() for one in sorted(folder.rglob("*")) if one.is_file())
    told = (arena.entries(), arena.state(), list(arena.notify.told), list(arena.notify.incidents), arena.anna.get("/me/v1/mandates"))
    return files + repr(told).encode()


def _said(which: int) -> str:
    return ". ".join(saying.format(secrets[which]) for saying, *secrets in GUESSED.values())


@pytest.mark.proves("NO-GUESSABLE-FINGERPRINT", "SECRETS", "P11")
@pytest.mark.parametrize("setting", ["refuse", "redact"])
def test_nothing_a_secret_could_be_guessed_from_is_kept(
    setting: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with open_arena(store=f"sqlite:///{tmp_path}/store.db", settings={"words": {"secrets": setting}}) as arena:
        sought: dict[str, list[bytes]] = {}
        answers = ""
        for number, (place, send) in enumerate(PLACES.items()):
            task, text, before = _granting(arena, f"x{number}"), _said(0), arena.state()
            response = send(arena, task, text, "key")
            answers += response.text
            sought[place] = [one for _, secret, _ in GUESSED.values() for one in _derived(arena, secret, text, response)]
            entry = arena.recorded("ask.decided", ask=response.json()["ask"])
            told = entry["desk"].get("secrets", [])
            assert {one["kind"] for one in told} == (set() if place == TOO_LONG else set(GUESSED)), place
            assert not any("fingerprint" in one for one in told), place
            if place in FREELY and setting == "refuse":
                arena.refused(response, "words.secret")
            if setting == "refuse" or place != "free text":
                assert arena.state() == before, place
        kept = _kept(arena, tmp_path) + answers.encode() + caplog.text.encode() + "".join(capfd.readouterr()).encode()
        beginnings = {kept[at : at + _BEGINNING] for at in range(len(kept))}  # one pass over all that is kept, not one for each
        for place, derived in sought.items():
            assert [one for one in derived if one[:_BEGINNING] in beginnings and one in kept] == [], place
        for _, secret, _ in GUESSED.values():
            assert re.search(rb"(?<![A-Za-z0-9+/_=-])%b(?![A-Za-z0-9+/_=-])" % re.escape(secret.encode()), kept) is None, secret


@pytest.mark.proves("NO-GUESSABLE-FINGERPRINT")
def test_what_is_kept_is_the_same_whatever_the_secret_was(arena: Arena) -> None:
    for number, (place, send) in enumerate(PLACES.items()):
        task = _granting(arena, f"x{number}")
        kept = []
        for which in (0, 1):
            response = send(arena, task, _said(which), f"key-{which}")
            ask = arena.run(arena.context.store.get(AskRecord, response.json()["ask"])).record
            known = arena.run(
                arena.context.store.get(IdempotencyRecord, f"{task.id} {task.agent.client.key_thumbprint} key-{which}")
            ).record
            _assert_digest(arena, ask)
            kept.append((_without(asdict(ask)), known.body, _sections(arena.recorded("ask.decided", ask=ask.id))))
        assert kept[0] == kept[1], place


@pytest.mark.proves("NO-GUESSABLE-FINGERPRINT", "IDEMPOTENCE")
def test_the_same_body_is_still_known_again_and_another_is_not(arena: Arena) -> None:
    for number, (place, send) in enumerate(PLACES.items()):
        task = _granting(arena, f"x{number}")
        first, again = (send(arena, task, "My PIN is 471193", "key") for _ in range(2))
        assert first.json()["ask"] == again.json()["ask"], place
        with arena.unchanged():
            other = send(arena, task, "My PIN is 471193, and the CVV is 737", "key")
        arena.refused(other, "request.conflict", on_record=False)


@pytest.mark.proves("CREDENTIAL-FINGERPRINT")
@pytest.mark.parametrize("setting", ["refuse", "redact"])
def test_of_a_credential_the_desk_keeps_a_keyed_fingerprint_and_nobody_else_does(setting: str) -> None:
    with open_arena(settings={"words": {"secrets": setting}}) as arena:
        task = _granting(arena, "keys")
        told = []
        texts = (f"My key is {API_KEY}", f"Again my key: {API_KEY}", f"My PIN is 471193 and my key is {API_KEY}")
        for number, text in enumerate(texts):
            response = _ask(arena, task, f"key-{number}", "order.return", SEND_BACK, words=text)
            entry = arena.recorded("ask.decided", ask=response.json()["ask"])
            told.append({one["kind"]: one.get("fingerprint") for one in entry["desk"]["secrets"]})
            for holder in ("envelope", "agent", "customer"):
                assert "fingerprint" not in str(entry[holder])
        keyed = b64url(arena.context.signer.keyed("fingerprint", API_KEY.encode())[:16])
        assert [one["prefixed_token"] for one in told] == [keyed] * 3
        assert told[2]["pin"] is None
        assert API_KEY not in str(arena.entries())


@pytest.mark.proves("SECRETS")
def test_a_secret_in_a_mandates_summary_is_kept_nowhere(arena: Arena) -> None:
    agent = arena.agent()
    wanted = mandate()
    wanted["objective"]["summary"] = "send back the kettle, my PIN is 471193"
    granted = arena.anna.grant(agent, wanted)
    kept = arena.run(arena.context.store.get(MandateRecord, granted.id)).record
    assert "my PIN is [pin removed]" in kept.wire
    for text in (kept.wire, kept.signed, str(arena.entries())):
        assert "471193" not in text


@pytest.mark.proves("SECRETS")
def test_no_error_repeats_a_secret_that_was_sent_as_a_name(arena: Arena) -> None:
    task, saying = arena.task(), "My PIN is 471193"
    with arena.unchanged():
        body = arena.send(task, f"/v1/tasks/{task.id}/asks", {"action": "order.read", "params": {"order_id": "W1"}, saying: 1})
        assert body.json()["code"] == "request.malformed"
        with pytest.raises(Refused) as refused:
            arena.agent().push(mandate(**{saying: 1}))
    assert refused.value.code == "mandate.invalid"
    for text in (body.text, str(refused.value)):
        assert "[pin removed]" in text
        assert "471193" not in text


def _without(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in {"id", "at", "digest", "salt", "reserved"}}


def _sections(entry: dict[str, Any]) -> str:
    envelope = {name: value for name, value in entry["envelope"].items() if name not in {"ask", "digest", "at"}}
    # `risk` and `signs` say that something was refused before: the first of two asks has none.
    kept = [
        {name: value for name, value in entry[holder].items() if name not in {"risk", "signs"}} for holder in ("agent", "customer", "desk")
    ]
    others = [{**one, "ask": {**one["ask"], "salt": ""}} for one in kept]
    return repr((envelope, others))


def _assert_digest(arena: Arena, ask: AskRecord) -> None:
    """The digest of an ask is over what was kept of it and nothing else."""
    action = arena.context.catalogue.actions.get(ask.action)
    meanings = {"", action.digest if action else ""}
    params = decode_json(ask.params.encode())
    assert isinstance(params, dict)
    possible = [
        ask_digest(task=ask.task, action=ask.action, action_digest=meaning, params=params, words=words, salt=ask.salt)
        for meaning in meanings
        for words in (ask.words or None, ask.words)
    ]
    assert ask.digest in possible


@pytest.mark.proves("SECRETS")
@pytest.mark.parametrize("setting", ["refuse", "redact"])
@pytest.mark.parametrize(
    "file",
    [
        _file("My PIN is 471193", "PIN 471193.txt"),
        {**_file("x"), "media_type": "application/x-msdownload"},
        {**_file("x"), "data_b64": "/w=="},
        {**_file("x"), "data_b64": "not base64"},
        _file("x", "please also close the case.txt"),
    ],
)
def test_a_file_that_is_not_accepted_is_refused_on_the_record(file: dict[str, str], setting: str) -> None:
    with open_arena(settings={"words": {"secrets": setting}}) as arena:
        task = arena.task()
        with arena.unchanged():
            response = _ask(arena, task, "key", "order.read", {"order_id": "W1"}, attachments=[_file("all is well"), file])
        body = arena.refused(response, "words.attachment")
        assert body["receipt"]["entries"]
        assert arena.recorded("ask.decided", ask=body["ask"])["envelope"]["code"] == "words.attachment"
        good = _ask(arena, task, "other", "order.read", {"order_id": "W1"}, attachments=[_file("all is well")])
        assert good.json()["outcome"] == "done"
