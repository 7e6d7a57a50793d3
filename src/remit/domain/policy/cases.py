"""Policy cases: expected answers of the desk's policies, written as data without programming.

`usecases/policy/run_cases` runs them.
"""

import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final

from remit.domain.catalogue.model import CUSTOMER, Catalogue
from remit.domain.errors import Code, Refused
from remit.domain.structs import struct
from remit.domain.text.nearest import did_you_mean
from remit.domain.values import Instant, Json, JsonObject, decode_json, is_list, verify_instant

_NOON: Final = "2026-01-07T12:00:00Z"
_TIERS: Final = ("known", "trusted", "unproved", "visitor")
_KINDS: Final = ("fresh", "none", "preapproved")
_MAX_RISK: Final = 100
NO_RULE: Final = "none"
"""The name in a case where no escalation rule may add confirmers."""


class ExpectedDecision(StrEnum):
    """The three answers policies can give to a case."""

    ALLOW = "allow"
    DENY = "deny"
    NEEDS = "needs"


@struct(frozen=True, kw_only=True)
class PolicyCase:
    """One question to the policies with its expected answer.

    `confirmed_by` are the confirmers so far, `who` (with `needs`) all that must confirm. `policies`, where given, are
    exactly the policies that must have decided. `escalation` is the escalation rule that must add confirmers, or
    `none`; without it the policies are judged alone.
    """

    file: str
    title: str
    action: str
    params: JsonObject
    agent: str
    operator: str
    tier: str
    customer: str
    objective: str
    risk: int
    confirmed_by: frozenset[str]
    confirmation_kind: str
    records: tuple[tuple[str, str], ...]
    time_ms: Instant
    expect: ExpectedDecision
    who: frozenset[str]
    policies: frozenset[str] | None
    escalation: str | None = None


@struct(frozen=True, kw_only=True)
class CaseAnswer:
    """The policies' answer to a case; `note` is the reason where the case could not be asked at all."""

    expect: ExpectedDecision | None
    who: frozenset[str] = frozenset()
    policies: frozenset[str] = frozenset()
    note: str = ""
    escalation: str = NO_RULE


@struct(frozen=True, kw_only=True)
class CaseResult:
    """A case, its answer, and one line on the difference (empty without one)."""

    case: PolicyCase
    answer: CaseAnswer
    difference: str

    @property
    def passed(self) -> bool:
        """Return whether the policies answered as expected."""
        return not self.difference


def read_policy_cases(file: str, text: str, catalogue: Catalogue) -> tuple[PolicyCase, ...]:
    """Read a file of cases: TOML (`[[case]]` tables), or JSON (`{"case": […]}`) for a name ending in `.json`.

    Raises:
        Refused: `policy.invalid` naming file, case and key for anything unknown, missing or of the wrong type.
    """
    document = _document(file, text)
    cases = document.get("case")
    if set(document) != {"case"} or not is_list(cases) or not cases:
        raise _invalid(file, "write one or more [[case]] tables and nothing else")
    return tuple(_read_case(file, n, case, catalogue) for n, case in enumerate(cases, 1))


def compare_case(case: PolicyCase, answer: CaseAnswer) -> CaseResult:
    """Compare the answer with the expected one."""
    return CaseResult(case=case, answer=answer, difference=_difference(case, answer))


def _difference(case: PolicyCase, answer: CaseAnswer) -> str:
    by = f" (by {', '.join(sorted(answer.policies))})" if answer.policies else ""
    if answer.expect is None:
        return answer.note
    if answer.expect is not case.expect:
        needs = f" {', '.join(sorted(answer.who))}" if answer.expect is ExpectedDecision.NEEDS else ""
        return f"expected {case.expect}, but the policies say {answer.expect}{needs}{by}"
    if case.expect is ExpectedDecision.NEEDS and answer.who != case.who:
        wanted, needed = ", ".join(sorted(case.who)), ", ".join(sorted(answer.who))
        return f"expected needs {wanted}, but the policies need {needed}{by}"
    if case.escalation is not None and answer.escalation != case.escalation:
        return f"expected escalation by {case.escalation}, but it is {answer.escalation}"
    if case.policies is not None and answer.policies != case.policies:
        deciding = ", ".join(sorted(case.policies)) or "no policy"
        return f"expected to be decided by {deciding}, not{by or ' by no policy'}"
    return ""


def _document(file: str, text: str) -> Mapping[str, Json]:
    try:
        json = file.endswith(".json")
        document: Json = decode_json(text.encode()) if json else tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, UnicodeEncodeError) as error:
        raise _invalid(file, str(error)) from None
    except Refused as refused:
        raise _invalid(file, refused.detail) from None
    if not isinstance(document, Mapping):
        raise _invalid(file, 'write {"case": […]}')
    return document


def _invalid(place: str, reason: str) -> Refused:
    return Refused(Code.POLICY_INVALID, f"{place}: {reason}")


