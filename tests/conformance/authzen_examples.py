"""The wire examples of the access request, obligations and mission profiles beside what the running server sends: one row each.

An example is a shape: every member of an answer that the profile shows and this server offers has to be there, of the same kind.
"""

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from conformance.authzen_checks import Row
from conformance.authzen_vectors import vectors

ARAP = "authzen/access-request-approval-examples.json"
OBLIGATIONS = "authzen/obligations-examples.json"
MISSION = "mission/authzen-binding-examples.json"
NOT_OFFERED: Mapping[str, str] = {
    "Catalogs Document": "not offered: forms and their catalogs",
    "Catalog Response": "not offered: forms and their catalogs",
    "Callback Completion": "not offered: no address of a caller's is fetched; it polls",
    "Approval Callback": "not offered: no address of a caller's is fetched; it polls",
    "History Context": "not offered: the order of steps is the objective's, and no predicate of a caller",
}
"""Sections of features that the metadata does not list, with the reason."""
OPTIONAL = frozenset({
    *("template", "form_url", "request_schema_url", "request_catalogs_url", "display", "links", "state", "approved_at"),
})  # fmt: skip
"""Members that the profiles call optional, and this server does not send."""
Shown = Mapping[str, Any]


def missing(example: Any, live: Any, where: str = "") -> list[str]:
    """Where a live answer lacks a member of the example, or has one of another kind."""
    if not isinstance(example, dict) or where.endswith(".properties"):  # an obligation's own, by its type
        return [] if isinstance(live, type(example)) else [f"{where} is {live!r}"]
    if not isinstance(live, dict):
        return [f"{where} is no object"]
    found = []
    for name, value in example.items():
        if name in OPTIONAL:
            continue
        found += missing(value, live[name], f"{where}.{name}") if name in live else [f"{where}.{name} is missing"]
    return found


def arap_rows(shown: Shown, send: Callable[[Mapping[str, Any]], httpx.Response]) -> list[Row]:
    """One row for each example of the access request profile."""
    return [Row(ARAP, f"{number}: {one['section']}", _arap(one, shown, send)) for number, one in enumerate(vectors(ARAP)["examples"])]


def _arap(one: Mapping[str, Any], shown: Shown, send: Callable[[Mapping[str, Any]], httpx.Response]) -> str:
    section, head, body = one["section"], one.get("head", ""), one.get("json")
    if section in NOT_OFFERED:
        return NOT_OFFERED[section]
    if head.startswith("POST /access/v1/requests"):
        return _foreign(send(body), "not_requestable" if "items" in body else "invalid_denial_binding")
    if head.startswith(("POST /access/v1/evaluation", "GET ")) or (body and "decision" not in body and "subject" in body):
        return ""  # what a caller sends: the questions of this file are of a kind that all other checks send
    if "approved" in str((body or {}).get("task", {}).get("status")) and "201" in head:
        return "not offered: no request is approved without a person"
    return "; ".join(missing(body, shown[_kind(body)]))


def _kind(body: Mapping[str, Any]) -> str:
    """Which live answer an example stands for."""
    if "policy_decision_point" in body:
        return "metadata"
    if "task" in body:
        return str(body["task"]["status"])
    if "decision" in body:
        return "permit" if body["decision"] else "denial"
    return "problem"


def _foreign(answer: httpx.Response, problem: str) -> str:
    """An example's request carries another server's binding: it is refused by the profile's own problem."""
    told = answer.json().get("type", "").rpartition(":")[2]
    return "" if (answer.status_code, told) == (httpx.codes.BAD_REQUEST, problem) else f"{answer.status_code} {told}, not {problem}"


def obligation_rows(shown: Shown) -> list[Row]:
    """One row for each example of the obligations profile."""
    found = []
    for one in vectors(OBLIGATIONS)["examples"]:
        body = one["json"]
        if "results" in body:
            reason = "not offered: a search gives no obligations; the evaluation of a result does"
        elif body.get("decision") is False:
            reason = "; ".join(missing(body["context"]["obligations"][0], shown["denied_obligation"]))
        elif "decision" in body:
            reason = "; ".join(missing(body["context"]["obligations"][0], shown["obligation"]))
        elif "supported_obligations" in body:
            reason = "; ".join(missing(body, shown["metadata"]))
        elif "subject" in body:
            reason = ""  # a request that declares what its caller can meet: `shown` was asked for by such
        else:
            reason = "; ".join(missing({"id": "", "type": "", "properties": {}}, shown["obligation"]))
        found.append(Row(OBLIGATIONS, one["title"], reason))
    return found


def mission_rows(shown: Shown) -> list[Row]:
    """One row for each example of the mission binding."""
    found = []
    for number, one in enumerate(vectors(MISSION)["examples"]):
        body, section = one["json"], one["section"]
        if section in NOT_OFFERED:
            reason = NOT_OFFERED[section]
        elif "evaluations" in body:
            reason = "; ".join(missing(body["evaluations"][0], shown["release"]) + missing(body["evaluations"][1], shown["denial"]))
        elif body["decision"]:
            reason = "; ".join(missing(body, shown["release"]))
        else:
            reason = "; ".join(missing(body, shown["pending_grant"] if "retry_after" in body["context"] else shown["denial"]))
        found.append(Row(MISSION, f"{number}: {section}", reason))
    return found
