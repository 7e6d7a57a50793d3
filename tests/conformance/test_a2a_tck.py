"""The requirement list of A2A's own compatibility kit, against a served desk: each requirement as a check of what came over HTTP.

`sets/a2a-tck.toml` says which requirements nothing here can be asked about, and why. Every answer is held to A2A's JSON Schema.
"""

import base64
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

import httpx
import jsonschema_rs
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc.jwk import ECKey

from a2a_calls import asks, message
from attacks.arena import SEND_BACK, mandate, refund
from conformance.a2a_desk import A2aDesk, a2a_desk
from conformance.harness import SHARED, reason_of, vector_set
from remit.client.keys import ProofKey
from remit.proof.canonical import b64url, canonical, unb64url
from remit.sandbox import SandboxTask

VECTORS = SHARED / "a2a"
if not VECTORS.is_dir():
    pytest.skip("remit: NOT RUN: no A2A vectors here; set REMIT_SHARED to the folder with vectors/", allow_module_level=True)
LIST: Final = {one["id"]: one for one in json.loads((VECTORS / "tck-requirements-1_0.json").read_text())["requirements"]}
SET: Final = vector_set("a2a-tck")
TERMINAL: Final = {"TASK_STATE_COMPLETED", "TASK_STATE_FAILED", "TASK_STATE_CANCELED", "TASK_STATE_REJECTED"}
pytestmark = pytest.mark.xdist_group("a2a")


def schemas() -> dict[str, Any]:
    """A2A's schemas with references that a validator finds; a member of the wire in snake case is none of ours."""
    text = (VECTORS / "a2a-1_0.schema.json").read_text()
    document = json.loads(text)
    names = {title.replace(" ", ""): title for title in document["definitions"]}

    def found(match: re.Match[str]) -> str:
        return f'"#/definitions/{quote(names[match[1]])}"'

    bound = re.sub(r'"(?:lf\.a2a\.v1|google\.protobuf)\.(\w+)\.jsonschema\.json"', found, text)
    definitions = json.loads(bound)["definitions"]
    for one in definitions.values():
        one.pop("patternProperties", None)  # the names in snake case, which JSON must not use
        one.pop("$schema", None)
    return definitions  # type: ignore[no-any-return]  # JSON


SCHEMAS: Final = schemas()


def fits(kind: str, value: Any) -> bool:
    """Hold a value to one of A2A's schemas."""
    validator = jsonschema_rs.validator_for({"$ref": f"#/definitions/{quote(kind)}", "definitions": SCHEMAS})
    problems = [str(one)[:300] for one in validator.iter_errors(value)]
    assert problems == [], (kind, problems, json.dumps(value)[:400])
    return True


