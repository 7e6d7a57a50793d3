"""The npm `oidc-provider` as the company's provider, and a browser without a screen that fills in its forms."""

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent
BENCH = HERE.parent.parent / ".bench"
MODULES = next((one for name in ("oidc", "npm") if (one := BENCH / name / "node_modules").is_dir()), BENCH)
"""Where `make provider` puts it, or `make bench`, which compares with the same."""
MISSING = "there is no oidc-provider here (make provider)"
THERE = (MODULES / "oidc-provider").is_dir() and shutil.which("node") is not None


@dataclass
class RealProvider:
    """A running provider. Its people are read anew at every sign-in."""

    issuer: str
    config: Path

    def know(self, people: Mapping[str, Mapping[str, Any]]) -> None:
        """These people are there from now on, with these claims."""
        self.config.with_name(f"{self.config.name}.people").write_text(json.dumps(people))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def real_provider(folder: Path, port: int, desk: str, client: Mapping[str, Any], *, pushed: bool = False) -> Iterator[RealProvider]:
    """A provider with one client: the desk at this address."""
    config = folder / "provider.json"
    known = {
        "client_id": "remit",
        "redirect_uris": [f"{desk}/login/oidc/callback"],
        "post_logout_redirect_uris": [f"{desk}/login"],
        "backchannel_logout_uri": f"{desk}/oidc/back-channel-logout",
        "backchannel_logout_session_required": True,
        "response_types": ["code"],
        "grant_types": ["authorization_code"],
        "id_token_signed_response_alg": "ES256",
        "require_auth_time": True,
        **client,
    }
    config.write_text(json.dumps({"port": port, "client": known, "pushed": pushed}))
    provider = RealProvider(f"http://127.0.0.1:{port}", config)
    provider.know({})
    node = str(shutil.which("node"))
    with subprocess.Popen(
        [node, str(HERE / "oidc_provider.mjs"), str(config), str(MODULES)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield provider
        finally:
            process.kill()


class Browser:
    """Somebody's browser: it keeps cookies, follows redirects and sends forms."""

    def __init__(self, desk: str) -> None:
        self.desk = desk
        self.http = httpx.Client(follow_redirects=True, headers={"accept": "text/html"}, timeout=20)

    def sign_in(self, login: str, acr: str = "silver", *, path: str = "/login/oidc") -> httpx.Response:
        """Sign in, all the way to the page where it ends."""
        asked = self.http.get(self.desk + path)
        if 'name="login"' not in asked.text:
            return asked  # the provider knows this browser
        return self.submit(asked, login=login, acr=acr)

    def submit(self, page: httpx.Response, **fields: str) -> httpx.Response:
        """Send the one form of a page."""
        action = re.search(r'action="([^"]+)"', page.text)
        assert action, page.text
        hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        return self.http.post(page.url.join(unescape(action[1])), data={**hidden, **fields})

    def call(self, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        """A page's own request."""
        return self.http.get(self.desk + path) if body is None else self.http.post(self.desk + path, json=body)

    def close(self) -> None:
        """The browser is closed."""
        self.http.close()
