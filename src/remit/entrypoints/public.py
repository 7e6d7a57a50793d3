"""What anybody may read: discovery, the catalogue, the log, health."""

from collections.abc import Mapping
from dataclasses import dataclass

from remit.domain.errors import Code, Refused
from remit.domain.verification import verify_path
from remit.entrypoints.health import Health
from remit.entrypoints.limits import Limits
from remit.entrypoints.metrics import MEDIA_TYPE, Metrics
from remit.entrypoints.oauth_metadata import resource_metadata, server_metadata
from remit.entrypoints.replies import Answer, json_answer, problem
from remit.entrypoints.wire import Receive, Scope
from remit.ports.store import Missing
from remit.proof.tiles import Bundle, encode_bundle
from remit.usecases.parts import Parts
from remit.usecases.show_catalogue import show_catalogue

_TEXT = b"text/plain; charset=utf-8"
_BYTES = b"application/octet-stream"
_FOREVER = ((b"cache-control", b"public, max-age=31536000, immutable"),)
_FRESH = ((b"cache-control", b"no-cache"),)


@dataclass(frozen=True, slots=True)
class Public:
    """Handlers of one desk."""

    parts: Parts
    openapi: Mapping[str, object]
    metrics: Metrics
    health: Health
    limits: Limits

    async def server(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /.well-known/oauth-authorization-server."""
        return json_answer(200, server_metadata(self.parts))

    async def resource(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /.well-known/oauth-protected-resource."""
        return json_answer(200, resource_metadata(self.parts))

    async def jwks(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /.well-known/jwks.json."""
        return json_answer(200, self.parts.signer.jwks())

    async def catalogue(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /v1/catalogue."""
        return json_answer(200, show_catalogue(self.parts.catalogue))

    async def described(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /openapi.json."""
        return json_answer(200, self.openapi)

    async def healthy(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /healthz: the process lives and its loop answers, whatever else is broken."""
        return json_answer(200, {"status": "ok"})

    async def ready(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /readyz: this process should be given requests; a problem with a cure where it should not."""
        try:
            await self.health.verify_ready()
        except Refused as not_ready:
            return problem(not_ready, issuer=self.parts.terms.issuer)
        return json_answer(200, {"status": "ready", "rules": self.parts.rules_digest})

    async def measured(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /metrics: what this process counts, for Prometheus. The store is not asked: it is told of most when the store is down."""
        refused = {**self.limits.refused, "long": self.parts.long_reads.refused}
        return Answer(200, self.metrics.text(limited=refused), MEDIA_TYPE, _FRESH)

    async def checkpoint(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /log/checkpoint.

        Raises:
            Refused: `request.not_found` while the log is empty.
        """
        note = await self.parts.store.checkpoint()
        if not note:
            raise Refused(Code.REQUEST_NOT_FOUND, "the log is empty")
        return Answer(200, note.encode(), _TEXT, _FRESH)

    async def tile(self, _scope: Scope, _receive: Receive, found: Mapping[str, str]) -> Answer:
        """GET /log/tile/…: tiles and entry bundles (C2SP tlog-tiles).

        Raises:
            Refused: `request.not_found` for an address that names none, or one the log has not reached.
        """
        where = verify_path(f"tile/{found['path']}")
        try:
            if isinstance(where, Bundle):
                body = encode_bundle(await self.parts.store.leaves(where.index, where.width))
            else:
                body = await self.parts.store.tile(where.level, where.index, where.width)
        except Missing:
            raise Refused(Code.REQUEST_NOT_FOUND, "not that far yet") from None
        return Answer(200, body, _BYTES, _FOREVER)

    async def log_key(self, _scope: Scope, _receive: Receive, _found: Mapping[str, str]) -> Answer:
        """GET /log/key: the log's public key as a C2SP vkey. Keep a copy; a key read beside the log proves nothing."""
        return Answer(200, (self.parts.signer.log_key() + "\n").encode(), _TEXT, _FRESH)
