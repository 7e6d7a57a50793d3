"""A notice as a mail: plain text, and the same in simple HTML. `smtp` sends it."""

import html
import re
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

from remit.domain.text.normalize import make_visible
from remit.ports.notify import DeliveryFailed, DeliveryObstacle, Letter

_PARAGRAPH: Final = re.compile(r"\n\s*\n")
_MAX_SUBJECT_LENGTH: Final = 200
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,188}[A-Za-z0-9])?", re.ASCII
)
"""⚔ One plain address: no quotes, list or route, nothing that a mail server could read as two."""


def compose(letter: Letter, *, sender: Address) -> EmailMessage:
    """Compose the mail of a notice.

    Raises:
        DeliveryFailed: never to be sent, when the person's address cannot receive mail.

    Source: RFC 5322 §3.6 (Message-ID, Date), RFC 3834 §5 (Auto-Submitted).
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = recipient(letter.address)
    # ⚔ One line, nothing hidden or reversed: names in it are chosen by others.
    mail["Subject"] = make_visible(letter.subject)[:_MAX_SUBJECT_LENGTH]
    mail["Date"] = datetime.fromtimestamp(letter.at / 1000, tz=UTC)
    # The same at every retry, so that the recipient can recognize a duplicate.
    mail["Message-ID"] = f"<{letter.id}@{sender.domain}>"
    # No absence note answers it, nor another automatic mail.
    mail["Auto-Submitted"] = "auto-generated"
    paragraphs = [*_PARAGRAPH.split(letter.text.strip()), letter.page, letter.foot]
    mail.set_content("\n\n".join(_shown(paragraph) for paragraph in paragraphs) + "\n", cte="quoted-printable")
    mail.add_alternative(_html(paragraphs, letter), subtype="html", cte="quoted-printable")
    return mail


def recipient(address: str) -> Address:
    """Parse an address for mail.

    Raises:
        DeliveryFailed: never to be sent, when it is none.
    """
    if _ADDRESS.fullmatch(address) is None or ".." in address or address[0] == "." or ".@" in address:
        raise DeliveryFailed(DeliveryObstacle.NEVER, "the person's address is none that a mail can go to")
    return Address(addr_spec=address)


def _shown(paragraph: str) -> str:
    return "\n".join(make_visible(line) for line in paragraph.splitlines())


def _html(paragraphs: list[str], letter: Letter) -> str:
    """Render the paragraphs; only the page's address is a link."""
    page, title = letter.page, html.escape(make_visible(letter.subject))
    link = f'<a href="{html.escape(page)}">{html.escape(page)}</a>'
    lines = [
        link if paragraph == page else html.escape(_shown(paragraph)).replace("\n", "<br>") for paragraph in paragraphs
    ]
    body = "\n".join(f"<p>{line}</p>" for line in lines)
    head = f'<head><meta charset="utf-8"><title>{title}</title></head>'
    return f'<!doctype html>\n<html lang="{letter.language}">\n{head}\n<body>\n{body}\n</body>\n</html>\n'
