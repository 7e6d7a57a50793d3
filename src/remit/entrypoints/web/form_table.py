"""Which forms there are for who has no JavaScript: the twin of each, what its body says, and what follows.

⚔ None of them says yes to what an agent asks: a passkey signs that. None takes a field that is not its own.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from remit.domain.catalogue import Catalogue
from remit.entrypoints.audit_api import AuditApi
from remit.entrypoints.canary_api import CanaryApi
from remit.entrypoints.contest_api import ContestApi
from remit.entrypoints.desk_api import DeskApi
from remit.entrypoints.files_api import FilesApi
from remit.entrypoints.people_api import PeopleApi
from remit.entrypoints.replies import Answer
from remit.entrypoints.security_api import SecurityApi
from remit.entrypoints.stop_api import StopApi
from remit.entrypoints.web.customer_pages import CustomerPages
from remit.entrypoints.web.file_pages import FilePages
from remit.entrypoints.web.offer_form import entered_terms
from remit.entrypoints.web.officer_pages import OfficerPages
from remit.entrypoints.wire import Receive, Scope

ID: Final = "id"
_ACCEPTED: Final = 202
_TERM: Final = "term-"
_CASE: Final = "/desk/cases/{id}"
_FILE: Final = "/desk/files/{id}"

Twin = Callable[[Scope, Receive, Mapping[str, str]], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Given:
    """What was entered, by field; what can be ticked has several values."""

    values: Mapping[str, tuple[str, ...]]

    def one(self, key: str) -> str:
        """The value of a field ("" without)."""
        return self.values[key][0] if key in self.values else ""

    def trimmed(self, key: str) -> str:
        """The value without blanks around it."""
        return self.one(key).strip()

    def many(self, key: str) -> list[str]:
        """All values of a field."""
        return list(self.values.get(key, ()))

    def all_ones(self) -> dict[str, str]:
        """Every field with its one value."""
        return {key: values[0] for key, values in self.values.items()}


@dataclass(frozen=True, slots=True)
class Page:
    """The page a form stands on."""

    path: str
    handler: Twin


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form.

    `fields` are its own besides `id`, of which `many` may stand several times, and all that begin with `begin`. The body of the twin is
    what it `says` and the fields as they are, or what `body` makes of them; one that only `asks` has it in the address.
    `after` is the page that follows, with what `done` says of it (its own name, unless it says otherwise; "" for nothing); `told` is the
    template that shows the twin's answer instead, `elsewhere` the one where that leads away from this desk.
    `page` is where it comes back to when it is refused: as the form `known_as`, that of what the field `about` says. `written` are the
    fields with somebody's own words, which must not be lost.
    """

    twin: Twin
    after: str = ""
    fields: tuple[str, ...] = ()
    many: tuple[str, ...] = ()
    begin: str = ""
    says: Mapping[str, object] = field(default_factory=dict)
    body: Callable[[Catalogue, Given], dict[str, object]] | None = None
    asks: bool = False
    done: Callable[[Given, int], str] | None = None
    told: str = ""
    elsewhere: str = ""
    page: Page | None = None
    known_as: str = ""
    about: str = ""
    written: tuple[str, ...] = ()


def all_forms(people: PeopleApi, customer: CustomerPages, officer: OfficerPages) -> dict[str, Form]:
    """Every form of one desk, by name."""
    return {
        **customer_forms(people, ContestApi(people), customer),
        **desk_forms(people, DeskApi(people), officer),
        **security_forms(SecurityApi(people), StopApi(people), officer),
        **canary_forms(CanaryApi(people), officer),
        **audit_forms(AuditApi(people, officer.counted), officer),
    }


