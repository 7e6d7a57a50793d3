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


def _model(section: int, sentence: str, *, mutated: bool = True) -> Requirement:
    return Requirement(sentence, f"2-model.md §{section}", mutated)


def _peers(sentence: str, *, mutated: bool = True) -> Requirement:
    return Requirement(sentence, "7-peers.md", mutated)


REQUIREMENTS: Final[Mapping[str, Requirement]] = {
    "P1": _peers("An agent cannot approve its own step-up."),
    "P2": _peers("An amount above the approved intent is refused."),
    "P3": _peers("Another order under the same intent is refused."),
    "P4": _peers("An unplanned act is refused."),
    "P5": _peers("A governance report says nothing of what nothing has shown, whatever is configured."),
    "P6": _peers("The approved act cannot be swapped before it is done."),
    "P7": _peers("An approval cannot be replayed."),
    "P8": _peers("Ten small refunds do not pass where one large one would not."),
    "P9": _peers("A log cut at its tail is noticed."),
    "P10": _peers("A credential is dead after its case closed."),
    "P11": _peers("A secret in a message reaches no case, entry or reply."),
    "P12": _peers("The desk's reply carries no attribute that is not covered."),
    "P13": _peers("With the audit store down nothing happens."),
    "P14": _peers("With the revocation store down nothing is permitted."),
    "P15": _peers("A person's own session or password is refused at an agent's door, and told."),
    "P16": _peers("An approver's page can be neither framed nor driven."),
    "P17": _peers("An id sent as a list, a smuggled field and money as a float are refused."),
    "P18": _peers("A sub-agent cannot widen the chain."),
    "TITLES": _model(1, "A title that hides money, a record or a recipient stops the start."),
    "FLOORS": _model(1, "No policy lowers a floor; an unpinned recipient needs the customer."),
    "WAIVER-MARKED": _model(1, "Every use of a waiver is marked in the transcript."),
    "WAIVER-OWN": _model(1, "Nobody confirms under a waiver they wrote."),
    "STRICT-JSON": _model(2, "JSON that two readers could read differently is not read."),
    "STRICT-PARAMS": _model(2, "Nothing is coerced; money is a string of its one shape."),
    "CANONICAL-ID": _model(2, "An alias of an id is another id."),
    "LOGS-CLEAN": _model(9, "No secret, token or code reaches a line of the process's own log, whoever writes it."),
    "FILES": _model(
        7, "An attachment is read by what its bytes are, and no secret in one of any kind reaches a case, entry, log or reply."
    ),
    "FILES-HELD": _model(7, "What cannot be read, is two things at once or gives orders reaches no case until an officer lets it pass."),
    "FILES-SHOWN": _model(7, "A file is shown as text and saved as what it is; it runs nowhere."),
    "MANDATE-POWERS": _model(3, "What is not granted is refused."),
    "MANDATE-TARGET": _model(3, "Only the records of the target."),
    "MANDATE-TESTS": _model(3, "Every test of the charged power holds; an absent value fails it."),
    "DISOWNED": Requirement(
        "What a customer disowns ends with all of that agent for them, for nobody else, and security is told.", "issue: people"
    ),
    "RECEIPT-BROWSER": _model(9, "A receipt that was changed anywhere is refused in the browser as by the command.", mutated=False),
    "ACCESS": Requirement("Every page can be used by everybody: WCAG 2.2 AA as far as a program can tell.", "issue: people", mutated=False),
    "SIGNED-OUT-LIVE": _model(4, "Whoever is signed out while a page of theirs waits for news is told nothing."),
    "ORPHANS-SEEN": _model(
        4, "A credential that is accepted behind its task's end is counted and told, whatever rule has failed.", mutated=False
    ),
    "OBJECTIVE": _model(5, "Only actions of the objective, in their order, until it is reached."),
    "REMEDY": Requirement(
        "What a refusal says would cure it covers that ask, once, and nothing else; it tells nothing of records.", "5-standards.md §6"
    ),
    "COUNTERS": _model(3, "Uses and totals are reserved when asked and never exceeded."),
    "COUNTERS-EXACT": _model(3, "Counters are exact under concurrency."),
    "NEVER": _model(3, "`never` beats everything and cannot be confirmed away."),
    "NEVER-CLOSED": _model(3, "In `never` a test that cannot be evaluated matches."),
    "CONSENT-RENEWED": _model(3, "An action that changed since signing needs renewed consent."),
    "GRANT-BOUND": _model(3, "A grant cannot be moved to another agent, key, customer or desk."),
    "NARROWING": _model(3, "Narrowing never widens and gives no counter back."),
    "CHAIN": _model(3, "No door lets another actor into the chain."),
    "ONE-ANSWER": _model(4, "Foreign and unknown grants and tasks answer alike."),
    "DPOP-BOUND": _model(4, "A token is worth nothing without its key, at another address or beside another token."),
    "DPOP-REPLAY": _model(4, "A proof and an assertion count once."),
    "TASK-END": _model(4, "After a task's end nothing of it is alive."),
    "CASE-REREAD": _model(4, "The case is re-read before a write acts and before anything is delivered."),
    "STANDING-AGAIN": _model(4, "Standing is read again before bytes leave a long poll."),
    "INTROSPECT-OWN": _model(4, "An agent is told of its own tokens alone, as they stand now."),
    "STOPPED": Requirement("Nothing is issued while anything it stands on is stopped.", "5-standards.md §3"),
    "GIVEN-UP": Requirement(
        "What an agent gives back is dead at once, with all that hangs on it; nobody else's is given back.", "5-standards.md §4; RFC 7009"
    ),
    "ASKED-NO-MORE": Requirement(
        "What an OAuth request wishes for and cannot get is refused, not left out of account.", "5-standards.md §3; RFC 8693 §2.1; RFC 9126"
    ),
    "REOPEN": _model(4, "Reopening revives nothing; an agent cannot reopen."),
    "HUMAN-CREDENTIAL": _model(4, "A person's credential at an agent's door ends that session and is told."),
    "FACTS-INSIDE": _model(5, "Facts are never asked outside the mandate."),
    "FACTS-ALIKE": _model(5, "Unknown and foreign records answer alike, after the same work."),
    "FACTS-VERSION": _model(5, "An act carries the versions of the facts it was decided on."),
    "CEDAR-TRAPS": _model(5, "A policy that errs or could never fire refuses or stops the start."),
    "POLICY-DEFAULT": _model(5, "Anything but an explicit allow is a refusal."),
    "EPOCHS": _model(5, "A decision is recorded and sent only on the standing it was made on."),
    "FENCE": _model(5, "Unknown becomes failed only once the act can never happen; an act is done once."),
    "SWEEP-FAIR": _model(5, "What is stuck keeps nothing behind it from being settled."),
    "IDEMPOTENCE": _model(5, "One key, one body, one act."),
    "TRAJECTORY": _model(5, "Slices and sweeps within every limit are noticed and end with a person."),
    "HELD": _model(5, "A task held for its risk is on the record, waits for the desk's people, and goes on when two of them say so."),
    "ASKED-AGAIN": _model(5, "Asking again after a decline raises risk, with other values too."),
    "DECLINE-BINDS": _model(5, "A decline binds the act for the whole operator."),
    "WITHHELD": _model(5, "What is not covered is withheld from reply and receipt."),
    "NO-RECORD-NO-ACT": _model(5, "No record, no action."),
    "WORDS": _model(6, "A message that says more than its ask does not reach the case."),
    "WORDS-MODEL": _model(6, "A small local model may only make the verdict stricter."),
    "WORDS-HELD": _model(
        6,
        "An officer's release passes words, never authority; until then they reach nobody but that officer and the customer in whose name they are said.",
    ),
    "WORDS-STRIPPED": _model(6, "Words that a desk strips stand nowhere in the case, and count as little as words it refuses."),
    "WORDS-SPLIT": _model(6, "Splitting a message over asks does not help."),
    "SECRETS": _model(7, "Secrets are taken out before anything is kept."),
    "OUTBOUND-KEPT": _model(7, "Of what was taken out of an officer's text nothing is kept but this customer's own values."),
    "LEAK": _model(7, "A token of ours in a message ends its task before anything else happens, on the record, and told."),
    "LEAK-DISGUISED": _model(7, "A token of ours is known in disguise: spaced, cut, encoded, backwards."),
    "LEAK-FAMILIES": _model(
        7, "Whatever of ours lets somebody in is worth nothing once it was seen, with what it stands for; its look alone ends nothing."
    ),
    "LEAK-FILES": _model(7, "A token of ours that must be unpacked or decoded out of a file is known, and ends its task all the same."),
    "LEAK-PLACES": _model(7, "A token of ours is looked for wherever agents or officers write, also natively in the helpdesk."),
    "LEAK-OWNER": _model(7, "The owner of another credential is told of its kind and place, once, and never of its value."),
    "CANARY": _model(7, "A canary that is seen is on the record and told to security; it ends nothing by itself."),
    "CANARY-SILENT": _model(7, "A reply does not differ by whether a canary was in what it answers."),
    "OUTBOUND-OTHERS": _model(7, "Nothing of another customer leaves with an officer's text, nor a code that lets somebody in."),
    "CS0039": Requirement(
        "Orders to the desk's own AI in a ticket reach it not; where they do, nothing of another customer leaves and nothing is done.",
        "MITRE ATLAS AML.CS0039",
    ),
    "W-GUESS": _model(7, "A customer's attribute is compared with three values, over all agents."),
    "PUBLIC-TEXT": _model(7, "What an officer writes past Remit reaches no agent."),
    "NATIVE-REPLY": _model(7, "A public reply written in the helpdesk itself is an incident, told once."),
    "NO-GUESSABLE-FINGERPRINT": _model(7, "Of a secret that can be guessed nothing is kept that it could be guessed from."),
    "CREDENTIAL-FINGERPRINT": _model(7, "Of a credential a keyed fingerprint is kept, for the desk alone."),
    "OUTBOUND": _model(7, "What an agent may not be told is not told by an officer either; without facts nothing is sent."),
    "CONFIRM-WHO": _model(8, "Who is asked answers, two confirmations are two people."),
    "CONFIRM-SIGNED": _model(8, "A yes is a verified person's signature over exactly one ask."),
    "CONFIRM-ONCE": _model(8, "A confirmation is used once, for one act, in time."),
    "CONFIRM-FRESH": _model(8, "A yes is void when what would be shown has changed."),
    "CONFIRM-LESS": _model(8, "A counter-offer is less and nothing else."),
    "CONFIRM-UNFRAMED": _model(8, "A signature of a framed or foreign page counts nothing."),
    "ESCALATION": _model(5, "An escalation rule only adds people; what nobody answers in time is handed on or refused, never done."),
    "HANDED-OVER": _model(8, "What waits is handed over only to somebody whose yes counts, and nobody keeps it for ever."),
    "FATIGUE": _model(8, "Nobody is tired out by many questions."),
    "NOTICE-SILENT": _model(8, "A notice carries no code, nothing that lets somebody in, and no value of a record or an ask."),
    "NOTICE-NAMES": _model(8, "A name that others chose breaks no line of a notice, hides nothing in it and is no link."),
    "NOTICE-LINKS": _model(8, "Whoever follows every link of a notice and presses every button approves nothing."),
    "NOTICE-ONCE": _model(8, "Of several nodes one sends a notice; what may have been sent goes again under the same id."),
    "NOTICE-KEPT": _model(8, "A notice is not lost with a process or a server that is away, and what is given up is told."),
    "NOTICE-FLOOD": _model(8, "Many requests within a minute are one notice to an officer."),
    "NOTICE-WIRE": _model(8, "Notices go over no weaker connection than the settings say, and to nobody else."),
    "PASSKEY-YOUNG": _model(8, "A passkey from a mailbox confirms nothing above routine for 72 hours."),
    "RECOVERY": _model(8, "A recovery pauses all mandates, ends other passkeys, sessions and links; no young passkey resumes."),
    "CONTACT": _model(8, "After a change of contact passkeys are young, and the old address is told of it and of what follows."),
    "AFTER-END": _model(4, "After the end an ask answers its own client, actor and key alone, without attributes, each proof once."),
    "MANY-OPENED": _model(5, "Many mandates, tasks or agent ids with little behind them raise the risk of their operator."),
    "PASSKEY-ADD": _model(8, "A new passkey needs an old one's signature, and inherits its wait."),
    "PASSKEY-REMOVE": _model(8, "A passkey is removed by a passkey's signature, never the last, never by a younger one that waits."),
    "ENROL-ONCE": _model(8, "An enrolment link works once."),
    "OFFERS": _model(8, "An offer lies within the limits of whoever makes it, and is accepted as it was recorded."),
    "RECEIPT-SECTIONS": _model(9, "A receipt opens its holder's sections alone."),
    "SECTION-SALTS": _model(9, "A closed section cannot be guessed from its hash; the public log holds hashes alone."),
    "RECOVER": _model(9, "After a recovery nothing of before is worth anything: tokens, mandates, what waited, what counts once."),
    "ERASED": _model(9, "What two people erased is gone from the working records too, and stays gone after a restore."),
    "LOG-START": _model(9, "A cut or changed log stops the start."),
    "HIGH-WATER": _model(9, "A store older than what was published does not start."),
    "NODES": Requirement(
        "Nodes over one store never write two histories, and none decides on what another has changed.", "3-architecture.md (store)"
    ),
    "NOISE": _model(
        9, "What is refused at people's doors is on the record in numbers, not one entry each, and nobody writes a word into it."
    ),
    "LIMITS": _model(9, "Who floods is told to wait, early and off the record, and takes nobody else's place."),
    "METRICS-CLOSED": _model(9, "No caller makes up a series of the metrics, and none names anybody."),
    "TRACES-SILENT": _model(9, "Traces say how long what took, in words of a closed list, and nothing of whom or what."),
    "TRACES-UNSTEERED": _model(9, "No caller joins a trace or chooses what is sampled, but a proxy that a setting trusts."),
    "FAIL-CLOSED": _model(11, "What cannot be reached permits nothing, and nothing is lost."),
    "LANGUAGE": _model(8, "What somebody reads in another language is what they sign, and nothing that others write is a text of ours."),
    "CSRF": Requirement("A foreign page cannot use a person's session.", "7-peers.md P16"),
    "FORMS": Requirement(
        "A form of a page is sent to a door that reads JSON alone, and by nothing but the page's own program.", "7-peers.md P16"
    ),
    "FORM-KEPT": Requirement(
        "What was entered in a form that is refused stays in it, with why in plain words.", "1-product.md", mutated=False
    ),
    "UNFRAMED": Requirement(
        "No answer may be framed, but the sign-out that the company's provider frames, by the provider alone.", "7-peers.md P16"
    ),
    "ONE-PRESS": Requirement(
        "What agrees without a passkey takes no press that was begun on another page.",
        "7-peers.md P16 (double clicks over two windows)",
        mutated=False,
    ),
    "AGENTS-TEXT": _model(6, "Nothing an agent writes comes to life on a page, hides there, or passes for the desk's own words."),
    "PAGES-QUIET": Requirement(
        "No page breaks the desk's content policy, complains, or asks anything of another site.",
        "3-architecture.md (Rejected: a front-end framework)",
    ),
    "LOGIN-BOUND": Requirement(
        "An answer of the company's login counts in the browser that asked for it alone, from that provider alone.",
        "OpenID Connect Core 1.0 §15.5.2; RFC 9700 §4.7; RFC 9207",
    ),
    "LOGIN-ENDS": Requirement(
        "Who signed out or was let go at the company is out here with the next request, on every node.",
        "OpenID Connect Back-Channel Logout 1.0",
    ),
    "LOGIN-FIXATION": Requirement("Whoever signs in gets a session that did not exist before.", "OWASP Session Management"),
    "LOGIN-ONCE": Requirement("An answer of the company's login counts once, and for a short while.", "RFC 6749 §10.5"),
    "LOGIN-ONE-PERSON": Requirement(
        "An account belongs to one login, and all accounts of one login are one person.", "2-model.md §8 (Who)"
    ),
    "LOGIN-ROLES": Requirement("Roles from the company's provider count only as mapped in settings.", "2-model.md §10"),
    "LOGIN-STRENGTH": Requirement(
        "A sign-in is as strong and as fresh as was asked for, or it is none.", "OpenID Connect Core 1.0 §5.5.1.1"
    ),
    "LOGIN-VOUCHES": Requirement(
        "A passkey made by the company's login counts at once only where that login vouches (acr).", "2-model.md §8 (Passkeys)"
    ),
    "SESSION-ENDS": Requirement("A session ends by itself, and everywhere when its owner says so.", "OWASP Session Management"),
    "LEFT-BEHIND": Requirement(
        "Nothing that was seen stands in a browser after its person signed out.", "OWASP Session Management (Cache-Control)"
    ),
    "SESSION-COOKIE": Requirement("A session cookie is out of reach of scripts and foreign pages.", "7-peers.md P16"),
    "PATHS": Requirement("Paths and headers are read one way only.", "3-architecture.md (others tried here)"),
}
