"""One case at a helpdesk, through a connector that is started anew for each step."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import pytest

from remit.adapters.helpdesk.remote.connector import RemoteHelpdesk
from remit.domain.errors import Code, Fault

T = TypeVar("T")
REQUESTER = "requester@desk.test"


class ConnectorCase(Protocol):
    """Steps of a case; `do` works as a process that was just started does."""

    case: str

    def do(self, work: Callable[[RemoteHelpdesk], Awaitable[T]]) -> T: ...

    def open(self, key: str = "k-open", text: str = "The kettle leaks.") -> None:
        self.do(lambda desk: desk.open(case=self.case, key=key, requester=REQUESTER, subject="Kettle", text=text))

    def note(self, key: str, text: str = "A note.", *, public: bool = False, author: str = "agent") -> None:
        self.do(lambda desk: desk.note(case=self.case, key=key, author=author, public=public, text=text))

    def close(self, key: str = "k-close") -> None:
        self.do(lambda desk: desk.close(case=self.case, key=key))

    def read(self) -> Any:
        return self.do(lambda desk: desk.read(self.case))

    def texts(self) -> list[str]:
        return [note.text for note in self.do(lambda desk: desk.notes(self.case))]

    def replies(self, after: int = 0) -> list[Any]:
        """Native replies of all cases."""
        return list(self.do(lambda desk: desk.native_replies(after=after, limit=100)))


def faults(work: Callable[[], object]) -> Fault:
    """The fault that a step ends with."""
    with pytest.raises(Fault) as broken:
        work()
    assert broken.value.code is Code.FAULT_CASE
    return broken.value
