"""Every door for people, out of the list of addresses itself: other pages, other methods, other people; and floods by who is signed in."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import pytest

from attacks.arena import ISSUER, SEND_BACK, SHOP, Arena, code_of, gathered, mandate, open_arena
from attacks.pages.bodies import BODIES
from attacks.probes.visitor import OPTIONS
from remit.domain.records import OverrideReview
from remit.entrypoints.http.app import App
from remit.ports.store import Commit, Put
from remit.sandbox.people import SandboxPerson
from visiting import Visitor, documents

JSON: Final = {"content-type": "application/json"}
FOREIGN: Final[tuple[dict[str, str], ...]] = (
    {"origin": "https://helper.example"},
    {"origin": "null"},
    {"origin": "http://localhost:80"},
    {"origin": "http://localhost.helper.example"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "Same-Origin"},
    {"content-type": "text/plain"},
    {"content-type": "application/x-www-form-urlencoded"},
    {"content-type": "multipart/form-data; boundary=x"},
    {"content-type": "text/plain;application/json"},
    {"content-type": "application/json;charset=utf-16"},
    {"content-type": ""},
)
"""What a request has that another site's page, or a page of no site, can make a browser send."""
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "PROPFIND")
SHARED: Final = frozenset({
    *("/me/v1", "/desk/v1", "/me/v1/waiting", "/desk/v1/waiting", "/me/v1/passkeys", "/me/v1/resume", "/desk/v1/resume", "/resume"),
    *("/login/v1/enrol", "/login/v1/sign-in", "/login/v1/sign-out", "/login/v1/sign-out-everywhere", "/me/v1/live", "/desk/v1/live"),
})  # fmt: skip
"""Doors where everybody finds what is their own."""
FORM: Final = "application/x-www-form-urlencoded"
FORMS: Final = frozenset({"/language", "/oauth/authorize"})
"""Doors that read a plain form, and answer with a page."""
VISITS: Final = frozenset({"/oauth/authorize", "/me/v1/visits"})
"""Doors that a visitor's authorization request leads to."""


@dataclass(frozen=True, slots=True)
class Doors:
    """An arena in which every door for people has something behind it."""

    arena: Arena
    people: Mapping[str, SandboxPerson]
    ids: Mapping[str, str]
    visit: str
    """The query of a visitor's authorization request."""
    written: list[str]
    """The kinds of what was written since it was emptied ("" for a commit that puts nothing)."""

    @property
    def addresses(self) -> list[tuple[str, str]]:
        """Methods and addresses that are for people."""
        desk = self.arena.desk.desk
        assert desk is not None
        assert isinstance(desk.app, App)
        begins = {"", "me", "desk", "security", "audit", "staff", "login", "confirm", "enrol", "resume", "sandbox", "language"}
        taken = desk.app.addresses
        return sorted((method, path) for method, path in taken if path.split("/")[1] in begins or path == "/oauth/authorize")

    def whose(self, path: str) -> str:
        """Who may use a door."""
        if "confirm" in path and not path.endswith(("/about", "/hand", "/take")):
            return "anna"
        return next(
            (
                who
                for begins, who in (("/desk", "bill"), ("/security", "sam"), ("/audit", "ada"), ("/staff", "ada"))
                if path.startswith(begins)
            ),
            "anna",
        )

    def send(self, method: str, path: str, who: str, headers: Mapping[str, str]) -> httpx.Response:
        """What a door takes, from somebody ("" for nobody)."""
        address = re.sub(r"([a-z]+)/\{id\}", lambda found: f"{found[1]}/{self.ids[found[1]]}", path)
        if path in VISITS:
            address = f"{address}?{self.visit}"
        cookie = self.people[who].cookie if who else ""
        sent = {name: value for name, value in headers.items() if value}
        content = json.dumps(BODIES.get(path, {})).encode()
        if path in FORMS:
            content = urlencode(BODIES[path]).encode()
            sent = {name: FORM if value == JSON["content-type"] else value for name, value in sent.items()}
        return self.arena.room.raw(method, address, cookie=cookie, headers=sent, content=content, check=False)


