"""The rules of a desk, given and loaded: catalogue, policies, and one digest over them and the deciding settings."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from remit.adapters.files.catalogue import load_catalogue, read_text
from remit.adapters.params.schema import JsonSchemaParams
from remit.adapters.policy.cedar import CedarPolicy
from remit.adapters.world.system import SystemWorld
from remit.domain.catalogue.model import Catalogue
from remit.domain.errors import Refused
from remit.domain.policy.rules_outline import RulesOutline, outline_of
from remit.domain.structs import struct
from remit.domain.values import Json, JsonObject
from remit.engine.decision_point.callers import DecisionPoint
from remit.ports.policy import Policy
from remit.ports.world import World
from remit.proof.canonical import digest
from remit.settings import Settings
from remit.settings.people import verify_roles
from remit.settings.terms import deciding
from remit.settings.visitors import verify_visitors
from remit.settings.words import DEFAULT_LANGUAGES, verify_officer_role
from remit.settings.words import deciding as deciding_words
from remit.usecases.people.enrol import BUILT_IN
from remit.wiring import plugs
from remit.wiring.decision_point import decision_digest, load_decision_point
from remit.wiring.words import choose_words_model


@struct(frozen=True, kw_only=True)
class RulesSource:
    """The rules of a desk as given: a catalogue (files or one table) and policy texts."""

    catalogue: tuple[Path, ...] | Mapping[str, object]
    policies: tuple[tuple[str, str], ...]
    allow_unnamed: bool = False


@struct(frozen=True, kw_only=True)
class LoadedRules:
    """Valid rules: catalogue and policies, and one digest over them and the deciding settings.

    `words_model` is the model that messages are judged with, "" for none. `mapping` is that of a mapped backoffice,
    `directory` are the rules of a directory.
    """

    catalogue: Catalogue
    policy: Policy
    params: JsonSchemaParams
    digest: str
    outline: RulesOutline
    words_model: str
    mapping: "plugs.ApiMapping | None" = None
    directory: "plugs.DirectoryRules | None" = None
    decision_point: DecisionPoint | None = None


def rules_of(settings: Settings) -> RulesSource:
    """Return the rules that a desk's settings name.

    Raises:
        Refused: `policy.invalid` for a file that cannot be read.
    """
    return RulesSource(catalogue=settings.catalogue, policies=read_policies(settings.policies))


def read_policies(files: Iterable[Path], *, cure: str = "") -> tuple[tuple[str, str], ...]:
    """Read policy files as (name, text); `cure` ends the refusal of an unreadable one.

    Raises:
        Refused: `policy.invalid` for a file that cannot be read.
    """
    try:
        return tuple((file.name, read_text(file)) for file in files)
    except Refused as refused:
        raise (Refused(refused.code, f"{refused.detail}; {cure}") if cure else refused) from None


def load_rules(settings: Settings, rules: RulesSource, *, world: World | None = None) -> LoadedRules:
    """Load and validate the rules; nothing is opened or written.

    Raises:
        Refused: `catalogue.invalid`, `policy.invalid`, or `settings.invalid` for a model of the rules that is gone.
    """
    today = datetime.fromtimestamp((world or SystemWorld()).now() / 1000, tz=UTC).date()
    catalogue = load_catalogue(rules.catalogue, today=today)
    verify_roles(settings.people, [*catalogue.roles, *BUILT_IN])
    verify_officer_role(settings.beyond, catalogue.roles)
    verify_visitors(settings.visitors, catalogue)
    policy = CedarPolicy(rules.policies, catalogue, allow_unnamed=rules.allow_unnamed)
    mapped = settings.mapped_backoffice
    mapping = None if mapped is None else plugs.read_mapping(mapped.mapping, mapped.document, catalogue)
    entries = settings.directory_backoffice
    directory = None if entries is None else plugs.read_directory_rules(entries.rules, catalogue)
    # ⚔ What an action does at the system is a rule like any other: these files are adopted by two people.
    more: dict[str, Json] = {} if mapping is None else {"mapping": mapping.digest}
    more |= {} if directory is None else {"directory": directory.digest}
    point = load_decision_point(settings.decision_point)
    more |= decision_digest(settings.decision_point, point)
    model = choose_words_model(settings, lambda name: _rules_digest(settings, catalogue, policy.digest, name, more))
    return LoadedRules(
        catalogue=catalogue,
        policy=policy,
        params=JsonSchemaParams(catalogue),
        digest=_rules_digest(settings, catalogue, policy.digest, model, more),
        outline=outline_of(
            policy.statements, {"catalogue": catalogue.digest, **_deciding(settings, model), **more}, words_model=model
        ),
        words_model=model,
        mapping=mapping,
        directory=directory,
        decision_point=point,
    )


def _rules_digest(settings: Settings, catalogue: Catalogue, policies: str, words_model: str, more: JsonObject) -> str:
    """Compute one digest over catalogue, waivers (inside it), policies and deciding settings.

    Source: docs/model/model.md#catalogue.
    """
    return digest({"catalogue": catalogue.digest, "policies": policies, **_deciding(settings, words_model), **more})


def _deciding(settings: Settings, words_model: str) -> JsonObject:
    """Return the deciding settings, and the model that messages are judged with.

    ⚔ The provider's roles and the disclosable contacts are among them: a file alone gives no roles and discloses no
    contacts.
    """
    nonce: JsonObject = {"dpop_nonce": True} if settings.dpop_nonce else {}
    people: JsonObject = {} if settings.people is None else {"people": settings.people.digest_input}
    model: JsonObject = {"words_model": words_model} if words_model else {}
    read: JsonObject = (
        {} if settings.words_languages == DEFAULT_LANGUAGES else {"words_languages": list(settings.words_languages)}
    )
    told: JsonObject = {"contacts": list(settings.contacts)} if settings.contacts else {}
    visitors: JsonObject = {} if settings.visitors is None else {"visitors": settings.visitors.digest_input}
    return {
        "terms": dict(deciding(settings.terms)),
        "secrets": settings.secrets,
        **model,
        **read,
        **deciding_words(settings.beyond),
        **nonce,
        **people,
        **told,
        **visitors,
    }
