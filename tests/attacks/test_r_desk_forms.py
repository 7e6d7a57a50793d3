"""The plain forms of the desk's own people, each of them: what it does, from whom, and that nothing somebody wrote is lost."""

import copy
import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import pytest
from joserfc.jwk import ECKey

from attacks.arena import ISSUER, Arena
from attacks.test_r_plain_forms import CUSTOMERS
from browser.shop import CATALOGUE, FACTS, MANDATE
from remit.domain.records import Person
from remit.entrypoints import web
from remit.entrypoints.app import App
from remit.entrypoints.people_api import PeopleApi
from remit.entrypoints.web.customer_pages import CustomerPages
from remit.entrypoints.web.form_table import all_forms
from remit.entrypoints.web.officer_pages import OfficerPages
from remit.entrypoints.web.pages import Pages
from remit.sandbox import Sandbox
from remit.sandbox.people import SandboxPerson
from remit.usecases.live import seen_by
from remit.usecases.report import CountedLog

FORM: Final = "application/x-www-form-urlencoded"
OURS: Final = {"origin": ISSUER, "sec-fetch-site": "same-origin", "content-type": FORM}
REFUND: Final = {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "40.00 EUR"}
RULE: Final = {"name": "refunds", "reason": "money", "actions": ["payment.refund"], "roles": ["billing"], "due": "2h"}
SHOP: Final[dict[str, Any]] = {
    **CATALOGUE,
    "role": {**CATALOGUE["role"], "care": {"title": "Customer care officer"}},
    "escalation": [{**RULE, "then": {"role": "care", "due": "1h"}}],
}
HELPER: Final = "spiffe://helper.example/shop"
TOKEN: Final = "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"

Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One form: who sends it, who may not, what it has, and what comes of it.

    `{case}` and the like in a value are ids of the scene. `leads` is the page that follows, `shows` what an answering page says, `kind` the
    entry it writes ("" for none). `wrong` are fields that are refused, `says` what the page then says, `kept` what must be in it.
    """

    who: str
    fields: Fields
    leads: str = ""
    shows: tuple[str, ...] = ()
    kind: str = ""
    others: tuple[str, ...] = ("nils", "anna")
    wrong: Fields = ()
    says: str = ""
    kept: tuple[str, ...] = field(default=())


CASE: Final = ("id", "{case}")
WAITS: Final = ("id", "{waits}")
HELD: Final = ("id", "{held}")
FILE: Final = ("id", "{file}")
CASES: Final[Mapping[str, Case]] = {
    "answer-no": Case(who="olga", fields=[WAITS], leads="/desk?done=answer-no", kind="confirmation.answered", others=("nils", "sam")),
    "answer-no-and-end": Case(
        who="olga", fields=[WAITS], leads="/desk?done=answer-no-and-end", kind="confirmation.answered", others=("nils", "sam")
    ),
    "canary": Case(
        who="sam",
        fields=[("kind", "record"), ("name", "order of nobody"), ("place", "the archive"), ("value", "W7730041")],
        shows=("W7730041", "the archive", "It is shown here alone"),
        kind="canary.planted",
        others=("olga", "ada", "anna"),
        wrong=[("kind", "record"), ("name", "short one"), ("place", "the cellar"), ("value", "W1")],
        says="Take a value that nobody says by chance",
        kept=("short one", "the cellar", '<option value="record" selected>'),
    ),
    "canary-remove": Case(
        who="sam",
        fields=[("id", "{bait}")],
        leads="/security?done=canary-remove",
        kind="canary.removed",
        others=("olga", "ada", "anna"),
        wrong=[("id", "nothing-such")],
        says="There is nothing here",
    ),
    "close-case": Case(
        who="olga",
        fields=[CASE],
        leads="/desk/cases/{case}?done=close-case",
        kind="task.ended",
    ),
    "contact": Case(
        who="sam",
        fields=[("id", "anna"), ("email", "anna@new.example"), ("reason", "married")],
        leads="/security?done=contact",
        kind="person.changed",
        others=("olga", "ada", "anna"),
        wrong=[("id", "nobody"), ("email", "a@b.example"), ("reason", "a long story")],
        says="Choose a customer's id from the list",
        kept=("nobody", "a@b.example", "a long story"),
    ),
    "erase": Case(
        who="sam",
        fields=[("customer", "bram"), ("reason", "asked for it")],
        leads="/security?done=proposed",
        others=("olga", "ada", "anna"),
        wrong=[("customer", "sam"), ("reason", "asked for it")],
        says="There is no customer with that id.",
        kept=("asked for it",),
    ),
    "discard-file": Case(
        who="olga",
        fields=[FILE, ("decision", "discard")],
        leads="/desk/files/{file}?done=discard-file",
        kind="attachment.settled",
        wrong=[FILE, ("decision", "burn")],
        says="decision",
    ),
    "foresee": Case(
        who="sam",
        fields=[("what", "agent"), ("name", HELPER), ("reason", "odd")],
        shows=("Nothing has been stopped.", "<dt>Running tasks that end at once</dt><dd>1</dd>", 'value="odd"', HELPER),
        others=("olga", "ada", "anna"),
        wrong=[("what", "agent"), ("name", "nobody"), ("reason", "odd things")],
        says="No agent here has that client id.",
        kept=("nobody", "odd things"),
    ),
    "hand": Case(
        who="olga",
        fields=[WAITS, ("to", "person bea"), ("note", "You know her.")],
        leads="/desk?done=hand",
        kind="confirmation.handed",
        wrong=[WAITS, ("to", "role security"), ("note", "You know her better.")],
        says="Hand it to a colleague who has it",
        kept=("You know her better.",),
    ),
    "release-file": Case(
        who="olga",
        fields=[FILE, ("decision", "release")],
        leads="/desk/files/{file}?done=release-file",
        kind="attachment.settled",
        wrong=[FILE, ("decision", "")],
        says="decision",
    ),
    "note": Case(
        who="olga",
        fields=[CASE, ("text", "Look at this\r\nagain.")],
        leads="/desk/cases/{case}?done=note",
        wrong=[CASE, ("text", "x" * 8001)],
        says="8000",
        kept=("x" * 8001,),
    ),
    "offer": Case(
        who="olga",
        fields=[
            *(CASE, ("action", "offer.accept"), ("unit", "EUR"), ("ttl", "3600")),
            *(("term-amount", "15,5"), ("term-kind", "goodwill"), ("term-item_ids", "i1, i2")),
        ],
        leads="/desk/cases/{case}?done=offer",
        kind="offer.made",
        wrong=[CASE, ("action", "offer.accept"), ("unit", "EUR"), ("ttl", "3600"), ("term-amount", "forty"), ("term-item_ids", "i7")],
        says="“forty” is not a number.",
        kept=("forty", "i7", '<option value="3600" selected>'),
    ),
    "person": Case(
        who="sam",
        fields=[("id", "cleo"), ("name", "Cleo Marsh"), ("email", ""), ("kind", "customer")],
        shows=("/enrol?code=", "cleo was added."),
        kind="person.changed",
        others=("olga", "ada", "anna"),
        wrong=[("id", "Cleo M"), ("name", "Cleo Marsh"), ("email", "c@d.example"), ("kind", "customer")],
        says="Nobody was added",
        kept=("Cleo M", "Cleo Marsh", "c@d.example", '<option value="customer" selected>'),
    ),
    "recover": Case(
        who="sam",
        fields=[("id", "anna")],
        shows=("/enrol?code=", "Give anna this link"),
        kind="person.changed",
        others=("olga", "ada", "anna"),
        wrong=[("id", "olga")],
        says="No link was made",
        kept=("olga",),
    ),
    "register": Case(
        who="sam",
        fields=[
            *(("client_id", "spiffe://new.example/bot"), ("name", "New bot"), ("operator", "new.example")),
            *(("keys", "{keys}"), ("redirect_uris", "https://new.example/back\r\n")),
        ],
        leads="/security?done=register",
        kind="agent.registered",
        others=("olga", "ada", "anna"),
        says="it must be https",
        wrong=[
            *(("client_id", "spiffe://new.example/bot"), ("name", "New bot"), ("operator", "new.example")),
            *(("keys", "http://new.example/jwks"), ("redirect_uris", "https://new.example/back\r\nhttps://new.example/two")),
        ],
        kept=("spiffe://new.example/bot", "New bot", "http://new.example/jwks", "https://new.example/back\nhttps://new.example/two"),
    ),
    "reply": Case(
        who="olga",
        fields=[CASE, ("text", "It is on its way.")],
        leads="/desk/cases/{case}?done=reply",
        kind="reply.sent",
        wrong=[CASE, ("text", "It goes to Lindenweg 4, 20095 Hamburg.")],
        says="The text says something this agent may not be told.",
        kept=("It goes to Lindenweg 4, 20095 Hamburg.", "<mark>Lindenweg 4, 20095 Hamburg</mark>"),
    ),
    "reply-withheld": Case(
        who="olga",
        fields=[CASE, ("text", "It goes to Lindenweg 4, 20095 Hamburg.")],
        leads="/desk/cases/{case}?done=reply-withheld",
        kind="reply.sent",
        wrong=[CASE, ("text", "y" * 8001)],
        says="8000",
        kept=("y" * 8001,),
    ),
    "resume": Case(
        who="sam",
        fields=[("what", "operator"), ("name", "bad.example")],
        leads="/security?done=proposed",
        others=("olga", "ada", "anna"),
        wrong=[("what", "planet"), ("name", "bad.example")],
        says="Check what you entered.",
    ),
    "roles": Case(
        who="sam",
        fields=[("id", "olga"), ("role", "billing"), ("role", "care"), ("reason", "helps out")],
        leads="/security?done=proposed",
        others=("olga", "ada", "anna"),
        wrong=[("id", "olga"), ("role", "billing"), ("reason", "helps out often")],
        says="Tick what is to be added",
        kept=("helps out often", 'value="billing" checked', '<option value="olga" data-roles="[&#34;billing&#34;]" selected>'),
    ),
    "settle": Case(
        who="sue",
        fields=[("id", "{proposal}"), ("answer", "yes")],
        leads="/security?done=settle-yes",
        kind="agent.resumed",
        others=("olga", "ada", "anna", "sam"),
        wrong=[("id", "prp_none"), ("answer", "yes")],
        says="This waits no more",
    ),
    "settle-contest": Case(
        who="ada",
        fields=[("id", "{contest}"), ("text", "It was so.")],
        leads="/audit?done=settle-contest",
        kind="contest.settled",
        others=("olga", "sam", "anna"),
        wrong=[("id", "{contest}"), ("text", "z" * 9000)],
        kept=("z" * 9000,),
    ),
    "stop": Case(
        who="sam",
        fields=[("what", "agent"), ("name", f" {HELPER} "), ("reason", "fraud")],
        shows=("Stopped everywhere after", "<dt>Running tasks that ended</dt><dd>1</dd>", HELPER),
        kind="agent.suspended",
        others=("olga", "ada", "anna"),
        wrong=[("what", "objective"), ("name", "nothing-such"), ("reason", "fraud again")],
        says="There is no such purpose here",
        kept=("nothing-such", "fraud again", '<option value="objective" selected>'),
    ),
    "take": Case(
        who="olga",
        fields=[WAITS],
        leads="/desk?done=take",
        kind="confirmation.taken",
        wrong=[("id", "cnf_none")],
        says="There is nothing here",
    ),
    "tier": Case(
        who="sam",
        fields=[("client_id", HELPER), ("tier", "unproved")],
        leads="/security?done=tier",
        kind="agent.trusted",
        others=("olga", "ada", "anna"),
        wrong=[("client_id", HELPER), ("tier", "best")],
        says="tier must be unproved, known or trusted",
    ),
    "verified": Case(
        who="sam",
        fields=[("id", "anna"), ("reason", "passport")],
        leads="/security?done=proposed",
        others=("olga", "ada", "anna"),
        wrong=[("id", "nobody"), ("reason", "passport, seen twice")],
        says="There is nobody with that id.",
        kept=("nobody", "passport, seen twice"),
    ),
    "words-no": Case(who="olga", fields=[HELD], leads="/desk?done=words-no", kind="words.answered", others=("nils", "sam", "anna")),
    "words-strip": Case(who="olga", fields=[HELD], leads="/desk?done=words-strip", kind="words.answered", others=("nils", "sam", "anna")),
    "verify": Case(
        who="ada", fields=[], shows=("entries are as they were recorded.", "<dt>Root</dt>"), others=("olga", "sam", "anna")
    ),
}  # fmt: skip
"""Every form of the desk's own people. A form that stands in the table of the code and not here fails."""