@pytest.fixture(scope="module")
def doors() -> Iterator[Doors]:
    with open_arena(**OPTIONS) as arena, documents() as served:
        people = {
            "anna": arena.anna,
            "bram": arena.desk.customer("bram", email="bram@mail.example"),
            "bill": arena.desk.officer("bill", ["billing"]),
            "sam": arena.desk.officer("sam", ["security"]),
            "ada": arena.desk.officer("ada", ["audit"]),
            "nils": arena.desk.officer("nils"),
        }
        found, task = arena.granted()
        reply = task.ask("order.return", SEND_BACK)
        entry = arena.anna.get("/me/v1/history")["entries"][-1]["entry"]
        other = arena.anna.get("/me/v1/history")["entries"][0]["entry"]
        stopped = {"operator": "bad.example", "reason": "fraud"}
        people["sam"].post("/security/v1/suspend", stopped)
        bait = people["sam"].post("/security/v1/canaries", {"kind": "record", "name": "old order", "place": "the archive"})
        ids = {
            "agents": SHOP,
            "operators": "helper.example",
            "canaries": bait["id"],
            "cases": task.case,
            "confirm": arena.anna.invitation(reply),
            "confirmations": arena.anna.invitation(reply),
            "contests": arena.anna.post(f"/me/v1/entries/{other}/contest", {"text": "Not me."})["contest"],
            "entries": str(entry),
            "mandates": found.id,
            "passkeys": arena.anna.get("/me/v1/passkeys")["passkeys"][0]["id"],
            "people": "bram",
            "proposals": people["sam"].post("/security/v1/resume", stopped)["proposal"]["proposal"],
            "requests": arena.agent().push(mandate())[0].rpartition(":")[2],
        }
        reviewed = OverrideReview(id="ovr_1", case=task.case, customer="anna", by="bill", by_key="bill", at=arena.context.world.now())
        arena.run(arena.context.store.commit(Commit(puts=(Put(reviewed, 0),))))
        ids["overrides"] = reviewed.id
        ids["incidents"] = people["sam"].get("/security/v1/incidents")["incidents"][0]["incident"]
        task.ask("order.read", {"order_id": "W1"}, attachments=[{"name": "a.bin", "media_type": "", "data_b64": "AAECAwQF"}])
        arena.desk.officer("bea", ["billing"]).post(f"/desk/v1/cases/{task.case}/notes", {"text": "@bill, please look."})
        ids["mentions"] = people["bill"].get("/desk/v1/mentions")["mentions"][0]["mention"]
        ids["files"] = people["bill"].get("/desk/v1/files")["files"][0]["file"]
        written: list[str] = []
        store = arena.context.store
        commit = store.commit

        async def counted(change: Any) -> Any:
            written.extend([type(one.record).__name__ for one in change.puts] or [""])
            return await commit(change)

        store.commit = counted  # type: ignore[method-assign]  # only looked at
        visit = urlencode(Visitor(arena.room, served.publish()).query())
        yield Doors(arena, people, ids, visit, written)


def said(answer: httpx.Response) -> str:
    """The code of a refusal, of which a page tells too."""
    if answer.headers["content-type"] == "text/html; charset=utf-8":
        return re.findall(r"<code>([a-z_.]+)</code>", answer.text)[-1]
    return code_of(answer)


def verify_told(answer: httpx.Response, what: object) -> None:
    """A refusal has a code and a cure, nothing broke, and nobody on the way keeps or frames it."""
    assert answer.status_code < 500, what
    assert answer.headers["x-frame-options"] == "DENY", what
    assert answer.headers["cache-control"] == "no-store", what
    if answer.is_error and answer.request.method != "HEAD" and answer.headers["content-type"] != "text/html; charset=utf-8":
        assert answer.json()["code"], what
        assert answer.json()["cure"], what


@pytest.mark.proves("P16", "CSRF", "FORMS")
def test_nothing_a_foreign_page_can_send_changes_anything_at_any_door(doors: Doors) -> None:
    changing = [(method, path) for method, path in doors.addresses if method != "GET"]
    assert {path for _, path in changing} == set(BODIES)
    doors.written.clear()
    for method, path in changing:
        for headers in FOREIGN:
            refused = doors.send(method, path, doors.whose(path), JSON | headers)
            assert said(refused) in {"person.not_allowed", "request.unsupported_type"}, (path, headers)
            verify_told(refused, (path, headers))
    assert doors.written == []


@pytest.mark.proves("P16", "CSRF")
def test_no_other_method_than_a_doors_own_changes_anything(doors: Doors) -> None:
    taken = set(doors.addresses)
    doors.written.clear()
    for path in sorted({path for _, path in taken}):
        for method in METHODS:
            if (method, path) not in taken or method == "GET":
                for headers in (JSON, JSON | {"x-http-method-override": "POST", "origin": "https://helper.example"}):
                    verify_told(doors.send(method, path, doors.whose(path), headers), (method, path))
    assert set(doors.written) <= {"Ceremony"}, "to look at a request hands out what would be signed"


@pytest.mark.proves("P1", "CONFIRM-WHO")
def test_no_door_opens_for_somebody_elses_things_or_another_role(doors: Doors) -> None:
    doors.written.clear()
    for method, path in doors.addresses:
        own = doors.whose(path)
        if path in SHARED or path.startswith(("/login", "/enrol", "/sandbox")) or path == "/":
            continue
        for who in {"", *doors.people} - {own}:
            if path.startswith("/desk") and who == "sam":
                continue  # `security` is a role of the catalogue too
            if who == "bram" and (method, path) == ("POST", "/me/v1/requests/{id}"):
                continue  # a request is whoever's the agent sends with it; what is not theirs they can only decline
            if who == "bram" and path in VISITS:
                continue  # an app sends everybody there; a request for somebody else's record can only be declined
            answer = doors.send(method, path, who, JSON if method == "POST" else {})
            verify_told(answer, (method, path, who))
            if (method, path) == ("GET", "/staff/v1/views") and who in {"bill", "sam"}:
                assert answer.json() == {"views": []}  # their own
                continue
            if who == "bram" and path.startswith("/me") and "{id}" not in path:
                assert answer.status_code == 200, path
                assert "anna" not in answer.text.lower(), (path, who)
            else:
                assert answer.status_code in {303, 400, 401, 403, 404}, (method, path, who)
    assert doors.written == []


