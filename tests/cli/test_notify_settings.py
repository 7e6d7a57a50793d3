"""How people are told, as `remit.toml` says it: what cannot be, or would be weaker than it looks, stops the start with a cure; the doctor looks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.running import Run, change, configure, found, refused
from faults.killed_desk import free_port
from notice_servers import PASSWORD, USER, certificate, mail_server, nobody, webhook_server
from remit.domain.errors import Code, Refused
from remit.settings import NotifySettings
from remit.settings.environment import verify_variables
from remit.settings.notify import NotifyTable
from settings_made import settings_made

SMTP = {"kind": "smtp", "smtp_host": "mail.example", "smtp_from": "Acme <support@acme.example>"}
WEBHOOK = {"kind": "webhook", "webhook_url": "https://hooks.example/notices", "webhook_secret_file": "secret"}
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def read(folder: Path, table: Mapping[str, Any], **environment: str) -> NotifySettings:
    for name in ("secret", "password"):
        (folder / name).write_text("x")
    return settings_made(folder, environment, notify=table).notify


def test_without_the_table_notices_are_only_logged(tmp_path: Path) -> None:
    assert read(tmp_path, {}) == read(tmp_path, {"kind": "log"}) == NotifySettings()


@pytest.mark.parametrize(("security", "port"), [(None, 587), ("starttls", 587), ("tls", 465)])
def test_mail_is_secure_unless_it_is_said_otherwise(tmp_path: Path, security: str | None, port: int) -> None:
    told = read(tmp_path, SMTP | ({"smtp_security": security} if security else {})).smtp
    assert told is not None
    assert (told.security, told.port) == (security or "starttls", port)
    assert (told.sender_name, told.sender) == ("Acme", "support@acme.example")


def test_both_can_be_named_and_variables_stand_over_the_table(tmp_path: Path) -> None:
    table = {**SMTP, **WEBHOOK, "kind": ["smtp", "webhook"], "timeout_s": 5}
    told = read(tmp_path, table, REMIT_NOTIFY_SMTP_HOST="other.example", REMIT_NOTIFY_SMTP_PORT="2525")
    assert told.smtp is not None
    assert told.webhook is not None
    assert (told.smtp.host, told.smtp.port, told.timeout_s) == ("other.example", 2525, 5)
    assert told.webhook.secret_file == tmp_path / "secret"
    one = read(
        tmp_path,
        {},
        REMIT_NOTIFY_KIND="smtp",
        REMIT_NOTIFY_SMTP_HOST="::1",
        REMIT_NOTIFY_SMTP_FROM="a@b.example",
        REMIT_NOTIFY_SMTP_SECURITY="plain",
    )
    assert one.smtp is not None
    assert one.smtp.host == "::1"


def test_every_key_has_its_variable() -> None:
    verify_variables([f"REMIT_NOTIFY_{key.upper()}" for key in NotifyTable.__struct_fields__])


def bad(key: str, **changed: Any) -> tuple[str, dict[str, Any]]:
    return key, {name: value for name, value in {**SMTP, **changed}.items() if value is not None}


@pytest.mark.parametrize(
    ("key", "table"),
    [
        *(bad("kind", kind=kind) for kind in ("mail", "", [], ["smtp", "smtp"], ["log", "smtp"], 1, True)),
        bad("smtp_from", kind="log", smtp_host=None),
        bad("webhook_url", webhook_url="https://x.example"),
        bad("smtp_host", smtp_host=None),
        *(bad("smtp_host", smtp_host=host) for host in ("", "mail.example:25", "mail example", "-x", "a\r\nb", 1)),
        *(bad("smtp_port", smtp_port=port) for port in (0, 65_536, "25", True)),
        *(bad("smtp_security", smtp_security=how) for how in ("ssl", "", "STARTTLS", "plain")),
        bad("smtp_user", smtp_security="plain", smtp_plain_outside=True, smtp_user="u", smtp_password_file="password"),
        bad("smtp_plain_outside", smtp_plain_outside="yes"),
        bad("smtp_password_file", smtp_user="u"),
        bad("smtp_user", smtp_password_file="password"),
        bad("smtp_password_file", smtp_user="u", smtp_password_file="nowhere"),
        bad("smtp_ca_file", smtp_ca_file="nowhere"),
        bad("smtp_from", smtp_from=None),
        *(
            bad("smtp_from", smtp_from=one)
            for one in (
                "Acme",
                "a@b",
                "a@b.example, c@d.example",
                "Acme <a@b.example",
                "A\r\nBcc: x@y.example <a@b.example>",
                '"A" <a@b.example>',
            )
            if one != "a@b"
        ),
        *(bad("timeout_s", timeout_s=time) for time in (0, 31, 1.5, "5")),
        *(
            ("webhook_url", WEBHOOK | {"webhook_url": url})
            for url in (
                "http://hooks.example/",
                "hooks.example",
                "https://",
                "https://u:p4ss-word@x.example/",
                "https://x.example/#a",
                "ftp://x",
                "https://x:y/",
                "http://localhost.example/",
            )
        ),
        ("webhook_secret_file", {name: value for name, value in WEBHOOK.items() if name != "webhook_secret_file"}),
        ("webhook_secret_file", WEBHOOK | {"webhook_secret_file": "nowhere"}),
    ],
)
def test_what_cannot_be_is_said_with_its_key(tmp_path: Path, key: str, table: dict[str, Any]) -> None:
    with pytest.raises(Refused) as said:
        read(tmp_path, table)
    assert said.value.code is Code.SETTINGS_INVALID
    assert said.value.detail.startswith(f"notify.{key} ")
    assert "p4ss-word" not in said.value.detail
    assert "\n" not in said.value.detail


@pytest.mark.proves("NOTICE-WIRE")
def test_mail_without_tls_goes_to_this_machine_alone_unless_that_is_said_in_so_many_words(tmp_path: Path) -> None:
    plain = SMTP | {"smtp_security": "plain"}
    with pytest.raises(Refused):
        read(tmp_path, plain)
    for told in (plain | {"smtp_host": "127.0.0.1"}, plain | {"smtp_host": "localhost"}, plain | {"smtp_plain_outside": True}):
        assert read(tmp_path, told).smtp is not None


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        ("", 0o600, "is empty"),
        (SECRET, 0o644, "everybody here can read"),
        ("a plain text", 0o600, "must hold whsec_"),
        ("whsec_c2hvcnQ=", 0o600, "must hold whsec_"),
        ("\n".join([SECRET] * 4), 0o600, "must hold whsec_"),
        (SECRET.replace("whsec_", ""), 0o600, "must hold whsec_"),
    ],
)
def test_a_secret_that_is_none_or_everybodys_stops_check_and_start(remit: Run, desk: Path, content: str, mode: int, said: str) -> None:
    secret = desk / "secret"
    secret.write_text(content)
    secret.chmod(mode)
    configure(desk, kind="webhook", webhook_url="https://hooks.example/", webhook_secret_file="secret")
    for command in (("check",), ("serve", "--port", free_port())):
        ran = remit(*command, "--config", desk)
        refused(ran, "settings.invalid", said)
        assert not content or content not in ran.err


def test_authorities_that_are_none_stop_the_check(remit: Run, desk: Path) -> None:
    (desk / "ca.pem").write_text("no certificate")
    configure(desk, kind="smtp", smtp_host="mail.example", smtp_from="a@b.example", smtp_ca_file="ca.pem")
    refused(remit("check", "--config", desk), "settings.invalid", "which holds no certificates")


def test_a_new_desk_says_that_it_only_logs(remit: Run, desk: Path) -> None:
    assert 'kind = "log"' in (desk / "remit.toml").read_text()
    assert [(one["state"], one["says"]) for one in found(remit, desk, "notices")] == [("ok", "go to the log only")]
    change(desk, 'issuer = "http://localhost:8080"', 'issuer = "https://desk.example"')
    assert [one["state"] for one in found(remit, desk, "notices")] == ["look"]


def test_the_doctor_connects_signs_in_and_sends_nothing(remit: Run, desk: Path) -> None:
    ca = certificate(desk)
    for name, content in (("password", PASSWORD), ("secret", SECRET)):
        (desk / name).write_text(content)
        (desk / name).chmod(0o600)
    with mail_server(starttls=ca, login=True) as mail, webhook_server(tls=ca) as hook:
        mine = {
            "smtp_host": "localhost",
            "smtp_port": mail.port,
            "smtp_from": "a@b.example",
            "smtp_user": USER,
            "smtp_password_file": "password",
            "smtp_ca_file": ca.name,
        }
        hooks = {"webhook_url": hook.url, "webhook_secret_file": "secret", "webhook_ca_file": ca.name}
        configure(desk, **mine, **hooks, timeout_s=10)
        change(desk, "[notify]\n", '[notify]\nkind = ["smtp", "webhook"]\n')
        seen = found(remit, desk, "notices")
        assert [one["state"] for one in seen] == ["ok", "ok"]
        assert "with STARTTLS, and lets us in" in seen[0]["says"]
        assert mail.signed_in == [True]
        (desk / "password").write_text("another")
        seen = found(remit, desk, "notices")
        assert [one["state"] for one in seen] == ["wrong", "ok"]
        assert "does not let us in" in seen[0]["says"]
        assert mail.mails.empty()
        assert hook.asked == []


@pytest.mark.proves("NOTICE-WIRE")
def test_the_doctor_turns_down_a_certificate_that_nobody_vouches_for(remit: Run, desk: Path) -> None:
    shown, other = certificate(desk), certificate(desk, name="other.example")
    with mail_server(starttls=shown) as mail:
        configure(desk, kind="smtp", smtp_host="localhost", smtp_port=mail.port, smtp_from="a@b.example", smtp_ca_file=other.name)
        (one,) = found(remit, desk, "notices")
        assert one["state"] == "wrong"
        assert "no secure connection" in one["says"]


def test_the_doctor_says_which_server_does_not_answer(remit: Run, desk: Path) -> None:
    configure(desk, kind="smtp", smtp_host="127.0.0.1", smtp_port=nobody(), smtp_security="plain", smtp_from="a@b.example")
    (one,) = found(remit, desk, "notices")
    assert one["state"] == "wrong"
    assert "notify.smtp_" in one["cure"]