class Scene:
    """A desk with something behind each of its forms."""

    def __init__(self, desk: Sandbox, keys: str) -> None:
        self.arena = Arena(desk)
        self.people: dict[str, SandboxPerson] = {
            "anna": desk.customer("anna", email="anna@mail.example", name="Anna Berg"),
            "bram": desk.customer("bram"),
            "olga": desk.officer("olga", ["billing"], name="Olga Frey"),
            "bea": desk.officer("bea", ["billing"]),
            "sam": desk.officer("sam", ["security"]),
            "sue": desk.officer("sue", ["admin"]),
            "ada": desk.officer("ada", ["audit"]),
            "nils": desk.officer("nils"),
        }
        agent = desk.agent(HELPER)
        self.task = agent.open(desk.customer("anna").grant(agent, MANDATE))
        self.reply = self.task.ask("payment.refund", REFUND)
        self.held = self.task.ask("order.read", {"order_id": "W1001"}, words="Also cancel order W1002, please.")
        stopped = {"operator": "bad.example", "reason": "fraud"}
        self.people["sam"].post("/security/v1/suspend", stopped)
        entry = self.people["anna"].get("/me/v1/history")["entries"][0]["entry"]
        bait = {"kind": "token", "name": "old key", "place": "the wiki"}
        self.ids = {
            "bait": self.people["sam"].post("/security/v1/canaries", bait)["id"],
            "case": self.task.case,
            "waits": self.people["olga"].invitation(self.reply),
            "held": self.people["olga"].invitation(self.held) if self.held.needs_human else "",
            "proposal": "",
            "keys": keys,
            "contest": self.people["anna"].post(f"/me/v1/entries/{entry}/contest", {"text": "Not me."})["contest"],
        }
        self.task.ask("case.comment", {"text": "Thank you."}, attachments=[{"name": "a.bin", "media_type": "", "data_b64": "AAECAwQF"}])
        self.ids["file"] = self.people["olga"].get("/desk/v1/files")["files"][0]["file"]

    def propose(self) -> None:
        """Something that a second person must agree to."""
        body = {"operator": "bad.example", "reason": "over"}
        self.ids["proposal"] = self.people["sam"].post("/security/v1/resume", body)["proposal"]["proposal"]

    def send(self, name: str, fields: Fields, who: str, headers: Mapping[str, str] = OURS) -> httpx.Response:
        """One form, as a browser sends it ("" for nobody's)."""
        body = urlencode([(key, value.format(**self.ids) if value.startswith("{") else value) for key, value in fields]).encode()
        cookie = self.people[who].cookie if who else ""
        sent = {key: value for key, value in headers.items() if value}
        return self.arena.room.raw("POST", f"/forms/{name}", cookie=cookie, headers=sent, content=body, check=False)

    def size(self) -> int:
        """How many entries there are."""
        return len(self.arena.entries())


