"""A company's logo and colour: what is safe and readable is taken, everything else stops the start with a cure."""

from pathlib import Path

import pytest

from remit.domain.brand import DARK_INK, LIGHT_INK, MAX_LOGO, BrandError, accent_style, contrast, read_accent, read_logo
from remit.domain.errors import Code, Refused
from settings_made import settings_made

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">%b</svg>'
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


@pytest.mark.parametrize(
    ("colour", "ink"),
    [("#1d5c52", LIGHT_INK), ("#000000", LIGHT_INK), ("#FFC861", DARK_INK), ("#ffffff", DARK_INK), ("#0b5fff", LIGHT_INK)],
)
def test_a_colour_gets_the_ink_that_is_readable_on_it(colour: str, ink: str) -> None:
    assert read_accent(colour) == (colour.lower(), ink)
    assert contrast(colour, ink) >= 4.5


@pytest.mark.parametrize("colour", ["red", "#fff", "#12345g", "#1d5c52;", "", " #1d5c52"])
def test_what_is_no_colour_is_refused(colour: str) -> None:
    with pytest.raises(BrandError, match="must be a colour"):
        read_accent(colour)


@pytest.mark.parametrize("colour", ["#888888", "#2f8f2f", "#808000"])
def test_a_colour_on_which_nothing_is_readable_is_refused_with_one_that_is(colour: str) -> None:
    with pytest.raises(BrandError) as refused:
        read_accent(colour)
    near = str(refused.value).split('"')[1]
    assert read_accent(near)[1] == LIGHT_INK


def test_the_contrast_is_that_of_the_standard() -> None:
    assert round(contrast("#000000", "#ffffff"), 2) == 21
    assert round(contrast("#767676", "#ffffff"), 2) == 4.54


@pytest.mark.parametrize(
    "drawn",
    [
        b'<path d="M0 0h8"/>',
        b'<defs><linearGradient id="a"><stop offset="0" stop-color="#fff"/></linearGradient></defs><rect fill="url(#a)" width="8"/>',
        b"<style>.a{fill:#123456}</style><circle class='a' r='3'/>",
        b'<use href="#a"/><g id="a" style="fill:url(#b)"/>',
    ],
)
def test_a_logo_that_draws_is_taken(drawn: bytes) -> None:
    assert read_logo(SVG % drawn) == "image/svg+xml"
    assert read_logo(PNG) == "image/png"


@pytest.mark.proves("LOGO")
@pytest.mark.parametrize(
    "drawn",
    [
        b"<script>alert(1)</script>",
        b'<path onload="alert(1)"/>',
        b'<a href="https://evil.example"><path/></a>',
        b'<image href="https://evil.example/x.png"/>',
        b'<use href="https://evil.example/x.svg#a"/>',
        b'<use xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="data:image/svg+xml,x"/>',
        b'<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"/></foreignObject>',
        b'<style>@import "https://evil.example/x.css";</style>',
        b"<style>.a{fill:url(https://evil.example)}</style>",
        b'<rect style="fill:url(https://evil.example)"/>',
        b'<rect fill="url(https://evil.example)"/>',
        b'<animate attributeName="href" to="javascript:alert(1)"/>',
        b'<set attributeName="onclick" to="alert(1)"/>',
        b'<html xmlns="http://www.w3.org/1999/xhtml"><body/></html>',
    ],
)
def test_a_logo_that_does_more_than_draw_stops_the_start(drawn: bytes) -> None:
    with pytest.raises(BrandError, match="save it as a plain SVG"):
        read_logo(SVG % drawn)


@pytest.mark.proves("LOGO")
def test_a_logo_that_declares_entities_stops_the_start() -> None:
    bomb = b'<!DOCTYPE svg [<!ENTITY a "<path/>">]>' + SVG % b"&a;"
    for raw in (bomb, bomb.replace(b"<!DOCTYPE", b"<!doctype")):
        with pytest.raises(BrandError, match="declares entities"):
            read_logo(raw)


@pytest.mark.parametrize("raw", [b"", b"GIF89a", b"<html/>", b"<svg/>", b"\xff\xfe<svg", b"<svg"])
def test_what_is_no_picture_is_refused(raw: bytes) -> None:
    with pytest.raises(BrandError, match="neither a PNG nor an SVG"):
        read_logo(raw)


def test_a_logo_is_small() -> None:
    with pytest.raises(BrandError, match=str(MAX_LOGO)):
        read_logo(PNG + b"\0" * MAX_LOGO)


def test_the_settings_name_both_and_neither_is_needed(tmp_path: Path) -> None:
    assert settings_made(tmp_path).brand.logo == b""
    (tmp_path / "logo.svg").write_bytes(SVG % b"<path/>")
    made = settings_made(tmp_path, desk={"logo": "logo.svg", "accent": "#0B5FFF"}).brand
    assert (made.media_type, made.accent, made.ink) == ("image/svg+xml", "#0b5fff", LIGHT_INK)
    assert accent_style(made) == ":root { --accent: #0b5fff; --accent-ink: #ffffff; }\n"


@pytest.mark.parametrize(
    ("table", "detail"),
    [
        ({"accent": "#888888"}, 'desk.accent is too pale for white text and too dark for dark text (4.5:1); "#'),
        ({"accent": "blue"}, 'desk.accent must be a colour such as "#1d5c52"'),
        ({"logo": "no.svg"}, "desk.logo cannot be read"),
        ({"logo": "logo.svg"}, "desk.logo has the element <script>; save it as a plain SVG, or as a PNG"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_says_what_to_write(tmp_path: Path, table: dict[str, str], detail: str) -> None:
    (tmp_path / "logo.svg").write_bytes(SVG % b"<script/>")
    with pytest.raises(Refused) as refused:
        settings_made(tmp_path, desk=table)
    assert refused.value.code is Code.SETTINGS_INVALID
    assert detail in refused.value.detail