def customer_forms(people: PeopleApi, contests: ContestApi, pages: CustomerPages) -> dict[str, Form]:
    """The forms of customers' pages, and signing out, which everybody can."""
    me = Page("/me", pages.me)
    text = ("text",)
    return {
        "contest": Form(twin=contests.contest, after="/me", fields=text, page=me, about=ID, written=text),
        "decline-act": Form(twin=people.confirmation, after="/me", says={"answer": "no"}),
        "decline-and-end": Form(twin=people.confirmation, after="/me", says={"answer": "no_and_end"}),
        "decline-request": Form(twin=people.request, says={"answer": "decline"}, told="declined.html"),
        "disown": Form(twin=contests.disown, after="/me", fields=text, page=me, about=ID, written=text),
        "revoke": Form(twin=people.revoke, after="/me"),
        "sign-out": Form(twin=people.sign_out, after="/login", done=_silent, elsewhere="signed_out.html"),
        "sign-out-everywhere": Form(twin=people.sign_out_everywhere, after="/login", done=_silent, elsewhere="signed_out.html"),
    }


def desk_forms(people: PeopleApi, desk: DeskApi, pages: OfficerPages) -> dict[str, Form]:
    """The forms of officers' pages."""
    files, file = FilesApi(people), Page(_FILE, FilePages(pages.pages).file)
    queue, case, preview = Page("/desk", pages.desk), Page(_CASE, pages.case), Page(f"{_CASE}/preview", pages.preview_again)
    text = ("text",)
    return {
        "answer-no": Form(twin=people.confirmation, after="/desk", says={"answer": "no"}),
        "words-no": Form(twin=people.confirmation, after="/desk", says={"answer": "no"}),
        "words-strip": Form(twin=people.confirmation, after="/desk", says={"answer": "strip"}),
        "answer-no-and-end": Form(twin=people.confirmation, after="/desk", says={"answer": "no_and_end"}),
        "close-case": Form(twin=desk.close, after=_CASE, page=case, known_as="note"),
        "discard-file": Form(twin=files.decide, after=_FILE, fields=("decision",), page=file),
        "release-file": Form(twin=files.decide, after=_FILE, fields=("decision",), page=file),
        "hand": Form(twin=desk.hand, after="/desk", fields=("to", "note"), body=_handed, page=queue, about=ID, written=("note",)),
        "note": Form(twin=desk.note, after=_CASE, fields=text, page=case, written=text),
        "offer": Form(
            twin=desk.offer,
            after=_CASE,
            fields=("action", "ttl", "unit"),
            begin=_TERM,
            body=_offered,
            page=case,
            about="action",
        ),
        "reply": Form(twin=desk.reply, after=_CASE, fields=text, page=preview, written=text),
        "reply-withheld": Form(
            twin=desk.reply, after=_CASE, fields=text, says={"withhold": True}, page=preview, known_as="reply", written=text
        ),
        "take": Form(twin=desk.take, after="/desk", page=queue, about=ID),
    }


def security_forms(security: SecurityApi, stops: StopApi, pages: OfficerPages) -> dict[str, Form]:
    """The forms of security people's page."""
    here = Page("/security", pages.security)
    why = ("reason",)
    return {
        "contact": Form(twin=security.contact, after="/security", fields=("email", "reason"), page=here, written=why),
        "erase": Form(twin=security.erase, after="/security", fields=("customer", "reason"), done=_proposed, page=here, written=why),
        "foresee": Form(
            twin=stops.foresee,
            asks=True,
            fields=("name", "reason", "what"),
            body=_foreseen,
            told="foreseen.html",
            page=here,
            known_as="stop",
            written=why,
        ),
        "person": Form(
            twin=security.officers, fields=("email", "kind", "name"), body=_added, told="told.html", page=here, written=("name",)
        ),
        "recover": Form(twin=security.recover, told="told.html", page=here),
        "register": Form(
            twin=security.agents,
            after="/security",
            fields=("client_id", "keys", "name", "operator", "redirect_uris"),
            body=_registered,
            page=here,
            written=("name", "redirect_uris"),
        ),
        "resume": Form(twin=stops.resume, after="/security", fields=("name", "what"), body=_resumed, done=_proposed, page=here),
        "roles": Form(
            twin=security.roles,
            after="/security",
            fields=("reason", "role"),
            many=("role",),
            body=_roles,
            done=_proposed,
            page=here,
            written=why,
        ),
        "settle": Form(twin=security.settle, after="/security", fields=("answer",), done=_settled, page=here),
        "stop": Form(twin=stops.suspend, fields=("name", "reason", "what"), body=_stopped, told="told.html", page=here, written=why),
        "tier": Form(twin=security.agents, after="/security", fields=("client_id", "tier"), done=_proposed, page=here, about="client_id"),
        "verified": Form(twin=security.verified, after="/security", fields=why, done=_proposed, page=here, written=why),
    }


