"""People in a sandbox: they enrol a software passkey through the real routes and answer like a person would."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from remit.client.errors import Refused
from remit.client.requests import kind_of
from remit.sandbox.arguments import miswritten
from remit.sandbox.backend import Room
from remit.sandbox.params import plain_object
from remit.sandbox.passkey import SoftPasskey
from remit.sandbox.replies import SETTLED_NO, SandboxReply


@runtime_checkable
class Grantee(Protocol):
    """A party that can be granted a mandate: a `SandboxAgent`."""

    def push(self, mandate: Mapping[str, Any]) -> tuple[str, str]:
        """Push a mandate request; returns the request_uri and the state."""
        ...

    def redeem(self, redirect: str, state: str) -> Mapping[str, Any]:
        """Redeem the code of a redirect; returns the token answer."""
        ...


class SandboxPerson:
    """A person signed in with a software passkey."""

    def __init__(
        self,
        room: Room,
        person_id: str,
        *,
        kind: str,
        email: str,
        name: str,
        roles: Sequence[str],
        how: str = "vouched",
    ) -> None:
        """Add the person and enrol their passkey with a vouched invitation."""
        self.id = person_id
        self.roles = tuple(roles)
        self.base = "/me/v1" if kind == "customer" else "/desk/v1"
        self._room = room
        self._invited: dict[str, str] = {}
        self.passkey = SoftPasskey(room.issuer)
        body = {"id": person_id, "kind": kind, "email": email, "name": name, "roles": list(roles), "how": how}
        code = room.control("POST", "/sandbox/v1/people", body)["code"]
        begun = room.call("POST", "/login/v1/enrol", {"code": code})
        done = room.raw(
            "POST",
            "/login/v1/enrol",
            {
                "ceremony": begun["ceremony"],
                "response": self.passkey.create(begun["options"]),
                "label": "software passkey",
            },
        )
        self.cookie = done.headers["set-cookie"].partition(";")[0]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r})"

    def sign_in(self) -> None:
        """Sign in anew with the passkey, as after the session's expiry.

        Raises:
            Refused: as the desk refused it.
        """
        begun = self._room.call("POST", "/login/v1/sign-in", {})
        body = {"ceremony": begun["ceremony"], "assertion": self.passkey.get(begun["options"])}
        self.cookie = self._room.raw("POST", "/login/v1/sign-in", body).headers["set-cookie"].partition(";")[0]

    def get(self, path: str) -> Any:  # noqa: ANN401  # JSON
        """Read a page's JSON twin as this person."""
        return self._room.call("GET", path, cookie=self.cookie)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401  # JSON
        """Change something as this person."""
        return self._room.call("POST", path, body, cookie=self.cookie)

    def waiting(self) -> list[dict[str, Any]]:
        """Return this person's pending confirmations."""
        found: list[dict[str, Any]] = self.get(f"{self.base}/waiting")["waiting"]
        return found

    def confirm(self, reply: SandboxReply) -> SandboxReply:
        """Say yes, signed; return what the agent then sees: done, still waiting for others, or void with the reason.

        A reply that is already a refusal is returned unchanged: there was nothing to confirm.

        Raises:
            Refused: when this person may not answer, or the answer was not taken.
            Miswritten: `request.malformed` for what is no reply.
        """
        _verify_reply(reply)
        try:
            self.answer(reply, "yes")
        except Refused:
            if reply.refused:
                return reply
            settled = reply.again()
            if settled.state in SETTLED_NO:
                return settled  # the yes was taken, but void: that is an answer to the ask
            raise
        return reply.again()

    def decline(self, reply: SandboxReply, *, end: bool = False) -> SandboxReply:
        """Say no; with `end`, to the whole task.

        Raises:
            Refused: as in `confirm`.
        """
        self.post(f"{self.base}/confirmations/{self.invitation(reply)}", {"answer": "no_and_end" if end else "no"})
        return reply.again()

    def offer_less(self, reply: SandboxReply, params: Mapping[str, Any]) -> SandboxReply:
        """Agree to less; return the reply to the counter-offer.

        Raises:
            Refused: as in `confirm`; `params.invalid` for params that are no object, or not JSON.
        """
        invitation, less = self.invitation(reply), plain_object(params, "params", "params.invalid")
        shown = self.post(f"{self.base}/confirmations/{invitation}/less", {"params": less})
        answered = self.post(
            f"{self.base}/confirmations/{invitation}",
            {"answer": "less", "assertion": self.passkey.get(shown["options"])},
        )
        return reply.at(answered["ask"])

    def release(self, reply: SandboxReply) -> SandboxReply:
        """Release an ask's held words, signed, as an officer; return what the agent then sees. Agrees to nothing else.

        Raises:
            Refused: as in `confirm`.
        """
        self.answer(reply, "release")
        return reply.again()

    def strip(self, reply: SandboxReply) -> SandboxReply:
        """Let an ask go on without its held words, as an officer.

        Raises:
            Refused: as in `confirm`; `words.*` where the ask needs them.
        """
        self.post(f"{self.base}/confirmations/{self.invitation(reply)}", {"answer": "strip"})
        return reply.again()

    def answer(self, reply: SandboxReply, said: str) -> Any:  # noqa: ANN401  # JSON
        """Answer a confirmation with the passkey; return this person's view of it."""
        invitation = self.invitation(reply)
        shown = self.get(f"{self.base}/confirmations/{invitation}")
        return self.post(
            f"{self.base}/confirmations/{invitation}", {"answer": said, "assertion": self.passkey.get(shown["options"])}
        )

    def invitation(self, reply: SandboxReply) -> str:
        """Return the id of this person's invitation about an ask, even an answered one: the desk then says so.

        Raises:
            Refused: `confirmation.wrong_person` when there never was one.
            Miswritten: `request.malformed` for what is no reply.
        """
        _verify_reply(reply)
        for row in self.waiting():
            if row["ask"] == reply.ask:
                self._invited[reply.ask] = str(row["confirmation"])
        if reply.ask in self._invited:
            return self._invited[reply.ask]
        cure = "Give a reply whose `needs_human` is true to one of those in its `who`."
        title = "Nothing about this ask waits for this person"
        raise Refused("confirmation.wrong_person", title=title, cure=cure, status=403)


