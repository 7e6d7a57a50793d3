"""The only package that names plugs: it builds one desk, and its parts for the command line."""

from remit.adapters.backoffice.builtin import verify_effects
from remit.adapters.backoffice.conformance.promises import State as PromiseState
from remit.adapters.backoffice.conformance.promises import Verdict as PromiseVerdict
from remit.adapters.backoffice.http.openapi import contract_document
from remit.adapters.files.catalogue import read_text
from remit.adapters.files.frameworks import framework_names, read_frameworks
from remit.adapters.files.pack import pack_files, pack_languages, pack_names, read_pack
from remit.adapters.signer.file import verify_ed25519
from remit.adapters.store.location import StoreLocation
from remit.adapters.store.sqlite.inspect import StoreSummary, inspect_high_water
from remit.wiring.assemble import build_desk
from remit.wiring.backoffice import backoffice_server, probe_backoffice, request_key_pem, seed_records
from remit.wiring.conformance import (
    check_backoffice,
    read_probe,
    tested_by_desk,
    tested_by_key,
)
from remit.wiring.desk import Desk, SandboxDesk
from remit.wiring.directory import probe_directory
from remit.wiring.events import STREAM_ACTIONS, manage_stream
from remit.wiring.fault_points import crash_at
from remit.wiring.helpdesk import probe_helpdesk
from remit.wiring.keys import (
    content_keys_place,
    create_keys,
    inspect_content_keys,
    inspect_rows,
    inspect_states,
    keys_share_store_server,
    log_key,
    open_vault,
    rotate_keys,
    token_key_made,
)
from remit.wiring.notify import probe_carriers, probe_issuers, verify_carriers
from remit.wiring.observe import node_name, verify_telemetry
from remit.wiring.openapi_import import import_openapi
from remit.wiring.people import build_provider
from remit.wiring.records import desk_place, inspect_built_in_desk, move_desk_records
from remit.wiring.refusals import STOPS, StartFailure, Stopping, start_failure
from remit.wiring.rules import LoadedRules, RulesSource, load_rules, read_policies, rules_of
from remit.wiring.stores import (
    forget_desk,
    keep_high_water,
    migrate_shared_store,
    open_published_log,
    open_stored_log,
    store_location,
)
from remit.wiring.words import describe_words_model, heard_by, learn_lexicon, load_text_model, verify_words_model

__all__ = [
    "STOPS",
    "STREAM_ACTIONS",
    "Desk",
    "LoadedRules",
    "PromiseState",
    "PromiseVerdict",
    "RulesSource",
    "SandboxDesk",
    "StartFailure",
    "Stopping",
    "StoreLocation",
    "StoreSummary",
    "backoffice_server",
    "build_desk",
    "build_provider",
    "check_backoffice",
    "content_keys_place",
    "contract_document",
    "crash_at",
    "create_keys",
    "describe_words_model",
    "desk_place",
    "forget_desk",
    "framework_names",
    "heard_by",
    "import_openapi",
    "inspect_built_in_desk",
    "inspect_content_keys",
    "inspect_high_water",
    "inspect_rows",
    "inspect_states",
    "keep_high_water",
    "keys_share_store_server",
    "learn_lexicon",
    "load_rules",
    "load_text_model",
    "log_key",
    "manage_stream",
    "migrate_shared_store",
    "move_desk_records",
    "node_name",
    "open_published_log",
    "open_stored_log",
    "open_vault",
    "pack_files",
    "pack_languages",
    "pack_names",
    "probe_backoffice",
    "probe_carriers",
    "probe_directory",
    "probe_helpdesk",
    "probe_issuers",
    "read_frameworks",
    "read_pack",
    "read_policies",
    "read_probe",
    "read_text",
    "request_key_pem",
    "rotate_keys",
    "rules_of",
    "seed_records",
    "start_failure",
    "store_location",
    "tested_by_desk",
    "tested_by_key",
    "token_key_made",
    "verify_carriers",
    "verify_ed25519",
    "verify_effects",
    "verify_telemetry",
    "verify_words_model",
]
