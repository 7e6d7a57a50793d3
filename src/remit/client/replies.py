"""The desk's answer as both clients present it; each client does its own waiting."""

from collections.abc import Mapping

from remit.client.receipts import VerifiedReceipt, verify
from remit.client.responses import Answer
from remit.client.values import Json


class AnswerView:
    """Read access to an answer. `answer` holds the same as a plain frozen value."""

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
        """Whether the final answer is still to come: a person is asked, the act is queued, or the outcome unknown."""
        return self.answer.pending

    @property
    def outcome(self) -> str | None:
        """`done`, `failed` or `unknown`; None before anything was done."""
        return self.answer.outcome

    @property
    def result(self) -> Mapping[str, Json]:
        """The disclosed attributes, as far as the mandate covers them: `{"order.status": …}`."""
        return self.answer.result

    @property
    def withheld(self) -> int:
        """The number of attributes removed from the result."""
        return self.answer.withheld

    @property
    def who(self) -> tuple[str, ...]:
        """The required confirmers: `customer`, `officer:<role>`."""
        return self.answer.who

    @property
    def expires_at(self) -> str | None:
        """The expiry of the invitation to confirm."""
        return self.answer.expires_at

    @property
    def poll(self) -> str | None:
        """The address for polling the ask; `wait` uses it."""
        return self.answer.poll

    @property
    def receipt(self) -> Json:
        """The proof that this answer stands in the desk's transcript."""
        return self.answer.receipt

    @property
    def countered_by(self) -> str | None:
        """The id of the counter-offer that replaced this ask; `wait` follows it."""
        return self.answer.countered_by

    @property
    def detail(self) -> str | None:
        """The reason of a failed act, where the desk gives it (`reason` on the wire)."""
        return self.answer.detail

    @property
    def reason(self) -> str | None:
        """The same as `detail`, by its name on the wire."""
        return self.answer.detail

    @property
    def words(self) -> str | None:
        """`held` while an officer reviews words that go beyond the ask, then `released` or `stripped`; else None."""
        return self.answer.words

    @property
    def notice(self) -> str | None:
        """The desk's note on a message that it left out."""
        return self.answer.notice

    @property
    def attachments(self) -> tuple[Mapping[str, Json], ...]:
        """The state of each file sent along: `name`, `kind`, `state`, and the `removed` parts, by kind."""
        return self.answer.attachments

    def verified_receipt(self, vkey: str) -> VerifiedReceipt:
        """Verify with the log's public key alone that this ask stands in the desk's transcript.

        Raises:
            ReceiptInvalid: when it does not, or the receipt is about something else.
        """
        return verify(self.receipt, vkey, ask=self.ask)
