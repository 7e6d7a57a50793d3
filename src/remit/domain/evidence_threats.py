"""What Remit can say to CSA MAESTRO and to MITRE ATLAS. Identifiers and titles are theirs."""

from typing import Final

from remit.domain.evidence_controls import HELD, HOUSE, INSIDE_AGENT, LIMITS, NO_ENTRY, RECORDED, SAID, WORDS, Control, Framework, Silence
from remit.domain.evidence_facts import Fact

MAESTRO: Final = Framework(
    name="csa-maestro",
    title="CSA MAESTRO, with threats of the OWASP Multi-Agentic System Threat Modelling Guide",
    controls=(
        Control(
            id="5",
            title="Evaluation and Observability",
            does="Records every decision with its reason, every answer, outcome and reply in one log whose head is signed.",
            shown=RECORDED,
        ),
        Control(
            id="6",
            title="Security and Compliance (vertical)",
            does="Lets the desk's rules and people decide over an agent, and customers contest what was decided.",
            shown=(*HELD, Fact.REFUSED_POLICY, Fact.CONTEST_RAISED, Fact.CONTEST_SETTLED, Fact.ENTRY_ERASED),
            beside=(Fact.DECIDED, Fact.WAIVED),
        ),
        Control(
            id="7",
            title="Agent Ecosystem",
            does="Keeps other organisations' agents within what their customer granted, and lets the desk stop them.",
            shown=(*LIMITS, Fact.REFUSED_OBJECTIVE, Fact.AGENT_SUSPENDED, Fact.MISUSED),
            beside=(Fact.DECIDED, Fact.MANDATE_BRANCHED),
        ),
        Control(
            id="T2",
            title="Tool Misuse",
            does="Refuses an act whose kind, record, amount or number the customer did not grant, or the desk's rules forbid.",
            shown=(*LIMITS, Fact.REFUSED_PARAMS, Fact.REFUSED_POLICY),
            beside=(Fact.DECIDED, Fact.PERMITTED),
        ),
        Control(
            id="T3",
            title="Privilege Compromise",
            does="Refuses what the mandate does not grant and records that are not the customer's.",
            shown=(Fact.REFUSED_MANDATE, Fact.REFUSED_OWNER),
            beside=(Fact.DECIDED,),
        ),
        Control(
            id="T6",
            title="Intent Breaking & Goal Manipulation",
            does="Holds every ask and its message against the objective the customer approved, and refuses what goes beyond it.",
            shown=(Fact.REFUSED_OBJECTIVE, *WORDS),
            beside=(Fact.DECIDED,),
        ),
        Control(
            id="T8",
            title="Repudiation & Untraceability",
            does="Names agent, operator, mandate, decision and outcome in entries that verify offline.",
            shown=RECORDED,
        ),
        Control(
            id="T9",
            title="Identity Spoofing",
            does="Refuses a person's sign-in in a program's hands, ends it, and tells the person.",
            shown=(Fact.MISUSED,),
            beside=(Fact.TASK_OPENED,),
        ),
        Control(
            id="T10",
            title="Overwhelming HITL",
            does="Limits how much may wait for one person, and takes a no, or no answer, as no.",
            shown=(Fact.REFUSED_CONFIRMATION, Fact.ANSWERED_NOT),
            beside=(Fact.HELD, Fact.ANSWERED),
        ),
        Control(
            id="T15",
            title="Human Trust Manipulation",
            does="Shows a person the recorded ask in the desk's words, apart from the agent's, and refuses words that say more than it.",
            shown=(*SAID, *WORDS),
            beside=(Fact.HELD,),
        ),
        Control(
            id="T24",
            title="Dynamic Policy Enforcement Failure",
            does="Takes anything but an explicit allow of the desk's policies as a refusal.",
            shown=(Fact.REFUSED_POLICY,),
            beside=(Fact.DECIDED,),
        ),
        Control(
            id="T44",
            title="Insufficient Logging",
            does="Does nothing before it is recorded.",
            shown=RECORDED,
        ),
    ),
    silent=(
        Silence(id="1", title="Foundation Models", why=INSIDE_AGENT),
        Silence(id="2", title="Data Operations", why=HOUSE),
        Silence(id="3", title="Agent Frameworks", why=INSIDE_AGENT),
        Silence(id="4", title="Deployment and Infrastructure", why=HOUSE),
        Silence(id="T14", title="Human Attacks on MAS", why="Remit sees one agent at a time."),
        Silence(id="T23", title="Selective Log Manipulation", why="`remit verify-log` shows it, not a count of entries."),
        Silence(id="T40", title="MCP Client Impersonation", why="This version has no MCP door."),
    ),
    rest="every other threat of the guide",
)

