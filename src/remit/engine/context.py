"""The context given to every use case: ports, rules and terms of the desk; no decisions."""

from collections.abc import Callable
from dataclasses import field

from remit.domain.catalogue.model import Catalogue
from remit.domain.evidence.frameworks import Framework
from remit.domain.identity.certificates import Network
from remit.domain.identity.event_signatures import EventScheme
from remit.domain.identity.federation import FederationRule
from remit.domain.identity.oidc_login import LoginRules
from remit.domain.policy.rules_outline import RulesOutline
from remit.domain.secrets.fact_words import FactWords
from remit.domain.structs import replace, struct
from remit.domain.words.excess import ExcessWordsRules
from remit.domain.words.lexicon import Lexicon
from remit.engine.agents.introductions import Introductions
from remit.engine.agents.replay import ReplayCache
from remit.engine.decision_point.callers import DecisionPoint
from remit.engine.events.parties import SharedSignals
from remit.engine.leaks.scan import LeakScanner
from remit.engine.noise import NoiseCounter
from remit.engine.recent_secrets import RecentSecrets
from remit.engine.scan_executor import ScanExecutor
from remit.engine.woken_tickets import WokenTickets
from remit.ports.backoffice import Backoffice
from remit.ports.documents import DocumentReader
from remit.ports.helpdesk import Helpdesk
from remit.ports.identity import ClientDocuments, ClientVerifier, ProofVerifier
from remit.ports.notify import Callbacks, Carrier, CredentialIssuer, Notify
from remit.ports.params import ParamsValidator
from remit.ports.people import Passkeys, Provider
from remit.ports.policy import Policy
from remit.ports.signer import Signer
from remit.ports.store import Store
from remit.ports.tracing import Tracing
from remit.ports.vault import Vault
from remit.ports.world import World
from remit.proof.checkpoint import VerifyEd25519


@struct(frozen=True, kw_only=True)
class DeskTerms:
    """The desk's terms, all from the settings; times in seconds unless the name says otherwise."""

    issuer: str
    log_origin: str
    token_ttl_s: int
    code_ttl_s: int
    request_ttl_s: int
    task_idle_s: int
    task_life_s: int
    confirmation_ttl_s: int
    act_stale_s: int
    session_ttl_s: int
    session_idle_s: int
    """Idle time that ends a session."""
    waiting_per_pair: int
    decline_pause_s: int
    facts_timeout_s: float
    desk_timeout_s: float
    hold_at: int
    end_at: int
    retention_s: int
    """Minimum retention of content after the last entry about a customer."""
    erase_after_s: int
    """Time without an entry that triggers erasure of a customer's content (0: never)."""
    secrets: str
    contacts: tuple[str, ...]
    """The desk's own addresses and numbers."""
    beyond: ExcessWordsRules
    """The handling of words that exceed their ask."""
    requester: str
    """The requester address of every case: Remit's own, so that the helpdesk's mail reaches no agent."""
    loopback: bool
    sandbox: bool
    grant_age_s: int = 0
    """The age of a customer's signature above which they confirm every write or sign anew (0: none)."""
    offers_per_day: int = 20
    """Offers that one officer makes in a day."""
    override_review_percent: int = 20
    """The share of overrides that a second person looks at, besides each officer's first ones."""
    contact_attribute: str = "contact.email"
    """The attribute with the address at which the backoffice knows a customer."""
    federation: tuple[FederationRule, ...] = ()
    """The listed issuers of federated workloads, each subject mapped to one agent."""
    strangers: bool = False
    """Whether agents that sign by Web Bot Auth may ask without having been registered."""
    tls_proxies: tuple[Network, ...] = ()
    """The proxies that hand on clients' certificates; none, and no certificate is read."""


@struct(frozen=True, kw_only=True)
class VisitorTerms:
    """The terms for visitors, agents that prove no key (docs/model/visitors.md#rights).

    `officer` is the role that confirms their security and identity acts with the customer ("" where none is open);
    `dynamic`: clients may register themselves (RFC 7591).
    """

    officer: str
    dynamic: bool


@struct(frozen=True, kw_only=True)
class DeskContext:
    """The ports and rules one desk runs on.

    The catalogue may be in another of the desk's languages (`said_in`), for display alone; records use the desk's own.
    """

    store: Store
    vault: Vault
    policy: Policy
    params: ParamsValidator
    document_reader: DocumentReader
    backoffice: Backoffice
    helpdesk: Helpdesk
    clients: ClientVerifier
    proofs: ProofVerifier
    passkeys: Passkeys
    provider: Provider | None
    """The company's OpenID provider; None where people sign in with passkeys alone."""
    logins: LoginRules | None
    """The rules mapping provider claims to people; None exactly where there is no provider."""
    notify: Notify
    carriers: tuple[Carrier, ...]
    """The carriers of notices; none where they are only logged."""
    owners: tuple[CredentialIssuer, ...]
    """The channels to issuers of leaked credentials."""
    callbacks: Callbacks
    """Posts to addresses that agents registered."""
    tracing: Tracing
    signer: Signer
    world: World
    catalogue: Catalogue
    lexicon: Lexicon
    fact_words: FactWords
    frameworks: tuple[Framework, ...]
    """The frameworks available to reports."""
    terms: DeskTerms
    visitors: VisitorTerms | None
    """The terms for visitors; None where the desk lets none in."""
    client_documents: ClientDocuments
    rules_digest: str
    rules_outline: RulesOutline
    verify_ed25519: VerifyEd25519
    """Verifier of log signatures, for verifying the log in place."""
    scan_executor: ScanExecutor
    replay_cache: ReplayCache
    noise: NoiseCounter
    leak_scanner: LeakScanner
    on_point: Callable[[str], None]
    """Hook at named points of the path, where tests can stop the process; does nothing otherwise."""
    event_scheme: EventScheme | None = None
    """The scheme of the helpdesk's events; None where Remit's own helpdesk is used."""
    decision_point: DecisionPoint | None = None
    """The decision point; None where no caller is named."""
    event_secret: bytes = b""
    """The secret that signs them; empty where they are not signed, and then do nothing but wake."""
    signals: SharedSignals | None = None
    """The parties of shared signals and their plugs; None where neither side is set up."""
    woken_tickets: WokenTickets = field(default_factory=WokenTickets)
    recent_secrets: RecentSecrets = field(default_factory=RecentSecrets)
    introductions: Introductions = field(default_factory=Introductions)

    def in_language(self, language: str) -> "DeskContext":
        """Return the same desk with its catalogue in another of its languages, for display."""
        catalogue = self.catalogue.in_language(language)
        return self if catalogue is self.catalogue else replace(self, catalogue=catalogue)
