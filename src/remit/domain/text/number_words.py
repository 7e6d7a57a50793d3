"""Numbers in words of French, Dutch, Spanish, Italian, Portuguese and Polish, as data and one grammar.

English and German are read by `tokens`. A word that is also an everyday one elsewhere counts only beside another of its language.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from remit.domain.structs import struct

_HUNDRED: Final = 100
_THOUSAND: Final = 1000
_TEN: Final = 10


@struct(frozen=True, kw_only=True)
class NumberLanguage:
    """Number words of a language: values, words for hundred and thousand, and joining words."""

    values: Mapping[str, int]
    hundreds: frozenset[str]
    thousands: frozenset[str]
    joins: frozenset[str]


_UNITS: Final = {
    "fr": "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize",
    "nl": "nul een twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien zeventien "
    "achttien negentien",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete "
    "dieciocho diecinueve",
    "it": "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici "
    "diciassette diciotto diciannove",
    "pt": "zero um dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezasseis dezassete dezoito "
    "dezanove",
    "pl": "zero jeden dwa trzy cztery pięć sześć siedem osiem dziewięć dziesięć jedenaście dwanaście trzynaście czternaście "
    "piętnaście szesnaście siedemnaście osiemnaście dziewiętnaście",
}
_TENS: Final = {
    "fr": "vingt trente quarante cinquante soixante septante huitante nonante",
    "nl": "twintig dertig veertig vijftig zestig zeventig tachtig negentig",
    "es": "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    "it": "venti trenta quaranta cinquanta sessanta settanta ottanta novanta",
    "pt": "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa",
    "pl": "dwadzieścia trzydzieści czterdzieści pięćdziesiąt sześćdziesiąt siedemdziesiąt osiemdziesiąt dziewięćdziesiąt",
}
_MORE: Final[Mapping[str, Mapping[str, int]]] = {
    "fr": {"une": 1, "premier": 1, "vingts": 20},
    "nl": {"eerste": 1, "tweede": 2, "derde": 3},
    "es": {
        "un": 1, "una": 1, "primero": 1, "ciento": 100, "cien": 100, "doscientos": 200, "trescientos": 300,
        "cuatrocientos": 400, "quinientos": 500, "seiscientos": 600, "setecientos": 700, "ochocientos": 800,
        "novecientos": 900,
    },
    "it": {"un": 1, "una": 1, "primo": 1},
    "pt": {
        "uma": 1, "duas": 2, "primeiro": 1, "cento": 100, "duzentos": 200, "trezentos": 300, "quatrocentos": 400,
        "quinhentos": 500, "seiscentos": 600, "setecentos": 700, "oitocentos": 800, "novecentos": 900, "dezesseis": 16,
        "dezessete": 17, "dezenove": 19,
    },
    "pl": {
        "jedna": 1, "dwie": 2, "sto": 100, "dwieście": 200, "trzysta": 300, "czterysta": 400, "pięćset": 500, "sześćset": 600,
        "siedemset": 700, "osiemset": 800, "dziewięćset": 900,
    },
}  # fmt: skip
_HUNDREDS: Final = {"fr": "cent cents", "nl": "honderd", "it": "cento"}
_THOUSANDS: Final = {
    "fr": "mille", "nl": "duizend", "es": "mil", "it": "mille mila", "pt": "mil", "pl": "tysiąc tysiące tysięcy",
}  # fmt: skip
_JOINS: Final = {"fr": "et", "nl": "en", "es": "y", "it": "e", "pt": "e", "pl": "i"}
_EVERYDAY: Final = (
    "six cent cents sept une onze elf acht nul een en vier once dos tres diez sei otto due du tre uno un una um sette primo sto dix "
    "premier mil seis dez zero eerste tweede derde nove sete oito cien venti tien zes"
)
"""Words that mean something else in another language, or hardly a number alone."""


def _written_together(language: str, values: Mapping[str, int]) -> Mapping[str, int]:
    """Return the numbers up to 9,000 that a language writes as one word."""
    units = {word: value for word, value in values.items() if 0 < value < _TEN}
    teens = {word: value for word, value in values.items() if 0 < value < 20}  # noqa: PLR2004  # below twenty
    tens = {word: value for word, value in values.items() if 20 <= value < _HUNDRED and value % _TEN == 0}  # noqa: PLR2004  # what the words say
    made: dict[str, int] = {}
    if language == "nl":
        made |= {f"{unit}en{ten}": one + many for unit, one in units.items() for ten, many in tens.items()}
        made |= {f"{word}honderd": value * _HUNDRED for word, value in teens.items()}
        made |= {f"{word}duizend": value * _THOUSAND for word, value in teens.items()}
    elif language == "it":
        for ten, many in tens.items():
            made |= {(ten[:-1] if unit[0] in "uo" else ten) + unit: one + many for unit, one in units.items()}
        made |= {f"{word}cento": value * _HUNDRED for word, value in units.items() if value > 1}
        made |= {f"{word}mila": value * _THOUSAND for word, value in (teens | tens).items() if value > 1}
    elif language == "es":
        made |= {f"veinti{unit}": 20 + one for unit, one in units.items()}
    return made


def number_languages(plain: Callable[[str], str]) -> Sequence[NumberLanguage]:
    """Return the languages' words, in the plain letters of `plain`."""
    found: list[NumberLanguage] = []
    for language, units in _UNITS.items():
        values = {word: value for value, word in enumerate(units.split())}
        values |= {word: value * _TEN for value, word in enumerate(_TENS[language].split(), start=2)}
        values |= _MORE[language]
        values |= _written_together(language, values)
        found.append(
            NumberLanguage(
                values={plain(word): value for word, value in values.items()},
                hundreds=frozenset(map(plain, _HUNDREDS.get(language, "").split())),
                thousands=frozenset(map(plain, _THOUSANDS[language].split())),
                joins=frozenset(_JOINS[language].split()),
            )
        )
    return tuple(found)


def everyday_number_words(plain: Callable[[str], str]) -> frozenset[str]:
    """Return the words that count as numbers only beside another of their language."""
    return frozenset(map(plain, _EVERYDAY.split()))


def read_number(language: NumberLanguage, words: Sequence[str]) -> tuple[int, int]:
    """Return how many of some neighbouring words are one number of a language, and its value; 0 words for none."""
    total = group = taken = 0
    room: int = _THOUSAND
    for place, word in enumerate(words):
        value = language.values.get(word)
        if word in language.joins and taken:
            continue
        if word in language.thousands:
            total, group, room = total + (group or 1) * _THOUSAND, 0, _THOUSAND
        elif word in language.hundreds and group < _HUNDRED:
            group, room = (group or 1) * _HUNDRED, _HUNDRED
        elif value == 20 and group % _HUNDRED == 4 and "vingts" in language.values:  # noqa: PLR2004  # quatre-vingts
            group, room = group + 76, 20
        elif value is not None and value < room and (value or not taken):
            group, room = group + value, _room(language, value)
        else:
            break
        taken = place + 1
        if not room:
            break
    return taken, total + group


def _room(language: NumberLanguage, value: int) -> int:
    """Return below what a following number may still be added."""
    if value >= _HUNDRED:
        return _HUNDRED if value % _HUNDRED == 0 else 0
    if value in {10, 60} and "vingts" in language.values:  # dix-sept, soixante-douze
        return 20 if value == 60 else _TEN  # noqa: PLR2004  # what the words say
    return _TEN if value >= 20 and value % _TEN == 0 else 1  # noqa: PLR2004  # what the words say
