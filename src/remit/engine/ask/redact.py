"""A decoded ask, and redaction of its secrets before anything else sees it."""

from collections.abc import Collection, Sequence
from dataclasses import field
from functools import partial
from typing import Final

from remit.domain.catalogue.model import PowerKind
from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.records import AskRecord, TaskRecord
from remit.domain.secrets.obfuscation import plain_reading
from remit.domain.secrets.own_credentials import flatten_text, is_too_short
from remit.domain.secrets.repeats import KnownSecret, find_repeats
from remit.domain.secrets.split import find_split
from remit.domain.structs import replace, struct
from remit.domain.values import JsonObject, parse_stored_object
from remit.domain.words.verdict import MAX_NAME_LENGTH
from remit.engine.ask.authorization_state import remembered_plan
from remit.engine.ask.plan import AskPlan
from remit.engine.context import DeskContext
from remit.engine.files.read import UploadedFile
from remit.engine.files.receive import CleanedFiles, clean_files, refresh_held_files
from remit.engine.files.store import SealedFile, seal_files
from remit.engine.redact import (
    LEFT_OUT,
    MAX_REPORTED,
    RedactedAsk,
    is_clean,
    longer_than,
    redact_name_and_words,
    redact_with_params,
    redacted_body_digest,
)
from remit.engine.scan_executor import LONG
from remit.proof.canonical import canonical

_EARLIER: Final = 4
_EARLIER_LENGTH: Final = 2000
NO_FILES: Final = CleanedFiles(files=(), unfit=None, secrets=())


@struct(frozen=True, kw_only=True)
class AskRequest:
    """A decoded ask: `body` is the digest of the whole body, `size` its bytes.

    Derived fields follow: the files as read, known defects of the params, and removed secrets as reported to the desk.
    """

    action: str
    params: JsonObject
    words: str | None
    files: tuple[UploadedFile, ...]
    idempotency_key: str
    body: str
    size: int
    read: CleanedFiles = NO_FILES
    filed: tuple[SealedFile, ...] = ()
    wrong: Refused | None = None
    secrets: tuple[JsonObject, ...] = ()
    known: tuple[KnownSecret, ...] = field(default=(), repr=False)
    """⚔ Secrets found in this task, for finding them in every text of the ask: never stored."""

    @property
    def attachments(self) -> tuple[tuple[str, str], ...]:
        """Return the name and digest of each file."""
        return self.read.files

    @property
    def unfit(self) -> Refused | None:
        """Return why the files are not accepted, if so."""
        return self.read.unfit


async def redact_ask(desk: DeskContext, caller: str, task: str, request: AskRequest) -> AskRequest:
    """Redact secrets of an ask before anything else sees it.

    ⚔ Long parts of an ask that its action or params already refuse are not scanned but left out.

    Raises:
        Refused: `request.rate_limited` while too many long asks of this caller are pending; `request.malformed` for an
            idempotency key that is one of the secrets.
        Fault: `fault.internal`.

    Source: docs/model/model.md#redact, #inbound.
    """
    if request.size < LONG and not request.files and await _is_clean(desk, task, request):
        return request
    desk.scan_executor.verify_room(caller, request.size)
    asked = request = await desk.scan_executor.read(caller, request.size, lambda: _drop_refused_parts(desk, request))
    earlier = await _earlier_texts(desk, task) if _may_end_secret(asked) else []
    remembered = desk.recent_secrets.of(task)

    async def cleaned_with(known: Collection[KnownSecret]) -> RedactedAsk:
        return await desk.scan_executor.read(
            caller,
            asked.size,
            lambda: redact_name_and_words(
                desk, action=asked.action, params=asked.params, words=asked.words, earlier=earlier, known=known
            ),
        )

    cleaned = await cleaned_with(remembered)
    known = tuple(dict.fromkeys([*cleaned.values, *remembered]))
    if request.files:
        files = await clean_files(desk, caller, request.size, task, request.files, known)
        request = replace(request, files=(), read=files, secrets=files.secrets)
        if files.values:
            known = tuple(dict.fromkeys([*files.values, *known]))
            cleaned = await cleaned_with(known)
    if known and any(True for _ in find_repeats(plain_reading(asked.idempotency_key), known)):
        # ⚔ The key is stored as it is, and looked up by.
        raise Refused(Code.REQUEST_MALFORMED, "the idempotency key is a secret of its task", public=_KEY_IS_SECRET)
    desk.recent_secrets.add(task, known)
    if not cleaned.secrets and not request.secrets and request.unfit is None and request.wrong is None:
        return _without_unknown(desk, request)
    unread = replace(
        request,
        action=cleaned.action,
        words=cleaned.words,
        secrets=(*request.secrets, *cleaned.secrets),
        known=known,
    )
    body = redacted_body_digest(await redact_all_params(desk, caller, unread, request.params), request.attachments)
    wrong = unread.wrong or (secret_in_param(cleaned.altered) if cleaned.altered else None)
    return _without_unknown(desk, replace(unread, params=cleaned.params, body=body, wrong=wrong))


