"""Notices that leave the desk: what they say, where they lead, and that following them, catching them or flooding them brings nothing."""

import asyncio
import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import ISSUER, SEND_BACK, SHOP, Arena, gathered, open_arena
from attacks.outbound.post import Post
from notice_servers import certificate, mail_server, webhook_server
from remit.adapters.notify.memory import MemoryCarrier
from remit.domain.records import AgentRecord, ConfirmationRecord, NoticeRecord
from remit.ports.notify import DeliveryObstacle, Letter
from remit.ports.store import Commit, Put
from remit.usecases.people.contact import change_contact
from remit.usecases.people.recover import start_recovery
from remit.usecases.send_notices import GATHER_MS, LEASE_MS, NoticeSender

HOSTILE = 'Acme" approved\r\nBcc: eve@evil.example\u202e\u2066 https://evil.example/confirm see evil.example' + " and more" * 40
FLOORS = {"payment.refund": ["customer", "officer:billing"]}


class Watching:
    """A store whose commits go through a test's hands."""

    def __init__(self, store: Any, commit: Any) -> None:
        self._store = store
        self.commit = commit

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.fixture
def post(arena: Arena) -> Post:
    return Post(arena)


@pytest.fixture
def asked() -> Iterator[tuple[Arena, Post]]:
    """A desk at which a return needs an officer too."""
    with open_arena(policies=_OFFICERS) as arena:
        yield arena, Post(arena)


_OFFICERS = """
@id("ask-billing") permit(principal, action, resource) when { context.confirmed_by.contains("officer:billing") };
@id("reads") permit(principal, action in Action::"area:routine", resource);
"""


def urls(text: str) -> list[str]:
    """What a mail program or a scanner would follow: whatever looks like an address, with or without a scheme."""
    return re.findall(r"(?:https?://|www\.)[^\s\"'<>]+|\b[\w-]+(?:\.[\w-]+)*\.(?:example|com|org|net)\b[^\s\"'<>]*", text)


def everything_in(params: Any) -> list[str]:
    """Every value of an ask's params, as text."""
    if isinstance(params, dict):
        return [one for value in params.values() for one in everything_in(value)]
    if isinstance(params, list):
        return [one for value in params for one in everything_in(value)]
    return [str(params)]


# what it says


@pytest.mark.proves("NOTICE-SILENT")
def test_an_invitation_says_who_asks_for_what_purpose_and_no_value_of_the_ask(arena: Arena, post: Post) -> None:
    task = arena.task()
    reply = task.ask("order.return", SEND_BACK, words="Please send back W1, item i1.")
    assert reply.needs_human
    post.round()
    (letter,) = post.letters
    said = f"{letter.subject}\n{letter.text}\n{letter.page}"
    for value in (*everything_in(SEND_BACK), "kettle", "Hamburg", "Please send back", "anna", "Berg"):
        assert value not in said.replace(arena.anna.invitation(reply), "")
    assert letter.page == f"{ISSUER}/confirm/{arena.anna.invitation(reply)}"
    assert (letter.person, letter.address) == ("anna", "anna@mail.example")
    assert "Return something and get the money back" in letter.text
    assert "Topic: money." in letter.text


@pytest.mark.proves("NOTICE-SILENT")
def test_no_letter_carries_anything_that_lets_somebody_in(arena: Arena, post: Post) -> None:
    arena.waiting()
    made = arena.desk.room.control(
        "POST",
        "/sandbox/v1/people",
        {"id": "zoe", "kind": "customer", "email": "zoe@mail.example", "name": "Zoe", "roles": [], "how": "vouched"},
    )
    arena.run(_everything_about_access(arena))
    post.round()
    taken = post.carriers[0].taken
    assert len(taken) > 3
    texts = json.dumps([[one.subject, one.text, one.page] for one in taken])
    assert made["code"] not in texts
    assert "code=" not in texts
    assert arena.anna.cookie.partition("=")[2] not in texts
    for letter in taken:
        assert re.fullmatch(rf"{ISSUER}/(me|desk|confirm/cnf_[a-z2-7]{{26}})", letter.page)
        assert urls(letter.subject + letter.text) == []


async def _everything_about_access(arena: Arena) -> None:
    await start_recovery(arena.context, "anna", by="ann", ttl_s=900)
    await change_contact(arena.context, "anna", "new@mail.example", by="ann")