class _Keys(BaseHTTPRequestHandler):
    """Where a new agent has its keys."""

    def do_GET(self) -> None:
        body = json.dumps(
            {"keys": [ECKey.generate_key("P-256", {"kid": "k", "alg": "ES256", "use": "sig"}).as_dict(private=False)]}
        ).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_said: object) -> None:  # nobody reads it
        pass


@pytest.fixture(scope="module")
def keys() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Keys) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/jwks"
        server.shutdown()
        thread.join()


@pytest.fixture
def scene(keys: str) -> Iterator[Scene]:
    with Sandbox(SHOP, facts=FACTS, settings={"words": {"beyond": "hold", "officer": "billing"}}) as desk:
        yield Scene(desk, keys)


def text_of(answer: httpx.Response) -> str:
    return html.unescape(answer.text)


@pytest.mark.proves("FORMS")
def test_every_form_of_the_code_stands_here_and_every_form_of_a_page_in_the_code(scene: Scene) -> None:
    desk = scene.arena.desk.desk
    assert desk is not None
    assert isinstance(desk.app, App)
    people = PeopleApi(scene.arena.parts, desk.app._agents.limits)
    pages = Pages(people.parts, people.limits)
    known = all_forms(people, CustomerPages(pages), OfficerPages(pages, CountedLog()))
    assert known.keys() == CASES.keys() | CUSTOMERS
    templates = Path(str(web.__path__[0])) / "templates"
    written = " ".join(one.read_text(encoding="utf-8") for one in templates.iterdir())
    named = set(re.findall(r"/forms/([a-z-]+)", written)) | set(
        re.findall(r"'([a-z-]+)'", " ".join(re.findall(r"/forms/\{\{(.*?)\}\}", written)))
    )
    assert known.keys() <= named | {"foresee"}
    assert set(re.findall(r'(?:action|formaction)="/forms/([a-z-]+)"', written)) <= known.keys()


