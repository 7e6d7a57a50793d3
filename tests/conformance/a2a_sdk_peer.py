# run by the peer's own Python
"""The attempts of a user of a2a-sdk at a desk, as a program of its own; one line of JSON for each finding."""

import asyncio
import json
import os
import pathlib
import sys
from typing import Any

import httpx
from a2a.client import A2ACardResolver, Client, ClientConfig, ClientFactory
from a2a.client.client import ClientCallContext
from a2a.helpers import get_data_parts, new_data_part, new_message, new_raw_part, new_text_part, new_url_part
from a2a.types import (
    AgentCard,
    CancelTaskRequest,
    GetExtendedAgentCardRequest,
    GetTaskRequest,
    ListTasksRequest,
    Part,
    Role,
    SendMessageConfiguration,
    SendMessageRequest,
    SubscribeToTaskRequest,
    Task,
    TaskPushNotificationConfig,
    TaskState,
)
from a2a.utils.signing import SignatureVerificationError, create_signature_verifier
from jwt import PyJWK

from remit.client import Agent, PrivateKeyJwt

DESK = os.environ["DESK"]
CLIENT_KEY, PROOF_KEY = (pathlib.Path(name).read_text() for name in ("client.pem", "proof.pem"))
REFUND = {"order_id": "W1", "payment_method_id": "pm_1", "amount": "45.00 EUR"}


def found(name: str, value: Any) -> None:
    """Tell the test one finding."""
    sys.stdout.write(f"{json.dumps([name, value])}\n")
    sys.stdout.flush()


def asks(action: str, params: dict[str, Any], *more: Part, **where: Any) -> SendMessageRequest:
    """A message that asks for an action."""
    return SendMessageRequest(
        message=new_message([new_data_part({"action": action, "params": params}), *more], role=Role.ROLE_USER, **where)
    )


async def last(client: Client, request: SendMessageRequest) -> Task:
    """The task of a message, sent without a stream."""
    async for event in client.send_message(request):
        return event.task
    raise AssertionError("no answer")


async def refusal(work: Any) -> str:
    """The class of the SDK's error."""
    try:
        await work
    except Exception as error:  # noqa: BLE001  # its class is the finding
        return f"{type(error).__name__}: {error}"[:120]
    return "none"


async def cards(http: httpx.AsyncClient) -> AgentCard:
    keys = {one["kid"]: PyJWK(one) for one in (await http.get(f"{DESK}/.well-known/jwks.json")).json()["keys"]}
    told: list[str | None] = []

    def key(kid: str | None, jku: str | None) -> PyJWK:
        told.append(jku)
        return keys[kid or ""]

    verify = create_signature_verifier(key, ["ES256"])
    card = await A2ACardResolver(http, DESK).get_agent_card(signature_verifier=verify)
    found("card", [card.name, [one.id for one in card.skills], told])
    forged = AgentCard()
    forged.CopyFrom(card)
    forged.supported_interfaces[0].url = "https://evil.example/a2a"
    try:
        verify(forged)
        found("forged", "taken")
    except SignatureVerificationError as error:
        found("forged", type(error).__name__)
    return card


async def main() -> None:
    """Come in, and try everything."""
    identity = PrivateKeyJwt(os.environ["CLIENT_ID"], CLIENT_KEY, "k1")
    async with (
        Agent(desk=DESK, identity=identity, key=PROOF_KEY) as agent,
        agent.mandate(os.environ["MANDATE"]).task() as task,
        httpx.AsyncClient(auth=task.auth(), timeout=90) as http,
    ):
        card = await cards(http)
        plain = ClientFactory(ClientConfig(httpx_client=http, streaming=False)).create(card)
        streaming = ClientFactory(ClientConfig(httpx_client=http)).create(card)
        await reads(plain, task.id)
        await waits(plain, streaming)
        await errors(plain)
        extended = await plain.get_extended_agent_card(GetExtendedAgentCardRequest())
        found("extended", sorted(one.id for one in extended.skills))
    async with httpx.AsyncClient() as nobody:
        stranger = ClientFactory(ClientConfig(httpx_client=nobody, streaming=False)).create(card)
        found("stranger", await refusal(last(stranger, asks("order.read", {"order_id": "W1"}))))


