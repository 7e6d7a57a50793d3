"""Values behind a label: passwords, keys, codes, personal numbers, in the languages a desk reads."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from typing import Final

from remit.domain.secrets.entropy import is_mixed, is_unlikely_word, randomness
from remit.domain.secrets.kinds import (
    CREDENTIAL,
    GUESSABLE,
    PERSONAL,
    AnchorWords,
    Found,
    SecretClass,
    first_letters_pattern,
    lowercase,
    shortest_words,
)
from remit.domain.structs import struct

_PLACEHOLDER: Final = re.compile(
    r"[x*.•_-]{3,}|<[^>]*>?|\$?\{[^}]*\}?|\[[^\]]*\]?|%[a-z_]{1,30}%?|\(?(?:redacted|hidden|removed|none|null|undefined|your|example|changeme)\b.*",
    re.IGNORECASE,
)
_SAID_OF_PASSWORDS: Final = (
    "wrong incorrect expired invalid reset required changed correct missing forgotten lost correctly working blocked "
    "locked rejected accepted empty optional password passwort username your this that not never always still also "
    "only string true false falsch abgelaufen ungültig gesperrt erforderlich vergessen richtig nicht text hidden "
    "secret none null strong weak short long too"
)
_ORDINARY: Final = frozenset(_SAID_OF_PASSWORDS.split())
_COMMON_WORDS: Final = (
    "the and for are was but not has had have been from with which were will would could should did does our his her "
    "him its the any all can could may into onto out off over under than then who whom whose why how please thanks "
    "thank because since after before again too very just more most some your yours mine ours their theirs them these "
    "those there here about also und der die das ist ein eine mit auf für nicht ich sie wir ihr den dem les des est "
    "une pour avec que los las una por con del"
)
_COMMON: Final = frozenset(_COMMON_WORDS.split())
_MIN_LENGTH: Final = 4
_WORDS_LONGEST: Final = 16
_SEEDS: Final = frozenset({12, 15, 18, 21, 24})


def is_placeholder(value: str) -> bool:
    """Return whether a value is a placeholder: a mask, `<your key>`, `${KEY}`."""
    return _PLACEHOLDER.fullmatch(value) is not None


def is_ordinary_word(word: str) -> bool:
    """Return whether a word stands in any text: an article, a pronoun, or one said of passwords."""
    return word in _COMMON or word in _ORDINARY


def is_password(value: str) -> bool:
    """Return whether a value is no ordinary word: it has a digit, a sign or a large letter inside."""
    inner = value.strip("(){}[]<>.!?,;:")
    if len(inner) < _MIN_LENGTH or inner.startswith(("http:", "https:")):
        return False
    if not inner.isalpha():
        return not _is_plain_words(inner)
    return any(map(str.isupper, inner[1:])) and any(map(str.islower, inner))


def _is_plain_words(value: str) -> bool:
    """Return whether a value is words joined by dashes or apostrophes: "case-sensitive"."""
    words = [word for word in re.split(r"[-'/,]", value) if word]
    return "-" in value and len(value) < _WORDS_LONGEST and all(word.isalpha() and word.islower() for word in words)


def is_quoted_password(value: str) -> bool:
    """Return whether a quoted word behind the label password is one, not a word said about passwords."""
    return value.lower().strip(" .!?") not in _ORDINARY and len(value.split()) <= 6  # noqa: PLR2004  # a pass phrase, not a sentence


def is_token(value: str) -> bool:
    """Return whether a value behind the label token or key is one: letters and digits, of some length."""
    if len(value) < 6 or not value.isascii() or value.startswith(("http:", "https:")):  # noqa: PLR2004  # shorter ones are words
        return False
    if value.isdigit():
        return len(value) >= 15  # noqa: PLR2004  # shorter ones count or date something
    return is_mixed(value) and (any(map(str.isdigit, value)) or randomness(value) >= 16)  # noqa: PLR2004  # a name of a key has as many letters


def is_cookie_value(value: str) -> bool:
    """Return whether a cookie's value identifies something: at least six letters that are no word."""
    return any(map(str.isdigit, value)) or len(value) > 24  # noqa: PLR2004  # a word in a cookie is shorter


