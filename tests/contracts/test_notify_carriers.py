"""What every way by which notices leave the desk promises: taken or told, in bounded time, over no weaker connection, the same at every try."""

import asyncio
import base64
import hashlib
import hmac
import html
import re
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from notice_servers import PASSWORD, USER, MailServer, Receiver, certificate, mail_server, nobody, raw_server, webhook_server
from remit.adapters.notify import smtp
from remit.adapters.notify.memory import MemoryCarrier
from remit.adapters.notify.smtp import SmtpCarrier
from remit.adapters.notify.webhook import WebhookCarrier
from remit.adapters.world.system import SystemWorld
from remit.domain.values import Instant
from remit.ports.notify import Carrier, DeliveryFailed, DeliveryObstacle, Letter

SENDER = Address(display_name="Acme", addr_spec="support@acme.example")
SECRET, NEXT_SECRET = bytes(range(32)), bytes(range(1, 33))
AT = Instant(1_790_000_000_123)
LETTER = Letter(
    id="ntc_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    at=AT,
    person="anna",
    address="anna@mail.example",
    subject="Acme: “Shop” needs your answer",
    text="An agent asks for something.\n\nIt can be answered until 2026-11-27 04:10 UTC, für Grüße & <b>more</b>.",
    page="https://desk.example/confirm/cnf_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    foot="This is a notice that the desk's program wrote.",
    language="en",
)


def mailer(
    port: int, *, security: Any = "plain", ca: Path | None = None, user: str = "", password: str = "", timeout_s: float = 20
) -> SmtpCarrier:
    tls = ssl.create_default_context(cafile=ca)
    server = smtp.MailServer(host="localhost", port=port, security=security, tls=tls, user=user, password=password, timeout_s=timeout_s)
    return SmtpCarrier(server, sender=SENDER)


def poster(url: str, *, ca: Path | None = None, secrets: tuple[bytes, ...] = (SECRET,), timeout_s: float = 20) -> WebhookCarrier:
    tls = ssl.create_default_context(cafile=ca)
    return WebhookCarrier(url, secrets=secrets, desk="https://desk.example", tls=tls, timeout_s=timeout_s, world=SystemWorld())


class Row:
    """A carrier, what it was seen to carry, and how its other side is told not to take the next letter."""

    def __init__(self, carrier: Carrier, taken: Callable[[], list[str]], refuse: Callable[[DeliveryObstacle], None], away: Carrier) -> None:
        self.carrier, self.taken, self.refuse, self.away = carrier, taken, refuse, away


@contextmanager
def memory(_: Path) -> Iterator[Row]:
    one, gone = MemoryCarrier(), MemoryCarrier()
    gone.before.extend([DeliveryObstacle.CARRIER] * 9)
    yield Row(one, lambda: [letter.id for letter in one.taken], one.before.append, gone)


def _mail_row(server: MailServer, carrier: SmtpCarrier) -> Row:
    seen: list[str] = []

    def taken() -> list[str]:
        while not server.mails.empty():
            seen.append(str(server.mails.get()["Message-ID"]).strip("<>").partition("@")[0])
        return seen

    replies = {DeliveryObstacle.CARRIER: "421 closing", DeliveryObstacle.LETTER: "450 later", DeliveryObstacle.NEVER: "550 no"}
    return Row(carrier, taken, lambda holdup: server.replies.append(replies[holdup]), mailer(nobody()))


@contextmanager
def plain_mail(_: Path) -> Iterator[Row]:
    with mail_server() as server:
        yield _mail_row(server, mailer(server.port))


@contextmanager
def starttls_mail(folder: Path) -> Iterator[Row]:
    ca = certificate(folder)
    with mail_server(starttls=ca, login=True) as server:
        yield _mail_row(server, mailer(server.port, security="starttls", ca=ca, user=USER, password=PASSWORD))


@contextmanager
def tls_mail(folder: Path) -> Iterator[Row]:
    ca = certificate(folder)
    with mail_server(tls=ca) as server:
        yield _mail_row(server, mailer(server.port, security="tls", ca=ca))


