"""Exceptions of this client: the desk said no, something is down, or the protocol was broken.

No code list lives here: codes are the desk's, documented in its docs/codes.md.
"""

from collections.abc import Mapping

from remit.client.values import Json


class RemitError(Exception):
    """Base class of everything this client raises on purpose."""


class IdentityUnusable(RemitError):  # noqa: N818  # says what is the matter; the family name stands in RemitError
    """The agent's own identity or key is unusable: a missing file, or a JWT-SVID expired or for another desk."""


class ProtocolError(RemitError):
    """A broken protocol: a wrong issuer, an unreadable answer, an unrequested redirect.

    Nothing of such an answer was used. Treat it as a possible attack, not as a refusal.
    """


class ReceiptInvalid(RemitError):  # noqa: N818  # says what is the matter; the family name stands in RemitError
    """A receipt that does not verify: changed, about something else, or not signed by the log's key."""

    code = "receipt.invalid"
    cure = "Ask the company for the receipt again, and check the key you verify with."


class Problem(RemitError):  # noqa: N818  # RFC 9457's word; the family name stands in RemitError
    """An unsuccessful answer of the desk.

    `code` is the desk's (docs/codes.md), or `oauth.<error>` where the desk gave only OAuth's own word. `status` is the
    HTTP status, 0 where nothing was sent or nothing came back. `challenge` holds the parameters of `WWW-Authenticate`:
    the cure in the standard's words (`scope`, `acr_values`, `authorization_remediation`, `transaction_challenge`,
    `resource_metadata`). `authorization_remediation` is base64url of JSON whose `authorization_details` would cover the
    refused ask; absent where no mandate could say just that. `body` is the whole answer, empty where there was none; it
    has the id of a recorded ask.
    """

    def __init__(
        self,
        code: str,
        *,
        title: str = "",
        detail: str = "",
        cure: str = "",
        status: int = 0,
        retry_after_s: int | None = None,
        challenge: Mapping[str, str] | None = None,
        body: Mapping[str, Json] | None = None,
    ) -> None:
        """Store the code and the desk's explanation."""
        super().__init__(code, title, detail, cure)
        self.code = code
        self.title = title
        self.detail = detail
        self.cure = cure
        self.status = status
        self.retry_after_s = retry_after_s
        self.challenge: Mapping[str, str] = challenge or {}
        self.body: Mapping[str, Json] = body or {}

    def __reduce__(self) -> tuple[object, ...]:
        """Support copying and pickling, so that an agent process can pass its refusal to the parent process."""
        return _again, (type(self), self.code, self.args), self.__dict__

    @property
    def receipt(self) -> Json:
        """The proof that the refusal stands in the desk's transcript, where it was recorded."""
        return self.body.get("receipt")

    @property
    def ask(self) -> str:
        """The id of the refused ask, for `look_back`; "" where none was recorded."""
        ask = self.body.get("ask")
        return ask if isinstance(ask, str) else ""

    @property
    def oauth_error(self) -> str | None:
        """OAuth's own error word, where the answer had one."""
        return self.challenge.get("error")

    def __str__(self) -> str:
        """Return one line: code, detail, cure."""
        sentence = self.detail or self.title
        if sentence and self.cure and not sentence.endswith((".", "!", "?")):
            sentence = f"{sentence}."
        parts = [f"{self.code}: {sentence}" if sentence else self.code]
        if self.cure:
            parts.append(f"Cure: {self.cure}")
        return " ".join(parts)


def _again(kind: type[Problem], code: str, args: tuple[object, ...]) -> Problem:
    made = kind(code)
    made.args = args
    return made


class Refused(Problem):  # a decision of the desk, not an error; the name is the house word
    """The desk's decision not to do it. Repeating the same ask changes nothing; the `cure` says what might help."""


class Miswritten(Refused, ValueError, TypeError):  # noqa: N818  # says what is the matter; the family name stands in RemitError
    """Input of this program that cannot be sent; nothing was. Also a `ValueError` and a `TypeError`.

    `code` is the code the desk would have given for it.
    """


class Unavailable(Problem):
    """Something is down or cannot be reached. Nothing was permitted by this answer.

    An ask may still have been recorded when the answer was lost: repeat it with the same `idempotency_key`.
    """

    idempotency_key: str | None = None


class StillWaiting(RemitError, TimeoutError):  # noqa: N818  # it is a TimeoutError too
    """The timeout passed before a person answered or the outcome was known. Nothing was cancelled."""