def is_code(value: str) -> bool:
    """Return whether a value behind a label has a digit."""
    return any(map(str.isdigit, value))


def is_login(value: str) -> bool:
    """Return whether a value is a name and password in base64, or a word that may be a password."""
    try:
        return b":" in base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return value.lower() not in _ORDINARY and not value.isupper()


def is_seed(value: str) -> bool:
    """Return whether words are a wallet seed: twelve to twenty-four of three to eight letters, hardly one an article.

    Source: BIP-39.
    """
    words = re.findall(r"[a-z]+", value.lower())
    return (
        len(words) in _SEEDS
        and sum(word in _COMMON for word in words) <= len(words) // 12
        and len(set(words)) > len(words) // 2
    )


def is_seed_word(word: str) -> bool:
    """Return whether a word may belong to an unlabelled wallet seed: no article or the like.

    Source: BIP-39.
    """
    return 3 <= len(word) <= 8 and word not in _COMMON  # noqa: PLR2004  # as BIP-39 has them


_ENDS: Final = r"(?:\\{0,3}[\"'`](?:,\s{0,3}\\{0,3}[\"']val(?:ue)?\\{0,3}[\"'])?)?"
_IS: Final = rf"{_ENDS}(?:\s{{0,3}}(?:[:=]{{1,3}}|=>|->|>|:=|\|\|?:?=|\b(?:is|are|was|to|lautet|ist|war|est|es)\b)[\s>]{{0,3}}|\s)(?:\\{{0,3}}[\"'`(]){{0,2}}"
_GAP: Final = r"(?:[ \t](?!(?:is|are|was|ist|lautet|war|est|es|and|or|but|und|oder)\b)[\w'/-]{1,20}){0,4}"
_TOLD: Final = rf"{_ENDS}{_GAP}(?:[ \t]{{0,2}}\([\w \t]{{1,24}}\))?\s{{0,3}}(?:[:=]{{1,3}}|->|=>|>|\b(?:is|are|was|lautet|ist|war|est|es)\b\s{{0,2}}:?)\s{{0,3}}(?:\\{{0,3}}[\"'`(]){{0,2}}"
_VALUE: Final = r"(?P<v>(?:(?!</)[^\s\"'`]){4,200})"
_PASSED: Final = r"(?:p[a4@][s5$]{2}(?:[ _-]?(?:w[o0]r[dt]|wd|phrase|code))?|kennw[o0]rt|losungswort|pwd|pw|mot de passe|contrase[ñn]a|wachtwoord|senha|parola)s?"
_KEY: Final = (
    r"(?:(?:api|access|auth\w{0,12}|bearer|session|refresh|id|reset|bot|deploy|personal|client|consumer|private|signing|encryption|setup|maps|stripe|app|shared|master"
    r"|security|secret|service|storage|account|webhook|user|admin|server|license|zugangs|zugriffs|geheim)[ _-]?){0,3}"
    rf"(?:t[o0]kens?|k[e3]ys?(?:[ _-]?id)?|s[e3]cr[e3]ts?|{_PASSED}|cred(?:ential)?s?|schl[uü]ssel|geheimnis|sas|authorization|bearer|basic)"
)
_ONE_TIME: Final = (
    r"(?:one[ -]?time|verification|verify|security|log-?in|sign-?in|sms|2fa|mfa|otp|authenticator|authentication|confirmation|access|auth|activation|unlock|pairing|passkey|magic|einmal|best[aä]tigungs|sicherheits|zugangs|anmelde|freischalt)"
    r"[ -]?(?:pass)?(?:codes?|kode|password|passwort|kennwort|pin|number)|otp|2fa|m-?tan|tan|(?:(?<=the )|(?<=my )|(?<=this )|(?<=your )|(?<=\ba )|(?<=her )|(?<=his )|(?<=our )|(?<=their )|(?<=der )|(?<=mein )|(?<=den )|(?<=ihr )|(?<=dein )|(?<=customer's )|(?<=client's )|(?<=user's )|(?<=customers )|(?<=clients )|(?<=users ))code|c[oó]dig?o de verificaci[oó]n|code de (?:v[eé]rification|s[eé]curit[eé])"
)
_DIGITS: Final = r"(?P<v>\d(?:[ .-]?\d){%s})(?!\d)"
_NATIONAL: Final = (
    r"(?:ssn|social security|national insurance|tax (?:id|payer)|nino|steuer-?(?:id(?:entifikationsnummer)?|nummer)|sozialversicherungs(?:nummer|nr)|rentenversicherungsnummer|svnr|ahv|avs|insee|pesel|bsn|cpf|dni|nie|nif"
    r"|codice fiscale|personnummer|f[oø]dselsnummer|cpr|aadhaa?r|pan card|sin|tfn|rrn|curp|nric|hkid|oib|tckn?|my ?number|national id(?:entity)?|identity|id card|personalausweis(?:nummer)?|ausweis(?:nummer|nr)|n[uú]mero de identidad)"
)
_NUMBER: Final = r"(?:[ _-]?(?:number|no\.?|nr\.?|nummer|id|code|#))?"


