"""Everything that names plugs: one desk put together, and its parts as the command line works with them one by one."""

from remit.adapters.backoffice.builtin import verify_effects
from remit.adapters.files.catalogue import read_text
from remit.adapters.files.frameworks import framework_names, read_frameworks
from remit.adapters.files.pack import pack_files, pack_languages, pack_names, read_pack
from remit.adapters.signer.file import verify_ed25519
from remit.adapters.store.location import StorePlace
from remit.adapters.store.sqlite.inspect import Look, look_at_high_water
from remit.wiring.assemble import build
from remit.wiring.desk import Desk, SandboxDesk
from remit.wiring.fault_points import stop_at
from remit.wiring.keys import (
    content_keys_place,
    create_keys,
    keys_are_beside_the_store,
    log_key,
    look_at_content_keys,
    open_vault,
    rotate_keys,
    token_key_made,
)
from remit.wiring.notify import look_at_carriers, look_at_owners, verify_carriers
from remit.wiring.observe import node_name, verify_telemetry
from remit.wiring.people import provider_of
from remit.wiring.records import desk_place, look_at_kept_desk
from remit.wiring.refusals import STOPS, Stop, Stopping, stop_of
from remit.wiring.rules import Loaded, Rules, load_rules, read_policies, rules_of
from remit.wiring.stores import forget_desk, keep_high_water, migrate_beside, published_log, store_at, stored_log
from remit.wiring.words import learn_words, verify_words_model

__all__ = [
    "STOPS",
    "Desk",
    "Loaded",
    "Look",
    "Rules",
    "SandboxDesk",
    "Stop",
    "Stopping",
    "StorePlace",
    "build",
    "content_keys_place",
    "create_keys",
    "desk_place",
    "forget_desk",
    "framework_names",
    "keep_high_water",
    "keys_are_beside_the_store",
    "learn_words",
    "load_rules",
    "log_key",
    "look_at_carriers",
    "look_at_content_keys",
    "look_at_high_water",
    "look_at_kept_desk",
    "look_at_owners",
    "migrate_beside",
    "node_name",
    "open_vault",
    "pack_files",
    "pack_languages",
    "pack_names",
    "provider_of",
    "published_log",
    "read_frameworks",
    "read_pack",
    "read_policies",
    "read_text",
    "rotate_keys",
    "rules_of",
    "stop_at",
    "stop_of",
    "store_at",
    "stored_log",
    "token_key_made",
    "verify_carriers",
    "verify_ed25519",
    "verify_effects",
    "verify_telemetry",
    "verify_words_model",
]
