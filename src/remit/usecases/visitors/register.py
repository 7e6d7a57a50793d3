"""Dynamic registration of a client, where the desk allows it (RFC 7591)."""

from collections.abc import Mapping
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.ids import new_id
from remit.domain.records import ClientRegistration
from remit.domain.secrets.find import find_secrets
from remit.domain.values import Instant, Json, is_list
from remit.engine.agents.registration import malformed_registration
from remit.engine.agents.registration_checks import verify_redirects
from remit.engine.context import DeskContext
from remit.ports.identity import PUBLIC_CLIENT
from remit.ports.store import Commit, Put

_LIFE_MS: Final = 24 * 3600 * 1000
_MAX_REDIRECTS: Final = 8
_MAX_NAME: Final = 120
_GRANTS: Final = frozenset({"authorization_code", "refresh_token"})


async def register_client(desk: DeskContext, metadata: Mapping[str, Json]) -> ClientRegistration:
    """Register a public client for a day; a customer who picks a purpose for it makes it an agent.

    Raises:
        Refused: `agent.untrusted` where the desk has no dynamic registration, `request.malformed`.

    Source: RFC 7591 §2, §3.
    """
    if desk.visitors is None or not desk.visitors.dynamic:
        public = "Registration is not offered here; use a client id metadata document."
        raise Refused(Code.AGENT_UNTRUSTED, "no dynamic registration", public=public)
    redirects = _texts(metadata.get("redirect_uris"))
    if not 0 < len(redirects) <= _MAX_REDIRECTS:
        raise malformed_registration(f"redirect_uris must be 1 to {_MAX_REDIRECTS} addresses")
    verify_redirects(redirects)
    if metadata.get("token_endpoint_auth_method", PUBLIC_CLIENT) != PUBLIC_CLIENT:
        raise malformed_registration("only public clients register here: token_endpoint_auth_method is none")
    if not set(_texts(metadata.get("grant_types", ["authorization_code"]))) <= _GRANTS:
        raise malformed_registration("grant_types are authorization_code and refresh_token")
    name = metadata.get("client_name", "")
    if not isinstance(name, str) or len(name) > _MAX_NAME or find_secrets(name):
        raise malformed_registration(f"client_name must be a text of at most {_MAX_NAME} characters")
    registration = ClientRegistration(
        id=new_id("dyn", desk.world.random(16)),
        name=name,
        redirect_uris=redirects,
        expires_at=Instant(desk.world.now() + _LIFE_MS),
    )
    await desk.store.commit(Commit(puts=(Put(registration, 0),)))
    return registration


def _texts(value: Json) -> tuple[str, ...]:
    listed = value if is_list(value) else ()
    return tuple(one for one in listed if isinstance(one, str))
