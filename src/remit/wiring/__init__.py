"""The only package that names plugs: it builds one desk, and its parts for the command line.

Its names are loaded when they are first used, so that a desk that serves holds no conformance suite and no importer;
their types stand in `__init__.pyi`.
"""

from typing import Final

from remit.wiring.lazy import load_on_use

_OF: Final = {
    "remit.adapters.backoffice.builtin": ("verify_effects",),
    "remit.adapters.backoffice.http.openapi": ("contract_document",),
    "remit.adapters.files.catalogue": ("read_text",),
    "remit.adapters.files.frameworks": ("framework_names", "read_frameworks"),
    "remit.adapters.files.pack": ("pack_files", "pack_languages", "pack_names", "read_pack"),
    "remit.adapters.signer.file": ("verify_ed25519",),
    "remit.adapters.store.location": ("StoreLocation",),
    "remit.adapters.store.sqlite.inspect": ("StoreSummary", "inspect_high_water"),
    "remit.wiring.assemble": ("build_desk",),
    "remit.wiring.backoffice": ("backoffice_server", "probe_backoffice", "request_key_pem", "seed_records"),
    "remit.wiring.conformance": (
        "PromiseState",
        "PromiseVerdict",
        "check_backoffice",
        "read_probe",
        "tested_by_desk",
        "tested_by_key",
    ),
    "remit.wiring.desk": ("Desk", "SandboxDesk"),
    "remit.wiring.directory": ("probe_directory",),
    "remit.wiring.events": ("STREAM_ACTIONS", "manage_stream"),
    "remit.wiring.fault_points": ("crash_at",),
    "remit.wiring.helpdesk": ("probe_helpdesk",),
    "remit.wiring.keys": (
        "content_keys_place",
        "create_keys",
        "inspect_content_keys",
        "inspect_rows",
        "inspect_states",
        "keys_share_store_server",
        "log_key",
        "open_vault",
        "plan_keys",
        "rotate_keys",
        "token_key_made",
    ),
    "remit.wiring.notify": ("probe_carriers", "probe_issuers", "probe_receivers", "verify_carriers"),
    "remit.wiring.observe": ("node_name", "verify_telemetry"),
    "remit.wiring.openapi_import": ("import_openapi",),
    "remit.wiring.people": ("build_provider",),
    "remit.wiring.records": ("desk_place", "inspect_built_in_desk", "move_desk_records"),
    "remit.wiring.refusals": ("STOPS", "StartFailure", "Stopping", "start_failure"),
    "remit.wiring.rules": ("LoadedRules", "RulesSource", "load_rules", "read_policies", "rules_of"),
    "remit.wiring.stores": (
        "forget_desk",
        "keep_high_water",
        "migrate_shared_store",
        "open_published_log",
        "open_stored_log",
        "store_location",
    ),
    "remit.wiring.words": (
        "describe_words_model",
        "heard_by",
        "learn_lexicon",
        "load_text_model",
        "verify_words_model",
    ),
}
__getattr__ = load_on_use(__name__, _OF)
