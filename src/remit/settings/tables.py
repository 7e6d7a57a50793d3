"""The tables of `remit.toml` that hold single values, and the whole document."""

from typing import Annotated, Final, Literal

from msgspec import Meta, field

from remit.settings.backoffice import BackofficeTable
from remit.settings.decision_point import DecisionPointTable
from remit.settings.decode import Table
from remit.settings.deliveries import MOST as MOST_DELIVERIES
from remit.settings.deliveries import DeliveryTable
from remit.settings.events import EventsTable
from remit.settings.helpdesk import HelpdeskProduct, HelpdeskTable
from remit.settings.identity import Federations, SpiffeTable, WebBotAuthTable
from remit.settings.leaks import MOST, LeakTable
from remit.settings.mtls import MtlsTable
from remit.settings.notify import NotifyTable
from remit.settings.people import PeopleTable
from remit.settings.telemetry import TelemetryTable
from remit.settings.terms import TermsTable
from remit.settings.transcript import TranscriptTable
from remit.settings.values import Text
from remit.settings.visitors import VisitorsTable
from remit.settings.words import WordsTable

SANDBOX_TIMES: Final = 100
"""Factor of a sandbox's limits: on its own machine alone, it is there to be tried hard."""
LAST_PORT: Final = 65_535
Port = Annotated[int, Meta(ge=0, le=LAST_PORT, description=f"a number from 0 to {LAST_PORT}")]
Rate = Annotated[int, Meta(ge=1, le=1_000_000)]
Bytes = Annotated[int, Meta(ge=64 * 1024, le=2**40, description="a number of bytes, 65536 or more")]
HeldBytes = Annotated[int, Meta(ge=1024 * 1024, le=2**40, description="a number of bytes, 1048576 (one body) or more")]
Files = Annotated[tuple[Text, ...], Meta(description='a list of files, such as ["policies/*.cedar"]')]
Header = Annotated[
    str,
    Meta(
        pattern=r"\A[A-Za-z0-9-]{0,64}\Z",
        description='the name of a header that your own proxy sets, such as "X-Real-IP"',
    ),
]


class ServerTable(Table, frozen=True):
    """`[server]`: the public address, where the process listens, and the folder of keys."""

    issuer: Annotated[
        str, Meta(min_length=1, description='the address people and agents use, such as "https://desk.example"')
    ]
    host: Annotated[str, Meta(min_length=1, description='the address to listen on, such as "127.0.0.1"')]
    port: Port
    data: Annotated[str, Meta(min_length=1, description='the folder for keys and content keys, such as "data"')]


class StoreTable(Table, frozen=True):
    """`[store]`."""

    url: Annotated[str, Meta(min_length=1, description="sqlite:///PATH or postgresql://USER@HOST/DATABASE")]


class KeysTable(Table, frozen=True):
    """`[keys]`: the database of the content keys; without one they are a file in `server.data`."""

    content: Annotated[str, Meta(description="postgresql://… of a database for the content keys alone")] = ""


class LogTable(Table, frozen=True):
    """`[log]`: the transcript's name, and the file of its newest checkpoint."""

    name: Annotated[str, Meta(min_length=1, description='the name of the transcript, such as "desk.example/log"')]
    high_water: Annotated[
        str, Meta(min_length=1, description='a file outside the store, such as "high-water/checkpoint"')
    ]


class CatalogueTable(Table, frozen=True):
    """`[catalogue]`."""

    files: Files | None = None


class PoliciesTable(Table, frozen=True):
    """`[policies]`: the rules, and their test cases."""

    files: Files | None = None
    cases: Files = ()


class DeskTable(Table, frozen=True):
    """`[desk]`: the built-in desk, the pack it was made with, and the company's logo and colour."""

    database: Annotated[
        str, Meta(min_length=1, description='a file such as "data/desk.sqlite", or postgresql://USER@HOST/DATABASE')
    ]
    pack: Text | None = None
    backoffice: Literal["builtin", "directory", "facts", "http", "mapped"] = "builtin"
    helpdesk: HelpdeskProduct = "builtin"
    logo: Annotated[str, Meta(description='an SVG or PNG file such as "logo.svg"')] = ""
    accent: Annotated[str, Meta(description='a colour such as "#1d5c52"')] = ""


class LimitsTable(Table, frozen=True):
    """`[limits]`: requests and bytes of bodies per second and at once, bodies in flight, connections."""

    client_per_s: Rate = 100
    client_burst: Rate = 400
    caller_per_s: Rate = 2_000
    caller_burst: Rate = 4_000
    peer_per_s: Rate = 20
    peer_burst: Rate = 200
    unproved_per_s: Rate = 500
    unproved_burst: Rate = 2_000
    peer_bytes_per_s: Bytes = 256 * 1024
    peer_bytes_burst: Bytes = 2 * 1024 * 1024
    unproved_bytes_per_s: Bytes = 4 * 1024 * 1024
    unproved_bytes_burst: Bytes = 16 * 1024 * 1024
    peer_in_flight_bytes: HeldBytes = 32 * 1024 * 1024
    in_flight_bytes: HeldBytes = 128 * 1024 * 1024
    peer_connections: Rate = 512
    connections: Rate = 4_000
    peer_header: Header = ""


class DpopTable(Table, frozen=True):
    """`[dpop]`: whether a proof has to carry a nonce of the desk's."""

    nonce: bool = False


class SandboxTable(Table, frozen=True):
    """`[sandbox]`. `switcher`: one browser may become each of its people, as in the demo."""

    enabled: bool = False
    switcher: bool = False


class Document(Table, frozen=True):
    """`remit.toml`, decoded."""

    server: ServerTable
    store: StoreTable
    log: LogTable
    desk: DeskTable
    words: WordsTable
    backoffice: BackofficeTable = BackofficeTable()
    helpdesk: HelpdeskTable = HelpdeskTable()
    keys: KeysTable = KeysTable()
    catalogue: CatalogueTable = CatalogueTable()
    policies: PoliciesTable = PoliciesTable()
    terms: TermsTable = TermsTable()
    limits: LimitsTable = LimitsTable()
    dpop: DpopTable = DpopTable()
    decision_point: DecisionPointTable = DecisionPointTable()
    federation: Federations = ()
    mtls: MtlsTable = MtlsTable()
    notify: NotifyTable = NotifyTable()
    people: PeopleTable = PeopleTable()
    telemetry: TelemetryTable = TelemetryTable()
    leak: Annotated[
        tuple[LeakTable, ...], Meta(max_length=MOST, description=f"tables of their own: [[leak]], {MOST} at most")
    ] = field(default=())
    deliveries: Annotated[
        tuple[DeliveryTable, ...],
        Meta(max_length=MOST_DELIVERIES, description=f"tables of their own: [[deliveries]], {MOST_DELIVERIES} at most"),
    ] = field(default=())
    events: EventsTable = EventsTable()
    sandbox: SandboxTable = SandboxTable()
    transcript: TranscriptTable = TranscriptTable()
    visitors: VisitorsTable = VisitorsTable()
    spiffe: SpiffeTable = SpiffeTable()
    web_bot_auth: WebBotAuthTable = WebBotAuthTable()