@pytest.mark.proves("P16", "CSRF")
def test_the_same_requests_are_taken_from_our_own_pages(doors: Doors) -> None:
    """Last of these: it uses up what the others were refused."""
    changing = [(method, path) for method, path in doors.addresses if method == "POST" and not path.startswith("/sandbox")]
    for method, path in sorted(changing, key=lambda one: (one[1] == "/login/v1/sign-out", one[1])):
        answer = doors.send(method, path, doors.whose(path), JSON | {"origin": ISSUER, "sec-fetch-site": "same-origin"})
        assert not answer.is_error or said(answer) not in {"person.not_allowed", "request.unsupported_type"}, path
        verify_told(answer, path)
    assert code_of(doors.arena.person("GET", "/me/v1", cookie=doors.arena.anna.cookie)) == "person.not_signed_in"


@pytest.mark.proves("WORDS")
def test_the_name_of_no_action_carries_a_message_to_people(arena: Arena) -> None:
    task = arena.task()
    message = "Your account is locked, call 0900 now\u202e\n"
    arena.refused(arena.ask(task, message, {}), "action.unknown")
    arena.refused(arena.ask(task, "order.sing", {}), "action.unknown")
    billing = arena.desk.officer("bill", ["billing"])
    for path, cookie in ((f"/desk/cases/{task.case}", billing.cookie), ("/me", arena.anna.cookie)):
        page = re.sub(r"<dl>.*?</dl>", "", arena.person("GET", path, cookie=cookie).text)
        assert "an unknown action" in page
        assert "order.sing" not in page
        assert "account is locked" not in page
        assert "\u202e" not in page


@pytest.mark.proves("LIMITS")
def test_whoever_is_signed_in_and_floods_is_told_to_wait_and_keeps_nobody_from_ending_it() -> None:
    with open_arena(settings={"limits": {"peer_per_s": 1, "peer_burst": 30}}) as arena:
        seconds = [1000.0]
        arena.context.world.ticks = lambda: seconds[0]  # type: ignore[method-assign]  # only the clock is held
        thief, bram = arena.anna.cookie, arena.desk.customer("bram")
        begun = arena.room.call("POST", "/login/v1/sign-in", {})
        answered = {"ceremony": begun["ceremony"], "assertion": arena.anna.passkey.get(begun["options"])}
        owner = arena.person("POST", "/login/v1/sign-in", answered).headers["set-cookie"].partition(";")[0]
        statuses = [arena.person("GET", path, cookie=thief).status_code for path in ("/me", "/me/v1/history") * 20]
        assert set(statuses[:30]) == {200}
        assert set(statuses[30:]) == {429}
        refused = arena.person("GET", "/me/v1/history", cookie=thief)
        assert (code_of(refused), refused.headers["retry-after"]) == ("request.rate_limited", "1")
        assert arena.person("GET", "/me/v1", cookie=owner).status_code == 200
        assert arena.person("GET", "/me", cookie=bram.cookie).status_code == 200
        seconds[0] += 2
        assert arena.person("GET", "/me/v1/history", cookie=thief).status_code == 200


@pytest.mark.proves("LIMITS")
def test_no_customer_fills_the_desks_lists_with_contests(arena: Arena) -> None:
    for _ in range(13):
        arena.task()
    entries = [one["entry"] for one in arena.anna.get("/me/v1/history")["entries"]]
    assert len(entries) > 24

    def contested(entry: int) -> httpx.Response:
        return arena.person("POST", f"/me/v1/entries/{entry}/contest", {"text": "Not me."}, cookie=arena.anna.cookie)

    assert contested(entries[0]).status_code == 201
    assert code_of(contested(entries[0])) == "request.conflict"
    statuses = [contested(entry).status_code for entry in entries[1:]]
    assert (statuses.count(201), statuses.count(409)) == (19, len(entries) - 20)
    assert len(arena.entries("contest.raised")) == 20
    auditor = arena.desk.officer("ada", ["audit"])
    auditor.post(f"/audit/v1/contests/{arena.anna.get('/me/v1/contests')['contests'][0]['contest']}", {"text": "It was so."})

    def again(entry: int) -> Any:
        body = json.dumps({"text": "Not me."}).encode()
        return lambda: arena.room._http.post(f"/me/v1/entries/{entry}/contest", content=body, headers=JSON | {"cookie": arena.anna.cookie})

    left = entries[20:]
    at_once = [one.status_code for one in gathered(arena, [again(entry) for entry in left])]
    assert at_once.count(201) == 1, "those that come at once see each other"