def canary_forms(canaries: CanaryApi, pages: OfficerPages) -> dict[str, Form]:
    """The forms for canaries, on security people's page."""
    here, said = Page("/security", pages.security), ("name", "place")
    return {
        "canary": Form(twin=canaries.canaries, fields=("kind", *said, "value"), told="told.html", page=here, written=said),
        "canary-remove": Form(twin=canaries.remove, after="/security", page=here),
    }


def audit_forms(audit: AuditApi, pages: OfficerPages) -> dict[str, Form]:
    """The forms of auditors' page."""
    here, text = Page("/audit", pages.audit), ("text",)
    return {
        "settle-contest": Form(twin=audit.settle, after="/audit", fields=text, page=here, about=ID, written=text),
        "verify": Form(twin=audit.verify, told="told.html", page=here),
    }


def _silent(_given: Given, _status: int) -> str:
    return ""


def _proposed(_given: Given, status: int) -> str:
    """A change that waits for a second person; trust that is lowered does not."""
    return "proposed" if status == _ACCEPTED else "tier"


def _settled(given: Given, _status: int) -> str:
    return f"settle-{given.one('answer')}"


def _handed(_catalogue: Catalogue, given: Given) -> dict[str, object]:
    what, _, name = given.one("to").partition(" ")
    return {**({what: name} if what in {"person", "role"} else {}), "note": given.one("note")}


def _offered(catalogue: Catalogue, given: Given) -> dict[str, object]:
    entered = {key.removeprefix(_TERM): value for key, value in given.all_ones().items() if key.startswith(_TERM)}
    action = catalogue.actions.get(given.one("action"))
    ttl = given.one("ttl")
    return {
        "action": given.one("action"),
        "terms": entered_terms(action, given.one("unit"), entered),
        **({"ttl_s": int(ttl)} if ttl.isascii() and ttl.isdecimal() and len(ttl) < 9 else {}),  # noqa: PLR2004  # ⚔ no number of any length
    }


def _named(given: Given) -> dict[str, object]:
    """What is stopped or resumed; the twin knows what there is."""
    return {given.one("what"): given.trimmed("name")}


def _foreseen(_catalogue: Catalogue, given: Given) -> dict[str, object]:
    return _named(given)


def _stopped(_catalogue: Catalogue, given: Given) -> dict[str, object]:
    return {**_named(given), "reason": given.one("reason")}


def _resumed(_catalogue: Catalogue, given: Given) -> dict[str, object]:
    return _named(given)


def _registered(_catalogue: Catalogue, given: Given) -> dict[str, object]:
    return {
        "client_id": given.trimmed("client_id"),
        "name": given.trimmed("name"),
        "operator": given.trimmed("operator"),
        "tier": "known",
        "keys": {"jwks_url": given.trimmed("keys")},
        "redirect_uris": [line.strip() for line in given.one("redirect_uris").split("\n") if line.strip()],
    }


def _added(_catalogue: Catalogue, given: Given) -> dict[str, object]:
    return {ID: given.trimmed(ID), "kind": given.one("kind"), "name": given.one("name"), "email": given.trimmed("email")}


def _roles(_catalogue: Catalogue, given: Given) -> dict[str, object]:
    return {"roles": given.many("role"), "reason": given.one("reason")}
