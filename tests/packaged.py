"""What Remit brings along as data, read once for the tests of what is handed it."""

from typing import Final

from remit.adapters.files.frameworks import read_frameworks
from remit.adapters.files.vocabulary import read_vocabulary

ENGLISH: Final = read_vocabulary("en")
FRAMEWORKS: Final = read_frameworks()
