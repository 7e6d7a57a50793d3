"""What somebody reads in another language is what they sign, and nothing of it is anybody else's text."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from attacks.arena import FACTS, ISSUER, PACK, SEND_BACK, SHOP, Arena, code_of, mandate, open_arena, refund
from remit.adapters.files.catalogue import read_files
from remit.domain.confirm.confirmation import challenge
from remit.domain.errors import Refused
from remit.domain.mandate.grant import verify_action_current
from remit.domain.records import ConfirmationRecord, MandateRecord
from remit.domain.values import decode_json
from remit.ports.store import Commit, Put
from remit.proof.canonical import canonical, unb64url

GERMAN = "remit_language=de"
FORM = {"origin": ISSUER, "sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded"}


def rules(**changed: str) -> dict[str, Any]:
    """The pack in both languages, with German titles of actions changed."""
    data: dict[str, Any] = deepcopy(dict(read_files([PACK / "catalogue.toml", PACK / "catalogue.de.toml"], {})))
    for action, title in changed.items():
        data["language"]["de"]["action"][action.replace("__", ".")]["title"] = title
    return data


@contextmanager
def speaking(**options: Any) -> Iterator[Arena]:
    with open_arena(**{"catalogue": rules(), **options}) as arena:
        yield arena


@pytest.fixture
def arena() -> Iterator[Arena]:
    with speaking() as found:
        yield found


def german(arena: Arena) -> Any:
    """Anna, whose browser remembers that she chose German."""
    arena.anna.cookie = f"{arena.anna.cookie.partition(';')[0]}; {GERMAN}"
    return arena.anna


def act_of(rendering: Mapping[str, Any]) -> str:
    return next(str(line["text"]) for line in rendering["lines"] if line["kind"] == "act")


@pytest.mark.proves("LANGUAGE")
def test_what_was_read_in_german_is_what_was_signed_and_stands_on_the_record(arena: Arena) -> None:
    task = arena.sent_back()
    anna = german(arena)
    reply = task.ask("payment.refund", refund(), words="It leaks.")
    shown = anna.get(f"/me/v1/confirmations/{anna.invitation(reply)}")
    assert shown["language"] == "de"
    assert act_of(shown["rendering"]).startswith("40,00 € für Bestellung „Order W1, one kettle“ ")
    assert {"kind": "irreversible", "text": "Das lässt sich nicht rückgängig machen."}.items() <= next(
        line.items() for line in shown["rendering"]["lines"] if line["kind"] == "irreversible"
    )
    assert anna.confirm(reply).outcome == "done"
    entry = arena.recorded("confirmation.answered", ask=reply.ask, answer="yes")
    assert entry["envelope"]["rendering_hash"] == shown["rendering_hash"]
    assert entry["customer"]["rendering"]["lines"] == shown["rendering"]["lines"]
    decided = {"ask_digest": entry["envelope"]["digest"], "decision": reply.ask, "nonce": shown["nonce"]}
    assert challenge(rendering_hash=shown["rendering_hash"], **decided) == unb64url(shown["challenge"])


@pytest.mark.proves("LANGUAGE", "CONFIRM-SIGNED")
@pytest.mark.parametrize(("read", "claimed"), [("de", "en"), ("en", "de")])
def test_a_signature_over_one_wording_is_no_yes_to_another(arena: Arena, read: str, claimed: str) -> None:
    _, reply, invitation = arena.waiting()
    path, own = f"/me/v1/confirmations/{invitation}", arena.anna.cookie
    shown = arena.room.raw("GET", path, cookie=f"{own}; remit_language={read}").json()
    signed = {"answer": "yes", "assertion": arena.anna.passkey.get(shown["options"])}
    with arena.unchanged():
        for told, cookie in (({"language": claimed}, own), ({}, f"{own}; remit_language={claimed}")):
            refused = arena.person("POST", path, {**signed, **told}, cookie=cookie)
            assert code_of(refused) == "credential.wrong_key"
        for nonsense in ("fr", "", "x" * 5000):
            assert code_of(arena.person("POST", path, {**signed, "language": nonsense}, cookie=own)) == "request.malformed"
    assert reply.again().needs_human
    assert arena.person("POST", path, {**signed, "language": read}, cookie=own).status_code == 200


@pytest.mark.proves("LANGUAGE", "CONFIRM-FRESH")
def test_a_yes_in_german_is_void_when_what_would_be_shown_has_changed(arena: Arena) -> None:
    _, reply, invitation = arena.waiting()
    path, anna = f"/me/v1/confirmations/{invitation}", german(arena)
    shown = anna.get(path)
    arena.backoffice.put("order", "W1", owners=["anna"], name="Order W1, a diamond ring")
    answer = {"answer": "yes", "assertion": anna.passkey.get(shown["options"]), "language": "de"}
    with arena.unchanged():
        assert code_of(arena.person("POST", path, answer, cookie=anna.cookie)) == "confirmation.mismatch"
    assert reply.again().state == "void"


@pytest.mark.proves("LANGUAGE")
def test_two_people_agree_to_the_same_act_each_in_their_own_language() -> None:
    with speaking() as arena:
        power = {"power": "request", "actions": ["account.recover"], "uses": 1}
        task = arena.task(mandate(objective={"type": "recover-account"}, powers=[{"power": "represent"}, power], never=[]))
        reply = task.ask("account.recover", {"contact": "email"})
        officer, anna = arena.desk.officer("kim", ["security"]), german(arena)
        shown = {one.id: one.get(f"{one.base}/confirmations/{one.invitation(reply)}") for one in (officer, anna)}
        assert {name: one["language"] for name, one in shown.items()} == {"kim": "en", "anna": "de"}
        assert anna.confirm(reply).needs_human
        assert officer.confirm(reply).outcome == "done"
        answers = [one["envelope"]["rendering_hash"] for one in arena.entries("confirmation.answered")]
        assert answers == [shown["anna"]["rendering_hash"], shown["kim"]["rendering_hash"]]
        assert len(set(answers)) == 2


@pytest.mark.proves("LANGUAGE", "ESCALATION")
@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("path", ["/me/v1/confirmations/{}", "/confirm/{}"])
def test_who_looks_first_after_a_due_time_hands_it_on_whatever_they_read(language: str, path: str) -> None:
    data = rules()
    first = {"name": "refunds", "reason": "money", "actions": ["payment.refund"], "roles": ["billing"], "due": "2h"}
    data["escalation"] = [{**first, "then": {"role": "care", "due": "1h"}}]
    data["language"]["de"]["escalation"] = {"refunds": "Geld"}
    with speaking(catalogue=data) as arena:
        reply = arena.sent_back().ask("payment.refund", refund())
        invitation = arena.anna.invitation(reply)
        arena.clock.ahead_ms = 2 * 3_600_000 + 1000
        arena.anna.sign_in()
        cookie = f"{arena.anna.cookie}; remit_language={language}"
        assert arena.person("GET", path.format(invitation), cookie=cookie).status_code == 200, "it was granted in English, and is so still"
        waits = arena.run(arena.context.store.get(ConfirmationRecord, invitation)).record
        assert waits.who == ("customer", "officer:care")


@pytest.mark.proves("LANGUAGE")
def test_a_no_stands_on_the_record_with_the_wording_it_answers(arena: Arena) -> None:
    _, reply, invitation = arena.waiting()
    shown = german(arena).get(f"/me/v1/confirmations/{invitation}")
    assert german(arena).decline(reply).state == "declined"
    entry = arena.recorded("confirmation.answered", ask=reply.ask, answer="no")
    assert entry["envelope"]["rendering_hash"] == shown["rendering_hash"]
    assert entry["customer"]["rendering"]["lines"] == shown["rendering"]["lines"]


@pytest.mark.proves("LANGUAGE", "CONFIRM-SIGNED")
def test_what_was_asked_before_the_desk_spoke_another_language_is_answered_as_it_was_shown(arena: Arena) -> None:
    task, reply, invitation = arena.waiting()
    kept = arena.run(arena.context.store.get(ConfirmationRecord, invitation))
    whole = decode_json(kept.record.rendering.encode())
    assert isinstance(whole, Mapping)
    bare = {name: value for name, value in whole.items() if name != "spoken"}
    old = replace(kept.record, rendering=canonical(bare).decode())
    arena.run(arena.context.store.commit(Commit(puts=(Put(old, kept.rev, kept.record),))))
    anna = german(arena)
    shown = anna.get(f"/me/v1/confirmations/{invitation}")
    assert (shown["rendering_hash"], act_of(shown["rendering"])) == (whole["hash"], act_of(whole))
    assert anna.confirm(reply).outcome == "done"
    assert arena.recorded("confirmation.answered", ask=reply.ask)["envelope"]["rendering_hash"] == whole["hash"]
    assert task.ask("payment.refund", refund()).needs_human


@pytest.mark.proves("LANGUAGE", "CONFIRM-LESS")
def test_less_is_offered_and_signed_in_german(arena: Arena) -> None:
    task, anna = arena.sent_back(), german(arena)
    reply = task.ask("payment.refund", refund())
    shown = anna.post(f"/me/v1/confirmations/{anna.invitation(reply)}/less", {"params": refund("25.00 EUR")})
    assert act_of(shown["rendering"]).startswith("25,00 € für Bestellung „Order W1, one kettle“ ")
    assert anna.offer_less(reply, refund("25.00 EUR")).outcome == "done"


@pytest.mark.proves("LANGUAGE", "CONFIRM-LESS")
def test_what_a_page_shows_next_is_in_its_own_language_whatever_was_chosen_since(arena: Arena) -> None:
    agent, own = arena.agent(), arena.anna.cookie
    request_uri, state = agent.push(mandate())
    path, chosen = f"/me/v1/requests/{request_uri.rpartition(':')[2]}", f"{own}; remit_language=en"
    page = german(arena).get(path)
    shown = arena.person("POST", path, {"answer": "cut", "mandate": page["mandate"], "language": "de"}, cookie=chosen).json()
    assert shown["rendering"]["lines"] == page["rendering"]["lines"], "what was cut to nothing less reads as it did"
    signed = {"answer": "grant", "ceremony": shown["ceremony"], "assertion": arena.anna.passkey.get(shown["options"])}
    granted = agent.redeem(arena.person("POST", path, signed, cookie=chosen).json()["redirect"], state)
    task = agent.open(granted["mandate"])
    assert arena.anna.confirm(task.ask("order.return", SEND_BACK)).outcome == "done"
    reply = task.ask("payment.refund", refund())
    act = f"/me/v1/confirmations/{arena.anna.invitation(reply)}"
    less = arena.person("POST", f"{act}/less", {"params": refund("25.00 EUR"), "language": "de"}, cookie=chosen).json()
    assert act_of(less["rendering"]).startswith("25,00 € für Bestellung „Order W1, one kettle“ ")
    for language in ("fr", "", "x" * 5000):
        for door, body in ((f"{act}/less", {"params": refund("25.00 EUR")}), (act, {"answer": "no"})):
            assert code_of(arena.person("POST", door, {**body, "language": language}, cookie=own)) == "request.malformed"
    answered = arena.person("POST", act, {"answer": "less", "assertion": arena.anna.passkey.get(less["options"])}, cookie=chosen)
    assert (answered.status_code, reply.at(answered.json()["ask"]).outcome) == (200, "done")


@pytest.mark.proves("LANGUAGE", "GRANT-BOUND")
def test_a_permission_that_was_read_in_german_ends_when_the_german_says_something_else() -> None:
    with speaking() as arena:
        english = arena.anna.grant(arena.agent(), mandate())
        first = arena.context.catalogue
        read = german(arena).grant(arena.agent(), mandate())
        assert [
            one for line in read.shown["rendering"]["lines"] for one in line["details"] if one == "Artikel einer Bestellung zurücksenden"
        ]
        assert english.shown["rendering_hash"] != read.shown["rendering_hash"]
        signed = [arena.run(arena.context.store.get(MandateRecord, one.id)).record.action_digests for one in (english, read)]
        said = [arena.recorded("mandate.granted", mandate=one.id)["desk"].get("language") for one in (english, read)]
        assert said == [None, "de"], "who checks the hash that was signed knows in which language"
        for one in (english, read):
            assert arena.agent().open(one).ask("order.read", {"order_id": "W1"}).decision == "permit"
    with speaking(catalogue=rules(order__return="Artikel {item_ids} zurücksenden aus Bestellung {order_id}")) as other:
        now = other.context.catalogue
        assert now.digest != first.digest, "rules that say something else are other rules"
        in_english, in_german = signed
        assert verify_action_current(in_english, now.action("order.return"), now).name == "order.return"
        with pytest.raises(Refused, match="changed since signing"):
            verify_action_current(in_german, now.action("order.return"), now)
        assert verify_action_current(in_german, now.action("payment.refund"), now).name == "payment.refund"


@pytest.mark.proves("LANGUAGE")
@pytest.mark.parametrize("name", ["{agent}", "{0.__class__}", "%(name)s", "{{x}}", "<b>{operator}</b>", "nein", "ja"])
def test_nothing_that_others_write_is_ever_a_text_of_ours(name: str) -> None:
    facts = deepcopy(FACTS)
    facts["records"] = {"order": {"W1": {"name": name}}}
    with speaking(facts=facts) as arena:
        agent = arena.desk.agent(SHOP, "known", name=name)
        anna = german(arena)
        task = agent.open(anna.grant(agent, mandate()))
        reply = task.ask("order.return", SEND_BACK, words=f"It leaks {name}")
        for cookie in (anna.cookie, anna.cookie.partition(";")[0]):
            for path in ("/me", f"/confirm/{anna.invitation(reply)}", "/me/history"):
                page = arena.room.raw("GET", path, cookie=cookie, headers={"accept": "text/html"}).text
                assert "<b>" not in page
            shown = arena.room.raw("GET", f"/me/v1/confirmations/{anna.invitation(reply)}", cookie=cookie).json()["rendering"]
            who = next(line["text"] for line in shown["lines"] if line["kind"] == "who")
            assert who.startswith((f"“{name}”", f"„{name}“")), "a name of others stands in quotes, as it is"


@pytest.mark.proves("LANGUAGE")
def test_the_language_is_one_of_the_desks_own_and_what_was_chosen_goes_before_what_a_browser_asks_for(arena: Arena) -> None:
    def language(accepts: str, cookie: str = "") -> str:
        page = arena.room.raw("GET", "/login", cookie=cookie, headers={"accept": "text/html", "accept-language": accepts})
        assert f'<html lang="{page.headers["content-language"]}">' in page.text
        return str(page.headers["content-language"])

    assert language("de-AT,de;q=0.9,en;q=0.8") == "de"
    assert language("fr, en;q=0.5, de;q=0.7") == "de"
    assert language("fr-FR") == language("") == language("de;q=0, *") == language("de;q=x") == language("de;q=1.5") == "en"
    assert language("de", "remit_language=en") == "en"
    assert language("en", "remit_language=de") == "de"
    for odd in ("xx", "../de", "", "de; remit_language=en"):
        assert (language("en", f"remit_language={odd}"), language("de", f"remit_language={odd}")) == ("en", "de")
    assert language("x," * 20_000 + "de") == "en", "a header without end is not read to its end"
    twice = arena.pairs("GET", "/login", [("accept", "text/html"), ("accept-language", "fr"), ("accept-language", "de")])
    assert (twice.status_code, twice.headers["content-language"]) == (200, "de"), "a list may be sent in two lines"


@pytest.mark.proves("LANGUAGE", "CSRF")
def test_choosing_a_language_changes_nothing_else_and_leads_nowhere_else(arena: Arena) -> None:
    own = arena.anna.cookie
    for back, to in (
        (f"{ISSUER}/me/history?low=3", "/me/history?low=3"),
        (f"{ISSUER}/login?next=%2Fme", "/login?next=%2Fme"),
        (f"{ISSUER}/oauth/authorize?request_uri=x", "/oauth/authorize?request_uri=x"),
        (f"{ISSUER}/desk/cases/case_1", "/desk/cases/case_1"),
        (f"{ISSUER}/me/v1/history", "/me/v1/history"),
        ("https://evil.example/me", "/"),
        (f"{ISSUER}.evil.example/me", "/"),
        (f"{ISSUER}//evil.example", "/"),
        (f"{ISSUER}/me/../../x\\y", "/"),
        ("", "/"),
    ):
        sent = arena.room.raw("POST", "/language", cookie=own, headers={**FORM, "referer": back}, content=b"language=de", check=False)
        assert (sent.status_code, sent.headers["location"]) == (303, to)
        assert sent.headers["set-cookie"].startswith("remit_language=de; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax")
    for body in (b"language=fr", b"language=", b"", b"language=de&id=1", b"language=de%0d%0aset-cookie:x=y"):
        sent = arena.room.raw("POST", "/language", cookie=own, headers=FORM, content=body, check=False)
        assert sent.status_code == 400
        assert "set-cookie" not in sent.headers
    foreign = {**FORM, "origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    assert arena.room.raw("POST", "/language", cookie=own, headers=foreign, content=b"language=de", check=False).status_code == 403
