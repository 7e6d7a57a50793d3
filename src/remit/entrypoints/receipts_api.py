"""Receipts of single entries: an agent's by its token and a proof of this very request, a person's by their session."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from remit.domain.errors import Fault, Refused
from remit.entrypoints.agent_api import AgentApi
from remit.entrypoints.audit_api import AuditApi, proof_answer
from remit.entrypoints.replies import Answer, problem
from remit.entrypoints.wire import Receive, Scope, header_values
from remit.usecases.tasks import entry_receipt

BEGINS: Final = "/log/receipts/"


@dataclass(frozen=True, slots=True)
class ReceiptsApi:
    """Handlers of one desk."""

    agents: AgentApi
    audit: AuditApi

    async def receipt(self, scope: Scope, receive: Receive, found: Mapping[str, str]) -> Answer:
        """GET /log/receipts/{entry}: a C2SP tlog-proof, for a party to the entry alone."""
        if not presents_token(scope):
            return await self.audit.people.run(self.audit.receipt, scope, receive, found)
        parts = self.agents.parts
        try:
            workload = await self.agents.prove(scope)
            self.agents.limits.verify_client(workload.client_id)
            return proof_answer(found["entry"], await entry_receipt(parts, workload, found["entry"]))
        except (Refused, Fault) as error:
            return problem(error, issuer=parts.terms.issuer)


def presents_token(scope: Scope) -> bool:
    """Whether an agent calls: with a proof, or with a token of ours. A session beside it is then a borrowed one."""
    return bool(header_values(scope, b"dpop")) or any(one[:5].lower() == "dpop " for one in header_values(scope, b"authorization"))