def _posted_row(server: Receiver, carrier: WebhookCarrier) -> Row:
    seen: list[str] = []

    def taken() -> list[str]:
        while not server.posts.empty():
            seen.append(server.next()[0]["webhook-id"])
        return seen

    statuses = {DeliveryObstacle.CARRIER: 503, DeliveryObstacle.LETTER: 401, DeliveryObstacle.NEVER: 422}
    return Row(carrier, taken, lambda holdup: server.statuses.append(statuses[holdup]), poster(f"http://localhost:{nobody()}/"))


@contextmanager
def plain_webhook(_: Path) -> Iterator[Row]:
    with webhook_server() as server:
        yield _posted_row(server, poster(server.url))


@contextmanager
def tls_webhook(folder: Path) -> Iterator[Row]:
    ca = certificate(folder)
    with webhook_server(tls=ca) as server:
        yield _posted_row(server, poster(server.url, ca=ca))


ROWS = {
    "memory": memory,
    "smtp": plain_mail,
    "smtp starttls": starttls_mail,
    "smtp tls": tls_mail,
    "webhook": plain_webhook,
    "webhook tls": tls_webhook,
}


@pytest.fixture(params=list(ROWS))
def row(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Row]:
    with ROWS[request.param](tmp_path) as found:
        yield found


def carry(carrier: Carrier, letter: Letter = LETTER) -> DeliveryObstacle | None:
    """Carry a letter; how far it reaches that it was not taken, None when it was."""
    try:
        asyncio.run(carrier.carry(letter))
    except DeliveryFailed as unsent:
        return unsent.holdup
    return None


# every carrier


def test_a_letter_is_taken_once_it_was_carried(row: Row) -> None:
    assert carry(row.carrier) is None
    assert row.taken() == [LETTER.id]


@pytest.mark.parametrize("holdup", list(DeliveryObstacle))
def test_a_letter_that_is_not_taken_is_told_and_taken_at_the_next_try_under_the_same_id(row: Row, holdup: DeliveryObstacle) -> None:
    row.refuse(holdup)
    assert carry(row.carrier) is holdup
    assert row.taken() == []
    assert carry(row.carrier) is None
    assert row.taken() == [LETTER.id]


def test_where_nobody_answers_nothing_goes_this_way(row: Row) -> None:
    assert carry(row.away) is DeliveryObstacle.CARRIER
    with pytest.raises(DeliveryFailed):
        asyncio.run(row.away.probe())


def test_looking_sees_that_the_other_side_answers_and_sends_nothing(row: Row) -> None:
    assert asyncio.run(row.carrier.probe())
    assert row.taken() == []


def test_a_letter_carried_twice_is_the_same_one(row: Row) -> None:
    assert carry(row.carrier) is carry(row.carrier) is None
    assert row.taken() == [LETTER.id, LETTER.id]


# mail


def both_parts(mail: EmailMessage) -> tuple[str, str]:
    text, marked = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert marked is not None
    return text.get_content(), marked.get_content()


def sent(carrier: SmtpCarrier, server: MailServer, letter: Letter = LETTER) -> EmailMessage:
    asyncio.run(carrier.carry(letter))
    return server.next()


def test_a_mail_has_the_headers_of_a_notice_and_says_the_same_twice() -> None:
    with mail_server() as server:
        mail = sent(mailer(server.port), server)
    assert str(mail["From"]) == "Acme <support@acme.example>"
    assert str(mail["To"]) == "anna@mail.example"
    assert str(mail["Subject"]) == LETTER.subject
    assert str(mail["Message-ID"]) == f"<{LETTER.id}@acme.example>"
    assert mail["Date"].datetime.timestamp() == AT // 1000
    assert mail["Auto-Submitted"] == "auto-generated"
    assert [name for name in mail if name.lower().startswith(("list-", "precedence", "x-"))] == []
    assert server.envelopes == [("support@acme.example", ["anna@mail.example"])]
    text, marked = both_parts(mail)
    for part in (*LETTER.text.split("\n\n"), LETTER.page):
        assert part in text
    bare = html.unescape(re.sub(r"<(?:head>.*?</head|[^>]*)>", "", marked, flags=re.DOTALL))
    assert bare.split() == text.split()
    assert re.findall(r'href="([^"]*)"', marked) == [LETTER.page]
    assert "<b>" not in marked