@pytest.mark.proves("P16", "CSRF")
@pytest.mark.parametrize(
    "changed",
    [
        *({"origin": one} for one in ("https://helper.example", "null", "", "http://localhost.helper.example")),
        *({"sec-fetch-site": one} for one in ("cross-site", "same-site", "none")),
        *({"content-type": one} for one in ("text/plain", "multipart/form-data; boundary=x", "application/json")),
    ],
    ids=str,
)
def test_no_form_of_another_sites_page_does_anything(scene: Scene, changed: dict[str, str]) -> None:
    scene.propose()
    before = scene.size()
    with scene.arena.unchanged():
        for name, case in CASES.items():
            answer = scene.send(name, case.fields, case.who, OURS | changed)
            assert answer.status_code in {403, 415}, name
            assert "/enrol?code=" not in answer.text
            assert "location" not in answer.headers
    assert scene.size() == before


@pytest.mark.proves("P1", "FORMS", "FORM-KEPT")
def test_no_form_does_anything_for_another_role_or_for_nobody_and_what_was_written_is_kept(scene: Scene) -> None:
    scene.propose()
    before = scene.size()
    with scene.arena.unchanged():
        for name, case in CASES.items():
            written = [value for key, value in case.fields if key in {"text", "note", "reason"} and value]
            for who in (*case.others, ""):
                answer = scene.send(name, case.fields, who)
                if who or "location" not in answer.headers:
                    assert answer.status_code in {401, 403, 404}, (name, who)
                    assert all(one.replace("\r\n", "\n") in text_of(answer) for one in written), (name, who)
                else:
                    assert answer.headers["location"].startswith("/login"), name
                    assert not written, name
                assert "/enrol?code=" not in answer.text
    assert scene.size() == before


