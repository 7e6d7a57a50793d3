"""The company's logo and colour on every page: from our own address, with nothing that acts."""

from pathlib import Path

import pytest

from attacks.arena import Arena, open_arena

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8"/></svg>'


def get(arena: Arena, path: str) -> tuple[int, str, dict[str, str]]:
    answered = arena.person("GET", path, headers={"accept": "text/html,*/*"})
    return answered.status_code, answered.text, {name.lower(): value for name, value in answered.headers.multi_items()}


@pytest.mark.proves("LOGO")
def test_a_logo_and_a_colour_come_from_our_own_address_and_do_nothing(tmp_path: Path) -> None:
    logo = tmp_path / "logo.svg"
    logo.write_bytes(SVG)
    with open_arena(settings={"desk": {"logo": str(logo), "accent": "#ffc861"}}) as arena:
        _, page, _ = get(arena, "/login")
        assert 'src="/brand/logo"' in page
        assert '<link rel="stylesheet" href="/brand/accent.css">' in page
        status, drawn, _ = get(arena, "/brand/logo")
        answered = arena.person("GET", "/brand/logo")
        policies = answered.headers.get_list("content-security-policy")
        assert (status, drawn) == (200, SVG.decode())
        assert answered.headers["content-type"] == "image/svg+xml"
        assert answered.headers["x-content-type-options"] == "nosniff"
        assert any("default-src 'none'" in one and "sandbox" in one for one in policies)
        status, style, headers = get(arena, "/brand/accent.css")
        assert (status, style) == (200, ":root { --accent: #ffc861; --accent-ink: #1b2421; }\n")
        assert headers["content-type"].startswith("text/css")
        again = arena.person("GET", "/brand/accent.css", headers={"if-none-match": headers["etag"]})
        assert again.status_code == 304


def test_a_desk_without_them_shows_our_mark(arena: Arena) -> None:
    _, page, _ = get(arena, "/login")
    assert "/brand/" not in page
    assert get(arena, "/brand/logo")[0] == get(arena, "/brand/accent.css")[0] == 404
