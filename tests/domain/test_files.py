"""Files read by what they are: the kinds, what is taken out of each wherever it stands, and that each stays a file of its kind."""

import base64
import csv
import io
import json
import random
import time
import zipfile
from email.parser import BytesParser
from email.policy import default
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attacks.files_made import har, mail, png, zipped
from attacks.files_sent import HELD, KEY, PIN
from attacks.files_sent import PLANTED as SENT
from packaged import ENGLISH
from remit.domain.files.detect import (
    EXTENSIONS,
    MEDIA_TYPES,
    PICTURES,
    TEXT_KINDS,
    FileHeld,
    FileKind,
    HoldReason,
    binary_kind,
    decode_text,
    ends_as_picture,
    safe_name,
    verify_media_type,
)
from remit.domain.files.json import read_json
from remit.domain.files.scrub import FileScrubber, always_secret
from remit.domain.files.text import NO_PLACE, TextFile, detect_text_file, scrub_text_file, verify_no_instructions
from remit.domain.files.zip import MAX_MEMBER, MAX_UNPACKED, ArchiveMember, pack, unpack

ANY = "application/octet-stream"


def cleaned(data: bytes, name: str = "a", media_type: str = ANY) -> tuple[FileKind, str, FileScrubber]:
    scrub = FileScrubber("the file")
    file = detect_text_file(data, name=name, media_type=media_type)
    return file.kind, scrub_text_file(file, scrub), scrub


def tried(data: bytes, name: str = "a", media_type: str = ANY) -> HoldReason | None:
    """Why a file is held back, if it is."""
    try:
        kind = binary_kind(data)
        if kind is None:
            cleaned(data, name, media_type)
        elif kind is FileKind.ZIP:
            unpack(data)
    except FileHeld as held:
        return held.why
    return None


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (b"", "a.txt", FileKind.TEXT),
        (b"all is well", "a.bin", FileKind.TEXT),
        (b'{"a": 1}', "a.txt", FileKind.JSON),
        (b" \n[1, 2]", "a", FileKind.JSON),
        (b'{"a": 1}\n\n{"a": 2}\n', "a.log", FileKind.NDJSON),
        (b'{"a": 1}\nplain\n', "a.log", FileKind.TEXT),
        (b'{"a": 1', "a.log", FileKind.TEXT),
        (b'{"log": {"entries": []}}', "a.txt", FileKind.HAR),
        (b'{"log": {"entries": 1}}', "a.har", FileKind.JSON),
        (b"a,b\n1,2\n", "a.csv", FileKind.CSV),
        (b"a,b\n1,2\n", "a.txt", FileKind.TEXT),
        (mail("hi"), "a.txt", FileKind.MAIL),
        (b"Subject: hi\n\nall is well", "a.eml", FileKind.TEXT),
    ],
)
def test_a_text_is_known_by_what_stands_in_it(data: bytes, name: str, kind: FileKind) -> None:
    assert binary_kind(data) is None
    assert detect_text_file(data, name=name, media_type=ANY).kind is kind


def test_every_kind_has_a_type_and_an_ending_and_is_what_it_says() -> None:
    assert set(MEDIA_TYPES) == set(EXTENSIONS) == set(FileKind)
    assert TEXT_KINDS | PICTURES | {FileKind.PDF, FileKind.ZIP} == set(FileKind)
    for kind in FileKind:
        verify_media_type(MEDIA_TYPES[kind], kind)
        assert safe_name("a", kind) == f"a{EXTENSIONS[kind][0]}"
        assert safe_name(f"A{EXTENSIONS[kind][-1].upper()}", kind) == f"A{EXTENSIONS[kind][-1].upper()}"
    assert safe_name("a.html", FileKind.TEXT) == "a.html.txt"


def verified(data: bytes, name: str, media_type: str) -> HoldReason | None:
    """Why a file is held back by what it is, what it is called and what it says, as far as no reader outside is needed."""
    try:
        kind = binary_kind(data)
        if kind is not None:
            verify_media_type(media_type, kind)
            for one in unpack(data) if kind is FileKind.ZIP else ():
                inner = binary_kind(one.data)
                if inner is not None:
                    return HoldReason.NESTED if inner is FileKind.ZIP else None
                verify_no_instructions(cleaned(one.data, one.name)[1], FileKind.TEXT, ENGLISH)
            return None
        kind, text, _ = cleaned(data, name, media_type)
        verify_no_instructions(text, kind, ENGLISH)
    except FileHeld as held:
        return held.why
    return None


