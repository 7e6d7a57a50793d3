"""Mails as files: the text of one, redacted, as a mail again; attachments are dropped and named in place."""

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
"""Headers about author, recipients and subject; the others hold the route, its machines and their credentials."""
_MAX_HEADER: Final = 2_000
_MAX_FIELD: Final = 16_384
"""Longest line with its continuations: mail allows 998, and exports exceed it."""
_FOLDED: Final = re.compile(r"\r?\n[ \t]{0,8}")
_MAX_PARTS: Final = 50
"""⚔ Parts of one mail, nested ones included: a mail may consist of parts alone."""
_DEEPEST: Final = 5
_BOUNDARIES: Final = re.compile(r"boundary\s*=|message/rfc822", re.IGNORECASE)
_ENOUGH: Final = 2
_TEXT: Final = "text"
_PLAIN_HEADERS: Final = (
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit",
)


def looks_like_mail(text: str) -> bool:
    """Return whether a text begins like a mail: headers, at least two of them common in mails, then an empty line."""
    head, end, _ = text[:_HEAD].replace("\r\n", "\n").partition("\n\n")
    if not _FIRST.match(head) or not (end or len(text) < _HEAD):
        return False
    return sum(1 for line in head.split("\n") if _HEADER.match(line)) >= _ENOUGH


def scrub_mail(text: str, scrub: FileScrubber) -> str:
    """Return a mail without its secrets: its kept headers, and every text in it in order.

    ⚔ It is written anew: a boundary, encoding or header that two readers understand differently reaches no reader.

    Raises:
        FileHeld: `too_much` for too many or too deep parts, `unreadable`.
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
    for name in dict.fromkeys(mail.keys()):
        if is_secret_header(name):
            scrub.drop("header", name)
    texts = [_part_text(part, number, scrub) for number, part in enumerate(parts, 1)]
    return "\n".join([*heads, *_PLAIN_HEADERS, "", *texts])


def _longest_field(text: str) -> int:
    """Return the length of the longest line with its continuations. ⚔ Parsers go through a long header repeatedly."""
    longest = run = 0
    for line in text.splitlines():
        run = run + len(line) if line[:1] in {" ", "\t"} else len(line)
        longest = max(longest, run)
    return longest


def _parts(mail: Message, depth: int) -> Iterator[Message]:
    """Yield each part without parts of its own, in order."""
    if depth > _DEEPEST:
        raise FileHeld(HoldReason.TOO_MUCH)
    payload = mail.get_payload()
    if not mail.is_multipart() or not isinstance(payload, list):
        yield mail
        return
    for part in payload:
        if isinstance(part, Message):
            yield from _parts(part, depth + 1)


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


def _part_text(part: Message, number: int, scrub: FileScrubber) -> str:
    """Return the text of a part, or a note in place of a file or any other content."""
    raw = part.get_payload(decode=True)
    if part.get_content_maintype() != _TEXT or part.get_filename():
        scrub.note_decoded(raw.decode("latin-1") if isinstance(raw, bytes) else "")
        return f"{scrub.drop_unreadable('attached_file')}\n"
    if not isinstance(raw, bytes):
        raise FileHeld(HoldReason.UNREADABLE)
    encoding, charset = str(part.get("Content-Transfer-Encoding", "")), part.get_content_charset() or "utf-8"
    try:
        # The mail was parsed from text: its unencoded parts are Unicode already.
        text = (
            str(part.get_payload()) if encoding.lower() in {"", "7bit", "8bit"} else raw.decode(_known(charset.lower()))
        )
    except (UnicodeDecodeError, LookupError):
        raise FileHeld(HoldReason.UNREADABLE) from None
    return scrub.plain(scrub.note_decoded(text.replace("\r\n", "\n")), f"part {number}")


def _known(name: str) -> str:
    """Verify an encoding's name. ⚔ Codecs that are no text encoding (`zip`, `uu`, `rot13`), and `utf-7`, are none."""
    known = re.fullmatch(
        r"us-ascii|utf-?8|utf-?16(?:le|be)?|iso-8859-\d{1,2}|windows-12\d{2}|latin-?1|koi8-r|shift_jis|euc-jp|gb2312|gb18030|big5",
        name,
    )
    if known is None:
        raise FileHeld(HoldReason.UNREADABLE)
    return name
