"""Which controls of which framework Remit can speak to, by which facts they show, and what it says nothing about.

Identifiers and titles are the frameworks' own; NIST's statements are shortened. Counting, and what follows from it, is `evidence`.
"""

from dataclasses import dataclass
from typing import Final

from remit.domain.evidence_facts import Fact

_HELD: Final = (Fact.HELD_CUSTOMER, Fact.HELD_OFFICER, Fact.HELD_BOTH)
_SAID: Final = (Fact.ANSWERED_YES, Fact.ANSWERED_LESS, Fact.ANSWERED_NO, Fact.ANSWERED_NOT)
_LIMITS: Final = (Fact.REFUSED_MANDATE, Fact.REFUSED_SPENT, Fact.REFUSED_OWNER)
_STOPPED: Final = (Fact.ENDED_SUSPENDED, Fact.ENDED_PERSON, Fact.ENDED_RISK, Fact.ENDED_LEAK)
_RECORDED: Final = (Fact.DECIDED, Fact.ANSWERED, Fact.ACT_PERFORMED, Fact.REPLY_SENT)

_INSIDE_AGENT: Final = "It happens inside the agent, which Remit does not see."
_HOUSE: Final = "It is about how the company's own systems are run."
_NO_ENTRY: Final = "Remit refuses it before there is an ask, and such a refusal leaves no entry to count."
_ON_PAPER: Final = "It is about what people decide and write down, which no traffic shows."


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One control. `shown` are the facts that exercise it; `beside` are counted along and exercise nothing.

    ⚔ What every ask brings about (that it was decided, or permitted) stands in `shown` only where being recorded is the
    control itself: one harmless ask must not make a page of controls look tried.
    """

    id: str
    title: str
    does: str
    shown: tuple[Fact, ...]
    beside: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A control Remit says nothing about, and why."""

    id: str
    title: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """One framework. `rest` names what is listed neither way ("" where every control is)."""

    name: str
    title: str
    controls: tuple[Control, ...]
    silent: tuple[Silence, ...]
    rest: str = ""


_ASI: Final = Framework(
    name="owasp-asi",
    title="OWASP Top 10 for Agentic Applications 2026",
    controls=(
        Control(
            id="ASI01",
            title="Agent Goal Hijack",
            does="Holds every ask and its message against the objective the customer approved, and refuses what goes beyond it.",
            shown=(Fact.REFUSED_OBJECTIVE, Fact.REFUSED_WORDS),
            beside=(Fact.DECIDED,),
        ),
        Control(
            id="ASI02",
            title="Tool Misuse & Exploitation",
            does="Refuses an act whose kind, record, amount or number the customer did not grant, or the desk's rules forbid.",
            shown=(*_LIMITS, Fact.REFUSED_PARAMS, Fact.REFUSED_POLICY),
            beside=(Fact.DECIDED, Fact.PERMITTED),
        ),
        Control(
            id="ASI03",
            title="Identity & Privilege Abuse",
            does="Lets an agent act only as itself and within one mandate; a person's sign-in in its hands is refused and ended.",
            shown=(Fact.REFUSED_MANDATE, Fact.REFUSED_OWNER, Fact.MISUSED),
            beside=(Fact.DECIDED, Fact.MANDATE_BRANCHED),
        ),
        Control(
            id="ASI08",
            title="Cascading Failures",
            does="Ends what waits or is queued together with its task, keeps to counted limits, and never blindly repeats an act.",
            shown=(Fact.VOIDED_AT_END, Fact.REFUSED_SPENT, Fact.ACT_UNKNOWN, Fact.ACT_VOID),
            beside=(Fact.SENT_BEFORE_END,),
        ),
        Control(
            id="ASI09",
            title="Human-Agent Trust Exploitation",
            does="Asks a person, on the desk's own page and never through the agent, before anything that needs a person's yes.",
            shown=(*_HELD, *_SAID, Fact.REFUSED_CONFIRMATION),
            beside=(Fact.PERMITTED, Fact.WAIVED),
        ),
        Control(
            id="ASI10",
            title="Rogue Agents",
            does="Ends the task of an agent whose asks go astray, and lets the desk stop an agent or its operator at once.",
            shown=(Fact.ENDED_RISK, Fact.AGENT_SUSPENDED, Fact.ENDED_SUSPENDED),
            beside=(Fact.REFUSED, Fact.SENT_BEFORE_END),
        ),
    ),
    silent=(
        Silence(id="ASI04", title="Agentic Supply Chain Vulnerabilities", why=_INSIDE_AGENT),
        Silence(id="ASI05", title="Unexpected Code Execution (RCE)", why=_INSIDE_AGENT),
        Silence(id="ASI06", title="Memory & Context Poisoning", why=_INSIDE_AGENT),
        Silence(id="ASI07", title="Insecure Inter-Agent Communication", why="What agents tell one another does not pass the desk."),
    ),
)

