"""What people ask a desk for, in their own words: verbs with their synonyms, and high-impact topics.

How clauses are judged with them is in `words_asks`.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final

from remit.domain.any_case import AnyCase
from remit.domain.plain import small_letters

VERBS: Final[Mapping[str, str]] = {
    "accept": r"accept\w*|agree to|take the offer|sign(?: up| off)?",
    "activate": r"activat\w+|re-?activat\w+|turn on|enable|switch on|unlock\w*|unblock\w*|un-?freez\w+",
    "apply": r"appl(?:y|ying|ied)|issue|grant|award|give me|credit me",
    "approve": r"approv\w+|authori[sz]e|sign off",
    "book": r"book(?:ing)?|reserv(?:e|ing)",
    "buy": r"order(?:ing)?|buy(?:ing)?|purchas(?:e|ing)|get hold of|earn|acquir(?:e|ing)|shop|shp",
    "cancel": r"cancel\w*|call(?:ing)? off|abort\w*|void\w*|annul\w*|revert|undo|(?<!one-)(?<!two-)(?<!non-)stop(?:ping)?|withdraw|rescind|scrap|call back",
    "change": r"chang\w+|updat\w+|updste|modif\w+|edit\w*|alter\w*|correct(?:ing)?|amend\w*|adjust\w*|replac\w+|switch\w*|swap\w*|add(?:ing)?|remov\w+|set(?:ting)? up|fix",
    "close": r"clos(?:e|ing)|terminat\w+|discontinu\w+|quit(?:ting)?|delet\w+|eras\w+|get rid of|deactivat\w+|shut down",
    "create": r"creat\w+|open(?:ing)?|register\w*|sign(?:ing)? up|set(?:ting)? up|enrol\w*",
    "dispute": r"disput\w+|charge ?back|contest\w*|report\w*",
    "exchange": r"exchang\w+|swap\w*|trad(?:e|ing) in",
    "increase": r"increas\w+|rais\w+|lift\w*|upgrad\w+|extend\w*|bump",
    "lock": r"block\w*|freez\w+|lock\w*|disabl\w+|turn off|suspend\w*",
    "pay": r"pay(?:ing)?|settle|charge|(?:(?<=\bplease )|(?<=\byou )|(?<=\bjust )|(?<=\bkindly )|(?<=\band ))debit|debit(?!\scards?\b)",
    "recover": r"recover\w*|restor\w+|retriev\w+|reset\w*|regain\w*|forg[eo]t\w*",
    "refund": r"refund\w*|reimburs\w+|reinburs\w+|restitut\w+|compensat\w+|pay(?:ing)? back|give back|get(?:ting)? back|money back|cash back|goodwill|rebates?|credit",
    "return": r"return\w*|send(?:ing)?(?: \w+){0,4} back|bring(?:ing)? back|give back",
    "send": r"send(?:ing)?|forward\w*|ship(?:ping)?|mail(?:ing)?|e-?mail(?:ing)?|deliver|transfer\w*|wir(?:e|ing)|move|moving|post(?:ing)?",
    "verify": r"verif\w+|prov(?:e|ing)|confirm\w*",
    "waive": r"waiv\w+|skip\w*|ignor\w+|forgiv\w+|drop|bypass\w*|overrid\w+|exempt\w*",
}
"""A verb and how people say it."""

_MINE: Final = r"(?:[\w'-]+\s){0,4}"

_VERB: Final = r"(?<!\ba )(?<!\bmy )(?<!\bthe )(?<!\bthis )(?<!\bcash )(?<!\bcheque )(?<!\bcheck )"
"""What follows is no noun: "a withdraw", "my deposit"."""
_NO_NOUN: Final = rf"{_VERB}(?<!\byour )(?<!\bpending )(?<!\bof )(?<!\bsame )"
_LOGIN_PIN: Final = r"\s(?:[\w'-]+\s){0,3}(?:user|account|profile)(?:'s)?\s(?:[\w'-]+\s){0,2}pins?\b"
"""What one signs in with by another name: a password, not a card's number."""
_REWRITE: Final = r"chang\w+|updat\w+|updste|modif\w+|edit\w*|alter\w*|correct(?:ing)?|amend\w*|adjust\w*|replac\w+|fix"
"""To change what is written in something; it is not added to, set up or removed."""

