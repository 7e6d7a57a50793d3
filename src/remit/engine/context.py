"""What every use case is given: the ports, the desk's rules and its terms. Nothing here decides anything."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from remit.domain.catalogue.model import Catalogue
from remit.domain.evidence.frameworks import Framework
from remit.domain.identity.oidc_login import LoginRules
from remit.domain.policy.rules_outline import RulesOutline
from remit.domain.words.excess import ExcessWordsRules
from remit.domain.words.lexicon import Lexicon
from remit.engine.agents.replay import ReplayCache
from remit.engine.leaks.scan import LeakScanner
from remit.engine.noise import NoiseCounter
from remit.engine.scan_executor import ScanExecutor
from remit.ports.backoffice import Backoffice
from remit.ports.documents import DocumentReader
from remit.ports.helpdesk import Helpdesk
from remit.ports.identity import ClientVerifier, ProofVerifier
from remit.ports.notify import Carrier, CredentialIssuer, Notify
from remit.ports.params import ParamsValidator
from remit.ports.people import Passkeys, Provider
from remit.ports.policy import Policy
from remit.ports.signer import Signer
from remit.ports.store import Store
from remit.ports.tracing import Tracing
from remit.ports.vault import Vault
from remit.ports.world import World
from remit.proof.checkpoint import VerifyEd25519


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskTerms:
    """The desk's own numbers. Times in seconds unless the name says otherwise. Every one comes from the settings."""

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
    """After how long without a request somebody is signed out."""
    waiting_per_pair: int
    decline_pause_s: int
    facts_timeout_s: float
    desk_timeout_s: float
    hold_at: int
    end_at: int
    retention_s: int
    """How long content is kept at least after the last entry about a customer."""
    erase_after_s: int
    """After how long without an entry a customer's content is erased by itself (0: never)."""
    secrets: str
    contacts: tuple[str, ...]
    """The desk's own addresses and numbers."""
    beyond: ExcessWordsRules
    """What is done with words that say more than their ask."""
    requester: str
    """The requester address of every case: Remit's own, so that the helpdesk's mail reaches no agent."""
    loopback: bool
    sandbox: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskContext:
    """The ports and rules one desk runs on.

    The catalogue may be the desk's in another of its languages (`said_in`): for showing alone, what is recorded is written in the desk's own.
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
    """Who somebody is by what the provider says; None exactly where there is no provider."""
    notify: Notify
    carriers: tuple[Carrier, ...]
    """The ways by which notices leave the desk; none where they are only logged."""
    owners: tuple[CredentialIssuer, ...]
    """The ways to those who are told of leaked credentials of theirs."""
    tracing: Tracing
    signer: Signer
    world: World
    catalogue: Catalogue
    lexicon: Lexicon
    frameworks: tuple[Framework, ...]
    """Those a report can speak of."""
    terms: DeskTerms
    rules_digest: str
    rules_outline: RulesOutline
    verify_ed25519: VerifyEd25519
    """Checks a signature of the log; for verifying it in place."""
    scan_executor: ScanExecutor
    replay_cache: ReplayCache
    noise: NoiseCounter
    leak_scanner: LeakScanner
    on_point: Callable[[str], None]
    """Told at named points of the path, so that tests can stop the process there. Does nothing otherwise."""

    def in_language(self, language: str) -> "DeskContext":
        """The same desk, whose catalogue speaks another of its languages. For showing things to a person."""
        catalogue = self.catalogue.in_language(language)
        return self if catalogue is self.catalogue else replace(self, catalogue=catalogue)
