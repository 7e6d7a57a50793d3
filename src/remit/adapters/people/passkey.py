"""Passkeys by WebAuthn, with the `webauthn` library and the desk's own rules around it."""

import hmac
import json
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from remit.domain.errors import Code, Refused
from remit.domain.identity.jws import MAX_MEMBERS
from remit.domain.values import Json, decode_json
from remit.ports.people import NewPasskey, VerifiedAssertion
from remit.proof.canonical import b64url, canonical, unb64url

_ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]


class WebauthnPasskeys:
    """Passkeys port for one relying party: the host of the desk's own address."""

    def __init__(self, *, origin: str, name: str) -> None:
        self._origin = origin
        self._rp_id = urlsplit(origin).hostname or ""
        self._name = name

    def creation_options(
        self, *, person: str, name: str, challenge: bytes, known: tuple[str, ...]
    ) -> Mapping[str, Json]:
        """Return the browser's options for a new passkey. User verification and a discoverable key are required."""
        options = generate_registration_options(
            rp_id=self._rp_id,
            rp_name=self._name,
            user_id=person.encode(),
            user_name=name,
            challenge=challenge,
            attestation=AttestationConveyancePreference.NONE,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=unb64url(known_id)) for known_id in known],
            supported_pub_key_algs=_ALGORITHMS,
        )
        return cast("Mapping[str, Json]", json.loads(options_to_json(options)))

    def request_options(self, *, challenge: bytes, allowed: tuple[str, ...]) -> Mapping[str, Json]:
        """Return the browser's options for using a passkey."""
        options = generate_authentication_options(
            rp_id=self._rp_id,
            challenge=challenge,
            allow_credentials=[PublicKeyCredentialDescriptor(id=unb64url(key_id)) for key_id in allowed] or None,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return cast("Mapping[str, Json]", json.loads(options_to_json(options)))

    def verify_creation(self, unverified: Mapping[str, Json], *, challenge: bytes) -> NewPasskey:
        """Verify an attestation response; attestation statements themselves are ignored."""
        self._verify_client_data(unverified, challenge, "webauthn.create")
        try:
            verified = verify_registration_response(
                credential=_plain(unverified),
                expected_challenge=challenge,
                expected_rp_id=self._rp_id,
                expected_origin=self._origin,
                require_user_verification=True,
                supported_pub_key_algs=_ALGORITHMS,
            )
        except Exception as broken:  # noqa: BLE001  # ⚔ on hostile input each library below breaks in its own way
            raise _malformed(broken) from None
        return NewPasskey(
            credential_id=b64url(verified.credential_id),
            public_key=b64url(verified.credential_public_key),
            sign_count=verified.sign_count,
        )

    def verify_assertion(
        self, unverified: Mapping[str, Json], *, challenge: bytes, public_key: str, sign_count: int
    ) -> VerifiedAssertion:
        """Verify an assertion over exactly this challenge, from our own page, unframed, by a verified user.

        Source: WebAuthn Level 3 §7.2; docs/model/model.md#confirm-signed.
        """
        self._verify_client_data(unverified, challenge, "webauthn.get")
        try:
            verified = verify_authentication_response(
                credential=_plain(unverified),
                expected_challenge=challenge,
                expected_rp_id=self._rp_id,
                expected_origin=self._origin,
                credential_public_key=unb64url(public_key),
                credential_current_sign_count=sign_count,
                require_user_verification=True,
            )
        except Exception as broken:  # noqa: BLE001  # ⚔ on hostile input each library below breaks in its own way
            raise Refused(
                Code.CREDENTIAL_WRONG_KEY,
                f"the assertion does not verify: {broken}",
                public="The passkey's response could not be verified.",
            ) from None
        return VerifiedAssertion(
            credential_id=b64url(verified.credential_id),
            sign_count=verified.new_sign_count,
            evidence=canonical(unverified).decode(),
        )

    def _verify_client_data(self, unverified: Mapping[str, Json], challenge: bytes, kind: str) -> None:
        """Verify the browser's claims about the page. ⚔ No signature for a framed or agent-driven page."""
        response = unverified.get("response")
        text = response.get("clientDataJSON") if isinstance(response, Mapping) else None
        if not isinstance(text, str):
            raise Refused(Code.CREDENTIAL_MALFORMED, "no clientDataJSON")
        try:
            data = decode_json(unb64url(text), max_members=MAX_MEMBERS)
            signed = unb64url(str(data.get("challenge"))) if isinstance(data, Mapping) else b""
        except (ValueError, Refused):
            raise Refused(Code.CREDENTIAL_MALFORMED, "clientDataJSON cannot be read") from None
        if not isinstance(data, Mapping) or data.get("type") != kind:
            raise Refused(Code.CREDENTIAL_WRONG_KEY, "the assertion is of another type")
        if data.get("crossOrigin", False) is not False or "topOrigin" in data:
            raise Refused(Code.CREDENTIAL_WRONG_KEY, "the page was framed or driven from another origin")
        if data.get("origin") != self._origin or not hmac.compare_digest(signed, challenge):
            raise Refused(Code.CREDENTIAL_WRONG_KEY, "another origin or challenge")


def _plain(value: Mapping[str, Json]) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(canonical(value)))


def _malformed(broken: Exception) -> Refused:
    return Refused(
        Code.CREDENTIAL_MALFORMED,
        f"the passkey's answer cannot be used: {broken}",
        public="The passkey's response could not be used.",
    )
