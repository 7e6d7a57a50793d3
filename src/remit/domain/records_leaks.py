"""Records of what must not be seen anywhere: canaries the desk has planted, and reports to the owners of leaked credentials."""

from dataclasses import dataclass
from typing import ClassVar

from remit.domain.records import Link
from remit.domain.values import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryRecord:
    """A canary. `id` is a keyed digest of its value, `atoms` and `letters` its shape, `place` where it was planted, in the desk's words."""

    KIND: ClassVar[str] = "canary"
    id: str
    kind: str
    name: str
    place: str
    by: str
    at: Instant
    atoms: int
    letters: int

    def links(self) -> tuple[Link, ...]:
        """All of them."""
        return (Link("canary.all", "", self.at),)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakReport:
    """What the owner of a leaked credential is told, until they have taken it. It never holds the credential.

    `owner` is the name of the settings' rule, `found` the kind of credential, `place` where it stood; `sha256` is the plain digest of the
    value where the rule asks for it ("" otherwise). Whoever sends it moves `due_at` on first: so long nobody else does.
    """

    KIND: ClassVar[str] = "leak"
    id: str
    owner: str
    found: str
    fingerprint: str
    sha256: str
    place: str
    agent: str
    operator: str
    task: str
    at: Instant
    due_at: Instant
    until: Instant
    """When it is given up."""
    tries: int = 0

    def links(self) -> tuple[Link, ...]:
        """In the order in which they are due."""
        return (Link("due.leak", "", self.due_at),)