@pytest.mark.proves("NOTICE-NAMES")
def test_a_name_that_others_chose_breaks_no_line_hides_nothing_and_is_no_link(arena: Arena, post: Post) -> None:
    agent = arena.desk.agent("spiffe://helper.example/named", "known", operator="evil.example", name="placeholder")
    _rename(arena, "spiffe://helper.example/named", HOSTILE)
    arena.task(agent=agent).ask("order.return", SEND_BACK)
    post.round()
    (letter,) = post.letters
    assert letter.subject.isprintable()
    assert "\n" not in letter.subject
    assert len(letter.subject) < 200
    assert not re.search("[\u202a-\u202e\u2066-\u2069\r]", letter.subject + letter.text)
    assert urls(letter.subject + letter.text) == []
    assert letter.subject.count('"') == 2, "what is quoted does not end its own quotes"
    assert "Bcc" not in [line.partition(":")[0] for line in letter.text.splitlines()]


def _rename(arena: Arena, agent: str, name: str) -> None:
    """Give an agent a name that registration would not take: what the mail shows does not rest on that."""

    async def work() -> None:
        kept = await arena.context.store.get(AgentRecord, agent)
        await arena.context.store.commit(Commit(puts=(Put(replace(kept.record, name=name), kept.rev, kept.record),)))

    arena.run(work())


# where it leads


