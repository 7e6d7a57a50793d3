"""Shared steps of commands: reading settings, and opening the desk for one piece of work."""

import argparse
import asyncio
import getpass
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from remit.cli.output import AdvisedError
from remit.domain.errors import Code, Refused
from remit.settings import Settings, load_settings
from remit.wiring import (
    Desk,
    LoadedRules,
    build_desk,
    inspect_high_water,
    load_rules,
    rules_of,
    store_location,
    verify_ed25519,
    verify_effects,
)

T = TypeVar("T")
CONFIG: Final = "remit.toml"
LAST_PORT: Final = 65_535
ENROL_PAGE: Final = "/enrol"
"""The page for a one-time code; opening it spends nothing, and no access log is kept that could hold it."""


def common_options() -> argparse.ArgumentParser:
    """Return the options every command has."""
    parser = argparse.ArgumentParser(add_help=False)
    # Without a default of its own, which would undo a `--json` before the command.
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="Print the result as one JSON object"
    )
    return parser


def desk_options() -> argparse.ArgumentParser:
    """Return the options of commands that work on a desk."""
    parser = argparse.ArgumentParser(add_help=False, parents=[common_options()])
    parser.add_argument(
        "--config", default=CONFIG, metavar="FILE", help="The desk's remit.toml, or its folder (default: ./remit.toml)"
    )
    return parser


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Build an option's reader for a whole number, which refuses values out of range before anything is done."""

    def read(text: str) -> int:
        number = int(text) if text.removeprefix("-").isascii() and text.removeprefix("-").isdecimal() else None
        if number is None or not least <= number <= most:
            raise argparse.ArgumentTypeError(f"{text} is no whole number from {least} to {most}")
        return number

    return read


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C off for a few steps that must not be left half done; it may still come after them."""
    before = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread, which alone is interrupted
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def command_seat() -> str:
    """Return the seat of a command for the record: the machine's account, which no command line can vouch for."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"cli:{os.getuid()}"


def settings_of(args: argparse.Namespace) -> Settings:
    """Load the settings a command was pointed at.

    Raises:
        Refused: `settings.invalid`.
    """
    path = Path(args.config)
    file = path / CONFIG if path.is_dir() else path
    if not file.is_file():
        cure = "Name the desk's remit.toml with --config, or create a desk with `remit init DIR`."
        raise AdvisedError(Refused(Code.SETTINGS_INVALID, f"there is no {file}"), cure)
    return load_settings(file)


def rules_to_serve(settings: Settings) -> LoadedRules:
    """Load the rules of a desk, valid for its backoffice: what passes here starts.

    Raises:
        Refused: `catalogue.invalid`, `policy.invalid`.
    """
    loaded = load_rules(settings, rules_of(settings))
    if settings.backoffice == "builtin" and not settings.sandbox:
        verify_effects(loaded.catalogue)
    return loaded


def verify_desk_exists(settings: Settings) -> None:
    """Verify that the desk exists: one whose data is not mounted must not be remade with other keys.

    Raises:
        Refused: `settings.invalid`.
    """
    if not settings.keys.is_dir():
        cure = "Create a desk with `remit init DIR`, or mount the data of the one you have."
        raise AdvisedError(Refused(Code.SETTINGS_INVALID, f"there are no keys in {settings.keys}"), cure)


def with_desk(
    settings: Settings, work: Callable[[Desk], Awaitable[T]], *, recovering: bool = False, on_page: bool = False
) -> T:
    """Open the desk for one piece of work, and close it again; a single-process store must not be served meanwhile.

    `on_page` says that the desk's own /security page can do the same.

    Raises:
        AdvisedError: when a server has it open.
        Refused: as building a desk is refused.
    """
    verify_desk_exists(settings)
    desk = open_desk(settings, recovering=recovering, on_page=on_page)

    async def run() -> T:
        try:
            return await work(desk)
        finally:
            await desk.stop()

    return asyncio.run(run())


def open_desk(settings: Settings, *, recovering: bool = False, on_page: bool = False) -> Desk:
    """Build the desk of these settings. With a shared store it works as one more node; a recovery runs alone.

    Raises:
        AdvisedError: when a server has it open.
        Refused: as building a desk is refused.
    """
    if recovering or not store_location(settings).shared:
        verify_not_served(settings, on_page=on_page)
    return build_desk(settings, rules_of(settings), recovering=recovering)


def verify_not_served(settings: Settings, *, on_page: bool = False) -> None:
    """Verify that no server has the desk open.

    Raises:
        AdvisedError: when one has.
    """
    store = store_location(settings)
    if store.is_served():
        raise AdvisedError(
            Refused(Code.SETTINGS_INVALID, f"the desk is being served: another process has {store.name} open"),
            "Use the desk's own /security page, or stop the server and try again."
            if on_page
            else "Stop the server and try again.",
        )


def own_high_water(settings: Settings, vkey: str) -> str:
    """Return the desk's high-water checkpoint, kept outside its store: the newest that verifies, as at a start.

    ⚔ To be read before the store: what is published meanwhile is then in the store.

    Raises:
        Refused: `settings.invalid` when it is not there or may not be read, `log.damaged` when nothing of it verifies.
    """
    kept = inspect_high_water(settings.high_water, vkey, verify_ed25519)
    if kept is None:
        detail = f"log.high_water: there is no {settings.high_water}"
        raise Refused(Code.SETTINGS_INVALID, detail, cure="Put the file back; if it is lost, run `remit recover`.")
    return kept.note