_KEY_IS_SECRET: Final = marked("The Idempotency-Key is the same as a secret in the message. Use another key.")


async def _is_clean(desk: DeskContext, task: str, request: AskRequest) -> bool:
    """Return whether an ask has no text of the agent's own.

    A text that the customer signed stands in the mandate already: once it was read in this task, it is known. ⚔ Until
    another text of the task says that it is a secret, or begins one that it ends.
    """
    if request.words:
        return False
    if is_clean(desk, request.action, request.params, request.words):
        return True
    plan = remembered_plan(desk, task, request.action)
    if plan is None or not plan.is_clean(request.params) or desk.recent_secrets.of(task):
        return False
    if not _may_end_secret(request):
        return True
    texts = [
        text
        for name in plan.action.open_params.intersection(request.params)
        if isinstance(text := request.params[name], str)
    ]
    earlier = await _earlier_texts(desk, task, but=texts)
    return not any(map(partial(find_split, earlier), texts))


def _without_unknown(desk: DeskContext, request: AskRequest) -> AskRequest:
    """Return an ask of an unknown action without its name and params.

    ⚔ Both are an agent's own text, which no rule reads, and an ask's record outlives an erasure of its entry.

    Source: docs/model/model.md#redact.
    """
    if request.action in desk.catalogue.actions:
        return request
    name = f"(unknown, {len(request.action)} letters)" if request.action else "(unknown)"
    keep = not request.params or request.params == LEFT_OUT
    return replace(request, action=name, params=request.params if keep else _LEFT_OUT_PARAMS)


_LEFT_OUT_PARAMS: Final[JsonObject] = {"left_out": "the params of an unknown action"}


def secret_in_param(name: str) -> Refused:
    """Build the refusal of a secret in a param. ⚔ Without it the act would be another one, whatever the setting."""
    return Refused(
        Code.WORDS_SECRET,
        f"a secret was taken out of the param {name}",
        public=f"The param '{name}' contains a secret; it was not kept, and nothing was done.",
    )


def _may_end_secret(request: AskRequest) -> bool:
    """Return whether a text of an ask may be the rest of a secret: it has a digit, or letters that may fold to one."""
    texts = [text for text in (request.words, *request.params.values()) if isinstance(text, str)]
    return any([not text.isascii() or any(map(str.isdigit, text)) for text in texts])  # noqa: C419  # no generator: this runs for every ask


async def _earlier_texts(desk: DeskContext, task: str, *, but: Sequence[str] = ()) -> list[str]:
    """Return the texts of the last asks of a task. ⚔ A secret cut over asks is whole in none of them.

    An ask that says all of the texts in `but` as they stand begins no secret that one of them ends, and is left out.
    ⚔ Only where none of them is read in another way than it is written: so for ASCII.
    """
    found = await desk.store.find(AskRecord, "ask.task", task, limit=_EARLIER, newest=True)
    said = [canonical(text).decode() for text in but] if all(map(str.isascii, but)) else []
    return [
        f"{ask.words}\n{flatten_text(parse_stored_object(ask.params))}"[:_EARLIER_LENGTH]
        for ask in [kept.record for kept in found]
        if not said
        or len(ask.words) + len(ask.params) > _EARLIER_LENGTH
        or not all([text in ask.params for text in said])  # noqa: C419  # no generator: this runs for every ask
    ]


