"""A desk served as a process of its own, with a mail server beside it: what waits for somebody comes to them, and leads to their page."""

import html
import re
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx

from attacks.arena import FACTS, SEND_BACK, mandate
from cli.running import Run, Serve, configure, sandboxed
from notice_servers import PASSWORD, USER, MailServer, certificate, mail_server, raw_server
from remit.sandbox import Sandbox, SandboxReply, SandboxTask

SHOP = "spiffe://helper.example/shop"


def mailing(desk: Path, server: MailServer, ca: Path) -> None:
    """Have a desk of facts send its notices through this server."""
    (desk / "password").write_text(PASSWORD)
    (desk / "password").chmod(0o600)
    sandboxed(desk)
    configure(
        desk,
        kind="smtp",
        smtp_host="localhost",
        smtp_port=server.port,
        smtp_from="Acme <support@acme.example>",
        smtp_user=USER,
        smtp_password_file="password",
        smtp_ca_file=str(ca),
        timeout_s=5,
    )


def asked(room: Sandbox) -> tuple[SandboxTask, SandboxReply]:
    """Anna's agent asks for something that needs her yes."""
    anna, agent = room.customer("anna", email="anna@mail.example"), room.agent(SHOP, name="Shop helper")
    task = agent.open(anna.grant(agent, mandate()))
    reply = task.ask("order.return", SEND_BACK)
    assert reply.needs_human
    return task, reply


def about_what_waits(server: MailServer) -> EmailMessage:
    return next(mail for mail in iter(server.next, None) if "needs your approval" in str(mail["Subject"]))


def links(mail: EmailMessage) -> set[str]:
    bodies = "".join(part.get_content() for part in mail.walk() if part.get_content_maintype() == "text")
    return {html.unescape(one) for one in re.findall(r"https?://[^\s\"'<>]+", bodies)}


def test_an_ask_that_needs_a_person_leads_to_a_mail_whose_link_opens_the_page_to_decide_on(
    desk: Path, serve: Serve, tmp_path: Path
) -> None:
    ca = certificate(tmp_path)
    with mail_server(starttls=ca, login=True) as server:
        mailing(desk, server, ca)
        serving = serve(desk)
        with Sandbox({}, facts=FACTS, base_url=serving.url) as room:
            _, reply = asked(room)
            anna = room.customer("anna")
            mail = about_what_waits(server)
            assert str(mail["Subject"]) == 'Acme Store: "Shop helper" needs your approval'
            assert (str(mail["To"]), server.over_tls[-1]) == ("anna.berg@mail.example", True)
            (link,) = links(mail)
            with httpx.Client(follow_redirects=False, trust_env=False) as browser:
                assert browser.get(link).headers["location"].startswith("/login"), "whoever is nobody has to sign in"
                page = browser.get(link, headers={"cookie": anna.cookie})
            assert page.status_code == 200
            assert "W1" in page.text, "what the mail does not say stands on the page"
            assert anna.confirm(reply).outcome == "done"
            metrics = httpx.get(f"{serving.url}/metrics", trust_env=False).text
            assert re.search(r'^remit_notices_total\{carrier="smtp",result="sent"\} [1-9]', metrics, re.MULTILINE)
        assert serving.stop() == 0


def test_what_waited_when_the_process_was_killed_is_sent_by_the_next_one(desk: Path, serve: Serve, tmp_path: Path) -> None:
    ca = certificate(tmp_path)
    with mail_server(starttls=ca, login=True) as server:
        server.rcpt.extend(["450 not yet"] * 50)
        mailing(desk, server, ca)
        serving = serve(desk)
        with Sandbox({}, facts=FACTS, base_url=serving.url) as room:
            asked(room)
        serving.process.kill()
        serving.process.wait()
        server.rcpt.clear()
        port = serving.url.rpartition(":")[2]
        serve(desk, "--port", port)
        assert len(links(about_what_waits(server))) == 1


def test_asks_are_answered_while_the_mail_server_is_silent(desk: Path, serve: Serve) -> None:
    with raw_server() as port:
        sandboxed(desk)
        configure(desk, kind="smtp", smtp_host="127.0.0.1", smtp_port=port, smtp_security="plain", smtp_from="a@b.example", timeout_s=30)
        serving = serve(desk)
        with Sandbox({}, facts=FACTS, base_url=serving.url) as room:
            task, reply = asked(room)
            for _ in range(20):
                assert task.ask("order.read", {"order_id": "W1"}).outcome == "done"
            assert room.customer("anna").confirm(reply).outcome == "done"


def test_a_command_beside_the_desk_leaves_its_notices_to_the_next_process(remit: Run, desk: Path, serve: Serve, tmp_path: Path) -> None:
    ca = certificate(tmp_path)
    with mail_server(starttls=ca, login=True) as server:
        mailing(desk, server, ca)
        added: Any = remit("person", "add", "zoe", "--config", desk, "--kind", "customer", "--email", "zoe@mail.example", "--json")
        assert added.code == 0
        assert remit("person", "contact", "zoe", "--config", desk, "--email", "zoe@new.example").code == 0
        assert server.mails.empty()
        serve(desk)
        mails = [server.next() for _ in range(2)]
        assert {str(mail["To"]) for mail in mails} == {"zoe@mail.example", "zoe@new.example"}
        assert {str(mail["Subject"]) for mail in mails} == {"Your address was changed"}
        assert added.json["code"] not in "".join(mail.as_string() for mail in mails)
