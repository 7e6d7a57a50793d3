"""Tokens recognisable without a label: of a known form, assigned to a name, or random beyond doubt."""

import re
from collections.abc import Iterator
from typing import Final

from remit.domain.ids import is_own_id
from remit.domain.secrets.entropy import (
    is_cased,
    is_mask,
    is_mixed,
    is_ordinary,
    is_public_identifier,
    is_short_random,
    may_be_random,
    randomness,
)
from remit.domain.secrets.kinds import CREDENTIAL, Found, any_of, first_letters_pattern, shortest_words
from remit.domain.secrets.labelled import is_placeholder

_RUN: Final = re.compile(r"[^A-Za-z0-9_+/=.~:-]([A-Za-z0-9_+/=.~:-]{12,})")
_JWT: Final = re.compile(
    r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{8,1000}\.[A-Za-z0-9_-]{8,8000}(?:\.[A-Za-z0-9_-]{0,8000}){0,3}={0,2}"
)
_AWS: Final = re.compile(r"(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}(?![A-Za-z0-9_])")
_GOOGLE: Final = re.compile(r"AIza[0-9A-Za-z_-]{30,45}")
_BEGINNINGS: Final = (
    "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ xoxa- xoxb- xoxc- xoxd- xoxe- xoxo- xoxp- xoxr- xoxs- xoxe.xox xapp- glpat- "
    "gloas- gldt- glrt- glcbt- glptt- glft- glimt- glagent- glsoat- glffct- GR1348941 sk_live_ sk_test_ sk_prod_ "
    "rk_live_ rk_test_ rk_prod_ pk_live_ pk_test_ whsec_ sk-ant- sk-proj- sk-svcacct- sk-or- hf_ npm_ pypi- dp.pt. "
    "dp.st. dp.ct. dp.sa. dp.scim. dp.audit. shpat_ shpca_ shppa_ shpss_ SG. sq0atp- sq0csp- sq0idp- sntrys_ sntryu_ "
    "hvs. hvb. dckr_pat_ dop_v1_ doo_v1_ dor_v1_ lin_api_ pul- pnu_ rubygems_ ATATT3 ATCTT3 AKCp cmVmd ya29. 1//0 EAA "
    "sha256~ live_pub_ test_pub_ access-sandbox- access-development- access-production- shippo_live_ shippo_test_ "
    "PMAK- figd_ glsa_ glc_ tskey- nvapi- gsk_ r8_ pcsk_ fo1_ secret- HRKU- ops_ey age-secret-key-1 AGE-SECRET-KEY-1 "
    "EZAK EZTK duffel_ ion_ key- pubkey- bedrock-api-key- t1."
)
KNOWN: Final = tuple(_BEGINNINGS.split())
"""Prefixes of tokens of known issuers."""
_KNOWN: Final = first_letters_pattern(shortest_words(KNOWN))
_KNOWN_WITHIN: Final = re.compile(rf"[_+/=.~:-](?=({_KNOWN.pattern}))")
_ISSUED: Final = re.compile(rf"[_+/=.~:-](?:{_KNOWN.pattern}|eyJ|AIza|A[KSB]IA|ACCA|A3T)")
"""Signs without which nothing known stands inside a run."""
_KNOWN_SHORTEST: Final = 18
_KNOWN_BACKWARDS: Final = first_letters_pattern(shortest_words([prefix[::-1] for prefix in KNOWN]))
_BEHIND: Final = re.compile(r"[A-Za-z0-9_.~=+/-]{12,200}")
"""⚔ Characters read to recognise a token; its rest is read only then: a run may consist of prefixes alone."""
_REST: Final = re.compile(r"[A-Za-z0-9_.~=+/-]{0,8000}")
_MAX_TRIED: Final = 16
"""Names and signs tried in one run; a random value stands behind the first of them."""
_ASSIGNS: Final = re.compile(
    r"[\w.\-\])](?:\\{0,3}[\"'`])?,?\s{0,3}(?:[:=]{1,3}|=>|\|\|:?=)>?\s{0,3}(?:\\{0,3}[\"'`])?\Z"
)
_ASSIGNS_LONGEST: Final = 24
_BEFORE_VALUE: Final = frozenset(" \t\n\r\"'`:=>")
_SIGN: Final = re.compile(r"[:=]{1,3}")
_KEY: Final = re.compile(r"[A-Za-z_.-]?[\w.-]{1,59}\Z")
_WORD: Final = re.compile(r"[\w/.#~-]")
_SAFE: Final = re.compile(
    r"(?<![a-z])(?:(?:order|ticket|track\w*|sha-?\d*|commit|checksum|hash|digest|integrity|serial|request|invoice|transaction|txn|case|sku|model|reservation|booking|receipt|build|version|revision|etag"
    r"|items?|reference|ref|imei|isbn|u?uid|guid|md5|article|artikel|barcode|upc|shipment|parcel|ean|gtin|trace|span|correlation|ray|event|bestell\w*|vorgangs\w*|rechnungs\w*|sendungs\w*|kunden\w*|auftrags\w*)"
    r"(?: ?(?:number|numbers|no\.?|nr\.?|nummer|id|ids|code|of the download|#))?"
    r"|(?:product|policy|claim|user|account|customer|member|agent|employee|payment|method|record|device|page|message|object) ?(?:number|numbers|no\.?|nr\.?|nummer|id|ids|#))"
    r"[\s:#=]{0,3}(?:is|and|,|at|ist|lautet)?\s?[:=#]?\s?$"
)
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_APART: Final = str.maketrans("_-\"'`\\", "      ")
_PORT: Final = re.compile(r"[0-9]{1,5}(?:/[A-Za-z0-9_.~+/-]*)?")
"""A port with a path behind it, after a host, is no value of a key; `=` or `:` in the path starts a key of its own."""
_HOST: Final = re.compile(r"https?://[A-Za-z0-9.-]{1,253}:\Z")
_HOST_LONGEST: Final = 262
_NAMED: Final = re.compile(
    r"(?P<name>[A-Za-z][A-Za-z0-9]{0,14}(?:[_.-][A-Za-z][A-Za-z0-9]{0,9}){0,3}[_.~-])(?P<rest>[A-Za-z0-9_.~+/=-]{16,4000})"
)
_NUMBERED_WORDS: Final = (
    "id ids order ord item pi ch cus sub in evt req txn tx re pm price prod si ii acct trace span msg run thread case "
    "task ticket invoice inv ref user usr sha sha1 sha256 sha512 md5 commit rev etag build img image file page node "
    "pod job v bucket blob asset chunk main app index bundle vendor style media cache"
)
_NUMBERED: Final = frozenset(_NUMBERED_WORDS.split())
_READ: Final = 4000
_ASSIGNED_SHORTEST, _ASSIGNED_SURE, _ASSIGNED_RANDOM = 12, 15, 12
_LOOSE_SHORTEST, _LOOSE_RANDOM = 20, 18
_SMALL_SHORTEST: Final = 20
_NAMED_RANDOM, _NAMED_LETTERS = 16, 20


