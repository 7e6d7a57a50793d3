"""A workload's identity straight from the SPIFFE Workload API; needs the extra `spiffe`.

Source: SPIFFE Workload API §4 (X.509), §5 (JWT); draft-ietf-oauth-spiffe-client-auth.
"""

import os
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from spiffe import WorkloadApiClient
from spiffe import X509Svid as FetchedSvid
from spiffe.errors import PySpiffeError

from remit.client.errors import IdentityUnusable
from remit.client.identities import JWT_SPIFFE

_TIMEOUT_S: Final = 5.0
_LEFT_S: Final = 30.0


@dataclass(slots=True)
class _Held:
    """An SVID that was fetched: for which issuer, and until when."""

    issuer: str
    svid: str
    spiffe_id: str
    ends_s: float


class WorkloadApi:
    """An identity by JWT-SVIDs, fetched for each desk alone and kept until they are about to expire.

    `socket` is such as `unix:///run/spire/agent.sock`; without one, `SPIFFE_ENDPOINT_SOCKET` says it. The client id is
    the SPIFFE ID, unless the desk registered this workload under another one.
    """

    __slots__ = ("_client_id", "_held", "_socket")

    def __init__(self, socket: str | None = None, *, client_id: str | None = None) -> None:
        """Remember the address; nothing is connected yet."""
        self._socket = socket
        self._client_id = client_id
        self._held: _Held | None = None

    def __repr__(self) -> str:
        return f"WorkloadApi({self._socket!r})"

    def client_id(self, *, issuer: str, now_s: float) -> str:
        """Return the registered client id, or the SPIFFE ID of this workload.

        Raises:
            IdentityUnusable: when the Workload API gives none.
        """
        return self._client_id or self._svid(issuer, now_s).spiffe_id

    def credentials(self, *, issuer: str, now_s: float) -> dict[str, str]:
        """Return a JWT-SVID whose sole audience is the desk.

        Raises:
            IdentityUnusable: when the Workload API gives none.
        """
        held = self._svid(issuer, now_s)
        return {
            "client_id": self._client_id or held.spiffe_id,
            "client_assertion_type": JWT_SPIFFE,
            "client_assertion": held.svid,
        }

    def _svid(self, issuer: str, now_s: float) -> _Held:
        held = self._held
        if held is None or held.issuer != issuer or held.ends_s - now_s < _LEFT_S:
            try:
                with WorkloadApiClient(self._socket, default_timeout=_TIMEOUT_S) as client:
                    svid = client.fetch_jwt_svid({issuer})
            except PySpiffeError as failed:
                raise IdentityUnusable(f"the Workload API gives no JWT-SVID: {failed}") from None
            held = self._held = _Held(issuer, svid.token, str(svid.spiffe_id), float(svid.expiry))
        return held


class X509Svid:
    """An identity by this workload's X.509-SVID, for a desk whose TLS front asks for a client certificate.

    `tls()` is the context to connect with; make it anew before the SVID expires.
    """

    __slots__ = ("_client_id", "_socket")

    def __init__(self, socket: str | None = None, *, client_id: str | None = None) -> None:
        """Remember the address; nothing is connected yet."""
        self._socket = socket
        self._client_id = client_id

    def __repr__(self) -> str:
        return f"X509Svid({self._socket!r})"

    def client_id(self, *, issuer: str, now_s: float) -> str:  # noqa: ARG002  # the port's signature; a certificate needs neither
        """Return the registered client id, or the SPIFFE ID of this workload.

        Raises:
            IdentityUnusable: when the Workload API gives none.
        """
        if self._client_id is None:
            self._client_id = str(self._fetch().spiffe_id)
        return self._client_id

    def credentials(self, *, issuer: str, now_s: float) -> dict[str, str]:
        """Return the client id: the certificate of the connection is the proof (RFC 8705 §2)."""
        return {"client_id": self.client_id(issuer=issuer, now_s=now_s)}

    def tls(self, trust: ssl.SSLContext | None = None) -> ssl.SSLContext:
        """Return a context that presents the SVID; `trust` is what the desk's own certificate is verified with.

        Raises:
            IdentityUnusable: when the Workload API gives none.
        """
        svid = self._fetch()
        context = trust or ssl.create_default_context()
        key = svid.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        chain = b"".join(one.public_bytes(Encoding.PEM) for one in svid.cert_chain)
        descriptor, name = tempfile.mkstemp()  # ssl takes a file alone; readable for this user, and gone at once
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(key + chain)
            context.load_cert_chain(name)
        finally:
            Path(name).unlink()
        return context

    def _fetch(self) -> FetchedSvid:
        try:
            with WorkloadApiClient(self._socket, default_timeout=_TIMEOUT_S) as client:
                return client.fetch_x509_svid()
        except PySpiffeError as failed:
            raise IdentityUnusable(f"the Workload API gives no X.509-SVID: {failed}") from None
