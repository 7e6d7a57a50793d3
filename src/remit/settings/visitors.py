"""The `[visitors]` table of `remit.toml`: whether agents without a key are let in, and how they become known."""

from typing import Annotated, Literal

from msgspec import Meta

from remit.domain.catalogue.model import Catalogue
from remit.domain.policy.visitors import officer_areas
from remit.domain.structs import struct
from remit.domain.values import JsonObject
from remit.settings.decode import InvalidSetting, Table
from remit.settings.values import verify_role


class VisitorsTable(Table, frozen=True):
    """`[visitors]`."""

    enabled: bool = False
    registration: Literal["", "dynamic"] = ""
    officer: Annotated[str, Meta(max_length=100, description="a role of the catalogue")] = ""


@struct(frozen=True, kw_only=True)
class VisitorSettings:
    """Visitors are let in. `dynamic`: clients may register themselves; `officer` as in `[visitors]`."""

    officer: str
    dynamic: bool

    @property
    def digest_input(self) -> JsonObject:
        """The part of the rules' digest."""
        return {"officer": self.officer, "dynamic": self.dynamic}


def visitors_of(table: VisitorsTable) -> VisitorSettings | None:
    """Return the settings for visitors; None where none are let in.

    Raises:
        InvalidSetting: `settings.invalid` for a key that would have no effect.
    """
    if table.enabled:
        return VisitorSettings(officer=table.officer, dynamic=table.registration == "dynamic")
    if table.registration or table.officer:
        problem = "is false, so the other keys of [visitors] have no effect; set it to true or remove them"
        raise InvalidSetting("visitors.enabled", problem)
    return None


def verify_visitors(visitors: VisitorSettings | None, catalogue: Catalogue) -> None:
    """Verify that an objective is open to visitors, and that guarded actions have an officer.

    Raises:
        InvalidSetting: `settings.invalid`.
    """
    if visitors is None:
        return
    if all(objective.visitors is None for objective in catalogue.objectives.values()):
        problem = 'lets visitors in, but no objective is open to them; add [objective."…".visitors] to the catalogue'
        raise InvalidSetting("visitors.enabled", problem)
    verify_role(visitors.officer, "visitors.officer", catalogue.roles)
    guarded = officer_areas(catalogue)
    if guarded and not visitors.officer:
        problem = f"is missing: {guarded[0]} is open to visitors and needs an officer beside the customer; name a role"
        raise InvalidSetting("visitors.officer", problem)
