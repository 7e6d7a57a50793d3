"""What proved a request is used up also where the request was refused and nothing was recorded, at every node and after a restart."""

import contextlib
from collections.abc import Sequence

from remit.domain.errors import Code, Fault, Refused
from remit.ports.store import Commit, Mark, Replayed
from remit.usecases.parts import Parts


async def spend_refused(parts: Parts, marks: Sequence[Mark], refused: Refused | Fault) -> None:
    """Use up the proof and assertion of a request that was refused, or broke. Where the store does not answer, this process alone remembers them.

    ⚔ Whoever finds one in a log or on its way must not spend it on a request of their own at another node. Of a request that was
    refused since one of them was used before, the others are used up too.

    Source: RFC 9449 §11.1; RFC 7523bis (jti).
    """
    if not marks or refused.code is Code.CREDENTIAL_NONCE:  # nobody could know the nonce: what proved the request may be sent again
        return
    with contextlib.suppress(Fault):
        try:
            await parts.store.commit(Commit(marks=tuple(marks)))
        except Replayed:
            for mark in marks:
                with contextlib.suppress(Replayed):
                    await parts.store.commit(Commit(marks=(mark,)))