@pytest.mark.proves("FORMS")
@pytest.mark.parametrize("name", sorted(CASES))
def test_each_form_does_what_its_twin_does_and_leads_on(scene: Scene, name: str) -> None:
    case = CASES[name]
    scene.propose() if name == "settle" else None
    before = scene.size()
    answer = scene.send(name, case.fields, case.who)
    assert answer.headers["cache-control"] == "no-store"
    if case.leads:
        assert (answer.status_code, answer.headers["location"]) == (303, case.leads.format(**scene.ids)), text_of(answer)
        led = {"sec-fetch-site": "same-origin"}
        shown = scene.arena.person("GET", answer.headers["location"], cookie=scene.people[case.who].cookie, headers=led)
        assert (shown.status_code, 'class="notice ok" role="status"' in shown.text) == (200, True)
    else:
        assert (answer.status_code, bool(case.shows)) == (200, True), text_of(answer)
        for said in case.shows:
            assert said in text_of(answer), said
    if case.kind:
        assert [one["kind"] for one in scene.arena.entries()[before:]].count(case.kind) >= 1
    if not case.kind and not case.leads:
        assert scene.size() == before


@pytest.mark.proves("FORM-KEPT")
@pytest.mark.parametrize("name", sorted(name for name, case in CASES.items() if case.wrong))
def test_what_is_refused_is_told_in_plain_words_and_nothing_that_was_entered_is_lost(scene: Scene, name: str) -> None:
    case = CASES[name]
    before = scene.size()
    with scene.arena.unchanged():
        answer = scene.send(name, case.wrong, case.who)
    text = text_of(answer)
    assert 400 <= answer.status_code < 500, text
    told = re.findall(r'<div id="refused" class="result no" role="alert".*?</div>', answer.text, re.DOTALL)
    assert len(told) == (name not in {"take", "reply-withheld"}), "once, where the form is, if that is on the page at all"
    assert case.says in html.unescape(told[0] if told else answer.text)
    assert not re.search(r"(request|params|person)\.[a-z_]+", "".join(told)), "in words, not in codes"
    for kept in case.kept:
        assert kept in text or kept in answer.text, kept
    assert scene.size() == before


