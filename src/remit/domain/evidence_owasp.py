"""What Remit can say to the two OWASP lists of ten: agentic applications, and non-human identities. Identifiers and titles are OWASP's."""

from typing import Final

from remit.domain.evidence_controls import HELD, HOUSE, INSIDE_AGENT, LIMITS, NO_ENTRY, SAID, WORDS, Control, Framework, Silence
from remit.domain.evidence_facts import Fact

ASI: Final = Framework(
    name="owasp-asi",
    title="OWASP Top 10 for Agentic Applications 2026",
    controls=(
        Control(
            id="ASI01",
            title="Agent Goal Hijack",
            does="Holds every ask and its message against the objective the customer approved, and refuses what goes beyond it.",
            shown=(Fact.REFUSED_OBJECTIVE, *WORDS),
            beside=(Fact.DECIDED,),
        ),
        Control(
            id="ASI02",
            title="Tool Misuse & Exploitation",
            does="Refuses an act whose kind, record, amount or number the customer did not grant, or the desk's rules forbid.",
            shown=(*LIMITS, Fact.REFUSED_PARAMS, Fact.REFUSED_POLICY),
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
            shown=(*HELD, *SAID, Fact.REFUSED_CONFIRMATION),
            beside=(Fact.PERMITTED_AFTER, Fact.PERMITTED_AT_ONCE, Fact.WAIVED),
        ),
        Control(
            id="ASI10",
            title="Rogue Agents",
            does="Ends the task of an agent whose asks go astray, and lets the desk stop an agent or its operator at once.",
            shown=(Fact.ENDED_RISK, Fact.TASK_HELD, Fact.AGENT_DISOWNED, Fact.AGENT_SUSPENDED, Fact.ENDED_SUSPENDED),
            beside=(Fact.REFUSED, Fact.SENT_BEFORE_END),
        ),
    ),
    silent=(
        Silence(id="ASI04", title="Agentic Supply Chain Vulnerabilities", why=INSIDE_AGENT),
        Silence(id="ASI05", title="Unexpected Code Execution (RCE)", why=INSIDE_AGENT),
        Silence(id="ASI06", title="Memory & Context Poisoning", why=INSIDE_AGENT),
        Silence(id="ASI07", title="Insecure Inter-Agent Communication", why="What agents tell one another does not pass the desk."),
    ),
)

NHI: Final = Framework(
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
        Silence(id="NHI6:2025", title="Insecure Cloud Deployment Configurations", why=HOUSE),
        Silence(id="NHI8:2025", title="Environment Isolation", why=HOUSE),
        Silence(id="NHI9:2025", title="NHI Reuse", why=NO_ENTRY),
        Silence(id="NHI10:2025", title="Human Use of NHI", why="Whether a person sits behind an agent's key cannot be seen here."),
    ),
)