_BACK: Final = (
    r"(?:\s(?:the|this|that|my|our|her|his|their|me|us|him|it|all|whole|full|amount|sum|money|cash|price|difference"
    r"|[€$£]\s?\d[\d.,]*|\d[\d.,]*\s?(?:€|\$|£|eur|usd|gbp|euros?|dollars?|pounds?)\b)){1,4}\sback(?:\s(?:please|now|today|soon))*\s*(?:$|[.!?;](?:\s|$))"
)
"""What follows "pay" where nothing but giving back is meant: neither a payee nor another way."""

_THINGS: Final = "orders?|items?|products?|articles?|ur|your|something|some|goods|purchases?"
_COUNTED: Final = "it|one|two|several"
_GOODS: Final = rf"(?:{_THINGS}|{_COUNTED})\b"
_BUY: Final = VERBS["buy"].replace("order(?:ing)?", rf"order(?:ing)?(?!\sto\s{_MINE}address\b(?!\s{_MINE}{_GOODS}))")
"""No order is placed by "the laptop order to my office address". ⚔ "Order to my address two items" places one."""
_MADE: Final = rf"\s(?:(?!{_GOODS})[\w'-]+\s){{0,4}}(?:(?:order|item|purchase)\s)?(?:modification|change|correction|adjustment|update|complaint|dispute|claim|request)s?\b"
"""What is made without buying anything. ⚔ "Make an order on my request" buys."""

_OF_CARD: Final = r"\s(?:to work|(?:transactions?|payments?|purchases?|statements?|bills?|(?:was|is|got|has been|keeps being) (?:declined|rejected|refused|charged))\b)"
"""What is the matter with a card, or belongs to one: nobody wants another."""

_ANEW: Final = r"and\s(?:i|we|he|she|they|now|so|need|want|would|have|has|must|then)\b|need\b"
"""Here somebody begins anew: "my name changed and I need …". ⚔ "Change my seat and plan to premium" goes on."""
_USED: Final = r"(?:top[\s-]up|pay(?!\s(?:as|month\w*|year\w*|annual\w*|per)\b)|add(?!-))\b"
"""What something is used for: "use my card to top up my account"."""

CANCEL_IT: Final = "cancelling it"
CANCELLED: Final = frozenset({"account-close", "order-cancel", "transfer-stop"})
"""What "it" may be where somebody asks to cancel it: an ask that may speak of one of these may say so."""