ATLAS: Final = Framework(
    name="mitre-atlas",
    title="MITRE ATLAS 5.6.0",
    controls=(
        Control(
            id="AML.T0012",
            title="Valid Accounts",
            does="Refuses a person's sign-in in a program's hands, ends it, and tells the person.",
            shown=(Fact.MISUSED,),
        ),
        Control(
            id="AML.T0051.001",
            title="LLM Prompt Injection: Indirect",
            does="Refuses asks and messages beyond the approved objective, whatever made the agent send them.",
            shown=(Fact.REFUSED_OBJECTIVE, *WORDS),
            beside=(Fact.DECIDED,),
        ),
        Control(
            id="AML.T0053",
            title="AI Agent Tool Invocation",
            does="Refuses an act whose kind, record, amount or number the customer did not grant, or the desk's rules forbid.",
            shown=(*LIMITS, Fact.REFUSED_OBJECTIVE, Fact.REFUSED_POLICY),
            beside=(Fact.DECIDED, Fact.PERMITTED),
        ),
        Control(
            id="AML.T0085.001",
            title="AI Agent Tools",
            does="Tells when bait that stands among the desk's own data comes back from an agent or leaves with a reply.",
            shown=(Fact.CANARY_SEEN,),
        ),
        Control(
            id="AML.T0086",
            title="Exfiltration via AI Agent Tool Invocation",
            does="Cuts replies to what the mandate covers, and refuses other people's records.",
            shown=(Fact.REPLY_CUT, Fact.REFUSED_OWNER),
            beside=(Fact.REPLY_SENT,),
        ),
        Control(
            id="AML.T0093",
            title="Prompt Infiltration via Public-Facing Application",
            does="Lets no message into a case that says more than its ask, unless an officer has looked at it and passed it on.",
            shown=WORDS,
            beside=(Fact.DECIDED,),
        ),
        Control(
            id="AML.M0024",
            title="AI Telemetry Logging",
            does="Records every decision, answer, outcome and reply as it happens.",
            shown=RECORDED,
        ),
        Control(
            id="AML.M0027",
            title="Single-User AI Agent Permissions Configuration",
            does="Lets an agent act for one customer alone, within what this customer granted.",
            shown=(Fact.REFUSED_OWNER, Fact.REFUSED_MANDATE),
            beside=(Fact.MANDATE_GRANTED,),
        ),
        Control(
            id="AML.M0028",
            title="AI Agent Tools Permissions Configuration",
            does="Refuses actions outside the objective, the mandate or the desk's policies.",
            shown=(Fact.REFUSED_OBJECTIVE, Fact.REFUSED_MANDATE, Fact.REFUSED_POLICY),
            beside=(Fact.DECIDED,),
        ),
        Control(
            id="AML.M0029",
            title="Human In-the-Loop for AI Agent Actions",
            does="Asks a person, on the desk's own page and never through the agent, before anything that needs a person's yes.",
            shown=(*HELD, *SAID),
            beside=(Fact.PERMITTED_AFTER, Fact.PERMITTED_AT_ONCE, Fact.WAIVED),
        ),
        Control(
            id="AML.M0033",
            title="Input and Output Validation for AI Agent Components",
            does="Refuses params and messages that are not what they should be, and cuts replies to what the mandate covers.",
            shown=(Fact.REFUSED_PARAMS, *WORDS, Fact.REFUSED_SECRET, Fact.REPLY_CUT),
            beside=(Fact.DECIDED,),
        ),
    ),
    silent=(
        Silence(id="AML.T0073", title="Impersonation", why=NO_ENTRY),
        Silence(id="AML.T0091.000", title="Application Access Token", why=NO_ENTRY),
        Silence(id="AML.M0026", title="Privileged AI Agent Permissions Configuration", why=HOUSE),
        Silence(id="AML.M0030", title="Restrict AI Agent Tool Invocation on Untrusted Data", why=INSIDE_AGENT),
        Silence(id="AML.M0032", title="Segmentation of AI Agent Components", why=INSIDE_AGENT),
    ),
    rest="every other technique and mitigation",
)
