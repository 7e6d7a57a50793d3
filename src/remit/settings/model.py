"""Everything a desk needs to start, as one value."""

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from urllib.parse import urlsplit

from remit.domain.brand import Brand
from remit.domain.identity.certificates import Network
from remit.domain.identity.federation import FederationRule
from remit.domain.structs import struct
from remit.domain.words.excess import ExcessWordsRules
from remit.settings.backoffice import BackofficeSettings, DirectorySettings, MappedSettings
from remit.settings.decision_point import DecisionPointSettings
from remit.settings.deliveries import DeliverySettings
from remit.settings.events import EventsSettings
from remit.settings.helpdesk import HelpdeskSettings
from remit.settings.leaks import LeakSettings
from remit.settings.notify import NotifySettings
from remit.settings.people import PeopleSettings
from remit.settings.telemetry import Telemetry
from remit.settings.terms import TermsTable
from remit.settings.transcript import NAMED_TO
from remit.settings.values import LOOPBACK
from remit.settings.visitors import VisitorSettings
from remit.settings.words import DEFAULT_LANGUAGES, NO_MODEL


@struct(frozen=True, kw_only=True)
class Settings:
    """Everything a desk needs to start. Paths are absolute; numbers are in `terms`."""

    issuer: str
    host: str
    port: int
    data: Path
    store_url: str
    log_name: str
    high_water: Path
    catalogue: tuple[Path, ...]
    policies: tuple[Path, ...]
    cases: tuple[Path, ...]
    pack: str
    desk_database: Path
    backoffice: str
    secrets: str
    sandbox: bool
    switcher: bool = False
    """Whether pages of a sandbox let one browser become each of its people."""
    beyond: ExcessWordsRules = field(default_factory=ExcessWordsRules)
    terms: TermsTable = field(default_factory=TermsTable)
    limits: Mapping[str, int] = field(default_factory=dict)
    dpop_nonce: bool = False
    peer_header: str = ""  # the header in which the desk's own proxy gives the caller's address
    federation: tuple[FederationRule, ...] = ()
    """The listed issuers of federated workloads."""
    strangers: bool = False
    """Whether agents that sign by Web Bot Auth may ask without having been registered."""
    workload_api: str = ""
    """The SPIFFE Workload API that this desk is attached to; "" without one."""
    tls_proxies: tuple[Network, ...] = ()
    """The proxies that hand on clients' certificates; none, and no certificate is read."""
    content_keys_url: str = ""
    """The PostgreSQL database of the content keys; "" where they are in a file."""
    desk_url: str = ""
    """The PostgreSQL database of cases and journals; "" where they are in `desk_database`, with the records."""
    telemetry: Telemetry = field(default_factory=Telemetry)
    notify: NotifySettings = field(default_factory=NotifySettings)
    words_model: str = NO_MODEL
    """The model that recognises topics of a message: `minilm`; `none`; or `auto` for the one that is installed."""
    words_languages: tuple[str, ...] = DEFAULT_LANGUAGES
    """The languages in which messages are read; a sentence of another is unreadable."""
    leaks: tuple[LeakSettings, ...] = ()
    """Issuers to notify of their leaked credentials."""
    deliveries: tuple[DeliverySettings, ...] = ()
    """Receivers of messages about incidents."""
    contacts: tuple[str, ...] = ()
    """The desk's own addresses and numbers, which officers may give out."""
    people: PeopleSettings | None = None
    """The company's OpenID provider; None where people sign in with passkeys alone."""
    contact_attribute: str = "contact.email"
    """The attribute with the address at which the backoffice knows a customer."""
    http_backoffice: BackofficeSettings | None = None
    """The backoffice at an address of its own; None for the built-in one, or facts."""
    mapped_backoffice: MappedSettings | None = None
    """A system's own API as the backoffice; None for another one."""
    directory_backoffice: DirectorySettings | None = None
    """A company's directory as the backoffice; None for another one."""
    remote_helpdesk: HelpdeskSettings | None = None
    """The company's own helpdesk; None for the built-in one."""
    visitors: VisitorSettings | None = None
    """The terms for agents without a key; None where none are let in."""
    officers_named_to: tuple[str, ...] = NAMED_TO
    """The roles whose pages name officers."""
    brand: Brand = field(default_factory=Brand)
    """The company's logo and colour on people's pages."""
    decision_point: DecisionPointSettings | None = None
    """The decision point; None where no caller is named."""
    events: EventsSettings | None = None
    """Shared signals; None where neither side is set."""
    points: tuple[str, int] | None = None
    """The point at which this process kills itself, and at which pass: only for fault tests in a sandbox."""

    @property
    def loopback(self) -> bool:
        """Whether the desk is reachable only from this machine."""
        return self.host in LOOPBACK and urlsplit(self.issuer).hostname in LOOPBACK

    @property
    def records_served(self) -> bool:
        """Whether the backoffice over HTTP is `remit desk serve`, with this desk's own records."""
        far = self.http_backoffice
        return far is not None and far.signed and not far.answer_keys

    @property
    def keys(self) -> Path:
        """The folder of the desk's own keys."""
        return self.data / "keys"

    @property
    def content_keys(self) -> Path:
        """The file of the keys under which customers' content is sealed."""
        return self.data / "content-keys.sqlite"

    @property
    def store_is_file(self) -> bool:
        """Whether the store is a SQLite file, for one process."""
        return self.store_url.startswith("sqlite:///")

    @property
    def store_path(self) -> Path:
        """The SQLite file of the store."""
        return Path(self.store_url.removeprefix("sqlite:///"))