class _Table:
    """One case table, read key by key; keys never read are unknown."""

    def __init__(self, place: str, table: Mapping[str, Json]) -> None:
        self.place = place
        self.table = table
        self.read: set[str] = set()

    def take(self, key: str, default: Json = None) -> Json:
        self.read.add(key)
        found = self.table.get(key, default)
        if found is None:
            raise _invalid(self.place, f"`{key}` is missing")
        return found

    def text(self, key: str, default: str | None = None, *, known: Sequence[str] = ()) -> str:
        value = self.take(key, default)
        if not isinstance(value, str) or not value or (known and value not in known):
            near = did_you_mean(value, known) if isinstance(value, str) else ""
            raise _invalid(self.place, f"`{key}` must be {'one of ' + ', '.join(known) if known else 'a text'}{near}")
        return value

    def texts(self, key: str) -> frozenset[str]:
        value = self.take(key, ())
        texts = [item for item in value if isinstance(item, str)] if is_list(value) else None
        if texts is None or not is_list(value) or len(texts) != len(value):
            raise _invalid(self.place, f"`{key}` must be a list of texts")
        return frozenset(texts)

    def people(self, key: str, catalogue: Catalogue) -> frozenset[str]:
        people = self.texts(key)
        strangers = people - {CUSTOMER, *(f"officer:{role}" for role in catalogue.roles)}
        if strangers:
            named = ", ".join(sorted(strangers))
            raise _invalid(
                self.place, f"`{key}` names {named}, who is neither customer nor an officer:<role> of the catalogue"
            )
        return people

    def finish(self) -> None:
        unknown = sorted(self.table.keys() - self.read)
        if unknown:
            raise _invalid(
                self.place,
                f"unknown key `{unknown[0]}`; known are {', '.join(sorted(self.read))}{did_you_mean(unknown[0], self.read)}",
            )


def _read_case(file: str, n: int, raw: Json, catalogue: Catalogue) -> PolicyCase:
    if not isinstance(raw, Mapping):
        raise _invalid(file, f"case {n} must be a table")
    title = raw.get("title")
    table = _Table(f"{file}: case {n} ({title})" if isinstance(title, str) else f"{file}: case {n}", raw)
    confirmed_by = table.people("confirmed_by", catalogue)
    expect = ExpectedDecision(table.text("expect", known=tuple(ExpectedDecision)))
    case = PolicyCase(
        file=file,
        title=table.text("title"),
        action=table.text("action", known=tuple(catalogue.actions)),
        params=_params(table),
        agent=table.text("agent", "spiffe://example.test/agent"),
        operator=table.text("operator", "example.test"),
        tier=table.text("tier", "known", known=_TIERS),
        customer=table.text("customer", "some-customer"),
        objective=table.text("objective", next(iter(catalogue.objectives), "none"), known=tuple(catalogue.objectives)),
        risk=_risk(table),
        confirmed_by=confirmed_by,
        confirmation_kind=table.text("confirmation", "fresh" if confirmed_by else "none", known=_KINDS),
        records=_records(table),
        time_ms=_time(table),
        expect=expect,
        who=table.people("who", catalogue),
        policies=table.texts("by") if "by" in raw else None,
        escalation=table.text("escalation", known=[NO_RULE, *(rule.name for rule in catalogue.escalations)])
        if "escalation" in raw
        else None,
    )
    table.read.update(("by", "escalation"))
    table.finish()
    if (expect is ExpectedDecision.NEEDS) != bool(case.who):
        raise _invalid(table.place, '`who` goes with expect = "needs", and only with it')
    return case


def _params(table: _Table) -> JsonObject:
    value = table.take("params", {})
    if not isinstance(value, Mapping) or not _is_json(value):
        raise _invalid(
            table.place, "`params` must be a table of texts, numbers, booleans, lists and tables; write dates as texts"
        )
    return value


def _is_json(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(_is_json(member) for member in value.values())
    if isinstance(value, list | tuple):
        return all(_is_json(item) for item in value)
    if isinstance(value, Decimal):
        return value.is_finite()
    return value is None or isinstance(value, str | bool | int)


def _risk(table: _Table) -> int:
    value = table.take("risk", 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_RISK:
        raise _invalid(table.place, f"`risk` must be an integer from 0 to {_MAX_RISK}")
    return value


def _records(table: _Table) -> tuple[tuple[str, str], ...]:
    records: list[tuple[str, str]] = []
    for record in sorted(table.texts("records")):
        kind, colon, name = record.partition(":")
        if not (kind and colon and name):
            raise _invalid(table.place, "`records` are written kind:id")
        records.append((kind, name))
    return tuple(records)


def _time(table: _Table) -> Instant:
    try:
        return verify_instant(table.take("time", _NOON), where="`time`")
    except Refused as refused:
        raise _invalid(table.place, refused.detail) from None