TOPICS: Final[Mapping[str, AnyCase]] = {
    name: AnyCase(rf"\b(?:{pattern})")
    for name, pattern in {
        "account-close": rf"(?:{VERBS['close']}|{VERBS['cancel']}|remov\w+)(?!\s(?:[\w'-]+\s){{1,2}}from\b)\s{_MINE}(?:accounts?|profile|personal information|account's?|membership|subscription)\b",
        "account-open": rf"(?:{VERBS['create']})\s{_MINE}accounts?\b",
        "account-switch": rf"(?:switch\w*|swap\w*|chang\w+|upgrad\w+|downgrad\w+|mov\w+|us(?:e|ing)|shift)\s(?:(?!{_ANEW})[\w'-]+\s){{0,4}}(?:to|into|the|for)\s(?!{_USED}){_MINE}(?:account|acount|cacount|accoun|plan|tier|profile|premium|gold|platinum|standard|freemium|pro)\b|(?:switch\w*|swap\w*)\s{_MINE}(?:accounts?|profiles?|users?)\b",
        "access": r"(?:give|grant|add|get|need|have)\s(?:[\w'-]+\s){0,4}(?:access|admin\w*|permissions?|rights|privileges?|role)\b|make (?:me|him|her|them) (?:an? )?(?:admin|owner)",
        "address": rf"(?:{VERBS['change']}|new|different|secondary|other|wrong)\s{_MINE}(?:address|adress|adresses|addresses)\b|(?:address|adress)\s(?:needs?|has|must|should|to be|isn't|is not|is wrong)\b|(?:i |we |have |just |'ve )(?:moved|relocat\w+)\b|(?:send|ship|deliver)\s{_MINE}(?:to (?:a|my|another|this|the)(?: \w+)? address)",
        "card-activate": rf"(?:{VERBS['activate']})\s{_MINE}cards?\b|card\s(?:\w+\s){{0,2}}activat\w+",
        "card-link": rf"(?:link\w*|connect\w*|(?:add\w*|put)(?!\s(?:[\w'-]+\s){{0,2}}(?:money|funds?|cash|balance)\b)(?!\son\b)|re-?enter|reconnect|re-?link\w*)\s{_MINE}cards?\b(?:\s{_MINE}(?:app|account|back))?|found\s{_MINE}card\b",
        "card-order": rf"(?:{VERBS['buy']}|get|send|need|want|have|receive|request|apply for|fees? (?:to|for)|cost\w*\s{_MINE}|extra|additional|spare|second|another|more|new|physical|actual|real|replacement)\s{_MINE}(?:physical|extra|additional|spare|second|another|replacement|new|actual|more than one|debit|credit|real|virtual|disposable|\d+)\s?(?:\w+\s)?cards?\b(?!{_OF_CARD})|(?:extra|additional|spare|second|another|more) cards?\b",
        "contact": rf"(?:{VERBS['change']}|new|different)\s{_MINE}(?:e-?mail|phone|telephone|mobile|contact|recovery|(?<!\bitem )(?<!\bmodel )(?<!\border )(?<!\bserial )number)\b",
        "details": rf"(?:{VERBS['change']})\s{_MINE}(?:details|personal|name|surname|last name|data|info|information|profile|birth)\b|(?:{_REWRITE})\s{_MINE}(?:account|user)\b",
        "exception": r"(?:waiv\w+|skip\w*|bypass\w*|overrid\w+|exempt\w*|exception|bend the rules|just this once)\b",
        "exchange": rf"(?:{VERBS['exchange']})(?!\s{_MINE}(?:items?|products?|articles?)\s(?:of|in|from|on)\s(?:[\w'-]+\s){{0,2}}(?:orders?|purchases?)\b(?!\s(?:[\w#'-]+\s){{0,2}}(?:for|with|against)\b))\s{_MINE}(?:items?|products?|articles?|it|this|that|them|size|colou?r|shoes|for (?:a|an|the|another))\b",
        "identity": rf"(?:{VERBS['verify']}|validate|check)\s{_MINE}(?:identity|identification|who i am|\bid\b)|identity\s(?:verif\w+|check\w*|confirm\w*|proof)|(?:verif\w+|validate)\s(?:me|myself|him|her)\b|(?:documents?|necessary|needed|need)\s{_MINE}(?:identity|identification)",
        "limit": rf"(?:{VERBS['increase']}|{VERBS['change']})\s{_MINE}(?:limit|allowance|overdraft|credit line|quota)\b",
        "lost-card": r"(?:lost|stolen|missing|stole|lose|can'?t find|cannot find|swallowed)\s(?:[\w'-]+\s){0,4}(?:card|wallet|phone|device|mobile)\b|(?:card|wallet|phone)\s(?:\w+\s){0,3}(?:lost|stolen|missing|gone)\b",
        "lock": rf"(?:{VERBS['lock']})\s{_MINE}(?:card|account|user|device|login)\b",
        "mfa": r"(?:disabl\w+|remov\w+|reset\w*|turn off|switch off|add|enrol\w*|register|chang\w+|new)\s(?:[\w'-]+\s){0,4}(?:2fa|mfa|two[- ]factor|authenticat\w+|passkeys?|security key|second factor|login|sign-?in)\b",
        "money-out": rf"{_VERB}(?:send(?!\s+it\s+back(?!\s+(?:to|into|onto|on)\b(?!\s+(?:you|the\s(?:desk|seller|shop|store|warehouse))\b)))|transfer|wire|move|pay|forward|deposit|withdraw|top up)(?!{_BACK})\s{_MINE}(?:money|funds?|cash|amount|balance|payment|savings|euros?|dollars?|[€$£]\s?\d|\d+)\b(?:\s{_MINE}(?:to|into|onto)\b)?|(?:send(?!\sit\sback(?!\s(?:to|into|onto|on)\b(?!\s(?:you|the\s(?:desk|seller|shop|store|warehouse))\b)))|transfer|wire|move|pay(?!{_BACK})|forward|deposit|withdraw)\s(?:(?:all|some|half|most|rest)\sof\s)?it\b",
        "order-cancel": rf"(?:{VERBS['cancel']})\s{_MINE}(?:orders?|purchases?|booking|reservation|flight|shipment|delivery|items?|products?|trip|ticket)\b",
        CANCEL_IT: rf"(?:{VERBS['cancel']})\s(?:(?:all|both|each|any) of )?(?:it|them|this|that)\b(?!\s(?:orders?|purchases?|transfers?|payments?|transactions?|charge|direct debit|accounts?|profile|membership|subscription|someone|anyone|somebody|from)\b)",
        "order-change": rf"(?:{VERBS['change']}|{VERBS['exchange']}|delet\w+)\s{_MINE}(?:orders?|purchases?|items?|products?|articles?|something|booking|reservation|flight)\b",
        "order-place": rf"{_NO_NOUN}(?:{_BUY}|purchas\w+|mak(?:e|ing)(?!{_MADE})|plac(?:e|ing))\s{_MINE}(?:{_THINGS})\b|{_NO_NOUN}(?:{VERBS['buy']}|purchas\w+|mak(?:e|ing)(?!\sit\s(?:go|work|so|happen|faster|easier|right|possible|clear|stop)\b)|plac(?:e|ing))\s(?:(?:me|us|him|her)\s)?(?:{_COUNTED})\b(?!\s(?:\w+\s)?cards?)|place an order",
        "password": rf"(?:{VERBS['recover']}|{VERBS['change']}|lost|new|need|tell me|what is|send)\s{_MINE}(?:passwords?|passwd|pssword|passcode|pass|pass code|pin code|user account pin|login|access key|account key)\b|password (?:reset|recovery)",
        "payment-method": rf"(?:{VERBS['change']}|us(?:e|ing)|charge)\s{_MINE}(?:payment method|method of payment|different card|other card|another card|gift card|visa|mastercard|paypal|iban|bank account|payout)\b",
        "pin": rf"(?:{VERBS['change']}|{VERBS['recover']}|{VERBS['activate']}|{VERBS['lock']}|wrong|new|forgot\w*|enter\w*|tries|attempts)(?!{_LOGIN_PIN})\s{_MINE}pins?\b(?!\scodes?\s(?:of|to|for)\s(?:[\w'-]+\s){{0,3}}(?:user|account|profile)\b)|\bpin\s(?:\w+\s){{0,3}}(?:block\w*|lock\w*|chang\w+|reset|unblock\w*|unlock\w*|wrong|too many)\b",
        "refund": r"(?:refund\w*|reimburs\w+|reinburs\w+|restitut\w+|money back|compensat\w+|rebates?|goodwill|cash ?back|charge ?back|get (?:my|the|our) (?:money|cash) back|pay(?:ing)?(?:\s[\w'.€$£-]+){1,4}\sback)\b",
        "return": rf"(?:{VERBS['return']})\s{_MINE}(?:items?|products?|it|this|that|them|shoes|order|package|back)\b|(?:send|ship|mail|bring)(?:ing)?\s(?!{_MINE}(?:money|funds?|cash|payment))(?:[\w'-]+\s){{1,4}}back\b",
        "transfer-stop": rf"(?:{VERBS['cancel']})\s{_MINE}(?:transfers?|payments?|transactions?|charge|direct debit)\b|(?:sent|made|transferred|put)\s{_MINE}(?:wrong account|wrong person|wrong recipient|mistake|typo)\b|typo\b",
        "unrecognised": r"(?:payment|transaction|charge|withdrawal|debit|purchase)s?\s(?:[\w'-]+\s){0,5}(?:didn'?t|did not|not|never|don'?t|do not)\s(?:\w+\s){0,2}(?:make|made|do|did|recogni[sz]e|authori[sz]e|mine)\b|(?:didn'?t|did not|never|not)\s(?:\w+\s){0,2}(?:make|made|do|did|authori[sz]e)\s(?:[\w'-]+\s){0,4}(?:payment|transaction|charge|withdrawal|purchase)",
        "compromised": r"(?:compromis\w+|fraud\w*|hacked|skimmed|someone (?:is |has |might |may |else )(?:[\w']+\s){0,3}(?:us(?:e|ing|ed)|card|account))\b",
        "upgrade": r"(?:upgrad\w+)\b",
        "voucher": r"(?:voucher|gift card|certificate|store credit|coupon|discount)s?\b",
    }.items()
}
"""What a clause is about, when it is about one of the things that hurt."""

