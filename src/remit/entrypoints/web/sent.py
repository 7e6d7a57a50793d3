"""What a page is told of a form that was sent to it without JavaScript: that it was done, or why not, with what was entered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from remit.entrypoints.web.plain_words import DONE
from remit.entrypoints.wire import Scope, one_header, query

REFUSED: Final = 'id="refused"'
"""How a page marks the form that came back: whether one is on it at all."""
_KEY: Final = "remit.sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A form that was sent: which one, about what of a page that has several of it, and what was entered.

    `done` is the sentence of one that was done. `title`, `said` and `cure` say why one was refused, `status` that of the answer.
    """

    name: str = ""
    about: str = ""
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    done: str = ""
    title: str = ""
    said: str = ""
    cure: str = ""
    status: int = 200

    def comes(self, name: str, about: str = "") -> bool:
        """Tell whether this form of a page is the one that came back."""
        return bool(self.title) and (self.name, self.about) == (name, about)

    def of(self, name: str, about: str = "") -> Mapping[str, str]:
        """What was entered in a form that came back; nothing in any other."""
        return {key: values[0] for key, values in self.fields.items() if values} if self.comes(name, about) else {}

    def ticked(self, name: str, key: str) -> tuple[str, ...]:
        """What was ticked of one kind in a form that came back."""
        return self.fields.get(key, ()) if self.comes(name) else ()


NOTHING: Final = Sent()


def with_sent(scope: Scope, path: str, sent: Sent) -> Scope:
    """The request for a page on which a form came back."""
    return {**scope, "method": "GET", "path": path, "query_string": b"", _KEY: sent}


def sent_in(scope: Scope, issuer: str) -> Sent:
    """What a page is told: of a form that came back, or by its address of one that was done.

    ⚔ An address can come from anybody. Where another site's page, a mail or an agent leads somebody to one of ours, it does not say for us
    that something was taken back or agreed to.

    Raises:
        Refused: `request.malformed` for an address that cannot be read.
    """
    back = scope.get(_KEY)
    if isinstance(back, Sent):
        return back
    done = DONE.get(query(scope).get("done", ""), "") if _led_by_us(scope, issuer) else ""
    return Sent(done=done) if done else NOTHING


def _led_by_us(scope: Scope, issuer: str) -> bool:
    """Whether the browser says that one of our own pages led here; one that does not tell sites apart still names the page it comes from."""
    site = one_header(scope, b"sec-fetch-site")
    return site == "same-origin" or (not site and one_header(scope, b"referer").startswith(f"{issuer}/"))