@pytest.mark.parametrize("what", HELD)
def test_what_attacks_send_is_held_back_for_its_reason(what: str) -> None:
    file, why = HELD[what]
    found = verified(base64.b64decode(file["data_b64"]), file["name"], file["media_type"])
    assert found == why or (found is None and ("PDF" in what or "picture" in what))


@pytest.mark.parametrize("what", [one for one in SENT if one not in {"PDF", "PNG", "JPEG"}])
def test_what_attacks_plant_is_taken_out(what: str) -> None:
    file = SENT[what]
    data = base64.b64decode(file["data_b64"])
    for one in unpack(data) if what == "ZIP" else (ArchiveMember(name=file["name"], data=data),):
        _, text, scrub = cleaned(one.data, one.name, ANY)
        assert PIN not in text
        assert KEY not in text
        assert scrub.taken


@pytest.mark.parametrize("claim", ["", ANY, "text/plain", "TEXT/HTML; charset=iso-8859-1", "text/x-log"])
def test_a_text_may_be_called_any_kind_of_text(claim: str) -> None:
    verify_media_type(claim, FileKind.TEXT)


@pytest.mark.parametrize(
    "claim", ["image/png", "application/pdf", "application/x-msdownload", "text", "application/zip;", "*/*", "nonsense"]
)
def test_a_text_that_is_called_something_else_is_held_back(claim: str) -> None:
    with pytest.raises(FileHeld) as why:
        verify_media_type(claim, FileKind.TEXT)
    assert why.value.why is HoldReason.CLAIM


@given(text=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), max_size=60))
def test_a_text_reads_the_same_in_every_encoding_that_says_what_it_is(text: str) -> None:
    text = text.replace("\ufeff", "").replace("\ufffe", "")
    for data in (
        text.encode(),
        b"\xef\xbb\xbf" + text.encode(),
        b"\xff\xfe" + text.encode("utf-16-le"),
        b"\xfe\xff" + text.encode("utf-16-be"),
    ):
        if not data.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")) and (data[:1] != b"\xff" or data.startswith(b"\xff\xfe")):
            assert decode_text(data) == text


@given(data=st.binary(max_size=300))
def test_no_bytes_break_a_reader(data: bytes) -> None:
    for made in (
        data,
        b"PK\x03\x04" + data,
        b"\xff\xd8\xff" + data,
        b"\x89PNG\r\n\x1a\n" + data,
        b"%PDF-" + data,
        b'{"' + data,
        b"a,b\n" + data,
    ):
        assert tried(made, "a.csv") in {None, *HoldReason}


@given(cut=st.integers(0, 400), byte=st.integers(0, 255), more=st.binary(max_size=3))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_an_archive_that_was_changed_anywhere_is_held_back_or_holds_the_same(cut: int, byte: int, more: bytes) -> None:
    whole = zipped(("a.txt", b"all is well " * 9), ("b/c.txt", b"fine"))
    at = cut % len(whole)
    for made in (whole[:at], whole[:at] + bytes([byte]) + whole[at + 1 :], whole + more, more + whole, whole[:at] + more + whole[at:]):
        try:
            found = unpack(made) if made.startswith(b"PK") else ()
        except FileHeld:
            continue
        assert {one.data for one in found} <= {b"all is well " * 9, b"fine"}


def test_what_is_packed_is_an_archive_that_others_read() -> None:
    files = [
        ArchiveMember(name="a/b.txt", data=b"all is well" * 99),
        ArchiveMember(name="ü.json", data=b"{}"),
        ArchiveMember(name="empty.txt", data=b""),
    ]
    made = pack(files)
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.testzip() is None
        assert [(one.filename, archive.read(one)) for one in archive.infolist()] == [(one.name, one.data) for one in files]
    assert list(unpack(made)) == files
    assert binary_kind(made) is FileKind.ZIP


