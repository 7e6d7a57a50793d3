"""Incidents: opened with their cause, one for a storm, closed by security alone and with a reason, and told to no agent.

Source: docs/model/model.md#incidents.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from attacks.arena import SHOP, Arena, code_of, gathered
from remit.domain.incidents.records import WINDOW_MS, IncidentCause, IncidentKind, IncidentRecord
from remit.domain.records import AgentRecord, Tier
from remit.domain.structs import replace
from remit.domain.transcript.entry import Kind
from remit.domain.values import Instant
from remit.engine.incidents import MAX_LIVE, commit_with_incident
from remit.engine.transcript.record import draft_entry
from remit.ports.store import Commit, Conflict, Put
from remit.sandbox import SandboxTask
from remit.sandbox.people import SandboxPerson

READ = {"order_id": "W1"}


def incidents(sam: SandboxPerson, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sam.get(f"/security/v1/incidents{query}")["incidents"]
    return found


def leak(arena: Arena, task: SandboxTask | None = None) -> SandboxTask:
    """A task whose agent writes its own access token into a message."""
    leaking = task or arena.task()
    arena.ask(leaking, "order.read", READ, words=f"My token is {leaking.token}")
    return leaking


def cause(arena: Arena, agent: str = SHOP, *, operator: str = "helper.example", kind: IncidentKind = IncidentKind.LEAK) -> Any:
    """Something that opens an incident or joins one, with its entry."""
    draft = draft_entry(arena.context, Kind.LEAK_FOUND, envelope={"what": "token", "where": "ask"}, desk={})
    return commit_with_incident(arena.context, IncidentCause(kind=kind, agent=agent, operator=operator), draft)


@pytest.fixture
def sam(arena: Arena) -> SandboxPerson:
    return arena.desk.officer("sam", roles=["security"])


@pytest.mark.proves("INCIDENT-CAUSE")
def test_a_leak_opens_an_incident_that_says_of_whom_and_what_ended(arena: Arena, sam: SandboxPerson) -> None:
    task = leak(arena)
    (found,) = incidents(sam)
    assert (found["kind"], found["detail"], found["severity"], found["state"]) == ("leak", "token", "high", "open")
    assert (found["agents"], found["operator"], found["tasks"]) == ([SHOP], "helper.example", [task.id])
    assert (found["customers"][0]["id"], found["cases"], found["ended"]) == ("anna", [task.case], [f"task {task.id}"])
    told = sam.get(f"/security/v1/incidents/{found['incident']}")["timeline"]
    assert [one["kind"] for one in told] == ["leak.found", "incident.opened"]
    assert told[0]["content"]["incident"] == found["incident"]


@pytest.mark.proves("INCIDENT-CAUSE")
def test_a_task_held_for_its_risk_is_an_incident(arena: Arena, sam: SandboxPerson) -> None:
    task = arena.task()
    for number in range(12):
        arena.ask(task, "order.read", {"order_id": f"W90{number}"})
    found = [one for one in incidents(sam) if one["kind"] == "risk"]
    assert [(one["detail"], one["tasks"]) for one in found] == [("held", [task.id])]


@pytest.mark.proves("INCIDENT-CAUSE")
def test_a_cause_that_is_not_recorded_opens_nothing_and_the_other_way_round(arena: Arena, sam: SandboxPerson) -> None:
    draft = draft_entry(arena.context, Kind.LEAK_FOUND, envelope={"what": "token", "where": "ask"}, desk={})
    stale = Put(IncidentRecord(**_members("inc_x")), 7)
    with pytest.raises(Conflict):
        arena.run(commit_with_incident(arena.context, IncidentCause(kind=IncidentKind.LEAK, agent=SHOP), draft, Commit(puts=(stale,))))
    assert incidents(sam) == []
    assert arena.entries("incident.opened") == []
    assert arena.entries("leak.found") == []


def _members(incident: str) -> Mapping[str, Any]:
    from_cause = IncidentCause(kind=IncidentKind.CONTEST)
    return {
        "id": incident,
        "kind": from_cause.kind,
        "detail": "",
        "severity": from_cause.severity,
        "state": "open",
        "key": from_cause.key,
        "opened_at": 1,
        "last_at": 1,
    }


@pytest.mark.proves("INCIDENT-STORM")
def test_a_storm_of_one_agent_is_one_incident_that_counts(arena: Arena, sam: SandboxPerson) -> None:
    arena.agent()
    gathered(arena, [lambda: cause(arena) for _ in range(40)])
    (found,) = incidents(sam)
    assert 2 <= found["count"] <= 40
    told = sam.get(f"/security/v1/incidents/{found['incident']}")["timeline"]
    assert [one["kind"] for one in told].count("leak.found") == 40, "each cause stands in the time line"
    assert len(arena.entries("incident.opened")) == 1


@pytest.mark.proves("INCIDENT-STORM")
def test_many_agents_of_one_operator_open_no_more_than_a_bounded_number(arena: Arena, sam: SandboxPerson) -> None:
    for number in range(MAX_LIVE + 15):
        arena.run(cause(arena, f"spiffe://helper.example/{number}"))
    assert len(incidents(sam)) == MAX_LIVE
    arena.run(cause(arena, "spiffe://other.example/1", operator="other.example"))
    assert len(incidents(sam)) == MAX_LIVE + 1, "another operator's is its own"


@pytest.mark.proves("INCIDENT-STORM")
def test_another_kind_a_later_day_or_a_closed_incident_opens_another_one(arena: Arena, sam: SandboxPerson) -> None:
    arena.agent()
    arena.run(cause(arena))
    arena.run(cause(arena, kind=IncidentKind.CANARY))
    assert len(incidents(sam)) == 2
    arena.clock.ahead_ms += WINDOW_MS + 60_000
    sam = arena.desk.officer("sue", roles=["security"])
    arena.run(cause(arena))
    assert len(incidents(sam, "?kind=leak")) == 2
    for one in incidents(sam, "?kind=leak"):
        sam.post(f"/security/v1/incidents/{one['incident']}/close", {"reason": "known"})
    arena.run(cause(arena))
    arena.run(cause(arena))
    assert [one["count"] for one in incidents(sam, "?kind=leak")] == [2]
    assert len(incidents(sam, "?kind=leak&state=all")) == 3


@pytest.mark.proves("INCIDENT-CLOSE")
@pytest.mark.parametrize("roles", [["billing"], ["audit"], ["care"]])
def test_others_see_and_close_nothing(arena: Arena, sam: SandboxPerson, roles: list[str]) -> None:
    leak(arena)
    incident = incidents(sam)[0]["incident"]
    other = arena.desk.officer("olga", roles=roles)
    for who in (other, arena.anna):
        for method, path, body in (
            ("GET", "/security/v1/incidents", None),
            ("GET", f"/security/v1/incidents/{incident}", None),
            ("POST", f"/security/v1/incidents/{incident}/close", {"reason": "nothing to see"}),
            ("POST", f"/security/v1/incidents/{incident}/assign", {"owner": "me"}),
            ("POST", f"/security/v1/incidents/{incident}/notes", {"text": "nothing to see"}),
            ("GET", f"/security/incidents/{incident}", None),
            ("GET", "/security/agents", None),
        ):
            answered = arena.person(method, path, body, cookie=who.cookie)
            assert answered.status_code == 403, (path, answered.status_code)
    assert incidents(sam)[0]["state"] == "open"


@pytest.mark.proves("INCIDENT-CLOSE")
@pytest.mark.parametrize("body", [{"reason": ""}, {"reason": "  \n"}, {"reason": "x" * 2001}, {}, {"reason": "x", "resolution": "gone"}])
def test_closing_needs_a_reason(arena: Arena, sam: SandboxPerson, body: dict[str, str]) -> None:
    leak(arena)
    incident = incidents(sam)[0]["incident"]
    refused = arena.person("POST", f"/security/v1/incidents/{incident}/close", body, cookie=sam.cookie)
    assert code_of(refused) == "request.malformed"
    assert incidents(sam)[0]["state"] == "open"


@pytest.mark.proves("INCIDENT-CLOSE")
def test_a_closed_incident_stays_as_it_was_closed(arena: Arena, sam: SandboxPerson) -> None:
    leak(arena)
    incident = incidents(sam)[0]["incident"]
    done = sam.post(f"/security/v1/incidents/{incident}/close", {"reason": "a test of theirs", "resolution": "false_alarm"})
    assert (done["state"], done["resolution"]) == ("closed", "false_alarm")
    for path, body in (("close", {"reason": "again"}), ("assign", {"owner": "me"})):
        assert code_of(arena.person("POST", f"/security/v1/incidents/{incident}/{path}", body, cookie=sam.cookie)) == "request.conflict"
    entry = arena.recorded("incident.closed", incident=incident)
    assert (entry["desk"]["by"], entry["desk"]["reason"]) == ("sam", "a test of theirs")
    sam.post(f"/security/v1/incidents/{incident}/notes", {"text": "seen again"})
    assert incidents(sam) == []


@pytest.mark.proves("INCIDENT-OWNER")
def test_an_owner_is_of_security_and_taking_it_is_starting_it(arena: Arena, sam: SandboxPerson) -> None:
    leak(arena)
    kim = arena.desk.officer("kim", roles=["admin"])
    arena.desk.officer("olga", roles=["billing"])
    path = f"/security/v1/incidents/{incidents(sam)[0]['incident']}/assign"
    assert sam.post(path, {"owner": "me"})["state"] == "acknowledged"
    assert sam.post(path, {"owner": "kim"})["state"] == "open"
    assert kim.post(path, {"owner": "me"})["owner_name"] == "kim"
    assert incidents(kim, "?owner=me")[0]["owner"] == "kim"
    assert incidents(sam, "?owner=me") == []
    for other in ("olga", "anna", "nobody"):
        assert code_of(arena.person("POST", path, {"owner": other}, cookie=sam.cookie)) == "request.malformed"
    assert sam.post(path, {"owner": ""})["owner"] == ""


@pytest.mark.proves("INCIDENT-SILENT")
def test_neither_agent_nor_customer_learns_of_an_incident(arena: Arena, sam: SandboxPerson) -> None:
    task = leak(arena)
    incident = incidents(sam)[0]["incident"]
    sam.post(f"/security/v1/incidents/{incident}/notes", {"text": "looks like Helper sells tokens"})
    history = str(arena.anna.get("/me/v1/history"))
    assert incident not in history
    assert "incident" not in history
    entry = arena.recorded("leak.found")
    assert "incident" not in entry["envelope"]
    assert incident not in str(entry["customer"])
    refs = arena.run(arena.context.store.entries(ref=task.id))
    assert {one.row.kind for one in refs} & {"incident.opened", "incident.noted"} == set()


@pytest.mark.proves("INCIDENT-SILENT")
def test_a_secret_in_a_note_is_kept_nowhere(arena: Arena, sam: SandboxPerson) -> None:
    leak(arena)
    incident = incidents(sam)[0]["incident"]
    key = "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
    sam.post(f"/security/v1/incidents/{incident}/notes", {"text": f"it wrote {key}"})
    sam.post(f"/security/v1/incidents/{incident}/close", {"reason": f"it was {key}"})
    assert key not in str(arena.entries())
    assert key not in str(sam.get(f"/security/v1/incidents/{incident}"))


@pytest.mark.proves("INCIDENT-CAUSE")
def test_a_stop_from_an_incident_stands_in_it_and_an_unknown_one_stops_nothing(arena: Arena, sam: SandboxPerson) -> None:
    leak(arena)
    incident = incidents(sam)[0]["incident"]
    body = {"agent": SHOP, "reason": "sells tokens"}
    refused = arena.person("POST", "/security/v1/suspend", {**body, "incident": "inc_none"}, cookie=sam.cookie)
    assert code_of(refused) == "request.not_found"
    assert sam.get("/security/v1/suspensions")["suspensions"] == []
    sam.post("/security/v1/suspend", {**body, "incident": incident})
    told = sam.get(f"/security/v1/incidents/{incident}")
    assert f"agent {SHOP}" in told["ended"]
    assert told["timeline"][-1]["content"]["reason"] == "sells tokens"
    resumed = arena.person("POST", "/security/v1/resume", {"agent": SHOP, "reason": "x", "incident": incident}, cookie=sam.cookie)
    assert code_of(resumed) == "request.malformed"


@pytest.mark.proves("INCIDENT-CAUSE")
def test_an_ordinary_ask_reads_and_writes_nothing_of_incidents(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    task = arena.task()
    looked: list[str] = []
    find = arena.context.store.find

    async def watched(kind: Any, index: str, key: str, **more: Any) -> Any:
        looked.append(index)
        return await find(kind, index, key, **more)

    monkeypatch.setattr(arena.context.store, "find", watched)
    assert arena.ask(task, "order.read", READ).is_success
    assert [one for one in looked if one.startswith(("incident", "delivery"))] == []


@pytest.mark.proves("REVIEWED-ROWS")
@pytest.mark.parametrize("known", ["document", "dynamic", "stranger"])
def test_agents_that_let_themselves_in_are_one_crowd_whatever_operator_they_claim(arena: Arena, sam: SandboxPerson, known: str) -> None:
    kept = AgentRecord(
        id="",
        actor="x",
        operator="",
        name="Helper",
        tier=Tier.UNPROVED,
        method="web_bot_auth" if known == "stranger" else "private_key_jwt",
        keys="{}",
        redirect_uris=(),
        created_at=Instant(1),
        known_by="" if known == "stranger" else known,
    )
    for number in range(MAX_LIVE + 15):
        one = replace(kept, id=f"https://h{number}.example/a", operator=f"h{number}.example")
        arena.run(arena.context.store.commit(Commit(puts=(Put(one, 0),))))
        arena.run(cause(arena, one.id, operator=one.operator))
    assert len(incidents(sam)) == MAX_LIVE
    arena.agent()
    arena.run(cause(arena))
    assert len(incidents(sam)) == MAX_LIVE + 1, "an agent that the desk knows has its own"


@pytest.mark.proves("REVIEWED-ROWS")
def test_a_text_that_no_erasure_reaches_names_no_customer(arena: Arena, sam: SandboxPerson) -> None:
    leak(arena)
    (found,) = incidents(sam)
    path = f"/security/v1/incidents/{found['incident']}"
    assert sam.post(f"{path}/notes", {"text": "anna called"}), "under her own key while she is the only one"

    async def another() -> None:
        kept = await arena.context.store.get(IncidentRecord, found["incident"])
        changed = replace(kept.record, customers=("anna", "nobody"))
        await arena.context.store.commit(Commit(puts=(Put(changed, kept.rev, kept.record),)))

    arena.run(another())
    for text in ("anna called", "seen (ANNA)", "write to anna@mail.example"):
        for call, body in (("notes", {"text": text}), ("close", {"reason": text})):
            assert code_of(arena.person("POST", f"{path}/{call}", body, cookie=sam.cookie)) == "request.malformed", text
    assert sam.post(f"{path}/notes", {"text": "a customer of annals called"})