@pytest.mark.proves("FORMS")
def test_a_form_takes_no_field_that_is_not_its_own_and_none_twice(scene: Scene) -> None:
    before = scene.size()
    with scene.arena.unchanged():
        for name, case in CASES.items():
            assert scene.send(name, [*case.fields, ("withhold", "true")], case.who).status_code == 400, name
            assert scene.send(name, [*case.fields, ("id", "x"), ("id", "y")], case.who).status_code == 400, name
            assert scene.send(name, [*case.fields, ("assertion", "x")], case.who).status_code == 400, name
    assert scene.size() == before


@pytest.mark.proves("CONFIRM-WHO", "FORMS")
def test_no_form_of_an_officer_says_yes(scene: Scene) -> None:
    for name, fields in (("answer-no", [WAITS, ("answer", "yes")]), ("confirm", [WAITS]), ("answer-yes", [WAITS])):
        assert scene.send(name, fields, "olga").status_code in {400, 404}
    assert scene.reply.again().needs_human


@pytest.mark.proves("OUTBOUND", "FORMS")
def test_what_is_withheld_leaves_by_no_form(scene: Scene) -> None:
    secret = f"The code is {TOKEN}, it goes to Lindenweg 4, 20095 Hamburg."
    assert scene.send("reply", [CASE, ("text", secret)], "olga").status_code == 422
    assert scene.task.inbox() == []
    assert scene.send("reply-withheld", [CASE, ("text", secret)], "olga").status_code == 303
    assert [one["text"] for one in scene.task.inbox()] == ["The code is [withheld], it goes to [withheld]."]


