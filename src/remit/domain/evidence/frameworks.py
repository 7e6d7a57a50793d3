"""Controls and their frameworks, as reports see them. The data is in `frameworks/*.toml`, counting in `report`."""

from remit.domain.evidence.facts import EvidenceFact
from remit.domain.structs import struct


@struct(frozen=True, kw_only=True)
class Control:
    """One control. `shown` are the facts that exercise it; `beside` are counted along and exercise nothing.

    ⚔ A fact of every ask (decided, permitted) belongs in `shown` only where recording is the control itself: one
    harmless ask must not make a page of controls look tried.
    """

    id: str
    title: str
    does: str
    shown: tuple[EvidenceFact, ...]
    beside: tuple[EvidenceFact, ...] = ()


@struct(frozen=True, kw_only=True)
class UncoveredControl:
    """A control Remit says nothing about, and why."""

    id: str
    title: str
    why: str


@struct(frozen=True, kw_only=True)
class Framework:
    """One framework. `rest` names the controls listed neither way ("" where every control is)."""

    name: str
    title: str
    controls: tuple[Control, ...]
    silent: tuple[UncoveredControl, ...]
    rest: str = ""