_HAPPENED: Final = AnyCase(r"\b(?:forg[eo]t\w*|expired?|lost|wrong|unknown|know|remember\w*|mistyped|reset)\b")
_TAKEN: Final = AnyCase(
    r"\b(?:passwords|to|as|into|me|us|them|here|ticket|case|comment|note|tell|give|show|read|send|say|write|spell|mail|e-?mail|text|share|provide|disclose"
    r"|hand|forward|put|post|copy|include|list|export|confirm|see|get|need|want|choose|set|disable|turn|check|without|no)\b"
)
_FOR_THE_WORD: Final = "a question for a password"

COMMANDS: Final[Mapping[str, AnyCase]] = {
    name: AnyCase(pattern)
    for name, pattern in {
        "an order to forget the rules": r"\b(?:ignor\w+|disregard\w*|forget|overrid\w+|bypass\w*|skip|set aside|do not follow|don't follow|stop following|neglect)\b(?:\s[\w'-]+){0,6}?\s(?:instructions?|instruct\w*|prompts?|rules?|polic(?:y|ies)|directives?|guidelines?|restrictions?|safeguards?|checks?|verification|everything|everthing|above|previous|prior|that|told|orders|training|guardrails|limitations|constraints)\b",
        "a new role for the reader": r"\byou are (?:now|no longer|actually|going to|an? (?:ai|assistant|bot|language model|admin))\b|\b(?:act|behave|respond|answer|pretend|roleplay|role-play|speak) (?:as|like) (?:if\b|an?\b|the\b|though\b|you)|\bfrom now on\b|\bpretend (?:to be|that|you)\b|\bnew (?:instructions?|rules?|persona|role|task) ?(?::|are|is|for you)|\b(?:developer|debug|god|admin|sudo|dan|jailbreak) mode\b",
        "a forged speaker": r"(?:^|\n|[\s>\"'\[(<])(?:system|assistant|developer|admin(?:istrator)?|root|internal|staff|officer|supervisor|manager|desk|remit|support team)\s{0,2}(?:note|message|prompt|instruction|override|notice|user)?\s?:\s|<\/?\s?(?:system|information|important|instructions?|admin|assistant|user|im_start|im_end|inst|tool)\b[^>]{0,40}>|\[/?(?:inst|system|admin)\]|###\s?(?:system|instruction|response|human|assistant)|\b(?:as|i am|i'm|this is|speaking as) (?:an?|the|your) (?:admin\w*|system administrator|supervisor|manager|officer|developer|employee|staff member|agent of the desk|head of|ceo|auditor|security team|owner of this system)\b",
        "an order to keep people out": r"\b(?:approve|process|proceed|confirm|release|authori[sz]e|execute|do|complete|grant|accept|handle|close|refund|pay|issue)\b[^.!?\n]{0,60}\b(?:without|no need (?:for|to)|skipping|bypassing|before|even if|regardless)\b[^.!?\n]{0,40}\b(?:approv\w*|confirm\w*|review\w*|ask\w*|check\w*|verif\w*|telling|informing|notif\w*|consent|permission|supervis\w*|log\w*|waiting|second|customer|manager|policy)\b|\b(?:do not|don't|never|no need to|without)\s(?:\w+\s){0,3}(?:tell\w*|inform\w*|notify\w*|mention\w*|alert\w*|contact\w*|ask\w*|involv\w*|escalat\w*|log|record|report|cc)\b(?:\s[\w']+){0,4}\s(?:customer|user|client|owner|him|her|them|anyone|anybody|security|manager|supervisor|remit|record|this|it)\b|\b(?:pre-?approved|already (?:been )?(?:approved|authori[sz]ed|confirmed|verified|cleared)|has been (?:approved|authori[sz]ed|cleared) by)\b|\b(?:mark|flag|set|treat|consider)\s(?:[\w']+\s){0,5}as\s(?:approved|confirmed|verified|trusted|resolved|paid|authori[sz]ed|urgent and approved)\b",
        "a question for the machine": r"\b(?:your|the) (?:system |secret |hidden |initial )?(?:prompt|instructions|secret key|api key|password is|credentials|system message|configuration|training data|passphrase|confidential string)\b|\b(?:reveal|print|repeat|output|show|leak|dump|display)\b[^.!?\n]{0,40}\b(?:prompt|instructions|secret|password|key|token|database|everything above|configuration)\b|\b(?:drop table|select \* from|<script|javascript:|\bcurl\s|rm -rf|base64|decode (?:this|the))\b",
        "a question for what a password is": r"\b(?:tell|give|show|read|send|mail|e-?mail|text|get|let|hand|forward)\s(?:me|us|him|her|them|the agent)\s(?:[\w'-]+\s){0,3}passwords?\b(?!\s(?:resets?|links?|recovery|changes?|policy))",
        _FOR_THE_WORD: r"\b(?:your|the) (?:system |secret |hidden |initial )?passwords?\b",
        "a task slipped in": r"\bbefore you (?:can )?(?:solve|do|answer|continue|proceed|help|reply|start)\b|\bafter (?:you do that|that),? (?:continue|you can|go on)\b|\bimportant (?:message|instruction|notice) (?:from|for|to)\b|\b(?:note|message|attention|instruction|reminder) (?:to|for) (?:the )?(?:agent|bot|assistant|ai|officer|staff|clerk|support|reviewer|human|person reading|desk|model|llm)\b|\bto whoever (?:reads|handles|reviews|processes)\b|\b(?:in|with|modify|append to|include in|provide|begin|end|start|use .{0,30} in) your (?:response|reply|answer|output)\b|\b(?:reply|respond|answer) (?:only )?(?:with|using|in)\b",
    }.items()
}
"""Sentences aimed at the desk's people or machines rather than at the act."""

