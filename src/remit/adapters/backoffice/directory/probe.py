"""A look at a directory, which writes nothing: whether it has what the rules rely on, for each of the two accounts."""

from collections.abc import Iterator, Sequence
from typing import Final

from remit.adapters.backoffice.directory import messages
from remit.adapters.backoffice.directory.connection import Directory, LdapConnection
from remit.adapters.backoffice.directory.messages import Entry, Scope
from remit.adapters.backoffice.directory.rules import DirectoryFile, Entries

_EXTENSIONS: Final = "supportedExtension"
_CONTROLS: Final = "supportedControl"
_SCHEMA: Final = "subschemaSubentry"
_NEEDED: Final = (
    (_EXTENSIONS, messages.START_TRANSACTION, "transactions (RFC 5805)"),
    (_CONTROLS, messages.ASSERTION, "assertions (RFC 4528)"),
)


async def probe(directory: Directory, file: DirectoryFile) -> Sequence[str]:
    """Return what is wrong, in sentences without an end.

    Raises:
        Fault: `fault.backoffice` when it does not answer, or does not accept an account.
    """

    async def reading(connection: LdapConnection) -> list[str]:
        root = await _root(connection)
        return [
            *_promise_problems(root, file),
            *(await _mark_problems(connection, root, file.marker.attribute) if file.marker is not None else ()),
            *await _place_problems(connection, file, "the account that reads"),
        ]

    async def acting(connection: LdapConnection) -> list[str]:
        found = await _place_problems(connection, file, "the account that acts")
        if file.transaction is not None and not await _there(connection, file.transaction.acts):
            found.append(f"the account that acts cannot see {file.transaction.acts}")
        return found

    try:
        return [*await directory.read(reading), *await directory.act(acting)]
    finally:
        directory.close()


async def _root(connection: LdapConnection) -> Entry:
    where = messages.present("objectClass")
    found = await connection.search("", Scope.ENTRY, where, [_EXTENSIONS, _CONTROLS, _SCHEMA], most=1)
    return found[0] if found else Entry(dn="", values={})


def _promise_problems(root: Entry, file: DirectoryFile) -> Iterator[str]:
    for attribute, name, words in _NEEDED if file.transaction is not None else ():
        if name not in root.texts(attribute):
            yield f"it offers no {words}, which [transaction] relies on"


async def _mark_problems(connection: LdapConnection, root: Entry, attribute: str) -> list[str]:
    """Look into the schema. ⚔ Where two marks fit beside each other, a fence stops nothing."""
    where, read = messages.present("objectClass"), ["attributeTypes"]
    found = await connection.search(root.only(_SCHEMA), Scope.ENTRY, where, read, most=1)
    for definition in found[0].texts("attributeTypes") if found else ():
        if f"'{attribute.lower()}'" in definition.lower():
            return [] if "SINGLE-VALUE" in definition else [f"{attribute} takes several values, and a mark is one"]
    return [f"{attribute}, which [marker] relies on, is not in its schema"]


async def _there(connection: LdapConnection, name: str) -> bool:
    return bool(await connection.search(name, Scope.ENTRY, messages.present("objectClass"), most=1))


async def _place_problems(connection: LdapConnection, file: DirectoryFile, account: str) -> list[str]:
    """Look for one entry of each place, and for the version in it."""
    places: dict[str, Entries] = {
        "customer": file.customer,
        **{f"kind.{name}": kind for name, kind in file.kind.items()},
    }
    problems = []
    for name, place in places.items():
        where = messages.every(messages.equal("objectClass", place.class_), messages.present(place.id))
        read = [place.id, file.version_attribute]
        found = await connection.search(place.base, Scope.SUBTREE, where, read, most=1)
        if not found:
            problems.append(f"{account} sees no {place.class_} with {place.id} below {place.base} ([{name}])")
        elif not found[0].only(file.version_attribute):
            problems.append(f"{account} cannot read {file.version_attribute} of {found[0].dn}")
    return problems
