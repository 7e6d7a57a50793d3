"""Plain-language reasons why words exceed their ask, for an officer or a customer, in their language.

`words/` finds the reasons.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from remit.domain.catalogue.model import Catalogue
from remit.domain.confirm.render_values import action_label, quoted_text
from remit.domain.i18n import marked
from remit.domain.mandate.cover import MAY_NOT_SPEAK
from remit.domain.text.normalize import make_visible
from remit.domain.words.excess import ExcessSpan

_BEFORE: Final = ", with the message before"
_WHYS: Final[Mapping[str, str]] = {
    "a forged speaker": marked("pretends to be from someone else"),
    "a name that asks for something": marked("contains a request inside a name"),
    "a new role for the reader": marked("tells the reader to act as someone else"),
    "a question for the machine": marked("asks for internal system data"),
    "a question for a password": marked("asks for a password"),
    "a question for what a password is": marked("asks for a password"),
    "a task slipped in": marked("gives the reader an extra task"),
    "adds another wish": marked("adds another request"),
    "an order to forget the rules": marked("tells the reader to ignore the rules"),
    "an order to keep people out": marked("tries to bypass people who must approve or be informed"),
    "another amount": marked("names a different amount than the request"),
    "another identifier": marked("names a different record, person or address than the request"),
    "another wish": marked("says not to carry out the request"),
    "another person": marked("is about someone else"),
    "digits in place of letters": marked("uses digits in place of letters"),
    "a link or image that shows something else than it is": marked(
        "contains a link or an image that shows something other than it is"
    ),
    "an address that holds content of its own": marked("contains an address with embedded content"),
    "encoded text": marked("contains encoded text"),
    "hidden or directional characters": marked("contains invisible characters"),
    "letters of another or a mixed alphabet": marked("mixes letters from several alphabets"),
    "letters written as numbers": marked("contains letters written as numbers"),
    "markup that hides or changes what is shown": marked("contains markup that hides or changes what is shown"),
    "marks in the middle of a word": marked("contains symbols inside words"),
    MAY_NOT_SPEAK: marked("is written on the customer's behalf without their permission"),
    "sounds like another purpose": marked("sounds like something other than the request"),
    "words written letter by letter": marked("is spelled out letter by letter"),
}
_TOPICS: Final[Mapping[str, str]] = {
    "access": marked("access or rights"),
    "account-close": marked("closing an account"),
    "account-open": marked("opening an account"),
    "account-switch": marked("another account or plan"),
    "address": marked("an address"),
    "card-activate": marked("activating a card"),
    "card-link": marked("linking a card"),
    "card-order": marked("a new card"),
    "compromised": marked("a misused card or account"),
    "contact": marked("contact details"),
    "details": marked("personal details"),
    "exception": marked("an exception to the rules"),
    "exchange": marked("an exchange"),
    "identity": marked("someone's identity"),
    "limit": marked("a limit"),
    "lock": marked("locking something"),
    "lost-card": marked("a lost card or device"),
    "mfa": marked("a sign-in method"),
    "money-out": marked("sending money"),
    "cancelling it": marked("cancelling something"),
    "order-cancel": marked("cancelling something"),
    "order-change": marked("changing an order"),
    "order-place": marked("ordering something"),
    "password": marked("a password"),
    "payment-method": marked("a payment method"),
    "pin": marked("a PIN"),
    "refund": marked("a refund"),
    "return": marked("a return"),
    "transfer-stop": marked("stopping a payment"),
    "unrecognised": marked("an unknown payment"),
    "upgrade": marked("an upgrade"),
    "voucher": marked("a voucher or discount"),
}
"""The topics of messages, as people call them (`vocabulary/en.toml`)."""
_LANGUAGE: Final = "a sentence in another language"
_MAX_LENGTH: Final = 300


def explain_reason(why: str, catalogue: Catalogue) -> str:
    """Translate one reason; an unknown one is shown as it is."""
    say = catalogue.say
    if why.endswith(_BEFORE):
        return say(
            "combined with the previous message: {why}", why=explain_reason(why.removesuffix(_BEFORE), catalogue)
        )
    kind, _, what = why.partition(": ")
    match kind:
        case "asks for something else":
            topic = _TOPICS.get(what)
            return say(
                "asks for something else: {what}", what=say(topic) if topic else make_visible(what.replace("-", " "))
            )
        case "asks for another action":
            action = catalogue.actions.get(what)
            return say("asks for something else: {what}", what=action_label(action) if action else make_visible(what))
        case "asks to be told":
            attribute = catalogue.attributes.get(what)
            return say("asks to see: {what}", what=make_visible(attribute.title if attribute else what))
        case _ if why.startswith(_LANGUAGE):
            return say("contains a sentence in a language that isn't supported")
        case _:
            return say(_WHYS.get(why, make_visible(why)))


def explain_marks(found: Iterable[ExcessSpan], texts: Mapping[str, str], catalogue: Catalogue) -> tuple[str, ...]:
    """Return each marked span in quotes with its reason; for a whole text the reason alone."""
    lines: dict[str, None] = {}
    for span in found:
        text = texts.get(span.where, "")
        quoted, why = text[span.start : span.end].strip(), explain_reason(span.why, catalogue)
        whole = not quoted or (span.start == 0 and span.end >= len(text))
        lines[
            why if whole else catalogue.say("{words}: {why}", words=quoted_text(_short(quoted), catalogue.say), why=why)
        ] = None
    return tuple(lines)


def _short(text: str) -> str:
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 1]}…"
