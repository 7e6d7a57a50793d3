"""The parties of entries as their sentences name them. ⚔ A name that an agent chose never passes for words of ours."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from itertools import combinations
from typing import Final

from remit.domain.catalogue.model import CUSTOMER, Catalogue
from remit.domain.confirm.distinct_names import passes_for_ours
from remit.domain.confirm.render_values import in_quotes, quoted_text
from remit.domain.i18n import marked
from remit.domain.structs import struct
from remit.domain.text.confusables import look_alike
from remit.domain.text.normalize import make_visible
from remit.domain.values import Json
from remit.engine.context import DeskContext
from remit.engine.transcript.parties import AgentParty, customer_names, entry_agents, entry_staff, staff_names
from remit.usecases.transcript.officers_named import names_officers


@struct(frozen=True)
class EntryParties:
    """Names for sentences: `agents` by ask, task, mandate and client id, `staff` by id, and the customer's.

    ⚔ `staff` and `customer` are for readers of the desk alone.
    """

    agents: Mapping[str, str] = field(default_factory=dict)
    staff: Mapping[str, str] = field(default_factory=dict)
    customer: str = ""


NO_PARTIES = EntryParties()


async def customer_parties(desk: DeskContext, rows: Sequence[Mapping[str, Json]], customer: str = "") -> EntryParties:
    """Return the parties of a customer's own entries; `customer` is their name.

    ⚔ Staff's names are not compared here: quotes would tell a customer who works at the desk.
    """
    return EntryParties(agents=agent_labels(await entry_agents(desk, rows), desk.catalogue, (customer,)))


async def staff_parties(
    desk: DeskContext, rows: Sequence[Mapping[str, Json]], customer: str = "", *, reader: str = ""
) -> EntryParties:
    """Return the parties of entries for a reader of the desk; `customer` is the name of all the entries' customer.

    A `reader` with a role that `[transcript] officers_named_to` leaves out is given no names of staff; "" is a colleague.
    """
    named = not reader or names_officers(desk, reader)
    staff = await entry_staff(desk, rows) if named else {}
    labels = await staff_labels(desk, rows, (customer, *staff.values()))
    return EntryParties(agents=labels, staff=staff, customer=customer)


async def staff_labels(
    desk: DeskContext, rows: Sequence[Mapping[str, Json]], people: Sequence[str] = ()
) -> Mapping[str, str]:
    """Return the names of the agents of entries for a reader of the desk, by the ids that the entries carry.

    ⚔ Compared with those of the entries' customers, of the desk's officers, and of `people`.
    """
    agents = await entry_agents(desk, rows)
    if not agents:
        return {}
    return agent_labels(agents, desk.catalogue, (*people, *await customer_names(desk, rows), *await staff_names(desk)))


def agent_labels(
    agents: Mapping[str, AgentParty], catalogue: Catalogue, people: Sequence[str] = ()
) -> Mapping[str, str]:
    """Return the name of each agent for a sentence, by the same ids; `people` are named in the same sentences.

    ⚔ Of agents whose names are or look alike, each is named with its operator, or by its client id where that is the
    same.
    """
    parties = {one.client_id: one for one in agents.values()}
    twins = {
        client
        for first, second in combinations(parties.values(), 2)
        if first.name and look_alike(first.name, second.name)
        for client in (first.client_id, second.client_id)
    }
    labels = {
        client: _with_operator(one, catalogue, parties, people) if client in twins else _label(one, catalogue, people)
        for client, one in parties.items()
    }
    return {place: labels[one.client_id] for place, one in agents.items()}


def _label(agent: AgentParty, catalogue: Catalogue, people: Sequence[str]) -> str:
    return agent_label(agent.name, catalogue, people) if agent.name else in_quotes(agent.client_id, catalogue.say)


def _with_operator(
    agent: AgentParty, catalogue: Catalogue, parties: Mapping[str, AgentParty], people: Sequence[str]
) -> str:
    same = [one for one in parties.values() if look_alike(one.operator, agent.operator)]
    known = in_quotes(agent.client_id, catalogue.say) if len(same) > 1 else quoted_text(agent.operator, catalogue.say)
    return f"{_label(agent, catalogue, people)} ({known})"


def agent_label(name: str, catalogue: Catalogue, people: Sequence[str] = ()) -> str:
    """Return one agent's name for a sentence: bare where it is one plain word that is none of ours, else in quotes.

    ⚔ Nor a word of a name of `people`: an agent called like an officer or the customer would act in their place.
    """
    own = (catalogue.desk, *(role.title for role in catalogue.roles.values()), *people)
    return in_quotes(name, catalogue.say) if passes_for_ours(name, own) else make_visible(name)


_OWN_WAITS: Final[Mapping[frozenset[bool], str]] = {
    frozenset({True}): marked("waiting for you"),
    frozenset({False}): marked("waiting for support"),
    frozenset({True, False}): marked("waiting for you and support"),
}


def waiting_text(words: Sequence[str], catalogue: Catalogue, parties: EntryParties, taken_by: str, *, own: bool) -> str:
    """Name the confirmer of a waiting ask: to staff the role, or its assigned officer; to customers `support`."""
    say, named = catalogue.say, confirmers_text(words, catalogue, parties, taken_by)
    if not words:
        return say("waiting for approval")
    if own:
        return say(_OWN_WAITS[frozenset(one == CUSTOMER for one in words)])
    return say("waiting for {who}", who=named)


def confirmers_text(words: Sequence[str], catalogue: Catalogue, parties: EntryParties, taken_by: str = "") -> str:
    """Name confirmers for a reader of the desk."""
    return ", ".join(dict.fromkeys(_confirmer(one, catalogue, parties, taken_by) for one in words))


def _confirmer(word: str, catalogue: Catalogue, parties: EntryParties, taken_by: str) -> str:
    if word == CUSTOMER:
        return make_visible(parties.customer) or catalogue.say("the customer")
    if taken_by in parties.staff:
        return make_visible(parties.staff[taken_by])
    role = word.rpartition(":")[2]
    return make_visible(catalogue.roles[role].title if role in catalogue.roles else role)
