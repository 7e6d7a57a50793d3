"""How many tokens of shapes that no rule was written for are found: with nothing known of how anybody's tokens begin.

Usage: PYTHONPATH=src python bench/secrets_unseen.py [--known] [--seed N]. The shapes were written down from memory, after the rules; some
rules were changed since then, so this is no part that nobody has seen. Each is drawn by lot, and is of nobody. `find_secrets` is
called as a function; a part of the texts goes through the agents' door, and the last line says how many are treated there just as the function does.
"""

import argparse
import logging
import random
import re
import string
from typing import Final, TypeAlias

from remit.domain.secrets import tokens
from remit.domain.secrets.find import find_secrets
from secret_doors import print_doors

L, U, D, H = string.ascii_lowercase, string.ascii_uppercase, string.digits, "0123456789abcdef"
Shape: TypeAlias = tuple[str | tuple[str, int], ...]
"""What stands there as it is, and so many letters of these."""

SHAPES: Final[dict[str, Shape]] = {
    "algolia": ((L + D, 32),),
    "alibaba": (
        "LTAI",
        (L + D, 20),
    ),
    "asana": ((L + D, 32),),
    "atlassian": ((L + D, 24),),
    "beamer": (
        "b_",
        (L + D + "=_-", 44),
    ),
    "cf37": ((H, 37),),
    "cf40": ((L + D + "_-", 40),),
    "codecov": ((L + D, 32),),
    "coinbase": ((L + D + "_-", 64),),
    "datadog": ((L + D, 40),),
    "discord": ((H, 64),),
    "drone": ((L + D, 32),),
    "dbx long": (
        (L + D, 11),
        "AAAAAAAAAA",
        (L + D + "-_=", 43),
    ),
    "dynatrace": (
        "dt0c01.",
        (L + D, 24),
        ".",
        (L + D, 64),
    ),
    "etsy": ((L + D, 24),),
    "fastly": ((L + D + "=_-", 32),),
    "flutter": (
        "FLWSECK_TEST-",
        (D + "abcdefgh", 32),
        "-X",
    ),
    "frameio": (
        "fio-u-",
        (L + D + "-_=", 64),
    ),
    "infracost": (
        "ico-",
        (L + U + D, 32),
    ),
    "intra42": (
        "s-s4t2ud-",
        (H, 64),
    ),
    "kraken": ((L + D + "/=_+-", 85),),
    "kucoin": ((H, 24),),
    "launchdarkly": ((L + D + "=_-", 40),),
    "linkedinid": ((L + D, 14),),
    "lob": (
        "live_",
        (H, 35),
    ),
    "mapbox": (
        "pk.",
        (L + D, 60),
        ".",
        (L + D, 22),
    ),
    "mattermost": ((L + D, 26),),
    "maxmind": (
        (L + U + D, 6),
        "_",
        (L + U + D, 29),
    ),
    "messagebird": ((L + D, 25),),
    "nr user": (
        "NRAK-",
        (L + D, 27),
    ),
    "nr ins": (
        "NRII-",
        (L + D + "-", 32),
    ),
    "notion": (
        "ntn_",
        (D, 11),
        (L + U + D, 35),
    ),
    "nytimes": ((L + D + "=_-", 32),),
    "octopus": (
        "API-",
        (U + D, 26),
    ),
    "okta": (
        "00",
        (L + U + D + "_=-", 40),
    ),
    "planetscale": (
        "pscale_tkn_",
        (L + D + "=_.-", 43),
    ),
    "rapidapi": ((L + D + "_-", 50),),
    "readme": (
        "rdme_",
        (L + D, 70),
    ),
    "sendbird": ((H, 40),),
    "sib": (
        "xkeysib-",
        (H, 64),
        "-",
        (L + D, 16),
    ),
    "settlemint": (
        "sm_aat_",
        (L + U + D, 16),
    ),
    "sourcegraph": (
        "sgp_",
        (H, 40),
    ),
    "sumo": (
        "su",
        (L + D, 12),
    ),
    "sumot": ((L + D, 64),),
    "trello": ((L + U + D + "-", 32),),
    "twilio": (
        "SK",
        (H, 32),
    ),
    "twit": ((L + D, 25),),
    "twitacc": (
        (D, 18),
        "-",
        (L + U + D, 28),
    ),
    "typeform": (
        "tfp_",
        (L + D + "-_.=", 59),
    ),
    "zendesk": ((L + D, 40),),
    "yandex": (
        "AQVN",
        (L + U + D + "_-", 37),
    ),
    "airtable pat": (
        "pat",
        (L + U + D, 14),
        ".",
        (H, 64),
    ),
    "grafana sa": (
        "glsb_",
        (L + U + D, 32),
        "_",
        (H, 8),
    ),
    "heroku": ((H, 8), "-", (H, 4), "-", (H, 4), "-", (H, 4), "-", (H, 12)),
    "bittrex": ((L + D, 32),),
    "finicity": ((L + D, 20),),
    "freshbooks": ((L + D, 64),),
    "gitter": ((L + D + "_-", 40),),
    "jfrog": ((L + D, 73),),
    "cisco": ((H, 40),),
    "private ai": ((L + D, 32),),
    "squarespace": ((H, 8), "-", (H, 4), "-", (H, 4), "-", (H, 4), "-", (H, 12)),
    "snyk": ((H, 8), "-", (H, 4), "-", (H, 4), "-", (H, 4), "-", (H, 12)),
    "looker": ((L + D, 24),),
    "facebook": ((H, 32),),
    "azure": (
        (L + U + D, 3),
        "8Q~",
        (L + U + D + "_~.-", 34),
    ),
    "clickhouse": (
        "4b1d",
        (L + U + D, 38),
    ),
    "cohere": ((L + U + D, 40),),
    "perplexity": (
        "pplx-",
        (L + U + D, 48),
    ),
    "deepseek": (
        "dsk-",
        (H, 32),
    ),
    "slackhook": (
        "https://hooks.slack.com/services/T",
        (U + D, 10),
        "/B",
        (U + D, 10),
    ),
}
BEHIND: Final = (
    "{name}_key={value} ",
    "{name}: {value} ",
    "token {value} ",
    '"{name}_secret": "{value}" ',
    "{name} = {value} ",
    "{large}_TOKEN={value} ",
    "{name} api key: {value} ",
    "the {name} key is {value} ok",
)
ALONE: Final = ("Here it is: {value} please", "I was told to use {value} for this.", "{value}")
TRIES: Final = 4
DOORS: Final = 100
COVERED: Final = 0.8


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--known", action="store_true", help="with the beginnings of known tokens")
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args()
    if not given.known:
        for name in ("_KNOWN", "_KNOWN_WITHIN", "_AWS", "_GOOGLE"):
            setattr(tokens, name, re.compile(r"(?!)()"))
    logging.disable(logging.CRITICAL)
    lot = random.Random(given.seed)
    texts: list[str] = []
    for where, sayings in (("behind a name or a word", BEHIND), ("alone", ALONE)):
        missed: dict[str, int] = {}
        for name in SHAPES:
            drawn = [_drawn(name, saying, lot) for saying in sayings for _ in range(TRIES)]
            missed[name] = sum(not _found(text, value) for text, value in drawn)
            texts += [text for text, _ in drawn]
        tried = len(SHAPES) * len(sayings) * TRIES
        print(f"{where}: {tried - sum(missed.values())} of {tried} = {1 - sum(missed.values()) / tried:.1%}")
        print(
            "  missed:",
            ", ".join(f"{name} {number}" for name, number in sorted(missed.items(), key=lambda one: -one[1]) if number),
        )
    print_doors(lot.sample(texts, DOORS), officers=False)


def _drawn(name: str, saying: str, lot: random.Random) -> tuple[str, str]:
    value = "".join(
        one if isinstance(one, str) else "".join(lot.choice(one[0]) for _ in range(one[1])) for one in SHAPES[name]
    )
    known = name.replace(" ", "_")
    return f"Hello. {saying.format(name=known, large=known.upper(), value=value)}", value


def _found(text: str, value: str) -> bool:
    start = text.index(value)
    end = start + len(value)
    covered = sum(max(0, min(end, one.end) - max(start, one.start)) for one in find_secrets(text))
    return covered >= len(value) * COVERED


if __name__ == "__main__":
    main()
