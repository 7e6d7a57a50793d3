"""What a store does not stand without: the content keys, and the built-in desk's file. Whether they are there, and are its own."""

from pathlib import Path

from remit.adapters.desk_database import verify_desk_kept
from remit.adapters.store.look import look, look_at_sealings
from remit.adapters.vault.look import look_at_keys, verify_present


def verify_nothing_lost(store: Path, keys: Path, desk: Path | None) -> None:
    """Check, before any file is made, that none is missing which was there when the store's entries were written.

    ⚔ A file that is lost is never made anew in silence: nobody would notice before its content is needed. `desk` is the
    built-in desk's file, None where the desk is another one.

    Raises:
        Refused: `settings.invalid`.
    """
    lost = not keys.is_file() or (desk is not None and not desk.is_file())
    if lost and store.is_file() and look(store).entries:
        verify_present(keys)
        if desk is not None:
            verify_desk_kept(desk)


def look_at_keys_of(store: Path, keys: Path) -> bool:
    """Check that a store's content keys are its own, also while it is served; False when they are in use, and were not looked at.

    Raises:
        Refused: `settings.invalid` when they are lost, cannot be read, or do not belong to the store.
        Fault: `fault.store` when the store does not answer.
    """
    return look_at_keys(keys, look_at_sealings(store))