class Forms(HTMLParser):
    """Links, forms and what scripts would be told of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[tuple[str, str]] = []
        self.answers: set[str] = set()
        self.twins: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.links.extend(found[name] for name in ("href", "src") if found.get(name, "").startswith("/"))
        if tag == "form":
            self.forms.append((found.get("method", "post").upper(), found.get("action", "")))
        if found.get("data-twin"):
            self.twins.append(found["data-twin"])
        if found.get("data-answer"):
            self.answers.add(found["data-answer"])


def scanned(arena: Arena, page: str, cookie: str) -> int:
    """Do to a page, and to each page it links to, what the most eager of scanners would: every method, every form, every button but a no."""
    seen: set[str] = set()
    todo = [page]
    while todo and len(seen) < 40:
        path = todo.pop(0)
        if path in seen or "sign-out" in path:
            continue
        seen.add(path)
        looked = arena.person("GET", path, cookie=cookie)
        for method in ("HEAD", "OPTIONS", "POST", "PUT", "DELETE"):
            arena.person(method, path, cookie=cookie)
            arena.person(method, path, {"answer": "yes"}, cookie=cookie, headers={"origin": ISSUER, "sec-fetch-site": "same-origin"})
        if "html" not in looked.headers.get("content-type", ""):
            continue
        found = Forms()
        found.feed(looked.text)
        todo.extend(html.unescape(link) for link in found.links)
        for method, action in found.forms:
            arena.person(method, action or path, {"answer": "yes"}, cookie=cookie)
        for twin in found.twins:
            arena.person("GET", twin, cookie=cookie)
            for answer in sorted({"yes", *found.answers} - {"no", "no_and_end"}):
                arena.person("POST", twin, {"answer": answer}, cookie=cookie, headers={"origin": ISSUER, "sec-fetch-site": "same-origin"})
    return len(seen)


@pytest.mark.proves("NOTICE-LINKS", "CONFIRM-SIGNED")
@pytest.mark.parametrize("signed_in", [False, True], ids=["a stranger's scanner", "a scanner in the customer's own browser"])
def test_a_scanner_that_follows_every_link_and_presses_every_button_approves_nothing(signed_in: bool, tmp_path: Path) -> None:
    ca = certificate(tmp_path)
    with mail_server(starttls=ca) as server:
        notify = {
            "kind": "smtp",
            "smtp_host": "localhost",
            "smtp_port": server.port,
            "smtp_ca_file": str(ca),
            "smtp_from": "Acme <support@acme.example>",
        }
        with open_arena(settings={"notify": notify}) as arena:
            _, reply, invitation = arena.waiting()
            mail = next(one for one in iter(server.next, None) if "needs your approval" in str(one["Subject"]))
            bodies = "".join(part.get_content() for part in mail.walk() if part.get_content_maintype() == "text")
            links = {html.unescape(one) for one in re.findall(r"https?://[^\s\"'<>]+", bodies)}
            assert links == {f"{ISSUER}/confirm/{invitation}"}
            with arena.unchanged():
                for link in links:
                    assert scanned(arena, link.removeprefix(ISSUER), arena.anna.cookie if signed_in else "")
            assert reply.again().needs_human
            assert arena.entries("confirmation.answered") == []
            assert arena.anna.confirm(reply).outcome == "done", "and the person still can"


# that it is sent once, and is not lost


@pytest.mark.proves("NOTICE-KEPT")
def test_the_notice_of_an_invitation_is_there_exactly_when_the_invitation_is(arena: Arena, post: Post) -> None:
    commits: list[Commit] = []
    store = arena.context.store
    commit = store.commit

    async def watched(one: Commit) -> Any:
        commits.append(one)
        return await commit(one)

    task = arena.task()
    object.__setattr__(arena.context, "store", Watching(store, watched))
    assert task.ask("order.return", SEND_BACK).needs_human
    object.__setattr__(arena.context, "store", store)
    (together,) = [one for one in commits if any(isinstance(put.record, ConfirmationRecord) for put in one.puts)]
    assert [put.record.to for put in together.puts if isinstance(put.record, NoticeRecord)] == ["anna"]
    post.round()
    assert len(post.letters) == 1


@pytest.mark.proves("NOTICE-ONCE")
def test_of_nodes_that_find_a_notice_at_once_one_sends_it(arena: Arena, post: Post) -> None:
    arena.waiting()
    nodes = [NoticeSender(lambda *_: None) for _ in range(4)]
    gathered(arena, [lambda node=node: node.round(arena.context) for node in nodes])  # type: ignore[misc]  # bound now
    assert len(post.letters) == 1
    assert post.later(LEASE_MS * 2) == 0


@pytest.mark.proves("NOTICE-ONCE")
def test_a_letter_that_may_have_been_taken_is_sent_again_under_the_same_id(arena: Arena, post: Post) -> None:
    post.carriers[0].after.append(DeliveryObstacle.LETTER)
    arena.waiting()
    post.round()
    assert post.round() == 0, "not at once"
    post.later(60_000)
    first, second = post.letters
    assert first == second
    assert post.told == [("smtp", "put_off"), ("smtp", "sent")]


@pytest.mark.proves("NOTICE-KEPT")
def test_what_a_node_had_in_hand_when_it_died_is_sent_by_another(arena: Arena, post: Post) -> None:
    class Dies(MemoryCarrier):
        async def carry(self, letter: Letter) -> None:
            await super().carry(letter)
            raise asyncio.CancelledError

    arena.waiting()
    dying = Dies("smtp")
    object.__setattr__(arena.context, "carriers", (dying,))

    async def dies() -> None:
        with pytest.raises(asyncio.CancelledError):
            await NoticeSender(lambda *_: None).round(arena.context)

    arena.run(dies())
    object.__setattr__(arena.context, "carriers", post.carriers)
    assert post.round() == 0, "it is left to whoever claimed it for a while"
    post.later(LEASE_MS)
    assert post.letters == dying.taken, "the same letter: it may have been taken"


@pytest.mark.proves("NOTICE-KEPT")
def test_while_a_mail_server_is_away_asks_are_answered_and_nothing_is_lost(arena: Arena, post: Post) -> None:
    post.carriers[0].before.append(DeliveryObstacle.CARRIER)
    task = arena.task()
    assert task.ask("order.return", SEND_BACK).needs_human
    post.round()
    assert post.told == [("smtp", "put_off")]
    post.sending._rests_until_s.clear()  # its rest is over
    post.later(5_000)
    assert len(post.letters) == 1


@pytest.mark.proves("NOTICE-KEPT")
def test_what_was_not_delivered_in_its_time_is_told_with_what_it_was(arena: Arena, post: Post, caplog: pytest.LogCaptureFixture) -> None:
    post.carriers[0].before.append(DeliveryObstacle.LETTER)
    _, _, invitation = arena.waiting()
    post.round()
    post.later(arena.context.terms.confirmation_ttl_s * 1000)
    assert post.letters == []
    assert post.told[-1] == ("smtp", "failed")
    (line,) = [one for one in caplog.records if getattr(one, "event", "") == "notice.undelivered"]
    assert line.levelname == "ERROR"
    assert invitation in line.getMessage()
    assert "anna" in line.getMessage()
    assert "anna@mail.example" not in line.getMessage()


@pytest.mark.proves("NOTICE-KEPT")
def test_one_carrier_that_is_away_keeps_nothing_from_another(arena: Arena) -> None:
    mail, hook = MemoryCarrier("smtp"), MemoryCarrier("webhook", needs_address=False)
    post = Post(arena, mail, hook)
    mail.before.append(DeliveryObstacle.CARRIER)
    arena.waiting()
    post.round()
    assert (len(mail.taken), len(hook.taken)) == (0, 1)
    post.sending._rests_until_s.clear()
    post.later(5_000)
    assert (len(mail.taken), len(hook.taken)) == (1, 1)


@pytest.mark.proves("NOTICE-SILENT")
def test_what_was_answered_before_it_was_sent_is_told_nobody(arena: Arena, post: Post) -> None:
    _, reply, _ = arena.waiting()
    arena.anna.confirm(reply)
    post.round()
    assert post.letters == []
    assert post.told == []


# that nobody is flooded


@pytest.mark.proves("NOTICE-FLOOD")
def test_many_requests_within_a_minute_are_one_letter_to_each_officer(asked: tuple[Arena, Post]) -> None:
    arena, post = asked
    for name in ("ann", "ben"):
        arena.desk.officer(name, ["billing"], email=f"{name}@desk.example")
    arena.desk.officer("cleo", ["billing"])
    arena.desk.officer("dora", ["security"], email="dora@desk.example")
    for number in range(3):
        agent = arena.desk.agent(f"spiffe://helper{number}.example/shop", "known")
        assert arena.task(agent=agent).ask("order.return", SEND_BACK).needs_human
        post.round()
    officers = [one for one in post.letters if one.person != "anna"]
    assert officers == []
    post.later(GATHER_MS)
    officers = [one for one in post.letters if one.person != "anna"]
    assert sorted(one.person for one in officers) == ["ann", "ben"]
    for letter in officers:
        assert "3 requests" in letter.subject
        assert letter.page == f"{ISSUER}/desk"
    post.later(GATHER_MS)
    assert len([one for one in post.letters if one.person != "anna"]) == 2


@pytest.mark.proves("NOTICE-FLOOD")
def test_one_request_leads_an_officer_to_its_own_page(asked: tuple[Arena, Post]) -> None:
    arena, post = asked
    ann = arena.desk.officer("ann", ["billing"], email="ann@desk.example")
    reply = arena.task(agent=arena.agent(SHOP)).ask("order.return", SEND_BACK)
    post.round()
    post.later(GATHER_MS)
    (letter,) = [one for one in post.letters if one.person == "ann"]
    assert letter.page == f"{ISSUER}/confirm/{ann.invitation(reply)}"
    assert "officer" in letter.subject


@pytest.mark.proves("NOTICE-KEPT")
def test_who_must_still_agree_to_less_is_told_too(asked: tuple[Arena, Post]) -> None:
    arena, post = asked
    ann = arena.desk.officer("ann", ["billing"], email="ann@desk.example")
    wanted = {**SEND_BACK, "item_ids": ["i1", "i2"]}
    reply = arena.task(agent=arena.agent(SHOP)).ask("order.return", wanted)
    post.round()
    assert [one.person for one in post.letters] == ["anna"]
    lesser = ann.offer_less(reply, SEND_BACK)
    assert lesser.needs_human
    post.round()
    assert [one.person for one in post.letters] == ["anna", "anna"]
    assert post.letters[1].page == f"{ISSUER}/confirm/{arena.anna.invitation(lesser)}"


# whoever stands in between


@pytest.mark.proves("NOTICE-WIRE")
def test_a_served_desk_posts_what_waits_signed_and_follows_no_redirect(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n")
    secret.chmod(0o600)
    with webhook_server() as elsewhere, webhook_server() as server:
        server.location = elsewhere.url
        server.statuses.append(307)
        notify = {"kind": "webhook", "webhook_url": server.url, "webhook_secret_file": str(secret)}
        with open_arena(settings={"notify": notify}) as arena:
            arena.anna  # noqa: B018  # enrolling tells her that a passkey was added
            while not server.asked:
                arena.run(arena.desk.desk.jobs.round())  # type: ignore[union-attr]
            assert elsewhere.asked == []
            arena.clock.ahead_ms += 60_000
            headers, said = server.next()
    assert said["data"]["subject"] == "A passkey was added"
    assert headers["webhook-signature"].startswith("v1,")
    assert elsewhere.asked == []
