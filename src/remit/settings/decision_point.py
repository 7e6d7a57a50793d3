"""The decision point: the tables `[decision_point]` and `[[decision_point.callers]]` of `remit.toml`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

from msgspec import Meta, field

from remit.domain.ids import is_word
from remit.domain.structs import struct
from remit.settings.decode import InvalidSetting, Table, nth_table
from remit.settings.values import Text, file_of, files_of, optional_file

_MOST: Final = 64
_NAME: Final = 'a plain name such as "ticket-router"'
_ACTIONS: Final = 'a list of names, such as ["payment.*"], or ["*"] for all'
_OBLIGATIONS: Final = 'a list of types, such as ["step-up"]'
_ENTITIES: Final = "the name of a JSON file, or a list of tables with type, id, properties and parents"


class CallerTable(Table, frozen=True):
    """One `[[decision_point.callers]]`: a gateway or a program of the desk's own."""

    name: Annotated[str, Meta(max_length=40, description=_NAME)]
    sha256_file: Annotated[str, Meta(min_length=1, description="the name of a file with the SHA-256 of its secret")]
    actions: Annotated[tuple[Text, ...], Meta(min_length=1, description=_ACTIONS)]
    acts: bool = False
    obligations: Annotated[tuple[Text, ...], Meta(description=_OBLIGATIONS)] = ()


class DecisionPointTable(Table, frozen=True):
    """`[decision_point]`: off without a caller."""

    policies: Annotated[tuple[Text, ...], Meta(description='a list of files, such as ["decisions/*.cedar"]')] = ()
    entities: Annotated[str | tuple[dict[str, Any], ...], Meta(description=_ENTITIES)] = ()
    schema: Annotated[str, Meta(min_length=1, description="the name of a file")] | None = None
    callers: Annotated[
        tuple[CallerTable, ...],
        Meta(max_length=_MOST, description=f"tables of their own: [[decision_point.callers]], {_MOST} at most"),
    ] = field(default=())


@struct(frozen=True, kw_only=True)
class CallerSettings:
    """One caller: the file with the digest of its secret, the actions it may ask about, and the obligations it can meet."""

    name: str
    sha256_file: Path
    acts: bool
    actions: tuple[str, ...]
    obligations: frozenset[str]


@struct(frozen=True, kw_only=True)
class DecisionPointSettings:
    """The decision point. Entities are a file, or given here."""

    callers: tuple[CallerSettings, ...]
    policies: tuple[Path, ...]
    entities_file: Path | None
    entities: Sequence[Mapping[str, Any]]
    schema: Path | None

    @property
    def digest_input(self) -> list[dict[str, object]]:
        """Return the permissions of the callers: they are part of the rules, unlike their secrets."""
        return [
            {
                "name": one.name,
                "acts": one.acts,
                "actions": list(one.actions),
                "obligations": sorted(one.obligations),
            }
            for one in self.callers
        ]


def decision_point_of(table: DecisionPointTable, base: Path) -> DecisionPointSettings | None:
    """Return the decision point, None where it is off; relative files start at `base`.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    if not table.callers:
        if table.policies or table.entities or table.schema is not None:
            problem = "are missing: name who may ask, in a table [[decision_point.callers]] for each"
            raise InvalidSetting("decision_point.callers", problem)
        return None
    if not table.policies and (table.entities or table.schema is not None):
        raise InvalidSetting("decision_point.policies", "is missing; entities and schema are for policies")
    if not table.policies and not all(one.acts for one in table.callers):
        problem = "is missing: without policies a caller can only ask about acts of agents (acts = true)"
        raise InvalidSetting("decision_point.policies", problem)
    inline = () if isinstance(table.entities, str) else table.entities
    named = table.entities if isinstance(table.entities, str) else ""
    return DecisionPointSettings(
        callers=_callers(table.callers, base),
        policies=files_of(table.policies, "decision_point.policies", base, needed=False),
        entities_file=file_of(named, "decision_point.entities", base) if named else None,
        entities=inline,
        schema=optional_file(table.schema, "decision_point.schema", base),
    )


def _callers(tables: Sequence[CallerTable], base: Path) -> tuple[CallerSettings, ...]:
    found: list[CallerSettings] = []
    for number, table in enumerate(tables, start=1):
        note = nth_table(number, len(tables))
        if not is_word(table.name):
            raise InvalidSetting("decision_point.callers.name", f"must be {_NAME}", note=note)
        if any(one.name == table.name for one in found):
            raise InvalidSetting("decision_point.callers.name", "must be another one in each table", note=note)
        found.append(
            CallerSettings(
                name=table.name,
                sha256_file=file_of(table.sha256_file, "decision_point.callers.sha256_file", base, note=note),
                acts=table.acts,
                actions=table.actions,
                obligations=frozenset(table.obligations),
            )
        )
    return tuple(found)
