"""Bodies of people's JSON: the signed-in person, the content to sign, and a refusal in their words."""

from collections.abc import Mapping

from remit.domain.confirm.render_ask import rendering_json
from remit.domain.errors import MEANINGS, Fault, Refused
from remit.domain.records import PersonRecord
from remit.domain.values import JsonObject, instant_text
from remit.engine.context import DeskContext
from remit.engine.outbound.check import CheckedText
from remit.entrypoints.http.wire import decode_object
from remit.entrypoints.web.phrases import page_refusal
from remit.proof.canonical import b64url, unb64url
from remit.usecases.confirm.answer import InvitationView
from remit.usecases.confirm.held_words import marked_texts, preview_stripped
from remit.usecases.mandates.grant import ConsentView


def checked_body(checked: CheckedText, *, override: str = "") -> dict[str, object]:
    """Build the result of a check: the undisclosable parts of a text, with places and reasons, and the rest.

    Where the reader may override it, with the attributes of which and the `check` that an override names.
    """
    held = [{"start": one.start, "end": one.end, "why": one.why, "name": one.name} for one in checked.held]
    offered: dict[str, object] = {"override": {"attributes": list(checked.overridable), "check": override}}
    return {"held": held, "left": checked.left, **(offered if override else {})}


def localized_refusal(error: Refused | Fault, spoken: DeskContext) -> Mapping[str, object]:
    """Return a refusal in a person's words: the cure, where the closed list's is for developers; all if translated.

    Its particular detail is omitted where it cannot be said in that language.
    """
    say = spoken.catalogue.say
    _, said, cure = page_refusal(error, say)
    words: dict[str, object] = {"cure": cure} if cure else {}
    if say.texts:
        title = say(MEANINGS[error.code].title)
        words |= {"title": title, "detail": said or title}
    return words


def person_body(person: PersonRecord) -> dict[str, object]:
    """Build a person as they see themselves."""
    return {
        "id": person.id,
        "kind": person.kind,
        "name": person.name,
        "email": person.email,
        "roles": list(person.roles),
        "paused": person.paused,
    }


def consent_body(desk: DeskContext, consent: ConsentView) -> dict[str, object]:
    """Build the content of the consent page."""
    request = consent.request
    return {
        "request": request.id,
        "agent": {
            "name": consent.agent.name,
            "operator": consent.agent.operator,
            "client_id": consent.agent.id,
            "tier": consent.agent.tier.value,
        },
        "mandate": consent.mandate,
        "rendering": rendering_json(consent.rendering),
        "rendering_hash": consent.rendering.hash,
        "ceremony": consent.ceremony,
        "challenge": consent.challenge,
        "options": desk.passkeys.request_options(challenge=unb64url(consent.challenge), allowed=()),
        "choices": {
            kind: [{"id": one.id, "name": one.name} for one in records] for kind, records in consent.choices.items()
        },
        "expires_at": instant_text(request.expires_at),
        **({"binding_message": request.binding} if request.binding else {}),
    }


def confirmation_body(desk: DeskContext, shown: InvitationView) -> dict[str, object]:
    """Build the content of the confirmation page (docs/model/wire.md#confirmation-page)."""
    record = shown.confirmation
    params: JsonObject = decode_object(shown.ask.params.encode())
    return {
        "confirmation": record.id,
        "ask": shown.ask.id,
        "rendering": shown.rendering,
        "rendering_hash": shown.rendering.get("hash", record.rendering_hash),
        "nonce": record.nonce,
        "language": desk.catalogue.say.language,
        "challenge": b64url(shown.challenge),
        "options": desk.passkeys.request_options(challenge=shown.challenge, allowed=shown.allowed),
        "params": params,
        "who": list(record.who),
        "expires_at": instant_text(record.expires_at),
        **(
            {"words": marked_texts(desk, shown.ask), "strips": preview_stripped(desk, shown.ask) is not None}
            if record.words
            else {}
        ),
    }
