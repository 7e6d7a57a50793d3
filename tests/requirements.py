"""What must hold: id → sentence and source. A test says with `@pytest.mark.proves("ID")` which of them it proves.

`architecture/test_requirements.py` fails when one has no test, and when an attack could not fail.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Requirement:
    """A sentence that must hold, where it comes from, and whether its test is shown to fail with its rule off."""

    sentence: str
    source: str
    mutated: bool = True


def _model(anchor: str, sentence: str, *, mutated: bool = True) -> Requirement:
    return Requirement(sentence, f"docs/model/model.md#{anchor}", mutated)


def _peers(probe: str, sentence: str, *, mutated: bool = True) -> Requirement:
    return Requirement(sentence, f"docs/model/peers.md#{probe}", mutated)


def _visitors(anchor: str, sentence: str, *, mutated: bool = True) -> Requirement:
    return Requirement(sentence, f"docs/model/visitors.md#{anchor}", mutated)


REQUIREMENTS: Final[Mapping[str, Requirement]] = {
    "SWITCHER": Requirement(
        "Only a browser on this machine, on a page of a demo whose settings say so, becomes another person there, who then confirms nothing.",
        "docs/demo.md#the-role-switcher",
    ),
    "P1": _peers("p1", "An agent cannot approve its own step-up."),
    "P2": _peers("p2", "An amount above the approved intent is refused."),
    "P3": _peers("p3", "Another order under the same intent is refused."),
    "P4": _peers("p4", "An unplanned act is refused."),
    "P5": _peers("p5", "A governance report says nothing of what nothing has shown, whatever is configured."),
    "P6": _peers("p6", "The approved act cannot be swapped before it is done."),
    "P7": _peers("p7", "An approval cannot be replayed."),
    "P8": _peers("p8", "Ten small refunds do not pass where one large one would not."),
    "P9": _peers("p9", "A log cut at its tail is noticed."),
    "P10": _peers("p10", "A credential is dead after its case closed."),
    "P11": _peers("p11", "A secret in a message reaches no case, entry or reply."),
    "P12": _peers("p12", "The desk's reply carries no attribute that is not covered."),
    "P13": _peers("p13", "With the audit store down nothing happens."),
    "P14": _peers("p14", "With the revocation store down nothing is permitted."),
    "P15": _peers("p15", "A person's own session or password is refused at an agent's door, and told."),
    "P16": _peers("p16", "An approver's page can be neither framed nor driven."),
    "P17": _peers("p17", "An id sent as a list, a smuggled field and money as a float are refused."),
    "P18": _peers("p18", "A sub-agent cannot widen the chain."),
    "VISITOR-IDENTITY": _visitors("identity", "A visitor is known by the host of its document, and its code goes nowhere else."),
    "VISITOR-REQUEST": _visitors("request", "A customer picks purpose and records by hand; nothing else is asked or signed."),
    "VISITOR-TOKENS": _visitors("tokens", "A visitor's token is for one resource; a refresh token or code used twice ends all."),
    "VISITOR-RIGHTS": _visitors("rights", "Without the customer's passkey a visitor changes nothing and is told nothing sensitive."),
    "VISITOR-STRANGERS": _visitors("strangers", "A caller that proved nothing makes the desk read, store and count little."),
    "VISITOR-EVIDENCE": _visitors("evidence", "Entries say that a visitor proved nothing, and how it was known."),
    "TITLES": _model("titles", "A title that hides money, a record or a recipient stops the start."),
    "FLOORS": _model("floors", "No policy lowers a floor; an unpinned recipient needs the customer."),
    "WAIVER-MARKED": _model("waivers", "Every use of a waiver is marked in the transcript."),
    "WAIVER-OWN": _model("waivers", "Nobody confirms under a waiver they wrote."),
    "STRICT-JSON": _model("values", "JSON that two readers could read differently is not read."),
    "STRICT-PARAMS": _model("values", "Nothing is coerced; money is a string of its one shape."),
    "CANONICAL-ID": _model("canonical-ids", "An alias of an id is another id."),
    "LOGS-CLEAN": _model("log-secrets", "No secret, token or code reaches a line of the process's own log, whoever writes it."),
    "FILES": _model("files", "An attachment is read by its bytes; no secret in one of any kind reaches a case, entry, log or reply."),
    "FILES-HELD": _model(
        "files", "What cannot be read, is two things at once or gives orders reaches no case until an officer lets it pass."
    ),
    "FILES-SHOWN": _model("files", "A file is shown as text and saved as what it is; it runs nowhere."),
    "REPRESENT": _model("powers", "Without *represent* an agent says nothing: no case, words, free text or files."),
    "MANDATE-POWERS": _model("powers", "What is not granted is refused."),
    "MANDATE-TARGET": _model("target", "Only the records of the target."),
    "MANDATE-TESTS": _model("mandate-tests", "Every test of the charged power holds; an absent value fails it."),
    "DISOWNED": Requirement(
        "What a customer disowns ends with all of that agent for them, for nobody else, and security is told.",
        "docs/pages.md#this-was-not-me",
    ),
    "RECEIPT-BROWSER": _model(
        "sections", "A receipt that was changed anywhere is refused in the browser as by the command.", mutated=False
    ),
    "ACCESS": Requirement("Every page can be used by everybody: WCAG 2.2 AA as far as a program can tell.", "WCAG 2.2", mutated=False),
    "SIGNED-OUT-LIVE": _model("standing-again", "Whoever is signed out while a page of theirs waits for news is told nothing."),
    "ORPHANS-SEEN": _model(
        "task-end", "A credential that is accepted behind its task's end is counted and told, whatever rule has failed.", mutated=False
    ),
    "OBJECTIVE": _model("rules", "Only actions of the objective, in their order, until it is reached."),
    "REMEDY": Requirement(
        "What a refusal says would cure it covers that ask, once, and nothing else; it tells nothing of records.",
        "docs/model/standards.md#remediation",
    ),
    "COUNTERS": _model("mandate-counters", "Uses and totals are reserved when asked and never exceeded."),
    "COUNTERS-EXACT": _model("mandate-counters", "Counters are exact under concurrency."),
    "NEVER": _model("never", "`never` beats everything and cannot be confirmed away."),
    "NEVER-CLOSED": _model("never", "In `never` a test that cannot be evaluated matches."),
    "CONSENT-RENEWED": _model("renewed-consent", "An action that changed since signing needs renewed consent."),
    "GRANT-BOUND": _model("grant", "A grant cannot be moved to another agent, key, customer or desk."),
    "NARROWING": _model("narrowing", "Narrowing never widens and gives no counter back."),
    "CHAIN": _model("chain", "No door lets another actor into the chain."),
    "ONE-ANSWER": _model("task-token", "Foreign and unknown grants and tasks answer alike."),
    "DPOP-BOUND": _model("task-token", "A token is worth nothing without its key, at another address or beside another token."),
    "X509-SVID": Requirement(
        "A certificate proves a workload from the desk's own TLS front alone, by its own trust domain's bundle alone.",
        "docs/model/standards.md#x509-svid",
    ),
    "FEDERATION": Requirement(
        "A token of another issuer is one registered agent's, by claims that are compared whole.", "docs/model/standards.md#federation"
    ),
    "SIGNED-REQUESTS": Requirement(
        "A signed request is acted on in what its signature covers, by the key's own algorithm, once.",
        "docs/model/standards.md#message-signatures",
    ),
    "STRANGERS": Requirement(
        "An agent met for the first time asks for a mandate, opens a case, and does nothing else.", "docs/model/standards.md#strangers"
    ),
    "DPOP-REPLAY": _model("task-token", "A proof and an assertion count once."),
    "TASK-END": _model("task-end", "After a task's end nothing of it is alive."),
    "CASE-REREAD": _model("case-reread", "The case is re-read before a write acts and before anything is delivered."),
    "REMEMBERED": _model("standing", "What is remembered of records between asks changes nothing that is decided, recorded or told."),
    "STANDING-AGAIN": _model("standing-again", "Standing is read again before bytes leave a long poll."),
    "INTROSPECT-OWN": _model("task-token", "An agent is told of its own tokens alone, as they stand now."),
    "STOPPED": Requirement("Nothing is issued while anything it stands on is stopped.", "docs/model/standards.md#issuance"),
    "GIVEN-UP": Requirement(
        "What an agent gives back is dead at once, with all that hangs on it; nobody else's is given back.",
        "docs/model/standards.md#revocation; RFC 7009",
    ),
    "ASKED-NO-MORE": Requirement(
        "What an OAuth request wishes for and cannot get is refused, not left out of account.",
        "docs/model/standards.md#refused-wishes; RFC 8693 §2.1; RFC 9126",
    ),
    "BACKCHANNEL": Requirement(
        "A request without a browser reaches a customer who knows the operator, and is answered by them alone.",
        "docs/model/wire.md#backchannel; OpenID CIBA Core 1.0",
    ),
    "TXN-CHALLENGE": Requirement(
        "A challenge is a waiting ask in another form; its token fetches that ask's own result, once.",
        "docs/model/wire.md#challenge; draft-rosomakho-oauth-txn-challenge",
    ),
    "KEY-OVERLAP": Requirement(
        "A token key is published before its use and verified until its last token is over, and no longer.",
        "docs/model/standards.md#key-rotation",
    ),
    "ID-JAG": Requirement(
        "An ID-JAG says whom an agent acts for and grants nothing that they have not signed.",
        "docs/decisions/0056-what-an-id-jag-stands-for.md",
    ),
    "STEP-UP": Requirement("A write that nobody confirms needs a signature that is recent enough.", "docs/model/standards.md#step-up"),
    "CERTIFICATE-BOUND": Requirement(
        "A token bound to a TLS certificate is worth nothing without that certificate's connection.",
        "docs/model/standards.md#certificate-bound; RFC 8705",
    ),
    "REOPEN": _model("case-reread", "Reopening revives nothing; an agent cannot reopen."),
    "HUMAN-CREDENTIAL": _model("human-credentials", "A person's credential at an agent's door ends that session and is told."),
    "FACTS-INSIDE": _model("facts", "Facts are never asked outside the mandate."),
    "FACTS-ALIKE": _model("facts", "Unknown and foreign records answer alike, after the same work."),
    "FACTS-VERSION": _model("facts", "An act carries the versions of the facts it was decided on."),
    "CEDAR-TRAPS": _model("policy", "A policy that errs or could never fire refuses or stops the start."),
    "POLICY-DEFAULT": _model("policy", "Anything but an explicit allow is a refusal."),
    "EPOCHS": _model("commit", "A decision is recorded and sent only on the standing it was made on."),
    "FENCE": _model("act-exactly-once", "Unknown becomes failed only once the act can never happen; an act is done once."),
    "BACKOFFICE-SIGNED": Requirement(
        "A backoffice over HTTP takes Remit's own requests once, and Remit the answers to them alone.",
        "docs/backoffice.md#signatures; RFC 9421",
    ),
    "BACKOFFICE-ADDRESS": Requirement(
        "Remit asks the backoffice of its settings at a verified address, and nothing else.", "docs/backoffice.md#address; OWASP SSRF"
    ),
    "BACKOFFICE-CHECKED": Requirement(
        "check-backoffice names each promise that a backoffice breaks, with its cure.", "docs/backoffice.md#promises"
    ),
    "MAPPED": Requirement(
        "A mapped system is reached by the mapped operations alone, and nothing but mapped values leaves.",
        "docs/mapping.md#promises; RFC 6901; OWASP SSRF",
    ),
    "DIRECTORY": Requirement(
        "A directory is searched by values, never by text; a record is its exact id; no password leaves; nothing is done twice.",
        "docs/directory.md#safe; RFC 4513 §5.1.2; RFC 4515; OWASP LDAP Injection",
    ),
    "MAPPED-SUMS": Requirement(
        "Acts of one record at a mapped system come one after another, amounts never exceed what is left, and no key is used by two tokens.",
        "docs/mapping.md#holds; docs/mapping.md#limit",
    ),
    "MCP-TOOLS": Requirement(
        "The tools of the MCP door are those the mandate grants now, and nothing else has their names.", "docs/model/wire.md#mcp-tools"
    ),
    "MCP-ASK": Requirement("A call of a tool is an ask like every other, on the record, once.", "docs/model/wire.md#mcp-calls"),
    "MCP-CONFIRM": Requirement(
        "An MCP client confirms nothing, whatever it says its user said.", "docs/model/wire.md#mcp-confirmations", mutated=False
    ),
    "MCP-STATE": Requirement(
        "A state continues only the call it was given for, and an ask is told of in its own task.", "docs/model/wire.md#mcp-confirmations"
    ),
    "MCP-AUTH": Requirement(
        "No message at the MCP door is answered without a token of this desk and a proof of that very request.", "docs/model/wire.md#mcp"
    ),
    "MCP-ORIGIN": Requirement("No page of another site is answered at the MCP door.", "docs/model/wire.md#mcp; MCP 2026-07-28"),
    "MCP-AGREE": Requirement("Headers and body of an MCP message say the same, once.", "docs/model/wire.md#mcp; MCP 2026-07-28"),
    "MCP-BOUNDED": Requirement("Before a proof, little is read and failures are counted at the MCP door.", "docs/model/wire.md#mcp"),
    "UNCLEAR": _model("act-exactly-once", "An act that nothing can find again is sent once; an officer says what became of it."),
    "SWEEP-FAIR": _model("act-exactly-once", "What is stuck keeps nothing behind it from being settled."),
    "IDEMPOTENCE": _model("commit", "One key, one body, one act."),
    "TRAJECTORY": _model("trajectory", "Slices and sweeps within every limit are noticed and end with a person."),
    "HELD": _model(
        "trajectory",
        "A task held for its risk is on the record, waits for the desk's people, and goes on when they say so: two where something moved.",
    ),
    "RISK-FAIR": _model("trajectory", "One customer's no or trouble holds no other customer's task; evidence over several does."),
    "WORDS-MENDED": _model("words-mended", "A message mended as told costs no risk; a probe of the words check is held all the same."),
    "ASKED-AGAIN": _model("trajectory", "Asking again after a decline raises risk, with other values too."),
    "DECLINE-BINDS": _model("decline-binds", "A decline binds the act for the whole operator."),
    "WITHHELD": _model("reply", "What is not covered is withheld from reply and receipt."),
    "NO-RECORD-NO-ACT": _model("commit", "No record, no action."),
    "WORDS": _model("words", "A message that says more than its ask does not reach the case."),
    "WORDS-MODEL": _model("words-model", "A small local model may only make the verdict stricter."),
    "WORDS-HELD": _model(
        "words-release",
        "An officer's release passes words, never authority; before it only that officer and the customer read them.",
    ),
    "WORDS-STRIPPED": _model(
        "words-stripped", "Words that a desk strips stand nowhere in the case, and count as little as words it refuses."
    ),
    "WORDS-SPLIT": _model("words-split", "Splitting a message over asks does not help."),
    "SECRETS": _model("inbound", "Secrets are taken out before anything is kept."),
    "OUTBOUND-KEPT": _model("outbound", "Of what was taken out of an officer's text nothing is kept but this customer's own values."),
    "LEAK": _model("leaks", "A token of ours in a message ends its task before anything else happens, on the record, and told."),
    "LEAK-DISGUISED": _model("leaks", "A token of ours is known in disguise: spaced, cut, encoded, backwards."),
    "LEAK-FAMILIES": _model(
        "leaks", "Any credential of ours is worthless once it was seen, with what it stands for; its look alone ends nothing."
    ),
    "LEAK-FILES": _model(
        "leaks", "A token of ours that must be unpacked or decoded out of a file is known, and ends its task all the same."
    ),
    "LEAK-PLACES": _model("leaks", "A token of ours is looked for wherever agents or officers write, also natively in the helpdesk."),
    "LEAK-OWNER": _model("leaks", "The owner of another credential is told of its kind and place, once, and never of its value."),
    "INCIDENT-CAUSE": _model("incidents", "An incident is opened or joined in the commit of its cause, and by nothing else."),
    "INCIDENT-STORM": _model("incidents", "A storm of one agent is one incident, and one operator opens no more than a bounded number."),
    "REVIEWED-ROWS": _model(
        "incidents", "Saved views, searches, exports and names hold nothing off, run nothing and tell no officer who is not named."
    ),
    "INCIDENT-CLOSE": _model("incidents", "Security alone closes an incident, with a reason, for good."),
    "INCIDENT-OWNER": _model("incidents", "The owner of an incident is of security."),
    "INCIDENT-SILENT": _model("incidents", "Neither agents nor customers learn of an incident, and a note keeps no secret."),
    "INCIDENT-TOLD": _model("incidents", "A message about an incident is signed, in order, and holds no secret and no customer."),
    "CANARY": _model("canaries", "A canary that is seen is on the record and told to security; it ends nothing by itself."),
    "CANARY-SILENT": _model("canaries", "A reply does not differ by whether a canary was in what it answers."),
    "OUTBOUND-OTHERS": _model("outbound", "Nothing of another customer leaves with an officer's text, nor a code that lets somebody in."),
    "CS0039": Requirement(
        "Orders to the desk's own AI in a ticket do not reach it; if they do, no other customer's data leaves.",
        "MITRE ATLAS AML.CS0039",
    ),
    "W-GUESS": _model("guessing", "A customer's attribute is compared with three values, over all agents."),
    "PUBLIC-TEXT": _model("native-replies", "What an officer writes past Remit reaches no agent."),
    "NATIVE-REPLY": _model("native-replies", "A public reply written in the helpdesk by no officer of the case is an incident, told once."),
    "HELPDESK-WRITER": _model(
        "native-replies", "In a helpdesk, words are those of the account that wrote them and put them into the ticket."
    ),
    "HELPDESK-EVENT": _model(
        "helpdesk-events",
        "An event of the helpdesk wakes, and nothing of it is believed; replays and floods cost a bounded number of readings.",
    ),
    "HELPDESK-HOSTED": _model(
        "native-replies",
        "In a hosted helpdesk a write is looked for until the product surely finds it; a reply is a draft where the product "
        "shows that its author's account wrote it by hand.",
    ),
    "TICKET-CARD": _model(
        "ticket-card", "The card in a ticket is Remit's own word, written once for each change; no foreign text passes for it."
    ),
    "NATIVE-DRAFT": _model("native-replies", "An officer's reply in the helpdesk is checked like one of Remit's pages, and sent once."),
    "NO-GUESSABLE-FINGERPRINT": _model("inbound", "Of a secret that can be guessed nothing is kept that it could be guessed from."),
    "CREDENTIAL-FINGERPRINT": _model("inbound", "Of a credential a keyed fingerprint is kept, for the desk alone."),
    "OUTBOUND": _model("outbound", "What an agent may not be told is not told by an officer either; without facts nothing is sent."),
    "OVERRIDE": _model(
        "override", "An officer's override sends this customer's own plain values in the very text that was checked, on the record."
    ),
    "OVERRIDE-REVIEW": _model(
        "override", "A second person looks at an officer's first overrides and at a share that nobody knows beforehand."
    ),
    "REVIEWED-OUTGOING": _model(
        "outbound", "What an agent stated opens an officer's text for its own words alone, delays no one, and is not confirmed."
    ),
    "CONFIRM-WHO": _model("confirm-who", "Who is asked answers, two confirmations are two people."),
    "CONFIRM-BESIDE": _model("confirm-beside", "Facts beside a decision are its customer's, for its role, and for no agent."),
    "CONFIRM-MANY": _model("confirm-beside", "Several confirmations at once are only declined."),
    "CONFIRM-SIGNED": _model("confirm-signed", "A yes is a verified person's signature over exactly one ask."),
    "OPAQUE": _model("opaque", "An id that an agent chooses has a bounded alphabet and length, and carries no secret."),
    "LOOKALIKES": _model(
        "look-alikes", "An agent that looks like another operator's is not registered; deceptive letters are told to whoever signs."
    ),
    "CONFIRM-ONCE": _model("confirm-signed", "A confirmation is used once, for one act, in time."),
    "CONFIRM-EARLIER": _model("confirm-shown", "What is signed lists what was done before under the same mandate."),
    "CONFIRM-SHOWN": _model("confirm-shown", "Who is asked tells each record from every other by what is shown."),
    "SHORT-LINE": _model("confirm-shown", "A line in view says no less of amounts, records and operators than what is folded."),
    "CONFIRM-FRESH": _model("confirm-shown", "A yes is void when what would be shown has changed."),
    "CONFIRM-LESS": _model("confirm-answers", "A counter-offer is less and nothing else."),
    "DECISION-SHOWN": _model("confirm-decided", "What was decided is shown to those who were asked, and to nobody else."),
    "UNDO": _model("confirm-undo", "A yes is taken back by its giver alone, and only while nothing was sent."),
    "CONFIRM-UNFRAMED": _model("confirm-signed", "A signature of a framed or foreign page counts nothing."),
    "ESCALATION": _model(
        "escalation-rules", "An escalation rule only adds people; what nobody answers in time is handed on or refused, never done."
    ),
    "HANDED-OVER": _model("handing-over", "What waits is handed over only to somebody whose yes counts, and nobody keeps it for ever."),
    "FATIGUE": _model("anti-fatigue", "Nobody is tired out by many questions."),
    "NOTICE-SILENT": _model("notices", "A notice carries no code, nothing that lets somebody in, and no value of a record or an ask."),
    "NOTICE-NAMES": _model("notices", "A name that others chose breaks no line of a notice, hides nothing in it and is no link."),
    "NOTICE-LINKS": _model("notices", "A mail scanner that follows every link of a notice and presses every button approves nothing."),
    "NOTICE-ONCE": _model("notices", "Of several nodes one sends a notice; what may have been sent goes again under the same id."),
    "NOTICE-KEPT": _model("notices", "A notice is not lost with a process or a server that is away, and what is given up is told."),
    "NOTICE-FLOOD": _model("notices", "Many requests within a minute are one notice to an officer."),
    "NOTICE-LOG": _model("notices", "A notice in the log has agent, purpose and its own link; no other secret passes with it."),
    "NOTICE-WIRE": _model("notices", "Notices go over no weaker connection than the settings say, and to nobody else."),
    "PASSKEY-YOUNG": _model("young-passkeys", "A passkey from a mailbox confirms nothing above routine for 72 hours."),
    "RECOVERY": _model("passkeys", "A recovery pauses all mandates, ends other passkeys, sessions and links; no young passkey resumes."),
    "CONTACT": _model("passkeys", "After a change of contact passkeys are young, and the old address is told of it and of what follows."),
    "LONG-POLLS": _model("long-polls", "What is committed between a poll's read and its wait is told at once."),
    "AFTER-END": _model(
        "after-the-end", "After the end an ask answers its own client, actor and key alone, without attributes, each proof once."
    ),
    "MANY-OPENED": _model("trajectory", "Many mandates, tasks or agent ids with little behind them raise the risk of their operator."),
    "PASSKEY-ADD": _model("passkeys", "A new passkey needs an old one's signature, and inherits its wait."),
    "PASSKEY-REMOVE": _model(
        "passkeys", "A passkey is removed by a passkey's signature, never the last, never by a younger one that waits."
    ),
    "ENROL-ONCE": _model("passkeys", "An enrolment link works once."),
    "SESSION-KEPT": _model("enrolment-links", "A link takes nobody's session without having asked."),
    "LINK-NAMES": _model("enrolment-links", "A link names its person to its holder; every other code names nobody."),
    "LOGO": _model("logo", "A company's logo runs nothing and refers to nowhere else."),
    "OFFERS": _model("offers", "An offer lies within the limits of whoever makes it, and is accepted as it was recorded."),
    "RECEIPT-SECTIONS": _model("sections", "A receipt opens its holder's sections alone."),
    "SECTION-SALTS": _model("sections", "A closed section cannot be guessed from its hash; the public log holds hashes alone."),
    "RECOVER": _model(
        "high-water", "After a recovery nothing of before is worth anything: tokens, mandates, what waited, what counts once."
    ),
    "ROWS": _model("rows", "Rows written beside Remit are not read, and rows put back or taken out stop the next start."),
    "SEARCH-ERASED": _model("search", "Erased content is found by no search, and is in no export."),
    "SEARCH-ROLES": _model(
        "search", "Auditors alone search and export, as long as they are; officers are named where the desk names them."
    ),
    "EXPORT-RECORDED": _model("search", "An export is on the record before its first row leaves, and its entry outlives no erasure."),
    "EXPORT-FORMULA": Requirement("No cell of an exported table runs as a formula.", "OWASP CSV Injection"),
    "ERASED": _model("erasure", "What two people erased is gone from the working records too, and stays gone after a restore."),
    "LOG-START": _model("high-water", "A cut or changed log stops the start."),
    "HIGH-WATER": _model("high-water", "A store older than what was published does not start."),
    "NODES": Requirement(
        "Nodes over one store never write two histories, and none decides on what another has changed.",
        "docs/decisions/0019-nodes-compare-and-swap-the-head.md",
    ),
    "NOISE": _model("noise", "Refusals at people's doors are recorded as numbers, not one entry each, and nobody writes a word into them."),
    "LIMITS": _model("rate-limits", "Who floods is told to wait, early and off the record, and takes nobody else's place."),
    "METRICS-CLOSED": _model("log-secrets", "No caller makes up a series of the metrics, and none names anybody."),
    "TRACES-SILENT": _model("log-secrets", "Traces say how long what took, in words of a closed list, and nothing of whom or what."),
    "TRACES-UNSTEERED": _model("log-secrets", "No caller joins a trace or chooses what is sampled, but a proxy that a setting trusts."),
    "FAIL-CLOSED": _model("failing", "What cannot be reached permits nothing, and nothing is lost."),
    "LANGUAGE": _model(
        "confirm-shown", "What somebody reads in another language is what they sign, and nothing that others write is a text of ours."
    ),
    "CSRF": Requirement("A foreign page cannot use a person's session.", "docs/model/peers.md#p16"),
    "FORMS": Requirement(
        "A form of a page is sent to a door that reads JSON alone, and by nothing but the page's own program.", "docs/model/peers.md#p16"
    ),
    "FORM-KEPT": Requirement(
        "What was entered in a form that is refused stays in it, with why in plain words.", "docs/model/product.md#people", mutated=False
    ),
    "UNFRAMED": Requirement(
        "No answer may be framed, but the sign-out that the company's provider frames, by the provider alone.", "docs/model/peers.md#p16"
    ),
    "ONE-PRESS": Requirement(
        "What agrees without a passkey takes no press that was begun on another page.",
        "docs/model/peers.md#p16",
        mutated=False,
    ),
    "AGENTS-TEXT": _model(
        "agents-text", "Nothing an agent writes comes to life on a page, hides there, or passes for the desk's own words."
    ),
    "PAGES-QUIET": Requirement(
        "No page breaks the desk's content policy, complains, or asks anything of another site.",
        "docs/model/wire.md#pages",
    ),
    "LOGIN-BOUND": Requirement(
        "An answer of the company's login counts in the browser that asked for it alone, from that provider alone.",
        "OpenID Connect Core 1.0 §15.5.2; RFC 9700 §4.7; RFC 9207",
    ),
    "SSF-ENDS": Requirement(
        "What a transmitter that may say so reports as revoked or changed is over by the next request.", "SSF 1.0; CAEP 1.0 §3.1, §3.3"
    ),
    "SSF-FORGED": Requirement(
        "A forged event, or one for another receiver, ends nothing, and is counted.", "RFC 8417; SSF 1.0 §11; RFC 8725"
    ),
    "SSF-ONCE": Requirement("An event counts once.", "RFC 8417 §2.2"),
    "SSF-SCOPE": Requirement("A transmitter speaks of its own people or agents alone.", "SSF 1.0 §11.1"),
    "SSF-SENT": Requirement("An event is sent until it is taken, over failures and restarts.", "RFC 8935; RFC 8936"),
    "SSF-CUT": Requirement("A receiver hears of no more than the settings let it know.", "SSF 1.0 §10"),
    "SSF-OWN": Requirement("A receiver reads and changes its own stream alone.", "SSF 1.0 §8"),
    "SSF-SSRF": Requirement("Events are pushed to no address inside, and follow no redirect.", "RFC 6890; OWASP SSRF"),
    "SSF-FLOOD": Requirement("Verifications come at their interval.", "SSF 1.0 §8.1.4.2"),
    "LOGIN-ENDS": Requirement(
        "Who signed out or was let go at the company is out here with the next request, on every node.",
        "OpenID Connect Back-Channel Logout 1.0",
    ),
    "LOGIN-FIXATION": Requirement("Whoever signs in gets a session that did not exist before.", "OWASP Session Management"),
    "LOGIN-ONCE": Requirement("An answer of the company's login counts once, and for a short while.", "RFC 6749 §10.5"),
    "LOGIN-ONE-PERSON": Requirement(
        "An account belongs to one login, and all accounts of one login are one person.", "docs/model/model.md#confirm-who"
    ),
    "LOGIN-ROLES": Requirement("Roles from the company's provider count only as mapped in settings.", "docs/model/model.md#roles"),
    "LOGIN-STRENGTH": Requirement(
        "A sign-in is as strong and as fresh as was asked for, or it is none.", "OpenID Connect Core 1.0 §5.5.1.1"
    ),
    "LOGIN-VOUCHES": Requirement(
        "A passkey made by the company's login counts at once only where that login vouches (acr).", "docs/model/model.md#passkeys"
    ),
    "SESSION-ENDS": Requirement("A session ends by itself, and everywhere when its owner says so.", "OWASP Session Management"),
    "LEFT-BEHIND": Requirement(
        "Nothing that was seen stands in a browser after its person signed out.", "OWASP Session Management (Cache-Control)"
    ),
    "SESSION-COOKIE": Requirement("A session cookie is out of reach of scripts and foreign pages.", "docs/model/peers.md#p16"),
    "PATHS": Requirement("Paths and headers are read one way only.", "docs/model/wire.md#paths"),
}