@pytest.mark.proves("NOTICE-NAMES")
def test_a_subject_and_a_text_hide_nothing_whoever_wrote_them() -> None:
    hostile = "a\u202eb\u200bc\x07"
    with mail_server() as server:
        mail = sent(mailer(server.port), server, replace(LETTER, subject=hostile, text=hostile))
    text, marked = both_parts(mail)
    for said in (str(mail["Subject"]), text, marked):
        assert "a⟨U+202E⟩b⟨U+200B⟩c⟨U+0007⟩" in said
        assert not set("\u202e\u200b\x07") & set(said)


@pytest.mark.proves("NOTICE-NAMES")
def test_a_subject_of_two_lines_is_one() -> None:
    with mail_server() as server:
        mail = sent(mailer(server.port), server, replace(LETTER, subject="Hello\r\nBcc: eve@evil.example\r\n\r\nAnd a body"))
    assert "Bcc" not in mail
    assert len(server.envelopes[0][1]) == 1
    assert str(mail["Subject"]).startswith("Hello⟨U+000D⟩⟨new line⟩Bcc")


def test_login_that_is_refused_is_told_without_what_was_given_and_nothing_is_sent(tmp_path: Path) -> None:
    ca = certificate(tmp_path)
    with mail_server(starttls=ca, login=True) as server:
        with pytest.raises(DeliveryFailed) as refused:
            asyncio.run(mailer(server.port, security="starttls", ca=ca, user=USER, password="another").carry(LETTER))  # a wrong one
        assert refused.value.holdup is DeliveryObstacle.CARRIER
        assert "535" in refused.value.reason
        assert "another" not in refused.value.reason
        assert server.mails.empty()
        assert sent(mailer(server.port, security="starttls", ca=ca, user=USER, password=PASSWORD), server)
        assert server.signed_in[-1]
        assert server.over_tls == [True]


@pytest.mark.proves("NOTICE-WIRE")
def test_a_server_without_starttls_gets_neither_letter_nor_password() -> None:
    with mail_server(login=True) as server:
        assert carry(mailer(server.port, security="starttls", user=USER, password=PASSWORD)) is DeliveryObstacle.CARRIER
        assert server.mails.empty()
        assert server.signed_in == []


@pytest.mark.proves("NOTICE-WIRE")
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_is_nobodys_or_anothers_gets_no_letter(tmp_path: Path, security: str) -> None:
    known, other = certificate(tmp_path), certificate(tmp_path, name="other.example")
    for shown, trusted in ((known, other), (other, other)):
        with mail_server(**{security: shown}) as server:
            carrier = mailer(server.port, security=security, ca=trusted)
            assert carry(carrier) is DeliveryObstacle.CARRIER
            with pytest.raises(DeliveryFailed):
                asyncio.run(carrier.probe())
            assert server.mails.empty()


def test_an_address_that_the_server_puts_off_or_refuses_is_about_this_letter() -> None:
    with mail_server() as server:
        server.rcpt.extend(["450 greylisted", "550 no such user", "421 closing"])
        assert [carry(mailer(server.port)) for _ in range(4)] == [
            DeliveryObstacle.LETTER,
            DeliveryObstacle.NEVER,
            DeliveryObstacle.CARRIER,
            None,
        ]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "anna",
        "a,b@mail.example",
        "<a@mail.example>",
        "a@mail.example\r\nBcc: b@mail.example",
        'a"b@mail.example',
        "a b@mail.example",
        "ä@mail.example",
    ],
)
def test_no_mail_goes_to_what_is_no_single_address(address: str) -> None:
    with mail_server() as server:
        assert carry(mailer(server.port), replace(LETTER, address=address)) is DeliveryObstacle.NEVER
        assert server.envelopes == []


def test_a_connection_that_breaks_in_the_middle_is_tried_again_and_one_that_breaks_after_it_is_the_same_mail() -> None:
    with mail_server() as server:
        server.replies.extend(["drop", "taken and dropped"])
        carrier = mailer(server.port)
        assert [carry(carrier) for _ in range(3)] == [DeliveryObstacle.CARRIER, DeliveryObstacle.CARRIER, None]
        assert [server.next()["Message-ID"] for _ in range(2)] == [f"<{LETTER.id}@acme.example>"] * 2


GREETING = b"220 mail.example\r\n"


