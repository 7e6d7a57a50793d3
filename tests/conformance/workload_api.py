"""A SPIFFE Workload API for tests: JWT- and X.509-SVIDs and bundles of one trust domain, over gRPC on a Unix socket.

The messages are those of the real client's package; SPIRE itself comes from no registry that the tests may ask.
"""

import json
import time
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from spiffe._proto import workload_pb2 as pb
from spiffe._proto import workload_pb2_grpc as pbg

from contracts.certificate_minting import authority, svid
from contracts.identity_minting import jwk, mint

DOMAIN = "helper.example"
SHOP = f"spiffe://{DOMAIN}/shop"


class WorkloadServer(pbg.SpiffeWorkloadAPIServicer):
    """The Workload API of one trust domain, for one workload."""

    def __init__(self, spiffe_id: str = SHOP) -> None:
        self.spiffe_id = spiffe_id
        self.authority = authority(DOMAIN)
        self.key = "td"

    def _header(self, context: Any) -> None:
        if dict(context.invocation_metadata()).get("workload.spiffe.io") != "true":
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "security header missing")

    def FetchJWTSVID(self, request: Any, context: Any) -> Any:  # noqa: N802  # gRPC's name
        self._header(context)
        now_s = int(time.time())
        claims = {"sub": self.spiffe_id, "aud": list(request.audience), "iat": now_s, "exp": now_s + 300}
        token = mint({"alg": "ES256", "kid": self.key, "typ": "JWT"}, claims, name=self.key)
        return pb.JWTSVIDResponse(svids=[pb.JWTSVID(spiffe_id=self.spiffe_id, svid=token)])

    def FetchJWTBundles(self, _: Any, context: Any) -> Iterator[Any]:  # noqa: N802  # gRPC's name
        self._header(context)
        keys = {"keys": [jwk("ES256", "td", kid="td", use="jwt-svid")]}
        other = {"keys": [jwk("ES256", "other", kid="other", use="jwt-svid")]}
        yield pb.JWTBundlesResponse(
            bundles={f"spiffe://{DOMAIN}": json.dumps(keys).encode(), "spiffe://other.example": json.dumps(other).encode()}
        )

    def FetchX509SVID(self, _: Any, context: Any) -> Iterator[Any]:  # noqa: N802  # gRPC's name
        self._header(context)
        made = svid(self.authority, self.spiffe_id)
        key = made.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        one = pb.X509SVID(spiffe_id=self.spiffe_id, x509_svid=made.der, x509_svid_key=key, bundle=self.authority.der)
        yield pb.X509SVIDResponse(svids=[one])

    def FetchX509Bundles(self, _: Any, context: Any) -> Iterator[Any]:  # noqa: N802  # gRPC's name
        self._header(context)
        yield pb.X509BundlesResponse(bundles={f"spiffe://{DOMAIN}": self.authority.der})


@contextmanager
def workload_api(folder: Path) -> Iterator[tuple[WorkloadServer, str]]:
    """Serve it; yields the servicer and the address."""
    servicer, address = WorkloadServer(), f"unix://{folder / 'agent.sock'}"
    server = grpc.server(futures.ThreadPoolExecutor(4))
    pbg.add_SpiffeWorkloadAPIServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]  # generated
    server.add_insecure_port(address)
    server.start()
    try:
        yield servicer, address
    finally:
        server.stop(None).wait()
