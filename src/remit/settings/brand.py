"""The company's logo and colour: the keys `logo` and `accent` of the table `desk` of `remit.toml`."""

from pathlib import Path

from remit.domain.brand import MAX_LOGO, Brand, BrandError, read_accent, read_logo
from remit.settings.decode import InvalidSetting


def brand_of(logo: str, accent: str, base: Path) -> Brand:
    """Return the logo and the colour, read once; a relative file starts at `base`.

    Raises:
        InvalidSetting: `settings.invalid` for a file that is not there or not safe, and for an unreadable colour.
    """
    raw, media_type, colour, ink = b"", "", "", ""
    if logo:
        raw = _read(base / logo)
        try:
            media_type = read_logo(raw)
        except BrandError as wrong:
            raise InvalidSetting("desk.logo", str(wrong)) from None
    if accent:
        try:
            colour, ink = read_accent(accent)
        except BrandError as wrong:
            raise InvalidSetting("desk.accent", str(wrong)) from None
    return Brand(logo=raw, media_type=media_type, accent=colour, ink=ink)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_LOGO + 1)
    except OSError:
        raise InvalidSetting("desk.logo", f"cannot be read: {path}; name an SVG or PNG file") from None
