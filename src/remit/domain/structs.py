"""Frozen values: the decorator of their classes, and their copy with members changed (docs/decisions/0060).

`structs.pyi` says to type checkers that these are the functions of `dataclasses`, which they behave like.
"""

from remit.domain.struct_classes import replace, struct

__all__ = ["replace", "struct"]