WISH: Final = AnyCase(
    r"\b(?:please|pls|plz|kindly|can you|could you|would you|will you|can i|could i|may i|how (?:do|can|could|to|would|should)\b(?: i)?|i (?:want|need|wish|would like|'d like|demand|request|have got to|have to|got to|must|wanna)|i'd like|we (?:want|need|would like)|want(?:s)? (?:to|you|help|assistance|support)|wanna|need(?:s)? (?:to|you|help|support|assistance)"
    r"|help (?:me|with|to)|assist\w*|let me|let's|go ahead|make sure|ensure|be sure to|is it possible|would it be possible|possible to|i am trying|trying to|make it so|see to it|get (?:me|him|her|them)|where (?:can|could|do|to)|what (?:do|if|is|are|information)\b|customer (?:wants|needs|asks|would like|wishes)|user (?:wants|needs|asks)|asks? (?:you|for|that)|have (?:you|them|him)|don't know (?:how|what)|do not know (?:how|what)|cannot|can't)\b|\?"
)
"""A clause wants something."""

TELL: Final = AnyCase(
    r"\b(?:tell|give|send|share|show|provide|disclose|reveal|read (?:out|me|back)|list|confirm|what(?:'s| is| are| was)|which|who(?:'s| is)|where does|when was|look up|find out|let me know|need to know|want to know|fetch|export|dump|print|e-?mail me|forward me)\b"
)
"""A clause wants to be told something."""