_NHI: Final = Framework(
    name="owasp-nhi",
    title="OWASP Non-Human Identities Top 10 2025",
    controls=(
        Control(
            id="NHI1:2025",
            title="Improper Offboarding",
            does="Makes every credential of a task dead once the task or its mandate ends.",
            shown=(Fact.ENDED, Fact.MANDATE_REVOKED, Fact.MANDATE_EXPIRED),
            beside=(Fact.TASK_OPENED, Fact.SENT_BEFORE_END),
        ),
        Control(
            id="NHI2:2025",
            title="Secret Leakage",
            does="Takes a secret out of a message before anything keeps it; where the desk refuses such messages, that is counted.",
            shown=(Fact.REFUSED_SECRET, Fact.MESSAGE_BLOCKED, Fact.LEAK_FOUND, Fact.ENDED_LEAK),
            beside=(Fact.DECIDED,),
        ),
        Control(
            id="NHI4:2025",
            title="Insecure Authentication",
            does="Refuses a person's sign-in in a program's hands, ends it, and tells the person.",
            shown=(Fact.MISUSED,),
            beside=(Fact.TASK_OPENED,),
        ),
        Control(
            id="NHI5:2025",
            title="Overprivileged NHI",
            does="Gives an agent no more than the customer granted for one objective, and cuts what it is told to that.",
            shown=(Fact.REFUSED_MANDATE, Fact.REFUSED_OBJECTIVE, Fact.REPLY_CUT, Fact.MANDATE_NARROWED),
            beside=(Fact.MANDATE_GRANTED, Fact.PERMITTED),
        ),
        Control(
            id="NHI7:2025",
            title="Long-Lived Secrets",
            does="Ends idle and old tasks and old mandates by itself, and with them every credential.",
            shown=(Fact.ENDED_TIME, Fact.MANDATE_EXPIRED),
            beside=(Fact.TASK_OPENED,),
        ),
    ),
    silent=(
        Silence(id="NHI3:2025", title="Vulnerable Third-Party NHI", why="How an operator guards its own keys is not seen here."),
        Silence(id="NHI6:2025", title="Insecure Cloud Deployment Configurations", why=_HOUSE),
        Silence(id="NHI8:2025", title="Environment Isolation", why=_HOUSE),
        Silence(id="NHI9:2025", title="NHI Reuse", why=_NO_ENTRY),
        Silence(id="NHI10:2025", title="Human Use of NHI", why="Whether a person sits behind an agent's key cannot be seen here."),
    ),
)

_MAESTRO: Final = Framework(
    name="csa-maestro",
    title="CSA MAESTRO, with threats of the OWASP Multi-Agentic System Threat Modelling Guide",
    controls=(
        Control(
            id="5",
            title="Evaluation and Observability",
            does="Records every decision with its reason, every answer, outcome and reply in one log whose head is signed.",
            shown=_RECORDED,
        ),
        Control(
            id="6",
            title="Security and Compliance (vertical)",
            does="Lets the desk's rules and people decide over an agent, and customers contest what was decided.",
            shown=(*_HELD, Fact.REFUSED_POLICY, Fact.CONTEST_RAISED, Fact.CONTEST_SETTLED, Fact.ENTRY_ERASED),
            beside=(Fact.DECIDED, Fact.WAIVED),
        ),
        Control(
            id="7",
            title="Agent Ecosystem",
            does="Keeps other organisations' agents within what their customer granted, and lets the desk stop them.",
            shown=(*_LIMITS, Fact.REFUSED_OBJECTIVE, Fact.AGENT_SUSPENDED, Fact.MISUSED),
            beside=(Fact.DECIDED, Fact.MANDATE_BRANCHED),
        ),
        Control(
            id="T2",
            title="Tool Misuse",
            does="Refuses an act whose kind, record, amount or number the customer did not grant, or the desk's rules forbid.",
            shown=(*_LIMITS, Fact.REFUSED_PARAMS, Fact.REFUSED_POLICY),
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
            shown=(Fact.REFUSED_OBJECTIVE, Fact.REFUSED_WORDS),
            beside=(Fact.DECIDED,),
        ),
        Control(
            id="T8",
            title="Repudiation & Untraceability",
            does="Names agent, operator, mandate, decision and outcome in entries that verify offline.",
            shown=_RECORDED,
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
            shown=(*_SAID, Fact.REFUSED_WORDS),
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
            shown=_RECORDED,
        ),
    ),
    silent=(
        Silence(id="1", title="Foundation Models", why=_INSIDE_AGENT),
        Silence(id="2", title="Data Operations", why=_HOUSE),
        Silence(id="3", title="Agent Frameworks", why=_INSIDE_AGENT),
        Silence(id="4", title="Deployment and Infrastructure", why=_HOUSE),
        Silence(id="T14", title="Human Attacks on MAS", why="Remit sees one agent at a time."),
        Silence(id="T23", title="Selective Log Manipulation", why="`remit verify-log` shows it, not a count of entries."),
        Silence(id="T40", title="MCP Client Impersonation", why="This version has no MCP door."),
    ),
    rest="every other threat of the guide",
)

