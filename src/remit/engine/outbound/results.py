"""Texts in a backoffice's result: checked like an officer's, before they are recorded or reach an agent."""

import asyncio
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from remit.domain.catalogue.actions import builtin_attributes
from remit.domain.catalogue.model import Attribute
from remit.domain.catalogue.patterns import is_tight_value
from remit.domain.errors import Fault, Refused
from remit.domain.secrets.find import find_secrets
from remit.domain.secrets.kinds import PERSONAL
from remit.domain.secrets.outbound import Undisclosable, WithheldSpan, find_withheld, mask_spans
from remit.domain.structs import replace
from remit.domain.values import Json, JsonObject, is_list
from remit.engine.ask.authorization_state import load_authorization_state
from remit.engine.context import DeskContext
from remit.engine.leaks.scan import LeakSource
from remit.engine.outbound.check import find_undisclosable

WITHHELD: Final = "[withheld]"
_PLAIN: Final = re.compile(r"[0-9.,:+TZ-]{1,40}|[0-9]{1,15}(?:\.[0-9]{1,3})? [A-Z]{3}")
"""Numbers, times and amounts."""


async def withhold_in_result(
    desk: DeskContext, task: str, values: JsonObject, covered: Collection[str]
) -> JsonObject | None:
    """Return a result with the parts of its covered texts that this task's agent may not be told masked; None: none.

    ⚔ A backoffice's text fields are written by people and systems that know more than one customer: a status with a
    PIN, a link and somebody's name in it is no status. A value of an attribute that lists its values is one of them or
    withheld. If the facts cannot be read, no text is told.

    Source: docs/model/model.md#result-texts.
    """
    known, ours = desk.catalogue.attributes, builtin_attributes()
    told = {name: value for name, value in values.items() if name in covered and name in known and name not in ours}
    listed = [name for name in told if known[name].values]
    texts = dict.fromkeys(
        [text for name in told if not known[name].values for text in _texts(told[name]) if _is_prose(text)]
    )
    if not texts and not listed:
        return None
    masked = await _masked(desk, task, tuple(texts)) if texts else {}
    changed = {name: _replaced(value, _reader(known[name], masked)) for name, value in told.items()}
    return {**values, **changed} if changed != told else None


def _texts(value: Json) -> Iterator[str]:
    """Yield the texts in a value, names of its members included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, member in value.items():
            yield name
            yield from _texts(member)
    elif is_list(value):
        for item in value:
            yield from _texts(item)


def _is_prose(text: str) -> bool:
    """Return whether a text could say more than a value: it is no short name, number, time or amount."""
    return not is_tight_value(text) and _PLAIN.fullmatch(text) is None and bool(text.strip())


def _reader(attribute: Attribute, masked: Mapping[str, tuple[WithheldSpan, ...]]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if attribute.values:
            return text if text in attribute.values else WITHHELD
        held = [span for span in masked.get(text, ()) if not (attribute.link and span.why == "link")]
        return mask_spans(text, held) if held else text

    return read


def _replaced(value: Json, read: Callable[[str], str]) -> Json:
    if isinstance(value, str):
        return read(value)
    if isinstance(value, Mapping):
        return {read(name): _replaced(member, read) for name, member in value.items()}
    return [_replaced(item, read) for item in value] if is_list(value) else value


async def _masked(desk: DeskContext, task: str, texts: tuple[str, ...]) -> Mapping[str, tuple[WithheldSpan, ...]]:
    """Return what is withheld of each text; everything where that cannot be found out."""
    try:
        state = await load_authorization_state(desk, task)
        client = state.task.record.client_id
        desk.leak_scanner.present(texts, LeakSource(where="result", agent=client, task=task))
        async with asyncio.timeout(desk.terms.facts_timeout_s):
            untold = await find_undisclosable(desk, state, "\n".join(texts))
            host = urlsplit(desk.terms.issuer).hostname or ""
            return await desk.scan_executor.read(
                client, sum(map(len, texts)), lambda: {text: _held(text, untold, host) for text in texts}
            )
    except (Fault, Refused, TimeoutError):
        return {text: (WithheldSpan(start=0, end=len(text), why="other"),) for text in texts}


def _held(text: str, untold: Undisclosable, host: str) -> tuple[WithheldSpan, ...]:
    """Return the parts of a text to withhold. A text that is one value as a whole is the covered attribute itself."""
    facts = untold.facts and replace(untold.facts, quiet=untold.facts.quiet.union(untold.everyday))
    found = find_withheld(
        text, untold.values, others=untold.others, contacts=untold.contacts, facts=facts, rules=untold.rules
    )
    return tuple(span for span in found if not _is_own(span, text, host))


def _is_own(span: WithheldSpan, text: str, host: str) -> bool:
    if span.why == "link":
        part = text[span.start : span.end]
        return urlsplit(part if "//" in part else f"//{part}").hostname == host
    if text[: span.start].strip() or text[span.end :].strip():
        return False
    personal = span.why == "secret" and all(one.group is PERSONAL for one in find_secrets(text))
    return span.why in {"attribute", "contact"} or personal
