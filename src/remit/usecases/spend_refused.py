"""What proved a request is used up also where the request was refused and nothing was recorded, at every node and after a restart."""

import contextlib
from collections.abc import Sequence

from remit.domain.errors import Code, Fault, Refused
from remit.ports.store import Commit, Mark, Replayed
from remit.usecases.parts import Parts


async def spend_refused(parts: Parts, marks: Sequence[Mark], refused: Refused | Fault) -> None:
    """Use up the proof or assertion of a request that was refused, or broke. Where the store does not answer, this process alone remembers it.

    ⚔ Whoever finds one in a log or on its way must not spend it on a request of their own at another node.

    Source: RFC 9449 §11.1; RFC 7523bis (jti).
    """
    if marks and refused.code not in {Code.CREDENTIAL_REPLAYED, Code.CREDENTIAL_NONCE}:
        with contextlib.suppress(Replayed, Fault):
            await parts.store.commit(Commit(marks=tuple(marks)))
