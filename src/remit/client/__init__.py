"""The agent developer's package: an agent at a support desk, its mandates, tasks and asks.

Async here; `remit.client.sync` offers the same names, blocking. Needs only httpx, joserfc and `remit.proof`.
"""

from remit.client.agent import Agent, Branch, Mandate, MandateRequest
from remit.client.delegation import Introduction
from remit.client.errors import (
    IdentityUnusable,
    Miswritten,
    Problem,
    ProtocolError,
    ReceiptInvalid,
    Refused,
    RemitError,
    StillWaiting,
    Unavailable,
)
from remit.client.httpx_auth import TaskAuth
from remit.client.identities import Identity, JwtSvidFile, PrivateKeyJwt
from remit.client.keys import new_key
from remit.client.responses import Answer, Message, TaskStatus
from remit.client.task import Reply, Task
from remit.client.tools import AskArguments, ask_arguments, tools
from remit.client.transport import Clock, Retries
from remit.client.values import Attachment, Json

__all__ = [
    "Agent",
    "Answer",
    "AskArguments",
    "Attachment",
    "Branch",
    "Clock",
    "Identity",
    "IdentityUnusable",
    "Introduction",
    "Json",
    "JwtSvidFile",
    "Mandate",
    "MandateRequest",
    "Message",
    "Miswritten",
    "PrivateKeyJwt",
    "Problem",
    "ProtocolError",
    "ReceiptInvalid",
    "Refused",
    "RemitError",
    "Reply",
    "Retries",
    "StillWaiting",
    "Task",
    "TaskAuth",
    "TaskStatus",
    "Unavailable",
    "ask_arguments",
    "new_key",
    "tools",
]
