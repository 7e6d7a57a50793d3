"""People of the demo: software passkeys kept in its folder, acting through the JSON twins of their pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx

from remit.client.errors import Unavailable
from remit.client.json_fields import encode
from remit.client.responses import Answered, raise_problem
from remit.sandbox.passkey import SoftPasskey

_TIMEOUT_S: Final = 30.0
_URN: Final = "urn:ietf:params:oauth:request_uri:"


class DemoDoor:
    """Requests to one desk, from a person's browser or the sandbox's controls, refused by `remit.client.Refused`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=_TIMEOUT_S, follow_redirects=False)

    def send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, cookie: str = ""
    ) -> httpx.Response:
        """Send one request.

        Raises:
            Refused: as the desk refused it.
            Unavailable: when the desk is down.
        """
        headers = {"cookie": cookie} if cookie else {}
        content = None
        if body is not None:
            headers["content-type"] = "application/json"
            content = encode(dict(body))
        try:
            response = self._http.request(method, path, content=content, headers=headers)
        except httpx.TransportError as error:
            raise Unavailable("desk.unavailable", detail=type(error).__name__, cure="Try again later.") from None
        self._http.cookies.clear()  # the next request may be another person's
        if not response.is_success:
            raise_problem(Answered(status=response.status_code, headers=dict(response.headers), body=response.content))
        return response

    def redirect(self, url: str) -> None:
        """Follow a redirect to an agent's own listener, as a browser would."""
        self._http.get(url)
        self._http.cookies.clear()

    def invite(self, person: str, kind: str, roles: Sequence[str] = (), name: str = "") -> str:
        """Make a one-time enrolment link for a person, who is added when new."""
        body = {"id": person, "kind": kind, "roles": list(roles), "name": name}
        code = str(self.send("POST", "/sandbox/v1/people", body).json()["code"])
        return f"{self.url}/enrol?code={code}"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


@dataclass(slots=True)
class DemoPerson:
    """A person with a software passkey."""

    door: DemoDoor
    id: str
    kind: str
    passkey: SoftPasskey
    cookie: str = ""

    @property
    def base(self) -> str:
        """The address of this person's JSON."""
        return "/me/v1" if self.kind == "customer" else "/desk/v1"

    def kept(self) -> dict[str, Any]:
        """The person as the demo's folder keeps them."""
        return {"id": self.id, "kind": self.kind, "passkey": self.passkey.kept()}

    def get(self, path: str) -> Any:  # noqa: ANN401  # JSON
        """Read as this person."""
        return self.door.send("GET", path, cookie=self.cookie).json()

    def post(self, path: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401  # JSON
        """Change something as this person."""
        return self.door.send("POST", path, body, cookie=self.cookie).json()

    def sign_in(self) -> str:
        """Sign in with the passkey; store the new session's cookie."""
        begun = self.door.send("POST", "/login/v1/sign-in", {}).json()
        answer = {"ceremony": begun["ceremony"], "assertion": self.passkey.get(begun["options"])}
        done = self.door.send("POST", "/login/v1/sign-in", answer)
        self.cookie = done.headers["set-cookie"].partition(";")[0]
        return self.cookie

    def grant(self, consent_url: str) -> None:
        """Sign an agent's mandate request, as shown on the consent page, and let the agent know."""
        self._sign(parse_qs(urlsplit(consent_url).query)["request_uri"][0].removeprefix(_URN).rpartition(":")[2])

    def grant_visit(self, url: str, objective: str, records: Sequence[str]) -> None:
        """Pick a visitor's purpose and records, and sign its request."""
        picked = self.post(f"/me/v1/visits?{urlsplit(url).query}", {"objective": objective, "records": list(records)})
        self._sign(str(picked["request"]))

    def decline_visit(self, url: str) -> None:
        """Decline a visitor's request and follow its redirect."""
        self.door.redirect(str(self.get(f"/me/v1/visits?{urlsplit(url).query}")["decline"]))

    def _sign(self, request: str) -> None:
        path = f"/me/v1/requests/{request}"
        shown = self.get(path)
        signed = self.post(
            path, {"answer": "grant", "ceremony": shown["ceremony"], "assertion": self.passkey.get(shown["options"])}
        )
        self.door.redirect(str(signed["redirect"]))

    def waiting(self) -> list[dict[str, Any]]:
        """Return this person's pending confirmations."""
        found: list[dict[str, Any]] = self.get(f"{self.base}/waiting")["waiting"]
        return found

    def shown(self, confirmation: str) -> dict[str, Any]:
        """Return one confirmation as this person is shown it."""
        found: dict[str, Any] = self.get(f"{self.base}/confirmations/{confirmation}")
        return found

    def held_files(self) -> list[dict[str, Any]]:
        """Return the files that an officer has to review."""
        found: list[dict[str, Any]] = self.get("/desk/v1/files")["files"]
        return found

    def answer(self, confirmation: str, shown: Mapping[str, Any], said: str) -> Any:  # noqa: ANN401  # JSON
        """Answer it; a yes is signed, and so is the release of an agent's held message."""
        body: dict[str, Any] = {"answer": said}
        if said in {"yes", "release"}:
            body["assertion"] = self.passkey.get(shown["options"])
        return self.post(f"{self.base}/confirmations/{confirmation}", body)


def enrol(door: DemoDoor, person: str, kind: str, roles: Sequence[str] = (), name: str = "") -> DemoPerson:
    """Enrol a new person, vouched for by the sandbox, with a software passkey through the real routes."""
    passkey = SoftPasskey(door.url)
    code = door.invite(person, kind, roles, name).rpartition("=")[2]
    begun = door.send("POST", "/login/v1/enrol", {"code": code}).json()
    answer = {
        "ceremony": begun["ceremony"],
        "response": passkey.create(begun["options"]),
        "label": "software passkey of the demo",
    }
    done = door.send("POST", "/login/v1/enrol", answer)
    return DemoPerson(door, person, kind, passkey, done.headers["set-cookie"].partition(";")[0])


def sentences(rendering: Mapping[str, Any]) -> list[str]:
    """Return a confirmation's sentences, as the page shows them."""
    return [str(line["text"]) for line in rendering.get("lines", ()) if line.get("text")]


def headline(rendering: Mapping[str, Any]) -> str:
    """Return the act itself, in one line."""
    lines = rendering.get("lines", ())
    return next((str(line["text"]) for line in lines if line.get("kind") == "act"), "")
