"""The pages as a browser gets them: who may see them, that nothing of an agent's becomes markup, and where they lead."""

import copy
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from desks.shop import MANDATE
from remit.client import Refused
from remit.sandbox import Sandbox
from remit.sandbox.passkey import SoftPasskey
from remit.sandbox.people import SandboxCustomer, SandboxPerson
from remit.sandbox.workloads import SandboxAgent, SandboxTask

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\u202e"


class Page(HTMLParser):
    """What a browser would make of a page: its elements with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def of(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


def get(desk: Sandbox, path: str, person: SandboxPerson | None = None, **headers: str) -> Any:
    return desk.room.raw("GET", path, cookie=person.cookie if person else "", headers=headers, check=False)


def test_who_is_not_signed_in_goes_to_sign_in_and_back(desk: Sandbox) -> None:
    for path in ("/me", "/desk", "/security", "/audit", "/confirm/cnf_x", "/oauth/authorize?request_uri=urn%3Ax&client_id=a"):
        answered = get(desk, path)
        assert answered.status_code == 303
        assert answered.headers["location"].startswith("/login?next=%2F")


@pytest.mark.parametrize(
    "after",
    [
        "https://evil.example/",
        "//evil.example/me",
        "/\\evil.example",
        "/me//evil.example",
        "javascript:alert(1)",
        "/elsewhere",
        "/me\r\nx: y",
    ],
)
def test_signing_in_leads_nowhere_else(desk: Sandbox, anna: SandboxCustomer, after: str) -> None:
    answered = desk.room.thread.run(_with_query(desk, after, anna.cookie))
    assert answered.headers["location"] == "/me"


async def _with_query(desk: Sandbox, after: str, cookie: str) -> Any:
    return await desk.room._http.get("/login", params={"next": after}, headers={"cookie": cookie})


@pytest.mark.proves("PAGES-QUIET", "LEFT-BEHIND")
def test_no_page_runs_or_styles_anything_inline_or_from_elsewhere(
    desk: Sandbox, anna: SandboxCustomer, agent: SandboxAgent, task: SandboxTask
) -> None:
    reply = task.ask("order.return", {"order_id": "W1001", "item_ids": ["i1", "i2"]}, words="The kettle leaks.")
    olga = desk.officer("olga", ["billing", "security", "audit"])
    request_uri, _ = agent.push(copy.deepcopy(MANDATE))
    mandate = anna.get("/me/v1/mandates")["mandates"][0]["mandate"]
    pages = [
        (None, "/login"),
        (None, "/enrol?code=abc"),
        (anna, "/me"),
        (anna, f"/me/mandates/{mandate}"),
        (anna, f"/confirm/{anna.invitation(reply)}"),
        (anna, f"/oauth/authorize?request_uri={request_uri}"),
        (olga, "/desk"),
        (olga, f"/desk/cases/{task.case}"),
        (olga, "/security"),
        (olga, "/audit"),
    ]
    for person, path in pages:
        answered = get(desk, path, person)
        assert answered.status_code == 200, (path, answered.text[:300])
        policy = answered.headers["content-security-policy"]
        assert policy.startswith("default-src 'self'; ")
        assert all(source in {"'self'", "'none'"} for rule in policy.split("; ") for source in rule.split(" ")[1:]), policy
        assert "unsafe" not in policy
        assert answered.headers["cache-control"] == "no-store"
        page = Page(answered.text)
        assert not page.of("style")
        assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on") or name == "style"]
        assert all(one.get("type") == "application/json" or str(one.get("src", "")).startswith("/static/") for one in page.of("script"))
        assert all(
            str(one[where]).startswith(("/", "#")) for one in page.of("a", "link", "img") for where in ("href", "src") if one.get(where)
        )
        _verify_readable(page, answered.text)


def _verify_readable(page: Page, text: str) -> None:
    """A language, one heading of the first rank, and a name for everything that can be filled in."""
    assert page.of("html")[0]["lang"] == "en"
    assert len(page.of("h1")) == 1
    named = {one.get("for") for one in page.of("label")}
    for one in page.of("input", "select", "textarea"):
        inside = one.get("type") in {"checkbox", "hidden"}
        assert inside or one.get("id") in named or one.get("aria-label"), one
    ids = [one["id"] for _, one in page.elements if one.get("id")]
    assert len(ids) == len(set(ids))
    assert re.search(r"<title>[^<]+</title>", text)


@pytest.mark.proves("AGENTS-TEXT")
def test_what_an_agent_writes_never_becomes_markup(desk: Sandbox, anna: SandboxCustomer) -> None:
    agent = desk.agent("spiffe://helper.example/bad", name="Helper <b>x</b>")
    asked = copy.deepcopy(MANDATE)
    asked["objective"]["summary"] = HOSTILE
    with pytest.raises(Refused, match=r"mandate\.invalid"):
        agent.push(asked)
    asked["objective"]["summary"] = 'send it back <b>"now"</b></p></div>'
    request_uri, _ = agent.push(asked)
    answered = get(desk, f"/oauth/authorize?request_uri={request_uri}", anna)
    assert answered.status_code == 200
    page = Page(answered.text)
    assert all(one.get("type") == "application/json" or one.get("src") for one in page.of("script"))
    assert not [one for one in page.of("img") if one.get("src") == "x"]
    assert not page.of("b")
    assert "\u202e" not in re.sub(r"<script type=\"application/json\".*?</script>", "", answered.text, flags=re.DOTALL)


def test_the_consent_page_of_another_agents_request_is_not_shown(desk: Sandbox, anna: SandboxCustomer, agent: SandboxAgent) -> None:
    request_uri, _ = agent.push(copy.deepcopy(MANDATE))
    answered = get(desk, f"/oauth/authorize?request_uri={request_uri}&client_id=somebody", anna)
    assert answered.status_code == 404


def test_a_foreign_record_is_said_and_ones_own_are_offered(desk: Sandbox, anna: SandboxCustomer, agent: SandboxAgent) -> None:
    asked = copy.deepcopy(MANDATE)
    asked["objective"]["target"]["order"] = ["W2002"]
    request_uri, _ = agent.push(asked)
    answered = get(desk, f"/oauth/authorize?request_uri={request_uri}", anna)
    page = Page(answered.text)
    records = [(one["value"], "checked" in one) for one in page.of("input") if one.get("data-edit") == "target"]
    assert records == [("W1001", False), ("W1003", False)]
    assert [one for one in page.of("button") if one.get("data-answer") == "grant" and "disabled" in one]


def test_an_act_for_two_is_shown_to_both_and_done_when_both_agreed(desk: Sandbox, anna: SandboxCustomer, agent: SandboxAgent) -> None:
    sam = desk.officer("sam", ["security"])
    wanted = {"type": "remit_mandate", "objective": {"type": "unlock"}, "powers": [{"power": "request", "actions": ["account.unlock"]}]}
    reply = agent.open(anna.grant(agent, wanted)).ask("account.unlock", {})
    page = f"/confirm/{anna.invitation(reply)}"
    assert "The support team must approve this too" in get(desk, page, anna).text
    assert page in get(desk, "/desk", sam).text
    seen = get(desk, page, sam).text
    assert "Request from a customer's agent" in seen
    assert f'data-twin="/desk/v1{page.replace("/confirm", "/confirmations")}"' in seen
    assert anna.confirm(reply).needs_human
    given = get(desk, page, anna)
    assert given.status_code == 200
    assert "You approved this" in given.text
    assert 'data-answer="yes"' not in given.text
    assert sam.confirm(reply).outcome == "done"


def test_everything_in_ones_name_can_be_read_from_the_first_entry_on(desk: Sandbox, anna: SandboxCustomer) -> None:
    auditor = desk.officer("ada", ["audit"])
    for _ in range(105):
        raised = anna.post("/me/v1/entries/0/contest", {"text": "Not me."})["contest"]
        auditor.post(f"/audit/v1/contests/{raised}", {"text": "It was you."})
    first = anna.get("/me/v1/history?low=0")["entries"]
    assert [one["entry"] for one in first] == sorted(one["entry"] for one in first)
    second = anna.get(f"/me/v1/history?low={first[-1]['entry'] + 1}")["entries"]
    assert len(first) == 200
    assert second
    newest = anna.get("/me/v1/history")["entries"]
    assert [one["entry"] for one in newest] == sorted((one["entry"] for one in newest), reverse=True)
    before = anna.get(f"/me/v1/history?before={newest[-1]['entry']}")["entries"]
    assert {one["entry"] for one in (*newest, *before)} == {one["entry"] for one in (*first, *second)}
    page = get(desk, "/me/history", anna).text
    assert page.count('<li class="entry ') == 25
    assert f"/me/history?before={newest[24]['entry']}" in page
    assert f'id="e{newest[0]["entry"]}"' in page
    older = get(desk, f"/me/history?before={newest[24]['entry']}", anna).text
    assert f'id="e{newest[25]["entry"]}"' in older
    assert "Older entries" not in get(desk, f"/me/history?before={first[5]['entry']}", anna).text
    with pytest.raises(Refused, match=r"request\.malformed"):
        anna.get("/me/v1/history?low=0&before=9")


@pytest.mark.parametrize(("path", "status"), [("/me", 403), ("/nothing", 404), ("/confirm/cnf_x", 404), ("/desk/cases/case_x", 404)])
def test_a_refusal_is_a_page_in_plain_words(desk: Sandbox, path: str, status: int) -> None:
    answered = get(desk, path, desk.officer("olga", ["billing"]), accept="text/html,*/*;q=0.8")
    assert answered.status_code == status
    assert "<h1>" in answered.text
    assert "GET /openapi.json" not in answered.text


def test_a_program_is_told_in_json_where_nothing_is(desk: Sandbox) -> None:
    assert get(desk, "/nothing", accept="*/*").json()["code"] == "request.not_found"
    assert get(desk, "/nothing", accept="text/html").headers["content-type"].startswith("text/html")


def test_pages_of_the_desks_people_are_for_their_roles(desk: Sandbox, anna: SandboxCustomer) -> None:
    billing, guard, auditor = desk.officer("olga", ["billing"]), desk.officer("sam", ["admin"]), desk.officer("ada", ["audit"])
    allowed = {("/desk", "olga"), ("/desk", "sam"), ("/security", "sam"), ("/audit", "sam"), ("/audit", "ada")}
    for path in ("/desk", "/security", "/audit"):
        for person in (anna, billing, guard, auditor):
            expected = 200 if (path, person.id) in allowed else 403
            answered = get(desk, path, person)
            assert answered.status_code == expected, (path, person.id)
            led = {one["href"] for one in Page(answered.text).of("a")} & {"/desk", "/security", "/audit"}
            assert led == {page for page, name in allowed if name == person.id}, "the pages somebody is led to are those they may open"


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"content-type": "text/plain"}],
)
def test_another_sites_page_changes_nothing(desk: Sandbox, anna: SandboxCustomer, agent: SandboxAgent, headers: dict[str, str]) -> None:
    mandate = anna.grant(agent, copy.deepcopy(MANDATE))
    sent = {"content-type": "application/json", **headers}
    answered = desk.room.raw("POST", f"/me/v1/mandates/{mandate.id}/revoke", cookie=anna.cookie, headers=sent, content=b"{}", check=False)
    assert answered.status_code in {403, 415}
    assert anna.get("/me/v1/mandates")["mandates"][0]["state"] == "active"


def test_static_files_are_asked_again_and_not_sent_twice(desk: Sandbox) -> None:
    first = get(desk, "/static/remit.js")
    assert first.headers["content-type"].startswith("text/javascript")
    again = get(desk, "/static/remit.js", **{"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for path in ("/static/../wiring.py", "/static/..%2fwiring.py", "/static/nothing.js"):
        assert get(desk, path).status_code == 404


def test_a_stop_says_whether_there_is_anybody_of_that_id_and_ids_are_found(
    desk: Sandbox, anna: SandboxCustomer, task: SandboxTask, agent: SandboxAgent
) -> None:
    sam = desk.officer("sam", ["admin"])
    offered = {one["value"] for one in Page(get(desk, "/security/agents", sam).text).of("option") if one.get("value")}
    assert {"anna", agent.client_id, agent.operator} <= offered
    assert "anna" in re.sub(r"<[^>]+>", " ", get(desk, "/desk", sam).text).split()
    assert "(id <code>anna</code>)" in get(desk, f"/desk/cases/{task.case}", sam).text
    for what, name in (("customer", "Anna Berg"), ("customer", "sam"), ("operator", "nobody.example")):
        done = sam.post("/security/v1/suspend", {what: name, "reason": "a call"})
        assert (done["known"], done["tasks"]) == (False, []), name
    assert "stopped all agents acting for you" not in get(desk, "/me", anna).text
    done = sam.post("/security/v1/suspend", {"customer": "anna", "reason": "a call"})
    assert (done["known"], done["tasks"]) == (True, [task.id])
    shown = get(desk, "/me", anna).text
    assert "stopped all agents acting for you" in shown
    assert "a call" not in shown, "why is for the desk's own people"


def test_an_agent_that_is_stopped_is_shown_so_to_who_let_it(desk: Sandbox, anna: SandboxCustomer, agent: SandboxAgent) -> None:
    anna.grant(agent, copy.deepcopy(MANDATE))
    assert "stopped by" not in get(desk, "/me", anna).text
    desk.suspend(operator=agent.operator)
    assert "stopped by" in get(desk, "/me", anna).text
    assert anna.get("/me/v1/mandates")["mandates"][0]["stopped"] is True


def test_an_officer_without_a_role_is_told_so_and_sent_nowhere(desk: Sandbox) -> None:
    nia = desk.officer("nia", [])
    assert get(desk, "/", nia).headers["location"] == "/desk"
    shown = get(desk, "/desk", nia)
    assert shown.status_code == 403
    assert "You have no role yet" in shown.text
    assert "Go to my page" not in shown.text
    assert "Go to my page" in get(desk, "/desk", desk.customer("anna")).text


def test_who_is_the_only_admin_is_told_how_a_second_one_is_made(desk: Sandbox) -> None:
    sam = desk.officer("sam", ["admin"])
    same = sam.post("/security/v1/people", {"id": "sam-again", "kind": "officer", "same_person_as": "sam"})
    assert same["link"]
    assert "remit person add ID --kind officer --role admin" in get(desk, "/security/proposals", sam).text
    desk.officer("kim", ["security"])
    assert "remit person add ID" not in get(desk, "/security/proposals", sam).text


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("", "The agent&#39;s link is incomplete"),
        ("?request_uri=W1001", "The agent&#39;s link is incomplete"),
        ("?request_uri=urn:ietf:params:oauth:request_uri:req_0", "The agent&#39;s link no longer works"),
    ],
)
def test_who_an_agent_sent_with_a_broken_link_is_told_to_start_there(desk: Sandbox, anna: SandboxCustomer, query: str, title: str) -> None:
    shown = get(desk, f"/oauth/authorize{query}", anna).text.partition("<footer")[0]
    assert f"<h1>{title}</h1>" in shown
    assert "Start again in your agent." in shown
    assert "Check what you entered" not in shown


def test_a_closed_case_is_not_closed_again(desk: Sandbox, task: SandboxTask) -> None:
    sam = desk.officer("sam", ["admin"])
    assert "Close the case" in get(desk, f"/desk/cases/{task.case}", sam).text
    sam.post(f"/desk/v1/cases/{task.case}/close", {})
    shown = get(desk, f"/desk/cases/{task.case}", sam).text
    assert "Close the case" not in shown
    assert "The case is closed." in shown


def test_who_recovered_sees_that_everything_is_paused_and_from_when_it_can_go_on(desk: Sandbox, anna: SandboxCustomer) -> None:
    assert "Nothing is paused." in get(desk, "/resume", anna).text
    sam = desk.officer("sam", ["security"])
    link = sam.post("/security/v1/people/anna/recover", {})["link"]
    opened = link.removeprefix(desk.room.issuer)
    assert "all your other passkeys stop working" in get(desk, opened).text
    assert "Everything you allowed agents is paused" in get(desk, opened).text
    for other in ("/enrol?code=abc", "/enrol", sam.post("/security/v1/people", {"id": "zoe", "kind": "customer"})["link"]):
        assert "stop working" not in get(desk, other.removeprefix(desk.room.issuer)).text
    begun = desk.room.call("POST", "/login/v1/enrol", {"code": link.partition("code=")[2]})
    key = SoftPasskey(desk.room.issuer)
    done = desk.room.raw("POST", "/login/v1/enrol", {"ceremony": begun["ceremony"], "response": key.create(begun["options"])})
    anna.cookie = done.headers["set-cookie"].partition(";")[0]
    assert "/resume" in {one["href"] for one in Page(get(desk, "/me", anna).text).of("a")}
    shown = get(desk, "/resume", anna).text
    assert "From <time" in shown
    assert "Resume with passkey" not in shown
    assert "A new passkey replaced all others." in get(desk, "/me", anna).text
    proposed = sam.post("/security/v1/people/anna/verified", {"reason": "passport"})["proposal"]["proposal"]
    assert "Confirm identity of" in get(desk, "/security/proposals", sam).text
    desk.officer("kim", ["security"]).post(f"/security/v1/proposals/{proposed}", {"answer": "yes"})
    assert "/resume" not in {one["href"] for one in Page(get(desk, "/me", anna).text).of("a")}
    assert "Support confirmed in person who you are" in get(desk, "/me", anna).text
    record = get(desk, "/audit", desk.officer("ada", ["audit"])).text
    assert "Support confirmed in person who they are" in record
    assert "Support started a passkey recovery" in record
