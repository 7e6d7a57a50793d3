"""Registrations of agents as the identity port reads them."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.ids import OperatorId
from remit.domain.policy.risk import SubjectKind, SubjectOpened
from remit.domain.records import AgentRecord
from remit.domain.values import Instant, Json, parse_stored_object
from remit.ports.identity import (
    SPIFFE_METHODS,
    ClientMethod,
    FederatedIssuer,
    InlineKeys,
    KeyFile,
    KeySource,
    KeyUrl,
    Registration,
    SignatureDirectory,
    SpiffeBundleFile,
    SpiffeBundleUrl,
    SpiffeWorkloadApi,
)
from remit.ports.store import RiskEvent


def registration_of(record: AgentRecord) -> Registration:
    """Return the registration as the identity port reads it; recent ones with short keys are cached.

    Raises:
        Refused: `request.malformed` for an unknown method or key source.
    """
    read = _known_registration if len(record.keys) <= _SHORT else _registration
    return read(record.id, record.actor, record.operator, record.method, record.keys)


def _registration(client_id: str, actor: str, operator: str, method: str, keys: str) -> Registration:
    parsed = parse_stored_object(keys)  # the same text gives the same object, which identifies its cached keys
    if method not in set(ClientMethod):
        raise malformed_registration(f"method must be one of {', '.join(ClientMethod)}")
    return Registration(
        client_id=client_id,
        actor=actor,
        operator=OperatorId(operator),
        method=ClientMethod(method),
        keys=key_source(parsed),
        spiffe_id=actor if method in SPIFFE_METHODS else None,
    )


_SHORT: Final = 4096
_known_registration: Final = lru_cache(maxsize=512)(_registration)


def key_source(keys: Mapping[str, Json]) -> KeySource:
    """Parse a key source.

    Raises:
        Refused: `request.malformed`.
    """
    match dict(keys):
        case {"jwks": Mapping() as jwks, **rest} if not rest:
            return InlineKeys(jwks=jwks)
        case {"jwks_file": str(path), **rest} if not rest:
            return KeyFile(path=path)
        case {"jwks_url": str(url), **rest} if not rest:
            return KeyUrl(url=url)
        case {"federated_issuer": str(issuer), **rest} if not rest:
            return FederatedIssuer(issuer=issuer)
        case {"directory": str(origin), **rest} if not rest:
            return SignatureDirectory(origin=origin)
        case other:
            return _bundle_source(other)


def _bundle_source(keys: Mapping[str, Json]) -> KeySource:
    """Parse a SPIFFE bundle's source, the last kind there is."""
    match dict(keys):
        case {"bundle_file": str(path), "trust_domain": str(domain), **rest} if not rest:
            return SpiffeBundleFile(path=path, trust_domain=domain)
        case {"bundle_url": str(url), "trust_domain": str(domain), **rest} if not rest:
            return SpiffeBundleUrl(url=url, trust_domain=domain)
        case {"workload_api": True, "trust_domain": str(domain), **rest} if not rest:
            return SpiffeWorkloadApi(trust_domain=domain)
        case _:
            raise malformed_registration(
                "keys must be jwks, jwks_file, jwks_url, federated_issuer, directory, or bundle_file, bundle_url or "
                "workload_api with trust_domain"
            )


def malformed_registration(reason: str) -> Refused:
    """Build the refusal of an unreadable registration."""
    return Refused(Code.REQUEST_MALFORMED, reason, public=reason)


def opened_risk_events(what: str, *, agent: str, operator: str, at: Instant) -> tuple[RiskEvent, ...]:
    """Return risk events of one opened `task`, `mandate` or `agent` for agent and operator; a new agent has no trail.

    Source: docs/model/model.md#trajectory.
    """
    event = SubjectOpened(what=what)
    own = (RiskEvent(SubjectKind.AGENT, agent, event, at),) if agent else ()
    return (*own, RiskEvent(SubjectKind.OPERATOR, operator, event, at))
