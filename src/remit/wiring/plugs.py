"""Plugs that only some desks use, loaded when the wiring first uses them; their types stand in `plugs.pyi`.

A desk on SQLite with the built-in desk holds no driver of PostgreSQL, no mail and no client of another system
(docs/decisions/0065-plugs-are-loaded-when-used.md). A plug that the settings need is used while the desk is built, so
that one that cannot be loaded stops the start.
"""

from typing import Final

from remit.wiring.lazy import load_on_use

_OF: Final = {
    "remit.adapters.backoffice.directory.rules": ("DirectoryRules", "read_directory_rules"),
    "remit.adapters.backoffice.mapped.mapping": ("ApiMapping", "read_mapping"),
    "remit.adapters.backoffice.moved": ("has_records", "move_records"),
    "remit.adapters.builtin_desk.postgres": ("PostgresCases", "has_desk_rows"),
    "remit.adapters.log_reader.postgres": ("PostgresLog",),
    "remit.adapters.notify.postgres": ("PostgresNotify",),
    "remit.adapters.notify.smtp": ("MailServer", "SmtpCarrier"),
    "remit.adapters.store.postgres.location": ("PostgresLocation",),
    "remit.adapters.vault.postgres.inspect": ("missing_keys_at", "same_server"),
    "remit.adapters.vault.postgres.vault": ("PostgresVault",),
    "remit.wiring.backoffice": ("open_http_backoffice",),
    "remit.wiring.directory": ("open_directory_backoffice",),
    "remit.wiring.events": ("build_signals",),
    "remit.wiring.helpdesk": ("event_signing", "open_remote_helpdesk"),
    "remit.wiring.mapped": ("open_mapped_backoffice",),
    "remit.wiring.people": ("build_provider",),
}
__getattr__ = load_on_use(__name__, _OF)
