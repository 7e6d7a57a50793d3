"""A desk's own keys, and the content keys that seal customers' content: in files, or on PostgreSQL.

Rows on PostgreSQL belong to the log's name and key, which a desk keeps for good: two desks of one name share nothing.
"""

from collections.abc import Callable, Collection, Sequence

from remit.adapters.db.postgres_url import redacted_url
from remit.adapters.signer import file as key_files
from remit.adapters.signer.file import FileSigner, verify_ed25519
from remit.adapters.signer.token_keys import NEXT, TOKEN, plan_token_key
from remit.adapters.store.row_macs import RowMacs
from remit.adapters.vault.file import FileVault
from remit.adapters.vault.inspect import inspect_keys, verify_keys
from remit.adapters.world.system import SystemWorld
from remit.domain.errors import Code, Refused
from remit.domain.transcript.verification import verify_checkpoint, verify_vkey
from remit.domain.values import Instant
from remit.ports.vault import ContentKeyRef
from remit.ports.world import World
from remit.proof.checkpoint import Checkpoint, checkpoint_text
from remit.settings import Settings, is_postgres_url
from remit.wiring import plugs
from remit.wiring.stores import store_location


def create_keys(settings: Settings) -> str:
    """Make the desk's keys, once, and return the log's public key.

    Raises:
        Refused: `settings.invalid` when there are some already.
    """
    settings.keys.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return key_files.create_key_folder(settings.keys, settings.log_name)


def rotate_keys(settings: Settings, *, keep_old: bool) -> str:
    """Make a new token key and return its id; without `keep_old` every token dies at once.

    Raises:
        Refused: `settings.invalid`.
    """
    return key_files.rotate_token_key(settings.keys, keep_old=keep_old)


def plan_keys(settings: Settings, *, ahead_s: int) -> tuple[str, Instant]:
    """Make the next token key, published at once and used after a while; return its id and when that is.

    Raises:
        Refused: `settings.invalid` when another one waits for its time, or the folder cannot be written.
    """
    now = SystemWorld().now()
    at = Instant(now + ahead_s * 1000)
    return plan_token_key(settings.keys, now_ms=now, from_ms=at), at


def log_key(settings: Settings) -> str:
    """Return the log's public key as a C2SP vkey.

    Raises:
        Refused: `settings.invalid` when the keys cannot be read, or are those of a log with another name.
    """
    return _keys(settings).log_key()


def token_key_made(settings: Settings) -> float:
    """Return when the token key was made, or restored, in seconds since 1970.

    Raises:
        OSError: when it cannot be looked at.
    """
    made = [settings.keys / TOKEN, *settings.keys.glob(f"{NEXT}*.pem")]
    return max(one.stat().st_mtime for one in made)


def open_vault(settings: Settings, world: World) -> "FileVault | plugs.PostgresVault":
    """Open the content keys.

    Raises:
        Refused: `settings.invalid` when they cannot be used.
        Fault: `fault.store` when their database does not answer.
    """
    if settings.content_keys_url:
        return plugs.PostgresVault(settings.content_keys_url, rows_of(settings), world)
    return FileVault(settings.content_keys, world)


def verify_content_keys(
    settings: Settings, vault: "FileVault | plugs.PostgresVault", sealed: Collection[ContentKeyRef]
) -> None:
    """Verify that no content key of the store is missing, and that they are kept apart from it.

    Raises:
        Refused: `settings.invalid`.
        Fault: `fault.store` when they do not answer.
    """
    verify_keys(content_keys_place(settings), vault.missing_keys(sealed))


def inspect_content_keys(settings: Settings, sealed: Collection[ContentKeyRef]) -> bool:
    """Inspect the keys of a store that may be served meanwhile; return whether they could be read, or are in use.

    Raises:
        Refused: `settings.invalid` when they are not there, cannot be read, or are not those of the store.
        Fault: `fault.store` when their database does not answer.
    """
    if not settings.content_keys_url:
        return inspect_keys(settings.content_keys, sealed)
    verify_keys(
        content_keys_place(settings), plugs.missing_keys_at(settings.content_keys_url, rows_of(settings), sealed)
    )
    return True


def content_keys_place(settings: Settings) -> str:
    """Return the place of the content keys, safe to show."""
    return redacted_url(settings.content_keys_url) if settings.content_keys_url else str(settings.content_keys)


def keys_share_store_server(settings: Settings) -> bool:
    """Return whether keys and store are databases of one server.

    Raises:
        Refused: `settings.invalid` when one cannot be used.
        Fault: `fault.store` when one does not answer.
    """
    keys = settings.content_keys_url
    return bool(keys) and is_postgres_url(settings.store_url) and plugs.same_server(keys, settings.store_url)


def open_signer(settings: Settings, world: World | None = None) -> FileSigner:
    """Open the desk's keys; a first start on an empty folder makes them, a later one without them is refused."""
    if not settings.keys.exists() and not store_location(settings).exists():
        settings.keys.parent.mkdir(parents=True, exist_ok=True)
        key_files.create_key_folder(settings.keys, settings.log_name)
    return _keys(settings, None if world is None else lambda: world.now())  # noqa: PLW0108  # tests replace the clock


def signing(signer: FileSigner, origin: str) -> Callable[[int, bytes], str]:
    """Return the signer of the log's checkpoints."""

    def sign(size: int, root: bytes) -> str:
        return signer.sign_note(checkpoint_text(Checkpoint(origin=origin, size=size, root=root)))

    return sign


def verifying(signer: FileSigner) -> Callable[[str], Checkpoint]:
    """Return the verifier of the log's checkpoints."""
    vkey = verify_vkey(signer.log_key())

    def verify(note: str) -> Checkpoint:
        return verify_checkpoint(note, [vkey], verify_ed25519)

    return verify


def row_macs(signer: FileSigner) -> RowMacs:
    """Return the MACs of the store's rows, under a key derived from the desk's secret: it lasts as long as that.

    Source: docs/model/model.md#rows.
    """
    return RowMacs(signer.keyed("stored rows", b"1"), signer.keyed)


def inspect_rows(settings: Settings) -> int | None:
    """Verify all rows of a store that may be served meanwhile; return their number, None where they have no MACs yet.

    Raises:
        Refused: `log.damaged` for rows that this desk did not write, `settings.invalid`.
        Fault: `fault.store` when it does not answer.
    """
    return store_location(settings).verify_rows(row_macs(_keys(settings)), settings.high_water)


def inspect_states(settings: Settings) -> Sequence[str]:
    """Return a line for each row of a store that is not as its log last said.

    Raises:
        Refused: `log.damaged` when an entry cannot be read, `settings.invalid`.
        Fault: `fault.store` when it does not answer.
    """
    return store_location(settings).compare_states(_keys(settings).keyed)


def rows_of(settings: Settings) -> str:
    """Return the owner of the desk's rows, in a database that desks may share."""
    name, key_hash, _ = FileSigner(settings.keys).log_key().split("+", 2)
    return f"{name}+{key_hash}"


def _keys(settings: Settings, now_ms: Callable[[], int] | None = None) -> FileSigner:
    """⚔ Return the keys of the log's name, which is part of its key and of every kept checkpoint: it never changes."""
    signer = FileSigner(settings.keys, now_ms)
    name = verify_vkey(signer.log_key()).name
    if name != settings.log_name:
        cure = f'Write name = "{name}" again: the log keeps its name for good.'
        detail = f"log.name is {settings.log_name}, but the log of the keys in {settings.keys} is {name}"
        raise Refused(Code.SETTINGS_INVALID, detail, cure=cure)
    return signer
