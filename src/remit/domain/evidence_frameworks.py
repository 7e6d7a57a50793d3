"""What Remit can say to the NIST AI RMF, whose statements are shortened here; and all frameworks there are."""

from typing import Final

from remit.domain.evidence_controls import HELD, LIMITS, ON_PAPER, RECORDED, SAID, STOPPED, Control, Framework, Silence
from remit.domain.evidence_facts import Fact
from remit.domain.evidence_owasp import ASI, NHI
from remit.domain.evidence_threats import ATLAS, MAESTRO

NIST: Final = Framework(
    name="nist-ai-rmf",
    title="NIST AI RMF 1.0",
    controls=(
        Control(
            id="GOVERN 1.7",
            title="Decommissioning and phasing out safely",
            does="Ends an agent's mandates and tasks, with every credential, when they are taken back, run out or are suspended.",
            shown=(Fact.MANDATE_REVOKED, Fact.MANDATE_EXPIRED, Fact.AGENT_SUSPENDED, Fact.ENDED_SUSPENDED),
            beside=(Fact.SENT_BEFORE_END,),
        ),
        Control(
            id="GOVERN 3.2",
            title="Roles in human-AI configurations and oversight",
            does="Sends each ask to the customer, to an officer with the right role, or to both, never to a generic queue.",
            shown=(*HELD, *SAID),
            beside=(Fact.DECIDED, Fact.WAIVED),
        ),
        Control(
            id="GOVERN 6.1",
            title="Risks of third-party entities",
            does="Keeps other organisations' agents within what their customer granted, and lets the desk stop them.",
            shown=(*LIMITS, Fact.REFUSED_POLICY, Fact.AGENT_SUSPENDED),
            beside=(Fact.DECIDED,),
        ),
        Control(
            id="MAP 3.3",
            title="Targeted application scope",
            does="Binds an agent to one approved objective and its records, as a customer signed it.",
            shown=(Fact.MANDATE_GRANTED, Fact.MANDATE_NARROWED, Fact.REFUSED_OBJECTIVE),
        ),
        Control(
            id="MAP 3.5",
            title="Human oversight",
            does="Asks a person, on the desk's own page and never through the agent, before anything that needs a person's yes.",
            shown=(*HELD, *SAID),
            beside=(Fact.PERMITTED_AFTER, Fact.PERMITTED_AT_ONCE, Fact.WAIVED),
        ),
        Control(
            id="MEASURE 2.4",
            title="Monitoring in production",
            does="Records every decision, answer, outcome and reply as it happens.",
            shown=RECORDED,
        ),
        Control(
            id="MEASURE 2.8",
            title="Transparency and accountability",
            does="Records why an ask was refused, and lets the customer contest any entry about them.",
            shown=(Fact.REFUSED, Fact.CONTEST_RAISED, Fact.CONTEST_SETTLED),
            beside=(Fact.DECIDED,),
        ),
        Control(
            id="MANAGE 2.4",
            title="Superseding, disengaging and deactivating",
            does="Lets customer and desk stop an agent at once, and stops one whose asks go astray by itself.",
            shown=(Fact.AGENT_SUSPENDED, Fact.MANDATE_REVOKED, *STOPPED),
            beside=(Fact.SENT_BEFORE_END,),
        ),
        Control(
            id="MANAGE 4.1",
            title="Appeal and override after deployment",
            does="Lets people decline, offer less, or contest what was decided.",
            shown=(Fact.ANSWERED_NO, Fact.ANSWERED_LESS, Fact.CONTEST_RAISED, Fact.CONTEST_SETTLED),
        ),
        Control(
            id="MANAGE 4.3",
            title="Incidents are communicated, tracked and recovered from",
            does="Records incidents and tells those whose they are.",
            shown=(
                *(Fact.MISUSED, Fact.LEAK_FOUND, Fact.CANARY_SEEN, Fact.NATIVE_REPLY),
                *(Fact.AGENT_DISOWNED, Fact.AGENT_SUSPENDED, Fact.LOG_RECOVERED),
            ),
        ),
    ),
    silent=(
        Silence(id="GOVERN 1.6", title="Inventory of AI systems", why="Registering agents is set-up; `remit agent list` shows them."),
        Silence(id="MAP 1.1", title="Intended purposes and contexts", why=ON_PAPER),
        Silence(id="MAP 4.2", title="Internal risk controls are identified", why=ON_PAPER),
        Silence(id="MEASURE 2.7", title="Security and resilience are evaluated", why="Remit's own tests show it, not a desk's traffic."),
    ),
    rest="every other subcategory",
)

FRAMEWORKS: Final = (ASI, NHI, MAESTRO, NIST, ATLAS)
