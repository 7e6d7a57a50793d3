"""The agent card, signed by the desk's token key: this desk as peers of A2A see it."""

from collections.abc import Mapping, Sequence
from typing import Final

from remit import __version__
from remit.domain.catalogue.model import Catalogue
from remit.domain.mandate.tools import GrantedAction
from remit.domain.values import Json, JsonObject
from remit.engine.context import DeskContext
from remit.entrypoints.agents.mcp.tools import action_title
from remit.entrypoints.agents.oauth_requests import TASK_SCOPE
from remit.entrypoints.http.replies import HttpResponse, encode_json
from remit.entrypoints.http.wire import Receive, Scope, one_header
from remit.proof.canonical import canonical, digest
from remit.usecases.tasks.task import TaskTools
from remit.usecases.visitors.request import visitor_scopes

PATH: Final = "/a2a"
CARD: Final = "/.well-known/agent-card.json"
VERSION: Final = "1.0"
_MODES: Final = ("application/json", "text/plain")
_DPOP: Final = (
    "An access token of a task with a fresh DPoP proof of each request (RFC 9449), as "
    "/.well-known/oauth-protected-resource says; the token comes from a mandate that the customer granted."
)
_MAX_EXAMPLES: Final = 5


def public_card(desk: DeskContext) -> JsonObject:
    """Build the public card: one skill for each objective of the catalogue.

    ⚔ Empty members are left out: a peer that reads the card into protocol buffers and writes it again must get the bytes
    that were signed.

    Source: A2A 1.0 §8.4.1.
    """
    return _card(desk, [_objective_skill(desk.catalogue, name) for name in desk.catalogue.objectives])


def extended_card(desk: DeskContext, granted: TaskTools) -> JsonObject:
    """Build the card for a proved caller: one skill for each action that its task's mandate grants now."""
    return _card(desk, [_action_skill(one) for one in granted.actions])


def _action_skill(granted: GrantedAction) -> JsonObject:
    action = granted.action
    title = action_title(action)
    limits = f" Limits: {'; '.join(granted.limits)}." if granted.limits else ""
    asked = f'Send a data part {{"action": "{action.name}", "params": {{…}}}}.'
    return {
        "id": action.name,
        "name": title,
        "description": f"{title}. {asked}{limits}",
        "tags": [action.effect.value, action.area.value],
    }


def signed(desk: DeskContext, card: JsonObject) -> JsonObject:
    """Return a card with the desk's signature: JWS over its canonical form.

    Source: A2A 1.0 §8.4; RFC 7515; RFC 8785.
    """
    header = {"typ": "JOSE", "jku": f"{desk.terms.issuer}/.well-known/jwks.json"}
    protected, signature = desk.signer.sign_document(canonical(card), header)
    return {**card, "signatures": [{"protected": protected, "signature": signature}]}


class CardApi:
    """The handler of the public card."""

    def __init__(self, desk: DeskContext) -> None:
        self._desk = desk
        self._card = public_card(desk)
        self._tag = f'"{digest(self._card)}"'

    async def card(self, scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> HttpResponse:
        """GET /.well-known/agent-card.json."""
        headers = ((b"cache-control", b"public, max-age=300"), (b"etag", self._tag.encode()))
        if one_header(scope, b"if-none-match") == self._tag:
            return HttpResponse(304, b"", headers=headers)
        return HttpResponse(200, encode_json(signed(self._desk, self._card)), headers=headers)


def _card(desk: DeskContext, skills: Sequence[JsonObject]) -> JsonObject:
    issuer = desk.terms.issuer
    return {
        "name": desk.catalogue.desk,
        "description": (
            f"The support of {desk.catalogue.desk}, for agents that act for its customers. A message makes one ask "
            "by a data part with action and params; text alone is a comment in the case."
        ),
        "version": __version__,
        "provider": {"organization": desk.catalogue.desk, "url": issuer},
        "documentationUrl": f"{issuer}/openapi.json",
        "supportedInterfaces": [
            {"url": f"{issuer}{PATH}", "protocolBinding": "JSONRPC", "protocolVersion": VERSION},
        ],
        "capabilities": {"streaming": True, "extendedAgentCard": True},
        "securitySchemes": _schemes(desk),
        # An empty list of scopes would be lost in protocol buffers, and with it the signature: a purpose each.
        "securityRequirements": [
            {"schemes": {"dpop": {"list": [TASK_SCOPE]}}},
            *({"schemes": {"visitor": {"list": [purpose]}}} for purpose in visitor_scopes(desk)),
        ],
        "defaultInputModes": list(_MODES),
        "defaultOutputModes": list(_MODES),
        "skills": list(skills),
    }


def _schemes(desk: DeskContext) -> JsonObject:
    """Build the ways to authenticate that work: a proved key, and a visitor's token where the desk lets visitors in."""
    issuer, purposes = desk.terms.issuer, visitor_scopes(desk)
    flow: JsonObject = {
        "authorizationUrl": f"{issuer}/oauth/authorize",
        "tokenUrl": f"{issuer}/oauth/token",
        "scopes": {purpose: desk.catalogue.objectives[purpose].title for purpose in purposes},
        "pkceRequired": True,
    }
    visitor: JsonObject = {
        "oauth2SecurityScheme": {
            "description": f"A bearer token for {issuer}{PATH}: looks, and asks; the customer confirms every change.",
            "flows": {"authorizationCode": flow},
            "oauth2MetadataUrl": f"{issuer}/.well-known/oauth-authorization-server",
        }
    }
    return {
        "dpop": {"httpAuthSecurityScheme": {"scheme": "DPoP", "bearerFormat": "at+jwt", "description": _DPOP}},
        **({"visitor": visitor} if purposes else {}),
    }


def _objective_skill(catalogue: Catalogue, name: str) -> JsonObject:
    objective = catalogue.objectives[name]
    areas = sorted({catalogue.actions[action].area.value for action in objective.actions})
    skill: dict[str, Json] = {
        "id": name,
        "name": objective.title,
        "description": f"{objective.title}. Actions: {', '.join(sorted(objective.actions))}.",
        "tags": areas,
    }
    if objective.examples:
        skill["examples"] = list(objective.examples[:_MAX_EXAMPLES])
    return skill