class SandboxCustomer(SandboxPerson):
    """A customer, who grants, narrows and revokes."""

    def grant(
        self, agent: Grantee, mandate: Mapping[str, Any], *, cut: Mapping[str, Any] | None = None
    ) -> "SandboxMandate":
        """Grant an agent a mandate, as requested or cut, through PAR, the consent page's twin and the code.

        Raises:
            Refused: as the desk or the consent page refused.
            Miswritten: `request.malformed` for what is no agent, `mandate.invalid` for a cut that is no object, or not
                JSON.
        """
        if not isinstance(agent, Grantee):
            raise miswritten(f"agent is a SandboxAgent, not {kind_of(agent)}.", "Give what desk.agent(…) returned.")
        less = None if cut is None else plain_object(cut, "cut", "mandate.invalid")
        request_uri, state = agent.push(mandate)
        request = request_uri.rpartition(":")[2]
        path = f"/me/v1/requests/{request}"
        shown = self.get(path) if less is None else self.post(path, {"answer": "cut", "mandate": less})
        signed = self.post(
            path, {"answer": "grant", "ceremony": shown["ceremony"], "assertion": self.passkey.get(shown["options"])}
        )
        granted = agent.redeem(signed["redirect"], state)
        return SandboxMandate(self, granted["mandate"], granted["authorization_details"][0], shown)

    def revoke(self, mandate: "SandboxMandate | str") -> Any:  # noqa: ANN401  # JSON
        """Revoke a mandate. Everything under it is dead with the next request.

        Raises:
            Refused: as the desk refused it.
        """
        return self.post(f"/me/v1/mandates/{mandate_id(mandate)}/revoke", {})

    def narrow(self, mandate: "SandboxMandate | str", narrower: Mapping[str, Any]) -> Any:  # noqa: ANN401  # JSON
        """Narrow a mandate: remove powers or lower limits.

        Raises:
            Refused: as the desk refused it; `mandate.invalid` for what is no object, or not JSON.
        """
        return self.post(
            f"/me/v1/mandates/{mandate_id(mandate)}/narrow", plain_object(narrower, "narrower", "mandate.invalid")
        )


class SandboxMandate:
    """A granted mandate: its id, the `remit_mandate` as granted, and the customer's view of it."""

    def __init__(
        self, customer: SandboxCustomer, mandate_id: str, granted: Mapping[str, Any], shown: Mapping[str, Any]
    ) -> None:
        self.customer = customer
        self.id = mandate_id
        self.granted = granted
        self.shown = shown

    def __repr__(self) -> str:
        return f"SandboxMandate({self.id!r}, {json.dumps(self.granted.get('objective', {}))[:80]})"


def mandate_id(mandate: object) -> str:
    """Return the id of a mandate, given as the mandate or as its id.

    Raises:
        Miswritten: `request.malformed` for something else.
    """
    if isinstance(mandate, SandboxMandate):
        return mandate.id
    if isinstance(mandate, str):
        return mandate
    raise miswritten(
        f"mandate is a granted mandate or its id, not {kind_of(mandate)}.", "Give what customer.grant(…) returned."
    )


def _verify_reply(reply: object) -> None:
    if not isinstance(reply, SandboxReply):
        raise miswritten(f"reply is a reply to an ask, not {kind_of(reply)}.", "Give what task.ask(…) returned.")