@dataclass
class Session:
    """Everything that was asked once, for all requirements."""

    live: A2aDesk
    task: SandboxTask
    http: httpx.Client
    foreign: SandboxTask
    seen: dict[str, Any] = field(default_factory=dict)

    def headers(self, task: SandboxTask | None = None, **more: str) -> dict[str, str]:
        given = task or self.task
        proof = ProofKey(given.agent.key).proof("POST", f"{self.live.url}/a2a", now_s=time.time(), token=given.token)
        return {"authorization": f"DPoP {given.token}", "dpop": proof, "content-type": "application/json", "a2a-version": "1.0", **more}

    def post(self, content: Any, *, task: SandboxTask | None = None, **headers: str) -> httpx.Response:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        sent = {name: value for name, value in self.headers(task, **headers).items() if value != "-"}
        return self.http.post("/a2a", headers=sent, content=body)

    def call(self, method: str, params: Mapping[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        answer = self.post({"jsonrpc": "2.0", "id": "r1", "method": method, "params": dict(params or {})}, **options)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def send(self, *parts: Mapping[str, Any], options: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """The task of a message."""
        params = message(*parts, **more) | ({"configuration": dict(options)} if options else {})
        result: dict[str, Any] = self.call("SendMessage", params)["result"]["task"]
        return result

    def stream(self, method: str, params: Mapping[str, Any], at_first: Callable[[dict[str, Any]], object] = id) -> list[dict[str, Any]]:
        """The events of a stream; `at_first` is called with the first of them."""
        body = json.dumps({"jsonrpc": "2.0", "id": "s1", "method": method, "params": dict(params)}).encode()
        events: list[dict[str, Any]] = []
        with self.http.stream("POST", "/a2a", headers=self.headers(), content=body) as answer:
            assert answer.headers["content-type"] == "text/event-stream", answer.read()
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    events.append(json.loads(line.removeprefix("data: ")))
                    if len(events) == 1:
                        at_first(events[0]["result"])
        return events

    def error(self, method: str, params: Mapping[str, Any] | None = None, **options: Any) -> int:
        return int(self.call(method, params, **options)["error"]["code"])


def confirm(session: Session, waiting: Mapping[str, Any]) -> None:
    session.live.confirm(waiting["status"]["message"]["parts"][1]["data"]["url"])


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with a2a_desk(tmp_path_factory.mktemp("tck") / "desk") as live, httpx.Client(base_url=live.url, timeout=90) as http:
        other = live.desk.agent("https://helper.example/other", tier="known")
        made = Session(live, live.task(), http, other.open(live.anna.grant(other, mandate()).id))
        asked(made)
        yield made


def asked(session: Session) -> None:
    """Come through a whole engagement once: read, be refused, wait, stream from several sides, confirm, take back."""
    seen = session.seen
    seen["card"] = session.http.get("/.well-known/agent-card.json")
    seen["read"] = session.send(*asks("order.read", {"order_id": "W1"}))
    seen["refused"] = session.send(*asks("order.read", {"order_id": "W9"}))
    session.send(*asks("case.open", {"subject": "Kettle", "text": "The kettle leaks."}))
    seen["unknown fields"] = session.send({"text": "It leaks at the lid.", "unheardOf": 1}, alsoNew={"a": 1})
    waiting = session.send(*asks("order.return", SEND_BACK, "The kettle leaks."))
    seen["waiting"] = waiting
    seen["message while waiting"] = session.send({"text": "Please hurry."}, taskId=waiting["id"])
    started: list[object] = []

    def first(event: dict[str, Any]) -> None:
        started.append(event)
        if len(started) == 3:
            confirm(session, waiting)

    def left_early() -> None:
        body = json.dumps({"jsonrpc": "2.0", "id": "s1", "method": "SubscribeToTask", "params": {"id": waiting["id"]}}).encode()
        with session.http.stream("POST", "/a2a", headers=session.headers(), content=body) as answer:
            first(json.loads(next(one for one in answer.iter_lines() if one).removeprefix("data: "))["result"])

    with ThreadPoolExecutor(3) as pool:
        streams = [pool.submit(session.stream, "SubscribeToTask", {"id": waiting["id"]}, first) for _ in range(2)]
        gone = pool.submit(left_early)
        seen["streams"] = [one.result() for one in streams]
        gone.result()
    seen["done"] = session.call("GetTask", {"id": waiting["id"], "historyLength": 0})["result"]
    seen["whole stream"] = session.stream("SendStreamingMessage", message(*asks("order.read", {"order_id": "W1"})))
    session.send(*asks("payment.refund", refund("45.00 EUR")), options={"returnImmediately": True})
    pending = session.call("ListTasks", {"status": "TASK_STATE_AUTH_REQUIRED"})["result"]["tasks"][0]
    seen["cancelled"] = session.call("CancelTask", {"id": pending["id"]})["result"]
    seen["at once"] = pending
    seen["list"] = session.call("ListTasks", {"pageSize": 3})["result"]
    seen["last page"] = session.call("ListTasks", {"pageSize": 100, "includeArtifacts": False})["result"]


def state(task: Mapping[str, Any]) -> str:
    return str(task["status"]["state"])


def every_task(session: Session) -> list[dict[str, Any]]:
    seen = session.seen
    named = ("read", "refused", "unknown fields", "waiting", "message while waiting", "done", "cancelled", "at once")
    return [*(seen[name] for name in named), *seen["list"]["tasks"], *seen["last page"]["tasks"]]


def every_message(session: Session) -> list[dict[str, Any]]:
    return [one["status"]["message"] for one in every_task(session) if "message" in one["status"]]


def card(session: Session) -> dict[str, Any]:
    found: dict[str, Any] = session.seen["card"].json()
    return found


def protected(session: Session) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(card(session)["signatures"][0]["protected"] + "=="))
    return found


def signature_is_over(session: Session, document: Mapping[str, Any]) -> bool:
    """Verify the card's signature over a document, with the key that it names, independently of the SDK."""
    signature, header = card(session)["signatures"][0], protected(session)
    keys = {one["kid"]: one for one in session.http.get(header["jku"]).json()["keys"]}
    raw = unb64url(signature["signature"])
    r, s = (int.from_bytes(half, "big") for half in (raw[:32], raw[32:]))
    public: Any = ECKey.import_key(keys[header["kid"]]).raw_value
    try:
        signed = f"{signature['protected']}.{b64url(canonical(document))}".encode()
        public.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def unsigned(session: Session) -> dict[str, Any]:
    return {name: value for name, value in card(session).items() if name != "signatures"}


def camel(value: Any) -> bool:
    """No name of the protocol's own is in snake case; results and receipts are the desk's."""
    if isinstance(value, dict):
        return all("_" not in name and camel(item) for name, item in value.items() if name not in {"data", "metadata"})
    return all(camel(item) for item in value) if isinstance(value, list) else True


def info(session: Session, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    body = session.call(method, params)["error"]
    found: dict[str, Any] = next(one for one in body["data"] if one["@type"] == "type.googleapis.com/google.rpc.ErrorInfo")
    return found


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [next(iter(one["result"])) for one in events]


def ends(events: list[dict[str, Any]]) -> bool:
    last = events[-1]["result"]
    return state(last.get("statusUpdate") or last["task"]) in TERMINAL


NO_TASK: Final = "ask_aaaaaaaaaaaaaaaaaaaaaaaaaa"


def pages(session: Session) -> bool:
    """Walk through all pages; every task comes once, the newest first."""
    found, token = [], ""
    while True:
        page = session.call("ListTasks", {"pageSize": 2, "pageToken": token})["result"]
        found += page["tasks"]
        token = page["nextPageToken"]
        if not token:
            break
    return [one["id"] for one in found] == [one["id"] for one in session.seen["last page"]["tasks"]] and len(found) > 4


def plain_params(session: Session) -> list[dict[str, Any]]:
    """Params that are not acceptable, each in its own way."""
    whole = message({"text": "hello"})["message"]
    return [
        {},
        {"message": {}},
        {"message": {**whole, "parts": []}},
        {"message": {**whole, "role": "ROLE_AGENT"}},
        {"message": {**whole, "parts": [{}]}},
        {"message": {**whole, "parts": [{"text": "a", "data": {}}]}},
        {"message": {**whole, "parts": [{"data": {"action": 5, "params": {}}}]}},
        {"message": {**whole, "messageId": ""}},
        {"message": {**whole, "contextId": session.foreign.id}},
    ]


CHECKS: Final[Mapping[str, Callable[[Session], bool]]] = {
    "CORE-SEND-001": lambda s: all(fits("Task", s.seen[one]) for one in ("read", "refused", "waiting")),
    "CORE-SEND-002": lambda s: all(
        s.error("SendMessage", message({"text": "more"}, taskId=s.seen[one]["id"])) == -32004 for one in ("done", "refused", "cancelled")
    ),
    "CORE-SEND-003": lambda s: all(
        s.error("SendMessage", message(part)) == -32005
        for part in (
            {"text": "a", "mediaType": "application/x-unsupported"},
            {"data": {}, "mediaType": "application/x-unsupported"},
            {"raw": "AAAA", "mediaType": "application/x-unsupported"},
            {"url": "https://a.example/file", "mediaType": "image/png"},
        )
    ),
    "CORE-STREAM-001": lambda s: kinds(s.seen["whole stream"]) == ["task"],
    "CORE-STREAM-003": lambda s: ends(s.seen["whole stream"]) and all(kinds(one)[0] == "task" and ends(one) for one in s.seen["streams"]),
    "CORE-GET-001": lambda s: state(s.seen["done"]) == "TASK_STATE_COMPLETED" and len(s.seen["done"]["artifacts"]) == 2,
    "CORE-GET-002": lambda s: {s.error("GetTask", {"id": one}) for one in (NO_TASK, "", "nonsense", str(uuid4()))} == {-32001},
    "CORE-LIST-001": lambda s: s.call("ListTasks", task=s.foreign)["result"]["tasks"] == [],
    "CORE-LIST-002": pages,
    "CORE-LIST-003": lambda s: (
        (times := [one["status"]["timestamp"] for one in s.seen["last page"]["tasks"]]) == sorted(times, reverse=True)
    ),
    "CORE-LIST-004": lambda s: s.seen["last page"]["nextPageToken"] == "" and s.seen["list"]["nextPageToken"] != "",
    "CORE-LIST-005": lambda s: all("artifacts" not in one for one in s.seen["last page"]["tasks"]),
    "CORE-CANCEL-001": lambda s: state(s.seen["cancelled"]) == "TASK_STATE_CANCELED",
    "CORE-CANCEL-002": lambda s: {s.error("CancelTask", {"id": s.seen[one]["id"]}) for one in ("done", "refused", "cancelled")} == {-32002},
    "CORE-CANCEL-003": lambda s: s.error("CancelTask", {"id": NO_TASK}) == -32001,
    "CORE-EXECUTION-MODE-001": lambda s: (
        {state(s.seen[one]) for one in ("read", "refused", "waiting")} <= {*TERMINAL, "TASK_STATE_AUTH_REQUIRED"}
    ),
    "CORE-EXECUTION-MODE-002": lambda s: state(s.seen["at once"]) == "TASK_STATE_AUTH_REQUIRED",
    "CORE-ERR-001": lambda s: bool(info(s, "SendMessage", {})["metadata"]["cure"]),
    "CORE-ERR-002": lambda s: {s.error("SendMessage", one) for one in plain_params(s)} == {-32602},
    "CORE-CAP-001": lambda s: (
        "pushNotifications" not in card(s)["capabilities"]
        and {
            s.error(f"{verb}TaskPushNotificationConfig{many}", {"taskId": NO_TASK, "id": "x", "url": "https://a.example"})
            for verb, many in (("Create", ""), ("Get", ""), ("List", "s"), ("Delete", ""))
        }
        == {-32003}
    ),
    "CORE-MULTI-001a": lambda s: all(one["contextId"] == s.task.id for one in every_task(s)),
    "CORE-MULTI-002": lambda s: s.send(*asks("order.read", {"order_id": "W1"}), contextId=s.task.id)["contextId"] == s.task.id,
    "CORE-MULTI-002a": lambda s: s.error("SendMessage", message({"text": "hello"}, contextId="ctx-of-mine")) == -32602,
    "CORE-MULTI-003": lambda s: len({s.seen[one]["id"] for one in ("read", "refused", "waiting", "cancelled")}) == 4,
    "CORE-MULTI-004": lambda s: s.error("SendMessage", message({"text": "hello"}, taskId=NO_TASK)) == -32001,
    "CORE-MULTI-005": lambda s: s.seen["message while waiting"]["contextId"] == s.task.id,
    "CORE-MULTI-006": lambda s: s.error("SendMessage", message({"text": "hello"}, taskId=s.seen["done"]["id"], contextId="ctx")) == -32602,
    "CORE-HIST-001": lambda s: "history" not in s.seen["done"],
    "CORE-HIST-002": lambda s: "history" not in s.call("GetTask", {"id": s.seen["done"]["id"], "historyLength": 1})["result"],
    "CORE-HIST-003": lambda s: "history" not in s.send(*asks("order.read", {"order_id": "W1"}), options={"historyLength": 0}),
    "DM-TASK-001": lambda s: all(one["id"] and one["status"] and fits("Task", one) for one in every_task(s)),
    "DM-TASK-002": lambda s: all(state(one).startswith("TASK_STATE_") and fits("Task Status", one["status"]) for one in every_task(s)),
    "DM-MSG-001": lambda s: all(one["role"] and one["parts"] and one["messageId"] and fits("Message", one) for one in every_message(s)),
    "DM-MSG-002": lambda s: {one["role"] for one in every_message(s)} == {"ROLE_AGENT"},
    "DM-PART-001": lambda s: all(
        len({"text", "raw", "url", "data"} & part.keys()) == 1 and fits("Part", part) for one in every_message(s) for part in one["parts"]
    ),
    "DM-ART-001": lambda s: all(one["artifactId"] and one["parts"] and fits("Artifact", one) for one in s.seen["done"]["artifacts"]),
    "DM-STATUS-001": lambda s: all(one["status"]["state"] for one in every_task(s)),
    "DM-SERIAL-001": lambda s: camel(every_task(s)) and camel(unsigned(s)) and camel([one["result"] for one in s.seen["streams"][0]]),
    "DM-SERIAL-002": lambda s: all(re.fullmatch(r"TASK_STATE_[A-Z_]+", state(one)) for one in every_task(s)),
    "DM-SERIAL-003": lambda s: all(
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one["status"]["timestamp"]) for one in every_task(s)
    ),
    "DM-SERIAL-004": lambda s: fits("List Tasks Response", s.seen["list"]) and fits("Agent Card", card(s)),
    "DM-SERIAL-005": lambda s: state(s.seen["unknown fields"]) == "TASK_STATE_COMPLETED",
    "STREAM-ORDER-001": lambda s: all(
        kinds(one) == ["task", "artifactUpdate", "artifactUpdate", "statusUpdate"] for one in s.seen["streams"]
    ),
    "STREAM-ORDER-002": lambda s: len(s.seen["streams"]) == 2 and all(len(one) == 4 for one in s.seen["streams"]),
    "STREAM-ORDER-003": lambda s: s.seen["streams"][0] == s.seen["streams"][1],
    "STREAM-ORDER-004": lambda s: all(ends(one) for one in s.seen["streams"]),
    "STREAM-SUB-001": lambda s: all(state(one[0]["result"]["task"]) == "TASK_STATE_AUTH_REQUIRED" for one in s.seen["streams"]),
    "STREAM-SUB-002": lambda s: all(ends(one) for one in s.seen["streams"]),
    "STREAM-SUB-003": lambda s: (
        {s.error("SubscribeToTask", {"id": s.seen[one]["id"]}) for one in ("done", "refused", "cancelled")} == {-32004}
    ),
    "STREAM-SUB-004": lambda s: s.error("SubscribeToTask", {"id": NO_TASK}) == -32001,
    "CARD-DISC-001": lambda s: s.seen["card"].status_code == 200,
    "CARD-PROTO-001": lambda s: [one["protocolBinding"] for one in card(s)["supportedInterfaces"]] == ["JSONRPC"],
    "CARD-PROTO-002": lambda s: (
        card(s)["supportedInterfaces"] == [{"url": f"{s.live.url}/a2a", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}]
    ),
    "CARD-STRUCT-001": lambda s: (
        {"name", "description", "version", "supportedInterfaces", "capabilities", "defaultInputModes", "defaultOutputModes", "skills"}
        <= card(s).keys()
    ),
    "CARD-EXT-001": lambda s: (
        s.post({"jsonrpc": "2.0", "id": 1, "method": "GetExtendedAgentCard"}, authorization="-").status_code == 401
        and fits("Agent Card", s.call("GetExtendedAgentCard")["result"])
    ),
    "CARD-SIGN-001": lambda s: signature_is_over(s, unsigned(s)),
    "CARD-SIGN-002": lambda s: not signature_is_over(s, card(s)),
    "CARD-SIGN-003": lambda s: protected(s).items() >= {"alg": "ES256", "typ": "JOSE"}.items() and bool(protected(s)["kid"]),
    "CARD-CACHE-001": lambda s: "max-age=" in s.seen["card"].headers["cache-control"],
    "CARD-CACHE-002": lambda s: (
        s.http.get("/.well-known/agent-card.json", headers={"if-none-match": s.seen["card"].headers["etag"]}).status_code == 304
    ),
    "AUTH-SERVER-002": lambda s: {s.post(b"{}", **{lacks: "-"}).status_code for lacks in ("authorization", "dpop")} == {401},
    "AUTH-INTASK-001": lambda s: bool(s.seen["waiting"]["id"]),
    "AUTH-INTASK-002": lambda s: state(s.seen["waiting"]) == "TASK_STATE_AUTH_REQUIRED",
    "AUTH-INTASK-003": lambda s: "must approve" in s.seen["waiting"]["status"]["message"]["parts"][0]["text"],
    "AUTH-INTASK-004": lambda s: s.seen["waiting"]["status"]["message"]["parts"][1]["data"]["url"].startswith(f"{s.live.url}/confirm/"),
    "AUTH-INTASK-005": lambda s: all(kinds(one)[0] == "task" and len(one) > 1 for one in s.seen["streams"]),
    "AUTH-INTASK-006": lambda s: s.seen["message while waiting"]["metadata"]["comment"]["outcome"] == "done",
    "AUTH-SCOPE-001": lambda s: (
        {s.error(method, {"id": s.seen["done"]["id"]}, task=s.foreign) for method in ("GetTask", "CancelTask", "SubscribeToTask")}
        == {-32001}
    ),
    "AUTH-SCOPE-002": lambda s: s.call("ListTasks", {"contextId": s.task.id}, task=s.foreign)["result"]["totalSize"] == 0,
    "AUTH-SCOPE-003": lambda s: (
        s.call("GetTask", {"id": s.seen["done"]["id"]}, task=s.foreign)["error"]
        == s.call("GetTask", {"id": NO_TASK}, task=s.foreign)["error"]
    ),
    "VER-SERVER-001": lambda s: "result" in s.call("ListTasks"),
    "VER-SERVER-002": lambda s: {s.error("ListTasks", **{"a2a-version": one}) for one in ("0.3", "2.0", "1.1", "nonsense")} == {-32009},
    "VER-SERVER-003": lambda s: {s.error("ListTasks", **{"a2a-version": one}) for one in ("", "-")} == {-32009},
    "VER-CLIENT-002": lambda s: "result" in s.call("ListTasks", **{"a2a-version": "1.0.7"}),
    "BIND-FIELD-001": lambda s: len(card(s)["supportedInterfaces"]) == 1,
    "JSONRPC-FMT-001": lambda s: (
        {
            s.post(one).json()["error"]["code"]
            for one in (
                [],
                {"id": 1, "method": "ListTasks"},
                {"jsonrpc": "1.0", "id": 1, "method": "x"},
                {"jsonrpc": "2.0", "id": 1.5, "method": "x"},
            )
        }
        == {-32600}
    ),
    "JSONRPC-FMT-002": lambda s: (
        s.post({"jsonrpc": "2.0", "id": 1, "method": "ListTasks"}).headers["content-type"] == "application/json"
        and s.post(b"{}", **{"content-type": "text/plain"}).status_code == 415
    ),
    "JSONRPC-SVC-001": lambda s: {s.error(method) for method in ("tasks/list", "list_tasks", "listTasks", "message/send")} == {-32601},
    "JSONRPC-SVC-002": lambda s: "result" in s.call("ListTasks", **{"a2a-extensions": "https://a.example/ext/v1"}),
    "JSONRPC-ERR-001": lambda s: (
        isinstance((found := s.call("GetTask", {"id": NO_TASK})["error"])["code"], int)
        and bool(found["message"])
        and isinstance(found["data"], list)
    ),
    "JSONRPC-ERR-002": lambda s: all(-32099 <= s.error(method, {"id": NO_TASK}) <= -32001 for method in ("GetTask", "CancelTask")),
    "JSONRPC-ERR-003": lambda s: (
        info(s, "GetTask", {"id": NO_TASK}).items() >= {"reason": "TASK_NOT_FOUND", "domain": "a2a-protocol.org"}.items()
    ),
    "JSONRPC-SSE-001": lambda s: all(
        one["jsonrpc"] == "2.0" and one["id"] == "s1" and fits("Stream Response", one["result"])
        for events in s.seen["streams"]
        for one in events
    ),
    "JSONRPC-SSE-002": lambda s: (
        [
            s.error("GetTask", {"id": NO_TASK}),
            s.error("CancelTask", {"id": s.seen["done"]["id"]}),
            s.error("CreateTaskPushNotificationConfig"),
            s.error("SubscribeToTask", {"id": s.seen["done"]["id"]}),
            s.error("SendMessage", message({"url": "https://a.example/file"})),
            s.error("ListTasks", **{"a2a-version": "0.3"}),
        ]
        == [-32001, -32002, -32003, -32004, -32005, -32009]
    ),
}


def not_offered(check: str) -> bool:
    return reason_of(check, SET.not_offered) is not None


def test_every_requirement_is_judged_or_has_its_reason() -> None:
    assert {check for check in LIST if not not_offered(check)} == set(CHECKS)
    assert not any(not_offered(check) for check in CHECKS)
    assert SET.excepted == {}


@SET.each(LIST)
def test_the_requirement_is_met(session: Session, check: Mapping[str, Any]) -> None:
    assert CHECKS[check["id"]](session), check["expected"]
