"""Mails as files: what was said in one, without secrets, as a mail again. What was attached to it goes, and is named in its place."""

import re
from collections.abc import Iterator
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import Parser
from email.policy import compat32
from typing import Final

from remit.domain.files.detect import FileHeld, HoldReason
from remit.domain.files.scrub import FileScrubber, is_secret_header

_HEAD: Final = 16_384
_HEADER: Final = re.compile(
    r"(?:From|To|Subject|Date|Received|Message-ID|MIME-Version|Return-Path|Delivered-To|Reply-To|Cc):[ \t]",
    re.IGNORECASE,
)
_FIRST: Final = re.compile(r"[!-9;-~]{1,70}:[ \t]|From ")
_KEPT: Final = ("Date", "From", "To", "Cc", "Reply-To", "Subject", "Message-ID", "In-Reply-To", "References")
"""Of the headers these say who wrote what to whom; the others say how it came, by whose machines and with whose credentials."""
_MAX_HEADER: Final = 2_000
_MAX_FIELD: Final = 16_384
"""Letters of a line with what continues it: a mail's own bound is 998, and exports go beyond it."""
_FOLDED: Final = re.compile(r"\r?\n[ \t]{0,8}")
_MAX_PARTS: Final = 50
"""⚔ Parts of one mail, those within others included: a mail can be nothing but parts."""
_DEEPEST: Final = 5
_BOUNDARIES: Final = re.compile(r"boundary\s*=|message/rfc822", re.IGNORECASE)
_ENOUGH: Final = 2
_TEXT: Final = "text"


def looks_like_mail(text: str) -> bool:
    """Whether a text begins as a mail does: with headers, at least two of those that mails have, then an empty line."""
    head, end, _ = text[:_HEAD].replace("\r\n", "\n").partition("\n\n")
    if not _FIRST.match(head) or not (end or len(text) < _HEAD):
        return False
    return sum(1 for line in head.split("\n") if _HEADER.match(line)) >= _ENOUGH


def scrub_mail(text: str, scrub: FileScrubber) -> str:
    """A mail without its secrets: its headers that say who wrote to whom, and every text in it, one after the other.

    ⚔ It is written anew: a boundary, an encoding or a header that two readers understand differently does not reach anybody.

    Raises:
        HeldBack: `too_much` for too many parts or too deep ones, `unreadable`.
    """
    if len(_BOUNDARIES.findall(text)) > _MAX_PARTS or _longest_field(text) > _MAX_FIELD:
        raise FileHeld(HoldReason.TOO_MUCH)
    try:
        mail: Message = Parser(policy=compat32).parsestr(text)
        parts = list(_parts(mail, 0))
    except (MessageError, ValueError, LookupError, RecursionError):
        raise FileHeld(HoldReason.UNREADABLE) from None
    if len(parts) > _MAX_PARTS:
        raise FileHeld(HoldReason.TOO_MUCH)
    read = {name: value for name in _KEPT if (value := _header(mail, name))}
    scrub.note_decoded("\n".join((*(_FOLDED.sub("", str(value)) for value in mail.values()), *read.values())))
    heads = [f"{name}: {scrub.labelled(name, value, name)}" for name, value in read.items()]
    gone = [name for name in dict.fromkeys(mail.keys()) if is_secret_header(name)]
    for name in gone:
        scrub.drop("header", name)
    said = [_said(part, number, scrub) for number, part in enumerate(parts, 1)]
    return "\n".join(
        [
            *heads,
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: 8bit",
            "",
            *said,
        ]
    )


def _longest_field(text: str) -> int:
    """The longest run of a line and those that continue it. ⚔ Parsers go through a long header again and again."""
    longest = run = 0
    for line in text.splitlines():
        run = run + len(line) if line[:1] in {" ", "\t"} else len(line)
        longest = max(longest, run)
    return longest


def _parts(mail: Message, depth: int) -> Iterator[Message]:
    """Every part that has no parts of its own, in order."""
    if depth > _DEEPEST:
        raise FileHeld(HoldReason.TOO_MUCH)
    found = mail.get_payload()
    if not mail.is_multipart() or not isinstance(found, list):
        yield mail
        return
    for one in found:
        if isinstance(one, Message):
            yield from _parts(one, depth + 1)


def _header(mail: Message, name: str) -> str:
    raw = mail.get(name)
    if raw is None:
        return ""
    text = str(raw)[:_MAX_HEADER]
    try:
        pieces = decode_header(text)
        for _, encoding in pieces:
            _known(encoding or "utf-8")
        text = str(make_header(pieces))
    except (MessageError, ValueError, LookupError):
        raise FileHeld(HoldReason.UNREADABLE) from None
    return " ".join(text.split())


def _said(part: Message, number: int, scrub: FileScrubber) -> str:
    """The text of a part; of what is no text, or came as a file, that it was there."""
    file = part.get_filename()
    if part.get_content_maintype() != _TEXT or file:
        scrub.note_decoded(raw.decode("latin-1") if isinstance(raw := part.get_payload(decode=True), bytes) else "")
        return f"{scrub.drop_unreadable('attached_file')}\n"
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        raise FileHeld(HoldReason.UNREADABLE)
    try:
        # The mail came as text: what was written in it unencoded is Unicode by now.
        kept = part.get_payload()
        text = (
            str(kept)
            if str(part.get("Content-Transfer-Encoding", "")).lower() in {"", "7bit", "8bit"}
            else raw.decode(_charset(part))
        )
    except (UnicodeDecodeError, LookupError):
        raise FileHeld(HoldReason.UNREADABLE) from None
    return scrub.plain(scrub.note_decoded(text.replace("\r\n", "\n")), f"part {number}")


def _charset(part: Message) -> str:
    """How a part is encoded."""
    return _known((part.get_content_charset() or "utf-8").lower())


def _known(name: str) -> str:
    """An encoding by its name. ⚔ Of those that are no encoding of text (`zip`, `uu`, `rot13`), or say half a letter (`utf-7`), none is tried."""
    known = re.fullmatch(
        r"us-ascii|utf-?8|utf-?16(?:le|be)?|iso-8859-\d{1,2}|windows-12\d{2}|latin-?1|koi8-r|shift_jis|euc-jp|gb2312|gb18030|big5",
        name,
    )
    if known is None:
        raise FileHeld(HoldReason.UNREADABLE)
    return name