_NIST: Final = Framework(
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
            shown=(*_HELD, *_SAID),
            beside=(Fact.DECIDED, Fact.WAIVED),
        ),
        Control(
            id="GOVERN 6.1",
            title="Risks of third-party entities",
            does="Keeps other organisations' agents within what their customer granted, and lets the desk stop them.",
            shown=(*_LIMITS, Fact.REFUSED_POLICY, Fact.AGENT_SUSPENDED),
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
            shown=(*_HELD, *_SAID),
            beside=(Fact.PERMITTED, Fact.WAIVED),
        ),
        Control(
            id="MEASURE 2.4",
            title="Monitoring in production",
            does="Records every decision, answer, outcome and reply as it happens.",
            shown=_RECORDED,
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
            shown=(Fact.AGENT_SUSPENDED, Fact.MANDATE_REVOKED, *_STOPPED),
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
            shown=(Fact.MISUSED, Fact.LEAK_FOUND, Fact.NATIVE_REPLY, Fact.AGENT_SUSPENDED, Fact.LOG_RECOVERED),
        ),
    ),
    silent=(
        Silence(id="GOVERN 1.6", title="Inventory of AI systems", why="Registering agents is set-up; `remit agent list` shows them."),
        Silence(id="MAP 1.1", title="Intended purposes and contexts", why=_ON_PAPER),
        Silence(id="MAP 4.2", title="Internal risk controls are identified", why=_ON_PAPER),
        Silence(id="MEASURE 2.7", title="Security and resilience are evaluated", why="Remit's own tests show it, not a desk's traffic."),
    ),
    rest="every other subcategory",
)

_ATLAS: Final = Framework(
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
            shown=(Fact.REFUSED_OBJECTIVE, Fact.REFUSED_WORDS),
            beside=(Fact.DECIDED,),
        ),
        Control(
            id="AML.T0053",
            title="AI Agent Tool Invocation",
            does="Refuses an act whose kind, record, amount or number the customer did not grant, or the desk's rules forbid.",
            shown=(*_LIMITS, Fact.REFUSED_OBJECTIVE, Fact.REFUSED_POLICY),
            beside=(Fact.DECIDED, Fact.PERMITTED),
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
            does="Lets no message into a case that says more than its ask.",
            shown=(Fact.REFUSED_WORDS,),
            beside=(Fact.DECIDED,),
        ),
        Control(
            id="AML.M0024",
            title="AI Telemetry Logging",
            does="Records every decision, answer, outcome and reply as it happens.",
            shown=_RECORDED,
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
            shown=(*_HELD, *_SAID),
            beside=(Fact.PERMITTED, Fact.WAIVED),
        ),
        Control(
            id="AML.M0033",
            title="Input and Output Validation for AI Agent Components",
            does="Refuses params and messages that are not what they should be, and cuts replies to what the mandate covers.",
            shown=(Fact.REFUSED_PARAMS, Fact.REFUSED_WORDS, Fact.REFUSED_SECRET, Fact.REPLY_CUT),
            beside=(Fact.DECIDED,),
        ),
    ),
    silent=(
        Silence(id="AML.T0073", title="Impersonation", why=_NO_ENTRY),
        Silence(id="AML.T0091.000", title="Application Access Token", why=_NO_ENTRY),
        Silence(id="AML.M0026", title="Privileged AI Agent Permissions Configuration", why=_HOUSE),
        Silence(id="AML.M0030", title="Restrict AI Agent Tool Invocation on Untrusted Data", why=_INSIDE_AGENT),
        Silence(id="AML.M0032", title="Segmentation of AI Agent Components", why=_INSIDE_AGENT),
    ),
    rest="every other technique and mitigation",
)

FRAMEWORKS: Final = (_ASI, _NHI, _MAESTRO, _NIST, _ATLAS)