@struct(frozen=True)
class LabelRule:
    """Rule for one label: its kind, the first letters of its words, the whole pattern, and a check of the value."""

    kind: str
    group: SecretClass
    begins: str
    pattern: re.Pattern[str]
    holds: Callable[[str], bool]


def _rule(kind: str, group: SecretClass, begins: str, pattern: str, holds: Callable[[str], bool] = bool) -> LabelRule:
    return LabelRule(kind, group, begins, re.compile(pattern, re.IGNORECASE), holds)


_BEGINS_PASSED: Final = "pas pa5 pa$ p4s p45 p4$ p@s p@5 p@$ kennw losun pw mot contrase wachtw senha parola"
_KEY_BEGINS: Final = (
    "api acces auth beare sessi refre id reset bot deplo perso clien consu priva signi encry setup maps strip app "
    "share maste secur secre servi stora accou webho user admin serve licen zugan zugri gehei tok t0k key k3y s3cr "
    "sec3 cred schl sas basic"
)
RULES: Final = (
    _rule("password", CREDENTIAL, _BEGINS_PASSED, rf"{_PASSED}\b{_TOLD}{_VALUE}", is_password),
    _rule(
        "password",
        CREDENTIAL,
        _BEGINS_PASSED,
        rf"{_PASSED}\b(?:\s{{0,3}}[:=]|[ \t](?:is|lautet|ist|est|es)\b)\s{{0,2}}[\"'`](?P<v>[^\"'`\n]{{4,100}})(?=[\"'`])",
        is_quoted_password,
    ),
    _rule("password", CREDENTIAL, "login user machi", r"(?:login|user|machine)\s{1,4}\S{1,80}\s{1,4}password\s{1,4}(?P<v>\S{4,200})", is_login),
    _rule("token", CREDENTIAL, f"{_BEGINS_PASSED} {_KEY_BEGINS}", rf"{_KEY}(?:\s(?:they set|i use|for (?:my|the|this) \w{{1,20}}))?{_IS}(?:Bearer\s|Basic\s|DPoP\s|Token\s)?{_VALUE}", is_token),
    _rule("session", CREDENTIAL, "cooki set-c", rf"(?:set-)?cookies?{_ENDS}\s{{0,2}}[:=]\s{{0,2}}[\"'`]?(?P<v>[\w.-]{{1,60}}=[^\s;,\"']{{6,200}}(?:;[ ]?[^\r\n;\"']{{1,200}}){{0,20}})", is_cookie_value),
    _rule("session", CREDENTIAL, "sess asp.n laravel connect. sid jsess phpse _gitl auth oauth csrf xsrf", rf"(?:(?:[\w.]{{1,20}}(?<=[_.]))?sess(?:ion)?[_-]?(?:id)?|sid|o?auth|[xc]srf[\w-]{{0,12}}|connect\.sid|jsessionid|phpsessid|asp\.net_sessionid){_ENDS}\s?[=:]\s?[\"'`]?(?P<v>[A-Za-z0-9%._~+/=-]{{12,200}})", is_code),
    _rule("basic", CREDENTIAL, "basic", r"basic[ \t]{1,3}(?P<v>[A-Za-z0-9+/]{8,200}={0,2})", is_login),
    _rule("password", CREDENTIAL, "-u --us", r"(?:-u|--user)[ =][\"']?(?P<v>[^\s:\"']{1,60}:[^\s\"']{3,100})", is_login),
    _rule("otp_seed", CREDENTIAL, "totp otp authe 2fa mfa secre setup", r"(?:totp|otp|authenticator|2fa|mfa|secret|setup)[ _-]?(?:seed|secret|key|setup key)?" + rf"{_TOLD}(?P<v>[A-Z2-7](?:[ -]?[A-Z2-7]){{15,63}})(?![\w])", is_mixed),
    _rule("seed_phrase", CREDENTIAL, "seed recov walle mnemo secre backu", rf"(?:seed|recovery|wallet|mnemonic|secret|backup)(?:[ -](?:phrase|words|seed|mnemonic|key)){{0,2}}{_TOLD}(?P<v>(?:\d{{1,2}}[.):]?[ \t])?[a-z]{{3,8}}(?:[\s,]{{1,3}}(?:\d{{1,2}}[.):]?[ \t]?)?[a-z]{{3,8}}){{11,23}})\b", is_seed),
    _rule("card_code", GUESSABLE, "cvv cvc cvn csc card secur pr\u00fcf pruf kart", rf"(?:cvv2?|cvc2?|cvn|csc|card (?:verification|security)(?: value| code)?|security code|pr[uü]fziffer|(?:karten)?pr[uü]fnummer)(?:\s?\([A-Za-z0-9]{{2,5}}\))?(?: number| code)?{_GAP}{_IS}{_DIGITS % '2,3'}"),
    _rule("pin", GUESSABLE, "pin p1n geheimz", rf"(?:p[i1]n|geheimzahl)(?:[ _-]?(?:code|number|nummer))?(?:{_IS}|{_TOLD}){_DIGITS % '3,7'}"),
    _rule("one_time_code", GUESSABLE, "one verif secur log sign sms 2fa mfa otp authe confi acces auth activ unloc pairi passk magic einma best sich zugan anmel freis tan mtan m-tan code c\u00f3di codi", rf"(?:{_ONE_TIME}){_TOLD}(?:G-)?{_DIGITS % '3,8'}"),
    _rule("one_time_code", GUESSABLE, "one verif secur log sign sms 2fa mfa otp authe confi acces auth activ unloc pairi passk magic einma best sich zugan anmel freis tan mtan m-tan code c\u00f3di codi", rf"(?:{_ONE_TIME}){_IS}(?:G-)?(?:{_DIGITS % '3,8'})"),
    _rule("one_time_code", GUESSABLE, "one verif secur log sign sms 2fa mfa otp authe confi acces entry door gate activ unloc einma best sich zugan", r"(?:one[ -]?time|verification|security|login|access|entry|door|gate|sms|2fa|mfa|otp|authenticat\w{2,3}|confirmation|activation|unlock|einmal|best[aä]tigungs|sicherheits|zugangs)[ -]?(?:pass)?codes?" + rf"{_TOLD}(?P<v>(?=[A-Z-]{{0,8}}\d)(?=[\d-]{{0,8}}[A-Z])[A-Z0-9](?:-?[A-Z0-9]){{3,11}})(?!\w)", is_code),
    _rule("one_time_code", GUESSABLE, "enter use type input gib bitte", r"(?:enter|use|type(?: in)?|input|gib|bitte)[ \t](?:the code |code |den code )?(?P<v>\d{3}[ -]?\d{3}|\d{4,8})[ \t](?:to (?:verify|log|sign|confirm|finish|complete|continue|authori[sz]e)|as (?:your|the|my) (?:\w{1,20} ){0,2}(?:code|pin|otp)|ein(?:geben)?\b)"),
    _rule("recovery_code", GUESSABLE, "backu recov rescu emerg wiede notfa", rf"(?:backup|recovery|rescue|emergency|wiederherstellungs|notfall)[ _-]?(?:code|key|phrase|kode|schl[uü]ssel)[sn]?{_IS}(?P<v>(?:\d{{1,2}}[.)][ \t])?[A-Za-z0-9]{{2,16}}(?:[ -]?[A-Za-z0-9]{{2,16}}){{0,8}})", is_code),
    _rule("recovery_code", GUESSABLE, "backu recov rescu emerg wiede notfa", rf"(?:backup|recovery|rescue|emergency|wiederherstellungs|notfall)[ _-]?(?:code|key|kode|schl[uü]ssel)[sn]?{_TOLD}(?P<v>(?:[-*•]?\s?(?:\d{{1,2}}[.)][ \t])?(?=[a-z-]{{0,10}}\d)[a-z0-9]{{4,10}}(?:-[a-z0-9]{{4,10}}){{0,4}}[\s,;]{{0,4}}){{1,24}})(?<=\w)(?!\w)", is_code),
    _rule("security_answer", GUESSABLE, "mothe maide secur secre answe first", r"(?:mother'?s maiden name|maiden name|(?:security|secret) answer|answer to (?:my|the) (?:security|secret) question|first pet(?:'?s name)?)\s{0,2}(?:[:=]|is|was)\s{0,2}[\"']?(?P<v>[A-Za-z][\w'-]{2,60})"),
    _rule("national_id", PERSONAL, "ssn socia natio tax nino steue sozia rente svnr ahv avs insee pesel bsn cpf dni nie nif codic perso f\u00f8d fods cpr aadh pan sin tfn rrn curp nric hkid oib tck my ident id auswe n\u00fame nume", rf"{_NATIONAL}{_NUMBER}(?:{_IS}|{_TOLD})(?P<v>(?=[A-Z./ -]{{0,6}}\d)[A-Z]{{0,6}}\d?(?:[ ./-]?[\dA-Z]){{5,17}})(?!\w)", lambda value: sum(map(str.isdigit, value)) >= 5),  # noqa: PLR2004  # no national number has fewer digits
    _rule("passport", PERSONAL, "passp reise", rf"(?:passport|reisepass)(?:nummer|nr)?{_NUMBER}(?:{_IS}|{_TOLD})(?P<v>[A-Z0-9]{{0,3}}\d{{5,9}}[A-Z]?)\b"),
    _rule("driving_licence", PERSONAL, "driv f\u00fchr fuhr", rf"(?:driv(?:er'?s|ing) licen[cs]e|f[uü]hrerschein)(?:nummer|nr)?{_NUMBER}(?:{_IS}|{_TOLD})(?P<v>(?=[A-Z0-9-]{{0,19}}\d)[A-Z0-9][A-Z0-9-]{{4,19}})\b"),
    _rule("bank_account", PERSONAL, "accou acct routi sort konto bankl", rf"(?:account|acct|routing|sort code|konto|bankleitzahl)(?:nummer|nr)?{_NUMBER}{_IS}{_DIGITS % '5,16'}"),
    _rule("card_number", PERSONAL, "card visa maste amex cc charg kredi", r"(?:card|visa|mastercard|amex|cc|charge it|kreditkarte)(?:nnummer)?(?: number| no\.?| is| to|:|=|\s){1,3}\s?(?P<v>\d(?:[ -]?\d){11,18})(?![\d])"),
    _rule("birth_date", PERSONAL, "dob d.o.b date birth born gebur gebor", r"(?:dob|d\.o\.b\.?|date of birth|birth ?date|birthday|born|geburtsdatum|geboren)(?:\s?[:=]|\s(?:is|on|in|am|ist))?\s{0,2}(?P<v>\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2}\.? [A-Z][a-zä]{2,8} \d{4}|[A-Z][a-z]{2,8} \d{1,2},? \d{4})"),
)  # fmt: skip


