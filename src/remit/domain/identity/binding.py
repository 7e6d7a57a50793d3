"""The binding of a grant, its task and its tokens: a key that the agent proves, or the token family of a visitor.

A key's binding is its RFC 7638 thumbprint. A visitor has no key: what it holds are the tokens of one family, which
nothing but the customer's code and the desk's own answers give out.
"""

from typing import Final

_FAMILY: Final = "family:"


def family_binding(family_id: str) -> str:
    """Return the binding of a grant to a token family."""
    return f"{_FAMILY}{family_id}"


def bound_family(binding: str) -> str:
    """Return the token family of a binding; "" where it is a key."""
    return binding.removeprefix(_FAMILY) if binding.startswith(_FAMILY) else ""
