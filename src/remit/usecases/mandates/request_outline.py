"""A mandate request before signing: the agent, the whole mandate, and the customer's records to choose from."""

from collections.abc import Mapping

from remit.domain.confirm.render_ask import rendering_json
from remit.domain.confirm.render_mandate import render_mandate
from remit.domain.confirm.render_values import Names
from remit.domain.mandate.parse import read_mandate, wire_mandate
from remit.domain.records import AgentRecord, PersonRecord, PushedRequest
from remit.domain.structs import struct
from remit.domain.values import JsonObject, decode_json
from remit.engine.context import DeskContext
from remit.engine.desk import mandate_record_names
from remit.ports.backoffice import RecordSummary
from remit.usecases.mandates.grant import active_agent, open_request


@struct(frozen=True, kw_only=True)
class RequestOutline:
    """A request as asked. `lines` are its rendering; nothing here is a challenge."""

    request: PushedRequest
    agent: AgentRecord
    mandate: JsonObject
    lines: tuple[JsonObject, ...]
    choices: Mapping[str, tuple[RecordSummary, ...]]
    names: Names


async def outline_request(desk: DeskContext, request_id: str, customer: PersonRecord) -> RequestOutline:
    """Return a request's outline, with the customer's own records of each kind it concerns.

    Raises:
        Refused: `request.not_found`, `confirmation.replayed`, `agent.suspended`.
    """
    request = (await open_request(desk, request_id, customer)).record
    mandate = read_mandate(decode_json(request.wire.encode()), desk.catalogue, now=request.created_at)
    agent = await active_agent(desk, request.client_id)
    choices = {kind: tuple(await desk.backoffice.records(customer.id, kind)) for kind in mandate.objective.target}
    names = await mandate_record_names(desk, customer.id, mandate)
    rendering = rendering_json(
        render_mandate(mandate, desk.catalogue, names, agent=agent.name, operator=agent.operator)
    )
    lines = rendering["lines"]
    return RequestOutline(
        request=request,
        agent=agent,
        mandate=wire_mandate(mandate),
        lines=tuple(line for line in lines if isinstance(line, Mapping)) if isinstance(lines, list) else (),
        choices=choices,
        names=names,
    )
