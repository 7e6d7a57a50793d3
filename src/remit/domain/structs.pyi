# Type checkers know dataclasses best: they check the members given to a class and to `replace`.
from dataclasses import dataclass as struct
from dataclasses import replace

__all__ = ["replace", "struct"]
