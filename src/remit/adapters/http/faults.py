"""Faults of an exchange over HTTP, by the step that failed."""

from enum import StrEnum

from remit.domain.errors import Code, Fault


class Problem(StrEnum):
    """The step of an exchange that failed. After `unreached`, nothing was sent."""

    UNREACHED = "unreached"
    CONNECTION = "connection"
    TIME = "time"
    SIZE = "size"
    STATUS = "status"
    BUSY = "busy"
    SIGNATURE = "signature"
    FORM = "form"


class ExchangeFault(Fault):
    """A fault with the step that failed, and the status of the answer where there was one."""

    def __init__(self, problem: Problem, detail: str, *, code: Code = Code.FAULT_BACKOFFICE, status: int = 0) -> None:
        """Carry the step, a detail for the desk, and the status."""
        super().__init__(code, detail)
        self.problem = problem
        self.status = status