async def reads(client: Client, context: str) -> None:
    done = await last(client, asks("order.read", {"order_id": "W1"}))
    result = next(one for one in done.artifacts if one.artifact_id == "result")
    found("read", [TaskState.Name(done.status.state), get_data_parts(result.parts), done.context_id == context])
    refused = await last(client, asks("order.read", {"order_id": "W9"}))
    found("refused", [TaskState.Name(refused.status.state), get_data_parts(refused.status.message.parts)[0]["code"]])
    opened = await last(client, asks("case.open", {"subject": "Kettle", "text": "The kettle leaks."}))
    comment = await last(client, SendMessageRequest(message=new_message([new_text_part("It leaks at the lid.")], role=Role.ROLE_USER)))
    found("comment", [TaskState.Name(opened.status.state), TaskState.Name(comment.status.state)])


async def waits(plain: Client, streaming: Client) -> None:
    events: list[str] = []
    waiting = ""
    async for event in streaming.send_message(
        asks("order.return", {"order_id": "W1", "item_ids": ["i1"]}, new_text_part("The kettle leaks."))
    ):
        if event.HasField("task"):
            waiting = event.task.id
            events.append(TaskState.Name(event.task.status.state))
            comment = new_message([new_text_part("Please hurry.")], task_id=waiting, role=Role.ROLE_USER)
            same = await last(plain, SendMessageRequest(message=comment))
            events.append(f"{same.id == waiting} {TaskState.Name(same.status.state)}")
            found("confirm", get_data_parts(event.task.status.message.parts)[0]["url"])
        elif event.HasField("artifact_update"):
            events.append(event.artifact_update.artifact.artifact_id)
        else:
            events.append(TaskState.Name(event.status_update.status.state))
    found("stream", events)
    found("again", await refusal(_first(streaming.subscribe(SubscribeToTaskRequest(id=waiting)))))
    refund = await last(plain, asks("payment.refund", REFUND))
    found("refund", TaskState.Name(refund.status.state))
    stream = streaming.subscribe(SubscribeToTaskRequest(id=refund.id))
    first = await anext(stream)
    taken = await plain.cancel_task(CancelTaskRequest(id=refund.id))
    rest = [TaskState.Name(one.status_update.status.state) async for one in stream if one.HasField("status_update")]
    found("cancelled", [TaskState.Name(first.task.status.state), TaskState.Name(taken.status.state), rest])
    found("not cancelable", await refusal(plain.cancel_task(CancelTaskRequest(id=refund.id))))
    listed = await plain.list_tasks(ListTasksRequest(page_size=2))
    found("listed", [len(listed.tasks), listed.total_size, bool(listed.next_page_token), [len(one.artifacts) for one in listed.tasks]])
    rest_of = await plain.list_tasks(ListTasksRequest(page_size=2, page_token=listed.next_page_token, include_artifacts=True))
    found("next", [len(rest_of.tasks), {one.id for one in listed.tasks} & {one.id for one in rest_of.tasks} == set()])
    got = await plain.get_task(GetTaskRequest(id=waiting))
    found("got", [TaskState.Name(got.status.state), sorted(one.artifact_id for one in got.artifacts)])


async def _first(stream: Any) -> Any:
    return await anext(stream)


async def errors(client: Client) -> None:
    found("unknown", await refusal(client.get_task(GetTaskRequest(id="ask_unknown"))))
    hook = TaskPushNotificationConfig(url="https://evil.example/hook", task_id="ask_x")
    found("push", await refusal(client.create_task_push_notification_config(hook)))
    with_hook = SendMessageRequest(
        message=new_message([new_text_part("Hello.")], role=Role.ROLE_USER),
        configuration=SendMessageConfiguration(task_push_notification_config=hook),
    )
    found("push in send", await refusal(last(client, with_hook)))
    url = new_message([new_url_part("https://evil.example/file")], role=Role.ROLE_USER)
    found("url part", await refusal(last(client, SendMessageRequest(message=url))))
    old = ClientCallContext(service_parameters={"A2A-Version": "0.3"})
    found("version", await refusal(client.get_task(GetTaskRequest(id="ask_x"), context=old)))
    picture = new_raw_part(b"a plain note", media_type="text/plain", filename="note.txt")
    filed = await last(client, asks("case.comment", {"text": "The note goes along."}, picture))
    found("file", TaskState.Name(filed.status.state))


if __name__ == "__main__":
    asyncio.run(main())
    sys.exit(0)