@pytest.mark.proves("FORMS")
def test_as_long_a_text_as_the_page_takes_is_taken_in_any_script(scene: Scene) -> None:
    text = "\U0001f600" * 8000
    body = urlencode({"text": text}).encode()
    preview = scene.arena.room.raw(
        "POST", f"/desk/cases/{scene.task.case}/preview", headers=OURS, content=body, cookie=scene.people["olga"].cookie, check=False
    )
    assert (preview.status_code, "Send it" in preview.text) == (200, True)
    assert scene.send("reply", [CASE, ("text", text)], "olga").status_code == 303
    assert scene.task.inbox()[-1]["text"] == text


@pytest.mark.proves("FORMS")
def test_a_number_in_the_terms_of_an_offer_is_a_number(keys: str) -> None:
    shop = copy.deepcopy(SHOP)
    shop["action"]["offer.accept"]["params"]["properties"]["share"] = {"type": "number", "title": "Share"}
    with Sandbox(shop, facts=FACTS) as desk:
        scene = Scene(desk, keys)
        for entered, share in (("0,5", 0.5), ("2", 2)):
            terms = [CASE, ("action", "offer.accept"), ("unit", "EUR"), ("ttl", "3600"), ("term-amount", "15"), ("term-share", entered)]
            answer = scene.send("offer", terms, "olga")
            assert answer.status_code == 303, text_of(answer)
            made = [one["terms"]["share"] for one in scene.people["olga"].get(f"/desk/v1/cases/{scene.task.case}")["offers"]]
            assert share in made


@pytest.mark.proves("FORM-KEPT")
def test_a_preview_that_cannot_be_shown_keeps_what_was_written(scene: Scene) -> None:
    text = "It goes to Lindenweg 4, 20095 Hamburg. <b>"
    for who, case, status in (("", scene.task.case, 401), ("nils", scene.task.case, 403), ("olga", "case_none", 404)):
        cookie = scene.people[who].cookie if who else ""
        path, body = f"/desk/cases/{case}/preview", urlencode({"text": text}).encode()
        kept = scene.arena.room.raw("POST", path, headers=OURS, content=body, cookie=cookie, check=False)
        assert (kept.status_code, text in text_of(kept), "<mark>" in kept.text, "<b>" in kept.text) == (status, True, False, False), who
        assert f'action="{path}"' in kept.text


@pytest.mark.proves("FORM-KEPT")
def test_what_was_entered_comes_back_as_text_and_never_as_a_part_of_the_page(scene: Scene) -> None:
    bad = '"><script>alert(1)</script><p id="refused">'
    for name, fields, who in (
        ("stop", [("what", "agent"), ("name", bad), ("reason", bad)], "sam"),
        ("hand", [WAITS, ("to", bad), ("note", bad)], "olga"),
        ("note", [CASE, ("text", bad)], "nils"),
        ("offer", [CASE, ("action", "offer.accept"), ("unit", bad), ("ttl", bad), ("term-amount", bad)], "olga"),
        ("foresee", [("what", "customer"), ("name", bad), ("reason", bad)], "sam"),
    ):
        answer = scene.send(name, fields, who)
        assert "<script>alert" not in answer.text, name
        assert bad in text_of(answer), name


@pytest.mark.proves("FORMS")
def test_a_one_time_link_stands_on_its_page_alone(scene: Scene) -> None:
    for name in ("person", "recover"):
        answer = scene.send(name, CASES[name].fields, "sam")
        assert answer.text.count("/enrol?code=") == 1
        assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "same-origin")
        assert "location" not in answer.headers
        assert f'href="{ISSUER}/enrol' not in answer.text
        code = re.findall(r"/enrol\?code=([A-Za-z0-9_.-]+)", answer.text)[0]
        assert code not in scene.arena.person("GET", "/security", cookie=scene.people["sam"].cookie).text


