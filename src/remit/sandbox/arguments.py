"""Validation of a sandbox's arguments before anything is opened or sent: each mistake has a code and a cure."""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from remit.client.errors import Miswritten, Problem, Refused, Unavailable
from remit.client.requests import kind_of
from remit.wiring import Stopping, start_failure

_TABLES: Final = 'Give tables of remit.toml: {"terms": {"waiting_per_pair": 1}}.'
_CURES: Final = {
    "catalogue.invalid": "Correct the catalogue that the sandbox is given.",
    "policy.invalid": "Correct the policies that the sandbox is given.",
    "settings.invalid": "Correct what the detail names: settings are tables of remit.toml.",
}


def verify_rules(catalogue: object, policies: object) -> None:
    """Verify the places of a sandbox's rules.

    Raises:
        Miswritten: `settings.invalid`.
    """
    for given in () if isinstance(catalogue, Mapping) else _several(catalogue):
        if not isinstance(given, str | Path):
            raise _unfit(
                "catalogue is a path, several paths, or a table", given, "Name a *.toml file or a folder of them."
            )
    for given in () if policies is None else _several(policies):
        if not isinstance(given, str | Path):
            cure = (
                "Name a *.cedar file or a folder of them, give the policies as one text, or None to permit everything."
            )
            raise _unfit("policies are a path, several paths, or a text", given, cure)


def verify_tables(facts: object, settings: object) -> None:
    """Verify arguments given as tables; their content is read later.

    Raises:
        Miswritten: `settings.invalid`.
    """
    if not isinstance(facts, Mapping):
        raise _unfit("facts are a mapping", facts, 'Give facts such as {"owners": {"order": {"W1": "anna"}}}.')
    if not isinstance(settings, Mapping):
        raise _unfit("settings are a mapping of tables", settings, _TABLES)
    for name, table in settings.items():
        many = isinstance(table, list) and all(isinstance(one, Mapping) for one in table)  # [[leak]]
        if not isinstance(table, Mapping) and not many:
            raise _unfit(f"settings: {name!r} is a table", table, _TABLES)


def verify_functions(**given: object) -> None:
    """Verify that each argument is a function, or None. ⚔ An unawaited coroutine would be reported done, never run.

    Raises:
        Miswritten: `settings.invalid`.
    """
    for name, value in given.items():
        if value is not None and not callable(value):
            raise _unfit(f"{name} is a function", value, f"Give the function itself, or leave {name} out.")
        if inspect.iscoroutinefunction(value) or inspect.iscoroutinefunction(getattr(value, "__call__", None)):  # noqa: B004  # an object may be called, too
            cure = "Write `def`, not `async def`: what it returns is taken at once."
            detail = f"{name} is a plain function, not a coroutine function."
            raise Miswritten("settings.invalid", detail=detail, cure=cure)


def verify_store(store: object) -> None:
    """Verify the place for data, or None. ⚔ Data meant to be kept is never thrown away for an empty name.

    Raises:
        Miswritten: `settings.invalid`.
    """
    if store is not None and not (isinstance(store, str | Path) and str(store)):
        raise _unfit(
            "store is a folder, sqlite:///FILE or postgresql://…",
            store,
            "Name one, or leave store out: then all is thrown away at the end.",
        )


def verify_texts(**given: object) -> None:
    """Verify that each argument is a text.

    Raises:
        Miswritten: `request.malformed`, naming the argument.
    """
    for name, value in given.items():
        if not isinstance(value, str):
            raise miswritten(f"{name} is a text, not {kind_of(value)}.", f"Give {name} as a text.")


def texts(value: object, name: str) -> tuple[str, ...]:
    """Return a list of texts.

    Raises:
        Miswritten: `request.malformed` when it is none; a single text is none either.
    """
    found = None if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping) else tuple(value)
    if found is None or not all(isinstance(one, str) for one in found):
        raise miswritten(
            f"{name} are a list of texts, not {kind_of(value)}.", f'Give a list, also for a single one: {name}=["…"].'
        )
    return found


def one_of(**given: object) -> tuple[str, object]:
    """Return the one argument that is given, with its name.

    Raises:
        Miswritten: `request.malformed` when none is, or several are.
    """
    found = [(name, value) for name, value in given.items() if value is not None]
    if len(found) != 1:
        names = " and ".join(name for name, _ in found) or "none"
        raise miswritten(
            f"exactly one of {', '.join(given)} is given, not {names}.",
            f"Name one alone, such as {next(iter(given))}=….",
        )
    return found[0]


def not_made(stop: Stopping) -> Problem:
    """Convert a failed start of a sandbox's desk to an error of this package."""
    failure = start_failure(stop)
    cure = failure.cure if failure.own_cure else _CURES.get(failure.code, failure.cure)
    kind = Unavailable if failure.broken else Miswritten if failure.code in _CURES else Refused
    return kind(failure.code, title=failure.title, detail=failure.detail, cure=cure)


def miswritten(detail: str, cure: str) -> Miswritten:
    """Build the error of a malformed argument."""
    return Miswritten("request.malformed", detail=detail, cure=cure)


def _several(given: object) -> Sequence[object]:
    return given if isinstance(given, Sequence) and not isinstance(given, str | bytes) else (given,)


def _unfit(should: str, given: object, cure: str) -> Miswritten:
    return Miswritten("settings.invalid", detail=f"{should}, not {kind_of(given)}.", cure=cure)
