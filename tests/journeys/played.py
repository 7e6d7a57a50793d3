"""A customer of the printed walks, at a browser with a passkey."""

import time
from typing import Any

import httpx

from remit.sandbox.passkey import SoftPasskey


class Anna:
    """Anna at her browser, with a passkey: she signs what she is shown."""

    def __init__(self, url: str, code: str) -> None:
        self.passkey = SoftPasskey(url)
        self.browser = httpx.Client(base_url=url, timeout=30)
        begun = self.post("/login/v1/enrol", {"code": code})
        self.post("/login/v1/enrol", {"ceremony": begun["ceremony"], "response": self.passkey.create(begun["options"]), "label": "mine"})

    def post(self, path: str, body: Any) -> Any:
        answer = self.browser.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def allow(self, address: str) -> None:
        """Open the address the agent printed, sign, and be sent back to the agent."""
        page = self.browser.get(address)
        assert page.status_code == 200
        assert "Helper" in page.text
        request = f"/me/v1/requests/{httpx.URL(address).params['request_uri'].rpartition(':')[2]}"
        shown = self.browser.get(request).json()
        signed = self.post(request, {"answer": "grant", "ceremony": shown["ceremony"], "assertion": self.passkey.get(shown["options"])})
        assert httpx.get(signed["redirect"]).status_code == 200

    def confirm(self) -> None:
        """Confirm the one thing that waits, or will: the agent does not say when it asks."""
        waiting = []
        ends = time.monotonic() + 30
        while not waiting and time.monotonic() < ends:
            waiting = self.browser.get("/me/v1/waiting").json()["waiting"]
        assert len(waiting) == 1, waiting
        (row,) = waiting
        path = f"/me/v1/confirmations/{row['confirmation']}"
        shown = self.browser.get(path).json()
        self.post(path, {"answer": "yes", "assertion": self.passkey.get(shown["options"])})
