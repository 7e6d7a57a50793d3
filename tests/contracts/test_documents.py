"""The contract of the readers of printed documents and pictures: what a file does to its reader stays with the reader."""

import asyncio
import io
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from attacks.files_made import jpeg, pdf, png
from remit.adapters.documents import isolated
from remit.adapters.documents.isolated import IsolatedDocumentReader
from remit.domain.files.detect import FileHeld, FileKind, HoldReason


def read(data: bytes, kind: FileKind) -> bytes | str:
    async def running() -> bytes | str:
        reader = IsolatedDocumentReader()
        return await (reader.text_of(data) if kind is FileKind.PDF else reader.reencode_picture(data, kind))

    return asyncio.run(running())


def held(data: bytes, kind: FileKind) -> HoldReason:
    with pytest.raises(FileHeld) as why:
        read(data, kind)
    return why.value.why


def test_of_a_pdf_its_text_is_read_and_nothing_else() -> None:
    assert read(pdf("The kettle leaks", title="hidden", pages=2), FileKind.PDF) == "The kettle leaks\n\nThe kettle leaks"


@pytest.mark.parametrize(("made", "kind"), [(png("a secret"), FileKind.PNG), (jpeg("a secret"), FileKind.JPEG)], ids=["PNG", "JPEG"])
def test_of_a_picture_its_pixels_are_left_and_nothing_else(made: bytes, kind: FileKind) -> None:
    out = read(made, kind)
    assert isinstance(out, bytes)
    assert b"secret" not in out
    before: Any = Image.open(io.BytesIO(made))
    after: Any = Image.open(io.BytesIO(out))
    assert (after.format, after.size, after.mode) == (before.format, before.size, before.mode)
    assert not after.getexif()
    assert {"comment", "Comment", "exif", "xmp", "icc_profile"} & after.info.keys() == set()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_pictures_of_every_mode_are_made_anew(mode: str) -> None:
    out = io.BytesIO()
    Image.new(mode, (5, 4)).save(out, "PNG")
    after: Any = Image.open(io.BytesIO(bytes(read(out.getvalue(), FileKind.PNG))))  # type: ignore[arg-type]  # of a picture they are bytes
    assert after.size == (5, 4)


def test_a_photograph_is_turned_the_way_its_camera_said() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    Image.new("RGB", (32, 16)).save(out, "JPEG", exif=exif)
    after: Any = Image.open(io.BytesIO(bytes(read(out.getvalue(), FileKind.JPEG))))  # type: ignore[arg-type]  # as above
    assert after.size == (16, 32)


@pytest.mark.parametrize(
    ("made", "kind", "why"),
    [
        (pdf("hi", password="x"), FileKind.PDF, HoldReason.LOCKED),  # nobody's
        (pdf("hi", pages=201), FileKind.PDF, HoldReason.TOO_MUCH),
        (pdf(""), FileKind.PDF, HoldReason.UNREADABLE),
        (b"%PDF-1.7\n%%EOF", FileKind.PDF, HoldReason.UNREADABLE),
        (pdf("hi")[:-40], FileKind.PDF, HoldReason.UNREADABLE),
        (png(size=(4001, 4000)), FileKind.PNG, HoldReason.TOO_MUCH),
        (png()[:40], FileKind.PNG, HoldReason.UNREADABLE),
        (jpeg()[:100], FileKind.JPEG, HoldReason.UNREADABLE),
        (png(), FileKind.JPEG, HoldReason.UNREADABLE),
    ],
    ids=["locked", "many pages", "no text", "no pages", "cut off", "too large", "half a picture", "half a photograph", "another kind"],
)
def test_what_cannot_be_read_is_held_back(made: bytes, kind: FileKind, why: HoldReason) -> None:
    found = held(made, kind)
    assert found is why or (found is HoldReason.UNREADABLE and kind is FileKind.PDF)


def test_a_pdf_that_unpacks_to_more_than_a_machine_has_takes_its_reader_alone() -> None:
    bomb = zlib.compress(b"0" * 700_000_000, 9)
    made = (
        pdf("hi")
        .replace(b"BT /F1 12 Tf 20 200 Td (hi) Tj ET", bomb, 1)
        .replace(b"/Length 33", b"/Length %d /Filter /FlateDecode" % len(bomb), 1)
    )
    assert held(made, FileKind.PDF) in {HoldReason.TOO_MUCH, HoldReason.UNREADABLE}
    assert read(pdf("The kettle leaks"), FileKind.PDF) == "The kettle leaks"


def test_a_reader_that_takes_too_long_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated, "WALL_S", 0.01)
    assert held(pdf("hi"), FileKind.PDF) is HoldReason.TOO_MUCH


@pytest.mark.parametrize("missing", ["pypdf", "PIL"])
def test_without_the_extra_nothing_of_the_kind_is_read(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    real = isolated.importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == missing else real(name))
    made, kind = (pdf("hi"), FileKind.PDF) if missing == "pypdf" else (png(), FileKind.PNG)
    assert held(made, kind) is HoldReason.NO_READER


def test_a_reader_opens_nothing_starts_nothing_and_has_no_variables_of_ours(tmp_path: Path) -> None:
    program = """
import os, socket, subprocess, sys
from remit.adapters.documents.process_limits import run
def tried(data):
    out = [",".join(sorted(os.environ.keys() - {"LC_CTYPE"}))]
    for what in (lambda: open(data.decode()), lambda: open(data.decode() + ".new", "w"), lambda: socket.socket(), lambda: os.pipe(),
                 lambda: subprocess.run(["/bin/true"])):
        try:
            what()
            out.append("done")
        except OSError:
            out.append("refused")
    return " ".join(out).encode()
run(tried)
"""
    file = tmp_path / "secret.txt"
    file.write_text("hi", encoding="utf-8")
    done = subprocess.run([sys.executable, "-I", "-c", program], input=str(file).encode(), capture_output=True, check=True, env={})
    assert done.stdout.split() == [b"refused"] * 5


def test_two_read_at_once_and_the_loop_goes_on_meanwhile() -> None:
    async def running() -> tuple[list[str], int]:
        reader, turns = IsolatedDocumentReader(), 0
        work = asyncio.gather(*(reader.text_of(pdf(f"number {number}")) for number in range(4)))
        while not work.done():
            turns += 1
            await asyncio.sleep(0)
        return list(await work), turns

    texts, turns = asyncio.run(running())
    assert texts == [f"number {number}" for number in range(4)]
    assert turns > 100