def _by_beginning() -> dict[str, tuple[LabelRule, ...]]:
    beginnings = {rule: tuple(rule.begins.split()) for rule in RULES}
    words = dict.fromkeys(word for begins in beginnings.values() for word in begins)
    # Of two words that begin alike, only the shorter is searched for, with the rules of both.
    return {
        word: tuple(
            rule
            for rule, begins in beginnings.items()
            if any(begin.startswith(word) or word.startswith(begin) for begin in begins)
        )
        for word in shortest_words(words)
    }


ANCHORS: Final = _by_beginning()
_ANY: Final = AnchorWords(ANCHORS)
_WHOLE: Final = re.compile(rf"((?:{first_letters_pattern(ANCHORS).pattern})[a-z]{{0,10}})(?:\s{{0,2}}[:=]| \w)")
_CAMEL: Final = re.compile(r"[A-Za-z][a-z]+(?:[A-Z][a-z]+)*|[A-Z]+s?")
_REST: Final = re.compile(r"(?:(?!</)[^\s\"'`]){0,3800}")
_READ_WHOLE: Final = 200
_EDGES: Final = {"password": ".,;)?\\]}"}
_NO_PART: Final = re.compile(r"[^\x00-\x7f\w]")
"""⚔ No token contains such a sign, an arrow or an emoji: it ends one without a blank between."""
_OPEN: Final = frozenset({"password", "token", "session"})


