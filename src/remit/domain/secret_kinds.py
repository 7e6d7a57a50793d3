"""What a finding is, and so what may be kept of it.

The words that the modules which look for secrets share; looking is theirs.
"""

from enum import StrEnum
from typing import Final, TypeAlias


class SecretClass(StrEnum):
    """What a finding is, and so what may be kept of it.

    Only a `credential` may leave a keyed fingerprint: everything else can be guessed back from one.
    """

    CONTACT = "contact"
    CREDENTIAL = "credential"
    GUESSABLE = "guessable"
    PERSONAL = "personal"


Found: TypeAlias = tuple[str, int, int, SecretClass]
"""Kind, start, end, class."""

CREDENTIAL: Final = SecretClass.CREDENTIAL
GUESSABLE: Final = SecretClass.GUESSABLE
PERSONAL: Final = SecretClass.PERSONAL