async def seal_ask_files(desk: DeskContext, task: TaskRecord, request: AskRequest) -> AskRequest:
    """Return an ask with its files sealed for recording.

    Raises:
        Fault: `fault.store`.
    """
    read = await refresh_held_files(desk, task.id, request.read)
    return replace(request, read=read, filed=await seal_files(desk, task, read))


async def redact_all_params(desk: DeskContext, caller: str, request: AskRequest, params: JsonObject) -> RedactedAsk:
    """Return a redacted ask with every secret removed from its params too, for storing a refusal."""
    return await desk.scan_executor.read(
        caller,
        request.size,
        lambda: redact_with_params(
            desk, action=request.action, params=params, words=request.words, known=request.known
        ),
    )


def _drop_refused_parts(desk: DeskContext, request: AskRequest) -> AskRequest:
    if request.size <= MAX_REPORTED:
        return request
    wrong = _wrong(desk, request)
    if wrong is None:
        return request
    return replace(
        request,
        action=request.action if len(request.action) <= MAX_NAME_LENGTH else "",
        params=LEFT_OUT if longer_than(request.params, MAX_REPORTED) else request.params,
        words=_LEFT_OUT_WORDS if len(request.words or "") > MAX_REPORTED else request.words,
        files=(),
        wrong=wrong,
    )


_LEFT_OUT_WORDS: Final = f"(left out unread: more than {MAX_REPORTED} letters)"


def _wrong(desk: DeskContext, request: AskRequest) -> Refused | None:
    """Return why the action or the params will be refused, if so."""
    action = desk.catalogue.actions.get(request.action)
    if action is None:
        return Refused(Code.ACTION_UNKNOWN, "no such action")
    if action.power is PowerKind.ACCEPT:  # the offer's terms join its params before they are checked
        too_long = longer_than(request.params, MAX_REPORTED)
        return (
            Refused(Code.PARAMS_INVALID, f"{action.name}: the params are longer than any offer") if too_long else None
        )
    try:
        desk.params.verify(action.name, request.params)
    except Refused as refused:
        return refused
    return None


def open_text(desk: DeskContext, plan: AskPlan | None, request: AskRequest) -> str:
    """Return all agent-written text of an ask, ordered so that split parts stand together.

    Declared names, and values that are enumerated, numbers or amounts, are left out: they can hide nothing. ⚔ That
    holds only where the params fit their schema; else all are scanned. With a plan, a text that was signed and scanned
    before is left out, too. ⚔ A text between others has a line before and behind: of a split value, a long piece is
    read whole only between lines.
    """
    texts = [part for file in request.files for part in (file.name, file.text)] if request.files else []
    if request.words:
        texts.append(request.words)
    action, params = desk.catalogue.actions.get(request.action), request.params
    if action is None:
        return "\n".join([*texts, request.action, flatten_text(params)])
    if not action.closed.isdisjoint(params) and _fits(desk, request):
        params = {name: value for name, value in params.items() if name not in action.closed}
    if plan is not None:
        params = {name: value for name, value in params.items() if not plan.knows(name, value)}
    if action.named.issuperset(params) and _STR.issuperset(map(type, params.values())):
        texts.extend(params.values())  # type: ignore[arg-type]  # as just asked
    else:
        texts.append(flatten_text(params))
    text = "\n".join(texts)
    return f"{request.action}\n{text}\n{request.action}" if "\n" in text and not is_too_short(text) else text


def _fits(desk: DeskContext, request: AskRequest) -> bool:
    try:
        desk.params.verify(request.action, request.params)
    except Refused:
        return False
    return True


_STR: Final = frozenset({str})