def test_folders_and_archives_that_were_written_as_a_stream_are_read() -> None:
    out = io.BytesIO()

    class Stream:
        def write(self, data: bytes) -> int:
            return out.write(data)

        def flush(self) -> None:
            pass

    with zipfile.ZipFile(Stream(), "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[arg-type]  # it cannot be gone back in
        archive.mkdir("logs")
        archive.writestr("logs/a.txt", b"all is well")
    assert unpack(out.getvalue()) == (ArchiveMember(name="logs/a.txt", data=b"all is well"),)
    assert unpack(zipped(("a.txt", b"hi"), method=zipfile.ZIP_STORED)) == (ArchiveMember(name="a.txt", data=b"hi"),)
    assert unpack(zipped()) == ()


def test_an_archive_may_be_as_long_as_its_bound_and_no_longer() -> None:
    line = b"".join(sha256(bytes([number % 256, number // 256])).hexdigest().encode() for number in range(300))
    parts = MAX_UNPACKED // len(line)
    fits = zipped(*((f"{n}.txt", line * (parts // 50)) for n in range(50)))
    assert sum(len(one.data) for one in unpack(fits)) <= MAX_UNPACKED
    assert tried(zipped(*((f"{n}.txt", line * (parts // 50 + 2)) for n in range(50)))) is HoldReason.TOO_MUCH
    long = line * (MAX_MEMBER // len(line) + 1)
    assert tried(zipped(("a.txt", long[:MAX_MEMBER]))) is None
    assert tried(zipped(("a.txt", long[: MAX_MEMBER + 1]))) is HoldReason.TOO_MUCH


def test_a_picture_ends_where_its_file_does() -> None:
    assert ends_as_picture(png())
    assert not ends_as_picture(png() + b"\0")
    assert not ends_as_picture(png()[:-1])


def test_a_name_that_stands_twice_is_two_documents() -> None:
    with pytest.raises(FileHeld) as why:
        read_json('{"a": {"b": 1, "b": 2}}')
    assert why.value.why is HoldReason.TWO_FORMATS
    with pytest.raises(ValueError, match="NaN"):
        read_json('{"a": NaN}')


def test_numbers_stay_numbers_where_they_are_no_secret() -> None:
    kind, text, scrub = cleaned(b'{"n": 12, "price": 19.99, "time": 4111.1111111111111, "ok": true, "none": null, "far": 1e400}')
    assert kind is FileKind.JSON
    assert json.loads(text) == {"n": 12, "price": 19.99, "time": 4111.111111111111, "ok": True, "none": None, "far": "1E+400"}
    assert not scrub.counts


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": 1e999999999, "b": -1e999999999, "c": 1e-999999999, "d": 9e30, "e": 123456789012345678901234567890123456789012}',
        b"\xff\xd8" + b"\xff" * 250_000,
        b"\xff\xd8\xff\xda\x00\x02" + b"\xff\x00" * 125_000,
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 250_000,
        b"a,b\n-1" + b" " * 250_000 + b"x,2\n",
        mail("hi", more="X-Long: a" + "\r\n b;" * 40_000 + "\r\n"),
        mail("hi", kind="text/plain; " + 'a="\\";' * 100_000),
        mail("hi", kind="multipart/mixed; boundary=" + "b" * 250_000),
        b"From: a\nTo: b\n" * 40_000,
        b"[" + b"{}," * 70_000 + b"{}]",
        b"{}\n" * 70_000,
        b'{"a":"' + b'{\\"a\\":' * 30_000 + b'"}',
        b"name=" + b"a&" * 100_000,
        b"\x1b[" * 100_000,
        b"<" * 250_000,
        b"\xef\xbb\xbf" + "İ".encode() * 100_000,
    ],
    ids=range(16),
)
def test_no_file_keeps_its_reader_for_long(data: bytes) -> None:
    started = time.process_time()
    assert tried(data, "a.csv") in {None, *HoldReason}
    assert time.process_time() - started < 15  # seconds; where time grows with the square, it would be minutes


@pytest.mark.parametrize(
    "name", ["Authorization", "X-Api-Key", "x_auth_token", "Set-Cookie", "sid", "sessionId", "client_secret", "code", "jwt", "SAMLResponse"]
)
def test_names_that_carry_access(name: str) -> None:
    assert always_secret(name)


@pytest.mark.parametrize(
    "name", ["Accept", "Content-Type", "q", "page", "status_reason", "User-Agent", "keep-alive", "encoding", "authority"]
)
def test_names_that_do_not(name: str) -> None:
    assert not always_secret(name)


def test_the_orders_that_hold_a_file_back_are_orders_of_messages_too() -> None:
    assert set(NO_PLACE) <= set(ENGLISH.orders)
    assert set(NO_PLACE) <= set(ENGLISH.needed)


@pytest.mark.parametrize(
    "text",
    [
        "admin: signed in\nsystem: up for 3 days\n",
        "GET /base64/decode 200\ncurl 8.5 (linux)\n",
        "<script>var x = 1</script><user>anna</user>",
        "the configuration was loaded; the password was changed",
        "select * from orders where id = 3",
        "show key 3 of the database",
    ],
)
def test_what_logs_say_is_no_order(text: str) -> None:
    verify_no_instructions(text, FileKind.TEXT, ENGLISH)


BENIGN = st.text(st.sampled_from("abcdefghij klmnop qrstuv wxyz ABC äöü."), max_size=24)
SECRETS = {
    "pin": "471193",
    "password": "hunter2Zebra!",
    "card": "4111 1111 1111 1111",
    "apiKey": "AKIAQ3EGRIY2VX7KZ4PT",
    "token": "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
}
"""What is planted, each under a name that says what it is."""


def _planted(draw: st.DrawFn) -> tuple[str, str, str, str]:
    name = draw(st.sampled_from(sorted(SECRETS)))
    return name, SECRETS[name], draw(BENIGN), draw(BENIGN)


PLANTED = st.composite(_planted)()


def _as_text(name: str, secret: str, one: str, other: str) -> tuple[bytes, str]:
    return f"{one}\n\n{name}: {secret}\n\n{other}".encode(), "a.txt"


def _as_json(name: str, secret: str, one: str, other: str) -> tuple[bytes, str]:
    return json.dumps({"a": one, "b": [{name: secret}, other], "c": {"d": {name: secret}}}).encode(), "a.json"


def _as_lines(name: str, secret: str, one: str, other: str) -> tuple[bytes, str]:
    return f"{json.dumps({'a': one})}\n{json.dumps({name: secret, 'b': other})}".encode(), "a.ndjson"


def _as_text_in_json(name: str, secret: str, one: str, other: str) -> tuple[bytes, str]:
    return json.dumps({"message": json.dumps({"a": one, "b": {name: secret}}), "more": other}).encode(), "a.json"


def _as_pair(name: str, secret: str, one: str, other: str) -> tuple[bytes, str]:
    return har(
        request={"headers": [{"name": "X-A", "value": one}, {"name": name, "value": secret}, {"name": "X-B", "value": other}]}
    ), "a.har"


def _as_form(name: str, secret: str, one: str, other: str) -> tuple[bytes, str]:
    del one, other
    return har(request={"postData": {"mimeType": "x", "text": f"a=b&{name}={secret.replace(' ', '+')}"}}), "a.har"


def _as_body(name: str, secret: str, one: str, other: str) -> tuple[bytes, str]:
    body = base64.b64encode(json.dumps({"a": one, name: secret, "b": other}).encode()).decode()
    return har(response={"content": {"mimeType": "application/json", "encoding": "base64", "text": body}}), "a.har"


def _as_cell(name: str, secret: str, one: str, other: str) -> tuple[bytes, str]:
    return f'a,{name},b\n"{one}",{secret},"{other}"\n'.encode(), "a.csv"


def _as_mail(name: str, secret: str, one: str, other: str) -> tuple[bytes, str]:
    return mail(f"{one}\r\n\r\n{name}: {secret}\r\n\r\n{other}"), "a.eml"


FORMS = {
    "text": _as_text,
    "JSON": _as_json,
    "NDJSON": _as_lines,
    "JSON in JSON": _as_text_in_json,
    "a header": _as_pair,
    "a form": _as_form,
    "a body in base64": _as_body,
    "a cell": _as_cell,
    "a mail": _as_mail,
}


def _all_of(kind: FileKind, text: str) -> str:
    """The file as a reader of its kind sees it, encodings opened, and as it stands. That it can be read is part of it."""
    if kind in {FileKind.JSON, FileKind.HAR}:
        seen: Any = json.loads(text)
        if kind is FileKind.HAR:
            content = seen["log"]["entries"][0]["response"]["content"]
            return text + (base64.b64decode(content["text"]).decode() if content.get("encoding") else "")
    elif kind is FileKind.NDJSON:
        assert [json.loads(line) for line in text.splitlines()]
    elif kind is FileKind.CSV:
        assert {len(row) for row in csv.reader(io.StringIO(text))} == {3}
    elif kind is FileKind.MAIL:
        message = BytesParser(policy=default).parsebytes(text.encode())
        return text + str(message.get_content())
    return text


@pytest.mark.proves("FILES")
@pytest.mark.parametrize("form", FORMS)
@given(planted=PLANTED)
@settings(max_examples=40, deadline=None)
def test_no_secret_is_left_wherever_it_was_planted(form: str, planted: tuple[str, str, str, str]) -> None:
    name, secret, one, other = planted
    data, file = FORMS[form](name, secret, one, other)
    kind, text, scrub = cleaned(data, file)
    seen = _all_of(kind, text)
    assert secret not in seen
    assert secret.replace(" ", "") not in seen
    assert sum(scrub.counts.values()) > 0
    assert all(secret not in f"{taken.where} {taken.kind}" for taken in scrub.taken)
    if kind is not FileKind.MAIL:
        again = FileScrubber("again")
        scrub_text_file(detect_text_file(text.encode(), name=file, media_type=ANY), again)
        assert {one for one in again.counts if one not in {"cookie", "header", "parameter"}} == set()


def test_a_mail_that_says_how_it_is_written_is_read_so_and_no_other_way() -> None:
    _, text, _ = cleaned(mail("Gr=C3=BC=C3=9Fe", encoding="quoted-printable"), "a.eml")
    assert text.endswith("Grüße\n")
    assert tried(mail("x", kind="text/plain; charset=rot13", encoding="base64"), "a.eml") is HoldReason.UNREADABLE
    _, text, scrub = cleaned(
        mail(
            "--b\r\nContent-Type: application/pdf\r\n\r\nx\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>hi</p>\r\n--b--",
            kind="multipart/mixed; boundary=b",
        ),
        "a.eml",
    )
    assert "[attached_file removed]" in text
    assert "<p>hi</p>" in text
    assert scrub.counts == {"attached_file": 1}
    assert scrub.taken == []


def test_a_row_with_more_cells_than_heads_and_cells_over_lines_are_read() -> None:
    _, text, _ = cleaned(b'a;b\n"one;two\nthree";"say ""hi""";more\n', "a.csv")
    assert list(csv.reader(io.StringIO(text), delimiter=";")) == [["a", "b"], ["one;two\nthree", 'say "hi"', "more"]]
    assert cleaned(b"", "a.csv")[1] == ""


def test_what_is_read_again_is_counted_again_and_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    names = FileScrubber.__init__.__globals__
    alone, together = names["find_secrets"], names["find_in_values"]
    calls: list[object] = []
    monkeypatch.setitem(names, "find_secrets", lambda text, **more: calls.append(text) or alone(text, **more))
    monkeypatch.setitem(names, "find_in_values", lambda pairs, **more: calls.append(tuple(pairs)) or together(pairs, **more))
    file = TextFile(kind=FileKind.JSON, text="", documents=([{"pin": "471193"}] * 50,))
    scrub = FileScrubber("x")
    scrub_text_file(file, scrub)
    assert [one for one in calls if one != "x pin"] == [(("pin", "471193"),)], "but for where it stood"
    assert scrub.counts["pin"] == 50


@pytest.mark.parametrize("seed", range(12))
def test_read_all_at_once_or_one_by_one_the_same_is_taken_out(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = random.Random(seed)
    planted = [
        "471193",
        "hunter2Secret!",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "4111 1111 1111 1111",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmVk",
    ]
    names = ["pin", "password", "note", "card", "token", "url", "text", "id"]
    calm = ["The kettle leaks.", "https://shop.example/orders?page=2", "W1001", "2026-11-27T10:00:00Z", "true", "a" * 40, ""]

    def document() -> dict[str, object]:
        return {chance.choice(names): chance.choice([*planted, *calm, *calm]) for _ in range(6)}

    def cleaned(*, at_once: bool) -> tuple[str, dict[str, int]]:
        scrub = FileScrubber("x")
        if not at_once:
            monkeypatch.setattr(FileScrubber, "prescan", lambda *_: None)
        told = scrub_text_file(TextFile(kind=FileKind.JSON, text="", documents=(documents,)), scrub)
        monkeypatch.undo()
        return told, dict(scrub.counts)

    documents = [document() for _ in range(20)]
    assert cleaned(at_once=True) == cleaned(at_once=False)
