"""Readiness of this process, with reason and cure: the answer of `/readyz`."""

import asyncio
from collections.abc import Mapping
from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.records import RulesRecord
from remit.engine.context import DeskContext
from remit.ports.store import RecordMissing

READ_S: Final = 2.0
"""Maximum time, in seconds, for a read of the store."""
RECENT_S: Final[Mapping[str, float]] = {"due": 120.0, "look": 60.0}
"""Maximum age, in seconds, of a job's last good round. A slow desk holds up only the round of acts, which is exempt."""
_NEVER: Final = -1e9


class NotReady(Refused):
    """This process should not get requests now."""


class Health:
    """The health of one process."""

    def __init__(self, desk: DeskContext) -> None:
        self._desk = desk
        self._went_well_s: dict[str, float] = {}
        self.stopping = False
        """Set once a stop is requested: the load balancer must send no more requests."""
        self.outside_writable = True
        """Whether the checkpoint outside the store was writable at the last try. An open store has written there."""
        self.rows_intact = True
        """Whether the store's rows were those that this desk wrote when they were last compared."""

    def job_succeeded(self, job: str) -> None:
        """Note a good round of a job, or the start of the jobs."""
        self._went_well_s[job] = self._desk.world.ticks()

    async def verify_ready(self) -> None:
        """Verify readiness. Checks that cost more than one read of the store are done by the jobs.

        Raises:
            NotReady: `fault.stopping`, `fault.store`, `fault.policy`, `fault.jobs`.
        """
        if self.stopping:
            raise _not_ready(
                Code.FAULT_STOPPING,
                "This server process is shutting down.",
                "Send requests to another process, or wait until this one has started.",
            )
        if not self.outside_writable:
            raise _not_ready(
                Code.FAULT_STORE,
                "The checkpoint outside the store cannot be written.",
                "Make room at log.high_water, and check that Remit's account may write there.",
            )
        if not self.rows_intact:
            raise _not_ready(
                Code.FAULT_STORE,
                "Rows of the store were changed by something other than this server.",
                "Run `remit doctor`, which names them (docs/operating.md, Rows that were changed).",
            )
        await self._verify_rules()
        # Last: with the store down the rounds fail too, and are not the cause.
        for job, most_s in RECENT_S.items():
            if self._desk.world.ticks() - self._went_well_s.get(job, _NEVER) > most_s:
                raise _not_ready(
                    Code.FAULT_JOBS,
                    "A background job has not finished successfully for too long.",
                    "Read the process's log, then restart the process.",
                )

    async def _verify_rules(self) -> None:
        """Verify that the primary answers in time, and has the rules this process decides by."""
        try:
            async with asyncio.timeout(READ_S):
                await self._desk.store.checkpoint()
                in_force = (await self._desk.store.get(RulesRecord, "rules")).record.digest
        except RecordMissing:
            return  # nothing was adopted yet: a sandbox
        except (Fault, TimeoutError):
            raise _not_ready(
                Code.FAULT_STORE, "The store does not answer.", "Check the store: its disk, its server, its log."
            ) from None
        if in_force != self._desk.rules_digest:
            raise _not_ready(
                Code.FAULT_POLICY,
                "This process runs with other rules than the rest of the server.",
                "Restart it with the rules of the last policy.changed entry.",
            )


def _not_ready(code: Code, public: str, cure: str) -> NotReady:
    return NotReady(code, "not ready", public=public, public_cure=cure, retry_after_s=5)