def find_labelled_values(text: str) -> Iterator[Found]:
    """Yield each value behind its label."""
    done: dict[int, int] = {}
    for at, word in _ANY.places(text):
        for rule in ANCHORS[word]:
            if at < done.get(id(rule), 0):
                continue
            match = rule.pattern.match(text, at)
            if match is not None and (found := _value(rule, text, *match.span("v"))) is not None:
                # ⚔ A label within a value has a value of its own: only in a long one is no other looked for.
                done[id(rule)] = found[1] if found[2] - found[1] <= _READ_WHOLE else found[2]
                yield found


def begins_label(text: str) -> bool:
    """Return whether a text begins with a label word alone. ⚔ The rest of a token may begin so, unlike any word."""
    found = _WHOLE.match(lowercase(text))
    if found is None:
        return False
    word = "".join(filter(str.isalpha, text[: found.end(1)]))
    return (word.islower() or word.istitle() or _CAMEL.fullmatch(word) is not None) and not is_unlikely_word(word)


def is_label(text: str) -> bool:
    """Return whether a text may be a label: a label word stands in it."""
    return next(_ANY.places(text), None) is not None


def _value(rule: LabelRule, text: str, start: int, end: int) -> Found | None:
    whole = rule.kind in _OPEN and end - start == _READ_WHOLE
    end = _trimmed(rule, text, start, end)
    value = text[start:end]
    if not value or is_placeholder(value) or not rule.holds(value):
        return None
    if whole:
        # ⚔ The rest is read only behind a confirmed secret: otherwise each word would cause it to be read again.
        end = _trimmed(rule, text, start, _REST.match(text, end).end())  # type: ignore[union-attr]  # it matches the empty text
    return rule.kind, start, end, rule.group


def _trimmed(rule: LabelRule, text: str, start: int, end: int) -> int:
    if rule.kind not in _OPEN:
        return end
    if rule.kind == "token" and (sign := _NO_PART.search(text, start, end)) is not None:
        end = sign.start()
    return start + len(text[start:end].rstrip(_EDGES.get(rule.kind, ".,;:)!?\\]}")))