@pytest.mark.proves("FORMS", "P16")
@pytest.mark.parametrize(
    "led",
    [
        {"sec-fetch-site": "cross-site", "referer": "https://helper.example/"},
        {"sec-fetch-site": "same-site", "referer": f"{ISSUER}/me"},
        {"sec-fetch-site": "none"},
        {"referer": f"{ISSUER}.helper.example/"},
        {"referer": "https://helper.example/"},
        {},
    ],
    ids=str,
)
def test_nobody_elses_link_makes_a_page_say_that_something_was_done(scene: Scene, led: dict[str, str]) -> None:
    for who, path in (("anna", "/me?done=revoke"), ("sam", "/security?done=settle-yes"), ("olga", "/desk?done=answer-no")):
        shown = scene.arena.person("GET", path, cookie=scene.people[who].cookie, headers=led)
        assert (shown.status_code, 'class="notice ok"' in shown.text) == (200, False), path
        for own in ({"sec-fetch-site": "same-origin"}, {"referer": f"{ISSUER}{path}"}):
            assert 'class="notice ok"' in scene.arena.person("GET", path, cookie=scene.people[who].cookie, headers=own).text


@pytest.mark.proves("FORMS", "CONFIRM-WHO")
def test_a_name_in_a_refusal_hides_nothing(scene: Scene) -> None:
    ivo = scene.arena.desk.officer("ivo", ["billing"], name="Ivo \u202eyerF")
    ivo.post(f"/desk/v1/confirmations/{scene.ids['waits']}/take", {})
    refused = scene.send("answer-no", [WAITS], "bea")
    assert (refused.status_code, "\u202e" in refused.text, "Ivo ⟨U+202E⟩yerF has taken this." in refused.text) == (409, False, True)
    path = "/security/v1/people/no\u202ebody/roles"
    told = scene.arena.person("POST", path, {"roles": [], "reason": "x"}, cookie=scene.people["sam"].cookie)
    assert "\u202e" not in told.json()["detail"]


@pytest.mark.proves("FORMS")
def test_a_stop_of_somebody_unknown_says_so(scene: Scene) -> None:
    for name, said in (("foresee", "No customer here has that id."), ("stop", "It holds if they come.")):
        assert said in text_of(scene.send(name, [("what", "customer"), ("name", "anan"), ("reason", "typo")], "sam"))


@pytest.mark.proves("FORMS")
def test_the_roles_form_begins_with_the_roles_that_somebody_has(scene: Scene) -> None:
    shown = scene.arena.person("GET", "/security?roles=olga", cookie=scene.people["sam"].cookie).text
    assert re.findall(r'name="role" value="(\w+)" checked', shown) == ["billing"]
    assert '<details id="roles" open>' in shown
    assert not re.findall(r'value="(\w+)" checked', scene.arena.person("GET", "/security", cookie=scene.people["sam"].cookie).text)


@pytest.mark.proves("CONFIRM-WHO")
def test_the_page_of_what_a_colleague_has_taken_says_so_and_takes_no_answer(scene: Scene) -> None:
    path = f"/confirm/{scene.ids['waits']}"

    def person(who: str) -> Person:
        return scene.arena.run(scene.arena.parts.store.get(Person, who)).record

    def seen(who: str) -> str:
        return scene.arena.person("GET", path, cookie=scene.people[who].cookie).text

    assert "has this until" not in seen("bea")
    assert scene.send("take", [WAITS], "olga").status_code == 303
    assert "Olga Frey has this until <time" in seen("bea")
    assert 'data-answer="' not in seen("bea")
    assert "You have this until <time" in seen("olga")
    assert 'data-answer="yes"' in seen("olga")
    assert "has this until" not in seen("anna")
    assert 'data-answer="yes"' in seen("anna")
    refused = scene.send("answer-no", [WAITS], "bea")
    assert (refused.status_code, "A colleague has taken this" in text_of(refused)) == (409, True)
    stands = scene.arena.run(seen_by(scene.arena.parts, person("bea")))
    scene.arena.clock.ahead_ms += 10 * 60_000 + 1
    assert 'data-answer="yes"' in seen("bea")
    assert scene.arena.run(seen_by(scene.arena.parts, person("bea"))) != stands, "an open page hears that it is free again"