IMPERATIVE: Final = AnyCase(
    rf"^[\W_]*(?:(?:and|also|then|so|ok|okay|now|hi|hello|thanks?|please|pls|kindly|just|first|finally|next|ps|p\.s\.?|by the way|btw|oh|one more thing|before that|after that|go ahead and)\b[\s,:]*)*(?:{'|'.join(VERBS.values())}|tell|give|show|list|provide|make|do|ensure|let|put|take|use|share|upload|grant|escalate)\b"
)
"""A clause tells somebody to do something. ⚔ Also in quotes, in brackets or behind dots: whoever reads it reads over these."""

NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    name: tuple(pieces.split("|"))
    for name, pieces in {
        "account-close": "account|membership|personal information|profile|subscription",
        "account-open": "account",
        "account-switch": "accoun|acount|freemium|gold|plan|platinum|premium|pro|standard|tier|user",
        "access": "access|admin|make |permission|privilege|rights|role",
        "address": "moved|relocat|ress",
        "card-activate": "card",
        "card-link": "card|found",
        "card-order": "card",
        "contact": "contact|mail|mobile|number|phone|recovery",
        "details": "account|birth|data|details|info|name|personal|profile|user",
        "exception": "bend the rules|bypass|exception|exempt|just this once|overrid|skip|waiv",
        "exchange": "exchang|swap|trad",
        "identity": "alidate|check|confirm|erif|identi|prov",
        "limit": "allowance|credit line|limit|overdraft|quota",
        "lost-card": "card|device|mobile|phone|wallet",
        "lock": "account|card|device|login|user",
        "mfa": "2fa|authenticat|factor|login|mfa|passkey|security key|sign",
        "money-out": "deposit|forward|move|pay|send|top up|transfer|wire|withdraw",
        "order-cancel": "abort|annul|call|cancel|rescind|revert|scrap|stop|undo|void|withdraw",
        CANCEL_IT: "abort|annul|call|cancel|rescind|revert|scrap|stop|undo|void|withdraw",
        "order-change": "article|booking|flight|item|order|product|purchase|reservation|something",
        "order-place": "acquir|buy|earn|get hold of|mak|order|plac|purchas|shop|shp",
        "password": "access key|account key|login|pass|pin code|pssword|user account pin",
        "payment-method": "bank account|different card|gift card|iban|mastercard|method of payment|other card|payment method|"
        "payout|paypal|visa",
        "pin": "chang|lock|pin|reset|too many|wrong",
        "refund": "back|cash|charge|compensat|get |goodwill|rebate|refund|reimburs|reinburs|restitut",
        "return": "back|bring|return|send",
        "transfer-stop": "charge|direct debit|mistake|payment|transaction|transfer|typo|wrong account|wrong person|wrong recipient",
        "unrecognised": "charge|debit|payment|purchase|transaction|withdrawal",
        "compromised": "compromis|fraud|hacked|skimmed|someone ",
        "upgrade": "upgrad",
        "voucher": "certificate|coupon|discount|gift card|store credit|voucher",
        "an order to forget the rules": "bypass|disregard|do not follow|don't follow|forget|ignor|neglect|overrid|set aside|skip|stop following",
        "a new role for the reader": " mode|act|answer|behave|from now on|new |pretend|respond|role-play|roleplay|speak|you are ",
        "a forged speaker": "admin|assistant|auditor|ceo|desk|developer|employee|head of|human|im_end|im_start|important|"
        "information|inst|internal|manager|officer|remit|response|root|security team|staff|supervisor|"
        "support team|system|tool|user",
        "an order to keep people out": "already |approved|authori|before|bypassing|confirmed|do not|don't|even if|has been |never|no need |"
        "paid|regardless|resolved|skipping|trusted|verified|without",
        "a question for the machine": "<script|api key|base64|confidential string|configuration|credentials|curl|decode th|display|"
        "drop table|dump|instructions|javascript:|leak|output|passphrase|password|print|prompt|repeat|reveal|"
        "rm -rf|secret key|select * from|show|system message|training data",
        "a question for what a password is": "password",
        _FOR_THE_WORD: "password",
        "a task slipped in": " your |after |answer|attention|before you |important |instruction|message|note|reminder|reply|"
        "respond|to whoever ",
    }.items()
}
"""Each of these has one of these pieces wherever it is found, in whatever letters: where none is there, nobody needs to look for it."""