@pytest.mark.parametrize(
    "says",
    [
        (),
        (GREETING,),
        (None,),
        (b"\xff\xfe\x00garbage",),
        (b"HTTP/1.1 200 OK\r\n\r\n",),
        (GREETING, b"abc\r\n", b"abc\r\n"),
        (GREETING, None),
        (b"2" * 100_000,),
    ],
    ids=["silent", "silent after its greeting", "gone", "garbage", "another protocol", "nonsense", "gone after its greeting", "endless"],
)
def test_a_server_that_answers_nothing_or_nonsense_is_away_in_bounded_time(says: tuple[bytes | None, ...]) -> None:
    began = time.monotonic()
    with raw_server(*says) as port:
        carrier = mailer(port, timeout_s=1)
        assert carry(carrier) is DeliveryObstacle.CARRIER
        with pytest.raises(DeliveryFailed):
            asyncio.run(carrier.probe())
    assert time.monotonic() - began < 20


def test_what_was_taken_is_taken_however_the_goodbye_goes() -> None:
    with mail_server() as server:
        server.rude = True
        assert carry(mailer(server.port)) is None
        assert server.next()["Message-ID"] == f"<{LETTER.id}@acme.example>"


# webhook


def verified(headers: dict[str, str], body: bytes, secret: bytes) -> bool:
    """As the standard tells receivers to verify."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    return f"v1,{expected}" in headers["webhook-signature"].split(" ")


def test_a_post_verifies_with_the_secret_and_no_longer_once_anything_is_changed() -> None:
    with webhook_server() as server:
        asyncio.run(poster(server.url).carry(LETTER))
        headers, body = server.posts.get(timeout=30)
    assert verified(headers, body, SECRET)
    assert not verified(headers, body, NEXT_SECRET)
    assert not verified(headers, body.replace(b"anna@", b"eve@"), SECRET)
    assert not verified({**headers, "webhook-id": "another"}, body, SECRET)
    assert not verified({**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}, body, SECRET)
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60


def test_a_post_says_what_the_letter_says() -> None:
    with webhook_server() as server:
        asyncio.run(poster(server.url).carry(LETTER))
        headers, said = server.next()
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == said["data"]["id"] == LETTER.id
    assert (said["type"], said["timestamp"]) == ("remit.notice", "2026-09-21T14:13:20.123Z")
    told = {name: getattr(LETTER, name) for name in ("id", "person", "address", "subject", "text", "page")}
    assert said["data"] == {**told, "desk": "https://desk.example"}


def test_while_a_secret_is_changed_both_sign() -> None:
    with webhook_server() as server:
        asyncio.run(poster(server.url, secrets=(SECRET, NEXT_SECRET)).carry(LETTER))
        headers, body = server.posts.get(timeout=30)
    assert verified(headers, body, SECRET)
    assert verified(headers, body, NEXT_SECRET)


@pytest.mark.proves("NOTICE-WIRE")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    with webhook_server() as elsewhere, webhook_server() as server:
        server.location = elsewhere.url
        server.statuses.append(status)
        assert carry(poster(server.url)) is DeliveryObstacle.LETTER
        assert elsewhere.asked == []


def test_a_receiver_that_does_not_answer_is_away_in_bounded_time() -> None:
    began = time.monotonic()
    with webhook_server() as server:
        server.held.clear()
        assert carry(poster(server.url, timeout_s=1)) is DeliveryObstacle.CARRIER
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("says", [(b"\xff\xfe\x00garbage\r\n\r\n",), (None,), (b"HTTP/1.1 200 OK\r\nx: " + b"a" * 200_000,)])
def test_a_receiver_that_answers_nonsense_is_away(says: tuple[bytes | None, ...]) -> None:
    with raw_server(*says) as port:
        assert carry(poster(f"http://localhost:{port}/", timeout_s=1)) is DeliveryObstacle.CARRIER


@pytest.mark.proves("NOTICE-WIRE")
def test_a_receiver_with_a_certificate_that_is_anothers_gets_nothing(tmp_path: Path) -> None:
    known, other = certificate(tmp_path), certificate(tmp_path, name="other.example")
    for shown, trusted in ((known, other), (other, other)):
        with webhook_server(tls=shown) as server:
            assert carry(poster(server.url, ca=trusted)) is DeliveryObstacle.CARRIER
            assert server.asked == []


def test_an_answer_is_not_read_however_long_it_is() -> None:
    # Ten gigabytes are announced, and none of them comes: the status is enough.
    with raw_server(b"HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n") as port:
        assert carry(poster(f"http://localhost:{port}/", timeout_s=10)) is None
