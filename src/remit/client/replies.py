"""An answer as both faces show it; waiting on it is each face's own."""

from collections.abc import Mapping

from remit.client.receipts import VerifiedReceipt, verify
from remit.client.responses import Answer
from remit.client.values import Json


class AnswerView:
    """What an answer says. `answer` is the same as a plain frozen value."""

    __slots__ = ("answer",)

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __repr__(self) -> str:
        return f"{type(self).__name__}(ask={self.ask!r}, decision={self.decision!r}, outcome={self.outcome!r})"

    @property
    def ask(self) -> str:
        """The ask's id."""
        return self.answer.ask

    @property
    def decision(self) -> str:
        """`permit` or `needs_human`; a refusal is raised, not returned."""
        return self.answer.decision

    @property
    def needs_human(self) -> bool:
        """Whether people must confirm first: `await reply.wait()`."""
        return self.answer.decision == "needs_human"

    @property
    def pending(self) -> bool:
        """Whether the final answer is still to come: a person is asked, the act waits at the desk, or its outcome is
        unknown.
        """
        return self.answer.pending

    @property
    def outcome(self) -> str | None:
        """`done`, `failed` or `unknown`; None while nothing was done."""
        return self.answer.outcome

    @property
    def result(self) -> Mapping[str, Json]:
        """What the desk told, cut to what the mandate covers: `{"order.status": …}`."""
        return self.answer.result

    @property
    def withheld(self) -> int:
        """How many attributes were cut from the result."""
        return self.answer.withheld

    @property
    def who(self) -> tuple[str, ...]:
        """Who must confirm: `customer`, `officer:<role>`."""
        return self.answer.who

    @property
    def expires_at(self) -> str | None:
        """When the invitation to confirm expires."""
        return self.answer.expires_at

    @property
    def poll(self) -> str | None:
        """Where the desk says the ask can be polled; `wait` does it."""
        return self.answer.poll

    @property
    def receipt(self) -> Json:
        """The proof that this answer stands in the desk's transcript."""
        return self.answer.receipt

    @property
    def countered_by(self) -> str | None:
        """The ask that took this one's place because a person offered less; `wait` follows it."""
        return self.answer.countered_by

    @property
    def detail(self) -> str | None:
        """Why an act failed, where the desk says so (`reason` on the wire)."""
        return self.answer.detail

    @property
    def reason(self) -> str | None:
        """The same as `detail`, by the wire's own name."""
        return self.answer.detail

    @property
    def words(self) -> str | None:
        """`held` while an officer looks at a message that says more than its ask, `released` or `stripped` afterwards;
        else None.
        """
        return self.answer.words

    @property
    def notice(self) -> str | None:
        """What the desk says of a message that it left out."""
        return self.answer.notice

    @property
    def attachments(self) -> tuple[Mapping[str, Json], ...]:
        """What became of the files that were sent along: `name`, `kind`, `state`, and what was `removed`, by kind."""
        return self.answer.attachments

    def verified_receipt(self, vkey: str) -> VerifiedReceipt:
        """Verify with the log's public key alone that this ask stands in the desk's transcript.

        Raises:
            ReceiptInvalid: when it does not, or the receipt is about something else.
        """
        return verify(self.receipt, vkey, ask=self.ask)