@lru_cache(256)
def says_verb(verb: str) -> AnyCase:
    """What says a verb, in whatever way people do."""
    return AnyCase(rf"\b(?:{VERBS.get(verb, re.escape(verb))})\b")


def topics_of(text: str, likely: Iterable[str] = TOPICS) -> frozenset[str]:
    """The topics a text touches. `likely` are those that may stand in what it is a part of, where somebody looked."""
    return frozenset(name for name in _likely(text, likely) if TOPICS[name].search(text))


def likely_topics(text: str) -> tuple[str, ...]:
    """The topics that parts of a text may touch."""
    return tuple(_likely(text, TOPICS))


def orders_in(text: str, spoken: Collection[str] = ()) -> Iterator[tuple[str, re.Match[str]]]:
    """Every sentence aimed at the desk's people or machines, and what it is. With an ask about a password, "the password" is none."""
    told: dict[tuple[int, int], bool] = {}
    for name in _likely(text, COMMANDS):
        for found in COMMANDS[name].finditer(text):
            if not (name == _FOR_THE_WORD and "password" in spoken and _is_told_of(text, found, told)):
                yield name, found


def _is_told_of(text: str, found: re.Match[str], told: dict[tuple[int, int], bool]) -> bool:
    """Whether a sentence only tells of a password that something happened to it, or asks for another one. ⚔ Nobody is to tell, choose or lift it.

    `told` remembers each sentence: it is read once, however often it names a password.
    """
    start = max(text.rfind(mark, 0, found.start()) for mark in ".!?\n") + 1
    end = min((place for mark in ".!?\n" if (place := text.find(mark, found.end())) >= 0), default=len(text))
    if (start, end) not in told:
        told[start, end] = _HAPPENED.search(text[start:end]) is not None and _TAKEN.search(text[start:end]) is None
    return told[start, end]


def _likely(text: str, names: Iterable[str]) -> Iterator[str]:
    """The names of those that may be found in a text."""
    small = small_letters(text)
    for name in names:
        if small is None or any(map(small.__contains__, NEEDED[name])):
            yield name