def token_runs(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield runs that may be one secret, with their place: twelve or more letters, digits and token signs."""
    for match in _RUN.finditer(f"\n{text}"):  # a pattern that begins with the sign before a run is found fast
        yield match.start(), match.end() - 1, match[1]


def find_tokens(text: str) -> Iterator[Found]:
    """Yield each run that is a secret by itself."""
    for start, end, run in token_runs(text):
        yield from find_issuer_tokens(run, start)
        if may_be_random(run):
            yield from _unknown_tokens(text, start, min(end, start + _READ), run[:_READ])


def find_issuer_tokens(run: str, start: int) -> Iterator[Found]:
    """Yield tokens of known issuers in a run that stands at `start`."""
    if _ISSUED.search(f"-{run}") is None:
        return
    until = 0
    for at, begins in _known_places(run):
        if at < until or (value := _BEHIND.match(run, at + len(begins))) is None:
            continue
        if is_mask(value[0]) or not (is_mixed(value[0]) or is_mixed(begins + value[0]) or is_cased(value[0])):
            continue
        until = _REST.match(run, value.end()).end()  # type: ignore[union-attr]  # it matches the empty text
        size = len(run[at:until].rstrip(".,;"))
        if size >= _KNOWN_SHORTEST:
            yield "prefixed_token", start + at, start + at + size, CREDENTIAL
    for kind, pattern, begins in (
        ("jwt", _JWT, "eyJ"),
        ("aws_access_key", _AWS, "A"),
        ("google_api_key", _GOOGLE, "AIza"),
    ):
        if begins not in run:
            continue
        for match in pattern.finditer(run):
            if match.start() == 0 or not run[match.start() - 1].isalnum():
                yield kind, start + match.start(), start + match.end(), CREDENTIAL


def may_be_backwards(text: str) -> bool:
    """Return whether a known token's prefix occurs in a text backwards."""
    return _signs_backwards(text) is not None or _KNOWN_BACKWARDS.search(text) is not None


_signs_backwards: Final = any_of(("AIKA", "AISA", "AIBA", "ACCA", "T3A", "azIA", "Jye"))


def _known_places(run: str) -> Iterator[tuple[int, str]]:
    first = _KNOWN.match(run)
    if first is not None:
        yield 0, first[0]
    for found in _KNOWN_WITHIN.finditer(run):
        yield found.start() + 1, found[1]


def _unknown_tokens(text: str, start: int, end: int, run: str) -> Iterator[Found]:
    """Yield the secrets of unknown form in a run."""
    first = end - len(run.lstrip(":="))
    before = max(0, first - _ASSIGNS_LONGEST)
    given = first and text[first - 1] in _BEFORE_VALUE and _ASSIGNS.search(text, before, first)
    value_at = first if given else -1
    signs = _SIGN.finditer(text, start, end)
    for _ in range(_MAX_TRIED):
        found = _assigned(text, value_at, end) if 0 <= value_at <= end - _ASSIGNED_SHORTEST else None
        if found is not None:
            yield found
            return
        sign = next(signs, None)
        if sign is None:
            break
        value_at = sign.end() if _KEY.search(text, max(start, sign.start() - 60), sign.start()) else -1
    yield from _unassigned(text, start, run)


def _assigned(text: str, start: int, end: int) -> Found | None:
    """Return a value assigned to a name of any kind: random, no address, not numbered by the desk itself."""
    value = text[start:end].rstrip(".,;:)!?")
    if len(value) < _ASSIGNED_SHORTEST or value[:1] in ".~/+:" or "//" in value or is_ordinary(value):
        return None
    if len(value) < _ASSIGNED_SURE and not is_short_random(value):
        return None
    if randomness(value) < _ASSIGNED_RANDOM or is_mask(value) or is_own_id(value) or is_placeholder(value):
        return None
    harmless = is_numbered(text, start) or _is_port(text, start, value)
    return None if harmless else ("token", start, start + len(value), CREDENTIAL)


def _unassigned(text: str, start: int, run: str) -> Iterator[Found]:
    """Yield random runs without a name before them."""
    for piece in re.finditer(r"[^:]+", run):
        at = start + piece.start()
        value = piece[0].strip("=.-~/+_") if piece.start() == 0 else piece[0].rstrip(".=-~/+_")
        at += piece[0].find(value) if value else 0
        if len(value) < _LOOSE_SHORTEST or (at and _WORD.match(text[at - 1])):
            continue
        if _is_random(value) and not (is_own_id(value) or is_numbered(text, at) or _is_port(text, at, value)):
            whole = piece[0][value_from:] if (value_from := piece[0].find(value)) else piece[0]
            yield "token", at, at + len(whole.rstrip(".")), CREDENTIAL


def _is_random(value: str) -> bool:
    if is_public_identifier(value) or is_ordinary(value) or is_mask(value) or value.startswith("www."):
        return False
    named = _NAMED.fullmatch(value)
    if named is not None:
        names = re.split(r"[_.~-]", named["name"].lower().rstrip("_.~-"))
        if len(names) == 1 and names[0] in _NUMBERED:
            return False
        if not _NUMBERED.intersection(names):
            # A name, a dash, and enough random letters.
            least = _NAMED_RANDOM if any(map(str.isdigit, named["rest"])) else _NAMED_LETTERS
            return randomness(named["rest"]) >= least
    if "/" in value and not _is_one_run(value):
        return False
    large, little = any(map(str.isupper, value)), any(map(str.islower, value))
    if large and little:
        return len(set(value)) >= 12 and sum(map(str.isdigit, value)) >= 2 and randomness(value) >= _LOOSE_RANDOM  # noqa: PLR2004  # as a token of 20 letters has
    least = _SMALL_SHORTEST if little else _LOOSE_SHORTEST
    return any(len(part) >= least and _is_all_random(part) for part in re.split(r"[^A-Za-z0-9]+", value))


def _is_all_random(part: str) -> bool:
    """Return whether a run of one case, with digits, is random from end to end, and no checksum."""
    varied = len(set(part)) >= 12 and sum(map(str.isalpha, part)) >= 6  # noqa: PLR2004  # as a token of 20 letters has
    return varied and randomness(part) == len(part) and not is_public_identifier(part)


def _is_one_run(value: str) -> bool:
    """Return whether slashes stand as in base64, not as in a path: the parts between them are random too."""
    parts = [part for part in value.split("/") if len(part) >= 6]  # noqa: PLR2004  # shorter parts tell nothing
    return bool(parts) and sum(randomness(part) > 0 for part in parts) * 3 >= len(parts) * 2


def is_numbered(text: str, at: int) -> bool:
    """Return whether the words before a value call it a number of something: an order's, a commit's, a parcel's."""
    return _SAFE.search(_CAMEL.sub(" ", text[max(0, at - 48) : at].translate(_APART)).lower()) is not None


def _is_port(text: str, at: int, value: str) -> bool:
    """Return whether a value is the port of an address and its path: read like the same address without one."""
    return _PORT.fullmatch(value) is not None and _HOST.search(text, max(0, at - _HOST_LONGEST), at) is not None
