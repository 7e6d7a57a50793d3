"""A backoffice in a process of its own: its settings, its server, its key, and the doctor's look at it."""

import socket
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from cli.running import Run, Serve, change, far, refused
from notice_servers import certificate
from remit.adapters.backoffice.http.signatures import key_id


def finding(remit: Run, folder: Path) -> str:
    told = remit("doctor", "--json", "--config", folder).json
    return str(next(one["state"] + " " + one["says"] for one in told["findings"] if one["name"] == "backoffice"))


def test_the_doctor_says_whether_the_backoffice_answers_and_knows_the_catalogue(desk: Path, remit: Run, serve: Serve) -> None:
    far(desk)
    assert finding(remit, desk).startswith("wrong")
    serving = serve(desk, command=("desk", "serve"))
    assert finding(remit, desk).startswith("ok")
    with (desk / "catalogue" / "more.toml").open("w") as file:
        file.write('[resource.lamp]\ntitle = "lamp"\n')
    assert "kind lamp" in finding(remit, desk)
    assert serving.stop() == 0


def test_a_desk_for_several_machines_begins_with_records_that_are_served_by_https(tmp_path: Path, remit: Run, serve: Serve) -> None:
    file, folder = certificate(tmp_path), tmp_path / "desk"
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"https://localhost:{free.getsockname()[1]}/records"
    made = remit("init", "--json", "--backoffice", "http", "--backoffice-url", url, "--backoffice-ca-file", file, folder)
    assert made.json["customers"], "the records are this desk's own"
    for wrong in (("--certificate-file", folder / "remit.toml"), ("--private-key-file", file)):
        refused(remit("desk", "serve", "--config", folder, *wrong), "settings.invalid", "cannot be used")
    assert finding(remit, folder).startswith("wrong")
    serving = serve(folder, "--certificate-file", str(file), command=("desk", "serve"))
    assert finding(remit, folder).startswith("ok")
    assert serving.stop() == 0


def test_the_key_of_requests_is_the_desks_own_and_stays(desk: Path, remit: Run) -> None:
    told = remit("desk", "key", "--json", "--config", desk).json
    key = load_pem_public_key(told["pem"].encode())
    assert isinstance(key, Ed25519PublicKey)
    assert key_id(key) == told["keyid"]
    assert remit("desk", "key", "--json", "--config", desk).json == told
    said = remit("desk", "key", "--config", desk).out
    assert told["pem"].strip() in said
    assert "PRIVATE" not in said


@pytest.mark.parametrize(
    ("more", "url", "named"),
    [
        ("", "http://shop.example/remit", "backoffice.url"),
        ("", "https://user:secret@shop.example/", "backoffice.url"),
        ("", "https://shop.example/?a=b", "backoffice.url"),
        ('proof = "none"', "", "backoffice.proof"),
        ('proof = "mtls"', "", "backoffice.certificate_file"),
        ('answer_keys = ["nowhere.pem"]', "", "backoffice.answer_keys"),
        ('answer_keys = ["remit.toml"]', "", "backoffice.answer_keys"),
        ('certificate_file = "remit.toml"', "", "backoffice.certificate_file"),
    ],
)
def test_a_setting_that_cannot_be_used_stops_the_start(desk: Path, remit: Run, more: str, url: str, named: str) -> None:
    far(desk, more, url)
    ran = remit("serve", "--config", desk)
    assert ran.code == 1
    assert named in ran.err
    assert "Cure" in ran.err or "must be" in ran.err
    assert "secret" not in ran.err


def test_a_table_that_nothing_uses_and_an_address_that_is_missing_stop_the_start(desk: Path, remit: Run) -> None:
    with (desk / "remit.toml").open("a") as file:
        file.write('\n[backoffice]\nurl = "https://shop.example/"\n')
    assert "backoffice.url" in remit("serve", "--config", desk).err
    change(desk, 'url = "https://shop.example/"', "")
    change(desk, "[desk]", '[desk]\nbackoffice = "http"')
    assert "backoffice.url" in remit("serve", "--config", desk).err


def test_a_backoffice_that_is_in_process_or_behind_a_proxy_is_not_served_by_guess(desk: Path, remit: Run) -> None:
    in_process = remit("desk", "serve", "--config", desk)
    assert (in_process.code, "in process" in in_process.err) == (1, True)
    far(desk, url="https://desk.example/records")
    behind = remit("desk", "serve", "--config", desk)
    assert (behind.code, "--port" in behind.err) == (1, True)


def test_a_port_that_another_program_has_is_said_in_one_line(desk: Path, remit: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        far(desk, url=f"http://127.0.0.1:{taken.getsockname()[1]}/records")
        ran = remit("desk", "serve", "--config", desk)
    assert ran.code == 1
    assert "cannot be used" in ran.err
