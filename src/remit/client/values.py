"""Values that pass between the agent and this client: JSON, wishes, attachments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Required, TypeAlias, TypedDict

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes along with the words of an ask."""

    name: str
    media_type: str
    data: bytes


Attached: TypeAlias = Attachment | Mapping[str, str]
"""A file, or its form on the wire: `{"name": …, "media_type": …, "data_b64": …}`, the data in base64."""


class Wish(TypedDict, total=False):
    """A mandate wish as keyword arguments: the members of a `remit_mandate`.

    `target` names the records (`{"order": ["W123"]}`) where the objective asks for them. `summary` is shown to the
    customer as the agent's own words and is never authority. `expires_at` needs a time zone; omitted members take the
    desk's defaults.
    """

    objective: Required[str]
    powers: Required[Sequence[Mapping[str, object]]]
    target: Mapping[str, Sequence[str]] | None
    never: Sequence[Mapping[str, object]]
    summary: str | None
    expires_at: datetime | None
    max_tasks: int | None
    chain: int | None
    chain_operators: Sequence[str] | None
