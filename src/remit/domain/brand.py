"""The company's logo and colour on people's pages: only a safe and readable one is taken."""

import re
from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree as ET

from remit.domain.structs import struct

MAX_LOGO: Final = 64 * 1024
"""Bytes of a logo: it comes with every page."""
LIGHT_INK: Final = "#ffffff"
DARK_INK: Final = "#1b2421"
_ENOUGH: Final = 4.5
"""The least contrast of a text (WCAG 2.2, 1.4.3)."""
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_ELEMENTS: Final = frozenset(
    {
        "circle", "clipPath", "defs", "desc", "ellipse", "g", "line", "linearGradient", "mask", "metadata", "path",
        "polygon", "polyline", "radialGradient", "rect", "stop", "style", "svg", "symbol", "text", "title", "tspan",
        "use",
    }
)  # fmt: skip
_OUTSIDE: Final = re.compile(r"url\((?!['\"]?#)|@|\\|javascript:|expression\(", re.IGNORECASE)
_NOTES: Final = (
    "{http://creativecommons.org/ns#}",
    "{http://purl.org/dc/elements/1.1/}",
    "{http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd}",
    "{http://www.inkscape.org/namespaces/inkscape}",
    "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}",
)
"""Elements in which drawing programs note things; they draw and do nothing."""
_SVG: Final = "{http://www.w3.org/2000/svg}"


class BrandError(ValueError):
    """A logo or colour that is not taken: the reason, with its cure."""


@struct(frozen=True, kw_only=True)
class Brand:
    """A logo ("" as media type without one), and a colour with the ink that is readable on it ("" without one)."""

    logo: bytes = b""
    media_type: str = ""
    accent: str = ""
    ink: str = ""


def read_accent(text: str) -> tuple[str, str]:
    """Return a colour and the ink that is readable on it, white or dark.

    Raises:
        BrandError: for no colour, and for one on which neither reaches 4.5:1.
    """
    if not _COLOUR.fullmatch(text):
        raise BrandError('must be a colour such as "#1d5c52"')
    colour = text.lower()
    best = max((LIGHT_INK, DARK_INK), key=lambda ink: contrast(colour, ink))
    if contrast(colour, best) < _ENOUGH:
        near = _readable(colour)
        raise BrandError(f'is too pale for white text and too dark for dark text (4.5:1); "{near}" is readable')
    return colour, best


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21 (WCAG 2.2)."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)  # noqa: PLR2004  # the formula of WCAG
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _readable(colour: str) -> str:
    """Return the nearest darker shade on which white is readable."""
    parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    shades = (f"#{''.join(f'{part * step // 100:02x}' for part in parts)}" for step in range(99, -1, -1))
    return next(shade for shade in shades if contrast(shade, LIGHT_INK) >= _ENOUGH)


def read_logo(raw: bytes) -> str:
    """Return the media type of a logo: a PNG, or an SVG that only draws.

    ⚔ An SVG is a document: with a script, a style that loads, or a reference to elsewhere it would act on our own
    address, or tell another site who reads a page.

    Raises:
        BrandError: for anything else.
    """
    if len(raw) > MAX_LOGO:
        raise BrandError(f"has {len(raw)} bytes; make it {MAX_LOGO} or fewer")
    if raw.startswith(_PNG):
        return "image/png"
    if b"<!DOCTYPE" in raw.upper() or b"<!ENTITY" in raw.upper():
        raise BrandError("declares entities; save it as a plain SVG")
    try:
        root = ET.fromstring(raw.decode("utf-8"))  # noqa: S314  # without declarations, and small
    except (ET.ParseError, UnicodeDecodeError, ValueError):
        raise BrandError("is neither a PNG nor an SVG") from None
    if root.tag != f"{_SVG}svg":
        raise BrandError("is neither a PNG nor an SVG")
    wrong = next(_unsafe(root), "")
    if wrong:
        raise BrandError(f"has {wrong}; save it as a plain SVG, or as a PNG")
    return "image/svg+xml"


def _unsafe(root: ET.Element) -> Iterator[str]:
    for element in root.iter():
        name = element.tag.removeprefix(_SVG)
        if name not in _ELEMENTS and not name.startswith(_NOTES):
            yield f"the element <{name.rpartition('}')[2]}>"
        if name == "style" and _OUTSIDE.search("".join(element.itertext())):
            yield "a style that refers to elsewhere"
        for key, value in element.attrib.items():
            plain = key.rpartition("}")[2].lower()
            if plain.startswith("on"):
                yield f"the attribute {plain}"
            if plain in {"href", "src"} and not value.startswith("#"):
                yield "a reference to elsewhere"
            if plain != "href" and _OUTSIDE.search(value):
                yield f"the attribute {plain} with a reference to elsewhere"


def accent_style(brand: Brand) -> str:
    """Return the style sheet of a colour; it is used for buttons and the line on top, each with its readable ink."""
    return f":root {{ --accent: {brand.accent}; --accent-ink: {brand.ink}; }}\n" if brand.accent else ""
